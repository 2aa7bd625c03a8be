package websocket

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
)

// What ends a connection.
var (
	errText = errors.New("a text message, where only binary ones are allowed")
	errUTF8 = errors.New("a text message that is not UTF-8")
)

// conn is a WebSocket as a stream of bytes. Messages and the protocol's own frames need not
// begin together. One goroutine may read while another writes.
type conn struct {
	ws        *gorilla.Conn
	transport *transport
	outer     *protocols.Conn
	textual   bool // text messages are allowed
	split     split
	buffers   *sync.Pool // of *[]byte

	// The reader's:
	head    []byte    // read while the protocol was recognised
	message io.Reader // what is left of the current message; nil: the next one is awaited
	typed   bool      // the first message has come
	isText  bool      // the current message is text, which
	scan    scan      // checks
	err     error     // after which nothing is read

	text    atomic.Bool  // answers go in text messages, as what the client has sent first
	waiting atomic.Int64 // since when the reader waits for the client, Unix nanoseconds; 0: it does not

	writing sync.Mutex
	parted  atomic.Bool // a close message was sent
	pong    pong
}

func newConn(ws *gorilla.Conn, h *hijacker, maxMessage int64) *conn {
	c := &conn{ws: ws, transport: h.transport, outer: h.outer, split: splitNone, buffers: &h.p.buffers}
	ws.SetReadLimit(maxMessage)
	ws.SetPingHandler(c.pinged)
	ws.SetPongHandler(func(string) error { c.heard(); return nil })
	ws.SetCloseHandler(c.closing)
	return c
}

// Read implements net.Conn. It returns bytes of one message at most.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(b, c.head)
		if c.head = c.head[n:]; len(c.head) == 0 {
			c.head = nil
		}
		return n, nil
	}
	return c.read(b)
}

func (c *conn) read(b []byte) (int, error) {
	if c.err != nil || len(b) == 0 {
		return 0, c.err
	}
	c.heard()
	defer c.waiting.Store(0)
	for {
		if c.message == nil {
			if err := c.next(); err != nil {
				c.err = err
				return 0, err
			}
		}
		n, err := c.message.Read(b)
		if err != nil {
			c.message = nil
			if err != io.EOF { // which ends the message only
				c.err = c.failed(err)
			}
		}
		if c.isText && (!c.scan.valid(b[:n]) || err == io.EOF && !c.scan.complete()) {
			c.part(gorilla.CloseInvalidFramePayloadData, "not UTF-8") // RFC 6455, 8.1
			c.message, c.err = nil, errUTF8
			return 0, c.err
		}
		if n > 0 {
			return n, nil
		}
		if c.err != nil {
			return 0, c.err
		}
	}
}

// next waits for the next message.
func (c *conn) next() error {
	kind, r, err := c.ws.NextReader()
	if err != nil {
		return c.failed(err)
	}
	text := kind == gorilla.TextMessage
	if text && !c.textual {
		c.part(gorilla.CloseUnsupportedData, "binary messages only")
		return errText
	}
	if !c.typed {
		c.typed = true
		c.text.Store(text)
	}
	c.message, c.isText, c.scan = r, text, scan{}
	return nil
}

// more reads more of what a protocol is recognised by.
func (c *conn) more() error {
	if cap(c.head) == 0 {
		c.head = make([]byte, 0, 2*protocols.MaxPrefix)
	}
	n, err := c.read(c.head[len(c.head):cap(c.head)])
	c.head = c.head[:len(c.head)+n]
	return err
}

// failed turns an error of the library into what a protocol expects of a connection. The client
// has been told why, as a rule.
func (c *conn) failed(err error) error {
	var closed *gorilla.CloseError
	var network net.Error
	switch {
	case errors.Is(err, gorilla.ErrReadLimit):
		c.part(gorilla.CloseMessageTooBig, "")
	case errors.As(err, &closed):
		if closed.Code == gorilla.CloseAbnormalClosure {
			return io.ErrUnexpectedEOF
		}
		return io.EOF // the client has said goodbye
	case errors.As(err, &network) && network.Timeout():
		return os.ErrDeadlineExceeded
	}
	return err
}

// Write implements net.Conn: each frame of the protocol inside is one message, and what is written
// together goes out together.
func (c *conn) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	send := c.send
	if c.split(b) < len(b) {
		send = c.sendFrames
	}
	if err := send(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// sendFrames sends frames, each as a message, in one write.
func (c *conn) sendFrames(b []byte) (err error) {
	buffer := c.buffers.Get().(*[]byte)
	c.transport.cork(buffer)
	for len(b) > 0 && err == nil {
		n := c.split(b)
		err = c.send(b[:n])
		b = b[n:]
	}
	if err = errors.Join(err, c.transport.uncork()); err == nil && cap(*buffer) <= keepCork {
		c.buffers.Put(buffer)
	}
	return err
}

// send sends a message. A client that began with a text message gets text, unless the bytes are
// none.
func (c *conn) send(b []byte) error {
	kind := gorilla.BinaryMessage
	if c.text.Load() && utf8.Valid(b) {
		kind = gorilla.TextMessage
	}
	return c.ws.WriteMessage(kind, b)
}

// Close implements net.Conn.
func (c *conn) Close() error { return c.transport.Close() }

// CloseWrite says goodbye: the client gets what was written, and then the end.
func (c *conn) CloseWrite() error {
	c.part(gorilla.CloseNormalClosure, "")
	return c.outer.CloseWrite()
}

// part sends a close message (RFC 6455, 7.4), if none was sent. It gives up after a second.
func (c *conn) part(code int, reason string) {
	if !c.parted.Swap(true) {
		_ = c.ws.WriteControl(gorilla.CloseMessage, gorilla.FormatCloseMessage(code, reason), time.Now().Add(closeTime))
	}
}

// closing answers the client's close message by one of the same code.
func (c *conn) closing(code int, _ string) error {
	if code == gorilla.CloseNoStatusReceived {
		code = gorilla.CloseNormalClosure
	}
	c.part(code, "")
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return c.outer.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *conn) RemoteAddr() net.Addr { return c.outer.RemoteAddr() }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline implements net.Conn. A connection whose deadline has passed can't be read from
// any more.
func (c *conn) SetReadDeadline(t time.Time) error { return c.transport.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.transport.limitWrites(t) }
