package openwire

import (
	"net"
	"slices"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Names of the advisory topics that policies turn on. What the properties are called is ActiveMQ's,
// spelling included.
const (
	noConsumerAdvisory = advisoryPrefix + "NoConsumer."
	slowAdvisory       = advisoryPrefix + "SlowConsumer."
	fastAdvisory       = advisoryPrefix + "FastProducer."
	discardedAdvisory  = advisoryPrefix + "MessageDiscarded."
	fullAdvisory       = advisoryPrefix + "FULL."
	deliveredAdvisory  = advisoryPrefix + "MessageDelivered."
	consumedAdvisory   = advisoryPrefix + "MessageConsumed."
	dispatchedAdvisory = advisoryPrefix + "MessageDispatched."

	messageIDField   = "orignalMessageId"
	destinationField = "orignalDestination"
	consumerIDField  = "consumerId"
	producerIDField  = "producerId"
	discardedField   = "discardedCount"
	usageField       = "usageName"
)

// asked announces what a policy asks for.
func (a *advisor) asked(e broker.Event) {
	switch e.Kind {
	case broker.MessageUnheard:
		a.unheard(e)
	case broker.MessageTaken:
		a.aboutMessage(deliveredAdvisory, e)
	case broker.MessageDispatched:
		a.aboutMessage(dispatchedAdvisory, e)
	case broker.MessageConsumed:
		a.aboutMessage(consumedAdvisory, e)
	case broker.MessageDiscarded:
		a.aboutMessage(discardedAdvisory, e, message.Field{Name: discardedField, Value: message.OfInt(int32(min(e.Count, 1<<31-1)))})
	case broker.ConsumerSlow:
		id, info := a.whichConsumer(e)
		a.about(slowAdvisory, e.Address, info, message.Field{Name: consumerIDField, Value: message.OfString(id)})
	case broker.ProducerFast:
		id, info := a.whichProducer(e)
		a.about(fastAdvisory, e.Address, info, message.Field{Name: producerIDField, Value: message.OfString(id)})
	case broker.LimitReached:
		a.about(fullAdvisory, e.Address, nil, message.Field{Name: usageField, Value: message.OfString(e.Text)})
	}
}

// about announces something about a destination.
func (a *advisor) about(prefix string, d address.Address, data wire.Structure, more ...message.Field) {
	topic := typed(prefix, d)
	if !a.p.o.Broker.Heard(topic) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.announce(topic, data, more...)
}

// unheard publishes the message itself that nobody has consumed.
func (a *advisor) unheard(e broker.Event) {
	topic := typed(noConsumerAdvisory, e.Address)
	if !a.p.o.Broker.Heard(topic) {
		return
	}
	m := *e.Message
	m.Origin, m.Address = e.Address, address.Address{Kind: address.Topic, Name: topic}
	a.p.o.Broker.Announce(&m)
}

// aboutMessage announces something about a message.
func (a *advisor) aboutMessage(prefix string, e broker.Event, more ...message.Field) {
	if e.Message == nil || !a.p.o.Broker.Heard(typed(prefix, e.Address)) {
		return
	}
	var x dispatch
	w := x.toMessage(e.Message, 0)
	if !e.Body {
		w.Content = nil
	}
	more = append(more,
		message.Field{Name: messageIDField, Value: message.OfString(e.Message.ID.String())},
		message.Field{Name: destinationField, Value: message.OfString(e.Address.String())})
	if e.Consumer != nil {
		id, _ := a.whichConsumer(e)
		more = append(more, message.Field{Name: consumerIDField, Value: message.OfString(id)})
	}
	a.about(prefix, e.Address, w, more...)
}

// whichConsumer returns the identifier of an event's consumer, and what is told of it.
func (a *advisor) whichConsumer(e broker.Event) (string, wire.Structure) {
	if e.Consumer == nil {
		return "", nil
	}
	if s, ok := e.Consumer.Tag.(*consumer); ok {
		return consumerText(&s.id), s.info
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for s, info := range a.foreign {
		if s.Consumer == e.Consumer {
			return consumerText(info.ConsumerID), info
		}
	}
	return "", nil
}

// whichProducer returns the identifier of an event's producer, and what is told of it. One that
// names the destination with each message is known by its client.
func (a *advisor) whichProducer(e broker.Event) (string, wire.Structure) {
	from := ""
	a.p.mu.Lock()
	for id, c := range a.p.connections {
		if c.core == e.Producer.Connection() {
			from = id
		}
	}
	a.p.mu.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	for p := range a.producers {
		if p.id.ConnectionID.View() == from && slices.Contains(p.to, e.Address) {
			return p.text, p.info
		}
	}
	return e.Client, nil
}

// elsewhere tells of the connections and consumers of other protocols.
func (a *advisor) elsewhere(e broker.Event) {
	switch e.Kind {
	case broker.Connected, broker.Disconnected:
		c := e.Connection
		if c == nil || c.Login().Protocol == a.p.Name() || !a.p.o.Broker.Heard(connectionAdvisory) {
			return
		}
		info := foreignConnection(c)
		a.mu.Lock()
		defer a.mu.Unlock()
		if e.Kind == broker.Connected {
			a.announce(connectionAdvisory, info)
			return
		}
		a.announce(connectionAdvisory, &wire.RemoveInfo{ObjectID: info.ConnectionID, LastDeliveredSequenceID: nothingDelivered})
	case broker.Subscribed, broker.Unsubscribed:
		if s := e.Subscription; s != nil && s.Connection().Login().Protocol != a.p.Name() {
			a.foreignConsumer(s, e.Kind == broker.Subscribed)
		}
	}
}

// foreignConnection returns what is told of a connection of another protocol.
func foreignConnection(c *broker.Connection) *wire.ConnectionInfo {
	l := c.Login()
	info := &wire.ConnectionInfo{
		ConnectionID: &wire.ConnectionID{Value: wire.TextOf(c.ID())}, ClientID: wire.TextOf(c.ClientID()), UserName: wire.NullText(c.User()),
	}
	if l.Remote != nil {
		if host, _, err := net.SplitHostPort(l.Remote.String()); err == nil {
			info.ClientIP = wire.TextOf(host)
		}
	}
	return info
}

// foreignConsumer tells of a consumer of another protocol, and it of what there is.
func (a *advisor) foreignConsumer(s *broker.Subscription, begins bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o := s.Options()
	if isAdvisory(o.Addresses) {
		if begins {
			a.replay(s, o.Addresses)
		}
		return
	}
	if !begins {
		info := a.foreign[s]
		delete(a.foreign, s)
		if info != nil {
			a.tellConsumer(o.Addresses, &wire.RemoveInfo{ObjectID: info.ConsumerID, LastDeliveredSequenceID: nothingDelivered})
		}
		return
	}
	a.number++
	info := &wire.ConsumerInfo{
		ConsumerID:  &wire.ConsumerID{ConnectionID: wire.TextOf(s.Connection().ID()), SessionID: 1, Value: a.number},
		Destination: destinationOf(o.Addresses[0], new(wire.Destination)), Browser: o.Browse, PrefetchSize: int32(o.Prefetch),
		MaximumPendingMessageLimit: int32(o.MaxPending), DispatchAsync: true, Selector: wire.NullText(o.Selector),
		ClientID: wire.TextOf(s.Connection().ClientID()), SubscriptionName: wire.NullText(o.Name), NoLocal: o.NoLocal, Exclusive: o.Exclusive,
		Retroactive: o.Retroactive, Priority: int8(max(min(o.Priority, 127), -128)),
	}
	a.foreign[s] = info
	a.tellConsumer(o.Addresses, info)
}
