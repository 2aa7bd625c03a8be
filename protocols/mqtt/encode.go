package mqtt

import (
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// writer is what belongs to the goroutine that writes.
type writer struct {
	open    bool   // CONNACK is written
	topic   []byte // scratch
	props   []byte // scratch
	aliases map[string]uint16
	// bindings are the session's; looked up only where Options.ActiveMQQoS is set.
	bindings []broker.Binding
	settled  []numbers // deliveries that need no acknowledgement, of the items that are being written
	now      int64     // Unix milliseconds; 0: not looked at yet
	packets  int64     // since the last figures
	bytes    int64
	answers  int64
}

// numbers are deliveries that follow each other.
type numbers struct {
	first, last uint64
	credit      bool // they have used up credit, which comes back when they are settled
}

// Encode implements protocols.Encoder.
func (c *connection) Encode(dst []byte, it *protocols.Item) (out []byte, last bool) {
	before := len(dst)
	out, last = c.encode(dst, it)
	if n := len(out) - before; n > 0 {
		if it.Kind != protocols.Deliver {
			c.writer.answers++
		}
		c.writer.packets++
		c.writer.bytes += int64(n)
	}
	return out, last
}

func (c *connection) encode(dst []byte, it *protocols.Item) ([]byte, bool) {
	switch it.Kind {
	case protocols.Deliver:
		return c.deliver(dst, &it.Delivery), false
	case protocols.Raw:
		return append(dst, it.Raw...), false
	case protocols.Confirmed:
		return c.confirm(dst, it)
	case protocols.Ended:
		return c.goodbye(dst, it.Err), true
	case protocols.Closed:
		return c.goodbye(dst, it.Err), true
	}
	return dst, false
}

// goodbye appends what a client is told when the broker ends its connection: version 5 has a
// DISCONNECT for it, but not before CONNACK [MQTT-3.14.0-1].
func (c *connection) goodbye(dst []byte, err error) []byte {
	if err != nil && c.version == packet.V5 && c.writer.open {
		dst = c.farewell(dst, err)
	}
	return dst
}

// confirm appends the answer that a confirmation leads to.
func (c *connection) confirm(dst []byte, it *protocols.Item) (out []byte, last bool) {
	p, ready := c.tokens.take(it.Token, it.Err)
	if !ready {
		return dst, false
	}
	reason := p.reason
	if it.Err != nil && !fault.Is(it.Err, fault.Closed) && p.done == nil {
		switch {
		case c.version == packet.V5 && (p.answer == packet.Puback || p.answer == packet.Pubrec):
			reason, p.text = answerOf(it.Err).publish, textOf(it.Err)
		case p.answer == packet.Suback && c.version != packet.V31:
			for i := range p.codes {
				p.codes[i] = byte(packet.Unspecified)
			}
		default:
			// 3.x has no word for it, and must not take it for done: the client tries again.
			return c.goodbye(dst, it.Err), true
		}
	}
	switch p.answer {
	case packet.Connect:
		p.done <- it.Err
	case packet.Connack:
		c.writer.open = true
		dst = append(dst, p.connack...)
	case packet.Puback:
		c.receiving.acknowledged()
		dst = packet.AppendAnswer(dst, c.version, p.answer, p.id, reason, c.explain(p.text))
	case packet.Pubrec:
		c.receiving.received(p.id, reason.Failed())
		dst = packet.AppendAnswer(dst, c.version, p.answer, p.id, reason, c.explain(p.text))
	case packet.Pubrel, packet.Pubcomp: // [MQTT-2.2.1-5] [MQTT-2.3.1-6]
		dst = packet.AppendAnswer(dst, c.version, p.answer, p.id, reason, nil)
	case packet.Suback, packet.Unsuback: // [MQTT-2.2.1-6] [MQTT-2.3.1-7]
		dst = packet.AppendCodes(dst, c.version, p.answer, p.id, p.codes, c.explain(p.text))
	}
	return dst, false
}

// explain returns the properties of an answer that tells why it says no: none where there is
// nothing to tell, where the client does not want to know [MQTT-3.1.2-29], or where the packet were
// too large for it with them [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.9.2-1] [MQTT-3.11.2-1]. There are
// no user properties, and PUBREL and PUBCOMP have no reason string [MQTT-3.4.2-3] [MQTT-3.5.2-3]
// [MQTT-3.6.2-2] [MQTT-3.6.2-3] [MQTT-3.7.2-2] [MQTT-3.7.2-3] [MQTT-3.9.2-2] [MQTT-3.11.2-2].
func (c *connection) explain(text string) packet.Properties {
	if text == "" || c.quiet || c.version != packet.V5 {
		return nil
	}
	return c.fitting(packet.AppendText(nil, packet.ReasonString, text))
}

// deliver appends the packet of a delivery: PUBREL for one that the client has received already,
// else PUBLISH. The core delivers in the order of arrival, first what this client, and nobody
// else, was sent before [MQTT-4.6.0-1] [MQTT-4.6.0-5] [MQTT-4.6.0-6] [MQTT-4.8.2-4] [MQTT-4.8.2-5],
// and no more at a time than the client takes. Other packets do not wait for that
// [MQTT-3.3.4-10] [MQTT-4.9.0-3].
func (c *connection) deliver(dst []byte, d *broker.Delivery) []byte {
	id := uint16(d.Tag)
	n := note.Of(d.Note)
	if isAdvisory(d.Msg.Address.Name) && !c.advisories.Load() {
		c.drop(d, id, n)
		return dst
	}
	qos := c.qosOf(d.Msg, byte(n.Assurance()))
	if d.Phase == phaseReceived && id != 0 { // [MQTT-4.4.0-1]
		c.ids.sent(id, flow{number: d.Number, qos: 2, released: true, credit: true})
		return packet.AppendAnswer(dst, c.version, packet.Pubrel, id, packet.Success, nil)
	}
	again := d.Flags&queue.Redelivered != 0
	m := d.Msg
	// [MQTT-3.3.1-1] [MQTT-3.3.1-2] [MQTT-3.3.1-3] [MQTT-4.3.1-1] [MQTT-4.3.2-1] [MQTT-2.3.1-5]
	// The core says which messages are retained ones [MQTT-3.3.1-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13].
	h := packet.PublishHead{QoS: qos, Dup: again && qos > 0, Retain: n.Retain()}
	w := &c.writer
	w.topic = c.names.append(w.topic[:0], m.Address)
	h.Topic = w.topic
	text, isText, k := "", false, (*content)(nil)
	var body []byte
	if own, ok := m.Content.(*content); ok {
		k, body = own, own.body
	} else {
		text, isText = payloadOf(m)
	}
	if c.version == packet.V5 {
		w.props = c.appendProperties(w.props[:0], m, k, isText, n)
		h.Topic, w.props = c.alias(h.Topic, w.props)
		h.Properties = w.props
	}
	size := h.Size(c.version, len(body)+len(text))
	gone := m.Expiry != 0 && !again && c.leftOf(m.Expiry) <= 0 // [MQTT-3.3.2-5]
	// What is too large for the client is taken as delivered [MQTT-3.1.2-24] [MQTT-3.1.2-25].
	if gone || c.maxPacket > 0 && size > c.maxPacket || size > packet.MaxRemaining {
		c.drop(d, id, n)
		return dst
	}
	switch {
	case qos == 0:
		if id != 0 {
			c.ids.free(id)
		}
		c.settleWritten(d, n)
	default:
		if h.ID = c.ids.sent(id, flow{number: d.Number, qos: qos, credit: n.Assurance() > message.AtMostOnce}); h.ID == 0 {
			c.drop(d, 0, n)
			return dst
		}
	}
	if k != nil {
		return packet.AppendPublish(dst, c.version, &h, body)
	}
	return packet.AppendPublish(dst, c.version, &h, text)
}

// isAdvisory reports whether a topic's messages are the broker's own about itself. Clients that
// subscribe to everything do not mean them.
func isAdvisory(name string) bool { return strings.HasPrefix(name, "ActiveMQ.Advisory.") }

// qosOf returns the QoS that a message is sent with: what the core grants, and for messages of
// other protocols what their sender or an option says.
func (c *connection) qosOf(m *message.Message, granted byte) byte {
	if _, ok := m.Content.(*content); ok || granted == 0 && !c.o.ActiveMQQoS {
		return granted
	}
	if v, ok := m.Property(qosProperty); ok {
		if q := v.Text(); len(q) == 1 && q[0] >= '0' && q[0] <= '2' {
			return min(granted, q[0]-'0')
		}
	}
	if c.o.ActiveMQQoS {
		if m.Durable {
			return 0
		}
		return min(1, c.grantedTo(m.Address))
	}
	return granted
}

// grantedTo returns the best QoS of the subscriptions that match a topic, which the core does not
// tell of messages that it hands over at most once.
func (c *connection) grantedTo(a address.Address) (qos byte) {
	w := &c.writer
	if c.rebound.Swap(false) || w.bindings == nil {
		w.bindings = c.session.Bindings()
	}
	for i := range w.bindings {
		if o := &w.bindings[i]; o.Address.Kind == a.Kind && address.Match(o.Address.Name, a.Name) {
			qos = max(qos, byte(o.Assurance))
		}
	}
	return qos
}

// drop has a delivery settled without being sent.
func (c *connection) drop(d *broker.Delivery, id uint16, n note.Of) {
	if id != 0 {
		c.ids.free(id)
	}
	c.settleWritten(d, n)
}

// settleWritten has a delivery settled once what is encoded is written. Those that the core hands
// over at most once cost no credit.
func (c *connection) settleWritten(d *broker.Delivery, n note.Of) {
	w, credit := &c.writer, n.Assurance() > message.AtMostOnce
	if i := len(w.settled) - 1; i >= 0 && w.settled[i].last+1 == d.Number && w.settled[i].credit == credit {
		w.settled[i].last = d.Number
		return
	}
	w.settled = append(w.settled, numbers{d.Number, d.Number, credit})
}

// alias replaces a topic by its alias, and gives it one at first use, as long as there are any
// [MQTT-3.1.2-26] [MQTT-3.1.2-27] [MQTT-3.3.2-8] [MQTT-3.3.2-11] [MQTT-3.2.2-18].
func (c *connection) alias(topic, props []byte) ([]byte, []byte) {
	if c.aliasMax <= 0 {
		return topic, props
	}
	w := &c.writer
	if n, ok := w.aliases[string(topic)]; ok {
		return nil, packet.AppendNum(props, packet.TopicAlias, uint32(n))
	}
	if len(w.aliases) >= c.aliasMax {
		return topic, props
	}
	if w.aliases == nil {
		w.aliases = make(map[string]uint16)
	}
	n := uint16(len(w.aliases) + 1)
	w.aliases[string(topic)] = n
	return topic, packet.AppendNum(props, packet.TopicAlias, uint32(n))
}

// leftOf returns how much of a message's life is left, in milliseconds.
func (c *connection) leftOf(expiry int64) int64 {
	w := &c.writer
	if w.now == 0 {
		w.now = time.Now().UnixMilli()
	}
	return expiry - w.now
}

// appendProperties appends the properties of a PUBLISH in version 5. Those of a message from MQTT
// go on as they came, in their order [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16]
// [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20].
func (c *connection) appendProperties(dst []byte, m *message.Message, k *content, isText bool, n note.Of) []byte {
	switch {
	case k == nil:
		dst = c.appendForeign(dst, m, isText)
	case k.head[0]&headOwn == 0 && len(m.Overlay) == 0:
		dst = append(dst, k.head[1:]...)
	default:
		for rest := k.properties(); len(rest) > 0; {
			v, ok := rest.Next()
			if !ok {
				break
			}
			if v.ID != packet.MessageExpiry && v.ID != packet.TopicAlias && v.ID != packet.SubscriptionID && !replaced(m, &v) {
				dst = append(dst, v.Bytes...)
			}
		}
	}
	if k != nil && len(m.Overlay) > 0 {
		for i, f := range m.Overlay {
			if !m.Superseded(i) {
				dst = appendUser(dst, f)
			}
		}
	}
	if m.Expiry != 0 { // [MQTT-3.3.2-6]
		dst = packet.AppendNum(dst, packet.MessageExpiry, uint32(min(max((c.leftOf(m.Expiry)+999)/1000, 0), 1<<32-1)))
	}
	// All subscriptions that matched, in the one copy [MQTT-3.3.4-3] [MQTT-3.3.4-4].
	n.Identifiers(func(id uint32) bool {
		dst = packet.AppendNum(dst, packet.SubscriptionID, id)
		return true
	})
	return dst
}

// replaced reports whether the broker has changed or removed a property.
func replaced(m *message.Message, v *packet.Value) bool {
	return v.ID == packet.UserProperty && slices.ContainsFunc(m.Overlay, func(f message.Field) bool { return f.Name == view(v.Name) })
}

// appendForeign appends the properties that stand for the header and the properties of a message
// of another protocol.
func (c *connection) appendForeign(dst []byte, m *message.Message, isText bool) []byte {
	if isText {
		dst = packet.AppendNum(dst, packet.PayloadFormat, 1)
	}
	if !m.ReplyTo.IsZero() {
		var buf [128]byte
		if name := c.names.append(buf[:0], m.ReplyTo); packet.ValidText(name) && packet.ValidName(name) {
			dst = packet.AppendText(dst, packet.ResponseTopic, name)
		}
	}
	if m.CorrelationID != "" && len(m.CorrelationID) <= 0xffff {
		dst = appendCorrelation(dst, m.CorrelationID)
	}
	if m.Type != "" {
		dst = appendUser(dst, message.Field{Name: typeProperty, Value: message.OfString(m.Type)})
	}
	if m.GroupID != "" {
		dst = appendUser(dst, message.Field{Name: groupProperty, Value: message.OfString(m.GroupID)})
		if m.GroupSeq != 0 {
			dst = appendUser(dst, message.Field{Name: groupSeqProperty, Value: message.OfInt(m.GroupSeq)})
		}
	}
	hasType := false
	m.Properties(func(f message.Field) bool {
		switch {
		case f.Name == qosProperty, f.Name == message.RetainProperty:
		case f.Name == contentTypeProperty || f.Name == amqpContentType:
			if t := f.Value.Text(); !hasType && t != "" && isString(t) {
				dst = packet.AppendText(dst, packet.ContentType, t)
				hasType = true
			}
		default:
			dst = appendUser(dst, f)
		}
		return true
	})
	return dst
}

// appendCorrelation appends a correlation id; one that is octets in AMQP is so here.
func appendCorrelation(dst []byte, id string) []byte {
	if digits, ok := strings.CutPrefix(id, binaryCorrelation); ok {
		if octets, err := hex.DecodeString(digits); err == nil {
			return packet.AppendText(dst, packet.CorrelationData, octets)
		}
	}
	return packet.AppendText(dst, packet.CorrelationData, id)
}

// appendUser appends a property of JMS as a user property, as text. What can't be one is left out.
func appendUser(dst []byte, f message.Field) []byte {
	switch f.Value.Kind() {
	case message.Null, message.List, message.Map, message.Bytes:
		return dst
	}
	if v := f.Value.Text(); isString(f.Name) && isString(v) {
		return packet.AppendUser(dst, f.Name, v)
	}
	return dst
}

// isString reports whether a text can be a string of the protocol.
func isString(s string) bool {
	return len(s) <= 0xffff && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// Written implements protocols.Encoder: what needs no acknowledgement is settled.
func (c *connection) Written([]protocols.Item) {
	w := &c.writer
	w.now = 0
	for _, r := range w.settled {
		n, _ := c.sub.Settle(r.first, r.last, broker.Outcome{}, nil, 0)
		if r.credit {
			c.sub.Extend(uint64(n))
		}
	}
	w.settled = w.settled[:0]
	c.figures.packetsOut.Add(w.packets)
	c.figures.bytesOut.Add(w.bytes)
	c.owed.Add(-w.answers)
	w.packets, w.bytes, w.answers = 0, 0, 0
}
