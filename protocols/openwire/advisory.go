package openwire

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Names of advisory topics.
const (
	advisoryPrefix      = "ActiveMQ.Advisory."
	connectionAdvisory  = advisoryPrefix + "Connection"
	queueAdvisory       = advisoryPrefix + "Queue"
	topicAdvisory       = advisoryPrefix + "Topic"
	tempQueueAdvisory   = advisoryPrefix + "TempQueue"
	tempTopicAdvisory   = advisoryPrefix + "TempTopic"
	consumerAdvisory    = advisoryPrefix + "Consumer."
	producerAdvisory    = advisoryPrefix + "Producer."
	expiredAdvisory     = advisoryPrefix + "Expired."
	deadLetterAdvisory  = advisoryPrefix + "MessageDLQd."
	advisoryType        = "Advisory"
	consumerCountField  = "consumerCount"
	producerCountField  = "producerCount"
	originBrokerIDField = "originBrokerId"
)

// isAdvisory reports whether all members of a destination are topics that only the broker
// publishes to.
func isAdvisory(list []address.Address) bool {
	for _, a := range list {
		if a.Kind != address.Topic || !strings.HasPrefix(a.Name, advisoryPrefix) {
			return false
		}
	}
	return len(list) > 0
}

// advisor tells subscribers of advisory topics what happens in the broker. Whoever subscribes
// later is told of what there is.
type advisor struct {
	p        *Protocol
	producer string // text of the producer of advisories

	// The lock makes a replay and an announcement one after the other, so that a subscriber hears
	// of an end after the beginning.
	mu        sync.Mutex
	sequence  uint64
	temps     map[address.Address]bool
	consumers map[*consumer]bool
	producers map[*producer]bool
	foreign   map[foreigner]int64 // consumers of other protocols, with their numbers
	number    int64               // of the last of them
	bound     map[*broker.Connection][]foreigner
	senders   map[*broker.Connection]map[*broker.Producer]int64 // producers of other protocols, with their numbers
}

func newAdvisor(p *Protocol) *advisor {
	a := &advisor{
		p: p, producer: p.brokerID.Value.String() + ":0:0", temps: make(map[address.Address]bool),
		consumers: make(map[*consumer]bool), producers: make(map[*producer]bool), foreign: make(map[foreigner]int64), bound: make(map[*broker.Connection][]foreigner),
		senders: make(map[*broker.Connection]map[*broker.Producer]int64),
	}
	p.o.Broker.Listen(a.event)
	return a
}

// event hears what the broker tells. It may be called with locks of the core held, none of which
// an announcement needs.
func (a *advisor) event(e broker.Event) {
	switch e.Kind {
	case broker.MessageExpired:
		a.undelivered(expiredAdvisory, e)
		return
	case broker.MessageDeadLettered:
		a.undelivered(deadLetterAdvisory, e)
		return
	case broker.Connected, broker.Disconnected, broker.Subscribed, broker.Unsubscribed, broker.SessionBound, broker.SessionUnbound,
		broker.ProducerKnown, broker.ProducerGone:
		a.elsewhere(e)
		return
	case broker.DestinationCreated, broker.DestinationDeleted:
	default:
		a.asked(e)
		return
	}
	add := e.Kind == broker.DestinationCreated
	if strings.HasPrefix(e.Address.Name, advisoryPrefix) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if e.Address.Kind.IsTemp() {
		if add {
			a.temps[e.Address] = true
		} else {
			delete(a.temps, e.Address)
		}
	}
	topic := destinationTopic(e.Address.Kind)
	if !a.p.o.Broker.Heard(topic) {
		return
	}
	operation := int8(addDestination)
	if !add {
		operation = removeDestination
	}
	a.announce(topic, destinationInfo(e.Address, operation))
}

// undelivered announces a message that has expired or gone to a dead-letter queue, without its body.
func (a *advisor) undelivered(prefix string, e broker.Event) {
	topic := typed(prefix, e.Address)
	if e.Message == nil || strings.HasPrefix(e.Address.Name, advisoryPrefix) || !a.p.o.Broker.Heard(topic) {
		return
	}
	var x dispatch
	w := x.toMessage(e.Message, 0)
	w.Content = nil
	a.mu.Lock()
	defer a.mu.Unlock()
	if prefix == expiredAdvisory {
		a.announce(topic, w, message.Field{Name: messageIDField, Value: message.OfString(e.Message.ID.String())})
		return
	}
	a.announce(topic, w)
}

func destinationTopic(k address.Kind) string {
	switch k {
	case address.Topic:
		return topicAdvisory
	case address.TempQueue:
		return tempQueueAdvisory
	case address.TempTopic:
		return tempTopicAdvisory
	default:
		return queueAdvisory
	}
}

// destinationInfo returns the command that tells of a destination. The connection of a temporary
// one is the beginning of its name.
func destinationInfo(d address.Address, operation int8) *wire.DestinationInfo {
	info := &wire.DestinationInfo{Destination: destinationOf(d, new(wire.Destination)), OperationType: operation}
	if i := strings.LastIndexByte(d.Name, ':'); d.Kind.IsTemp() && i > 0 {
		info.ConnectionID = &wire.ConnectionID{Value: wire.TextOf(d.Name[:i])}
	}
	return info
}

// make returns an advisory message. The caller holds the lock.
func (a *advisor) make(topic string, data wire.Structure, more ...message.Field) *message.Message {
	fields := append([]message.Field{
		{Name: originBrokerIDField, Value: message.OfString(a.p.brokerID.Value.String())},
		{Name: "originBrokerName", Value: message.OfString(a.p.o.Broker.Name)},
		{Name: "originBrokerURL", Value: message.OfString("tcp://" + a.p.o.Broker.Name + ":61616")},
	}, more...)
	w := &wire.Message{Kind: wire.TypeMessage, DataStructure: data, MarshalledProperties: appendMap(nil, fields, 0)}
	k := &content{limit: a.p.o.MaxInflated}
	k.appendHead(nil, w, extraOf(w), time.Now().UnixMilli())
	a.sequence++
	m := &k.Message
	m.Content = k
	m.ID = message.ID{Origin: a.producer, Seq: a.sequence}
	m.Address = address.Address{Kind: address.Topic, Name: topic}
	m.Type = advisoryType
	return m
}

// announce tells all subscribers of a topic. The caller holds the lock.
func (a *advisor) announce(topic string, data wire.Structure, more ...message.Field) {
	a.p.o.Broker.Announce(a.make(topic, data, more...))
}

// typed returns the topic of advisories on consumers or producers of a destination.
func typed(prefix string, d address.Address) string {
	if d.Kind.IsTopic() {
		return prefix + "Topic." + d.Name
	}
	return prefix + "Queue." + d.Name
}

func (a *advisor) connected(c *connection) { a.connection(c.info) }

func (a *advisor) disconnected(c *connection) {
	if c.info != nil {
		a.connection(&wire.RemoveInfo{ObjectID: c.info.ConnectionID, LastDeliveredSequenceID: nothingDelivered})
	}
}

func (a *advisor) connection(data wire.Structure) {
	if !a.p.o.Broker.Heard(connectionAdvisory) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.announce(connectionAdvisory, data)
}

func (a *advisor) consumerStarted(c *connection, s *consumer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if isAdvisory(s.to) {
		a.replay(s.Subscription, s.to)
		return
	}
	a.consumers[s] = true
	a.tellConsumer(s.to, s.info)
}

func (a *advisor) consumerStopped(c *connection, s *consumer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.consumers[s] {
		return
	}
	delete(a.consumers, s)
	a.tellConsumer(s.to, &wire.RemoveInfo{ObjectID: &s.id, LastDeliveredSequenceID: nothingDelivered})
}

// tellConsumer announces something about a consumer. The caller holds the lock.
func (a *advisor) tellConsumer(to []address.Address, data wire.Structure) {
	for _, d := range to {
		if topic := typed(consumerAdvisory, d); a.p.o.Broker.Heard(topic) {
			a.announce(topic, data, message.Field{Name: consumerCountField, Value: message.OfInt(a.count(d))})
		}
	}
}

// count returns how many consumers a destination has. The caller holds the lock.
func (a *advisor) count(d address.Address) (n int32) {
	has := func(t address.Address) bool {
		return t.Kind == d.Kind && (t.Name == d.Name || address.Match(t.Name, d.Name))
	}
	for s := range a.consumers {
		if slices.ContainsFunc(s.to, has) {
			n++
		}
	}
	for f := range a.foreign {
		if slices.ContainsFunc(f.addresses(), has) {
			n++
		}
	}
	return n
}

func (a *advisor) producerStarted(c *connection, p *producer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.producers[p] = true
	a.tellProducer(p.to, p.info)
}

func (a *advisor) producerStopped(c *connection, p *producer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.producers[p] {
		return
	}
	delete(a.producers, p)
	a.tellProducer(p.to, &wire.RemoveInfo{ObjectID: &p.id, LastDeliveredSequenceID: nothingDelivered})
}

// tellProducer announces something about a producer. The caller holds the lock.
func (a *advisor) tellProducer(to []address.Address, data wire.Structure) {
	for _, d := range to {
		if topic := typed(producerAdvisory, d); a.p.o.Broker.Heard(topic) {
			a.announce(topic, data, message.Field{Name: producerCountField, Value: message.OfInt(a.countProducers(d))})
		}
	}
}

// countProducers returns how many producers that are told of a destination has. The caller holds the
// lock.
func (a *advisor) countProducers(d address.Address) int32 {
	n := int32(0)
	for p := range a.producers {
		if slices.Contains(p.to, d) {
			n++
		}
	}
	for _, list := range a.senders {
		for p := range list {
			if slices.Contains(p.Addresses(), d) {
				n++
			}
		}
	}
	return n
}

// replay tells a new subscriber of what there is. The caller holds the lock.
func (a *advisor) replay(s *broker.Subscription, to []address.Address) {
	wants := func(topic string) bool {
		for _, d := range to {
			if address.Match(d.Name, topic) {
				return true
			}
		}
		return false
	}
	tell := func(topic string, data wire.Structure, more ...message.Field) {
		if wants(topic) {
			s.Announce(a.make(topic, data, more...))
		}
	}
	for d := range a.temps {
		tell(destinationTopic(d.Kind), destinationInfo(d, addDestination))
	}
	if wants(queueAdvisory) || wants(topicAdvisory) {
		for _, d := range a.p.o.Broker.Destinations() {
			if !d.Address.Kind.IsTemp() && !strings.HasPrefix(d.Address.Name, advisoryPrefix) {
				tell(destinationTopic(d.Address.Kind), destinationInfo(d.Address, addDestination))
			}
		}
	}
	if wants(connectionAdvisory) {
		for _, info := range a.p.infos() {
			tell(connectionAdvisory, info)
		}
		a.p.o.Broker.Connections(func(c *broker.Connection) {
			if c.Login().Protocol != a.p.Name() {
				tell(connectionAdvisory, foreignConnection(c))
			}
		})
	}
	for f, number := range a.foreign {
		for _, d := range f.addresses() {
			tell(typed(consumerAdvisory, d), f.info(number), message.Field{Name: consumerCountField, Value: message.OfInt(a.count(d))})
		}
	}
	for k := range a.consumers {
		for _, d := range k.to {
			tell(typed(consumerAdvisory, d), k.info, message.Field{Name: consumerCountField, Value: message.OfInt(a.count(d))})
		}
	}
	for k := range a.producers {
		for _, d := range k.to {
			tell(typed(producerAdvisory, d), k.info, message.Field{Name: producerCountField, Value: message.OfInt(a.countProducers(d))})
		}
	}
	for _, list := range a.senders {
		for k, number := range list {
			for _, d := range k.Addresses() {
				tell(typed(producerAdvisory, d), foreignProducer(k, number), message.Field{Name: producerCountField, Value: message.OfInt(a.countProducers(d))})
			}
		}
	}
}

// infos returns what the connected clients said of themselves.
func (p *Protocol) infos() []*wire.ConnectionInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]*wire.ConnectionInfo, 0, len(p.connections))
	for _, c := range p.connections {
		list = append(list, c.info)
	}
	return list
}
