package amqp

import (
	"bytes"
	"encoding/binary"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
)

// coordinator is a link on which a client controls transactions. [AMQP 4.2] They end with it. Its
// fields are under the connection's txMu.
type coordinator struct {
	l    *receiver
	open map[string]*transaction
	over bool
}

// transaction is one that was declared. It is under the connection's txMu while it is open; then it
// belongs to who has ended it.
type transaction struct {
	id       []byte
	by       *coordinator
	core     *broker.Transaction
	failed   error              // it can only be rolled back
	retired  map[*sender]ranges // the client has settled them: a rollback returns them
	waiting  []stated           // the client waits for us to settle them
	returned []stated           // go back at the commit
}

// stated are deliveries to which the client has given an outcome in a transaction.
type stated struct {
	span
	o     broker.Outcome
	state []byte // the outcome, encoded
}

// join adds deliveries to a list. With those that are next to them and have the same outcome they
// are one.
func join(list []stated, k stated) []stated {
	if n := len(list); n > 0 {
		p := &list[n-1]
		if p.l == k.l && p.last+1 == k.first && p.id+uint32(p.last-p.first)+1 == k.id && bytes.Equal(p.state, k.state) {
			p.last = k.last
			return list
		}
	}
	return append(list, k)
}

// fail notes that not all of the transaction was accepted.
func (tx *transaction) fail(err error) {
	if tx.failed == nil {
		tx.failed = err
	}
}

// serve serves a message to the coordinator. [AMQP 4.2, 4.3]
func (k *coordinator) serve(d *delivery) error {
	if d.settled {
		return k.l.refused(frame.IllegalState, "the coordinator's answer must be waited for")
	}
	l, err := section.Scan(d.payload)
	if err != nil {
		return k.l.reject(d, sendError(err), nil)
	}
	var c frame.Control
	_ = section.Parts(l.Body.Of(d.payload), func(code uint8, value []byte) bool {
		c, err = frame.ParseControl(value)
		return false
	})
	if err != nil || l.BodyCode != section.ValueCode {
		return k.l.reject(d, &frame.Error{Condition: frame.DecodeError, Description: "neither declare nor discharge"}, nil)
	}
	if c.Discharge {
		return k.discharge(d, &c)
	}
	if c.Global {
		return k.l.reject(d, &frame.Error{Condition: frame.NotImplemented, Description: "transactions are local"}, nil)
	}
	return k.declare(d)
}

// answer ends a delivery to the coordinator with a state.
func (k *coordinator) answer(d *delivery, s frame.State) *doneItem {
	return &doneItem{l: k.l, id: d.id, count: 1, settled: true, state: s.Append(nil)}
}

// declare begins a transaction. [AMQP 4.2]
func (k *coordinator) declare(d *delivery) error {
	c := k.l.s.c
	core, err := c.core.Begin()
	if err != nil {
		return k.l.reject(d, answerOf(err), nil)
	}
	c.txMu.Lock()
	defer c.txMu.Unlock()
	if k.over {
		return core.Rollback() // the link was stolen
	}
	c.nextTxn++
	tx := &transaction{id: binary.BigEndian.AppendUint64(nil, c.nextTxn), by: k, core: core}
	if c.txs == nil {
		c.txs = make(map[string]*transaction)
	}
	c.txs[string(tx.id)] = tx
	k.open[string(tx.id)] = tx
	c.out.Own(k.answer(d, frame.State{Kind: frame.Declared, Txn: tx.id}))
	return nil
}

// discharge ends a transaction. [AMQP 4.3]
func (k *coordinator) discharge(d *delivery, control *frame.Control) error {
	c := k.l.s.c
	tx := k.take(string(control.Txn))
	if tx == nil {
		return k.l.reject(d, &frame.Error{Condition: frame.UnknownTransaction, Description: "there is no such transaction"}, nil)
	}
	for _, f := range c.dirty {
		f.flush() // what was sent and settled before
	}
	if control.Fail {
		tx.rollback()
		c.out.Own(k.answer(d, frame.State{Kind: frame.Accepted}))
		return nil
	}
	rolledBack := func(err error) *doneItem {
		e := &frame.Error{Condition: frame.TransactionRollback, Description: answerOf(err).Description}
		return k.answer(d, frame.RejectedWith(e))
	}
	if tx.failed != nil {
		tx.rollback()
		c.out.Own(rolledBack(tx.failed))
		return nil
	}
	accepted := k.answer(d, frame.State{Kind: frame.Accepted})
	t := c.token(func(dst []byte, err error) []byte {
		if err != nil {
			tx.giveBack()
			return rolledBack(err).encode(dst)
		}
		for _, r := range tx.returned {
			r.l.settle(r.first, r.last, r.o, 0)
		}
		for i := range tx.waiting {
			dst = tx.waiting[i].settledByUs(dst)
		}
		return accepted.encode(dst)
	})
	if err := tx.core.Commit(t); err != nil {
		c.forget(t)
		tx.giveBack()
		c.out.Own(rolledBack(err))
	}
	return nil
}

// take ends a transaction's being open, and returns it, or nil if there is none with the id.
func (k *coordinator) take(id string) *transaction {
	c := k.l.s.c
	c.txMu.Lock()
	defer c.txMu.Unlock()
	tx := k.open[id]
	delete(k.open, id)
	if tx != nil {
		delete(c.txs, id)
	}
	return tx
}

// settledByUs appends that we have settled deliveries, which the client waits for.
func (w *stated) settledByUs(dst []byte) []byte {
	if w.l.isOver() {
		return dst
	}
	d := frame.Disposition{Role: frame.Sender, First: w.id, Last: w.id + uint32(w.last-w.first), Settled: true, State: w.state}
	return d.Append(dst, w.l.s.channel)
}

// rollback undoes the transaction. What the client has settled in it comes again; what it has not
// is still with it. [AMQP 4.4.2]
func (tx *transaction) rollback() {
	_ = tx.core.Rollback()
	tx.giveBack()
}

func (tx *transaction) giveBack() {
	for l, list := range tx.retired {
		for _, k := range list {
			l.settle(k.first, k.last, broker.Outcome{Kind: broker.Failed}, 0)
		}
	}
}

// end rolls back what is open when the link ends. [AMQP 4.3]
func (k *coordinator) end() {
	c := k.l.s.c
	c.txMu.Lock()
	defer c.txMu.Unlock()
	k.over = true
	for id, tx := range k.open {
		delete(c.txs, id)
		tx.rollback()
	}
	clear(k.open)
}

// retire serves a disposition in a transaction: it takes effect with it. [AMQP 4.4.2]
func (s *session) retire(d *frame.Disposition, state *frame.State) error {
	s.flush()
	s.spans = s.spans[:0]
	s.mu.Lock()
	s.runs.find(d.First, d.Last, func(l *sender, id uint32, first, last uint64) {
		s.spans = append(s.spans, span{l, id, first, last})
	})
	s.mu.Unlock()
	given := *state
	given.InTransaction, given.Txn = false, nil
	if given.Kind == frame.NoState {
		given.Kind = frame.Accepted
	}
	k := stated{o: outcomeOf(&given), state: given.Append(nil)}
	for _, k.span = range s.spans {
		if k.l.isOver() || k.l.sub == nil {
			continue
		}
		if l, e := s.enlist(state.Txn, &k, d.Settled); e != nil {
			if refuse(l, e); l != link(k.l) {
				return nil
			}
		}
	}
	return nil
}

// enlist leaves deliveries to a transaction. It returns the link that is to be refused if it can't.
func (s *session) enlist(id []byte, k *stated, settled bool) (link, *frame.Error) {
	c := s.c
	c.txMu.Lock()
	defer c.txMu.Unlock()
	tx := c.txs[string(id)]
	if tx == nil {
		return k.l, &frame.Error{Condition: frame.UnknownTransaction, Description: "there is no such transaction"}
	}
	if len(c.txs) > 1 {
		if _, others := tx.core.Decides(k.l.sub, k.first, k.last); others {
			// The transaction, with all of its link's, is rolled back.
			return tx.by.l, &frame.Error{Condition: frame.IllegalState, Description: "a delivery has an outcome in another transaction"}
		}
	}
	n, err := tx.decide(k)
	if err != nil {
		tx.fail(err)
		return nil, nil
	}
	// What is kept grows only with what the client has not settled before.
	if settled {
		if own := n > 0; !own {
			if own, _ = tx.core.Decides(k.l.sub, k.first, k.last); !own {
				return nil, nil
			}
		}
		if tx.retired == nil {
			tx.retired = make(map[*sender]ranges)
		}
		tx.retired[k.l] = tx.retired[k.l].add(k.first, k.last)
	} else if n > 0 {
		tx.waiting = join(tx.waiting, *k)
	}
	return nil, nil
}

// decide enlists deliveries and returns how many of them had no outcome.
func (tx *transaction) decide(k *stated) (n int, err error) {
	switch k.o.Kind {
	case broker.Accepted, broker.Rejected:
		return k.l.sub.Settle(k.first, k.last, k.o, tx.core, 0)
	}
	if n, err = tx.core.Hold(k.l.sub, k.first, k.last); n > 0 {
		tx.returned = join(tx.returned, *k)
	}
	return n, err
}

// txSends are messages that were sent in one transaction and follow each other: their outcome is
// said as one range, at the end of the burst.
type txSends struct {
	l     *receiver
	tx    *transaction
	first uint32
	count uint32
	mute  bool // the client has settled them
	mode  bool // settled
}

// add notes a message that was taken.
func (t *txSends) add(l *receiver, tx *transaction, d *delivery) {
	if t.count > 0 && t.tx == tx && t.first+t.count == d.id && t.mute == d.settled && t.mode == !d.second {
		t.count++
		return
	}
	t.flush()
	*t = txSends{l, tx, d.id, 1, d.settled, !d.second}
	l.s.c.dirty = append(l.s.c.dirty, t)
}

// flush implements flusher.
func (t *txSends) flush() {
	if t.count == 0 {
		return
	}
	item := &doneItem{l: t.l, id: t.first, count: t.count, settled: t.mode}
	if !t.mute {
		accepted := frame.State{Kind: frame.Accepted, InTransaction: true, Txn: t.tx.id}
		item.state = accepted.Append(nil)
	}
	t.l.s.c.out.Own(item)
	t.count = 0
}
