package amqp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
)

// connection is one client's connection. Its fields belong to the reader, but for those that have
// a lock or are said to be the writer's.
type connection struct {
	o     *Options
	links *registry
	net   *protocols.Conn
	out   *protocols.Outbox
	login broker.Login // what is known before open: addresses, certificates, the user
	core  *broker.Connection
	ctx   context.Context

	transformer mapping.Transformer

	in        input
	maxFrame  uint32 // of what the client may send
	container string // the client's
	sessions  map[uint16]*session
	channels  map[uint16]bool // ours
	peer      frame.Open      // set before there is a session, read by the writer
	now       int64           // the time of the burst, Unix milliseconds
	partials  int             // bytes of messages of which more frames are to come
	dirty     []flusher       // have something to settle at the end of the burst
	nextTxn   uint64
	sequence  uint64 // of message identifiers that we give
	origin    string

	silence time.Duration // after which the client is dead; 0: never
	beat    *protocols.Beat
	hello   bool // protocol headers were exchanged: close can be said
	leaving bool // the end is in order: the client gets what it is owed
	closing bool // close was sent with an error: whatever comes is dropped until the client's
	settled chan struct{}

	// txMu is held while something is done with a transaction that is open: by the reader, or by
	// who steals the coordinator's link. It is taken after that link's ending, and before any other's.
	txMu sync.Mutex
	txs  map[string]*transaction

	mu        sync.Mutex
	receivers map[uint32]*receiver // by the index that tokens have
	nextIndex uint32
	pending   map[broker.Token]func(dst []byte, err error) []byte
	nextToken broker.Token

	w writer
}

// flusher settles what it has gathered in a burst.
type flusher interface{ flush() }

// errStop ends the reading of a connection whose end has been said already.
var errStop = errors.New("amqp: the connection is over")

// serve runs the connection until it ends.
func (c *connection) serve() {
	_ = c.net.SetReadDeadline(time.Now().Add(c.o.ConnectTimeout))
	c.in = input{src: (*liveReader)(c)}
	defer c.end()
	if err := c.greet(); err != nil {
		c.readFailed(err)
		return
	}
	for {
		h, body, err := c.in.frame(c.maxFrame)
		if err != nil {
			c.readFailed(err)
			return
		}
		c.now = time.Now().UnixMilli()
		for {
			if err = c.handle(h, body); err != nil {
				c.readFailed(err)
				if !c.closing || errors.Is(err, errStop) {
					return
				}
			}
			// The burst is over when the next frame is not here yet.
			if !c.in.more(c.maxFrame) {
				break
			}
			if h, body, err = c.in.frame(c.maxFrame); err != nil {
				c.readFailed(err)
				return
			}
		}
		c.flush()
		c.in.rest()
		if c.core != nil {
			c.core.Throttle()
		}
	}
}

// flush lets what the burst asked for take effect.
func (c *connection) flush() {
	for _, f := range c.dirty {
		f.flush()
	}
	clear(c.dirty)
	c.dirty = c.dirty[:0]
	if c.core != nil {
		c.core.Flush()
	}
	c.out.Wake()
}

// readFailed ends the connection for the reason that reading or handling gave.
func (c *connection) readFailed(err error) {
	var fe *frame.Error
	switch {
	case errors.Is(err, errStop):
	case errors.As(err, &fe):
		c.fail(fe)
	case errors.Is(err, protocols.ErrTooMuch):
		c.fail(&frame.Error{Condition: frame.ResourceLimitExceeded, Description: "too much was sent before the login"})
	case errors.Is(err, io.EOF):
		c.leaving = c.core != nil // it may have closed its own side only
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.core == nil || c.closing {
			return
		}
		// [AMQP 2.4.5]
		c.fail(&frame.Error{Condition: frame.ResourceLimitExceeded, Description: "local-idle-timeout expired"})
		c.closing = false // nothing is waited for
	default:
		c.o.Log.Debug("read failed", "remote", c.net.RemoteAddr(), "error", err)
	}
}

// fail says close with an error, once. [AMQP 2.4.3]
func (c *connection) fail(e *frame.Error) {
	if c.closing {
		return
	}
	if c.core == nil {
		if !c.hello {
			return // in SASL there is no way to tell
		}
		c.out.Raw((&frame.Open{Container: c.o.Broker.Name, MaxFrame: uint32(c.o.MaxFrame), ChannelMax: channelMax}).Append(nil))
	}
	c.o.Log.Debug("connection closed for an error", "remote", c.net.RemoteAddr(), "condition", string(e.Condition), "error", e.Description)
	c.closeWith(e)
}

// closeWith queues close behind everything else. What the client sends from now on is dropped.
func (c *connection) closeWith(e *frame.Error) {
	c.closing, c.leaving = true, true
	c.out.Own(closeItem{e})
	c.out.Wake()
	_ = c.net.SetReadDeadline(time.Now().Add(closeTime))
}

// closeTime is how long a client may take to answer close.
const closeTime = 5 * time.Second

// handle serves one frame. An error that is a *frame.Error ends the connection with it; errStop
// ends it in silence.
func (c *connection) handle(h frame.Header, body []byte) error {
	if h.Type != frame.TypeAMQP {
		return &frame.Error{Condition: frame.FramingError, Description: "a frame that is not one of AMQP"}
	}
	if len(body) == 0 {
		return nil // it is alive
	}
	code, f, n, err := frame.Performative(body)
	if c.closing {
		if err == nil && code == frame.CodeClose {
			return errStop
		}
		return nil
	}
	if err != nil {
		return err
	}
	if c.core == nil {
		if code != frame.CodeOpen {
			return &frame.Error{Condition: frame.FramingError, Description: "the first frame must be open"}
		}
		return c.opened(h, f)
	}
	switch code {
	case frame.CodeOpen:
		return &frame.Error{Condition: frame.IllegalState, Description: "the connection is open already"}
	case frame.CodeClose:
		c.leaving = true
		return errStop
	case frame.CodeBegin:
		return c.begin(h.Channel, f)
	}
	s := c.sessions[h.Channel]
	if s == nil {
		return &frame.Error{Condition: frame.FramingError, Description: "there is no session on the channel"}
	}
	return s.handle(code, f, body[n:])
}

// token returns a token whose confirmation is for fn, which may append to what is written.
func (c *connection) token(fn func(dst []byte, err error) []byte) broker.Token {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextToken++
	t := c.nextToken & tokenMask
	if c.pending == nil {
		c.pending = make(map[broker.Token]func([]byte, error) []byte)
	}
	c.pending[t] = fn
	return t
}

// forget ends a token that will not be confirmed.
func (c *connection) forget(t broker.Token) {
	c.mu.Lock()
	delete(c.pending, t)
	c.mu.Unlock()
}

// take returns what a token is for.
func (c *connection) take(t broker.Token) func([]byte, error) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn := c.pending[t]
	delete(c.pending, t)
	return fn
}

// Tokens of messages say all that their confirmation needs: the receiver's index and the
// delivery-id. Others are known by a number.
const (
	sendToken    = broker.Token(1) << 63
	settledToken = broker.Token(1) << 62 // the client has settled the delivery already
	indexShift   = 32
	indexMask    = 1<<30 - 1
	tokenMask    = 1<<62 - 1
)

// liveReader is the connection as the input's source: it limits the client's silence.
type liveReader connection

// Read implements io.Reader. Any byte is a sign of life: a slow link must not die within one
// large frame.
func (r *liveReader) Read(p []byte) (int, error) {
	if r.silence > 0 && !r.closing {
		_ = r.net.SetReadDeadline(time.Now().Add(r.silence))
	}
	return r.net.Read(p)
}
