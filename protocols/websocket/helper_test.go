package websocket_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/websocket"
)

// patience bounds each wait for something that must come.
const patience = 15 * time.Second

// echo is a protocol that sends back what it gets, and says what its connection is.
type echo struct {
	name   string
	begin  string // it is recognised by
	served chan *protocols.Conn
}

func (e echo) Name() string { return e.name }

func (e echo) Detect(prefix []byte) protocols.Verdict {
	n := min(len(prefix), len(e.begin))
	switch {
	case !bytes.Equal(prefix[:n], []byte(e.begin[:n])):
		return protocols.No
	case n < len(e.begin):
		return protocols.Maybe
	}
	return protocols.Yes
}

func (e echo) Serve(_ context.Context, c *protocols.Conn) {
	if e.served != nil {
		e.served <- c
	}
	c.LoggedIn()
	var buf [4096]byte
	for {
		n, err := c.Read(buf[:])
		if err == nil {
			_, err = c.Write(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

// start serves WebSockets on a port of their own and returns its address.
func start(t testing.TB, o websocket.Options, limits protocols.Limits) string {
	t.Helper()
	if o.Protocols == nil {
		o.Protocols = []protocols.Protocol{echo{name: "mqtt", begin: "\x10"}, echo{name: "stomp", begin: "CONNECT"}, echo{name: "other", begin: "OTHER"}}
	}
	s, err := protocols.New(protocols.Options{Limits: limits, Listeners: []protocols.ListenerOptions{{
		Name: "ws", Address: "127.0.0.1:0", Protocols: []protocols.Protocol{websocket.New(o)}, Known: protocols.AllKnown(),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	return s.Listeners()[0].Addr().String()
}

// open connects with a public client.
func open(t testing.TB, url string, header http.Header, subprotocols ...string) *gorilla.Conn {
	t.Helper()
	d := gorilla.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience}
	c, answer, err := d.Dial(url, header)
	if err != nil {
		t.Fatalf("dial: %v, %+v", err, answer)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

// raw is a client that writes frames byte by byte.
type raw struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// openRaw makes a handshake by hand.
func openRaw(t testing.TB, address, subprotocol string) *raw {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	c := &raw{conn, t, bufio.NewReader(conn)}
	fmt.Fprintf(c, "GET /any HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: %s\r\n\r\n", subprotocol)
	answer, err := http.ReadResponse(c.r, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %+v, %v", answer, err)
	}
	return c
}

// frame returns a masked frame, whose mask is zero.
func frame(first byte, payload string) []byte {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(append(b, 0, 0, 0, 0), payload...)
}

// say writes frames; the server may close meanwhile.
func (c *raw) say(frames ...[]byte) {
	for _, f := range frames {
		if _, err := c.Write(f); err != nil {
			return
		}
	}
}

// next reads one frame: its first byte and its payload.
func (c *raw) next() (first byte, payload string, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, "", err
	}
	n := int(head[1])
	if n == 126 {
		var length [2]byte
		if _, err := io.ReadFull(c.r, length[:]); err != nil {
			return 0, "", err
		}
		n = int(binary.BigEndian.Uint16(length[:]))
	}
	b := make([]byte, n)
	_, err = io.ReadFull(c.r, b)
	return head[0], string(b), err
}

// closedWith reads up to the close message, which must have the code, and the end.
func (c *raw) closedWith(code int) {
	c.t.Helper()
	for {
		first, payload, err := c.next()
		if err != nil {
			c.t.Fatalf("no close message: %v", err)
		}
		if first&0xf != gorilla.CloseMessage {
			continue
		}
		if len(payload) < 2 || int(binary.BigEndian.Uint16([]byte(payload))) != code {
			c.t.Errorf("closed with %q, want %d", payload, code)
		}
		break
	}
	if _, err := io.Copy(io.Discard, c.r); errors.Is(err, context.DeadlineExceeded) {
		c.t.Errorf("after the close message: %v", err)
	}
}

// stream is a client's WebSocket as a connection, for clients of other protocols. Writes are cut
// into messages of at most size bytes, or, if that is 0, are one message each.
type stream struct {
	*gorilla.Conn
	kind int
	size int
	r    io.Reader
}

func (s *stream) Read(b []byte) (int, error) {
	for {
		if s.r == nil {
			var err error
			if _, s.r, err = s.NextReader(); err != nil {
				var closed *gorilla.CloseError
				if errors.As(err, &closed) {
					err = io.EOF
				}
				return 0, err
			}
		}
		n, err := s.r.Read(b)
		if err != nil {
			s.r = nil
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (s *stream) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		part := b
		if s.size > 0 {
			part = b[:min(s.size, len(b))]
		}
		kind := s.kind
		if !utf8.Valid(part) {
			kind = gorilla.BinaryMessage
		}
		if err := s.WriteMessage(kind, part); err != nil {
			return 0, err
		}
		b = b[len(part):]
	}
	return n, nil
}

func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
