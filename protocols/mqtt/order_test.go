package mqtt_test

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestPing answers.
func TestPing(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		c := connect(t, b, v, "ping"+v.String(), true)
		c.nothing()
		c.nothing()
	})
}

// TestOutOfPlace ends connections on which something comes that has no place there.
func TestOutOfPlace(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	ack := func(v packet.Version, k packet.Type) []byte { return packet.AppendAnswer(nil, v, k, 1, 0, nil) }
	versions(t, func(t *testing.T, v packet.Version) {
		for _, c := range []struct {
			about  string
			wire   []byte
			reason packet.Reason
			v5     bool
		}{
			{"CONNACK", packet.AppendConnack(nil, v, false, 0, nil), packet.ProtocolError, false},
			{"SUBACK", packet.AppendCodes(nil, v, packet.Suback, 1, []byte{0}, nil), packet.ProtocolError, false},
			{"UNSUBACK", packet.AppendCodes(nil, v, packet.Unsuback, 1, []byte{0}, nil), packet.ProtocolError, false},
			{"PINGRESP", packet.AppendPing(nil, packet.Pingresp), packet.ProtocolError, false},
			{"AUTH", packet.AppendFarewell(nil, packet.V5, packet.Auth, packet.Reauthenticate, packet.AppendText(nil, packet.AuthMethod, "x")), packet.ProtocolError, true},
			{"subscription identifier", packet.AppendPublish(nil, v, &packet.PublishHead{Topic: []byte("a"), Properties: packet.AppendNum(nil, packet.SubscriptionID, 1)}, "x"), packet.ProtocolError, true},
			{"server reference", packet.AppendFarewell(nil, v, packet.Disconnect, 0, packet.AppendText(nil, packet.ServerReference, "x")), packet.ProtocolError, true},
			{"reserved type", []byte{0, 0}, packet.MalformedPacket, false},
		} {
			if c.v5 && v != packet.V5 {
				continue
			}
			k := connect(t, b, v, "out"+v.String(), true)
			k.send(c.wire)
			k.closed(c.reason)
		}
		// Acknowledgements of what was not sent hurt nobody, and a PUBREC gets its end.
		c := connect(t, b, v, "strange"+v.String(), true)
		c.send(ack(v, packet.Puback))
		c.send(ack(v, packet.Pubcomp))
		c.nothing()
		c.send(ack(v, packet.Pubrec))
		if p := c.want(packet.Pubrel); v == packet.V5 && p.Reason != packet.IDNotFound {
			t.Errorf("PUBREL %v", p.Reason)
		}
		// Those that do not follow from what was sent end the connection.
		for _, k := range []struct {
			qos  byte
			wire packet.Type
		}{{1, packet.Pubrec}, {1, packet.Pubcomp}, {2, packet.Puback}, {2, packet.Pubcomp}} {
			c := connect(t, b, v, "wrong"+v.String(), true)
			c.acks = false
			c.subscribe(packet.Options(k.qos), "wrong/"+v.String())
			p := connect(t, b, v, "p"+v.String(), true)
			p.publish("wrong/"+v.String(), "x", k.qos, false)
			c.send(packet.AppendAnswer(nil, v, k.wire, c.receive().ID, 0, nil))
			c.closed(packet.ProtocolError)
		}
	})
}

// TestUnsubscribeUnderWay finishes what was begun before the UNSUBSCRIBE.
func TestUnsubscribeUnderWay(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "under/" + v.String()
		c := connect(t, b, v, "c"+topic, true)
		c.acks = false
		c.subscribe(2, topic)
		p := connect(t, b, v, "p"+topic, true)
		p.publish(topic, "x", 2, false)
		m := c.receive()
		c.unsubscribe(topic)
		p.publish(topic, "y", 2, false)
		c.send(packet.AppendAnswer(nil, v, packet.Pubrec, m.ID, 0, nil))
		if r := c.want(packet.Pubrel); r.ID != m.ID {
			t.Errorf("PUBREL for %d, want %d", r.ID, m.ID)
		}
		c.send(packet.AppendAnswer(nil, v, packet.Pubcomp, m.ID, 0, nil))
		c.nothing()
	})
}

// TestQuiet tells clients why they are refused something, unless they do not want to know or can't
// take it.
func TestQuiet(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(security.Options{
		Users:       []security.User{{Name: "u", Password: "p", Groups: []string{"g"}}},
		Permissions: []security.Permission{{Match: "topic://open.>", Read: []string{"g"}}},
	}))
	for _, c := range []struct {
		props []byte
		told  bool
		end   bool // DISCONNECT tells
	}{
		{nil, true, true},
		{packet.AppendNum(nil, packet.RequestProblemInfo, 0), false, true},
		{packet.AppendNum(nil, packet.MaximumPacketSize, 60), false, false},
	} {
		k := dial(t, b, packet.V5)
		k.login(&packet.Login{ClientID: []byte("q"), CleanStart: true, HasUser: true, User: []byte("u"), HasPassword: true, Password: []byte("p")}, c.props...)
		k.send(packet.AppendFilters(nil, k.v, packet.Subscribe, 1, []packet.Filter{{Filter: []byte("secret")}}, nil))
		for _, kind := range []packet.Type{packet.Suback, packet.Puback, packet.Pubrec} {
			if kind != packet.Suback {
				qos := byte(kind-packet.Puback) + 1
				k.send(packet.AppendPublish(nil, k.v, &packet.PublishHead{QoS: qos, ID: 9, Topic: []byte("secret")}, "x"))
			}
			if got := text(k.want(kind), packet.ReasonString); (got != "") != c.told {
				t.Errorf("%v with %x: %q", kind, c.props, got)
			}
		}
		k.send([]byte{0xf0, 0})
		p := k.want(packet.Disconnect)
		if got := text(p, packet.ReasonString); (got != "") != c.end {
			t.Errorf("DISCONNECT with %x: %q", c.props, got)
		}
		if _, ok := p.Properties.Find(packet.SessionExpiry); ok {
			t.Error("a session expiry interval in DISCONNECT")
		}
	}
	// The CONNACK that refuses, too.
	k := dial(t, b, packet.V5)
	k.send(packet.AppendConnect(nil, k.v, &packet.Login{ClientID: []byte(strings.Repeat("x", 5000))}, nil))
	if got := text(k.want(packet.Connack), packet.ReasonString); got == "" {
		t.Error("a refusal without a reason")
	}
}

// TestUnreadAnswers ends the connection of a client that asks and asks and does not read.
func TestUnreadAnswers(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := connect(t, b, packet.V311, "deaf", true)
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4096)
	}
	pings := bytes.Repeat(packet.AppendPing(nil, packet.Pingreq), 64<<10)
	for range 1000 {
		if _, err := c.conn.Write(pings); err != nil {
			return
		}
	}
	t.Error("64 million pings without reading an answer")
}
