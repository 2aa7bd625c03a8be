package protocols

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"
)

// Server accepts connections at its listeners and serves them. Its methods may be called from
// any goroutine.
//
// It begins with its listeners closed; Listen opens them, Pause closes them again and leaves the
// connections alone, Drain waits for the connections, Close ends everything.
type Server struct {
	listeners []*Listener
	admission *admission
	log       *slog.Logger
	proxy     func(net.Conn) bool
	listen    func(ctx context.Context, network, address string) (net.Listener, error)

	ctx    context.Context // of all connections
	cancel context.CancelFunc
	wg     sync.WaitGroup // handlers

	switching sync.Mutex // one of Listen, Pause, Reload and Close at a time

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]struct{} // as accepted
	empty  chan struct{}         // if somebody waits: closed when open is empty
}

// New returns a server that does not listen yet. It checks the options and reads certificates.
func New(o Options) (*Server, error) {
	s := &Server{
		admission: newAdmission(o.Limits), log: o.Log, proxy: o.Proxy, listen: o.Listen,
		open: make(map[net.Conn]struct{}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.listen == nil {
		s.listen = listenTCP
	}
	names := make(map[string]bool, len(o.Listeners))
	for _, lo := range o.Listeners {
		l, err := newListener(s, lo)
		if err != nil {
			return nil, err
		}
		if names[lo.Name] {
			return nil, fmt.Errorf("listener %s: there are two of this name", lo.Name)
		}
		names[lo.Name] = true
		s.listeners = append(s.listeners, l)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Listeners returns the listeners in the order of the options.
func (s *Server) Listeners() []*Listener { return s.listeners }

// Listen opens all listeners that are closed and begins to accept connections. If one can't be
// opened, those that it has opened are closed again; see [ErrAddressInUse]. After Pause it opens
// the same ports as before, also where port 0 had picked one.
func (s *Server) Listen() error {
	s.switching.Lock()
	defer s.switching.Unlock()
	if s.isClosed() {
		return net.ErrClosed
	}
	var bound []*Listener
	for _, l := range s.listeners {
		fresh, err := l.bind(s.ctx)
		if err != nil {
			for _, b := range bound {
				b.unbind()
			}
			return err
		}
		if fresh {
			bound = append(bound, l)
		}
	}
	for _, l := range bound {
		l.start()
	}
	return nil
}

// Pause closes the listeners. Open connections go on, new ones are refused by the system.
func (s *Server) Pause() {
	s.switching.Lock()
	defer s.switching.Unlock()
	s.pause()
}

func (s *Server) pause() {
	for _, l := range s.listeners {
		l.unbind()
	}
}

// Connections returns the number of open connections.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Drain closes the listeners and waits until no connection is open, or returns the error of ctx
// if that ends first. It does not end connections: whoever drains the broker behind them does.
func (s *Server) Drain(ctx context.Context) error {
	s.Pause()
	s.mu.Lock()
	if len(s.open) == 0 {
		s.mu.Unlock()
		return nil
	}
	if s.empty == nil {
		s.empty = make(chan struct{})
	}
	empty := s.empty
	s.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes the listeners and all connections, and returns when no goroutine serves one any
// more. It may be called twice.
func (s *Server) Close() error {
	s.switching.Lock()
	defer s.switching.Unlock()
	s.pause()
	s.cancel()
	s.mu.Lock()
	s.closed = true
	for c := range s.open {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return nil
}

// Reload takes what can change while running: limits, and by the name of the listener its
// certificates, which are read again, and its greatest number of connections. On an error
// nothing changes. Listeners and protocols stay as they are. Connections that are open do too.
func (s *Server) Reload(o Options) error {
	s.switching.Lock()
	defer s.switching.Unlock()
	certs := make([]*certificates, len(s.listeners))
	next := make([]*ListenerOptions, len(s.listeners))
	var errs []error
	for i, l := range s.listeners {
		for j := range o.Listeners {
			if o.Listeners[j].Name == l.o.Name {
				next[i] = &o.Listeners[j]
			}
		}
		if next[i] == nil || next[i].TLS == nil {
			continue
		}
		var err error
		if certs[i], err = newCertificates(*next[i].TLS, time.Now()); err != nil {
			errs = append(errs, fmt.Errorf("listener %s: %w", l.o.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for i, l := range s.listeners {
		if next[i] != nil {
			l.certificates.Store(certs[i])
			l.max.Store(int64(next[i].MaxConnections))
		}
	}
	s.admission.set(o.Limits)
	return nil
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// add counts a connection among the open ones, unless the server is closed.
func (s *Server) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.open[c] = struct{}{}
	s.wg.Add(1)
	return true
}

// remove ends what add began.
func (s *Server) remove(c net.Conn) {
	s.mu.Lock()
	delete(s.open, c)
	if len(s.open) == 0 && s.empty != nil {
		close(s.empty)
		s.empty = nil
	}
	s.mu.Unlock()
	s.wg.Done()
}
