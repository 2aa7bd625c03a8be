package crosstest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

var update = flag.Bool("update", false, "write docs/protocols.md anew")

// cell is one message on its way: who sends what, and how it is received.
type cell struct {
	about    string
	sent     string // as the sender's protocol has it
	send     func(w *world, topic string)
	receiver string // what the receiver subscribes to, "" for the topic
}

// world is a broker with a client of each protocol.
type world struct {
	t     *testing.T
	b     *brokertest.Broker
	mqtt  *mqttPeer
	stomp stompPeer
	amqp  *amqpPeer
}

func newWorld(t *testing.T) *world {
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{QueuePrefix: "$queue/", SysInterval: -1}))
	return &world{t, b, newMQTT(t, b, "sender"), newSTOMP(t, b), newAMQP(t, b)}
}

func slashes(topic string) string { return strings.ReplaceAll(topic, ".", "/") }

// fromSTOMP are messages that a STOMP client sends to a topic, or a queue, and an MQTT client
// receives.
func fromSTOMP() []cell {
	send := func(body string, headers ...string) func(*world, string) {
		return func(w *world, topic string) { w.stomp.Put("/topic/"+topic, body, headers...) }
	}
	bytes := []string{"content-length", "2"}
	return []cell{
		{"text", "no `content-length`", send("héllo"), ""},
		{"bytes", "`content-length:2`", send("\x00\xff", bytes...), ""},
		{"map", "`transformation:jms-map-json`", send(`{"map":{"entry":[{"string":["k","v"]},{"string":"n","int":5}]}}`, "transformation", "jms-map-json"), ""},
		{"persistent", "`persistent:true`", send("x", "persistent", "true"), ""},
		{"property", "`colour:red`", send("x", "colour", "red"), ""},
		{"content type", "`content-type:text/plain`", send("x", "content-type", "text/plain"), ""},
		{"correlation", "`correlation-id:c1`", send("x", "correlation-id", "c1"), ""},
		{"reply to a topic", "`reply-to:/topic/r.s`", send("x", "reply-to", "/topic/r.s"), ""},
		{"reply to a queue", "`reply-to:/queue/r.s`", send("x", "reply-to", "/queue/r.s"), ""},
		{"reply to a temporary queue", "`reply-to:/temp-queue/r`", send("x", "reply-to", "/temp-queue/r"), ""},
		{"type, group", "`type:t`, `JMSXGroupID:g`", send("x", "type", "t", "JMSXGroupID", "g"), ""},
		{"expiry", "`expires` in 60 s", func(w *world, topic string) {
			w.stomp.Put("/topic/"+topic, "x", "expires", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
		}, ""},
		{"QoS as ActiveMQ says it", "`persistent:true`, `ActiveMQ.MQTT.QoS:0`", send("x", "persistent", "true", "ActiveMQ.MQTT.QoS", "0"), ""},
		{"retained, sent before", "`ActiveMQ.Retain:true`", send("x", "ActiveMQ.Retain", "true"), "later"},
		{"queue", "to `/queue/…`", func(w *world, topic string) {
			w.stomp.Put("/queue/"+topic, "x", "persistent", "true")
		}, "queue"},
	}
}

// fromMQTT are messages that go the other way.
func fromMQTT() []cell {
	send := func(payload string, qos byte, props ...byte) func(*world, string) {
		return func(w *world, topic string) { w.mqtt.publish(slashes(topic), payload, qos, false, props...) }
	}
	return []cell{
		{"text", "payload format text", send("héllo", 0, packet.AppendNum(nil, packet.PayloadFormat, 1)...), ""},
		{"bytes", "payload", send("\x00\xff", 0), ""},
		{"QoS 1", "QoS 1", send("x", 1), ""},
		{"QoS 2", "QoS 2", send("x", 2), ""},
		{"property", "user property `colour`=`red`", send("x", 0, packet.AppendUser(nil, "colour", "red")...), ""},
		{"property, twice", "user property `a`=`1`, `a`=`2`", send("x", 0, packet.AppendUser(packet.AppendUser(nil, "a", "1"), "a", "2")...), ""},
		{"content type", "content type `text/plain`", send("x", 0, packet.AppendText(nil, packet.ContentType, "text/plain")...), ""},
		{"correlation", "correlation data `c1`", send("x", 0, packet.AppendText(nil, packet.CorrelationData, "c1")...), ""},
		{"reply to a topic", "response topic `r/s`", send("x", 0, packet.AppendText(nil, packet.ResponseTopic, "r/s")...), ""},
		{"reply to a queue", "response topic `$queue/r/s`", send("x", 0, packet.AppendText(nil, packet.ResponseTopic, "$queue/r/s")...), ""},
		{"type, group", "user properties `JMSType`=`t`, `JMSXGroupID`=`g`", send("x", 0, packet.AppendUser(packet.AppendUser(nil, "JMSType", "t"), "JMSXGroupID", "g")...), ""},
		{"expiry", "expiry 60 s", send("x", 0, packet.AppendNum(nil, packet.MessageExpiry, 60)...), ""},
		{"retained, live", "RETAIN", func(w *world, topic string) { w.mqtt.publish(slashes(topic), "x", 0, true) }, ""},
		{"retained, sent before", "RETAIN; the subscriber has `activemq.retroactive:true`", func(w *world, topic string) { w.mqtt.publish(slashes(topic), "x", 1, true) }, "later"},
		{"queue", "to `$queue/…`", func(w *world, topic string) { w.mqtt.publish("$queue/"+slashes(topic), "x", 1, false) }, "queue"},
		{"virtual topic", "to `VirtualTopic/…`, read from `/queue/Consumer.A.VirtualTopic.…`", func(w *world, topic string) {
			w.mqtt.publish("VirtualTopic/"+slashes(topic), "x", 1, false)
		}, "virtual"},
	}
}

// TestTable sends and receives every message of both lists and compares what arrives with the
// documented table.
func TestTable(t *testing.T) {
	t.Parallel()
	var doc strings.Builder
	doc.WriteString(`# From one protocol to another

What arrives where a message is sent with one protocol and received with another. The table is
written by a test, which fails when it is no longer true: ` + "`go test ./protocols/crosstest -update`" + `.

Names: a level ends with ` + "`/`" + ` in MQTT and with ` + "`.`" + ` elsewhere, and the wildcards ` + "`+`" + ` and ` + "`#`" + ` are ` + "`*`" + ` and ` + "`>`" + `
there; the characters are swapped one by one, so that every name comes back as it was. Names with
` + "`$queue/`" + ` in front are queues where ` + "`mqtt.queue_prefix`" + ` is set to that; to reply, MQTT clients can
always publish to what a response topic says.
`)
	section := func(title string, head string) {
		fmt.Fprintf(&doc, "\n## %s\n\n| | %s |\n|---|---|---|\n", title, head)
	}
	section("STOMP to MQTT 5", "sent | received")
	w := newWorld(t)
	for i, c := range fromSTOMP() {
		topic := fmt.Sprintf("s.%d", i)
		filter := slashes(topic)
		if c.receiver == "queue" {
			filter = "$queue/" + filter
		}
		if c.receiver == "later" {
			c.send(w, topic)
		}
		r := newMQTT(t, w.b, fmt.Sprint("receiver", i))
		r.subscribe(filter)
		if c.receiver != "later" {
			c.send(w, topic)
		}
		fmt.Fprintf(&doc, "| %s | %s | %s |\n", c.about, c.sent, r.receive())
		_ = r.conn.Close()
	}
	section("MQTT 5 to STOMP", "sent | received")
	for i, c := range fromMQTT() {
		topic := fmt.Sprintf("m.%d", i)
		r := newSTOMP(t, w.b)
		switch c.receiver {
		case "queue":
			r.Subscribe("1", "/queue/"+topic)
			c.send(w, topic)
		case "virtual":
			r.Subscribe("1", "/queue/Consumer.A.VirtualTopic."+topic)
			c.send(w, topic)
		case "later":
			c.send(w, topic)
			r.Subscribe("1", "/topic/"+topic, "activemq.retroactive", "true")
		default:
			r.Subscribe("1", "/topic/"+topic)
			c.send(w, topic)
		}
		fmt.Fprintf(&doc, "| %s | %s | %s |\n", c.about, c.sent, r.receive())
		r.Close()
	}
	amqpSections(w, func(about, sent, received string) {
		fmt.Fprintf(&doc, "| %s | %s | %s |\n", about, sent, received)
	}, func(title string) { section(title, "sent | received") })
	const path = "../../docs/protocols.md"
	if *update {
		if err := os.WriteFile(path, []byte(doc.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(doc.String(), "\n")
	for i, line := range strings.Split(string(want), "\n") {
		if i >= len(got) || got[i] != line {
			have := ""
			if i < len(got) {
				have = got[i]
			}
			t.Errorf("line %d:\n got %s\nwant %s", i+1, have, line)
		}
	}
}

// TestReplies sends a request in one protocol and its reply in the other, to topics, queues and
// temporary queues.
func TestReplies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	responder := newMQTT(t, w.b, "responder")
	responder.subscribe("service")
	for i, to := range []string{"/topic/answers", "/queue/answers", "/temp-queue/answers"} {
		r := newSTOMP(t, w.b)
		r.Subscribe("a", to)
		r.Send("/topic/service", "question", "reply-to", to, "correlation-id", fmt.Sprint("c", i))
		topic, correlation := responder.responseTopic()
		responder.publish(topic, "answer", 1, false, packet.AppendText(nil, packet.CorrelationData, correlation)...)
		f := r.Message()
		if f.Body != "answer" || f.Get("correlation-id") != fmt.Sprint("c", i) {
			t.Errorf("%s: %v", to, f)
		}
	}
	service := newSTOMP(t, w.b)
	service.Subscribe("s", "/queue/service")
	requester := newMQTT(t, w.b, "requester")
	requester.subscribe("answers/mqtt")
	props := packet.AppendText(packet.AppendText(nil, packet.ResponseTopic, "answers/mqtt"), packet.CorrelationData, "c9")
	requester.publish("$queue/service", "question", 1, false, props...)
	f := service.Message()
	service.Send(f.Get("reply-to"), "answer", "correlation-id", f.Get("correlation-id"))
	if got := requester.receive(); got != "payload `answer`, QoS 0, correlation data `c9`, payload format text" {
		t.Errorf("got %s", got)
	}
}

// TestOfflineSubscribers leaves messages of one protocol for subscribers of the other that are
// away, over a restart of the broker.
func TestOfflineSubscribers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := brokertest.Start(t, brokertest.WithStore(dir))
	durable := func() stompPeer {
		c := newSTOMPAs(t, b, "durable")
		c.Subscribe("d", "/topic/off.*", "activemq.subscriptionName", "d")
		return c
	}
	s := durable()
	s.Disconnect()
	m := newMQTTKept(t, b, "kept")
	m.subscribe("off/#")
	m.end()
	sender := newMQTT(t, b, "sender")
	sender.publish("off/a", "from MQTT", 2, false, packet.AppendUser(nil, "k", "v")...)
	newSTOMP(t, b).Put("/topic/off.b", "from STOMP", "persistent", "true", "k", "w")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = brokertest.Start(t, brokertest.WithStore(dir))
	s = durable()
	for _, want := range []string{
		"bytes `from MQTT`, `ActiveMQ.MQTT.QoS:2`, `k:v`, `persistent:true`",
		"text `from STOMP`, `k:w`, `persistent:true`",
	} {
		if got := s.receive(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	m = newMQTTKept(t, b, "kept")
	for _, want := range []string{
		"payload `from MQTT`, QoS 2, user property `k`=`v`",
		"payload `from STOMP`, QoS 1, payload format text, user property `k`=`w`",
	} {
		if got := m.receive(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
