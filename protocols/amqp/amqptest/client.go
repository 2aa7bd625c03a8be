package amqptest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// TB is what scenarios need of a test.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(func())
}

// Client is one raw connection. Its methods fail the test when the broker does something else than what they name; they
// block at most as long as the target's patience. A client belongs to one goroutine.
type Client struct {
	t        TB
	target   Target
	conn     net.Conn
	r        *bufio.Reader
	sessions []*Session
	inbox    []Frame // frames that came while something else was awaited

	lenient bool // takes a detach that does not close for the answer to one that does

	Opened Frame // the broker's open
	Beats  int   // empty frames received
}

// Dial opens a connection on which nothing was sent yet. It is closed at the end of the test.
func Dial(t TB, target Target) *Client {
	t.Helper()
	conn, err := target.Dial()
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, target: target, conn: conn, r: bufio.NewReader(conn), lenient: target.Peer == RabbitMQ}
}

// WriteRaw sends octets as they are.
func (c *Client) WriteRaw(b []byte) {
	c.t.Helper()
	if err := c.TryWrite(b); err != nil {
		c.t.Fatalf("write %.40x: %v", b, err)
	}
}

// TryWrite sends octets to a broker that may close meanwhile.
func (c *Client) TryWrite(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.target.patience())); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	return err
}

// Write sends frames in one segment.
func (c *Client) Write(frames ...Frame) {
	c.t.Helper()
	var b []byte
	for _, f := range frames {
		b = append(b, f.Encode()...)
	}
	c.WriteRaw(b)
}

// Header reads a protocol header.
func (c *Client) Header() string {
	c.t.Helper()
	var b [8]byte
	_ = c.conn.SetReadDeadline(time.Now().Add(c.target.patience()))
	if _, err := io.ReadFull(c.r, b[:]); err != nil {
		c.t.Fatalf("waiting for a header: %v", err)
	}
	return string(b[:])
}

// Read reads the next frame and files it: what belongs to a session or link goes there, too.
func (c *Client) Read() (Frame, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.target.patience())); err != nil {
		return Frame{}, err
	}
	f, err := readFrame(c.r)
	if err == nil && f.Type == 0 {
		if f.Code == 0 {
			c.Beats++
		}
		for _, s := range c.sessions {
			if s.begun && s.remote == f.Channel {
				s.file(f)
			}
		}
	}
	return f, err
}

// Expect returns the next frame that is not empty, which must have the code.
func (c *Client) Expect(code uint64) Frame {
	c.t.Helper()
	f := c.next()
	if f.Code != code {
		c.t.Fatalf("got %v, want %v", f, Frame{Code: code})
	}
	return f
}

func (c *Client) next() Frame {
	c.t.Helper()
	if len(c.inbox) > 0 {
		f := c.inbox[0]
		c.inbox = c.inbox[1:]
		return f
	}
	for {
		f, err := c.Read()
		if err != nil {
			c.t.Fatalf("waiting for a frame: %v", err)
		}
		if f.Code != 0 {
			return f
		}
	}
}

// answer is next without the credit that links were given before.
func (c *Client) answer() Frame {
	c.t.Helper()
	for {
		if f := c.next(); f.Code != Flow {
			return f
		}
	}
}

// Await returns the first frame that matches, and keeps the others. A detach, end or close that does not match fails.
func (c *Client) Await(what string, match func(Frame) bool) Frame {
	c.t.Helper()
	for i, f := range c.inbox {
		if match(f) {
			c.inbox = append(c.inbox[:i:i], c.inbox[i+1:]...)
			return f
		}
	}
	for {
		f, err := c.Read()
		switch {
		case err != nil:
			c.t.Fatalf("waiting for %s: %v; before it came %v", what, err, c.inbox)
		case f.Code == 0:
		case match(f):
			return f
		case f.Code == Detach || f.Code == End || f.Code == Close:
			c.t.Fatalf("waiting for %s: got %v", what, f)
		case f.Code == Transfer || f.Code == Disposition: // filed with their link and session
		default:
			c.inbox = append(c.inbox, f)
		}
	}
}

// until reads until a condition holds that frames bring about.
func (c *Client) until(what string, done func() bool) {
	c.t.Helper()
	for !done() {
		f, err := c.Read()
		switch {
		case err != nil:
			c.t.Fatalf("waiting for %s: %v; before it came %v", what, err, c.inbox)
		case f.Code == Detach || f.Code == End || f.Code == Close:
			c.t.Fatalf("waiting for %s: got %v", what, f)
		case f.Code != 0 && f.Code != Transfer && f.Code != Disposition:
			c.inbox = append(c.inbox, f)
		}
	}
}

// SASL goes through the SASL layer with one mechanism and returns the code of its outcome.
func (c *Client) SASL(mechanism string, response any) uint32 {
	c.t.Helper()
	c.WriteRaw([]byte(SASLHeader))
	if h := c.Header(); h != SASLHeader {
		c.t.Fatalf("got header %q", h)
	}
	c.Expect(Mechanisms)
	return c.init(mechanism, response)
}

func (c *Client) init(mechanism string, response any) uint32 {
	c.t.Helper()
	f := P(0, Init, Symbol(mechanism), response, c.target.Host())
	f.Type = 1
	c.Write(f)
	return c.Expect(Outcome).Num(0)
}

// Login goes through the SASL layer with the target's credentials, and the headers of the protocol.
func (c *Client) Login() {
	c.t.Helper()
	mechanism, response := c.target.credentials()
	if code := c.SASL(mechanism, response); code != 0 {
		c.t.Fatalf("%s: outcome %d", mechanism, code)
	}
	c.WriteRaw([]byte(ProtocolHeader))
	if h := c.Header(); h != ProtocolHeader {
		c.t.Fatalf("got header %q", h)
	}
}

// Open sends an open with a container id and further fields, and waits for the broker's.
func (c *Client) Open(container string, fields ...any) Frame {
	c.t.Helper()
	c.Write(P(0, Open, append([]any{container}, fields...)...))
	c.Opened = c.Expect(Open)
	return c.Opened
}

// maxFrame returns the largest frame that the broker takes.
func (c *Client) maxFrame() int {
	if n := c.Opened.Num(2); n > 0 {
		return int(min(n, largestFrame))
	}
	return largestFrame
}

// Closes closes the connection and waits for the answer.
func (c *Client) Closes() {
	c.t.Helper()
	c.Write(P(0, Close))
	for {
		switch f := c.next(); f.Code {
		case Close:
			if Condition(f) != "" {
				c.t.Errorf("the answer to a close is %v", f)
			}
			return
		case Detach, End:
			c.t.Fatalf("the answer to a close is %v", f)
		}
	}
}

// Failed waits for a close with a condition, whatever comes before it, and for the end of the connection.
func (c *Client) Failed(conditions ...string) Frame {
	c.t.Helper()
	f := c.fate(Close, 0)
	c.want(f, conditions)
	c.conn.SetWriteDeadline(time.Now().Add(c.target.patience()))
	_, _ = c.conn.Write(P(0, Close).Encode())
	c.Ends()
	return f
}

// fate reads up to a frame with a code on the broker's channel. A close instead of another fate fails.
func (c *Client) fate(code uint64, channel uint16) Frame {
	c.t.Helper()
	for {
		f := c.next()
		if f.Code == code && f.Channel == channel {
			return f
		}
		if f.Code == Close {
			c.t.Fatalf("got %v, want %v", f, Frame{Code: code, Channel: channel})
		}
	}
}

// want checks the condition of a detach, end or close.
func (c *Client) want(f Frame, conditions []string) {
	c.t.Helper()
	got := Condition(f)
	for _, condition := range conditions {
		if got == condition {
			return
		}
	}
	c.t.Errorf("got %v, want %s", f, strings.Join(conditions, " or "))
}

// Ends reads whatever comes until the broker closes the connection.
func (c *Client) Ends() {
	c.t.Helper()
	_ = c.conn.SetReadDeadline(time.Now().Add(c.target.patience()))
	if _, err := io.Copy(io.Discard, c.r); err != nil && !isClosed(err) {
		c.t.Fatalf("waiting for the end: %v", err)
	}
}

// EndsWrites tells the broker that nothing more comes, for which it would wait after it has closed.
func (c *Client) EndsWrites() {
	if half, ok := c.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// isClosed reports whether a read ended because the peer went away, with or without a reset.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// Cut drops the socket.
func (c *Client) Cut() { _ = c.conn.Close() }
