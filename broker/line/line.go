// Package line takes things where locks are held and hands them on where none is.
package line

import "sync"

// Line hands things to a function, one after the other and in their order, on a goroutine that it
// has while there are any. It may be used by many goroutines at once.
type Line[T any] struct {
	fn    func(T)
	most  int
	mu    sync.Mutex
	list  []T
	busy  bool
	idle  chan struct{} // closed when nothing is left; nil if nobody waits
	over  bool
	lost  int64
	spare []T
}

// New returns a line that holds at most so many things: what comes beyond that is dropped. fn runs
// with no lock held, and never twice at once.
func New[T any](most int, fn func(T)) *Line[T] { return &Line[T]{fn: fn, most: most} }

// Put adds a thing. It never blocks, and may be called with locks held.
func (l *Line[T]) Put(x T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || len(l.list) >= l.most {
		l.lost++
		return
	}
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
		for i := range list {
			l.fn(list[i])
		}
		clear(list)
		l.spare = nil
		if cap(list) <= 1024 {
			l.spare = list
		}
	}
}
