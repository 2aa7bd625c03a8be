package queue

import "sync/atomic"

// Memory accounts for the bytes of messages in memory, over all queues.
type Memory struct {
	limit atomic.Int64
	used  atomic.Int64
	freed atomic.Pointer[func()]
	full  atomic.Bool
}

// NewMemory returns an account with a limit in bytes.
func NewMemory(limit int64) *Memory {
	m := new(Memory)
	m.limit.Store(limit)
	return m
}

// SetLimit changes the limit.
func (m *Memory) SetLimit(n int64) { m.limit.Store(n) }

// Limit returns the limit in bytes.
func (m *Memory) Limit() int64 { return m.limit.Load() }

// Used returns the bytes in use.
func (m *Memory) Used() int64 { return m.used.Load() }

// Add accounts for n more bytes, or fewer when negative.
func (m *Memory) Add(n int64) {
	used := m.used.Add(n)
	if n < 0 && m.full.Load() && used < m.limit.Load()*9/10 && m.full.CompareAndSwap(true, false) {
		if fn := m.freed.Load(); fn != nil {
			(*fn)()
		}
	}
}

// Full reports whether the limit is reached, and if so, that OnFreed's function is to be
// called when a tenth of it is free again.
func (m *Memory) Full() bool {
	if m.used.Load() < m.limit.Load() {
		return false
	}
	m.full.Store(true)
	return true
}

// OnFreed sets the function that is called when memory that was full is free again. It may be
// called with locks held and must not block.
func (m *Memory) OnFreed(fn func()) { m.freed.Store(&fn) }

// window returns how many bytes a queue may keep in memory of what waits: much while memory
// is plentiful, little when more than half of it is taken, and nothing when it gets tight:
// arrivals then go to the store alone, so that however many queues there are, memory does not
// fill with what nobody asks for.
func (m *Memory) window() int64 {
	used, limit := m.used.Load(), m.limit.Load()
	switch {
	case used > limit-limit/4:
		return 0
	case used > limit/2:
		return smallWindow
	}
	return min(largeWindow, limit/16)
}

const (
	smallWindow = 256 << 10
	largeWindow = 16 << 20
	// unstoredFactor is how much larger the window is for messages that would have to be
	// written first: those that are stored already cost only the reading.
	unstoredFactor = 8
)
