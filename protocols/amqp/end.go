package amqp

import (
	"context"
	"time"
)

// partingTime is how long a client that does not read, or a store that is behind, may hold up the
// end of a connection.
const partingTime = 5 * time.Second

// end closes what is left of the connection. If it ends in order, what the client sent takes
// effect first, and it hears of that before close.
func (c *connection) end() {
	c.beat.Stop()
	if c.core != nil {
		c.endCore()
	}
	if !c.leaving {
		_ = c.net.Close()
		return
	}
	if c.core != nil && !c.closing {
		c.out.Own(closeItem{})
	}
	c.out.Closed(nil)
	c.out.Wake()
	if wait(c.ctx, c.out.Done(), nil) {
		_ = c.net.CloseGently()
		return
	}
	_ = c.net.Close()
}

// endCore ends the connection with the core.
func (c *connection) endCore() {
	defer c.core.Close()
	c.flush()
	if c.leaving && !c.closing {
		c.settled = make(chan struct{})
		c.core.Confirm(c.token(func(dst []byte, err error) []byte {
			close(c.settled)
			return dst
		}))
		c.core.Flush()
		c.out.Wake()
		wait(c.ctx, c.settled, c.out.Done())
	}
	for _, s := range c.sessions {
		s.quiet()
	}
	for _, s := range c.sessions {
		s.close()
	}
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
