package interoptest

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// amqpPeer is a client of AMQP 1.0.
type amqpPeer struct {
	*amqptest.Session
	receiver *amqptest.Link
}

func openAMQP(t *testing.T, b *brokertest.Broker) peer {
	c := amqptest.Dial(t, amqptest.Target{Address: b.Addr("amqp")})
	c.Login()
	c.Open("interop-" + rand.Text())
	return &amqpPeer{Session: c.Session()}
}

func (*amqpPeer) name(d destination) string {
	if d.topic {
		return "topic://" + d.name
	}
	return "queue://" + d.name
}

func amqpMap(list []pair) amqptest.Map {
	m := amqptest.Map{}
	for _, e := range list {
		m = append(m, e.name, e.value)
	}
	return m
}

func (p *amqpPeer) send(to destination, m message) {
	out := amqptest.Message{Value: m.text}
	switch {
	case m.bytes != nil:
		out = amqptest.Message{Data: [][]byte{m.bytes}}
	case m.table != nil:
		out = amqptest.Message{Value: amqpMap(m.table)}
	}
	out.Header = amqptest.List{m.durable, nil, nil}
	if m.priority != 0 {
		out.Header[1] = m.priority
	}
	if m.ttl != 0 {
		out.Header[2] = uint32(m.ttl / time.Millisecond)
	}
	set := func(field int, value string) {
		if value != "" {
			out = out.With(field, value)
		}
	}
	set(amqptest.CorrelationID, m.correlation)
	set(amqptest.Subject, m.kind)
	set(amqptest.GroupID, m.group)
	if m.replyTo != nil {
		set(amqptest.ReplyTo, p.name(*m.replyTo))
	}
	if m.properties != nil {
		out.Application = amqpMap(m.properties)
	}
	l := p.Sender(p.name(to))
	l.Put(out)
	l.Detach(true)
}

func (p *amqpPeer) subscribe(from destination) {
	p.receiver = p.Receiver(p.name(from))
	p.receiver.Credit(10)
	p.Sync()
}

func (p *amqpPeer) receive() facts {
	m := p.receiver.Receive()
	var f facts
	switch v := m.Value.(type) {
	case nil:
		f.body = "no body"
		if len(m.Data) > 0 {
			f.body = fmt.Sprintf("data `%x`", m.Data[0])
		}
	case string:
		f.body = fmt.Sprintf("string `%s`", v)
	case amqptest.Map:
		f.body = "map " + entries(v)
	default:
		f.body = "value " + amqptest.Text(v)
	}
	if durable, _ := m.Header.At(0).(bool); durable {
		f.add("durable")
	}
	if priority := m.Header.At(1); priority != nil {
		f.add("priority %v", priority)
	}
	if ttl := amqptest.Number(m.Header.At(2)); ttl != 0 {
		f.add("ttl %s", about(time.Now().Add(time.Duration(ttl)*time.Millisecond)))
	}
	names := []string{"message-id", "user-id", "to", "subject", "reply-to", "correlation-id", "content-type", "content-encoding", "absolute-expiry-time",
		"creation-time", "group-id", "group-sequence", "reply-to-group-id"}
	for i, value := range m.Properties {
		switch {
		case value == nil || i == amqptest.MessageID || i == amqptest.CreationTime || i == amqptest.To:
		case i == amqptest.ExpiryTime:
			f.add("absolute-expiry-time %s", about(time.UnixMilli(int64(value.(amqptest.Timestamp)))))
		default:
			f.add("%s `%v`", names[i], value)
		}
	}
	for i := 0; i+1 < len(m.Annotations); i += 2 {
		f.add("annotation `%v`=%v (%s)", m.Annotations[i], m.Annotations[i+1], typeOf(m.Annotations[i+1]))
	}
	if len(m.Application) > 0 {
		f.add("properties %s", entries(m.Application))
	}
	m.Accept()
	return f
}

// entries shows a map with the types of its values.
func entries(m amqptest.Map) string {
	var list []pair
	for i := 0; i+1 < len(m); i += 2 {
		list = append(list, pair{fmt.Sprint(m[i]), m[i+1]})
	}
	text := ""
	for i, e := range list {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("`%s`=%v (%s)", e.name, e.value, typeOf(e.value))
	}
	return text
}

// typeOf names a value's type as AMQP does.
func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int8:
		return "byte"
	case int32:
		return "int"
	case int64:
		return "long"
	case float64:
		return "double"
	}
	return fmt.Sprintf("%T", value)
}
