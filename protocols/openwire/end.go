package openwire

import (
	"context"
	"time"
)

// partingTime is how long a client that does not read, or a store that is behind, may hold up the
// end of a connection.
const partingTime = 5 * time.Second

// end closes what is left of the connection. If it ends in order, what the client sent takes
// effect first and is confirmed to it.
func (c *connection) end(ctx context.Context) {
	c.beat.stop()
	if c.core != nil {
		c.endCore(ctx)
	}
	if !c.leaving {
		_ = c.net.Close()
		return
	}
	c.out.Closed(nil)
	c.out.Wake()
	if wait(ctx, c.out.Done(), nil) {
		_ = c.net.CloseGently()
		return
	}
	_ = c.net.Close()
}

// endCore ends the connection with the core. What the client was sent and did not acknowledge
// goes back counted: it may have seen all of it.
func (c *connection) endCore(ctx context.Context) {
	core := c.core
	c.core = nil
	defer c.p.leave(c.id, c)
	defer core.Close()
	c.settleAcks()
	for _, s := range c.consumers {
		s.stop()
	}
	if c.leaving {
		c.settled = make(chan struct{})
		core.Confirm(token(parting, 0, 0))
		core.Flush()
		c.out.Wake()
		wait(ctx, c.settled, c.out.Done())
	} else {
		core.Flush()
	}
	for k, s := range c.consumers {
		delete(c.consumers, k)
		s.finish(unknownDelivered)
	}
	for k, p := range c.producers {
		delete(c.producers, k)
		c.closeProducer(p, c.leaving)
	}
	c.closeSenders()
	c.p.advisor.disconnected(c)
}

// wait returns true when the channel wanted is closed, and false when it can't be any more, or
// the time for parting or ctx is over.
func wait(ctx context.Context, wanted, inVain <-chan struct{}) bool {
	timer := time.NewTimer(partingTime)
	defer timer.Stop()
	select {
	case <-wanted:
		return true
	case <-inVain:
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
