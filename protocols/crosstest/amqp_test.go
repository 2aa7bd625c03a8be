package crosstest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/go-amqp"

	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// amqpPeer is a client of AMQP 1.0.
type amqpPeer struct {
	t       *testing.T
	session *amqp.Session
}

func newAMQP(t *testing.T, b *brokertest.Broker) *amqpPeer {
	t.Helper()
	conn, err := amqp.Dial(deadline(t), b.URL("amqp", "amqp"), &amqp.ConnOptions{SASLType: amqp.SASLTypeAnonymous()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	session, err := conn.NewSession(deadline(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &amqpPeer{t, session}
}

// deadline bounds one step of a client.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func (c *amqpPeer) send(address string, m *amqp.Message) {
	c.t.Helper()
	l, err := c.session.NewSender(deadline(c.t), address, nil)
	if err == nil {
		err = l.Send(deadline(c.t), m, nil)
	}
	if err == nil {
		err = l.Close(deadline(c.t))
	}
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *amqpPeer) receiver(address string) *amqp.Receiver {
	c.t.Helper()
	l, err := c.session.NewReceiver(deadline(c.t), address, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return l
}

// receive returns what the next message looks like.
func (c *amqpPeer) receive(l *amqp.Receiver) string {
	c.t.Helper()
	m, err := l.Receive(deadline(c.t), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := l.AcceptMessage(deadline(c.t), m); err != nil {
		c.t.Fatal(err)
	}
	body := fmt.Sprintf("value `%v`", m.Value)
	if m.Value == nil {
		body = fmt.Sprintf("data `%s`", printable(string(m.GetData())))
	}
	list := []string{body}
	if h := m.Header; h != nil {
		if h.Durable {
			list = append(list, "durable")
		}
		if h.TTL > 0 {
			list = append(list, "ttl "+about(int64(h.TTL.Round(time.Second)/time.Second)))
		}
	}
	if p := m.Properties; p != nil {
		for _, f := range []struct {
			name string
			text *string
		}{{"subject", p.Subject}, {"reply-to", p.ReplyTo}, {"content-type", p.ContentType}, {"group-id", p.GroupID}} {
			if f.text != nil {
				list = append(list, fmt.Sprintf("%s `%s`", f.name, mask(*f.text)))
			}
		}
		switch id := p.CorrelationID.(type) {
		case nil:
		case []byte:
			list = append(list, fmt.Sprintf("correlation-id `%s`, binary", id))
		default:
			list = append(list, fmt.Sprintf("correlation-id `%v`", id))
		}
	}
	var rest []string
	for k, v := range m.ApplicationProperties {
		rest = append(rest, fmt.Sprintf("property `%s`=`%v`", k, v))
	}
	for k, v := range m.Annotations {
		rest = append(rest, fmt.Sprintf("`%v` %v", k, v))
	}
	slices.Sort(rest)
	return strings.Join(append(list, rest...), ", ")
}

// fromAMQP are messages that an AMQP client sends.
func fromAMQP() []cell {
	send := func(m *amqp.Message) func(*world, string) {
		return func(w *world, topic string) { w.amqp.send("topic://"+topic, m) }
	}
	with := func(p amqp.MessageProperties) *amqp.Message { return &amqp.Message{Value: "x", Properties: &p} }
	text := func(s string) *string { return &s }
	return []cell{
		{"text", "amqp-value, string", send(&amqp.Message{Value: "héllo"}), ""},
		{"bytes", "data", send(amqp.NewMessage([]byte{0, 255})), ""},
		{"text in data", "data, content-type `text/plain`", send(&amqp.Message{
			Data: [][]byte{[]byte("héllo")}, Properties: &amqp.MessageProperties{ContentType: text("text/plain")},
		}), ""},
		{"map", "amqp-value, map", send(&amqp.Message{Value: map[string]any{"k": "v"}}), ""},
		{"a number", "amqp-value, int", send(&amqp.Message{Value: int32(5)}), ""},
		{"persistent", "header durable", send(&amqp.Message{Header: &amqp.MessageHeader{Durable: true, Priority: 4}, Value: "x"}), ""},
		{"properties", "application-property `u`, ubyte 200", send(&amqp.Message{
			Value: "x", ApplicationProperties: map[string]any{"u": uint8(200)},
		}), ""},
		{"annotation", "message-annotation `x-opt-note`", send(&amqp.Message{Value: "x", Annotations: amqp.Annotations{"x-opt-note": "n"}}), ""},
		{"correlation", "correlation-id `c1`", send(with(amqp.MessageProperties{CorrelationID: "c1"})), ""},
		{"correlation, number", "correlation-id, ulong 7", send(with(amqp.MessageProperties{CorrelationID: uint64(7)})), ""},
		{"reply to a topic", "reply-to `topic://r.s`", send(with(amqp.MessageProperties{ReplyTo: text("topic://r.s")})), ""},
		{"reply to a queue", "reply-to `queue://r.s`", send(with(amqp.MessageProperties{ReplyTo: text("queue://r.s")})), ""},
		{"type, group", "subject `t`, group-id `g`", send(with(amqp.MessageProperties{Subject: text("t"), GroupID: text("g")})), ""},
		{"expiry", "ttl 60 s", send(&amqp.Message{Header: &amqp.MessageHeader{TTL: time.Minute, Priority: 4}, Value: "x"}), ""},
	}
}

// amqpSections writes what goes between AMQP and the other protocols.
func amqpSections(w *world, row func(about, sent, received string), section func(title string)) {
	section("AMQP to STOMP")
	for i, c := range fromAMQP() {
		topic := fmt.Sprintf("as.%d", i)
		r := newSTOMP(w.t, w.b)
		r.Subscribe("1", "/topic/"+topic)
		c.send(w, topic)
		row(c.about, c.sent, r.receive())
		r.Close()
	}
	section("AMQP to MQTT 5")
	for i, c := range fromAMQP() {
		topic := fmt.Sprintf("am.%d", i)
		r := newMQTT(w.t, w.b, fmt.Sprint("of-amqp-", i))
		r.subscribe(slashes(topic))
		c.send(w, topic)
		row(c.about, c.sent, r.receive())
		_ = r.conn.Close()
	}
	for _, from := range []struct {
		title, prefix string
		cells         []cell
	}{{"STOMP to AMQP", "sa", fromSTOMP()}, {"MQTT 5 to AMQP", "ma", fromMQTT()}} {
		section(from.title)
		for i, c := range from.cells {
			topic := fmt.Sprintf("%s.%d", from.prefix, i)
			address := "topic://" + topic
			switch c.receiver {
			case "queue":
				address = "queue://" + topic
			case "virtual":
				address = "queue://Consumer.A.VirtualTopic." + topic
			case "later":
				continue // AMQP has no word for what was sent before
			}
			l := w.amqp.receiver(address)
			c.send(w, topic)
			row(c.about, c.sent, w.amqp.receive(l))
		}
	}
}
