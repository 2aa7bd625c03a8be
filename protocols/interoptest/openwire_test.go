package interoptest

import (
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// openWire is ActiveMQ's own client, in a process of Java's.
func openWire() protocol {
	return protocol{
		name: "OpenWire", lacks: []feature{exactlyOnce, contentTypes},
		open: func(t *testing.T, b target, id string) client { return openJMS(t, b, id, 6) },
	}
}

// jmsClient is a connection of ActiveMQ's client.
type jmsClient struct {
	t    *testing.T
	java *driver
	b    target
	c    string // its number in the driver
}

// jmsConsumer is a consumer with a session of its own.
type jmsConsumer struct {
	c *jmsClient
	k string
	o consuming
}

// openJMS connects. A message that has been rolled back more often than redeliveries is given up by the library.
func openJMS(t *testing.T, b target, id string, redeliveries int) *jmsClient {
	t.Helper()
	c := &jmsClient{t: t, java: javaDriver(t), b: b}
	in := url.Values{"url": {"tcp://" + b.openWire}, "redeliveries": {strconv.Itoa(redeliveries)}}
	if id != "" {
		in.Set("client", id)
	}
	persistently(t, id, func() error {
		out, err := c.java.call("connect", in)
		c.c = out.Get("c")
		return err
	})
	t.Cleanup(func() { _, _ = c.java.call("close", url.Values{"c": {c.c}}) })
	return c
}

// ask has the driver do something.
func (c *jmsClient) ask(word string, in url.Values) url.Values {
	c.t.Helper()
	if c.c != "" {
		in.Set("c", c.c)
	}
	out, err := c.java.call(word, in)
	if err != nil {
		c.t.Fatalf("%s: %v", word, err)
	}
	return out
}

func (c *jmsClient) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// form returns a message as the driver takes it.
func (*jmsClient) form(to destination, m message) url.Values {
	in := url.Values{"to": {to.qualified()}, "kind": {string(m.body())}, "body": {m.text}}
	if m.kind == bytesKind {
		in.Set("body", fmt.Sprintf("%x", m.bytes))
	}
	set := func(there bool, name, value string) {
		if there {
			in.Set(name, value)
		}
	}
	set(m.durable, "persistent", "true")
	set(m.priority != 0, "priority", strconv.Itoa(int(m.priority)))
	set(m.ttl != 0, "ttl", strconv.FormatInt(m.ttl.Milliseconds(), 10))
	set(m.correlation != "" && !m.octets, "correlation", m.correlation)
	set(m.octets, "correlationBytes", fmt.Sprintf("%x", m.correlation))
	if m.replyTo != nil {
		in.Set("replyTo", m.replyTo.qualified())
	}
	set(m.jmsType != "", "type", m.jmsType)
	set(m.group != "", "group", m.group)
	set(m.seq != 0, "seq", strconv.Itoa(int(m.seq)))
	set(m.user != "", "user", m.user)
	if !m.timestamp.IsZero() {
		in.Set("timestamp", strconv.FormatInt(m.timestamp.UnixMilli(), 10))
	}
	for _, e := range m.entries {
		in.Add("e", typeOf(e.value)+":"+e.name+":"+plain(e.value))
	}
	for _, e := range m.extended() {
		in.Add("p", typeOf(e.value)+":"+e.name+":"+plain(e.value))
	}
	return in
}

func (c *jmsClient) send(to destination, m message) { c.t.Helper(); c.ask("send", c.form(to, m)) }

func (c *jmsClient) consume(from destination, o consuming) consumer {
	c.t.Helper()
	at := c
	mode := "auto"
	switch {
	case o.transacted:
		mode = "transacted"
	case o.rejecting:
		// A library that gives a message up at its first rollback.
		at, mode = openJMS(c.t, c.b, "", 0), "own transaction"
	case o.unacknowledged:
		mode = "individual"
	}
	list := o.options()
	if o.prefetch != 0 {
		list = append(list, fmt.Sprintf("consumer.prefetchSize=%d", o.prefetch))
	}
	in := url.Values{"from": {from.with(list...).qualified()}, "mode": {mode}}
	if o.durable != "" {
		in.Set("durable", o.durable)
	}
	if o.selector != "" {
		in.Set("selector", o.selector)
	}
	if o.noLocal {
		in.Set("noLocal", "true")
	}
	return &jmsConsumer{at, at.ask("consume", in).Get("k"), o}
}

func (c *jmsClient) temporary(topic bool) destination {
	c.t.Helper()
	return destination{topic: topic, native: c.ask("temporary", url.Values{"topic": {strconv.FormatBool(topic)}}).Get("name")}
}

func (c *jmsClient) browse(from destination) []string {
	c.t.Helper()
	return c.ask("browse", url.Values{"from": {from.qualified()}})["text"]
}

func (c *jmsClient) unsubscribe(_ destination, name string) {
	c.t.Helper()
	c.ask("unsubscribe", url.Values{"name": {name}})
}

func (c *jmsClient) begin() {} // a session with transactions always has one

func (c *jmsClient) put(to destination, m message) {
	c.t.Helper()
	in := c.form(to, m)
	in.Set("tx", "true")
	c.ask("send", in)
}

func (c *jmsClient) commit()   { c.t.Helper(); c.ask("commit", url.Values{}) }
func (c *jmsClient) rollback() { c.t.Helper(); c.ask("rollback", url.Values{}) }
func (c *jmsClient) close()    { c.t.Helper(); c.ask("close", url.Values{}) }
func (c *jmsClient) cut()      { c.t.Helper(); c.ask("cut", url.Values{}) }

func (k *jmsConsumer) receive(wait time.Duration) *received {
	k.c.t.Helper()
	out := k.c.ask("receive", url.Values{"k": {k.k}, "wait": {strconv.FormatInt(wait.Milliseconds(), 10)}})
	if out.Has("none") {
		return nil
	}
	r := &received{
		body: out.Get("body"), text: out.Get("text"), destination: out.Get("destination"), replyTo: out.Get("replyTo"), raw: out.Get("m"),
		correlation: out.Get("correlation"), redelivered: out.Get("redelivered") == "true",
	}
	if out.Has("hex") {
		b, err := hex.DecodeString(out.Get("hex"))
		k.c.must(err)
		r.text = string(b)
	}
	r.count, _ = strconv.Atoi(out.Get("count"))
	for _, f := range out["f"] {
		r.add(true, "%s", maskFact(f))
	}
	for _, at := range []string{"timestamp", "expiration"} {
		ms, _ := strconv.ParseInt(out.Get(at), 10, 64)
		r.add(ms != 0, "JMS%s%s %s", strings.ToUpper(at[:1]), at[1:], when(time.UnixMilli(ms)))
	}
	for _, p := range out["property"] {
		name, value, _ := strings.Cut(p, "=")
		r.property(name, value)
	}
	return r
}

// maskFact hides an identifier, but not what stands behind it.
func maskFact(f string) string {
	if m := mask(f); m != f {
		if i := strings.LastIndex(f, " ("); i >= 0 {
			return m + f[i:]
		}
		return m + "`"
	}
	return f
}

func (k *jmsConsumer) ack(r *received) {
	k.c.t.Helper()
	if k.o.unacknowledged && !k.o.transacted {
		k.c.ask("ack", url.Values{"m": {r.raw.(string)}})
	}
}

func (k *jmsConsumer) reject(*received) {
	k.c.t.Helper()
	k.c.ask("rollbackConsumer", url.Values{"k": {k.k}})
}

// release has everything that is not acknowledged come again.
func (k *jmsConsumer) release(*received) {
	k.c.t.Helper()
	k.c.ask("recover", url.Values{"k": {k.k}})
}

func (k *jmsConsumer) close() { k.c.t.Helper(); k.c.ask("closeConsumer", url.Values{"k": {k.k}}) }
