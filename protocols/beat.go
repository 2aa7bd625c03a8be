package protocols

import (
	"sync"
	"time"
)

// Beat shows a client that the broker is alive: it sends a frame whenever nothing else was written
// for an interval.
type Beat struct {
	out   *Outbox
	every time.Duration
	frame []byte

	mu    sync.Mutex
	timer *time.Timer // nil: stopped
}

// StartBeat starts to send frame through out. Nobody may change the frame any more.
func StartBeat(out *Outbox, every time.Duration, frame []byte) *Beat {
	b := &Beat{out: out, every: every, frame: frame}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(every, b.tick)
	return b
}

// tick sends the frame if it is time for one. While a write is under way it is not.
func (b *Beat) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer == nil {
		return
	}
	idle := b.out.IdleFor(time.Now().UnixMilli())
	if idle >= b.every-b.every/10 {
		b.out.Raw(b.frame)
		b.out.Wake()
		idle = 0
	}
	b.timer.Reset(b.every - max(idle, 0))
}

// Stop ends it. It does nothing where there is none.
func (b *Beat) Stop() {
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
