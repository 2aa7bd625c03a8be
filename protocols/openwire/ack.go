package openwire

import (
	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Types of a MessageAck.
const (
	deliveredAck   = 0
	poisonAck      = 1
	standardAck    = 2
	redeliveredAck = 3
	individualAck  = 4
	unmatchedAck   = 5
	expiredAck     = 6
)

// acknowledge serves MessageAck.
func (c *connection) acknowledge(m *wire.MessageAck) error {
	id := m.ConsumerID
	if id == nil {
		return &exception{class: jmsException, text: "An acknowledgement needs a consumer"}
	}
	s := c.consumers[consumerKey{id.SessionID, id.Value}]
	if s == nil || id.ConnectionID.View() != c.id {
		if c.faultTolerant { // of a consumer that was, before the client came back
			c.spoil(m)
			c.respond(m.Head())
			return nil
		}
		return &exception{class: illegalState, text: "The consumer had not been registered: " + consumerText(id)}
	}
	tx, err := c.transactionOf(m.TransactionID)
	if err != nil {
		return err
	}
	if s.browser {
		s.grow(uint64(max(m.MessageCount, 0)))
		c.respond(m.Head())
		return nil
	}
	switch m.AckType {
	case deliveredAck:
		s.extend(uint64(min(max(m.MessageCount, 0), maxExtension)))
	case redeliveredAck:
		// The client redelivers by itself.
	case standardAck, unmatchedAck, individualAck, poisonAck, expiredAck:
		return c.settle(s, m, tx)
	default:
		return &exception{class: jmsException, text: "Unknown acknowledgement type"}
	}
	c.respond(m.Head())
	return nil
}

// maxExtension bounds what one acknowledgement may extend a window by.
const maxExtension = 1 << 20

// settle gives deliveries the outcome that an acknowledgement stands for.
func (c *connection) settle(s *consumer, m *wire.MessageAck, tx *transaction) error {
	first, last, ok := s.find(m, tx)
	if !ok {
		c.spoil(m)
		if c.reconnect || s.topic {
			c.respond(m.Head()) // it was for a delivery before the client came back
			return nil
		}
		return &exception{class: jmsException, text: "Unmatched acknowledge: the message is not among those dispatched to " + consumerText(&s.id)}
	}
	o := broker.Outcome{}
	switch m.AckType {
	case poisonAck:
		if tx != nil {
			return &exception{class: jmsException, text: "Poison ack cannot be transacted: " + consumerText(&s.id)}
		}
		o.Kind = broker.Rejected
		o.Cause = causeOf(m.PoisonCause)
	case expiredAck:
		o.Kind = broker.Outlived
	default:
		if tx != nil {
			return c.enlist(s, first, last, m, tx)
		}
		if !m.ResponseRequired {
			s.ack(first, last)
			return nil
		}
	}
	s.settleAcks()
	t := broker.Token(0)
	if m.ResponseRequired {
		t = tokenFor(m.Head())
	}
	n, err := s.Settle(first, last, o, nil, t)
	s.settledSome(uint64(n))
	return err
}

// spoil lets the transaction of an acknowledgement that matches nothing fail at its commit, as in
// ActiveMQ. A client that comes back may hold a message twice, from before and from after: with the
// second copy it would consume again what a commit has taken already.
func (c *connection) spoil(m *wire.MessageAck) {
	if tx, err := c.transactionOf(m.TransactionID); err == nil && tx != nil {
		tx.failed = true
	}
}

// enlist leaves the decision on deliveries to a transaction.
func (c *connection) enlist(s *consumer, first, last uint64, m *wire.MessageAck, tx *transaction) error {
	s.settleAcks()
	again := tx.held(s, first, last)
	n, err := s.Settle(first, last, broker.Outcome{}, tx.core, 0)
	if err != nil {
		if !m.ResponseRequired {
			tx.failed = true
		}
		return err
	}
	if c.reconnect && !s.topic && n+again < int(m.MessageCount) {
		tx.failed = true // among those between first and last that the client took is one that was taken before
	}
	if m.AckType == individualAck {
		s.extend(uint64(n))
	}
	tx.enlisted(s, first, last, uint64(n))
	c.respond(m.Head())
	return nil
}

// causeOf returns the text that a poison acknowledgement gives for a dead letter.
func causeOf(t *wire.Throwable) string {
	if t == nil {
		return ""
	}
	text := t.Class.String()
	if !t.Message.IsNull() {
		text += ": " + t.Message.String()
	}
	return text
}

// find returns the range of delivery numbers that an acknowledgement is for. Those of a topic are
// not checked: they count.
func (s *consumer) find(m *wire.MessageAck, tx *transaction) (first, last uint64, ok bool) {
	if m.LastMessageID == nil {
		return 0, 0, false
	}
	last, ok = s.number(m.LastMessageID, tx)
	if !ok {
		if !s.topic {
			return 0, 0, false
		}
		_, sent := s.Credit()
		last = min(s.counted+uint64(max(m.MessageCount, 0)), sent)
	}
	switch {
	case m.AckType == individualAck:
		first = last
	case m.FirstMessageID == nil:
		first = 1
	case sameMessage(m.FirstMessageID, m.LastMessageID):
		first = last
	default:
		if first, ok = s.number(m.FirstMessageID, tx); !ok || first > last {
			if !s.topic {
				return 0, 0, false
			}
			first = 1
		}
	}
	s.seen = last
	s.counted = max(s.counted, last)
	return first, last, true
}

func sameMessage(a, b *wire.MessageID) bool {
	return a.ProducerSequenceID == b.ProducerSequenceID && a.BrokerSequenceID == b.BrokerSequenceID
}

// number finds a delivery by its message's identifier: by the entry's, which the client got with
// the message, else by the text. The end of a branch that was resumed or joined acknowledges what its
// transaction has already, too.
func (s *consumer) number(id *wire.MessageID, tx *transaction) (uint64, bool) {
	if id.BrokerSequenceID > 0 {
		if n, ok := s.FindFrom(uint64(id.BrokerSequenceID), sequenceOf(id), s.seen+1); ok {
			return n, true
		}
	}
	if id.ProducerID == nil {
		return 0, false
	}
	text := id.TextView.String()
	if text == "" {
		text = producerText(id.ProducerID) + ":" + decimal(id.ProducerSequenceID)
	}
	n, ok := s.FindMessage([]byte(text))
	if !ok && tx != nil && tx.branch {
		n, ok = s.FindEnlisted([]byte(text))
		ok = ok && tx.holds(s, n)
	}
	return n, ok
}

// sequenceOf returns the number that a message's identifier has in the core, 0 if it has none.
func sequenceOf(id *wire.MessageID) uint64 {
	if len(id.TextView) > 0 {
		return 0
	}
	return uint64(max(id.ProducerSequenceID, 0))
}

// ack settles deliveries as consumed, at the end of the burst.
func (s *consumer) ack(first, last uint64) {
	switch {
	case s.ackLast != 0 && first == s.ackLast+1:
		s.ackLast = last
		return
	case s.ackLast != 0 && first <= s.ackFirst && last >= s.ackLast:
		s.ackFirst, s.ackLast = first, last
		return
	}
	s.settleAcks()
	s.ackFirst, s.ackLast = first, last
	s.conn.acked = append(s.conn.acked, s)
}

// settleAcks settles what ack gathered.
func (s *consumer) settleAcks() {
	if s.ackLast == 0 {
		return
	}
	first, last := s.ackFirst, s.ackLast
	s.ackFirst, s.ackLast = 0, 0
	n, _ := s.Settle(first, last, broker.Outcome{}, nil, 0)
	s.settledSome(uint64(n))
}
