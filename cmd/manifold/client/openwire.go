package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// openWireConn is a connection that speaks OpenWire, loose and without a cache. With the URL of a
// failover it outlives its sockets: what it had registered is told to the next broker, and what had
// no answer is said again.
type openWireConn struct {
	o      Options
	target Target
	life   context.Context // that a socket is cut with, also one to come

	raw     net.Conn
	stop    func() bool
	out     *wire.Writer
	arrived chan event
	quit    chan struct{} // closed when nobody takes from arrived any more
	failed  bool          // the broker is gone

	id      string // ConnectionId
	command int32  // number of the last command
	kept    []wire.Command
	sent    int64 // messages, by the producer
	to      *wire.Destination
	waiting []event // deliveries that came before they were asked for
	entry   int64   // of the last message that was handed over
	seen    seen    // messages that were handed over: they may come again after a failover
}

// dialOpenWire logs in at the target, or at the first broker of a failover that lets it.
func (o Options) dialOpenWire(ctx, life context.Context, t Target) (Conn, error) {
	c := &openWireConn{o: o, target: t, life: life, id: "ID:manifold-" + rand.Text()[:14] + "-0:1", entry: -1}
	clientID := o.ClientID
	if clientID == "" {
		clientID = c.id
	}
	c.keep(&wire.ConnectionInfo{
		ConnectionID: &wire.ConnectionID{Value: wire.TextOf(c.id)}, ClientID: wire.TextOf(clientID),
		UserName: wire.NullText(t.User), Password: wire.NullText(t.Password), Manageable: true, FaultTolerant: t.Failover != nil,
	})
	c.keep(&wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.TextOf(c.id), Value: 1}})
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// number gives a command that wants an answer its identifier.
func (c *openWireConn) number(cmd wire.Command) {
	c.command++
	h := cmd.Head()
	h.CommandID, h.ResponseRequired = c.command, true
}

// keep has a command said at the begin of each connection.
func (c *openWireConn) keep(cmd wire.Command) {
	c.number(cmd)
	c.kept = append(c.kept, cmd)
}

// connect connects to a broker.
func (c *openWireConn) connect(ctx context.Context) error {
	err := c.target.Failover.try(ctx, c.target, c.login)
	if err == nil {
		c.kept[0].(*wire.ConnectionInfo).FailoverReconnect = c.target.Failover != nil
	}
	return err
}

// login shakes hands with a broker and tells it what is kept.
func (c *openWireConn) login(ctx context.Context, t Target) error {
	raw, stop, err := c.o.reach(ctx, c.life, t)
	if err != nil {
		return err
	}
	c.cut()
	c.raw, c.stop, c.out = raw, stop, wire.NewWriter()
	if deadline, ok := ctx.Deadline(); ok {
		_ = raw.SetReadDeadline(deadline)
	}
	in := wire.NewReader(raw)
	if err := c.negotiate(ctx, in); err != nil {
		c.cut()
		return brokerError(fmt.Errorf("OpenWire with %s: %w", t.Address, err))
	}
	_ = raw.SetReadDeadline(time.Time{})
	c.arrived, c.quit = make(chan event), make(chan struct{})
	go readEvents(in, c.arrived, c.quit)
	for _, cmd := range c.kept {
		if err := c.exchange(ctx, cmd); err != nil {
			c.cut()
			return openWireError(fmt.Errorf("login at %s: %w", t.Address, err))
		}
	}
	return nil
}

// negotiate exchanges what either side can do. Neither has to show that it lives: the socket's own
// keep-alive finds a dead broker.
func (c *openWireConn) negotiate(ctx context.Context, in *wire.Reader) error {
	ours := wire.Options{Version: wire.MaxVersion, TCPNoDelay: true, MaxFrameSize: math.MaxInt32, ProviderName: "Manifold"}
	if err := c.write(ctx, ours.Info()); err != nil {
		return err
	}
	cmd, err := in.Next()
	if err != nil {
		return err
	}
	info, ok := cmd.(*wire.WireFormatInfo)
	if !ok {
		return errors.New("the broker does not begin with a WireFormatInfo")
	}
	theirs, err := info.Options()
	if err != nil {
		return err
	}
	format, err := wire.Negotiate(ours, theirs)
	if err != nil {
		return err
	}
	in.SetFormat(format)
	c.out.SetFormat(format)
	return nil
}

// cut ends the connection without a word.
func (c *openWireConn) cut() {
	if c.raw == nil {
		return
	}
	c.raw.Close()
	c.stop()
	c.raw, c.waiting = nil, nil
	if c.quit != nil {
		close(c.quit)
		c.quit = nil
	}
}

func (c *openWireConn) write(ctx context.Context, cmd wire.Command) error {
	if c.raw == nil {
		return net.ErrClosed
	}
	deadline, _ := ctx.Deadline()
	_ = c.raw.SetWriteDeadline(deadline)
	_, err := c.raw.Write(c.out.Append(nil, cmd))
	return err
}

// exchange sends a command and waits for its answer. Messages that come meanwhile are kept.
func (c *openWireConn) exchange(ctx context.Context, cmd wire.Command) error {
	if err := c.write(ctx, cmd); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-c.arrived:
			switch {
			case e.answers == cmd.Head().CommandID:
				return e.err
			case e.isAnswer(): // to what was given up
			case e.err != nil:
				return e.err
			case e.brokers != "":
				c.target.Failover.learn(e.brokers)
			default:
				c.waiting = append(c.waiting, e)
			}
		}
	}
}

// call is exchange for a connection that comes back.
func (c *openWireConn) call(ctx context.Context, cmd wire.Command) error {
	return c.bounded(ctx, func(ctx context.Context) error {
		for {
			err := c.exchange(ctx, cmd)
			if !c.comesBack(ctx, err) {
				return openWireError(err)
			}
			if err := c.connect(ctx); err != nil {
				c.failed = true
				return err
			}
		}
	})
}

// bounded calls fn with the time that an answer may take.
func (c *openWireConn) bounded(ctx context.Context, fn func(context.Context) error) error {
	if c.o.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.o.Timeout)
		defer cancel()
	}
	return fn(ctx)
}

// comesBack reports whether an error means that another connection is to be made.
func (c *openWireConn) comesBack(ctx context.Context, err error) bool {
	var refused *refusal
	if err == nil || errors.As(err, &refused) || ctx.Err() != nil {
		return false
	}
	c.failed = c.target.Failover == nil
	return !c.failed
}

// register says a command now, and at the begin of each connection to come.
func (c *openWireConn) register(ctx context.Context, cmd wire.Command) error {
	c.number(cmd)
	err := c.call(ctx, cmd)
	if err == nil {
		c.kept = append(c.kept, cmd)
	}
	return err
}

// destination returns the target's destination and its options. A temporary one is made, unless
// its name says that somebody else has.
func (c *openWireConn) destination(ctx context.Context) (*wire.Destination, url.Values, error) {
	name, query, _ := strings.Cut(c.target.Destination, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, nil, sysexit.With(sysexit.Usage, err)
	}
	if c.to != nil {
		return c.to, options, nil
	}
	to := destinationOf(name)
	if to.Kind >= wire.TypeTempQueue && !strings.HasPrefix(string(to.PhysicalName), "ID:") {
		to.PhysicalName = wire.TextOf(c.id + ":1")
		if err := c.register(ctx, &wire.DestinationInfo{ConnectionID: &wire.ConnectionID{Value: wire.TextOf(c.id)}, Destination: to}); err != nil {
			return nil, nil, err
		}
	}
	c.to = to
	return to, options, nil
}

// Send implements Conn.
func (c *openWireConn) Send(m Message) error {
	to, _, err := c.destination(c.life)
	if err != nil {
		return err
	}
	producer := &wire.ProducerID{ConnectionID: wire.TextOf(c.id), SessionID: 1, Value: 1}
	if c.sent == 0 {
		if err := c.register(c.life, &wire.ProducerInfo{ProducerID: producer, Destination: to}); err != nil {
			return err
		}
	}
	message, err := m.openWire()
	if err != nil {
		return err
	}
	c.sent++
	message.ProducerID, message.Destination = producer, to
	message.MessageID = &wire.MessageID{ProducerID: producer, ProducerSequenceID: c.sent}
	if m.Confirm {
		c.number(message)
		return c.call(c.life, message)
	}
	for {
		err := c.write(c.life, message)
		if !c.comesBack(c.life, err) {
			return openWireError(err)
		}
		if err := c.connect(c.life); err != nil {
			return err
		}
	}
}

// Receive implements Conn. Messages that come again after a failover are acknowledged and not
// handed over a second time.
func (c *openWireConn) Receive(ctx context.Context, s Subscription, each func(Received) error) error {
	to, options, err := c.destination(ctx)
	if err != nil {
		return err
	}
	info, err := s.openWire(to, options)
	if err != nil {
		return err
	}
	info.ConsumerID = &wire.ConsumerID{ConnectionID: wire.TextOf(c.id), SessionID: 1, Value: 1}
	if err := c.register(ctx, info); err != nil {
		return err
	}
	if err := c.receive(ctx, info, s, each); err != nil || s.Browse || ctx.Err() != nil {
		return err
	}
	return c.settle(ctx, info, s)
}

// receive hands messages over until a bound of the subscription is reached.
func (c *openWireConn) receive(ctx context.Context, info *wire.ConsumerInfo, s Subscription, each func(Received) error) error {
	for n := 0; s.Count == 0 || n < s.Count; {
		e, err := c.next(ctx, s.Wait)
		switch {
		case ctx.Err() != nil, errors.Is(err, errLate) && s.Count == 0:
			return nil
		case errors.Is(err, errLate):
			return sysexit.Errorf(sysexit.Timeout, "%d of %d messages came within %v of each other", n, s.Count, s.Wait)
		case err != nil:
			return err
		case e.message == nil: // the end of a look at a queue
			return nil
		}
		again := c.seen.has(e.message.key)
		if s.Ack == "auto" && !again {
			c.remember(e.message.key)
			if err := c.acknowledge(ctx, info, e.message, s); err != nil {
				return err
			}
		}
		if !again {
			c.entry = e.message.id.BrokerSequenceID
			if err := each(e.message.Received); err != nil {
				return err
			}
			n++
		}
		if s.Ack != "auto" || again {
			c.remember(e.message.key)
			if err := c.acknowledge(ctx, info, e.message, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle returns when the broker has got all acknowledgements. Those that were lost with a connection
// are said again, as their messages come again.
func (c *openWireConn) settle(ctx context.Context, info *wire.ConsumerInfo, s Subscription) error {
	for {
		ask := &wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.TextOf(c.id), Value: 1}} // any answer stands behind them
		c.number(ask)
		err := c.bounded(ctx, func(ctx context.Context) error { return c.exchange(ctx, ask) })
		if !c.comesBack(ctx, err) {
			return openWireError(err)
		}
		if err := c.connect(ctx); err != nil {
			return err
		}
		for {
			e, err := c.next(ctx, comeAgain)
			if err != nil || e.message == nil || !c.seen.has(e.message.key) {
				break
			}
			if err := c.acknowledge(ctx, info, e.message, s); err != nil {
				return err
			}
		}
	}
}

// comeAgain is how long a broker may take, after a failover, to send again what was not acknowledged.
const comeAgain = 500 * time.Millisecond

func (c *openWireConn) remember(key string) {
	if c.target.Failover != nil {
		c.seen.add(key)
	}
}

// errLate says that no message came in time.
var errLate = errors.New("no message came in time")

// next returns the next message, or the end of a look at a queue.
func (c *openWireConn) next(ctx context.Context, wait time.Duration) (event, error) {
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, wait, errLate)
		defer cancel()
	}
	for {
		if len(c.waiting) > 0 {
			e := c.waiting[0]
			c.waiting = c.waiting[1:]
			return e, nil
		}
		var e event
		select {
		case <-ctx.Done():
			return e, context.Cause(ctx)
		case e = <-c.arrived:
		}
		switch {
		case e.isAnswer():
		case e.brokers != "":
			c.target.Failover.learn(e.brokers)
		case c.comesBack(ctx, e.err):
			if err := c.connect(ctx); err != nil {
				c.failed = true
				return e, err
			}
		default:
			return e, openWireError(e.err)
		}
	}
}

// acknowledge tells the broker that a message is done with. If that can't be said, the message
// comes again on the next connection.
func (c *openWireConn) acknowledge(ctx context.Context, info *wire.ConsumerInfo, d *delivery, s Subscription) error {
	ack := &wire.MessageAck{
		Destination: d.destination, ConsumerID: info.ConsumerID, AckType: consumedAck, FirstMessageID: d.id, LastMessageID: d.id, MessageCount: 1,
	}
	if s.Ack == "client-individual" {
		ack.AckType, ack.FirstMessageID = individualAck, nil
	}
	err := c.write(c.life, ack)
	if !c.comesBack(ctx, err) {
		return openWireError(err)
	}
	return c.connect(ctx)
}

// Kinds of MessageAck.
const (
	consumedAck   = 2
	individualAck = 4
)

// Close implements Conn.
func (c *openWireConn) Close() error {
	defer c.cut()
	if c.failed {
		return nil
	}
	leave := &wire.RemoveInfo{ObjectID: &wire.ConnectionID{Value: wire.TextOf(c.id)}, LastDeliveredSequenceID: c.entry}
	c.number(leave)
	if err := c.call(c.life, leave); err != nil {
		return err
	}
	_ = c.write(c.life, &wire.ShutdownInfo{})
	return nil
}
