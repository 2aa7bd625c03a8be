package mqtt

import (
	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/session"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// subscribe serves SUBSCRIBE: each filter is a binding of the session, a known one is replaced
// without a gap [MQTT-3.8.4-3], and one SUBACK answers all, in their order [MQTT-3.8.4-4]
// [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.9.3-1]. It is sent when all that is durable, before any
// message of theirs [MQTT-3.8.4-1] [MQTT-3.8.4-2]. The core then sends the retained messages
// [MQTT-3.3.1-6], and each message once, with the best QoS, however many bindings match it
// [MQTT-3.3.5-1] [MQTT-3.3.4-2] [MQTT-3.3.4-5] [MQTT-4.5.0-1].
func (c *connection) subscribe(p *packet.Packet) error {
	id := p.Properties.Num(packet.SubscriptionID, 0)
	var codes []byte
	why := ""
	var list []broker.Binding
	var at []int // their places in codes
	p.Filters(func(f packet.Filter) bool {
		o, err := c.binding(&f, id)
		if err != nil {
			codes = append(codes, c.refusal(err, f.Options))
			why = textOf(err)
			return true
		}
		at = append(at, len(codes))
		codes = append(codes, f.Options.QoS()) // [MQTT-3.8.4-7]
		list = append(list, o)
		return true
	})
	if len(list) == 0 {
		c.core.Confirm(c.tokens.add(pending{answer: packet.Suback, id: p.ID, codes: codes, text: why}))
		return nil
	}
	t := c.tokens.add(pending{answer: packet.Suback, id: p.ID, open: true})
	c.core.Flush() // messages sent before are not for the new subscription
	errs := c.session.Bind(list, t)
	c.rebound.Store(true)
	for i, err := range errs {
		c.noteAdvisories(&list[i])
		if err != nil {
			code := &codes[at[i]]
			*code = c.refusal(err, packet.Options(*code))
			why = textOf(err)
		}
	}
	c.complete(t, codes, why)
	return nil
}

// binding returns what a filter of SUBSCRIBE is to the core.
func (c *connection) binding(f *packet.Filter, id uint32) (broker.Binding, error) {
	// Wildcards at the beginning leave out what begins with $: so the core's table of bindings
	// [MQTT-4.7.2-1]. Names are taken as they are [MQTT-4.7.3-4], and match as a whole
	// [MQTT-3.3.2-3].
	share, filter, shared := packet.Shared(f.Filter)
	if shared && share == nil || !packet.ValidFilter(filter) {
		return broker.Binding{}, &packet.Error{Reason: packet.TopicFilterInvalid, Text: "invalid topic filter"}
	}
	o := broker.Binding{
		Key:               broker.BindingKey{Address: c.names.address(string(filter)), Share: string(share)},
		Name:              durableName(f.Options.QoS(), filter),
		Assurance:         message.Assurance(f.Options.QoS()), // [MQTT-3.8.4-8] [MQTT-4.8.2-3]
		Identifier:        id,
		NoLocal:           f.Options.NoLocal(), // [MQTT-3.8.3-3]
		RetainAsPublished: f.Options.RetainAsPublished(),
		Retained:          session.RetainHandling(f.Options.RetainHandling()), // [MQTT-3.3.1-9] [MQTT-3.3.1-10] [MQTT-3.3.1-11]
	}
	if o.Address.Kind == address.Queue && shared {
		return o, fault.New(fault.InvalidName, "subscribe", o.Address.String(), "a queue is shared by nature")
	}
	return o, nil
}

// durableName is the name that ActiveMQ gives the durable subscription of a filter.
func durableName(qos byte, filter []byte) string {
	name := [...]string{"AT_MOST_ONCE:", "AT_LEAST_ONCE:", "EXACTLY_ONCE:"}[qos]
	return name + string(filter)
}

// refusal returns the code of SUBACK for a filter that is refused. MQTT 3.1 has none: there the
// client is told what it asked for, as ActiveMQ does.
func (c *connection) refusal(err error, asked packet.Options) byte {
	switch {
	case c.version == packet.V31:
		return asked.QoS()
	case c.version == packet.V311:
		return 0x80
	case fault.Is(err, fault.Forbidden):
		return byte(c.o.RefusalCode)
	}
	return byte(answerOf(err).subscribe)
}

// unsubscribe serves UNSUBSCRIBE: filters are compared octet by octet [MQTT-3.10.4-1], whatever
// was there is gone when UNSUBACK is sent [MQTT-3.10.4-2], and one answers all [MQTT-3.10.4-4]
// [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-1]. Deliveries that were begun go on
// [MQTT-3.10.4-3].
func (c *connection) unsubscribe(p *packet.Packet) error {
	var codes []byte
	var list []broker.BindingKey
	var at []int
	p.Filters(func(f packet.Filter) bool {
		share, filter, shared := packet.Shared(f.Filter)
		if shared && share == nil || !packet.ValidFilter(filter) {
			codes = append(codes, byte(packet.TopicFilterInvalid))
			return true
		}
		at = append(at, len(codes))
		codes = append(codes, byte(packet.Success))
		list = append(list, broker.BindingKey{Address: c.names.address(string(filter)), Share: string(share)})
		return true
	})
	if len(list) == 0 {
		c.core.Confirm(c.tokens.add(pending{answer: packet.Unsuback, id: p.ID, codes: codes}))
		return nil
	}
	t := c.tokens.add(pending{answer: packet.Unsuback, id: p.ID, open: true})
	c.core.Flush()
	errs := c.session.Unbind(list, t)
	c.rebound.Store(true)
	for i, err := range errs {
		if err == nil {
			continue
		}
		codes[at[i]] = byte(answerOf(err).subscribe)
		if fault.Is(err, fault.NotFound) {
			codes[at[i]] = byte(packet.NoSubscription)
		}
	}
	c.complete(t, codes, "")
	return nil
}

// noteAdvisories notes whether a binding asks for advisory messages by their name.
func (c *connection) noteAdvisories(o *broker.Binding) {
	if isAdvisory(o.Address.Name) || o.Address.Name == "ActiveMQ.>" {
		c.advisories.Store(true)
	}
}

// complete lets an answer go out whose codes are known now.
func (c *connection) complete(t broker.Token, codes []byte, why string) {
	if early, err := c.tokens.complete(t, codes, why); early {
		c.out.Confirmed(t, err)
	}
}
