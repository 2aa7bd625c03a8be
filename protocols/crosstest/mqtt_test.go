package crosstest

import (
	"fmt"
	"net"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// patience is how long something may take that has to come.
const patience = 15 * time.Second

// mqttPeer is a client of MQTT 5.
type mqttPeer struct {
	t    *testing.T
	conn net.Conn
	r    *packet.Reader
	id   uint16
}

func newMQTT(t *testing.T, b *brokertest.Broker, name string) *mqttPeer {
	t.Helper()
	return dialMQTT(t, b, &packet.Login{ClientID: []byte(name), CleanStart: true}, nil)
}

// newMQTTKept connects a client whose session is kept.
func newMQTTKept(t *testing.T, b *brokertest.Broker, name string) *mqttPeer {
	t.Helper()
	return dialMQTT(t, b, &packet.Login{ClientID: []byte(name)}, packet.AppendNum(nil, packet.SessionExpiry, 3600))
}

func dialMQTT(t *testing.T, b *brokertest.Broker, l *packet.Login, props packet.Properties) *mqttPeer {
	t.Helper()
	conn := b.Dial("mqtt")
	_ = conn.SetDeadline(time.Now().Add(2 * patience))
	c := &mqttPeer{t: t, conn: conn, r: packet.NewReader(conn, packet.ReaderOptions{Version: packet.V5, Limits: packet.DefaultLimits()})}
	c.write(packet.AppendConnect(nil, packet.V5, l, props))
	if p := c.next(packet.Connack); p.Reason != 0 {
		t.Fatalf("refused: %v", p.Reason)
	}
	return c
}

// end says goodbye and waits for the broker to have heard it.
func (c *mqttPeer) end() {
	c.t.Helper()
	c.write(packet.AppendFarewell(nil, packet.V5, packet.Disconnect, 0, nil))
	if p, err := c.r.Next(); err == nil {
		c.t.Fatalf("got %v after DISCONNECT", p.Type)
	}
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

func (c *mqttPeer) subscribe(filter string) {
	c.t.Helper()
	c.id++
	c.write(packet.AppendFilters(nil, packet.V5, packet.Subscribe, c.id, []packet.Filter{{Filter: []byte(filter), Options: 2}}, nil))
	if p := c.next(packet.Suback); p.Codes()[0] != 2 {
		c.t.Fatalf("SUBACK %x", p.Codes())
	}
}

// publish sends a message and waits until the broker has it.
func (c *mqttPeer) publish(topic, payload string, qos byte, retain bool, props ...byte) {
	c.t.Helper()
	c.id++
	c.write(packet.AppendPublish(nil, packet.V5, &packet.PublishHead{QoS: qos, Retain: retain, ID: c.id, Topic: []byte(topic), Properties: props}, payload))
	switch qos {
	case 0:
		c.write(packet.AppendPing(nil, packet.Pingreq))
		c.next(packet.Pingresp)
	case 1:
		if p := c.next(packet.Puback); p.Reason.Failed() {
			c.t.Fatalf("PUBACK %v", p.Reason)
		}
	case 2:
		c.next(packet.Pubrec)
		c.write(packet.AppendAnswer(nil, packet.V5, packet.Pubrel, c.id, 0, nil))
		c.next(packet.Pubcomp)
	}
}

// receive returns what the next message looks like.
func (c *mqttPeer) receive() string {
	c.t.Helper()
	p := c.next(packet.Publish)
	list := []string{fmt.Sprintf("payload `%s`", printable(string(p.Payload))), fmt.Sprintf("QoS %d", p.QoS)}
	if p.Retain {
		list = append(list, "RETAIN")
	}
	var props []string
	for rest := p.Properties; len(rest) > 0; {
		v, ok := rest.Next()
		if !ok {
			break
		}
		switch v.ID {
		case packet.PayloadFormat:
			props = append(props, "payload format text")
		case packet.ContentType:
			props = append(props, fmt.Sprintf("content type `%s`", v.Text))
		case packet.ResponseTopic:
			props = append(props, fmt.Sprintf("response topic `%s`", mask(string(v.Text))))
		case packet.CorrelationData:
			props = append(props, fmt.Sprintf("correlation data `%s`", printable(string(v.Text))))
		case packet.UserProperty:
			props = append(props, fmt.Sprintf("user property `%s`=`%s`", v.Name, v.Text))
		case packet.MessageExpiry:
			props = append(props, "expiry "+about(int64(v.Num)))
		default:
			props = append(props, fmt.Sprintf("property %d", v.ID))
		}
	}
	sort.Strings(props)
	if p.QoS == 1 {
		c.write(packet.AppendAnswer(nil, packet.V5, packet.Puback, p.ID, 0, nil))
	}
	return strings.Join(append(list, props...), ", ")
}

// responseTopic returns where the next message wants its reply, and its correlation data.
func (c *mqttPeer) responseTopic() (topic, correlation string) {
	c.t.Helper()
	p := c.next(packet.Publish)
	if p.QoS == 1 {
		c.write(packet.AppendAnswer(nil, packet.V5, packet.Puback, p.ID, 0, nil))
	}
	r, _ := p.Properties.Find(packet.ResponseTopic)
	k, _ := p.Properties.Find(packet.CorrelationData)
	return string(r.Text), string(k.Text)
}

// about says how much of a minute's life is left without depending on the clock.
func about(seconds int64) string {
	if seconds > 30 && seconds <= 60 {
		return "what is left of 60 s"
	}
	return fmt.Sprint(seconds, " s")
}

// printable shows octets that are no text as hexadecimal digits.
func printable(s string) string {
	for _, r := range s {
		if r < ' ' || r == '\ufffd' {
			return fmt.Sprintf("0x%x", s)
		}
	}
	return s
}

// mask hides the parts of a name that differ from run to run.
func mask(s string) string {
	if i := strings.Index(s, "ID:"); i >= 0 {
		return s[:i] + "ID:…"
	}
	return s
}
