package mqtt

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// connection is one client's connection. Its fields belong to the reader, but for those that have
// a lock or are said to be the writer's.
type connection struct {
	o       *Options
	figures *figures
	net     *protocols.Conn
	login   broker.Login // what is known before CONNECT: addresses, certificates
	names   names
	reader  *packet.Reader
	out     *protocols.Outbox
	core    *broker.Connection
	session *broker.Session
	sub     *broker.Subscription // the session's consumer

	// Set once, before anything is delivered.
	version    packet.Version
	maxPacket  int  // octets that the client takes; 0: any number
	aliasMax   int  // topic aliases that the client takes
	quiet      bool // the client wants no reason strings
	expiring   bool // the session has an end that DISCONNECT may put off
	inflight   uint64
	acked      numbers     // acknowledgements of a burst that follow each other are settled as one range
	advisories atomic.Bool // the client has asked for advisory messages by their name
	rebound    atomic.Bool // the session's bindings have changed

	producers map[string]*producer // by topic name
	aliases   map[uint16]string    // the client's [MQTT-3.3.2-7]
	once      *broker.Once
	tokens    tokens
	ids       ids
	receiving receiving
	origin    string // of message identifiers
	sequence  uint64
	now       int64 // the time of the burst, Unix milliseconds
	writer    writer
	yielding  yielding

	packets   int64         // of the burst
	owed      atomic.Int64  // answers that are asked for and not written
	readLimit time.Duration // silence after which the client is dead; 0 = none
	connected bool          // CONNACK has said yes
	orderly   bool          // DISCONNECT has come
	withWill  bool          // and asks for the will
	leaving   bool          // the client gets what is written for it before the end
	reason    error         // of the end, for the client
}

// maxOwed is how many answers may wait for a client that does not read them. More than there are
// identifiers can't be in order.
const maxOwed = 2 * 0xffff

// maxProducers is how many topics a connection's producers are kept for.
const maxProducers = 256

// serve runs the connection until it ends.
func (c *connection) serve(ctx context.Context) {
	defer c.end(ctx)
	if !c.begin(ctx) {
		return
	}
	var p *packet.Packet
	var err error
	for {
		// The burst is over when the next packet is not here yet.
		for c.reader.More() {
			if p, err = c.reader.Next(); err != nil {
				c.readFailed(err)
				return
			}
			if err = c.handle(ctx, p); err != nil || c.orderly {
				c.fail(err)
				return
			}
		}
		c.flush()
		c.core.Throttle()
		if p, err = c.reader.Next(); err != nil {
			c.readFailed(err)
			return
		}
		c.now = time.Now().UnixMilli()
		if err = c.handle(ctx, p); err != nil || c.orderly {
			c.fail(err)
			return
		}
	}
}

// begin reads CONNECT, and reports whether the connection goes on. It is apart from serve for the sake
// of the stack; see Protocol.connection.
//
//go:noinline
func (c *connection) begin(ctx context.Context) bool {
	c.reader = packet.NewReader((*liveReader)(c), packet.ReaderOptions{Limits: packet.Limits{Packet: maxLogin, UserProperties: 256}})
	_ = c.net.SetReadDeadline(time.Now().Add(c.o.ConnectTimeout))
	p, err := c.reader.Next()
	if err != nil {
		c.readFailed(err)
		return false
	}
	c.now = time.Now().UnixMilli()
	if !c.connect(ctx, p) {
		return false
	}
	c.reader.SetLimits(c.o.limits())
	return true
}

// flush lets what the burst asked for take effect.
func (c *connection) flush() {
	c.settleAcked()
	c.core.Flush()
	c.out.Wake()
	c.figures.packetsIn.Add(c.packets)
	c.packets = 0
}

// readFailed ends the connection for the reason that reading gave.
func (c *connection) readFailed(err error) {
	var pe *packet.Error
	switch {
	case c.yielded(err):
	case errors.As(err, &pe):
		c.fail(err)
	case errors.Is(err, protocols.ErrTooMuch):
		c.fail(&packet.Error{Reason: packet.PacketTooLarge, Text: "too much was sent before the login"})
	case errors.Is(err, io.EOF):
		c.leaving = true // it may have closed its own side only
	case errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF):
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.o.Log.Info("client is silent: connection closed", "client", c.client(), "limit", c.readLimit)
		if c.connected { // [MQTT-3.1.2-24] [MQTT-3.1.2-22]
			c.fail(&packet.Error{Reason: packet.KeepAliveTimeout, Text: "nothing was received in time"})
		}
	default:
		c.o.Log.Debug("read failed", "remote", c.net.RemoteAddr(), "error", err)
	}
}

// fail ends the connection because of an error; nil stands for none. A client of version 5 is told
// why [MQTT-4.13.1-1] [MQTT-4.13.2-1]; others find it closed [MQTT-4.8.0-1].
func (c *connection) fail(err error) {
	if err == nil {
		return
	}
	c.o.Log.Debug("connection refused or ended", "client", c.client(), "remote", c.net.RemoteAddr(), "error", err)
	if fault.KindOf(err) == fault.Internal && !isPacketError(err) {
		c.o.Log.Error("request failed", "error", err)
	}
	if !c.connected {
		c.refuse(err)
		return
	}
	c.leaving = true
	c.reason = err // told last: nothing follows a DISCONNECT [MQTT-3.14.4-1]
}

func isPacketError(err error) bool {
	var pe *packet.Error
	return errors.As(err, &pe)
}

// farewell appends the DISCONNECT that tells why. It never has a session expiry interval
// [MQTT-3.14.2-2], nor user properties [MQTT-3.14.2-4].
func (c *connection) farewell(dst []byte, err error) []byte {
	var props packet.Properties
	if text := textOf(err); text != "" {
		props = c.fitting(packet.AppendText(nil, packet.ReasonString, text)) // [MQTT-3.14.2-3]
	}
	return packet.AppendFarewell(dst, c.version, packet.Disconnect, answerOf(err).disconnect, props)
}

// fitting returns properties that only inform, or none if a packet with them were too large for
// the client [MQTT-3.2.2-19] [MQTT-3.2.2-20].
func (c *connection) fitting(p packet.Properties) packet.Properties {
	if c.maxPacket > 0 && len(p)+64 > c.maxPacket { // with room for codes
		return nil
	}
	return p
}

// client names the client in logs.
func (c *connection) client() string {
	if c.core == nil {
		return ""
	}
	return c.core.ClientID()
}

// liveReader is the connection as the codec's source: it limits the client's silence.
type liveReader connection

// Read implements io.Reader.
func (r *liveReader) Read(p []byte) (int, error) {
	if r.readLimit > 0 {
		_ = r.net.SetReadDeadline(time.Now().Add(r.readLimit))
	}
	if r.yielding.asked.Load() {
		_ = r.net.SetReadDeadline(time.Now().Add(yieldTime))
	}
	n, err := r.net.Read(p)
	r.figures.bytesIn.Add(int64(n))
	return n, err
}
