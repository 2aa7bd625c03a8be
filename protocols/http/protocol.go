package httpd

import (
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/manifoldmq/manifold/protocols"
)

// Protocol returns the server as a protocol of the listeners, where it is also found among
// others by its first bytes.
func (s *Server) Protocol() protocols.Protocol { return protocol{s} }

type protocol struct{ s *Server }

// Name implements protocols.Protocol.
func (protocol) Name() string { return "http" }

// Detect implements protocols.Protocol.
func (protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectHTTP(prefix) }

// Serve implements protocols.Protocol.
func (p protocol) Serve(ctx context.Context, conn *protocols.Conn) {
	t := &tracked{Conn: conn, done: make(chan struct{}), upgraded: make(chan struct{})}
	stop := context.AfterFunc(ctx, func() { _ = t.Close() })
	defer stop()
	l := &single{conn: t, closed: make(chan struct{})}
	_ = p.s.http.Serve(l) // ends with net.ErrClosed when the connection does, or as the server does
	if !l.taken {
		return
	}
	select {
	case <-t.upgraded:
		t.next(ctx)
		_ = t.Close()
	case <-t.done:
	}
}

// tracked is a connection whose end can be waited for.
type tracked struct {
	*protocols.Conn
	once sync.Once
	done chan struct{}

	upgraded chan struct{}         // closed when the connection speaks something else than HTTP,
	next     func(context.Context) // which this serves
}

// Close implements net.Conn.
func (t *tracked) Close() error {
	err := t.Conn.Close()
	t.once.Do(func() { close(t.done) })
	return err
}

// single is a listener that has one connection to give, and ends with it.
type single struct {
	conn   *tracked
	taken  bool // Serve's goroutine only
	once   sync.Once
	closed chan struct{}
}

// Accept implements net.Listener.
func (l *single) Accept() (net.Conn, error) {
	if !l.taken {
		l.taken = true
		return l.conn, nil
	}
	select {
	case <-l.conn.done:
	case <-l.conn.upgraded:
	case <-l.closed:
	}
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (l *single) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }

type connKey struct{}

func connContext(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tracked); ok {
		return context.WithValue(ctx, connKey{}, t)
	}
	return ctx
}

// trackedOf returns the listener's connection that a request came by; nil: it came to the
// server's own address.
func trackedOf(r *http.Request) *tracked {
	t, _ := r.Context().Value(connKey{}).(*tracked)
	return t
}

// admitted ends the limits that hold for a connection that has not said anything sensible: its
// first request has been read. From here on the limits on requests hold.
func admitted(r *http.Request) {
	if t := trackedOf(r); t != nil {
		t.LoggedIn()
	}
}
