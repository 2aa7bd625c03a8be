package stomp

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// connection is one client's connection. Its fields belong to the reader, but for those that
// have a lock or are said to be the writer's.
type connection struct {
	o      *Options
	net    *protocols.Conn
	login  broker.Login // what is known before CONNECT: addresses, certificates
	reader *frame.Reader
	out    *protocols.Outbox
	core   *broker.Connection

	version   frame.Version // set once, before anything is delivered
	names     names
	producers map[string]*producer // by the raw destination header
	subs      map[string]*subscription
	byIndex   map[uint64]*subscription
	nextIndex uint64
	txs       map[string]*broker.Transaction
	receipts  receipts
	acked     []*subscription // have acknowledgements to settle at the end of the burst
	origin    string          // of message identifiers
	sequence  uint64
	now       int64  // the time of the burst, Unix milliseconds
	leaving   bool   // the end is in order: the client gets what it is owed
	parting   string // the receipt of DISCONNECT
	receipt   bool   // it has one
	settled   chan struct{}

	ownMu sync.Mutex // names.back, which the writer reads

	readLimit time.Duration // silence after which the client is dead; 0 = none
	beat      *protocols.Beat
}

// producer is a destination that the client sends to.
type producer struct {
	*broker.Producer
	whole address.Address
}

// maxProducers is how many destinations a connection's producers are kept for.
const maxProducers = 256

// serve runs the connection until it ends.
func (c *connection) serve(ctx context.Context) {
	full, login := c.o.limits()
	c.reader = frame.NewReader((*liveReader)(c), frame.Options{Version: frame.V12, Limits: login, Strict: c.o.StrictEscapes})
	_ = c.net.SetReadDeadline(time.Now().Add(c.o.ConnectTimeout))
	defer c.end(ctx)
	for {
		f, err := c.reader.Next()
		if err != nil {
			c.readFailed(err)
			return
		}
		c.now = time.Now().UnixMilli()
		if c.core == nil {
			if !c.connect(ctx, f) {
				return
			}
			if c.core == nil {
				c.out.Wake() // refused, and it may try again
				continue
			}
			c.reader.SetLimits(full)
		} else if !c.handle(f) {
			return
		}
		// The burst is over when the next frame is not here yet.
		for c.reader.More() {
			if f, err = c.reader.Next(); err != nil {
				c.readFailed(err)
				return
			}
			if !c.handle(f) {
				return
			}
		}
		c.flush()
		c.core.Throttle()
	}
}

// flush lets what the burst asked for take effect.
func (c *connection) flush() {
	for _, s := range c.acked {
		s.settleAcks()
	}
	clear(c.acked)
	c.acked = c.acked[:0]
	c.core.Flush()
	c.out.Wake()
}

// readFailed ends the connection for the reason that reading gave.
func (c *connection) readFailed(err error) {
	var fe *frame.Error
	switch {
	case errors.As(err, &fe):
		c.refuse(fe.Receipt, err, true)
	case errors.Is(err, protocols.ErrTooMuch):
		c.refuse("", fault.New(fault.TooLarge, "connect", "", "Too much was sent before the login"), true)
	case errors.Is(err, io.EOF):
		c.leaving = true // it may have closed its own side only
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.core == nil {
			c.refuse("", fault.New(fault.Timeout, "connect", "", "No CONNECT frame within %s", c.o.ConnectTimeout), true)
		} else {
			c.o.Log.Info("client is silent: connection closed", "client", c.core.ClientID(), "limit", c.readLimit)
		}
	default:
		c.o.Log.Debug("read failed", "remote", c.net.RemoteAddr(), "error", err)
	}
}

// refuse sends an ERROR frame. It returns whether the connection goes on.
func (c *connection) refuse(receipt string, err error, fatal bool) bool {
	a := answerOf(err)
	if fault.KindOf(err) == fault.Internal && !isFrameError(err) {
		c.o.Log.Error("request failed", "error", err)
	}
	fatal = fatal || a.fatal || c.o.CloseOnError
	var b []byte
	v := c.version
	if c.core == nil {
		v = frame.V10 // not agreed on yet: nothing is escaped
	}
	var unsupported *versionError
	if errors.As(err, &unsupported) {
		b = frame.AppendVersionError(nil, a.text, receipt, a.text+"\n")
	} else {
		b = frame.AppendError(nil, v, a.text, receipt, a.text+"\n")
	}
	c.out.Raw(b)
	c.leaving = c.leaving || fatal
	return !fatal
}

func isFrameError(err error) bool {
	var fe *frame.Error
	return errors.As(err, &fe)
}

// versionError is the refusal of a client with which no version is shared.
type versionError struct{ err *frame.Error }

func (e *versionError) Error() string { return e.err.Text }
func (e *versionError) Unwrap() error { return e.err }

// connect handles the first frame. It returns whether the connection goes on.
func (c *connection) connect(ctx context.Context, f *frame.Frame) bool {
	h := &f.Headers
	receipt := h.String(frame.ReceiptHeader)
	if f.Command != frame.Connect && f.Command != frame.Stomp {
		return c.refuse(receipt, bad("Not connected."), false)
	}
	v := frame.V10
	if h.Has(frame.AcceptVersion) {
		var ok bool
		if v, ok = frame.Negotiate(h.Get(frame.AcceptVersion)); !ok {
			return c.refuse(receipt, &versionError{frame.UnsupportedVersion(h.Get(frame.AcceptVersion))}, true)
		}
	}
	wish := c.o.HeartBeat
	if h.Has(frame.HeartBeatHeader) {
		var err error
		if wish, err = frame.ParseHeartBeat(h.Get(frame.HeartBeatHeader)); err != nil {
			return c.refuse(receipt, err, true)
		}
	}
	login := c.login
	login.Protocol = "stomp"
	login.ClientID = h.String(frame.ClientID)
	login.User = h.String(frame.Login)
	login.Password = h.String(frame.Passcode)
	login.HasUser = h.Has(frame.Login)
	core, err := c.o.Broker.Connect(ctx, login, c.out)
	if fault.Is(err, fault.Unauthenticated) && strings.Contains(login.User+login.Password, `\`) {
		// Some clients escape CONNECT as well, which the standard does not.
		login.User = string(frame.Unescape(frame.V12, []byte(login.User)))
		login.Password = string(frame.Unescape(frame.V12, []byte(login.Password)))
		var again error
		if core, again = c.o.Broker.Connect(ctx, login, c.out); again == nil {
			err = nil
		}
	}
	if err != nil {
		return c.refuse(receipt, err, true)
	}
	c.net.LoggedIn()
	c.version = v
	c.core = core
	c.reader.SetVersion(v)
	c.origin = core.ID() + ":-1:1"
	c.names.create = core.CreateTemporary
	response := h.String(frame.RequestID)
	if response == "" {
		response = receipt
	}
	answer := wish.Answer(uint32(c.o.LeastHeartBeat / time.Millisecond))
	read, write := answer.Intervals(wish)
	c.readLimit = time.Duration(float64(read) * c.o.Grace)
	_ = c.net.SetReadDeadline(time.Time{})
	if write > 0 {
		c.beat = protocols.StartBeat(c.out, write*17/20, []byte{'\n'})
	}
	c.out.Raw(frame.AppendConnected(nil, frame.Welcome{
		Version: v, HeartBeat: answer, Session: core.ClientID(), Server: c.o.Server,
		Response: response, Receipt: receipt,
	}))
	return true
}

// liveReader is the connection as the codec's source: it limits the client's silence.
type liveReader connection

// Read implements io.Reader.
func (r *liveReader) Read(p []byte) (int, error) {
	if r.readLimit > 0 {
		_ = r.net.SetReadDeadline(time.Now().Add(r.readLimit))
	}
	return r.net.Read(p)
}

// ownName returns the client's own name of one of its temporary destinations.
func (c *connection) ownName(a address.Address) (string, bool) {
	if !a.Kind.IsTemp() {
		return "", false
	}
	c.ownMu.Lock()
	defer c.ownMu.Unlock()
	name, ok := c.names.back[a]
	return name, ok
}

// parse reads a destination header. A name without a prefix is of kind def.
func (c *connection) parse(text string, def address.Kind) (target, error) {
	if c.version == frame.V10 && strings.Contains(text, `-temp-`) && strings.Contains(text, `\c`) {
		// Some clients escape headers in 1.0 too, of which only our own names matter.
		text = string(frame.Unescape(frame.V11, []byte(text)))
	}
	if !strings.Contains(text, "/temp-") {
		return c.names.parse(text, def)
	}
	c.ownMu.Lock()
	defer c.ownMu.Unlock()
	return c.names.parse(text, def)
}

// Encode implements protocols.Encoder.
func (c *connection) Encode(dst []byte, it *protocols.Item) ([]byte, bool) {
	switch it.Kind {
	case protocols.Deliver:
		return it.Delivery.Consumer.Tag.(*subscription).encode(dst, &it.Delivery), false
	case protocols.Raw:
		return append(dst, it.Raw...), false
	case protocols.Confirmed:
		p := c.receipts.get(it.Token)
		switch {
		case it.Err != nil:
			text := answerOf(it.Err).text
			dst = frame.AppendError(dst, c.version, text, p.receipt, text+"\n")
		case p.has:
			dst = frame.AppendReceipt(dst, c.version, p.receipt)
		}
		if p.sub != nil && it.Err == nil {
			// What comes of it stands behind the receipt, which the client may rely on when it
			// has read it: the credit is there.
			p.sub.Limit(p.sub.prefetch)
		}
		if p.last {
			close(c.settled)
		}
		return dst, false
	case protocols.Drained:
		if s := it.Consumer.Tag.(*subscription); s.browser {
			return appendBrowserEnd(dst, s), false
		}
	case protocols.Ended:
		it.Consumer.Tag.(*subscription).ended.Store(true)
		text := answerOf(it.Err).text
		return frame.AppendError(dst, c.version, text, "", text+"\n"), false
	case protocols.Closed:
		if it.Err != nil {
			text := answerOf(it.Err).text
			dst = frame.AppendError(dst, c.version, text, "", text+"\n")
		}
		return dst, true
	}
	return dst, false
}

// Written implements protocols.Encoder: what needs no acknowledgement is settled.
func (c *connection) Written(items []protocols.Item) {
	for i := 0; i < len(items); i++ {
		it := &items[i]
		switch it.Kind {
		case protocols.Deliver:
			s := it.Delivery.Consumer.Tag.(*subscription)
			last := it.Delivery.Number
			for i+1 < len(items) && items[i+1].Kind == protocols.Deliver && items[i+1].Delivery.Consumer == it.Delivery.Consumer {
				i++
				last = items[i].Delivery.Number
			}
			if s.mode == ackAuto {
				s.wrote(it.Delivery.Number, last)
			}
		case protocols.Confirmed:
			c.receipts.forget(it.Token)
		}
	}
}
