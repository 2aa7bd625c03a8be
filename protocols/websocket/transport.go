package websocket

import (
	"net"
	"sync"
	"time"
)

// transport is the connection below the library's. Both the library, for its control messages,
// and the protocol inside limit the time of a write; the earlier end holds.
type transport struct {
	net.Conn
	mu      sync.Mutex
	library time.Time
	limit   time.Time
	corked  *[]byte // gathers what is written; nil: it is written at once
}

// keepCork is the largest buffer that is kept for others.
const keepCork = 256 << 10

// cork gathers what is written in a buffer, until uncork.
func (t *transport) cork(buffer *[]byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	*buffer = (*buffer)[:0]
	t.corked = buffer
}

// uncork writes what was gathered, and what control messages are added meanwhile: they don't wait
// for a client that does not read.
func (t *transport) uncork() error {
	var spare []byte
	var err error
	for {
		t.mu.Lock()
		b := *t.corked
		if len(b) == 0 || err != nil {
			t.corked = nil
			t.mu.Unlock()
			return err
		}
		*t.corked = spare[:0]
		t.mu.Unlock()
		_, err = t.Conn.Write(b)
		spare = b
	}
}

// Write implements net.Conn.
func (t *transport) Write(b []byte) (int, error) {
	t.mu.Lock()
	if t.corked == nil {
		t.mu.Unlock()
		return t.Conn.Write(b)
	}
	*t.corked = append(*t.corked, b...)
	t.mu.Unlock()
	return len(b), nil
}

// SetWriteDeadline implements net.Conn for the library.
func (t *transport) SetWriteDeadline(d time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.corked != nil || t.library.Equal(d) {
		return nil // nothing is written by the library itself, or as with each message
	}
	t.library = d
	return t.apply()
}

// limitWrites is SetWriteDeadline for the protocol inside; it also ends a write under way.
func (t *transport) limitWrites(d time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limit = d
	return t.apply()
}

func (t *transport) apply() error {
	d := t.library
	if d.IsZero() || !t.limit.IsZero() && t.limit.Before(d) {
		d = t.limit
	}
	return t.Conn.SetWriteDeadline(d)
}
