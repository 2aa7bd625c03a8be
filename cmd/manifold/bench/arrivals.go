package bench

import (
	"context"
	"sync/atomic"
	"time"
)

// arrivals counts the messages that came to all consumers, each once, and wakes whoever waits for
// the last.
type arrivals struct {
	count atomic.Uint64
	owed  atomic.Uint64 // unknown while 0
	last  atomic.Int64  // when the newest came, in nanoseconds since the run began
	woken chan struct{} // has room for one
}

// add counts n messages that came at now.
func (a *arrivals) add(n uint64, now int64) {
	sum := a.count.Add(n)
	a.last.Store(now)
	if owed := a.owed.Load(); owed > 0 && sum >= owed {
		select {
		case a.woken <- struct{}{}:
		default:
		}
	}
}

// await blocks until so many messages have come, or none for so long as stall, or ctx ends.
func (a *arrivals) await(ctx context.Context, owed uint64, stall time.Duration) {
	a.owed.Store(owed)
	before := a.count.Load()
	if before >= owed {
		return
	}
	patience := time.NewTimer(stall)
	defer patience.Stop()
	for {
		select {
		case <-a.woken:
			return
		case <-ctx.Done():
			return
		case <-patience.C:
			now := a.count.Load()
			if now == before {
				return
			}
			before = now
			patience.Reset(stall)
		}
	}
}
