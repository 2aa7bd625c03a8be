package mqtt

import (
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// will returns the will of a CONNECT, nil if it has none [MQTT-3.1.2-12]. The core keeps it with
// the session, publishes it when the connection ends without a DISCONNECT, after its delay or with
// the session, and forgets it otherwise [MQTT-3.1.2-8] [MQTT-3.1.2-10] [MQTT-3.1.2-7]
// [MQTT-3.1.3-9].
func (c *connection) will(p *packet.Packet) *broker.Will {
	l := &p.Login
	if !l.HasWill {
		return nil
	}
	w := new(broker.Will)
	k := new(content)
	props := make([]byte, 1, 1+len(l.WillProperties))
	for rest := l.WillProperties; len(rest) > 0; {
		v, ok := rest.Next()
		if !ok {
			break
		}
		switch v.ID {
		case packet.WillDelay:
			w.Delay = time.Duration(v.Num) * time.Second
		case packet.MessageExpiry:
			// It counts from the publication, which nobody knows the time of.
			w.Expiry = time.Duration(v.Num) * time.Second
		default:
			props = append(props, v.Bytes...) // user properties keep their order [MQTT-3.1.3-10]
		}
	}
	props[0] = l.WillQoS
	if l.WillRetain { // [MQTT-3.1.2-16] [MQTT-3.1.2-17] [MQTT-3.1.2-14] [MQTT-3.1.2-15]
		props[0] |= headRetain
	}
	k.head, k.body = props, append([]byte(nil), l.WillPayload...)
	c.setHeader(&k.Message, k, l.WillQoS, l.WillRetain)
	k.Message.Address = c.names.target(string(l.WillTopic))
	w.Message = &k.Message
	return w
}

// setHeader sets the header that a message has by its content, but for its address and
// identifier.
func (c *connection) setHeader(m *message.Message, k *content, qos byte, retain bool) {
	m.Content = k
	m.Priority = message.DefaultPriority
	m.Timestamp = c.now
	m.Durable = qos > 0
	if qos == 2 {
		m.Flags |= message.OnceOnly
	}
	if retain { // the core keeps it as the topic's, or, empty, forgets that [MQTT-3.3.1-5] [MQTT-3.3.1-7]
		m.Flags |= message.Retain
	}
	if len(k.head) > 1 {
		c.setProperties(m, k)
	}
}
