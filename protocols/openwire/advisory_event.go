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
	for f, number := range a.foreign {
		if f.subscription != nil && f.subscription.Consumer == e.Consumer {
			info := f.info(number)
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
		if c.owner == e.Producer.Connection() {
			from = id
			break
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

// elsewhere tells of the connections, consumers and producers of other protocols.
func (a *advisor) elsewhere(e broker.Event) {
	c := e.Connection
	switch {
	case e.Subscription != nil:
		c = e.Subscription.Connection()
	case e.Producer != nil:
		c = e.Producer.Connection()
	}
	if c == nil || c.Login().Protocol == a.p.Name() {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch e.Kind {
	case broker.Connected:
		if a.p.o.Broker.Heard(connectionAdvisory) {
			a.announce(connectionAdvisory, foreignConnection(c))
		}
	case broker.Disconnected:
		left := a.bound[c] // whose end was not told, as too much was
		delete(a.bound, c)
		for _, f := range left {
			a.leaves(f)
		}
		for k := range a.senders[c] {
			a.stops(k)
		}
		if a.p.o.Broker.Heard(connectionAdvisory) {
			a.announce(connectionAdvisory, &wire.RemoveInfo{ObjectID: foreignConnection(c).ConnectionID, LastDeliveredSequenceID: nothingDelivered})
		}
	case broker.Subscribed:
		if to := e.Subscription.Options().Addresses; isAdvisory(to) {
			a.replay(e.Subscription, to)
			return
		}
		a.joins(foreigner{subscription: e.Subscription})
	case broker.Unsubscribed:
		a.leaves(foreigner{subscription: e.Subscription})
	case broker.SessionBound:
		if !c.Closed() { // else its end has been heard of already
			a.joins(foreigner{session: c, address: e.Address, binding: e.Text})
		}
	case broker.SessionUnbound:
		a.leaves(foreigner{session: c, address: e.Address, binding: e.Text})
	case broker.ProducerKnown:
		if !c.Closed() {
			a.starts(e.Producer)
		}
	case broker.ProducerGone:
		a.stops(e.Producer)
	}
}

// starts tells of a producer of another protocol. The caller holds the lock.
func (a *advisor) starts(p *broker.Producer) {
	c := p.Connection()
	if a.senders[c] == nil {
		a.senders[c] = make(map[*broker.Producer]int64)
	}
	a.number++
	a.senders[c][p] = a.number
	a.tellProducer(p.Addresses(), foreignProducer(p, a.number))
}

// stops tells of its end, if it was told of. The caller holds the lock.
func (a *advisor) stops(p *broker.Producer) {
	c := p.Connection()
	number, there := a.senders[c][p]
	if !there {
		return
	}
	if delete(a.senders[c], p); len(a.senders[c]) == 0 {
		delete(a.senders, c)
	}
	a.tellProducer(p.Addresses(), &wire.RemoveInfo{ObjectID: foreignProducer(p, number).ProducerID, LastDeliveredSequenceID: nothingDelivered})
}

// foreignProducer returns what is told of the producer of another protocol with a number.
func foreignProducer(p *broker.Producer, number int64) *wire.ProducerInfo {
	return &wire.ProducerInfo{
		ProducerID:  &wire.ProducerID{ConnectionID: wire.TextOf(p.Connection().ID()), SessionID: 1, Value: number},
		Destination: destinationOf(p.Addresses()[0], new(wire.Destination)),
	}
}

// foreigner is a consumer of another protocol: a subscription, or a connection by a binding of its
// session.
type foreigner struct {
	subscription *broker.Subscription
	session      *broker.Connection
	address      address.Address
	binding      string
}

func (f *foreigner) addresses() []address.Address {
	if f.subscription != nil {
		return f.subscription.Options().Addresses
	}
	return []address.Address{f.address}
}

// info returns what is told of the consumer with a number.
func (f *foreigner) info(number int64) *wire.ConsumerInfo {
	c, o := f.session, broker.SubscribeOptions{}
	if f.subscription != nil {
		c, o = f.subscription.Connection(), f.subscription.Options()
	}
	return &wire.ConsumerInfo{
		ConsumerID:  &wire.ConsumerID{ConnectionID: wire.TextOf(c.ID()), SessionID: 1, Value: number},
		Destination: destinationOf(f.addresses()[0], new(wire.Destination)), Browser: o.Browse, PrefetchSize: int32(o.Prefetch),
		MaximumPendingMessageLimit: int32(o.MaxPending), DispatchAsync: true, Selector: wire.NullText(o.Selector),
		ClientID: wire.TextOf(c.ClientID()), SubscriptionName: wire.NullText(o.Name), NoLocal: o.NoLocal, Exclusive: o.Exclusive,
		Retroactive: o.Retroactive, Priority: int8(max(min(o.Priority, 127), -128)),
	}
}

// joins tells of a consumer that begins. The caller holds the lock.
func (a *advisor) joins(f foreigner) {
	if _, there := a.foreign[f]; there {
		return
	}
	a.number++
	a.foreign[f] = a.number
	if f.session != nil {
		a.bound[f.session] = append(a.bound[f.session], f)
	}
	if to := f.addresses(); a.listened(to) {
		a.tellConsumer(to, f.info(a.number))
	}
}

// listened reports whether anybody wants to hear of the consumers of destinations.
func (a *advisor) listened(to []address.Address) bool {
	return slices.ContainsFunc(to, func(d address.Address) bool { return a.p.o.Broker.Heard(typed(consumerAdvisory, d)) })
}

// leaves tells of a consumer that ends, if it was told of. The caller holds the lock.
func (a *advisor) leaves(f foreigner) {
	number, there := a.foreign[f]
	if !there {
		return
	}
	delete(a.foreign, f)
	if f.session != nil {
		if a.bound[f.session] = slices.DeleteFunc(a.bound[f.session], func(o foreigner) bool { return o == f }); len(a.bound[f.session]) == 0 {
			delete(a.bound, f.session)
		}
	}
	if to := f.addresses(); a.listened(to) {
		a.tellConsumer(to, &wire.RemoveInfo{ObjectID: f.info(number).ConsumerID, LastDeliveredSequenceID: nothingDelivered})
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
