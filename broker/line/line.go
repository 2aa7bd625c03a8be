// Package line takes things where locks are held and hands them on where none is.
package line

import (
	"sync"
	"sync/atomic"
)

// Line hands things to a function, one after the other and in their order, on a goroutine that it
// has while there are any. It may be used by many goroutines at once.
type Line[T any] struct {
	fn    func(T)
	size  func(T) int64
	most  Bounds
	held  atomic.Int64 // bytes of what is not handed on yet
	mu    sync.Mutex
	list  []T
	busy  bool
	idle  chan struct{} // closed when nothing is left; nil if nobody waits
	over  bool
	lost  int64
	spare []T
}

// Bounds say how much a line holds.
type Bounds struct {
	Things int
	Bytes  int64 // of them together; one alone may be larger
}

// New returns a line with bounds: what comes beyond one of them is dropped. size says how many bytes of
// memory a thing keeps; it may be called with locks held. fn runs with no lock held, and never twice at
// once.
func New[T any](most Bounds, size func(T) int64, fn func(T)) *Line[T] {
	return &Line[T]{fn: fn, size: size, most: most}
}

// Put adds a thing. It never blocks, and may be called with locks held.
func (l *Line[T]) Put(x T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	size, held := l.size(x), l.held.Load()
	if l.over || len(l.list) >= l.most.Things || size > 0 && held > 0 && held+size > l.most.Bytes {
		l.lost++
		return
	}
	l.held.Add(size)
	l.list = append(l.list, x)
	if !l.busy {
		l.busy = true
		go l.run()
	}
}

// Lost returns how many things were dropped.
func (l *Line[T]) Lost() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Close takes nothing more and returns when all that was taken is handed on. It must not be called
// by the function.
func (l *Line[T]) Close() {
	l.mu.Lock()
	l.over = true
	if !l.busy {
		l.mu.Unlock()
		return
	}
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	idle := l.idle
	l.mu.Unlock()
	<-idle
}

func (l *Line[T]) run() {
	for {
		l.mu.Lock()
		if len(l.list) == 0 {
			l.busy = false
			if l.idle != nil {
				close(l.idle)
				l.idle = nil
			}
			l.mu.Unlock()
			return
		}
		list := l.list
		l.list = l.spare[:0]
		l.mu.Unlock()
		var none T
		for i := range list {
			x := list[i]
			list[i] = none
			l.fn(x)
			l.held.Add(-l.size(x))
		}
		l.spare = nil
		if cap(list) <= 1024 {
			l.spare = list
		}
	}
}
