package openwire

import (
	"context"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// producerKey identifies a producer within its connection.
type producerKey struct{ session, value int64 }

// producer is one ProducerInfo of a client.
type producer struct {
	id       wire.ProducerID
	text     string // of the id, which message identifiers begin with
	to       []address.Address
	core     *broker.Producer // nil: it names the destination with each message
	windowed bool             // it waits for a ProducerAck to each message
	index    uint32           // of tokens, if windowed
	sequence *broker.Sequence // of clients that repeat what they got no answer to
	info     *wire.ProducerInfo
}

// maxProducers bounds the producers of a connection.
const maxProducers = 100_000

// producerText returns the text of a producer's identifier.
func producerText(id *wire.ProducerID) string {
	b := id.ConnectionID.View()
	return b + ":" + strconv.FormatInt(id.SessionID, 10) + ":" + strconv.FormatInt(id.Value, 10)
}

// addProducer serves ProducerInfo.
func (c *connection) addProducer(ctx context.Context, cmd *wire.ProducerInfo) error {
	id := cmd.ProducerID
	if id == nil || id.ConnectionID.View() != c.id || !c.sessions[id.SessionID] {
		return unregistered("producer", "session")
	}
	k := producerKey{id.SessionID, id.Value}
	if c.producers[k] != nil {
		c.respond(cmd.Head())
		return nil
	}
	if len(c.producers) >= maxProducers {
		return fault.New(fault.LimitReached, "open", "producer", "the connection has %d producers, which is the limit", maxProducers)
	}
	p := &producer{text: producerText(id)}
	p.id = wire.ProducerID{ConnectionID: wire.TextOf(c.id), Value: id.Value, SessionID: id.SessionID}
	if cmd.Destination != nil {
		to, _, err := c.addresses(cmd.Destination)
		if err != nil {
			return err
		}
		if p.core, err = c.core.Producer(to...); err != nil {
			return err
		}
		p.to = to
	}
	var err error
	if c.faultTolerant {
		if p.sequence, err = c.o.Broker.Sequence(ctx, p.text, c.reconnect); err != nil {
			return err
		}
	}
	if p.windowed = cmd.WindowSize > 0; p.windowed {
		p.index, err = c.index(func(i uint32) {
			if c.byWindow == nil {
				c.byWindow = make(map[uint32]*wire.ProducerID)
			}
			c.byWindow[i] = &p.id
		})
		if err != nil {
			return err
		}
	}
	p.info = &wire.ProducerInfo{ProducerID: &p.id, DispatchAsync: cmd.DispatchAsync, WindowSize: cmd.WindowSize}
	if cmd.Destination != nil {
		p.info.Destination = &wire.Destination{Kind: cmd.Destination.Kind, PhysicalName: clone(cmd.Destination.PhysicalName)}
	}
	c.producers[k] = p
	c.p.advisor.producerStarted(c, p)
	c.respond(cmd.Head())
	return nil
}

// closeProducer ends a producer. The client of one that did not end in order may come back and
// repeat what it got no answer to.
func (c *connection) closeProducer(p *producer, inOrder bool) {
	if p.core != nil {
		p.core.Close()
	}
	switch {
	case p.sequence == nil:
	case inOrder:
		p.sequence.End()
	default:
		c.p.forgetLater(c.id, p.sequence)
	}
	c.p.advisor.producerStopped(c, p)
}

// forgetLater ends a producer's sequence unless its client is back by then.
func (p *Protocol) forgetLater(id string, q *broker.Sequence) {
	time.AfterFunc(p.o.Retry, func() {
		p.mu.Lock()
		back := p.connections[id] != nil
		p.mu.Unlock()
		if !back && p.o.Broker.Role() == broker.Active {
			q.End()
		}
	})
}

// destinationKey identifies a destination as a client names it.
type destinationKey struct {
	kind wire.Type
	name string
}

// sender is a destination that the client sends to.
type sender struct {
	*broker.Producer
	whole address.Address // of a composite, all of it
}

// maxSenders is how many destinations a connection's senders are kept for.
const maxSenders = 256

// senderFor returns the sender for a message's destination.
func (c *connection) senderFor(d *wire.Destination) (*sender, error) {
	if s := c.senders[destinationKey{d.Kind, d.PhysicalName.View()}]; s != nil {
		return s, nil
	}
	to, whole, err := c.addresses(d)
	if err != nil {
		return nil, err
	}
	core, err := c.core.Producer(to...)
	if err != nil {
		if d.Kind == wire.TypeTempQueue || d.Kind == wire.TypeTempTopic {
			if fault.Is(err, fault.NotFound) {
				err = &exception{class: invalidDestination, text: "Cannot publish to a deleted Destination: " + whole.String()}
			}
		}
		return nil, err
	}
	if len(c.senders) >= maxSenders {
		c.closeSenders()
	}
	s := &sender{core, whole}
	c.senders[destinationKey{d.Kind, whole.Name}] = s
	return s, nil
}

func (c *connection) closeSenders() {
	for k, s := range c.senders {
		s.Close()
		delete(c.senders, k)
	}
}

// message serves a message.
func (c *connection) message(ctx context.Context, m *wire.Message) error {
	tx, err := c.transactionOf(m.TransactionID)
	if err == nil {
		err = c.sendMessage(m, tx)
	}
	if err != nil && tx != nil && !m.ResponseRequired {
		tx.failed = true
	}
	return err
}

func (c *connection) sendMessage(m *wire.Message, tx *transaction) error {
	if m.Destination == nil || m.MessageID == nil || m.MessageID.ProducerID == nil {
		return &exception{class: jmsException, text: "A message needs a destination and an identifier"}
	}
	var p *producer
	if id := m.ProducerID; id != nil && id.ConnectionID.View() == c.id {
		p = c.producers[producerKey{id.SessionID, id.Value}]
	}
	s, err := c.senderFor(m.Destination)
	if err != nil {
		return err
	}
	msg := c.receive(m, p)
	msg.Address = s.whole
	t := broker.Token(0)
	switch {
	case m.ResponseRequired:
		t = token(respond, 0, m.CommandID)
	case p != nil && p.windowed:
		t = token(acknowledge, p.index, int32(minimumSize+len(m.MarshalledProperties)+len(m.Content)))
	case m.Persistent:
		t = token(quietly, 0, m.CommandID)
		c.unasked = true
	default:
		c.unasked = true
	}
	if tx != nil {
		return s.Send(msg, tx.core, t)
	}
	c.sent = c.sent || m.Persistent
	if n := m.MessageID.ProducerSequenceID; p != nil && p.sequence != nil && m.Persistent && n > 0 && p.made(m.MessageID) {
		return s.SendNumbered(msg, p.sequence, uint64(n), t)
	}
	return s.Send(msg, nil, t)
}

// made reports whether a message's identifier is one of the producer's own: what a network
// connector forwards keeps that of its sender.
func (p *producer) made(id *wire.MessageID) bool {
	x := id.ProducerID
	return x.Value == p.id.Value && x.SessionID == p.id.SessionID && x.ConnectionID.View() == p.id.ConnectionID.View()
}

// minimumSize is what ActiveMQ takes a message to cost beside its octets; clients count with it.
const minimumSize = 1024
