package stomp

import (
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols"
)

// beat sends an end of line whenever nothing else was written for an interval.
type beat struct {
	out   *protocols.Outbox
	every time.Duration

	mu    sync.Mutex
	timer *time.Timer // nil: stopped
}

// startBeat starts heart-beats towards a client.
func startBeat(out *protocols.Outbox, every time.Duration) *beat {
	b := &beat{out: out, every: every}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(every, b.tick)
	return b
}

// tick sends a heart-beat if it is time for one. While a write is under way it is not.
func (b *beat) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer == nil {
		return
	}
	idle := b.out.IdleFor(time.Now().UnixMilli())
	if idle >= b.every-b.every/10 {
		b.out.Raw([]byte{'\n'})
		b.out.Wake()
		idle = 0
	}
	b.timer.Reset(b.every - max(idle, 0))
}

// stop ends heart-beats. It does nothing where there are none.
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
