package broker

import (
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// OutcomeKind is what a consumer says of a delivery.
type OutcomeKind uint8

// The outcomes.
const (
	Accepted OutcomeKind = iota // consumed
	Released                    // not taken: it goes back uncounted
	Failed                      // it goes back counted, and comes flagged redelivered
	Rejected                    // it goes to the dead-letter queue
	Outlived                    // it has expired, as the consumer found
)

// Outcome is a consumer's word on a range of deliveries.
type Outcome struct {
	Kind  OutcomeKind
	Cause string // of a rejection, for the dead letter
	Delay int64  // of Released and Failed: milliseconds until it may come again
	// NotHere, of Released and Failed, keeps the message from this consumer; others may get it.
	NotHere bool
	// Fields, of Released, Failed and Rejected, are added to the message. They are kept as long as
	// the message waits in memory; those of a dead letter are written to the disk with it.
	Fields []message.Field
}

// annotate adds fields to the messages of entries.
func annotate(list []queue.Taken, fields []message.Field) {
	for i := range list {
		if e := &list[i].Entry; len(fields) > 0 {
			e.Msg = e.Msg.With(fields...)
		}
	}
}

// Settle gives the unsettled deliveries numbered first..last an outcome. In a transaction it
// takes effect at the commit. A token is confirmed when the outcome is durable; without one it
// is lazy and may be lost with a crash, after which the messages come again, flagged. It
// returns how many deliveries there were.
func (s *Subscription) Settle(first, last uint64, o Outcome, tx *Transaction, t Token) (int, error) {
	c := s.c
	if tx != nil {
		n, err := tx.settle(s.Consumer, first, last, o)
		if err == nil {
			c.Confirm(t)
		}
		return n, err
	}
	switch o.Kind {
	case Accepted:
		batch := store.GetBatch()
		n := s.Accept(first, last, batch)
		if t != 0 && c.closed.Load() {
			// What is not among the n has gone back as the connection ends: that it is settled would not
			// be true.
			batch.Done = release
			c.b.store.Commit(batch)
			return n, c.closedError("acknowledge")
		}
		if t != 0 {
			if !batch.Empty() {
				batch.Durability = store.Durable
			}
			c.b.confirmWhenDone(batch, "acknowledge", c, t)
			return n, nil
		}
		if batch.Empty() {
			store.PutBatch(batch)
			return n, nil
		}
		batch.Done = release
		c.b.store.Commit(batch)
		return n, nil
	case Rejected:
		list := s.TakeRange(first, last, nil)
		n := len(list)
		annotate(list, o.Fields)
		if list = c.b.tryAgain(list); len(list) > 0 {
			c.b.deadLetter(list, o.Cause, c, t)
		} else {
			c.confirmChange(t, n > 0)
		}
		return n, nil
	}
	if o.Kind == Outlived {
		list := s.TakeRange(first, last, nil)
		if len(list) > 0 {
			c.b.removed(list, queue.Expired)
		}
		c.confirmChange(t, len(list) > 0)
		return len(list), nil
	}
	notBefore := int64(0)
	if o.Delay > 0 {
		notBefore = nowMillis() + o.Delay
	}
	if o.NotHere || len(o.Fields) > 0 {
		list := s.TakeRange(first, last, nil)
		if o.NotHere {
			s.Shun(list)
		}
		annotate(list, o.Fields)
		queue.GiveBack(list, o.Kind == Failed, notBefore)
		c.confirmChange(t, o.Kind == Failed || notBefore != 0)
		return len(list), nil
	}
	n := s.Return(first, last, o.Kind == Failed, notBefore)
	c.confirmChange(t, n > 0 && (o.Kind == Failed || notBefore != 0))
	return n, nil
}

// confirmChange confirms a token when what was committed before is on disk; if nothing was changed,
// nothing can be lost.
func (c *Connection) confirmChange(t Token, changed bool) {
	if t != 0 && changed {
		c.confirmDurable(t)
		return
	}
	c.Confirm(t)
}

// tryAgain gives those rejected entries back to their queues that policies let come again, and
// returns the others.
func (b *Broker) tryAgain(list []queue.Taken) []queue.Taken {
	var again []queue.Taken
	rest := list[:0]
	for _, k := range list {
		if b.policyOf(&k).Redelivery.Rejected {
			again = append(again, k)
		} else {
			rest = append(rest, k)
		}
	}
	queue.GiveBack(again, true, 0)
	return rest
}

// removed ends entries that left a queue otherwise than by a consumer.
func (b *Broker) removed(list []queue.Taken, why queue.Reason) {
	switch why {
	case queue.Expired:
		b.total.Expired.Add(int64(len(list)))
		b.expired(list)
	case queue.Exceeded:
		b.deadLetter(list, "the maximum number of deliveries is exceeded", nil, 0)
	case queue.Evicted:
		b.overflowed(list)
	}
}
