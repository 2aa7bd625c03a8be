package amqp

import (
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
)

// beat sends an empty frame whenever nothing else was written for an interval. [AMQP 2.4.5]
type beat struct {
	out   *protocols.Outbox
	every time.Duration

	mu    sync.Mutex
	timer *time.Timer // nil: stopped
}

// startBeat starts to show the client that we are alive.
func startBeat(out *protocols.Outbox, every time.Duration) *beat {
	b := &beat{out: out, every: every}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(every, b.tick)
	return b
}

// tick sends an empty frame if it is time for one. While a write is under way it is not.
func (b *beat) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer == nil {
		return
	}
	idle := b.out.IdleFor(time.Now().UnixMilli())
	if idle >= b.every-b.every/10 {
		b.out.Raw(frame.AppendEmpty(nil))
		b.out.Wake()
		idle = 0
	}
	b.timer.Reset(b.every - max(idle, 0))
}

// stop ends it. It does nothing where there is none.
func (b *beat) stop() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
}
