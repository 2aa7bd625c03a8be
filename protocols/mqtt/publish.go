package mqtt

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// producer is a topic that the client publishes to.
type producer struct {
	*broker.Producer
	address address.Address
}

// publish serves PUBLISH. An error ends the connection.
func (c *connection) publish(ctx context.Context, p *packet.Packet) error {
	if p.QoS > 0 && !c.receiving.begin(p.ID, p.QoS) {
		return &packet.Error{Reason: packet.ReceiveMaxExceeded, Text: "more messages were sent than the receive maximum allows"}
	}
	if _, ok := p.Properties.Find(packet.SubscriptionID); ok { // [MQTT-3.3.4-6]
		return &packet.Error{Reason: packet.ProtocolError, Text: "a subscription identifier is not for clients to send"}
	}
	topic, err := c.topic(p)
	if err != nil {
		return err
	}
	to, err := c.producer(topic)
	if err != nil {
		return c.unsent(p, err)
	}
	if to == nil {
		return c.unsent(p, fault.New(fault.Forbidden, "publish", "", "names that begin with $ are the broker's"))
	}
	k := new(content)
	k.setContent(p) // from here on the topic is overwritten
	m := &k.Message
	c.setHeader(m, k, p.QoS, p.Retain)
	m.Address = to.address
	c.sequence++
	m.ID = message.ID{Origin: c.origin, Seq: c.sequence}
	switch p.QoS {
	case 0:
		err = to.Send(m, nil, 0)
	case 1:
		// The message is the broker's when it is confirmed, and only then is it acknowledged; the
		// identifier stands for a new message after that [MQTT-3.3.4-1] [MQTT-4.3.2-2]
		// [MQTT-4.3.2-4] [MQTT-4.3.2-5].
		t := c.tokens.add(pending{answer: packet.Puback, id: p.ID})
		if err = to.Send(m, nil, t); err != nil {
			c.tokens.forget(t)
		}
	case 2:
		err = c.publishOnce(ctx, to, m, p.ID)
	}
	if err != nil {
		return c.unsent(p, err)
	}
	return nil
}

// publishOnce sends a QoS 2 message: the identifier is recorded with it, so that it is sent once
// however often the client repeats it before PUBREL, also after a restart [MQTT-4.3.3-2]
// [MQTT-4.3.3-8] [MQTT-4.3.3-10] [MQTT-4.3.3-13]. With a PUBREC that says no it is forgotten
// [MQTT-4.3.3-9].
func (c *connection) publishOnce(ctx context.Context, to *producer, m *message.Message, id uint16) error {
	if err := c.openOnce(ctx); err != nil {
		return err
	}
	t := c.tokens.add(pending{answer: packet.Pubrec, id: id})
	err := to.SendOnce(m, c.once, uint64(id), t)
	if err != nil {
		c.tokens.forget(t)
	}
	return err
}

// openOnce makes sure that the identifiers of the client's QoS 2 messages are known.
func (c *connection) openOnce(ctx context.Context) (err error) {
	if c.once == nil {
		c.once, err = c.session.Once(ctx)
	}
	return err
}

// topic returns the topic name of a PUBLISH, by its alias if need be.
func (c *connection) topic(p *packet.Packet) (string, error) {
	if len(p.Properties) == 0 {
		return view(p.Topic), nil
	}
	alias, ok := p.Properties.Find(packet.TopicAlias)
	if !ok {
		return view(p.Topic), nil
	}
	if int(alias.Num) > c.o.TopicAliasMaximum { // [MQTT-3.3.2-9] [MQTT-3.3.2-12] [MQTT-3.2.2-17]
		return "", &packet.Error{Reason: packet.TopicAliasInvalid, Text: "topic alias above the maximum"}
	}
	id := uint16(alias.Num)
	if len(p.Topic) > 0 {
		if c.aliases == nil {
			c.aliases = make(map[uint16]string)
		}
		name := string(p.Topic)
		c.aliases[id] = name
		return name, nil
	}
	name, ok := c.aliases[id]
	if !ok {
		return "", &packet.Error{Reason: packet.ProtocolError, Text: "topic alias that was not defined"}
	}
	return name, nil
}

// producer returns the producer for a topic name, which may be a view; nil for one that nobody
// may publish to.
func (c *connection) producer(topic string) (*producer, error) {
	if p := c.producers[topic]; p != nil {
		return p, nil
	}
	a := c.names.target(topic)
	if topic[0] == '$' && a.Kind == address.Topic && !c.o.PublishDollarTopics {
		return nil, nil
	}
	core, err := c.core.Producer(a)
	if err != nil {
		return nil, err
	}
	if len(c.producers) >= maxProducers || c.producers == nil {
		for _, p := range c.producers {
			p.Close()
		}
		c.producers = make(map[string]*producer)
	}
	p := &producer{core, a}
	c.producers[string(append([]byte(nil), topic...))] = p
	return p, nil
}

// unsent answers a PUBLISH that was not sent. In version 5 the acknowledgement says so; in 3.x a
// client without the right is acknowledged to as if it had been [MQTT-3.3.5-2], and for other
// reasons, which may pass, the connection is closed.
func (c *connection) unsent(p *packet.Packet, err error) error {
	reason := packet.Success
	switch {
	case c.version == packet.V5:
		reason = answerOf(err).publish
	case !fault.Is(err, fault.Forbidden):
		return err
	}
	c.o.Log.Debug("message refused", "client", c.client(), "error", err)
	switch p.QoS {
	case 1:
		c.core.Confirm(c.tokens.add(pending{answer: packet.Puback, id: p.ID, reason: reason, text: textOf(err)}))
	case 2:
		c.core.Confirm(c.tokens.add(pending{answer: packet.Pubrec, id: p.ID, reason: reason, text: textOf(err)}))
	}
	return nil
}

// answer has a packet sent in order with the confirmations of what was sent before
// [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4].
func (c *connection) answer(t packet.Type, id uint16, reason packet.Reason) {
	c.core.Confirm(c.tokens.add(pending{answer: t, id: id, reason: reason}))
}

// release serves PUBREL: the client will not repeat the message. Whatever the identifier, it gets
// a PUBCOMP [MQTT-4.3.3-11] [MQTT-4.3.3-2], and after it the identifier is a new message's
// [MQTT-4.3.3-12].
func (c *connection) release(ctx context.Context, p *packet.Packet) error {
	known, answered := c.receiving.release(p.ID)
	if known && !answered {
		c.core.Flush() // its record is written before it is deleted
	}
	if c.once == nil && c.session.Present() {
		if err := c.openOnce(ctx); err != nil {
			return err
		}
	}
	reason := packet.Success
	if !known && (c.once == nil || !c.once.Known(uint64(p.ID))) {
		reason = packet.IDNotFound
	}
	t := c.tokens.add(pending{answer: packet.Pubcomp, id: p.ID, reason: reason})
	if c.once == nil {
		c.core.Confirm(t)
	} else {
		c.once.Forget(c.core, uint64(p.ID), t)
	}
	return nil
}

// setProperties sets the header fields that properties of version 5 stand for.
func (c *connection) setProperties(m *message.Message, k *content) {
	for rest := k.properties(); len(rest) > 0; {
		v, ok := rest.Next()
		if !ok {
			return
		}
		switch v.ID {
		case packet.MessageExpiry:
			m.Expiry = c.now + int64(v.Num)*1000
			k.head[0] |= headOwn
		case packet.TopicAlias, packet.SubscriptionID:
			k.head[0] |= headOwn
		case packet.ResponseTopic:
			m.ReplyTo = c.names.target(view(v.Text))
		case packet.CorrelationData:
			m.CorrelationID = view(v.Text)
			if !utf8.Valid(v.Text) {
				m.Flags |= message.BinaryCorrelation
			}
		case packet.UserProperty:
			switch view(v.Name) {
			case groupProperty:
				m.GroupID = view(v.Text)
			case groupSeqProperty:
				if n, err := strconv.ParseInt(view(v.Text), 10, 32); err == nil {
					m.GroupSeq = int32(n)
				}
			case typeProperty:
				m.Type = view(v.Text)
			default:
				if strings.HasPrefix(view(v.Name), scheduledPrefix) {
					m.Flags |= message.Scheduled
				}
			}
		}
	}
}
