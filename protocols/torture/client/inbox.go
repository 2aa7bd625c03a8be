package client

import (
	"sync"
	"time"
)

// inbox keeps what a library said until it is asked for. A library that could not get rid of a
// message would stop reading, and never come to the confirmation that somebody waits for.
type inbox struct {
	mu     sync.Mutex
	events []Event
	err    error         // why there will be no more
	signal chan struct{} // has room for one: something is there
}

func newInbox() *inbox { return &inbox{signal: make(chan struct{}, 1)} }

func (b *inbox) push(e Event) {
	b.mu.Lock()
	b.events = append(b.events, e)
	b.mu.Unlock()
	b.wake()
}

// fail ends the events with an error. The first one counts.
func (b *inbox) fail(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	b.mu.Unlock()
	b.wake()
}

func (b *inbox) wake() {
	select {
	case b.signal <- struct{}{}:
	default:
	}
}

// take returns the next event, or the error behind the last.
func (b *inbox) take() (e Event, ok bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) == 0 {
		return Event{}, false, b.err
	}
	e = b.events[0]
	b.events = b.events[1:]
	return e, true, nil
}

// next waits for an event; ErrIdle if none came in time.
func (b *inbox) next(wait time.Duration) (Event, error) {
	late := time.NewTimer(wait)
	defer late.Stop()
	for {
		if e, ok, err := b.take(); ok || err != nil {
			return e, err
		}
		select {
		case <-b.signal:
		case <-late.C:
			return Event{}, ErrIdle
		}
	}
}
