package openwire

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// implicitSession is the session of consumers that the client library makes for itself.
const implicitSession = -1

// connection is one client's connection. Its fields belong to the reader, but for those that have
// a lock or are said to be the writer's.
type connection struct {
	p      *Protocol
	o      *Options
	net    *protocols.Conn
	login  broker.Login // what is known before ConnectionInfo: addresses, certificates
	reader *wire.Reader
	out    *protocols.Outbox
	core   *broker.Connection // nil before the login, and after the client has taken its leave
	owner  *broker.Connection // the same, for other connections, which find this one by then only

	format        wire.Format
	id            string // ConnectionId
	info          *wire.ConnectionInfo
	faultTolerant bool // the client repeats what it has no answer to
	reconnect     bool // it was there before
	sessions      map[int64]bool
	producers     map[producerKey]*producer
	consumers     map[consumerKey]*consumer
	senders       map[destinationKey]*sender
	txs           map[txKey]*transaction
	acked         []*consumer // have acknowledgements to settle at the end of the burst
	now           int64       // the time of the burst, Unix milliseconds
	leaving       bool        // the end is in order: the client gets what it is owed
	barrier       barrier
	sent          bool // something durable since the last barrier
	unasked       bool // messages of the burst that their client waits for no answer to

	indexMu     sync.Mutex // what tokens refer to
	byIndex     map[uint32]*consumer
	byWindow    map[uint32]*wire.ProducerID
	nextIndex   uint32
	freeIndexes []uint32

	readLimit time.Duration // silence after which the client is dead; 0 = none
	grace     time.Duration // that the first look adds to it
	beat      *protocols.Beat

	writer   *wire.Writer // the writer's, as is what follows
	answer   wire.Response
	dispatch *dispatch // nil: nothing was delivered yet
}

// maxBurst is how many commands are served before what was sent goes to the store, and before the
// reader looks whether it should wait for space.
const maxBurst = 256

// serve runs the connection until it ends.
func (c *connection) serve(ctx context.Context) {
	c.reader = wire.NewReader((*liveReader)(c))
	_ = c.net.SetReadDeadline(time.Now().Add(c.o.ConnectTimeout))
	defer c.end(ctx)
	c.out.Raw(c.p.hello)
	c.out.Wake()
	if !c.negotiate() {
		return
	}
	for {
		cmd, err := c.reader.Next()
		if err != nil {
			c.readFailed(err)
			return
		}
		c.now = time.Now().UnixMilli()
		if !c.serveOne(ctx, cmd) {
			return
		}
		// The burst is over when the next frame is not here yet, or when it could bring more sends than
		// may wait for space: half as many may wait already.
		for n := 1; n < maxBurst && c.reader.More(); n++ {
			if cmd, err = c.reader.Next(); err != nil {
				c.readFailed(err)
				return
			}
			if !c.serveOne(ctx, cmd) {
				return
			}
		}
		if c.core == nil {
			c.out.Wake()
			continue
		}
		c.flush()
		if c.unasked {
			c.unasked = false
			c.core.Throttle()
		} else if _, many := c.core.Pause(); many {
			c.core.Throttle()
		}
	}
}

// serveOne serves one command. Those that begin something go deep, and are served on a goroutine of
// their own: the reader's stack would keep what they need of it, for as long as the client is there.
func (c *connection) serveOne(ctx context.Context, cmd wire.Command) (goOn bool) {
	switch cmd.(type) {
	case *wire.ConnectionInfo, *wire.ConsumerInfo, *wire.ProducerInfo, *wire.DestinationInfo:
	default:
		return c.handle(ctx, cmd)
	}
	done := make(chan bool)
	go func() { done <- c.handle(ctx, cmd) }()
	return <-done
}

// negotiate reads the client's WireFormatInfo. It returns whether the connection goes on.
func (c *connection) negotiate() bool {
	cmd, err := c.reader.Next()
	if err != nil {
		c.readFailed(err)
		return false
	}
	info, ok := cmd.(*wire.WireFormatInfo)
	if !ok {
		c.o.Log.Debug("the client did not begin with a WireFormatInfo", "remote", c.net.RemoteAddr())
		return false
	}
	theirs, err := info.Options()
	if err == nil {
		if !theirs.UsableCache() {
			theirs.Cache = false
		}
		c.format, err = wire.Negotiate(c.o.Wire, theirs)
	}
	if err != nil {
		c.o.Log.Debug("negotiation failed", "remote", c.net.RemoteAddr(), "error", err)
		return false
	}
	read := c.format
	read.MaxFrameSize = min(c.o.MaxFrame, loginFrame)
	c.reader.SetFormat(read)
	c.writer.SetFormat(c.format)
	c.out.Confirmed(token(brokerInfo, 0, 0), nil)
	c.out.Wake()
	return true
}

// loginFrame bounds the frames before the login, in octets.
const loginFrame = 64 << 10

// flush lets what the burst asked for take effect.
func (c *connection) flush() {
	c.settleAcks()
	c.core.Flush()
	c.out.Wake()
}

func (c *connection) settleAcks() {
	for _, s := range c.acked {
		s.settleAcks()
	}
	clear(c.acked)
	c.acked = c.acked[:0]
}

// readFailed ends the connection for the reason that reading gave.
func (c *connection) readFailed(err error) {
	var we *wire.Error
	switch {
	case errors.As(err, &we):
		c.o.Log.Info("malformed command: connection closed", "remote", c.net.RemoteAddr(), "error", err)
	case errors.Is(err, protocols.ErrTooMuch):
		c.o.Log.Info("too much was sent before the login: connection closed", "remote", c.net.RemoteAddr())
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
	case errors.Is(err, os.ErrDeadlineExceeded):
		if c.core != nil {
			c.o.Log.Info("client is silent: connection closed", "client", c.core.ClientID(), "limit", c.readLimit)
		}
	default:
		c.o.Log.Debug("read failed", "remote", c.net.RemoteAddr(), "error", err)
	}
}

// send queues a command that needs no cache.
func (c *connection) send(cmd wire.Command) { c.out.Raw(c.uncached(cmd)) }

// uncached returns the frame of a command without use of the cache, which is the writer's.
func (c *connection) uncached(cmd wire.Command) []byte {
	f := c.format
	f.CacheSize = 0
	w := wire.NewWriter()
	w.SetFormat(f)
	return w.Append(nil, cmd)
}

// tokenFor returns the token for the answer to a command.
func tokenFor(h *wire.Base) broker.Token {
	if h.ResponseRequired {
		return token(respond, 0, h.CommandID)
	}
	return token(quietly, 0, h.CommandID)
}

// failed answers a command with an error: to the command if it asked for an answer, else as a
// ConnectionError.
func (c *connection) failed(h *wire.Base, err error) {
	if fault.KindOf(err) == fault.Internal && !isException(err) {
		c.o.Log.Error("request failed", "error", err)
	}
	c.out.Confirmed(tokenFor(h), err)
}

func isException(err error) bool {
	var x *exception
	return errors.As(err, &x)
}

// liveReader is the connection as the codec's source: it limits the client's silence.
type liveReader connection

// Read implements io.Reader.
func (r *liveReader) Read(p []byte) (int, error) {
	if r.readLimit > 0 {
		_ = r.net.SetReadDeadline(time.Now().Add(r.readLimit + r.grace))
		r.grace = 0
	}
	return r.net.Read(p)
}

// watch starts the inactivity monitor.
func (c *connection) watch() {
	_ = c.net.SetReadDeadline(time.Time{})
	limit := time.Duration(min(c.format.MaxInactivity, 1<<40)) * time.Millisecond
	if limit <= 0 {
		return
	}
	// A look at every interval lets a client be silent for up to two.
	c.readLimit = 2 * limit
	c.grace = time.Duration(min(c.format.MaxInactivityInitial, 1<<40)) * time.Millisecond
	every := limit / 3
	if c.format.MaxInactivity <= 3 {
		every = limit
	}
	c.beat = protocols.StartBeat(c.out, every, c.uncached(&wire.KeepAliveInfo{}))
}

// index gives a token something to refer to.
func (c *connection) index(set func(i uint32)) (uint32, error) {
	c.indexMu.Lock()
	defer c.indexMu.Unlock()
	if n := len(c.freeIndexes); n > 0 {
		i := c.freeIndexes[n-1]
		c.freeIndexes = c.freeIndexes[:n-1]
		set(i)
		return i, nil
	}
	if c.nextIndex == maxIndex {
		return 0, fault.New(fault.LimitReached, "open", "", "the connection has opened too much")
	}
	c.nextIndex++
	set(c.nextIndex)
	return c.nextIndex, nil
}

func (c *connection) consumerAt(i uint32) *consumer {
	c.indexMu.Lock()
	defer c.indexMu.Unlock()
	return c.byIndex[i]
}

func (c *connection) producerAt(i uint32) *wire.ProducerID {
	c.indexMu.Lock()
	defer c.indexMu.Unlock()
	return c.byWindow[i]
}
