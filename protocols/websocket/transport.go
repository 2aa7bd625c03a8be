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
}

// SetWriteDeadline implements net.Conn for the library.
func (t *transport) SetWriteDeadline(d time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.library.Equal(d) {
		return nil // as with each message
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
