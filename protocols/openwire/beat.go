package openwire

import (
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols"
)

// beat sends a KeepAliveInfo whenever nothing else was written for an interval.
type beat struct {
	out   *protocols.Outbox
	every time.Duration
	frame []byte

	mu    sync.Mutex
	timer *time.Timer // nil: stopped
}

func startBeat(out *protocols.Outbox, every time.Duration, frame []byte) *beat {
	b := &beat{out: out, every: every, frame: frame}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(every, b.tick)
	return b
}

// tick sends the command if it is time for one. While a write is under way it is not.
func (b *beat) tick() {
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
