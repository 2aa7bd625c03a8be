package protocols

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// inbox is a listener in memory: each Accept takes a result.
type inbox struct {
	results chan result
	done    chan struct{}
	once    sync.Once
}

type result struct {
	conn net.Conn
	err  error
}

func newInbox() *inbox { return &inbox{results: make(chan result), done: make(chan struct{})} }

func (i *inbox) Accept() (net.Conn, error) {
	select {
	case r := <-i.results:
		return r.conn, r.err
	case <-i.done:
		return nil, net.ErrClosed
	}
}

func (i *inbox) Close() error {
	i.once.Do(func() { close(i.done) })
	return nil
}

func (i *inbox) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "pipe" }

// connect hands one end of a pipe to the listener and returns the other.
func (i *inbox) connect() net.Conn {
	a, b := net.Pipe()
	i.results <- result{conn: b}
	return a
}

// inMemory returns a server with one listener in memory.
func inMemory(t *testing.T, o Options) (*Server, *inbox) {
	t.Helper()
	in := newInbox()
	o.Listen = func(context.Context, string, string) (net.Listener, error) { return in, nil }
	return start(t, o), in
}

func TestNoLoginInTime(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about string
		login bool
		say   string // one byte each 9 seconds
		ends  bool
	}{
		{"silent", false, "", true},
		{"slow drip of nothing", false, "\n\n\n\n\n\n", true},
		{"recognised, then silent", false, "alpha", true},
		{"logged in, then silent", true, "alpha", false},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				journal, log := newJournal()
				s, in := inMemory(t, Options{Log: log, Limits: Limits{Handshake: time.Minute},
					Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha", login: c.login}, echo{name: "beta"}}, Known: AllKnown()}}})
				conn := in.connect()
				begun := time.Now()
				go func() {
					for _, b := range []byte(c.say) {
						if _, err := conn.Write([]byte{b}); err != nil {
							return
						}
						<-time.After(9 * time.Second)
					}
				}()
				_ = conn.SetReadDeadline(begun.Add(time.Hour))
				_, err := io.Copy(io.Discard, conn)
				if got := time.Since(begun); (got == time.Minute) != c.ends {
					t.Errorf("ended after %v with %v", got, err)
				}
				_ = conn.Close()
				synctest.Wait()
				if s.Connections() != 0 || strings.Contains(journal.String(), "no login within 1m0s") != c.ends {
					t.Errorf("%d connections are left, and the log says %s", s.Connections(), journal)
				}
				_ = s.Close()
			})
		})
	}
}

// greedy reads all it can get, and tells how much that was.
type greedy struct {
	echo
	got chan int64
}

func (p greedy) Serve(_ context.Context, c *Conn) {
	n, err := io.Copy(io.Discard, c)
	if errors.Is(err, ErrTooMuch) {
		c.LoggedIn()
		more, _ := io.Copy(io.Discard, c)
		p.got <- -n
		n += more
	}
	p.got <- n
}

func TestBytesBeforeLogin(t *testing.T) {
	t.Parallel()
	p := greedy{echo{name: "alpha"}, make(chan int64, 2)}
	for _, known := range [][]Known{nil, AllKnown()} {
		s := start(t, Options{Limits: Limits{LoginBytes: 1000}, Listeners: []ListenerOptions{{Protocols: []Protocol{p}, Known: known}}})
		for _, c := range []struct {
			size int
			want []int64
		}{{999, []int64{999}}, {5000, []int64{-1000, 5000}}} {
			conn := dial(t, s)
			say(t, conn, "alpha"+strings.Repeat("x", c.size-5))
			_ = conn.(*net.TCPConn).CloseWrite()
			for _, want := range c.want {
				if got := <-p.got; got != want {
					t.Errorf("%d bytes: got %d, want %d", c.size, got, want)
				}
			}
		}
	}
}

func TestConnectionLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about  string
		limits Limits
		max    int
		log    string
	}{
		{"listener", Limits{}, 2, "2 connections are open, which is the listener's max_connections"},
		{"server", Limits{Connections: 2}, 0, "2 connections are open, which is limits.connections"},
		{"address", Limits{PerAddress: 2}, 0, "127.0.0.1 has 2 connections, which is limits.connections_per_address"},
		{"the smaller one", Limits{Connections: 10, PerAddress: 2}, 5, "127.0.0.1 has 2 connections"},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			journal, log := newJournal()
			served := make(chan *Conn, 10)
			o := Options{Log: log, Limits: c.limits, Listeners: []ListenerOptions{{Name: "l", MaxConnections: c.max, Protocols: []Protocol{echo{name: "alpha", served: served}}}}}
			s := start(t, o)
			first := dial(t, s)
			receive(t, served)
			dial(t, s)
			receive(t, served)
			for range 3 {
				expectEnd(t, dial(t, s), false)
			}
			journal.wait(t, c.log)
			if n := strings.Count(journal.String(), "connection refused"); n != 1 {
				t.Errorf("%d lines in the log", n)
			}
			eventually(t, func() bool { // a refused connection counts until it is gone
				return s.Listeners()[0].Stats() == ListenerStats{Open: 2, Accepted: 5, Refused: 3}
			})
			_ = first.Close()
			again(t, s, served) // once the server has noticed
			o.Limits, o.Listeners[0].MaxConnections = Limits{}, 0
			if err := s.Reload(o); err != nil {
				t.Fatal(err)
			}
			dial(t, s)
			receive(t, served)
		})
	}
}

// again connects until a connection is served.
func again(t *testing.T, s *Server, served chan *Conn) {
	t.Helper()
	for late := time.Now().Add(patience); time.Now().Before(late); {
		c := dial(t, s)
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			_, _ = c.Read(make([]byte, 1))
		}()
		select {
		case <-served:
			return
		case <-gone:
		}
	}
	t.Fatal("no connection was served again")
}

func TestAcceptGoesOnAfterErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		journal, log := newJournal()
		served := make(chan *Conn, 10)
		s, in := inMemory(t, Options{Log: log, Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha", served: served}}}}})
		var waits []time.Duration
		for range 12 {
			before := time.Now()
			in.results <- result{err: &net.OpError{Op: "accept", Err: syscall.EMFILE}}
			waits = append(waits, time.Since(before))
		}
		want := []time.Duration{0, 5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000}
		for i := range want {
			want[i] *= time.Millisecond
		}
		if !slices.Equal(waits, want) {
			t.Errorf("tried after %v", waits)
		}
		if n := strings.Count(journal.String(), "out of file descriptors"); n != 1 {
			t.Errorf("%d lines in the log:\n%s", n, journal)
		}
		client := in.connect()
		<-served
		before := time.Now()
		in.results <- result{err: syscall.ECONNABORTED}
		in.results <- result{err: syscall.ENFILE}
		if wait := time.Since(before); wait != acceptPause {
			t.Errorf("after a success it waits %v", wait)
		}
		<-time.After(quietPeriod)
		in.results <- result{err: syscall.ECONNABORTED}
		synctest.Wait()
		if text := journal.String(); strings.Count(text, "trying again") != 2 || !strings.Contains(text, "unlogged=13") {
			t.Errorf("the log says %s", text)
		}
		s.Pause() // in the middle of a wait
		_ = client.Close()
		_ = s.Close()
	})
}

func TestListenerThatFailsIsReported(t *testing.T) {
	t.Parallel()
	journal, log := newJournal()
	s, in := inMemory(t, Options{Log: log, Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha"}}}}})
	_ = in.Close()
	journal.wait(t, "listener closed unexpectedly")
	s.Pause()
}

func TestCloseGentlyKeepsTheLastWords(t *testing.T) {
	t.Parallel()
	p := parting{echo{name: "alpha"}}
	ca := newAuthority(t)
	for _, options := range []*TLSOptions{nil, ca.server(t, "localhost")} {
		s := start(t, Options{Listeners: []ListenerOptions{{Protocols: []Protocol{p}, TLS: options}}})
		c := dial(t, s)
		if options != nil {
			c = secure(c, ca.client(t, ""))
		}
		say(t, c, strings.Repeat("unread", 10000))
		got, err := io.ReadAll(c)
		if err != nil || string(got) != "good bye" {
			t.Errorf("got %q, %v", got, err)
		}
	}
}

// parting says good bye without reading.
type parting struct{ echo }

func (parting) Serve(_ context.Context, c *Conn) {
	_, _ = io.WriteString(c, "good bye")
	_ = c.CloseGently()
}
