package stomp

import (
	"context"
	"time"

	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// How long a client that does not read, or a store that is behind, may hold up the end of a
// subscription and of a connection.
const (
	unsubscribeTime = 2 * time.Second
	partingTime     = 5 * time.Second
)

// end closes what is left of the connection. If it ends in order, what the client sent takes
// effect first and is confirmed to it.
func (c *connection) end(ctx context.Context) {
	c.beat.Stop()
	done := false
	if c.core != nil {
		done = c.endCore(ctx)
	}
	if !c.leaving {
		_ = c.net.Close()
		return
	}
	if c.receipt && done {
		c.out.Raw(frame.AppendReceipt(nil, c.version, c.parting))
	}
	c.out.Closed(nil)
	c.out.Wake()
	if wait(ctx, c.out.Done(), nil) {
		_ = c.net.CloseGently()
		return
	}
	_ = c.net.Close()
}

// endCore ends the connection with the core. It reports whether all that the client sent was
// settled before. Whoever gets the receipt of a DISCONNECT can use its client identifier again.
func (c *connection) endCore(ctx context.Context) (settled bool) {
	defer c.core.Close()
	for _, s := range c.acked {
		s.settleAcks()
	}
	for _, s := range c.byIndex {
		s.stop()
	}
	if c.leaving {
		c.settled = make(chan struct{})
		c.core.Confirm(c.receipts.add(pending{last: true}))
		c.core.Flush()
		c.out.Wake()
		settled = wait(ctx, c.settled, c.out.Done())
	}
	for _, s := range c.byIndex {
		s.finish()
	}
	return settled
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
