package interoptest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	paho5 "github.com/eclipse/paho.golang/paho"
	paho "github.com/eclipse/paho.mqtt.golang"
)

// queuePrefix is how the listener of MQTT is told to tell queues from topics.
const queuePrefix = "$queue/"

// notMQTT is what MQTT has no words for, in any version.
func notMQTT(more ...feature) []feature {
	return append(more, mapBodies, streams, objects, empties, priorities, temporaries, users, timestamps, browsers, selectors, transactions, rejections,
		releases, options, noLocals, composites, octets)
}

// mqtt311 is paho.mqtt.golang.
func mqtt311() protocol {
	return protocol{
		name:  "MQTT 3.1.1",
		lacks: notMQTT(expiry, correlation, replies, types, contentTypes, properties, delays, prefetches),
		open:  func(t *testing.T, b target, id string) client { return openMQTT3(t, b, id) },
	}
}

// mqtt5 is paho.golang.
func mqtt5() protocol {
	return protocol{
		name: "MQTT 5", lacks: notMQTT(),
		open: func(t *testing.T, b target, id string) client { return openMQTT5(t, b, id) },
	}
}

// arrival is a message as either library hands it over.
type arrival struct {
	topic      string
	payload    []byte
	qos        byte
	retained   bool
	dup        bool
	properties *paho5.PublishProperties
	ack        func()
}

// mqttClient has what both versions share: one stream of messages for all subscriptions, since that is what a connection of MQTT
// has. A test has one consumer per client.
type mqttClient struct {
	t        *testing.T
	socket   net.Conn
	arrivals chan arrival
	o        consuming
	kept     bool
	topics   func(filter string, qos byte)
	publish  func(topic string, m message)
	end      func()
	drop     func(filter string)
}

// consumer is the stream.
type mqttConsumer struct {
	c      *mqttClient
	filter string
}

// slashes returns a name as MQTT has it.
func slashes(name string) string {
	return strings.NewReplacer(".", "/", "*", "+", ">", "#").Replace(name)
}

func (*mqttClient) name(d destination) string {
	switch {
	case d.native != "":
		return d.native
	case d.topic:
		return slashes(d.name)
	}
	return queuePrefix + slashes(d.name)
}

func (c *mqttClient) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func newMQTT(t *testing.T, b target, id string) *mqttClient {
	t.Helper()
	socket, err := net.Dial("tcp", b.mqtt)
	if err != nil {
		t.Fatal(err)
	}
	c := &mqttClient{t: t, socket: socket, arrivals: make(chan arrival, 10000), kept: id != ""}
	t.Cleanup(func() { _ = socket.Close() })
	return c
}

// qosOf returns the quality of service that a message is published with.
func qosOf(m message) byte {
	switch {
	case m.twice:
		return 2
	case m.durable:
		return 1
	}
	return 0
}

// payload returns a message's body.
func payload(m message) []byte {
	if m.kind == bytesKind {
		return m.bytes
	}
	return []byte(m.text)
}

func openMQTT3(t *testing.T, b target, id string) client {
	t.Helper()
	c := newMQTT(t, b, id)
	o := paho.NewClientOptions().AddBroker("tcp://" + b.mqtt).SetCleanSession(id == "").SetAutoReconnect(false).SetConnectRetry(false).
		SetOrderMatters(true).SetAutoAckDisabled(true).SetConnectTimeout(patience).SetProtocolVersion(4).SetClientID(id).
		SetDefaultPublishHandler(func(_ paho.Client, m paho.Message) {
			c.arrivals <- arrival{topic: m.Topic(), payload: m.Payload(), qos: m.Qos(), retained: m.Retained(), dup: m.Duplicate(), ack: m.Ack}
		}).
		SetCustomOpenConnectionFn(func(*url.URL, paho.ClientOptions) (net.Conn, error) { return c.socket, nil })
	if id == "" {
		o.SetClientID(unique("mqtt"))
	}
	library := paho.NewClient(o)
	wait := func(what string, token paho.Token) {
		t.Helper()
		if !token.WaitTimeout(patience) {
			t.Fatalf("%s: no answer", what)
		}
		if err := token.Error(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	wait("connect", library.Connect())
	c.topics = func(filter string, qos byte) { wait("subscribe", library.Subscribe(filter, qos, nil)) }
	c.publish = func(topic string, m message) {
		wait("publish", library.Publish(topic, qosOf(m), m.retain, payload(m)))
		if qosOf(m) == 0 {
			// Nothing answers: an answer to something else comes behind it.
			wait("unsubscribe", library.Unsubscribe("interop/sync"))
		}
	}
	c.drop = func(filter string) { wait("unsubscribe", library.Unsubscribe(filter)) }
	c.end = func() { library.Disconnect(100) }
	return c
}

func openMQTT5(t *testing.T, b target, id string) client {
	t.Helper()
	c := newMQTT(t, b, id)
	ctx := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		t.Cleanup(cancel)
		return ctx
	}
	name := id
	if id == "" {
		name = unique("mqtt")
	}
	library := paho5.NewClient(paho5.ClientConfig{
		ClientID: name, Conn: c.socket, PacketTimeout: patience, EnableManualAcknowledgment: true, SendAcksInterval: 5 * time.Millisecond,
	})
	library.AddOnPublishReceived(func(r paho5.PublishReceived) (bool, error) {
		p := r.Packet
		c.arrivals <- arrival{p.Topic, p.Payload, p.QoS, p.Retain, p.Duplicate(), p.Properties, func() { _ = library.Ack(p) }}
		return true, nil
	})
	connect := &paho5.Connect{ClientID: name, KeepAlive: 60, CleanStart: id == "", Properties: &paho5.ConnectProperties{}}
	if id != "" {
		expiry := uint32(300)
		connect.Properties.SessionExpiryInterval = &expiry
	}
	_, err := library.Connect(ctx(), connect)
	c.must(err)
	c.topics = func(filter string, qos byte) {
		_, err := library.Subscribe(ctx(), &paho5.Subscribe{Subscriptions: []paho5.SubscribeOptions{{Topic: filter, QoS: qos}}})
		c.must(err)
	}
	c.publish = func(topic string, m message) {
		_, err := library.Publish(ctx(), c.packet(topic, m))
		c.must(err)
		if qosOf(m) == 0 {
			_, _ = library.Unsubscribe(ctx(), &paho5.Unsubscribe{Topics: []string{"interop/sync"}})
		}
	}
	c.drop = func(filter string) {
		_, err := library.Unsubscribe(ctx(), &paho5.Unsubscribe{Topics: []string{filter}})
		c.must(err)
	}
	c.end = func() { _ = library.Disconnect(&paho5.Disconnect{}) }
	return c
}

// packet returns a message as version 5 publishes it.
func (c *mqttClient) packet(topic string, m message) *paho5.Publish {
	p := &paho5.Publish{Topic: topic, QoS: qosOf(m), Retain: m.retain, Payload: payload(m), Properties: new(paho5.PublishProperties)}
	if m.body() == textKind {
		one := byte(1)
		p.Properties.PayloadFormat = &one
	}
	if m.ttl != 0 {
		n := uint32(m.ttl / time.Second)
		p.Properties.MessageExpiry = &n
	}
	if m.replyTo != nil {
		p.Properties.ResponseTopic = c.name(*m.replyTo)
	}
	if m.correlation != "" {
		p.Properties.CorrelationData = []byte(m.correlation)
	}
	p.Properties.ContentType = m.contentType
	m.retain = false
	for _, e := range m.extended() {
		p.Properties.User.Add(e.name, plain(e.value))
	}
	for _, e := range []pair{{"JMSType", m.jmsType}, {"JMSXGroupID", m.group}} {
		if e.value != "" {
			p.Properties.User.Add(e.name, e.value.(string))
		}
	}
	if m.seq != 0 {
		p.Properties.User.Add("JMSXGroupSeq", fmt.Sprint(m.seq))
	}
	return p
}

func (c *mqttClient) send(to destination, m message) { c.t.Helper(); c.publish(c.name(to), m) }

func (c *mqttClient) consume(from destination, o consuming) consumer {
	c.t.Helper()
	c.o = o
	// Everything is asked for as surely as it was sent.
	c.topics(c.name(from), 2)
	return &mqttConsumer{c, c.name(from)}
}

func (c *mqttClient) temporary(bool) destination {
	return destination{topic: true, name: unique("replies")}
}

func (c *mqttClient) browse(destination) []string { c.t.Fatal("MQTT can't browse"); return nil }

func (c *mqttClient) unsubscribe(from destination, _ string) { c.t.Helper(); c.drop(c.name(from)) }

func (c *mqttClient) begin()                   { c.t.Fatal("MQTT has no transactions") }
func (c *mqttClient) put(destination, message) { c.begin() }
func (c *mqttClient) commit()                  { c.begin() }
func (c *mqttClient) rollback()                { c.begin() }

func (c *mqttClient) close() { c.end() }
func (c *mqttClient) cut()   { _ = c.socket.Close() }

func (k *mqttConsumer) receive(wait time.Duration) *received {
	select {
	case a := <-k.c.arrivals:
		if !k.c.o.unacknowledged {
			a.ack()
		}
		return describeMQTT(a)
	case <-time.After(wait):
		return nil
	}
}

func describeMQTT(a arrival) *received {
	r := &received{text: string(a.payload), raw: a, destination: a.topic, redelivered: a.dup, body: fmt.Sprintf("payload `%x`", a.payload)}
	r.add(true, "QoS %d", a.qos)
	r.add(a.retained, "RETAIN")
	if a.properties == nil {
		return r
	}
	p := a.properties
	if p.PayloadFormat != nil && *p.PayloadFormat == 1 {
		r.body = fmt.Sprintf("text payload `%s`", a.payload)
	}
	if p.MessageExpiry != nil {
		r.add(true, "expires %s", when(time.Now().Add(time.Duration(*p.MessageExpiry)*time.Second)))
	}
	r.replyTo, r.correlation = p.ResponseTopic, string(p.CorrelationData)
	r.add(p.ContentType != "", "content type `%s`", p.ContentType)
	r.add(p.ResponseTopic != "", "response topic `%s`", mask(p.ResponseTopic))
	r.add(p.CorrelationData != nil, "correlation data `%s`", printable(string(p.CorrelationData)))
	for _, u := range p.User {
		r.add(true, "user property `%s`=`%s`", u.Key, mask(u.Value))
		r.property(u.Key, u.Value)
	}
	return r
}

func (k *mqttConsumer) ack(r *received) {
	if k.c.o.unacknowledged {
		r.raw.(arrival).ack()
	}
}

func (k *mqttConsumer) reject(*received)  { k.c.t.Fatal("MQTT can't reject messages") }
func (k *mqttConsumer) release(*received) { k.c.t.Fatal("MQTT can't give messages back") }

// close ends the subscription, but not one of a session that is kept.
func (k *mqttConsumer) close() {
	if !k.c.kept {
		k.c.drop(k.filter)
	}
}
