package interoptest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/go-amqp"
)

// amqp10 is go-amqp, which has no transactions.
func amqp10() protocol {
	return protocol{
		name: "AMQP 1.0", lacks: []feature{exactlyOnce, transactions},
		open: func(t *testing.T, b target, id string) client { return openAMQP(t, b, id) },
	}
}

// amqpClient is a connection of go-amqp.
type amqpClient struct {
	t       *testing.T
	conn    *amqp.Conn
	socket  net.Conn
	session *amqp.Session // of senders
	senders map[string]*amqp.Sender
	dynamic map[string]*amqpConsumer // by the address that the broker has given
}

// amqpConsumer is a receiving link with a session of its own: when that ends, the link is detached and not closed, so that a
// durable subscription stays.
type amqpConsumer struct {
	c       *amqpClient
	session *amqp.Session
	link    *amqp.Receiver
	o       consuming
}

func openAMQP(t *testing.T, b target, id string) *amqpClient {
	t.Helper()
	c := &amqpClient{t: t, senders: make(map[string]*amqp.Sender), dynamic: make(map[string]*amqpConsumer)}
	persistently(t, id, func() (err error) {
		if c.socket, err = net.Dial("tcp", b.amqp); err != nil {
			return err
		}
		c.conn, err = amqp.NewConn(c.ctx(), c.socket, &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous(), ContainerID: id, HostName: "localhost"})
		if err == nil {
			c.session, err = c.conn.NewSession(c.ctx(), nil)
		}
		return err
	})
	t.Cleanup(func() { _ = c.socket.Close() })
	return c
}

func (c *amqpClient) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// ctx bounds one step.
func (c *amqpClient) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c.t.Cleanup(cancel)
	return ctx
}

func (c *amqpClient) newSession() *amqp.Session {
	c.t.Helper()
	s, err := c.conn.NewSession(c.ctx(), nil)
	c.must(err)
	return s
}

// amqpMessage returns what a message is sent as.
func amqpMessage(m message) *amqp.Message {
	out := &amqp.Message{Header: &amqp.MessageHeader{Durable: m.durable, Priority: 4, TTL: m.ttl}, Properties: new(amqp.MessageProperties)}
	set := func(field **string, value string) {
		if value != "" {
			*field = &value
		}
	}
	switch m.body() {
	case bytesKind:
		out.Data = [][]byte{m.bytes}
	case mapKind:
		out.Value = amqpMap(m.entries)
	case streamKind:
		list := []any{}
		for _, e := range m.entries {
			list = append(list, e.value)
		}
		out.Value = list
	case objectKind:
		out.Data = [][]byte{m.serialised()}
		m.contentType = "application/x-java-serialized-object"
	case noKind:
	default:
		out.Value = m.text
		if m.contentType != "" {
			out.Value, out.Data = nil, [][]byte{[]byte(m.text)}
		}
	}
	if m.priority != 0 {
		out.Header.Priority = m.priority
	}
	p := out.Properties
	set(&p.ContentType, m.contentType)
	set(&p.Subject, m.jmsType)
	set(&p.GroupID, m.group)
	if m.seq != 0 {
		n := uint32(m.seq)
		p.GroupSequence = &n
	}
	switch {
	case m.octets:
		p.CorrelationID = []byte(m.correlation)
	case m.correlation != "":
		p.CorrelationID = m.correlation
	}
	if m.replyTo != nil {
		set(&p.ReplyTo, m.replyTo.qualified())
	}
	if m.user != "" {
		p.UserID = []byte(m.user)
	}
	if !m.timestamp.IsZero() {
		p.CreationTime = &m.timestamp
	}
	if m.delay != 0 {
		out.Annotations = amqp.Annotations{"x-opt-delivery-delay": m.delay.Milliseconds()}
	}
	m.delay = 0
	if list := m.extended(); list != nil {
		out.ApplicationProperties = amqpMap(list)
	}
	return out
}

func amqpMap(list []pair) map[string]any {
	m := make(map[string]any)
	for _, e := range list {
		m[e.name] = e.value
	}
	return m
}

func (c *amqpClient) send(to destination, m message) {
	c.t.Helper()
	l := c.senders[to.qualified()]
	if l == nil {
		var err error
		l, err = c.session.NewSender(c.ctx(), to.qualified(), nil)
		c.must(err)
		c.senders[to.qualified()] = l
	}
	c.must(l.Send(c.ctx(), amqpMessage(m), nil))
}

func (c *amqpClient) consume(from destination, o consuming) consumer {
	c.t.Helper()
	if k := c.dynamic[from.native]; k != nil {
		k.o = o
		return k
	}
	ro := &amqp.ReceiverOptions{Credit: 100, Name: o.durable}
	if o.prefetch != 0 {
		ro.Credit = int32(o.prefetch)
	}
	if o.durable != "" {
		ro.SourceDurability, ro.SourceExpiryPolicy = amqp.DurabilityUnsettledState, amqp.ExpiryPolicyNever
	}
	if o.selector != "" {
		ro.Filters = append(ro.Filters, amqp.NewSelectorFilter(o.selector))
	}
	if o.noLocal {
		ro.Filters = append(ro.Filters, amqp.NewLinkFilter("apache.org:no-local-filter:list", 0x0000468C00000003, []any{}))
	}
	k := &amqpConsumer{c: c, session: c.newSession(), o: o}
	var err error
	k.link, err = k.session.NewReceiver(c.ctx(), from.with(o.options()...).qualified(), ro)
	c.must(err)
	return k
}

// options returns those that ActiveMQ writes behind a destination's name.
func (o consuming) options() []string {
	var list []string
	add := func(there bool, format string, args ...any) {
		if there {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(o.exclusive, "consumer.exclusive=true")
	add(o.priority != 0, "consumer.priority=%d", o.priority)
	add(o.retroactive, "consumer.retroactive=true")
	return list
}

func (c *amqpClient) temporary(topic bool) destination {
	c.t.Helper()
	ro := &amqp.ReceiverOptions{Credit: 100, DynamicAddress: true}
	if topic {
		ro.SourceCapabilities = []string{"temporary-topic"}
	}
	k := &amqpConsumer{c: c, session: c.newSession()}
	var err error
	k.link, err = k.session.NewReceiver(c.ctx(), "", ro)
	c.must(err)
	c.dynamic[k.link.Address()] = k
	return destination{topic: topic, native: k.link.Address()}
}

func (c *amqpClient) browse(from destination) []string {
	c.t.Helper()
	s := c.newSession()
	l, err := s.NewReceiver(c.ctx(), from.qualified(), &amqp.ReceiverOptions{Credit: -1, SourceDistributionMode: amqp.SourceDistributionModeCopy})
	c.must(err)
	c.must(l.IssueCredit(1000))
	var list []string
	for {
		ctx, cancel := context.WithTimeout(context.Background(), quiet)
		m, err := l.Receive(ctx, nil)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		c.must(err)
		list = append(list, fmt.Sprint(m.Value))
	}
	c.must(s.Close(c.ctx()))
	return list
}

func (c *amqpClient) unsubscribe(from destination, name string) {
	c.t.Helper()
	k := c.consume(from, consuming{durable: name}).(*amqpConsumer)
	c.must(k.link.Close(c.ctx()))
}

func (c *amqpClient) begin()                   { c.t.Fatal("go-amqp has no transactions") }
func (c *amqpClient) put(destination, message) { c.begin() }
func (c *amqpClient) commit()                  { c.begin() }
func (c *amqpClient) rollback()                { c.begin() }

func (c *amqpClient) close() { c.t.Helper(); c.must(c.conn.Close()) }
func (c *amqpClient) cut()   { _ = c.socket.Close() }

func (k *amqpConsumer) receive(wait time.Duration) *received {
	k.c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	m, err := k.link.Receive(ctx, nil)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	k.c.must(err)
	r := describeAMQP(m)
	if !k.o.unacknowledged && !k.o.rejecting {
		k.c.must(k.link.AcceptMessage(k.c.ctx(), m))
	}
	return r
}

func describeAMQP(m *amqp.Message) *received {
	r := &received{raw: m, body: "no body"}
	switch v := m.Value.(type) {
	case nil:
		if len(m.Data) > 0 {
			r.text = string(m.GetData())
			r.body = fmt.Sprintf("data `%x`", m.GetData())
		}
	case string:
		r.text, r.body = v, fmt.Sprintf("string `%s`", v)
	case map[string]any:
		r.body = "map " + entries(v)
	case map[any]any:
		named := make(map[string]any)
		for k, e := range v {
			named[fmt.Sprint(k)] = e
		}
		r.body = "map " + entries(named)
	case []any:
		var words []string
		for _, e := range v {
			words = append(words, amqpValue(e))
		}
		r.body = "list " + strings.Join(words, ", ")
	default:
		r.body = "value " + amqpValue(v)
	}
	if h := m.Header; h != nil {
		r.redelivered = h.DeliveryCount > 0 || !h.FirstAcquirer
		r.count = int(h.DeliveryCount) + 1
		r.add(h.Durable, "durable")
		r.add(h.Priority != 4, "priority %d", h.Priority)
		r.add(h.TTL > 0, "ttl %s", when(time.Now().Add(h.TTL)))
	}
	if p := m.Properties; p != nil {
		for _, f := range []struct {
			name string
			text *string
		}{{"subject", p.Subject}, {"reply-to", p.ReplyTo}, {"content-type", p.ContentType}, {"group-id", p.GroupID}} {
			if f.text != nil {
				r.add(true, "%s `%s`", f.name, mask(*f.text))
				r.property(f.name, *f.text)
			}
		}
		if p.ReplyTo != nil {
			r.replyTo = *p.ReplyTo
		}
		if p.To != nil {
			r.destination = *p.To
		}
		switch id := p.CorrelationID.(type) {
		case nil:
		case []byte:
			r.correlation = string(id)
			r.add(true, "correlation-id `%x`, binary", id)
		default:
			r.correlation = fmt.Sprint(id)
			r.add(true, "correlation-id `%v`", id)
		}
		if p.GroupSequence != nil {
			r.add(true, "group-sequence %d", *p.GroupSequence)
		}
		r.add(p.UserID != nil, "user-id `%s`", p.UserID)
		if p.CreationTime != nil {
			r.add(true, "creation-time %s", when(*p.CreationTime))
		}
		if p.AbsoluteExpiryTime != nil {
			r.add(true, "absolute-expiry-time %s", when(*p.AbsoluteExpiryTime))
		}
	}
	for k, v := range m.ApplicationProperties {
		r.add(true, "property `%s`=%s", k, mask(amqpValue(v)))
		r.property(k, plain(v))
	}
	for k, v := range m.Annotations {
		r.add(true, "annotation `%v`=%s", k, amqpValue(v))
	}
	return r
}

// entries shows a map.
func entries(m map[string]any) string {
	var words []string
	for k, v := range m {
		words = append(words, fmt.Sprintf("`%s`=%s", k, amqpValue(v)))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// amqpValue shows a value with its type, by AMQP's name.
func amqpValue(value any) string {
	switch v := value.(type) {
	case bool:
		return fmt.Sprintf("%v (boolean)", v)
	case []byte:
		return fmt.Sprintf("%x (binary)", v)
	case uint8:
		return fmt.Sprintf("%d (ubyte)", v)
	case uint32:
		return fmt.Sprintf("%d (uint)", v)
	case uint64:
		return fmt.Sprintf("%d (ulong)", v)
	}
	return show(value)
}

func (k *amqpConsumer) ack(r *received) {
	k.c.t.Helper()
	if k.o.unacknowledged || k.o.rejecting {
		k.c.must(k.link.AcceptMessage(k.c.ctx(), r.raw.(*amqp.Message)))
	}
}

func (k *amqpConsumer) reject(r *received) {
	k.c.t.Helper()
	k.c.must(k.link.RejectMessage(k.c.ctx(), r.raw.(*amqp.Message), nil))
}

func (k *amqpConsumer) release(r *received) {
	k.c.t.Helper()
	k.c.must(k.link.ModifyMessage(k.c.ctx(), r.raw.(*amqp.Message), &amqp.ModifyMessageOptions{DeliveryFailed: true}))
}

func (k *amqpConsumer) close() {
	k.c.t.Helper()
	if k.o.durable == "" {
		k.c.must(k.link.Close(k.c.ctx()))
	}
	k.c.must(k.session.Close(k.c.ctx()))
}
