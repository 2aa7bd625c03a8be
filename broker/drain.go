package broker

import (
	"context"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
)

// Drain stops dispatch for good and returns when consumers have settled what they were sent
// and everything that producers sent is on disk, or with ctx's end. Deactivate is to follow.
func (b *Broker) Drain(ctx context.Context) error {
	if b.Role() != Active {
		return nil
	}
	for _, d := range b.Destinations() {
		for _, q := range d.holders() {
			q.Pause()
		}
	}
	for _, s := range b.allSessions() {
		s.queue.Pause()
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for b.underWay() {
		select {
		case <-ctx.Done():
			return fault.Wrap(fault.Timeout, "drain", b.Name, ctx.Err())
		case <-tick.C:
		}
	}
	return b.store.Sync(ctx)
}

// underWay reports whether a client has something unsettled or unconfirmed.
func (b *Broker) underWay() bool {
	busy := false
	b.Connections(func(c *Connection) {
		busy = busy || c.inflight.Load() > 0 || c.hasUnsettled()
	})
	return busy
}
