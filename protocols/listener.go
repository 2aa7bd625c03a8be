package protocols

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// How long the listener waits before it accepts again after an error.
const (
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

// Listener is one address that clients connect to.
type Listener struct {
	s       *Server
	o       ListenerOptions
	trusted []netip.Prefix // nil: every peer
	log     *slog.Logger

	certificates atomic.Pointer[certificates] // nil: no TLS
	max          atomic.Int64                 // connections; 0: no limit
	open         atomic.Int64
	accepted     atomic.Int64
	refused      atomic.Int64

	mu      sync.Mutex
	address string // as first bound
	socket  net.Listener
	stop    chan struct{} // closed when socket is
	ended   chan struct{} // closed when nobody accepts at socket any more; nil: nobody did

	accepting quiet // log lines about failures to accept
	limited   quiet // about connections over a limit
	strange   quiet // about connections that end before the protocol is known
}

// ListenerStats count the connections of a listener.
type ListenerStats struct {
	Open     int64 // now
	Accepted int64 // since the start, the refused ones included
	Refused  int64 // over a limit, or without a protocol that is served
}

// newListener checks options and reads certificates.
func newListener(s *Server, o ListenerOptions) (*Listener, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	l := &Listener{s: s, o: o, address: o.Address, log: s.log.With("listener", o.Name)}
	l.max.Store(int64(o.MaxConnections))
	if len(o.TrustedProxies) > 0 {
		var err error
		if l.trusted, err = networks(o.TrustedProxies); err != nil {
			return nil, fmt.Errorf("listener %s: %w", o.Name, err)
		}
	}
	if o.TLS != nil {
		c, err := newCertificates(*o.TLS, time.Now())
		if err != nil {
			return nil, fmt.Errorf("listener %s: %w", o.Name, err)
		}
		l.certificates.Store(c)
	}
	return l, nil
}

// Name returns the listener's name.
func (l *Listener) Name() string { return l.o.Name }

// Addr returns the address that the listener is bound to, or nil while it is closed.
func (l *Listener) Addr() net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket == nil {
		return nil
	}
	return l.socket.Addr()
}

// Stats returns the listener's counters.
func (l *Listener) Stats() ListenerStats {
	return ListenerStats{Open: l.open.Load(), Accepted: l.accepted.Load(), Refused: l.refused.Load()}
}

// bind opens the socket; fresh is false if it was open.
func (l *Listener) bind(ctx context.Context) (fresh bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.socket != nil {
		return false, nil
	}
	socket, err := l.s.listen(ctx, "tcp", l.address)
	if err != nil {
		return false, bindError(l.o.Name, l.address, err)
	}
	l.socket, l.stop, l.ended = socket, make(chan struct{}), nil
	if tcp, ok := socket.Addr().(*net.TCPAddr); ok {
		host, _, _ := net.SplitHostPort(l.o.Address) // as checked
		l.address = net.JoinHostPort(host, fmt.Sprint(tcp.Port))
	}
	return true, nil
}

// start begins to accept; the socket is open.
func (l *Listener) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = make(chan struct{})
	go l.accept(l.socket, l.stop, l.ended)
}

// unbind closes the socket and waits until nobody accepts at it.
func (l *Listener) unbind() {
	l.mu.Lock()
	socket, ended := l.socket, l.ended
	if socket != nil {
		close(l.stop)
		_ = socket.Close()
		l.socket = nil
	}
	l.mu.Unlock()
	if socket != nil && ended != nil {
		<-ended
	}
}

// accept takes connections until stop. An error, such as a lack of descriptors, makes it wait a
// little, longer each time; clients meanwhile wait in the system's queue.
func (l *Listener) accept(socket net.Listener, stop, ended chan struct{}) {
	defer close(ended)
	pause := time.NewTimer(0)
	defer pause.Stop()
	var wait time.Duration
	for {
		c, err := socket.Accept()
		if err == nil {
			wait = 0
			l.take(c)
			continue
		}
		select {
		case <-stop:
			return
		default:
		}
		if errors.Is(err, net.ErrClosed) {
			l.log.Error("listener closed unexpectedly", "error", err)
			return
		}
		wait = min(max(2*wait, acceptPause), acceptPauseMax)
		l.logAccept(err)
		pause.Reset(wait)
		select {
		case <-stop:
			return
		case <-pause.C:
		}
	}
}

func (l *Listener) logAccept(err error) {
	left, ok := l.accepting.allow(time.Now())
	if !ok {
		return
	}
	text := "connections can't be accepted, trying again"
	if isExhausted(err) {
		text = "connections can't be accepted: out of file descriptors or memory, trying again; the limit of open files may be too low"
	}
	l.log.Error(text, "error", err, "unlogged", left)
}

// take counts an accepted connection and begins to serve it, or closes it.
func (l *Listener) take(c net.Conn) {
	l.accepted.Add(1)
	if err := l.enter(); err != nil {
		l.refused.Add(1)
		l.logLimit(c, err)
		_ = c.Close()
		return
	}
	if !l.s.add(c) {
		l.leave()
		_ = c.Close()
		return
	}
	go func() {
		defer l.s.remove(c)
		defer l.leave()
		l.serve(l.s.ctx, c)
	}()
}

// enter counts a connection, or says why it is one too many.
func (l *Listener) enter() error {
	if n, limit := l.open.Add(1), l.max.Load(); limit > 0 && n > limit {
		l.open.Add(-1)
		return fmt.Errorf("%d connections are open, which is the listener's max_connections", limit)
	}
	if err := l.s.admission.enter(); err != nil {
		l.open.Add(-1)
		return err
	}
	return nil
}

// leave ends what enter began.
func (l *Listener) leave() {
	l.s.admission.leave()
	l.open.Add(-1)
}

func (l *Listener) logLimit(c net.Conn, err error) {
	if left, ok := l.limited.allow(time.Now()); ok {
		l.log.Warn("connection refused", "remote", c.RemoteAddr(), "error", err, "unlogged", left)
	}
}
