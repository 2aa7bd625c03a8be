package mqtt_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestQoS sends messages of each QoS to subscriptions of each: what arrives has the lower one.
func TestQoS(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		for granted := range byte(3) {
			topic := fmt.Sprintf("qos/%v/%d", v, granted)
			s := connect(t, b, v, "s"+topic, true)
			if codes := s.subscribe(packet.Options(granted), topic); codes[0] != granted {
				t.Fatalf("granted %v", codes)
			}
			p := connect(t, b, v, "p"+topic, true)
			for qos := range byte(3) {
				p.publish(topic, "x", qos, false)
				s.expect(fmt.Sprintf("%s=x q%d", topic, min(qos, granted)))
			}
			s.nothing()
		}
	})
}

// TestOrder checks that the messages of one publisher arrive in its order, whatever their QoS
// takes.
func TestOrder(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "order/" + v.String()
		s := connect(t, b, v, "s"+topic, true)
		s.subscribe(2, topic)
		p := connect(t, b, v, "p"+topic, true)
		const n = 300
		var wire []byte
		for i := range n {
			h := packet.PublishHead{QoS: 1, ID: uint16(i + 1), Topic: []byte(topic)}
			wire = packet.AppendPublish(wire, v, &h, fmt.Sprint(i))
		}
		p.send(wire)
		for i := range n {
			if a := p.want(packet.Puback); int(a.ID) != i+1 {
				t.Fatalf("PUBACK %d out of order: %d", i+1, a.ID)
			}
		}
		for i := range n {
			s.expect(fmt.Sprintf("%s=%d q1", topic, i))
		}
	})
}

// TestQoS2Repeats hands a message over once however often it is repeated before PUBREL, and again
// when its identifier is used anew.
func TestQoS2Repeats(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "repeat/" + v.String()
		s := connect(t, b, v, "s"+topic, true)
		s.subscribe(0, topic)
		p := connect(t, b, v, "p"+topic, false, keptFor(v)...)
		h := packet.PublishHead{QoS: 2, ID: 9, Topic: []byte(topic)}
		for range 3 {
			p.send(packet.AppendPublish(nil, v, &h, "once"))
			p.want(packet.Pubrec)
			h.Dup = true
		}
		s.expect(topic + "=once q0")
		s.nothing()
		p.cut()
		// The identifier is known over the connection's end.
		p = connect(t, b, v, "p"+topic, false, keptFor(v)...)
		p.send(packet.AppendPublish(nil, v, &h, "once"))
		p.want(packet.Pubrec)
		for i := range 2 {
			p.send(packet.AppendAnswer(nil, v, packet.Pubrel, 9, 0, nil))
			if a := p.want(packet.Pubcomp); v == packet.V5 && (a.Reason == packet.IDNotFound) != (i == 1) {
				t.Errorf("PUBCOMP %d: %v", i, a.Reason)
			}
		}
		s.nothing()
		h.Dup = false
		p.send(packet.AppendPublish(nil, v, &h, "anew"))
		p.want(packet.Pubrec)
		s.expect(topic + "=anew q0")
	})
}

// keptFor are the properties with which a client's session is kept.
func keptFor(v packet.Version) []byte {
	if v == packet.V5 {
		return kept()
	}
	return nil
}

// TestReceiveMaximum lets a client of version 5 have so many messages under way, and not more.
func TestReceiveMaximum(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{ReceiveMaximum: 3}))
	c := connect(t, b, packet.V5, "eager", true)
	send := func(id uint16) {
		c.send(packet.AppendPublish(nil, c.v, &packet.PublishHead{QoS: 2, ID: id, Topic: []byte("a")}, "x"))
	}
	for id := range uint16(3) {
		send(id + 1)
		c.want(packet.Pubrec)
	}
	send(2) // again: it is one of the three
	c.want(packet.Pubrec)
	c.send(packet.AppendAnswer(nil, c.v, packet.Pubrel, 1, 0, nil))
	c.want(packet.Pubcomp)
	send(4)
	c.want(packet.Pubrec)
	send(5)
	c.closed(packet.ReceiveMaxExceeded)
}

// TestClientsReceiveMaximum sends a client no more messages ahead than it takes.
func TestClientsReceiveMaximum(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "slow", true, packet.AppendNum(nil, packet.ReceiveMaximum, 2)...)
	s.acks = false
	s.subscribe(2, "rm")
	p := connect(t, b, packet.V5, "fast", true)
	for i := range 4 {
		p.publish("rm", fmt.Sprint(i), byte(1+i%2), false)
	}
	first, second := s.receive(), s.receive()
	s.nothing()
	s.send(packet.AppendAnswer(nil, s.v, packet.Pubrec, second.ID, 0, nil))
	s.want(packet.Pubrel)
	s.nothing() // PUBREC gives no new credit
	s.send(packet.AppendAnswer(nil, s.v, packet.Pubcomp, second.ID, 0, nil))
	s.expect("rm=2 q1")
	s.send(packet.AppendAnswer(nil, s.v, packet.Puback, first.ID, 0, nil))
	s.expect("rm=3 q2")
}

// TestClientsMaximumPacketSize leaves out what is too large for a client.
func TestClientsMaximumPacketSize(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "small", true, packet.AppendNum(nil, packet.MaximumPacketSize, 100)...)
	s.subscribe(2, "size")
	p := connect(t, b, packet.V5, "large", true)
	// Two octets of header, six of the topic, two of the identifier, one of the properties.
	for _, n := range []int{89, 90, 2000, 1} {
		p.publish("size", strings.Repeat("x", n), 1, false)
	}
	p.publish("size", strings.Repeat("x", 2000), 0, false)
	s.expect("size="+strings.Repeat("x", 89)+" q1", "size=x q1")
	s.nothing()
}

// TestMaximumPacketSize ends the connection of a client that sends too much at once.
func TestMaximumPacketSize(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{MaxPacket: 1000}))
	versions(t, func(t *testing.T, v packet.Version) {
		c := connect(t, b, v, "big"+v.String(), true)
		c.send(packet.AppendPublish(nil, v, &packet.PublishHead{Topic: []byte("a")}, make([]byte, 1000))[:4])
		c.closed(packet.PacketTooLarge)
	})
}

// TestTopicAliases sends and receives with aliases.
func TestTopicAliases(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{TopicAliasMaximum: 2}))
	s := connect(t, b, packet.V5, "aliased", true, packet.AppendNum(nil, packet.TopicAliasMaximum, 1)...)
	s.subscribe(1, "al/#")
	p := connect(t, b, packet.V5, "alias", true)
	alias := func(n uint32) []byte { return packet.AppendNum(nil, packet.TopicAlias, n) }
	p.publish("al/one", "1", 1, false, alias(1)...)
	p.publish("", "2", 1, false, alias(1)...)
	p.publish("al/two", "3", 1, false, alias(1)...)
	p.publish("", "4", 1, false, alias(1)...)
	p.publish("al/one", "5", 0, false)
	for _, want := range []struct {
		text  string
		alias uint32
	}{{"al/one=1", 1}, {"=2", 1}, {"al/two=3", 0}, {"al/two=4", 0}, {"=5", 1}} {
		m := s.receive()
		if got := string(m.Topic) + "=" + string(m.Payload); got != want.text || m.Properties.Num(packet.TopicAlias, 0) != want.alias {
			t.Errorf("%s with alias %d, want %s with %d", got, m.Properties.Num(packet.TopicAlias, 0), want.text, want.alias)
		}
	}
	for _, bad := range []struct {
		topic  string
		alias  uint32
		reason packet.Reason
	}{{"a", 3, packet.TopicAliasInvalid}, {"a", 0, packet.TopicAliasInvalid}, {"", 2, packet.ProtocolError}} {
		c := connect(t, b, packet.V5, "bad", true)
		c.send(packet.AppendPublish(nil, c.v, &packet.PublishHead{Topic: []byte(bad.topic), Properties: alias(bad.alias)}, "x"))
		c.closed(bad.reason)
	}
}

// TestProperties passes everything on that belongs to the message.
func TestProperties(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "props", true)
	s.subscribe(2, "props")
	old := connect(t, b, packet.V311, "noprops", true)
	old.subscribe(2, "props")
	p := connect(t, b, packet.V5, "p", true)
	props := packet.AppendNum(nil, packet.PayloadFormat, 1)
	props = packet.AppendUser(props, "b", "2")
	props = packet.AppendText(props, packet.ContentType, "text/plain")
	props = packet.AppendText(props, packet.ResponseTopic, "reply/to.x")
	props = packet.AppendUser(props, "a", "1")
	props = packet.AppendText(props, packet.CorrelationData, "\x00\xff")
	props = packet.AppendUser(props, "b", "2")
	for qos := range byte(3) {
		p.publish("props", "x", qos, false, props...)
		if got := s.receive(); string(got.Properties) != string(props) {
			t.Errorf("%x, want %x", []byte(got.Properties), props)
		}
		p.publish("props", "x", qos, false, packet.AppendNum(append([]byte(nil), props...), packet.MessageExpiry, 100)...)
		got := s.receive()
		if n := got.Properties.Num(packet.MessageExpiry, 0); n < 90 || n > 100 || len(got.Properties) != len(props)+5 {
			t.Errorf("%x, expiry %d", []byte(got.Properties), n)
		}
		old.expect(fmt.Sprintf("props=x q%d", qos), fmt.Sprintf("props=x q%d", qos))
	}
}

// TestExpired does not send messages whose time is over.
func TestExpired(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "expired", false, kept()...)
	s.subscribe(1, "ex")
	s.disconnect(0)
	p := connect(t, b, packet.V5, "p", true)
	p.publish("ex", "short", 1, false, packet.AppendNum(nil, packet.MessageExpiry, 1)...)
	p.publish("ex", "long", 1, false, packet.AppendNum(nil, packet.MessageExpiry, 600)...)
	<-time.After(1100 * time.Millisecond) // the time itself is what is tested
	s = connect(t, b, packet.V5, "expired", false, kept()...)
	m := s.receive()
	if n := m.Properties.Num(packet.MessageExpiry, 0); string(m.Payload) != "long" || n < 590 || n > 599 {
		t.Errorf("%s, expiry %d", show(m), n)
	}
	s.nothing()
}

// TestDollarTopics are the broker's: what clients publish there reaches nobody, and wildcards at
// the beginning of a filter do not match them.
func TestDollarTopics(t *testing.T) {
	t.Parallel()
	closedTo := brokertest.Start(t)
	open := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{PublishDollarTopics: true, SysInterval: -1}))
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "$Topic" + v.String() + "/x" // of this version: the others run beside it
		for _, b := range []*brokertest.Broker{closedTo, open} {
			c := connect(t, b, v, "dollar"+v.String(), true)
			c.subscribe(1, "#")
			c.subscribe(1, "+/x")
			c.subscribe(1, topic)
			other := connect(t, b, v, "other"+v.String(), true)
			reason := other.publish(topic, "x", 1, false)
			switch {
			case b == open:
				c.expect(topic + "=x q1")
			case v == packet.V5 && reason != packet.NotAuthorized, v != packet.V5 && reason != 0:
				t.Errorf("%v", reason)
			}
			c.nothing()
		}
	})
}

// TestForbidden checks what happens to messages that a client may not send.
func TestForbidden(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(security.Options{
		Users: []security.User{{Name: "u", Password: "p", Groups: []string{"g"}}},
		Permissions: []security.Permission{
			{Match: "topic://open.>", Read: []string{"g"}, Write: []string{"g"}, Admin: []string{"g"}},
			{Match: "topic://readonly.>", Read: []string{"g"}, Admin: []string{"g"}},
		},
	}))
	versions(t, func(t *testing.T, v packet.Version) {
		c := dial(t, b, v)
		c.login(&packet.Login{ClientID: []byte("f" + v.String()), CleanStart: true, HasUser: true, User: []byte("u"), HasPassword: true, Password: []byte("p")})
		if codes := c.subscribe(1, "readonly/"+v.String()); codes[0] != 1 {
			t.Errorf("granted %x", codes)
		}
		want := map[packet.Version]byte{packet.V31: 1, packet.V311: 0x80, packet.V5: 0x87}[v]
		if codes := c.subscribe(1, "secret/x"); codes[0] != want {
			t.Errorf("for a filter without the right: %x, want %x", codes, want)
		}
		for qos := range byte(3) {
			reason := c.publish("readonly/"+v.String(), "x", qos, false)
			if v == packet.V5 && qos > 0 && reason != packet.NotAuthorized || v != packet.V5 && reason != 0 {
				t.Errorf("QoS %d: %v", qos, reason)
			}
		}
		c.nothing()
	})
}
