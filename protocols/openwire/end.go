package openwire

import (
	"context"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
)

// partingTime is how long a client that does not read, or a store that is behind, may hold up the
// end of a connection.
const partingTime = 5 * time.Second

// end closes what is left of the connection. If it ends in order, what the client sent takes
// effect first and is confirmed to it.
func (c *connection) end(ctx context.Context) {
	c.beat.Stop()
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
		c.catchUpLast(ctx, core)
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

// barrier is a point in the order of confirmations that somebody waits for.
type barrier struct {
	mu      sync.Mutex
	number  int32
	reached chan struct{}
}

// raise returns the number of a new barrier, and what is closed when it is reached.
func (b *barrier) raise() (int32, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.number++
	b.reached = make(chan struct{})
	return b.number, b.reached
}

func (b *barrier) reach(number int32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if number == b.number && b.reached != nil {
		close(b.reached)
		b.reached = nil
	}
}

// catchUp waits until what the client has sent has taken effect, but for what waits for space.
func (c *connection) catchUp(ctx context.Context, core *broker.Connection) {
	n, reached := c.barrier.raise()
	core.Confirm(token(parting, 0, n))
	c.await(ctx, core, reached)
}

// catchUpLast is catchUp for the end, which waits for all.
func (c *connection) catchUpLast(ctx context.Context, core *broker.Connection) {
	n, reached := c.barrier.raise()
	core.ConfirmLast(token(parting, 0, n))
	c.await(ctx, core, reached)
}

func (c *connection) await(ctx context.Context, core *broker.Connection, reached <-chan struct{}) {
	core.Flush()
	c.out.Wake()
	wait(ctx, reached, c.out.Done())
	c.sent = false
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
