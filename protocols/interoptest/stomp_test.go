package interoptest

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
)

// stomp12 is go-stomp.
func stomp12() protocol {
	return protocol{
		name: "STOMP 1.2", lacks: []feature{streams, objects, empties, exactlyOnce, octets, users, releases},
		open: func(t *testing.T, b target, id string) client { return openSTOMP(t, b, id) },
	}
}

// stompClient is a connection of go-stomp.
type stompClient struct {
	t      *testing.T
	conn   *stomp.Conn
	socket net.Conn
	tx     *stomp.Transaction
	temps  int
}

// stompConsumer is a subscription, whose messages are taken off the library's hands at once: it would not read on otherwise.
type stompConsumer struct {
	c        *stompClient
	sub      *stomp.Subscription
	messages chan *stomp.Message
	o        consuming
}

// silence drops the library's log.
type silence struct{}

func (silence) Debugf(string, ...any)   {}
func (silence) Infof(string, ...any)    {}
func (silence) Warningf(string, ...any) {}
func (silence) Errorf(string, ...any)   {}
func (silence) Debug(string)            {}
func (silence) Info(string)             {}
func (silence) Warning(string)          {}
func (silence) Error(string)            {}

func openSTOMP(t *testing.T, b target, id string) *stompClient {
	t.Helper()
	o := []func(*stomp.Conn) error{
		stomp.ConnOpt.AcceptVersion(stomp.V12), stomp.ConnOpt.HeartBeat(0, 0), stomp.ConnOpt.Logger(silence{}),
		stomp.ConnOpt.UnsubscribeReceiptTimeout(time.Second), stomp.ConnOpt.Host("localhost"),
	}
	if id != "" {
		o = append(o, stomp.ConnOpt.Header("client-id", id))
	}
	c := &stompClient{t: t}
	persistently(t, id, func() (err error) {
		if c.socket, err = net.Dial("tcp", b.stomp); err == nil {
			c.conn, err = stomp.Connect(c.socket, o...)
		}
		return err
	})
	t.Cleanup(func() { _ = c.socket.Close() })
	return c
}

func (c *stompClient) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (*stompClient) name(d destination) string {
	if d.native != "" {
		return d.native
	}
	prefix := "/queue/"
	if d.topic {
		prefix = "/topic/"
	}
	return prefix + strings.NewReplacer("topic://", "/topic/", "queue://", "/queue/").Replace(d.name)
}

// frame returns what a message is sent with.
func (c *stompClient) frame(m message) (body []byte, options []func(*frame.Frame) error) {
	add := func(there bool, name, value string) {
		if there {
			options = append(options, stomp.SendOpt.Header(name, value))
		}
	}
	body = []byte(m.text)
	switch m.kind {
	case bytesKind:
		body = m.bytes
	case mapKind:
		body = []byte(xstream(m.entries))
		options = append(options, stomp.SendOpt.NoContentLength)
		add(true, "transformation", "jms-map-json")
	default:
		options = append(options, stomp.SendOpt.NoContentLength)
	}
	add(m.durable, "persistent", "true")
	add(m.priority != 0, "priority", strconv.Itoa(int(m.priority)))
	add(m.ttl != 0, "expires", strconv.FormatInt(time.Now().Add(m.ttl).UnixMilli(), 10))
	add(m.correlation != "", "correlation-id", m.correlation)
	if m.replyTo != nil {
		add(true, "reply-to", c.name(*m.replyTo))
	}
	add(m.jmsType != "", "type", m.jmsType)
	add(m.group != "", "JMSXGroupID", m.group)
	add(m.seq != 0, "JMSXGroupSeq", strconv.Itoa(int(m.seq)))
	add(!m.timestamp.IsZero(), "timestamp", strconv.FormatInt(m.timestamp.UnixMilli(), 10))
	for _, p := range m.extended() {
		add(true, p.name, plain(p.value))
	}
	return body, options
}

// xstream renders a map as XStream writes it in JSON.
func xstream(entries []pair) string {
	var list []string
	for _, e := range entries {
		if s, ok := e.value.(string); ok {
			list = append(list, fmt.Sprintf(`{"string":[%q,%q]}`, e.name, s))
			continue
		}
		name := map[string]string{"bool": "boolean"}[typeOf(e.value)]
		if name == "" {
			name = typeOf(e.value)
		}
		list = append(list, fmt.Sprintf(`{"string":%q,"%s":%s}`, e.name, name, plain(e.value)))
	}
	return `{"map":{"entry":[` + strings.Join(list, ",") + `]}}`
}

func (c *stompClient) send(to destination, m message) {
	c.t.Helper()
	body, options := c.frame(m)
	c.must(c.conn.Send(c.name(to), m.contentType, body, append(options, stomp.SendOpt.Receipt)...))
}

// sync makes a round trip, behind which everything before is done.
func (c *stompClient) sync() {
	c.t.Helper()
	c.must(c.conn.Send("/topic/interop.sync", "", nil, stomp.SendOpt.Receipt))
}

func (c *stompClient) consume(from destination, o consuming) consumer {
	c.t.Helper()
	var options []func(*frame.Frame) error
	add := func(there bool, name, value string) {
		if there {
			options = append(options, stomp.SubscribeOpt.Header(name, value))
		}
	}
	add(o.maps, "transformation", "jms-map-json")
	add(o.prefetch != 0, "activemq.prefetchSize", strconv.Itoa(o.prefetch))
	add(o.durable != "", "activemq.subscriptionName", o.durable)
	add(o.selector != "", "selector", o.selector)
	add(o.exclusive, "activemq.exclusive", "true")
	add(o.priority != 0, "activemq.priority", strconv.Itoa(o.priority))
	add(o.noLocal, "activemq.noLocal", "true")
	add(o.retroactive, "activemq.retroactive", "true")
	mode := stomp.AckAuto
	if o.unacknowledged || o.transacted || o.rejecting {
		mode = stomp.AckClientIndividual
	}
	sub, err := c.conn.Subscribe(c.name(from), mode, options...)
	c.must(err)
	k := &stompConsumer{c: c, sub: sub, messages: make(chan *stomp.Message, 10000), o: o}
	go func() {
		defer close(k.messages)
		for m := range sub.C {
			if m.Err == nil {
				k.messages <- m
			}
		}
	}()
	c.sync()
	return k
}

func (c *stompClient) temporary(topic bool) destination {
	c.temps++
	d := destination{topic: topic, native: fmt.Sprint("/temp-queue/t", c.temps)}
	if topic {
		d.native = fmt.Sprint("/temp-topic/t", c.temps)
	}
	return d
}

func (c *stompClient) browse(from destination) []string {
	c.t.Helper()
	sub, err := c.conn.Subscribe(c.name(from), stomp.AckAuto, stomp.SubscribeOpt.Header("browser", "true"))
	c.must(err)
	var list []string
	for m := range sub.C {
		c.must(m.Err)
		if m.Header.Get("browser") == "end" {
			break
		}
		list = append(list, string(m.Body))
	}
	c.must(sub.Unsubscribe())
	return list
}

func (c *stompClient) unsubscribe(_ destination, name string) {
	c.t.Helper()
	// The library sends an UNSUBSCRIBE only for what it has subscribed to, so another subscription carries the header.
	k := c.consume(topic(unique("interop")), consuming{}).(*stompConsumer)
	k.end(stomp.SubscribeOpt.Header("activemq.subscriptionName", name))
}

func (c *stompClient) begin() { c.tx = c.conn.Begin() }

func (c *stompClient) put(to destination, m message) {
	c.t.Helper()
	body, options := c.frame(m)
	c.must(c.tx.Send(c.name(to), m.contentType, body, options...))
}

func (c *stompClient) commit()   { c.t.Helper(); c.must(c.tx.CommitWithReceipt()) }
func (c *stompClient) rollback() { c.t.Helper(); c.must(c.tx.AbortWithReceipt()) }
func (c *stompClient) close()    { c.t.Helper(); c.must(c.conn.Disconnect()) }
func (c *stompClient) cut()      { _ = c.socket.Close() }

func (k *stompConsumer) receive(wait time.Duration) *received {
	k.c.t.Helper()
	select {
	case m, ok := <-k.messages:
		if !ok {
			return nil
		}
		return k.describe(m)
	case <-time.After(wait):
		return nil
	}
}

func (k *stompConsumer) describe(m *stomp.Message) *received {
	r := &received{
		text: string(m.Body), raw: m, destination: m.Destination, replyTo: m.Header.Get("reply-to"), correlation: m.Header.Get("correlation-id"),
		redelivered: m.Header.Get("redelivered") == "true",
	}
	hasLength := false
	for i := range m.Header.Len() {
		name, value := m.Header.GetAt(i)
		r.property(name, value)
		ms, _ := strconv.ParseInt(value, 10, 64)
		switch name {
		case "content-length":
			hasLength = true
		case "message-id", "destination", "subscription", "ack":
		case "timestamp":
			r.add(ms != 0, "`timestamp` %s", when(time.UnixMilli(ms)))
		case "expires":
			r.add(ms != 0, "`expires` %s", when(time.UnixMilli(ms)))
		default:
			r.add(name != "priority" || value != "4", "`%s:%s`", name, mask(printable(value)))
		}
	}
	switch {
	case m.Header.Get("transformation") == "jms-map-json":
		r.body = "map `" + r.text + "`"
	case hasLength:
		r.body = fmt.Sprintf("bytes `%x`", m.Body)
	default:
		r.body = fmt.Sprintf("text `%s`", m.Body)
	}
	return r
}

func (k *stompConsumer) ack(r *received) {
	k.c.t.Helper()
	m := r.raw.(*stomp.Message)
	switch {
	case k.o.transacted:
		k.c.must(k.c.tx.Ack(m))
	case k.o.unacknowledged || k.o.rejecting:
		k.c.must(k.c.conn.Ack(m))
		k.c.sync()
	}
}

func (k *stompConsumer) reject(r *received) {
	k.c.t.Helper()
	k.c.must(k.c.conn.Nack(r.raw.(*stomp.Message)))
	k.c.sync()
}

func (k *stompConsumer) release(*received) { k.c.t.Fatal("STOMP can't give a message back") }

func (k *stompConsumer) close() {
	k.c.t.Helper()
	k.end()
}

// end unsubscribes. The library may miss the answer, and then says that there was none in time.
func (k *stompConsumer) end(options ...func(*frame.Frame) error) {
	k.c.t.Helper()
	if err := k.sub.Unsubscribe(options...); !errors.Is(err, &stomp.ErrUnsubscribeReceiptTimeout) {
		k.c.must(err)
	}
	k.c.sync()
}
