package interoptest

import (
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// queuePrefix is how the listener of MQTT is told to tell queues from topics.
const queuePrefix = "$queue/"

// mqttPeer is a client of MQTT 5.
type mqttPeer struct {
	t    *testing.T
	conn net.Conn
	r    *packet.Reader
	id   uint16
}

func openMQTT(t *testing.T, b *brokertest.Broker) peer {
	conn := b.Dial("mqtt")
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	c := &mqttPeer{t: t, conn: conn, r: packet.NewReader(conn, packet.ReaderOptions{Version: packet.V5, Limits: packet.DefaultLimits()})}
	c.write(packet.AppendConnect(nil, packet.V5, &packet.Login{ClientID: []byte("interop-" + rand.Text()[:8]), CleanStart: true}, nil))
	if p := c.next(packet.Connack); p.Reason != 0 {
		t.Fatalf("refused: %v", p.Reason)
	}
	return c
}

func (c *mqttPeer) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

func (c *mqttPeer) next(k packet.Type) *packet.Packet {
	c.t.Helper()
	p, err := c.r.Next()
	if err != nil || p.Type != k {
		c.t.Fatalf("got %v (%v), want %v", p, err, k)
	}
	return p
}

func (*mqttPeer) name(d destination) string {
	name := strings.ReplaceAll(d.name, ".", "/")
	if !d.topic {
		return queuePrefix + name
	}
	return name
}

func (c *mqttPeer) send(to destination, m message) {
	c.t.Helper()
	var props packet.Properties
	payload := m.text
	switch {
	case m.bytes != nil:
		payload = string(m.bytes)
	default:
		props = packet.AppendNum(props, packet.PayloadFormat, 1)
	}
	if m.ttl != 0 {
		props = packet.AppendNum(props, packet.MessageExpiry, uint32(m.ttl/time.Second))
	}
	if m.replyTo != nil {
		props = packet.AppendText(props, packet.ResponseTopic, c.name(*m.replyTo))
	}
	if m.correlation != "" {
		props = packet.AppendText(props, packet.CorrelationData, m.correlation)
	}
	for _, e := range m.properties {
		props = packet.AppendUser(props, e.name, fmt.Sprint(e.value))
	}
	h := packet.PublishHead{Topic: []byte(c.name(to)), Properties: props}
	if m.durable {
		c.id++
		h.QoS, h.ID = 1, c.id
	}
	c.write(packet.AppendPublish(nil, packet.V5, &h, payload))
	if m.durable {
		if p := c.next(packet.Puback); p.Reason.Failed() {
			c.t.Fatalf("PUBACK %v", p.Reason)
		}
		return
	}
	c.write(packet.AppendPing(nil, packet.Pingreq))
	c.next(packet.Pingresp)
}

func (c *mqttPeer) subscribe(from destination) {
	c.t.Helper()
	c.id++
	c.write(packet.AppendFilters(nil, packet.V5, packet.Subscribe, c.id, []packet.Filter{{Filter: []byte(c.name(from)), Options: 2}}, nil))
	if p := c.next(packet.Suback); p.Codes()[0] > 2 {
		c.t.Fatalf("SUBACK %x", p.Codes())
	}
}

func (c *mqttPeer) receive() facts {
	c.t.Helper()
	p := c.next(packet.Publish)
	f := facts{body: fmt.Sprintf("payload `%x`", p.Payload)}
	f.add("QoS %d", p.QoS)
	for rest := p.Properties; len(rest) > 0; {
		v, ok := rest.Next()
		if !ok {
			break
		}
		switch v.ID {
		case packet.PayloadFormat:
			f.body = fmt.Sprintf("text payload `%s`", p.Payload)
		case packet.ContentType:
			f.add("content type `%s`", v.Text)
		case packet.ResponseTopic:
			f.add("response topic `%s`", v.Text)
		case packet.CorrelationData:
			f.add("correlation data `%s`", v.Text)
		case packet.UserProperty:
			f.add("user property `%s`=`%s`", v.Name, v.Text)
		case packet.MessageExpiry:
			f.add("expires %s", about(time.Now().Add(time.Duration(v.Num)*time.Second)))
		default:
			f.add("property %d", v.ID)
		}
	}
	if p.QoS == 1 {
		c.write(packet.AppendAnswer(nil, packet.V5, packet.Puback, p.ID, 0, nil))
	}
	return f
}
