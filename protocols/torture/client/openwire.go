package client

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Numbers of OpenWire: kinds of MessageAck, and operations of TransactionInfo.
const (
	standardAck   = 2
	individualAck = 4

	beginTransaction    = 0
	commitTransaction   = 2
	rollbackTransaction = 4
)

// openWireClient speaks OpenWire, with one session and any number of answers outstanding.
type openWireClient struct {
	conn    net.Conn
	out     *wire.Writer
	w       *bufio.Writer
	inbox   *inbox
	queued  []Event // came while something else was waited for
	id      string  // ConnectionId
	sent    int64   // messages
	txs     map[string]*wire.TransactionID
	subs    map[string]*openWireSubscription
	entries int64 // the broker's number of the delivery that was taken last

	mu      sync.Mutex
	command int32
	tokens  map[int32]uint64 // of commands that were not answered yet
	names   map[int64]string // of subscriptions, by the number of their consumer
}

// openWireSubscription is what acknowledgements name of a subscription.
type openWireSubscription struct {
	id   *wire.ConsumerID
	to   *wire.Destination
	mode Settlement
}

func dialOpenWire(ctx context.Context, u *url.URL, clientID string) (Client, error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	c := &openWireClient{
		conn: conn, out: wire.NewWriter(), w: bufio.NewWriterSize(conn, 64<<10), inbox: newInbox(),
		id: "ID:torture-" + rand.Text()[:14] + "-0:1", entries: -1,
		txs: make(map[string]*wire.TransactionID), subs: make(map[string]*openWireSubscription), tokens: make(map[int32]uint64), names: make(map[int64]string),
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = c.login(u, clientID)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("login: %w", err)
	}
	return c, nil
}

// login negotiates as ActiveMQ's clients do, but for the inactivity that is allowed: this client has
// no timer.
func (c *openWireClient) login(u *url.URL, clientID string) error {
	ours := wire.Default()
	ours.MaxInactivity, ours.MaxInactivityInitial = 0, 0
	if err := errors.Join(c.write(ours.Info()), c.Flush(), c.conn.SetReadDeadline(time.Now().Add(confirmTimeout))); err != nil {
		return err
	}
	in := wire.NewReader(c.conn)
	cmd, err := in.Next()
	if err != nil {
		return err
	}
	info, ok := cmd.(*wire.WireFormatInfo)
	if !ok {
		return fmt.Errorf("the broker begins with %T", cmd)
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
	if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	go c.read(in)
	if clientID == "" {
		clientID = c.id
	}
	password, _ := u.User.Password()
	if err := c.call(&wire.ConnectionInfo{
		ConnectionID: c.connection(), ClientID: wire.TextOf(clientID), UserName: wire.NullText(u.User.Username()), Password: wire.NullText(password),
	}); err != nil {
		return err
	}
	if err := c.call(&wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.TextOf(c.id), Value: 1}}); err != nil {
		return err
	}
	return c.call(&wire.ProducerInfo{ProducerID: c.producer()})
}

func (c *openWireClient) connection() *wire.ConnectionID {
	return &wire.ConnectionID{Value: wire.TextOf(c.id)}
}

func (c *openWireClient) producer() *wire.ProducerID {
	return &wire.ProducerID{ConnectionID: wire.TextOf(c.id), SessionID: 1, Value: 1}
}

// read puts what the broker says into the inbox.
func (c *openWireClient) read(in *wire.Reader) {
	for {
		cmd, err := in.Next()
		if err != nil {
			c.inbox.fail(err)
			return
		}
		switch cmd := cmd.(type) {
		case *wire.Response:
			c.answered(cmd.CorrelationID, nil)
		case *wire.ExceptionResponse:
			c.answered(cmd.CorrelationID, exception(cmd.Exception))
		case *wire.ConnectionError:
			c.inbox.fail(exception(cmd.Exception))
			return
		case *wire.ConsumerControl:
			if cmd.Close {
				c.inbox.fail(errors.New("the broker has closed a consumer"))
				return
			}
		case *wire.MessageDispatch:
			if cmd.Message != nil && cmd.Message.MessageID != nil && cmd.ConsumerID != nil {
				c.inbox.push(Event{Delivery: c.dispatched(cmd)})
			}
		}
	}
}

func exception(t *wire.Throwable) error {
	if t == nil {
		return errors.New("the broker answered with an exception")
	}
	return fmt.Errorf("the broker answered %s: %s", t.Class, t.Message)
}

// answered passes an answer on to who waits for its token. That of a call is above all others.
func (c *openWireClient) answered(command int32, err error) {
	c.mu.Lock()
	token, ok := c.tokens[command]
	delete(c.tokens, command)
	c.mu.Unlock()
	if ok || err != nil {
		c.inbox.push(Event{Token: token, Err: err})
	}
}

// dispatched copies a delivery, as the reader uses its memory again.
func (c *openWireClient) dispatched(cmd *wire.MessageDispatch) *Delivery {
	m := cmd.Message
	c.mu.Lock()
	name := c.names[cmd.ConsumerID.Value]
	c.mu.Unlock()
	d := &Delivery{
		Subscription: name, Handle: handleOf(m.MessageID), Redelivered: cmd.RedeliveryCounter > 0,
		Body: append([]byte{}, m.Content...),
	}
	for it := wire.MapIterator(m.MarshalledProperties); it.Next(); {
		if string(it.Key) == "torture" {
			d.Label = wire.Text(it.Value.Bytes).String()
		}
	}
	return d
}

// handleOf writes down what an acknowledgement has to name: the message, and the broker's number.
func handleOf(id *wire.MessageID) string {
	text := id.TextView.String()
	if p := id.ProducerID; p != nil {
		text = fmt.Sprintf("%s %d %d %s", p.ConnectionID, p.SessionID, p.Value, text)
	}
	return fmt.Sprintf("%d %d %s", id.BrokerSequenceID, id.ProducerSequenceID, text)
}

func parseHandle(handle string) (*wire.MessageID, error) {
	f := strings.SplitN(handle, " ", 6)
	if len(f) != 6 {
		return nil, fmt.Errorf("delivery %q is not known", handle)
	}
	var n [4]int64
	for i, at := range [...]int{0, 1, 3, 4} {
		var err error
		if n[i], err = strconv.ParseInt(f[at], 10, 64); err != nil {
			return nil, err
		}
	}
	return &wire.MessageID{
		TextView: wire.NullText(f[5]), BrokerSequenceID: n[0], ProducerSequenceID: n[1],
		ProducerID: &wire.ProducerID{ConnectionID: wire.TextOf(f[2]), SessionID: n[2], Value: n[3]},
	}, nil
}

// write buffers a command.
func (c *openWireClient) write(cmd wire.Command) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := c.w.Write(c.out.Append(nil, cmd))
	return err
}

// post buffers a command that is to be answered, if it has a token.
func (c *openWireClient) post(cmd wire.Command, token uint64) error {
	c.mu.Lock()
	c.command++
	h := cmd.Head()
	h.CommandID, h.ResponseRequired = c.command, token != 0
	if token != 0 {
		c.tokens[c.command] = token
	}
	c.mu.Unlock()
	return c.write(cmd)
}

// calling is the token of a command whose answer is waited for.
const calling = ^uint64(0)

// call sends a command and waits for its answer.
func (c *openWireClient) call(cmd wire.Command) error {
	if err := errors.Join(c.post(cmd, calling), c.Flush()); err != nil {
		return err
	}
	for {
		e, err := c.inbox.next(confirmTimeout)
		switch {
		case err != nil:
			return err
		case e.Token == calling:
			return e.Err
		}
		c.queued = append(c.queued, e)
	}
}

func (c *openWireClient) Subscribe(id string, s Subscription) error {
	if s.Mode == Auto {
		return errors.New("a client of OpenWire acknowledges")
	}
	o := &openWireSubscription{
		id:   &wire.ConsumerID{ConnectionID: wire.TextOf(c.id), SessionID: 1, Value: int64(len(c.subs) + 1)},
		to:   destinationNamed(s.Destination),
		mode: s.Mode,
	}
	prefetch := s.Prefetch
	if prefetch == 0 {
		prefetch = 1000
	}
	c.subs[id] = o
	c.mu.Lock()
	c.names[o.id.Value] = id
	c.mu.Unlock()
	return c.call(&wire.ConsumerInfo{
		ConsumerID: o.id, Destination: o.to, PrefetchSize: int32(prefetch), DispatchAsync: true, SubscriptionName: wire.NullText(s.Durable),
	})
}

func destinationNamed(name string) *wire.Destination {
	if topic, ok := strings.CutPrefix(name, "/topic/"); ok {
		return &wire.Destination{Kind: wire.TypeTopic, PhysicalName: wire.TextOf(topic)}
	}
	return &wire.Destination{Kind: wire.TypeQueue, PhysicalName: wire.TextOf(strings.TrimPrefix(name, "/queue/"))}
}

// Leave implements Leaver.
func (c *openWireClient) Leave(id string) error {
	o := c.subs[id]
	if o == nil {
		return fmt.Errorf("there is no subscription %s", id)
	}
	return c.call(&wire.RemoveInfo{ObjectID: o.id, LastDeliveredSequenceID: c.entries})
}

// transaction returns the identifier of an open transaction; nil outside of one.
func (c *openWireClient) transaction(name string) (*wire.TransactionID, error) {
	x := c.txs[name]
	if x == nil && name != "" {
		return nil, fmt.Errorf("there is no transaction %s", name)
	}
	return x, nil
}

func (c *openWireClient) Send(m Message, token uint64) error {
	x, err := c.transaction(m.Transaction)
	if err != nil {
		return err
	}
	c.sent++
	w := &wire.Message{
		Kind: wire.TypeBytesMessage, ProducerID: c.producer(), Destination: destinationNamed(m.Destination), TransactionID: x,
		MessageID: &wire.MessageID{ProducerID: c.producer(), ProducerSequenceID: c.sent},
		GroupID:   wire.NullText(m.Group), GroupSequence: int32(m.Sequence), Persistent: m.Persistent, Priority: 4,
		Timestamp: time.Now().UnixMilli(), Content: m.Body,
	}
	if m.Label != "" {
		w.MarshalledProperties = wire.AppendString(wire.AppendKey(binary.BigEndian.AppendUint32(nil, 1), "torture"), m.Label)
	}
	return c.post(w, token)
}

func (c *openWireClient) Ack(d Delivery, transaction string, token uint64) error {
	x, err := c.transaction(transaction)
	if err != nil {
		return err
	}
	id, err := parseHandle(d.Handle)
	o := c.subs[d.Subscription]
	if err != nil || o == nil {
		return fmt.Errorf("delivery %s is not known: %w", d.Handle, err)
	}
	ack := &wire.MessageAck{Destination: o.to, TransactionID: x, ConsumerID: o.id, AckType: individualAck, LastMessageID: id, MessageCount: 1}
	if o.mode == Cumulative {
		ack.AckType = standardAck
	}
	return c.post(ack, token)
}

func (c *openWireClient) Begin(transaction string) error {
	x := &wire.TransactionID{Kind: wire.TypeLocalTransactionID, Value: int64(len(c.txs) + 1), ConnectionID: c.connection()}
	c.txs[transaction] = x
	return c.demarcate(x, beginTransaction, 0)
}

func (c *openWireClient) Commit(transaction string, token uint64) error {
	return c.demarcate(c.txs[transaction], commitTransaction, token)
}

func (c *openWireClient) Abort(transaction string, token uint64) error {
	return c.demarcate(c.txs[transaction], rollbackTransaction, token)
}

func (c *openWireClient) demarcate(x *wire.TransactionID, kind int8, token uint64) error {
	return c.post(&wire.TransactionInfo{ConnectionID: c.connection(), TransactionID: x, Kind: kind}, token)
}

func (c *openWireClient) Flush() error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return c.w.Flush()
}

func (c *openWireClient) Next(wait time.Duration) (e Event, err error) {
	switch {
	case len(c.queued) > 0:
		e, c.queued = c.queued[0], c.queued[1:]
	case c.w.Buffered() > 0:
		if err := c.Flush(); err != nil {
			return Event{}, err
		}
		fallthrough
	default:
		if e, err = c.inbox.next(wait); err != nil {
			return Event{}, err
		}
	}
	if e.Delivery != nil {
		if id, err := parseHandle(e.Delivery.Handle); err == nil {
			c.entries = id.BrokerSequenceID
		}
	}
	return e, nil
}

// Close removes the connection, which the broker answers when all before is done.
func (c *openWireClient) Close() error {
	defer c.conn.Close()
	if err := c.call(&wire.RemoveInfo{ObjectID: c.connection(), LastDeliveredSequenceID: c.entries}); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return errors.Join(c.write(&wire.ShutdownInfo{}), c.Flush())
}

func (c *openWireClient) Abandon() { c.conn.Close() }
