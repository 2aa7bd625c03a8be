package stomptest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Client is one raw STOMP connection. Its methods fail the test when the broker does something else than what they
// name; they block at most as long as the target's patience. A client belongs to one goroutine.
type Client struct {
	t        testing.TB
	target   Target
	conn     net.Conn
	r        *bufio.Reader
	patience time.Duration
	version  string
	inbox    []Frame // frames that came while something else was awaited
	receipts int     // receipts asked for so far
	beats    int     // line feeds received between frames

	Connected Frame // the CONNECTED frame; empty before
}

// Open opens a connection to a target that has not said CONNECT yet. It is closed at the end of the test.
func Open(t testing.TB, target Target) *Client {
	t.Helper()
	conn, err := target.Dial()
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, target: target, conn: conn, r: bufio.NewReader(conn), patience: target.patience()}
}

// Login opens a session with the target's credentials.
func (c *Client) Login(version string, pairs ...string) {
	c.t.Helper()
	c.Write(c.target.connectFrame(version, pairs...))
	c.Connected = c.Expect("CONNECTED")
	c.version = version
}

// Write sends frames in one segment, escaped by the session's version.
func (c *Client) Write(frames ...Frame) {
	c.t.Helper()
	var b strings.Builder
	for _, f := range frames {
		b.WriteString(f.encode(c.version))
	}
	c.WriteRaw(b.String())
}

// WriteRaw sends bytes as they are.
func (c *Client) WriteRaw(text string) {
	c.t.Helper()
	if err := c.tryWrite(text); err != nil {
		c.t.Fatalf("write %.60q: %v", text, err)
	}
}

// tryWrite sends bytes to a broker that may close meanwhile.
func (c *Client) tryWrite(text string) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.patience)); err != nil {
		return err
	}
	_, err := io.WriteString(c.conn, text)
	return err
}

// Next returns the next frame that the broker sent.
func (c *Client) Next() Frame {
	c.t.Helper()
	f, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for a frame: %v", err)
	}
	return f
}

func (c *Client) next() (Frame, error) {
	if len(c.inbox) > 0 {
		f := c.inbox[0]
		c.inbox = c.inbox[1:]
		return f, nil
	}
	return c.read()
}

func (c *Client) read() (Frame, error) {
	if err := c.extendRead(); err != nil {
		return Frame{}, err
	}
	return readFrame(c.r, c.version, &c.beats)
}

// Expect returns the next frame, which must have the command.
func (c *Client) Expect(command string) Frame {
	c.t.Helper()
	f := c.Next()
	if f.Command != command {
		c.t.Fatalf("got %v, want %s", f, command)
	}
	return f
}

// Message returns the next frame, which must be a MESSAGE.
func (c *Client) Message() Frame {
	c.t.Helper()
	return c.Expect("MESSAGE")
}

// extendRead gives the next read the target's whole patience.
func (c *Client) extendRead() error { return c.conn.SetReadDeadline(time.Now().Add(c.patience)) }

// Messages returns the next n frames, which must be MESSAGEs.
func (c *Client) Messages(n int) []Frame {
	c.t.Helper()
	list := make([]Frame, 0, n)
	for range n {
		list = append(list, c.Message())
	}
	return list
}

// Bodies receives n messages and returns their bodies joined by spaces.
func (c *Client) Bodies(n int) string {
	c.t.Helper()
	return bodies(c.Messages(n))
}

func bodies(frames []Frame) string {
	list := make([]string, len(frames))
	for i, f := range frames {
		list[i] = f.Body
	}
	return strings.Join(list, " ")
}

// WantBodies receives as many messages as words, which must be their bodies in order.
func (c *Client) WantBodies(words string) []Frame {
	c.t.Helper()
	frames := c.Messages(len(strings.Fields(words)))
	if got := bodies(frames); got != words {
		c.t.Fatalf("received %q, want %q", got, words)
	}
	return frames
}

// Do sends the frame with a receipt header and waits for its RECEIPT. MESSAGE frames that come before it are kept for
// Next; anything else fails.
func (c *Client) Do(f Frame) {
	c.t.Helper()
	c.receipts++
	id := "receipt-" + strconv.Itoa(c.receipts)
	c.Write(f.With("receipt", id))
	c.AwaitReceipt(id)
}

// AwaitReceipt waits for the RECEIPT with the id, keeping MESSAGE frames that come before it.
func (c *Client) AwaitReceipt(id string) {
	c.t.Helper()
	for {
		f, err := c.read()
		switch {
		case err != nil:
			c.t.Fatalf("waiting for receipt %s: %v", id, err)
		case f.Command == "MESSAGE":
			c.inbox = append(c.inbox, f)
		case f.Command == "RECEIPT" && f.Get("receipt-id") == id:
			return
		default:
			c.t.Fatalf("waiting for receipt %s: got %v", id, f)
		}
	}
}

// Sync makes a round trip: afterwards the broker has handled all frames sent so far on this connection, and all frames
// that it wrote because of them are in the inbox.
func (c *Client) Sync() {
	c.t.Helper()
	c.Do(F("SEND", "destination", "/topic/stomptest.sync", "sync"))
}

// Quiet makes a round trip and fails if the broker sent anything else before it.
func (c *Client) Quiet() {
	c.t.Helper()
	c.Sync()
	if len(c.inbox) > 0 {
		c.t.Fatalf("unexpected %v", c.inbox[0])
	}
}

// Fails sends a frame with a receipt header and returns the ERROR that must answer it and name that receipt.
func (c *Client) Fails(f Frame) Frame {
	c.t.Helper()
	c.receipts++
	id := "receipt-" + strconv.Itoa(c.receipts)
	c.Write(f.With("receipt", id))
	e := c.Expect("ERROR")
	if e.Get("receipt-id") != id {
		c.t.Errorf("receipt-id %q of %v, want %q", e.Get("receipt-id"), e, id)
	}
	return e
}

// Ends reads whatever comes until the broker closes the connection.
func (c *Client) Ends() {
	c.t.Helper()
	c.awaitEnd()
}

// TryWrite sends bytes to a broker that may close the connection meanwhile.
func (c *Client) TryWrite(text string) error { return c.tryWrite(text) }

// Closed waits until the broker has closed the connection; frames before that fail.
func (c *Client) Closed() {
	c.t.Helper()
	f, err := c.next()
	switch {
	case err == nil:
		c.t.Fatalf("got %v, want a closed connection", f)
	case !isClosed(err):
		c.t.Fatalf("got %v, want a closed connection", err)
	}
}

// isClosed reports whether a read ended because the peer went away, with or without a reset.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// Disconnect ends the session with a receipt and closes the socket.
func (c *Client) Disconnect() {
	c.t.Helper()
	c.Do(F("DISCONNECT"))
	c.Close()
}

// Close drops the socket without DISCONNECT.
func (c *Client) Close() { _ = c.conn.Close() }

// CloseWrite ends the sending direction only. It reports false where the transport cannot do that.
func (c *Client) CloseWrite() bool {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok {
		return false
	}
	if err := half.CloseWrite(); err != nil {
		c.t.Fatalf("half close: %v", err)
	}
	return true
}

// Send sends a message without waiting.
func (c *Client) Send(destination, body string, pairs ...string) {
	c.t.Helper()
	c.Write(Frame{Command: "SEND", Header: []Field{{"destination", destination}}, Body: body}.With(pairs...))
}

// Put sends a message and waits for its receipt.
func (c *Client) Put(destination, body string, pairs ...string) {
	c.t.Helper()
	c.Do(Frame{Command: "SEND", Header: []Field{{"destination", destination}}, Body: body}.With(pairs...))
}

// PutAll puts one message per word.
func (c *Client) PutAll(destination, words string, pairs ...string) {
	c.t.Helper()
	for word := range strings.FieldsSeq(words) {
		c.Put(destination, word, pairs...)
	}
}

// Subscribe subscribes and waits for the receipt.
func (c *Client) Subscribe(id, destination string, pairs ...string) {
	c.t.Helper()
	c.Do(F("SUBSCRIBE", "id", id, "destination", destination).With(pairs...))
}

// Unsubscribe ends a subscription and waits for the receipt.
func (c *Client) Unsubscribe(id string, pairs ...string) {
	c.t.Helper()
	c.Do(F("UNSUBSCRIBE", "id", id).With(pairs...))
}

// Ack acknowledges a message in the way of the session's version and waits for the receipt.
func (c *Client) Ack(message Frame, pairs ...string) {
	c.t.Helper()
	c.Do(c.settle("ACK", message).With(pairs...))
}

// Nack refuses a message and waits for the receipt.
func (c *Client) Nack(message Frame, pairs ...string) {
	c.t.Helper()
	c.Do(c.settle("NACK", message).With(pairs...))
}

// settle builds the ACK or NACK of a message: each version names it differently.
func (c *Client) settle(command string, message Frame) Frame {
	switch c.version {
	case "1.2":
		return F(command, "id", message.Get("ack"))
	case "1.1":
		return F(command, "message-id", message.Get("message-id"), "subscription", message.Get("subscription"))
	default:
		return F(command, "message-id", message.Get("message-id"))
	}
}
