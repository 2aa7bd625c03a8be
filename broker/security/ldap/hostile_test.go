package ldap

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// tlv is a value in BER: a tag, a length and the contents.
func tlv(tag byte, contents ...[]byte) []byte {
	content := slices.Concat(contents...)
	out := []byte{tag}
	switch n := len(content); {
	case n < 0x80:
		out = append(out, byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, content...)
}

// message is an LDAP message with an operation.
func message(id byte, operation []byte) []byte {
	return tlv(0x30, tlv(0x02, []byte{id}), operation)
}

// The operations of the protocol [RFC 4511 4].
const (
	bindRequest, bindResponse      = 0x60, 0x61
	searchRequest, searchEntry     = 0x63, 0x64
	searchDone, searchReference    = 0x65, 0x73
	extendedRequest, extendedReply = 0x77, 0x78
)

// result is an operation that ends a request.
func result(op, code byte, more ...[]byte) []byte {
	return tlv(op, tlv(0x0a, []byte{code}), tlv(0x04), tlv(0x04), slices.Concat(more...))
}

func entry(dn string, attributes ...[]byte) []byte {
	return tlv(searchEntry, tlv(0x04, []byte(dn)), tlv(0x30, attributes...))
}

// fakeServer answers requests as a script says, and notes what it was sent.
type fakeServer struct {
	addr   string
	script func(c net.Conn, op, id byte)

	mu       sync.Mutex
	received []byte
	ops      []byte
	conns    int
}

func fake(t testing.TB, script func(c net.Conn, op, id byte)) *fakeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &fakeServer{addr: l.Addr().String(), script: script}
	var all sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range conns {
			_ = c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			all.Go(func() { s.serve(c) })
		}
	})
	return s
}

// serve reads requests, which are all small.
func (s *fakeServer) serve(c net.Conn) {
	defer c.Close()
	s.mu.Lock()
	s.conns++
	s.mu.Unlock()
	if s.script == nil {
		return
	}
	buf := make([]byte, 4096)
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.received = append(s.received, buf[:n]...)
		s.mu.Unlock()
		b := buf[:n]
		if n < 7 || b[0] != 0x30 {
			continue
		}
		at := 2
		if b[1] > 0x80 {
			at += int(b[1] & 0x7f)
		}
		id, op := b[at+2], b[at+3]
		s.mu.Lock()
		s.ops = append(s.ops, op)
		s.mu.Unlock()
		s.script(c, op, id)
	}
}

func (s *fakeServer) sent() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return string(s.received)
}

// polite answers as a directory with one user.
func polite(op, id byte) []byte {
	switch op {
	case bindRequest:
		return message(id, result(bindResponse, 0))
	case searchRequest:
		return append(message(id, entry("uid=alice")), message(id, result(searchDone, 0))...)
	default:
		return message(id, result(extendedReply, 2))
	}
}

// on answers one operation in its own way.
func on(special byte, reply func(c net.Conn, id byte)) func(net.Conn, byte, byte) {
	return func(c net.Conn, op, id byte) {
		if op == special {
			reply(c, id)
			return
		}
		_, _ = c.Write(polite(op, id))
	}
}

func write(reply func(id byte) []byte) func(net.Conn, byte) {
	return func(c net.Conn, id byte) { _, _ = c.Write(reply(id)) }
}

func TestHostileServers(t *testing.T) {
	t.Parallel()
	elsewhere := fake(t, func(c net.Conn, op, id byte) { _, _ = c.Write(polite(op, id)) })
	referral := tlv(0xa3, tlv(0x04, []byte("ldap://"+elsewhere.addr+"/dc=x")))
	garbage := bytes.Repeat([]byte("not LDAP at all\r\n"), 1000)
	start := func(o *Options) { o.StartTLS = true }
	hasty := func(o *Options) { o.Timeout = 300 * time.Millisecond }
	for _, c := range []struct {
		about  string
		script func(net.Conn, byte, byte)
		change func(*Options)
		want   string
	}{
		{"polite", func(c net.Conn, op, id byte) { _, _ = c.Write(polite(op, id)) }, nil, "[]"},
		{"closes at once", nil, nil, "failed"},
		{"closes instead of an answer", on(searchRequest, func(c net.Conn, _ byte) { _ = c.Close() }), nil, "failed"},
		{"never answers", func(net.Conn, byte, byte) {}, hasty, "failed"},
		{"never answers a search", on(searchRequest, func(net.Conn, byte) {}), hasty, "failed"},
		{"answers another question", on(searchRequest, write(func(id byte) []byte { return polite(searchRequest, id+1) })), hasty, "failed"},
		{"answers a search with a bind", on(searchRequest, write(func(id byte) []byte { return message(id, result(bindResponse, 0)) })), hasty, "failed"},
		{"says that it is going", on(searchRequest, write(func(byte) []byte { return message(0, result(extendedReply, 52)) })), hasty, "failed"},
		{"garbage", on(searchRequest, write(func(byte) []byte { return garbage })), nil, "failed"},
		{"garbage at first", on(bindRequest, write(func(byte) []byte { return garbage })), nil, "failed"},
		{"half a message", on(searchRequest, func(c net.Conn, id byte) {
			m := message(id, entry("uid=alice"))
			_, _ = c.Write(m[:len(m)-3])
			_ = c.Close()
		}), nil, "failed"},
		{"claims two gigabytes", on(searchRequest, write(func(byte) []byte {
			return []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x04, 0x84, 0x7f, 0xff, 0xff, 0x00}
		})), hasty, "failed"},
		{"claims more than there is", on(searchRequest, write(func(byte) []byte { return append([]byte{0x30, 0x88}, bytes.Repeat([]byte{0xff}, 8)...) })), hasty, "failed"},
		{"deep", on(searchRequest, write(func(byte) []byte { return bytes.Repeat([]byte{0x30, 0x80}, 100000) })), nil, "failed"},
		{"ten megabytes in one", on(searchRequest, write(func(id byte) []byte {
			return message(id, entry("uid=alice", tlv(0x30, tlv(0x04, []byte("cn")), tlv(0x31, tlv(0x04, make([]byte, 10<<20))))))
		})), nil, "failed"},
		{"ten megabytes in many", on(searchRequest, func(c net.Conn, id byte) {
			one := message(id, entry("uid=alice", tlv(0x30, tlv(0x04, []byte("cn")), tlv(0x31, tlv(0x04, make([]byte, 10<<10))))))
			for range 1 << 10 {
				if _, err := c.Write(one); err != nil {
					return
				}
			}
		}), nil, "failed"},
		{"an entry without a name", on(searchRequest, write(func(id byte) []byte {
			return append(message(id, entry("")), message(id, result(searchDone, 0))...)
		})), nil, "no user"},
		{"an entry without attributes", on(searchRequest, write(func(id byte) []byte { return message(id, tlv(searchEntry, tlv(0x04, []byte("uid=alice")))) })), nil, "failed"},
		{"two entries although one was asked for", on(searchRequest, write(func(id byte) []byte {
			return slices.Concat(message(id, entry("uid=a")), message(id, entry("uid=b")), message(id, result(searchDone, 0)))
		})), nil, "refused"},
		{"referral of a search", on(searchRequest, write(func(id byte) []byte { return message(id, result(searchDone, 10, referral)) })), nil, "failed"},
		{"reference in a search", on(searchRequest, write(func(id byte) []byte {
			return append(message(id, tlv(searchReference, tlv(0x04, []byte("ldap://"+elsewhere.addr+"/dc=x")))), message(id, result(searchDone, 0))...)
		})), nil, "no user"},
		{"referral of a login", on(bindRequest, write(func(id byte) []byte {
			if id == 1 {
				return polite(bindRequest, id)
			}
			return message(id, result(bindResponse, 10, referral))
		})), nil, "failed"},
		{"login under way for ever", on(bindRequest, write(func(id byte) []byte {
			if id == 1 {
				return polite(bindRequest, id)
			}
			return message(id, result(bindResponse, 14))
		})), nil, "failed"},
		{"busy", on(bindRequest, write(func(id byte) []byte { return message(id, result(bindResponse, 51)) })), nil, "failed"},
		{"a result without a code", on(bindRequest, write(func(id byte) []byte { return message(id, tlv(bindResponse)) })), nil, "failed"},
		{"a result whose code is a text", on(bindRequest, write(func(id byte) []byte {
			return message(id, tlv(bindResponse, tlv(0x04, []byte{0}), tlv(0x04), tlv(0x04)))
		})), nil, "failed"},

		{"no StartTLS", func(c net.Conn, op, id byte) { _, _ = c.Write(polite(op, id)) }, start, "failed"},
		{"StartTLS in words only", func(c net.Conn, op, id byte) {
			if op == extendedRequest {
				_, _ = c.Write(message(id, result(extendedReply, 0)))
				return
			}
			_, _ = c.Write(polite(op, id))
		}, func(o *Options) { o.StartTLS, o.Timeout = true, 300*time.Millisecond }, "failed"},
		{"answers slipped in before TLS", func(c net.Conn, op, id byte) {
			_, _ = c.Write(append(message(id, result(extendedReply, 0)), append(polite(bindRequest, id+1), polite(searchRequest, id+2)...)...))
		}, func(o *Options) { o.StartTLS, o.Timeout = true, 300*time.Millisecond }, "failed"},
		{"never answers StartTLS", func(net.Conn, byte, byte) {}, func(o *Options) { o.StartTLS, o.Timeout = true, 300*time.Millisecond }, "failed"},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			s := fake(t, c.script)
			var log lines
			o := options("ldap://" + s.addr)
			o.RoleBase, o.Log = "", log.logger()
			if c.change != nil {
				c.change(&o)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if got := answer(directory(t, o).Verify(t.Context(), "alice", "my secret")); got != c.want {
				t.Errorf("got %s, want %s; %s", got, c.want, log.String())
			}
			runtime.ReadMemStats(&after)
			if taken := after.TotalAlloc - before.TotalAlloc; taken > 1<<30 {
				t.Errorf("%d MiB were allocated", taken>>20)
			}
			if o.StartTLS && (strings.Contains(s.sent(), "secret") || slices.Contains(s.ops, bindRequest)) {
				t.Errorf("without TLS %q was sent", s.sent())
			}
		})
	}
	t.Cleanup(func() {
		if elsewhere.conns != 0 {
			t.Error("a referral was followed")
		}
	})
}

// TestEmptyPasswordNeverReachesTheDirectory has a server that lets everybody in.
func TestEmptyPasswordNeverReachesTheDirectory(t *testing.T) {
	t.Parallel()
	s := fake(t, func(c net.Conn, op, id byte) { _, _ = c.Write(polite(op, id)) })
	o := options("ldap://" + s.addr)
	o.RoleBase = ""
	if got := answer(directory(t, o).Verify(t.Context(), "alice", "")); got != "refused" {
		t.Error(got)
	}
	if s.sent() != "" {
		t.Errorf("%q was sent", s.sent())
	}
}

// TestOtherServerWhenOneFailsAmidst has a first server that closes when it is asked, or is busy.
func TestOtherServerWhenOneFailsAmidst(t *testing.T) {
	t.Parallel()
	for about, script := range map[string]func(net.Conn, byte, byte){
		"closes": on(searchRequest, func(c net.Conn, _ byte) { _ = c.Close() }),
		"busy":   on(searchRequest, write(func(id byte) []byte { return message(id, result(searchDone, 51)) })),
	} {
		bad := fake(t, script)
		good := fake(t, func(c net.Conn, op, id byte) { _, _ = c.Write(polite(op, id)) })
		o := options("ldap://"+bad.addr, "ldap://"+good.addr)
		o.RoleBase = ""
		if got := answer(directory(t, o).Verify(t.Context(), "alice", "x")); got != "[]" {
			t.Errorf("%s: %s", about, got)
		}
	}
}

// TestTLSServerWithoutALine accepts TLS connections and says nothing.
func TestTLSServerWithoutALine(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, tls.Server(c, &tls.Config{}))
				_, _ = io.Copy(io.Discard, c)
			}()
		}
	}()
	o := options("ldaps://" + l.Addr().String())
	o.Timeout = 300 * time.Millisecond
	if got := answer(directory(t, o).Verify(t.Context(), "alice", "x")); got != "failed" {
		t.Error(got)
	}
}

// FuzzAnswer lets a server answer the search for a user with anything.
func FuzzAnswer(f *testing.F) {
	for _, id := range []byte{1, 2} {
		f.Add(polite(searchRequest, id))
		f.Add(message(id, result(searchDone, 10, tlv(0xa3, tlv(0x04, []byte("ldap://x"))))))
		f.Add(message(id, entry("uid=alice", tlv(0x30, tlv(0x04, []byte("cn")), tlv(0x31, tlv(0x04, []byte("x")))))))
	}
	f.Add([]byte{0x30, 0x80, 0x02, 0x01, 0x02, 0x00, 0x00})
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, reply []byte) {
		s := fake(t, on(searchRequest, func(c net.Conn, _ byte) {
			_, _ = c.Write(reply)
			_ = c.Close()
		}))
		o := options("ldap://" + s.addr)
		o.RoleBase, o.Timeout = "", 2*time.Second
		if groups, err := directory(t, o).Verify(t.Context(), "alice", "x"); err == nil {
			t.Errorf("in %v although the connection was closed", groups)
		}
	})
}

// TestFilters are those that directories are used with.
func TestFilters(t *testing.T) {
	t.Parallel()
	for _, filter := range []string{
		"(uid={0})", "(sAMAccountName={0})", "(&(objectClass=user)(userPrincipalName={0}@example.org))", "(member={0})", "(memberUid={1})",
		"(member:1.2.840.113556.1.4.1941:={0})", "(member:=uid={1})", "(|(member={0})(uniqueMember={0}))", "(!(disabled=TRUE))",
	} {
		if err := CheckFilter(filter, 2); err != nil {
			t.Error(err)
		}
	}
	for _, filter := range []string{"", "uid={0}x(", "(uid={0}", "(uid={2})", "(&)x"} {
		if CheckFilter(filter, 2) == nil {
			t.Errorf("%q is a filter", filter)
		}
	}
}

// FuzzFill checks that no user name changes what a filter asks.
func FuzzFill(f *testing.F) {
	for _, s := range []string{"alice", "*", "a)(b=*", `\2a`, "{0}", "\x00", "ü", "(&)", "\xff"} {
		f.Add(s)
	}
	const filter = "(&(objectClass=person)(|(uid={0})(mail={0}@example.org)))"
	want, err := ldap.CompileFilter(fill(filter, "x"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, err := ldap.CompileFilter(fill(filter, name))
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		users, like := got.Children[1].Children, want.Children[1].Children
		if len(got.Children) != 2 || len(users) != 2 {
			t.Fatalf("%q changed the filter", name)
		}
		for i, suffix := range []string{"", "@example.org"} {
			if users[i].Tag != like[i].Tag || len(users[i].Children) != 2 || users[i].Children[1].Data.String() != name+suffix {
				t.Errorf("%q is not the value", name)
			}
		}
	})
}
