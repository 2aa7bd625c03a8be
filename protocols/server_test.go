package protocols

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestFirstBytesChooseTheProtocol(t *testing.T) {
	t.Parallel()
	journal, log := newJournal()
	s := start(t, Options{Log: log, Listeners: []ListenerOptions{{
		Protocols: []Protocol{echo{name: "alpha"}, echo{name: "alps"}}, Known: AllKnown(),
	}}})
	for _, c := range []struct{ about, in string }{
		{"at once", "alpha and more"}, {"the other", "alps"},
	} {
		conn := dial(t, s)
		say(t, conn, c.in)
		expect(t, conn, c.in)
	}
	drip := dial(t, s)
	for _, b := range "alpha" {
		say(t, drip, string(b))
	}
	expect(t, drip, "alpha")

	for _, c := range []struct{ in, log string }{
		{"AMQP\x00\x01\x00\x00 and " + strings.Repeat("x", 100000), "the client speaks amqp, which is not served here"},
		{"\x16\x03\x01", ""}, {"alpine", ""}, {strings.Repeat("\n", MaxPrefix), ""}, {strings.Repeat("\x00", 4), ""},
	} {
		conn := dial(t, s)
		if _, err := io.WriteString(conn, c.in); err != nil {
			t.Fatal(err)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
		expectEnd(t, conn, true)
		if c.log != "" {
			journal.wait(t, c.log)
		}
	}
	if text := journal.String(); strings.Contains(text, "AMQP") || strings.Contains(text, "alpine") {
		t.Errorf("the log holds what clients sent:\n%s", text)
	}
	if n := s.Listeners()[0].Stats().Refused; n != 4 { // who ended in mid-word was not refused
		t.Errorf("%d connections count as refused", n)
	}
}

func TestTheOnlyProtocolGetsWhatNobodyKnows(t *testing.T) {
	t.Parallel()
	journal, log := newJournal()
	s := start(t, Options{Log: log, Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha"}}, Known: AllKnown()}}})
	c := dial(t, s)
	say(t, c, "gibberish")
	expect(t, c, "gibberish")
	c = dial(t, s)
	say(t, c, "GET / HTTP/1.1\r\n\r\n")
	expectEnd(t, c, true)
	journal.wait(t, "the client speaks http")
}

func TestAProtocolAloneNeedsNoFirstBytes(t *testing.T) {
	t.Parallel()
	served := make(chan *Conn, 1)
	s := start(t, Options{Listeners: []ListenerOptions{{Name: "only", Protocols: []Protocol{echo{name: "alpha", served: served}}}}})
	d := dial(t, s)
	c := receive(t, served)
	if c.Listener != "only" || c.Protocol != "alpha" || c.TLS != nil || c.ServerName() != "" || c.Certificates() != nil || c.Accepted.IsZero() {
		t.Errorf("%+v", c)
	}
	if c.RemoteAddr().String() != d.LocalAddr().String() || c.LocalAddr().String() != d.RemoteAddr().String() || c.Peer() != c.RemoteAddr() {
		t.Errorf("from %v to %v by %v", c.RemoteAddr(), c.LocalAddr(), c.Peer())
	}
}

func TestListenIsAllOrNothing(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := []Protocol{echo{name: "alpha"}}
	s, err := New(Options{Listeners: []ListenerOptions{
		{Name: "free", Address: "127.0.0.1:0", Protocols: p},
		{Name: "taken", Address: taken.Addr().String(), Protocols: p},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Listen()
	if !errors.Is(err, ErrAddressInUse) || err.Error() != "listener taken: the address is in use: "+taken.Addr().String() {
		t.Errorf("got %v", err)
	}
	if a := s.Listeners()[0].Addr(); a != nil {
		t.Errorf("the first one listens at %v", a)
	}
	taken.Close()
	if err := s.Listen(); err != nil {
		t.Errorf("after the port was given back: %v", err)
	}
	say(t, dial(t, s), "alpha")
}

func TestListenSaysWhy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{os.NewSyscallError("bind", syscall.EADDRINUSE), "listener l: the address is in use: host:1"},
		{os.NewSyscallError("bind", syscall.EADDRNOTAVAIL), "listener l: host:1 is not an address of this machine: "},
		{os.NewSyscallError("bind", syscall.EACCES), "listener l: host:1 needs rights that this process does not have: "},
		{&net.DNSError{Err: "no such host", Name: "host"}, "listener l: the host of host:1 is not known: "},
		{errors.New("whatever"), "listener l: listen: whatever"},
	} {
		s, err := New(Options{
			Listeners: []ListenerOptions{{Name: "l", Address: "host:1", Protocols: []Protocol{echo{}}}},
			Listen: func(context.Context, string, string) (net.Listener, error) {
				return nil, &net.OpError{Op: "listen", Err: c.err}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(); !errors.Is(err, c.err) && !errors.Is(err, ErrAddressInUse) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		_ = s.Close()
	}
}

func TestPauseLeavesConnectionsAlone(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha"}}}}})
	c := dial(t, s)
	say(t, c, "a")
	expect(t, c, "a")
	l := s.Listeners()[0]
	address := l.Addr().String()
	for range 2 {
		s.Pause()
		if l.Addr() != nil {
			t.Error("still bound")
		}
		if _, err := net.Dial("tcp", address); err == nil {
			t.Error("a paused listener accepts")
		}
		say(t, c, "b")
		expect(t, c, "b")
		if err := s.Listen(); err != nil {
			t.Fatal(err)
		}
		if l.Addr().String() != address {
			t.Errorf("came back at %v instead of %v", l.Addr(), address)
		}
		if err := s.Listen(); err != nil {
			t.Errorf("listening twice: %v", err)
		}
		d := dialAt(t, address)
		say(t, d, "c")
		expect(t, d, "c")
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s := start(t, Options{Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha"}}}}})
	c := dial(t, s)
	say(t, c, "a")
	expect(t, c, "a")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Drain(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("with a connection open: %v", err)
	}
	if s.Connections() != 1 || s.Listeners()[0].Addr() != nil {
		t.Error("a drain in vain left no connection, or a listener")
	}
	done := make(chan error, 2)
	for range 2 {
		go func() { done <- s.Drain(context.Background()) }()
	}
	say(t, c, "b")
	expect(t, c, "b")
	_ = c.Close()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := s.Drain(gone); err != nil {
		t.Errorf("without connections: %v", err)
	}
}

// stubborn serves until its connection ends, and tells of the end of its context.
type stubborn struct {
	echo
	ended chan error
}

func (p stubborn) Serve(ctx context.Context, c *Conn) {
	p.echo.Serve(ctx, c)
	p.ended <- ctx.Err()
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	p := stubborn{echo{name: "alpha", served: make(chan *Conn, 1)}, make(chan error, 1)}
	s := start(t, Options{Listeners: []ListenerOptions{{Protocols: []Protocol{p}}, {Protocols: []Protocol{p}, Known: AllKnown()}}})
	served, silent := dial(t, s), dialAt(t, s.Listeners()[1].Addr().String())
	receive(t, p.served)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := <-p.ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the protocol saw %v", err)
	}
	expectEnd(t, served, false)
	expectEnd(t, silent, false)
	if s.Connections() != 0 {
		t.Error("connections are left")
	}
	if err := s.Listen(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed server listens: %v", err)
	}
}

func TestProxyHookTakesConnections(t *testing.T) {
	t.Parallel()
	taken := make(chan net.Conn, 1)
	served := make(chan *Conn, 1)
	var calls atomic.Int64
	s := start(t, Options{
		Listeners: []ListenerOptions{{Protocols: []Protocol{echo{name: "alpha", served: served}}}},
		Proxy: func(c net.Conn) bool {
			if calls.Add(1) > 1 {
				return false
			}
			taken <- c
			return true
		},
	})
	client := dial(t, s)
	mine := <-taken
	defer mine.Close()
	if err := s.Drain(t.Context()); err != nil { // it no longer counts
		t.Error(err)
	}
	say(t, client, "raw")
	expect(t, mine, "raw")
	say(t, mine, "answer")
	expect(t, client, "answer")
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	dial(t, s)
	receive(t, served)
	_ = s.Close()
	say(t, client, "still there")
	expect(t, mine, "still there")
}

func TestWrongOptions(t *testing.T) {
	t.Parallel()
	p := []Protocol{echo{name: "alpha"}}
	good := ListenerOptions{Name: "l", Address: "127.0.0.1:0", Protocols: p}
	with := func(change func(*ListenerOptions)) ListenerOptions {
		o := good
		change(&o)
		return o
	}
	for _, c := range []struct {
		listeners []ListenerOptions
		want      string
	}{
		{[]ListenerOptions{good, good}, "there are two of this name"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.Name = "" })}, "has no name"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.Address = "61613" })}, "is not of the form host:port"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.Protocols = nil })}, "serves no protocol"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.ProxyProtocol = "yes" })}, "is not off, optional or required"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.ProxyProtocol = ProxyOptional })}, "needs trusted_proxies"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.TrustedProxies = []string{"10.0.0.0/33"} })}, "is not a network"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.TrustedProxies = []string{"lb"} })}, "is not an address"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.TLS = &TLSOptions{Certificate: "does/not/exist"} })}, "does/not/exist"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.TLS = &TLSOptions{ClientAuth: "yes"} })}, "is not none, optional or required"},
		{[]ListenerOptions{with(func(o *ListenerOptions) { o.TLS = &TLSOptions{ClientAuth: ClientAuthRequired, Optional: true} })}, "is in vain"},
	} {
		if _, err := New(Options{Listeners: c.listeners}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}

func TestExposure(t *testing.T) {
	t.Parallel()
	for address, loopback := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "10.0.0.1:1": false, "localhost.example.com:1": false, "127.0.0.1": false, "127.1:1": false, "example.com:1": false,
	} {
		if got := IsLoopback(address); got != loopback {
			t.Errorf("%s is loopback: %t", address, got)
		}
		if err := CheckExposure("l", address, false); (err == nil) != loopback || err != nil && !strings.Contains(err.Error(), "security: {users:") {
			t.Errorf("%s without a login: %v", address, err)
		}
		if err := CheckExposure("l", address, true); err != nil {
			t.Errorf("%s with a login: %v", address, err)
		}
	}
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	var q quiet
	now := time.Unix(1e9, 0)
	for i, c := range []struct {
		after time.Duration
		left  int
		ok    bool
	}{{0, 0, true}, {1, 0, false}, {1, 0, false}, {quietPeriod, 2, true}, {quietPeriod, 0, true}} {
		now = now.Add(c.after)
		if left, ok := q.allow(now); left != c.left || ok != c.ok {
			t.Errorf("%d: %d, %t", i, left, ok)
		}
	}
}
