package stomptest_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"

	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// patience bounds each wait for a message that must come.
const patience = 20 * time.Second

// goClient runs one test of the go-stomp client.
type goClient struct {
	*testing.T
	target  stomptest.Target
	version stomp.Version
	name    string
	queue   string
	topic   string
}

// TestGoStomp runs the go-stomp client against the broker under test, plain and over TLS.
func TestGoStomp(t *testing.T) {
	t.Parallel()
	l := underTest(t)
	t.Run("plain", func(t *testing.T) { runGoStomp(t, l.Plain) })
	t.Run("tls", func(t *testing.T) {
		if l.Secure == nil {
			t.Skip("no TLS listener")
		}
		runGoStomp(t, *l.Secure)
	})
}

// TestGoStompActiveMQ runs the same against a real ActiveMQ.
func TestGoStompActiveMQ(t *testing.T) { runGoStomp(t, activeMQ(t)) }

func runGoStomp(t *testing.T, target stomptest.Target) {
	cases := map[string]func(*goClient){
		"roundtrip": (*goClient).roundtrip,
		"headers":   (*goClient).headers,
		"ack":       (*goClient).ack,
		"nack":      (*goClient).nack,
		"tx":        (*goClient).transaction,
		"selector":  (*goClient).selector,
		"durable":   (*goClient).durable,
		"tempqueue": (*goClient).tempQueue,
		"heartbeat": (*goClient).heartbeat,
		"burst":     (*goClient).burst,
		"refused":   (*goClient).refused,
	}
	for _, version := range []stomp.Version{stomp.V10, stomp.V11, stomp.V12} {
		for name, run := range cases {
			t.Run(version.String()+"/"+name, func(t *testing.T) {
				t.Parallel()
				unique := "go." + name + "-" + rand.Text()[:8]
				run(&goClient{T: t, target: target, version: version, name: unique, queue: "/queue/" + unique, topic: "/topic/" + unique})
			})
		}
	}
}

// connect opens a session, which the test's end closes.
func (c *goClient) connect(options ...func(*stomp.Conn) error) *stomp.Conn {
	c.Helper()
	socket, err := c.target.Dial()
	if err != nil {
		c.Fatal(err)
	}
	options = append([]func(*stomp.Conn) error{
		stomp.ConnOpt.AcceptVersion(c.version), stomp.ConnOpt.HeartBeat(0, 0), stomp.ConnOpt.Logger(silence{}),
		stomp.ConnOpt.UnsubscribeReceiptTimeout(5 * time.Second),
	}, options...)
	if c.target.User != "" {
		options = append(options, stomp.ConnOpt.Login(c.target.User, c.target.Pass))
	}
	conn, err := stomp.Connect(socket, options...)
	if err != nil {
		c.Fatalf("connect: %v", err)
	}
	if conn.Version() != c.version {
		c.Fatalf("version %s, want %s", conn.Version(), c.version)
	}
	c.Cleanup(func() { _ = conn.MustDisconnect() })
	return conn
}

// silence drops the library's log, which tells of every connection that ends.
type silence struct{}

func (silence) Debugf(string, ...any)   {}
func (silence) Infof(string, ...any)    {}
func (silence) Warningf(string, ...any) {}
func (silence) Errorf(string, ...any)   {}
func (silence) Debug(string)            {}
func (silence) Info(string)             {}
func (silence) Warning(string)          {}
func (silence) Error(string)            {}

// must fails the test on an error.
func (c *goClient) must(what string, err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

// subscribe subscribes and makes a round trip, as the library can't ask for a receipt here.
func (c *goClient) subscribe(conn *stomp.Conn, destination string, mode stomp.AckMode, pairs ...string) *stomp.Subscription {
	c.Helper()
	var options []func(*frame.Frame) error
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		options = append(options, stomp.SubscribeOpt.Header(pairs[0], pairs[1]))
	}
	sub, err := conn.Subscribe(destination, mode, options...)
	c.must("subscribe", err)
	c.send(conn, "/topic/go.sync", "sync")
	return sub
}

func (c *goClient) send(conn *stomp.Conn, destination, body string, pairs ...string) {
	c.Helper()
	options := []func(*frame.Frame) error{stomp.SendOpt.Receipt}
	for ; len(pairs) >= 2; pairs = pairs[2:] {
		options = append(options, stomp.SendOpt.Header(pairs[0], pairs[1]))
	}
	c.must("send", conn.Send(destination, "text/plain", []byte(body), options...))
}

func (c *goClient) receive(sub *stomp.Subscription) *stomp.Message {
	c.Helper()
	select {
	case m := <-sub.C:
		if m == nil {
			c.Fatal("the subscription ended")
		}
		c.must("message", m.Err)
		return m
	case <-time.After(patience):
		c.Fatal("no message")
	}
	return nil
}

func (c *goClient) want(sub *stomp.Subscription, words string) []*stomp.Message {
	c.Helper()
	var got []*stomp.Message
	for word := range strings.FieldsSeq(words) {
		m := c.receive(sub)
		if string(m.Body) != word {
			c.Fatalf("received %q, want %q of %q", m.Body, word, words)
		}
		got = append(got, m)
	}
	return got
}

func (c *goClient) equal(what, got, want string) {
	c.Helper()
	if got != want {
		c.Errorf("%s is %q, want %q", what, got, want)
	}
}

func (c *goClient) roundtrip() {
	conn := c.connect()
	sub := c.subscribe(conn, c.queue, stomp.AckAuto)
	c.send(conn, c.queue, "a\x00b Grüße 😀")
	m := c.receive(sub)
	c.equal("body", string(m.Body), "a\x00b Grüße 😀")
	c.equal("destination", m.Destination, c.queue)
	c.equal("content type", m.ContentType, "text/plain")
	c.must("send text", conn.Send(c.queue, "text/plain", []byte("text"), stomp.SendOpt.NoContentLength))
	if _, ok := c.receive(sub).Header.Contains("content-length"); ok {
		c.Error("a text came with a content-length")
	}
	c.unsubscribe(sub)
	c.must("disconnect", conn.Disconnect())
}

func (c *goClient) headers() {
	conn := c.connect()
	sub := c.subscribe(conn, c.queue, stomp.AckAuto)
	sent := []string{"color", "red", "priority", "7", "correlation-id", "c-1", "reply-to", "/queue/back", "persistent", "true"}
	if c.version != stomp.V10 { // the library escapes in 1.0 too, which has no escapes
		sent = append(sent, "odd", "a:b\\c\nd")
	}
	c.send(conn, c.queue, "one", sent...)
	m := c.receive(sub)
	for i := 0; i < len(sent); i += 2 {
		c.equal(sent[i], m.Header.Get(sent[i]), sent[i+1])
	}
}

func (c *goClient) ack() {
	conn := c.connect()
	sub := c.subscribe(conn, c.queue, stomp.AckClientIndividual)
	for _, body := range []string{"one", "two", "three"} {
		c.send(conn, c.queue, body)
	}
	got := c.want(sub, "one two three")
	c.must("ack", conn.Ack(got[1]))
	c.unsubscribe(sub)
	again := c.subscribe(conn, c.queue, stomp.AckClient)
	got = c.want(again, "one three")
	c.equal("redelivered", got[0].Header.Get("redelivered"), "true")
	c.must("cumulative ack", conn.Ack(got[1]))
}

func (c *goClient) nack() {
	conn := c.connect()
	sub := c.subscribe(conn, c.queue, stomp.AckClientIndividual)
	c.send(conn, c.queue, "one", "persistent", "true", "run", c.name)
	m := c.receive(sub)
	if c.version == stomp.V10 {
		if err := conn.Nack(m); err == nil {
			c.Error("the library sent a NACK in 1.0")
		}
		return
	}
	dead := c.subscribe(c.connect(), "/queue/ActiveMQ.DLQ", stomp.AckAuto, "selector", "run = '"+c.name+"'")
	c.must("nack", conn.Nack(m))
	c.equal("original destination", c.receive(dead).Header.Get("original-destination"), c.queue)
}

func (c *goClient) transaction() {
	conn := c.connect()
	sub := c.subscribe(conn, c.queue, stomp.AckClientIndividual)
	lost := conn.Begin()
	c.must("send", lost.Send(c.queue, "text/plain", []byte("lost")))
	c.must("abort", lost.AbortWithReceipt())
	kept := conn.Begin()
	c.must("send", kept.Send(c.queue, "text/plain", []byte("one"), stomp.SendOpt.Receipt))
	c.must("send", kept.Send(c.queue, "text/plain", []byte("two")))
	c.must("commit", kept.CommitWithReceipt())
	acks := conn.Begin()
	for _, m := range c.want(sub, "one two") {
		c.must("ack", acks.Ack(m))
	}
	c.must("commit of acks", acks.CommitWithReceipt())
	c.unsubscribe(sub)
	again := c.subscribe(conn, c.queue, stomp.AckAuto)
	c.send(conn, c.queue, "sentinel")
	c.want(again, "sentinel")
}

func (c *goClient) selector() {
	conn := c.connect()
	sub := c.subscribe(conn, c.topic, stomp.AckAuto, "selector", "n > 5 AND color LIKE 'r%'")
	for _, m := range [][2]string{{"7", "red"}, {"3", "red"}, {"8", "blue"}, {"10", "rose"}} {
		c.send(conn, c.topic, m[0], "n", m[0], "color", m[1])
	}
	c.want(sub, "7 10")
}

func (c *goClient) durable() {
	owner := stomp.ConnOpt.Header("client-id", c.name)
	name := []string{"activemq.subscriptionName", c.name}
	conn := c.connect(owner)
	c.subscribe(conn, c.topic, stomp.AckAuto, name...)
	c.must("disconnect", conn.Disconnect())
	c.send(c.connect(), c.topic, "offline", "persistent", "true")
	conn = c.connect(owner)
	sub := c.subscribe(conn, c.topic, stomp.AckAuto, name...)
	c.want(sub, "offline")
	c.unsubscribe(sub)
}

func (c *goClient) tempQueue() {
	asker, server := c.connect(), c.connect()
	replies := c.subscribe(asker, "/temp-queue/replies", stomp.AckAuto)
	requests := c.subscribe(server, c.queue, stomp.AckAuto)
	c.send(asker, c.queue, "question", "reply-to", "/temp-queue/replies")
	reply := c.receive(requests).Header.Get("reply-to")
	if !strings.HasPrefix(reply, "/remote-temp-queue/") {
		c.Fatalf("reply-to is %q", reply)
	}
	c.send(server, reply, "answer")
	c.want(replies, "answer")
}

// heartbeat keeps a connection for several intervals whose both directions the library watches.
func (c *goClient) heartbeat() {
	if c.version == stomp.V10 {
		c.Skip("not in 1.0")
	}
	conn := c.connect(stomp.ConnOpt.HeartBeat(2*time.Second, time.Second), stomp.ConnOpt.HeartBeatError(20*time.Second))
	sub := c.subscribe(conn, c.queue, stomp.AckAuto)
	select {
	case m := <-sub.C:
		c.Fatalf("got %v instead of quiet", m)
	case <-time.After(2500 * time.Millisecond): // five intervals
	}
	c.send(conn, c.queue, "alive")
	c.want(sub, "alive")
}

// unsubscribe ends a subscription. The library may miss a receipt that comes before it has begun
// to wait for it, and then reports a time-out although it has closed the subscription's channel.
func (c *goClient) unsubscribe(sub *stomp.Subscription) {
	c.Helper()
	err := sub.Unsubscribe()
	if errors.Is(err, &stomp.ErrUnsubscribeReceiptTimeout) {
		if _, open := <-sub.C; !open {
			return
		}
	}
	c.must("unsubscribe", err)
}

// burst sends more than the library's and the broker's buffers hold.
func (c *goClient) burst() {
	const count = 500
	conn, reader := c.connect(), c.connect()
	sub := c.subscribe(reader, c.queue, stomp.AckClient)
	body := []byte(strings.Repeat("x", 4096))
	for range count {
		c.must("send", conn.Send(c.queue, "application/octet-stream", body))
	}
	c.send(conn, c.queue, "last")
	for range count {
		if m := c.receive(sub); len(m.Body) != len(body) {
			c.Fatalf("body of %d bytes", len(m.Body))
		}
	}
	last := c.want(sub, "last")
	c.must("cumulative ack", reader.Ack(last[0]))
	c.unsubscribe(sub)
}

// refused provokes an ERROR, on which the library gives up the subscription.
func (c *goClient) refused() {
	conn := c.connect()
	sub, err := conn.Subscribe(c.queue, stomp.AckAuto, stomp.SubscribeOpt.Header("selector", "n ==== 1"))
	c.must("subscribe", err)
	select {
	case m := <-sub.C:
		if m == nil || m.Err == nil || !strings.Contains(m.Err.Error(), "n ==== 1") {
			c.Errorf("got %v, want an error with the selector", m)
		}
	case <-time.After(patience):
		c.Error("no answer")
	}
}
