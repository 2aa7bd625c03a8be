package amqp

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
)

// coordinator is a link on which a client controls transactions. [AMQP 4.2] They end with it.
type coordinator struct {
	l    *receiver
	open map[string]*transaction
}

// transaction is one that was declared. It belongs to the reader.
type transaction struct {
	id       []byte
	by       *coordinator
	core     *broker.Transaction
	failed   error     // it can only be rolled back
	retired  []span    // the client has settled them: a rollback returns them
	waiting  []waiting // the client waits for us to settle them
	returned []returned
}

// waiting are deliveries that the client has not settled, with their outcome.
type waiting struct {
	span
	state []byte // encoded
}

// returned are deliveries that go back at the commit.
type returned struct {
	span
	o broker.Outcome
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
	id := string(control.Txn)
	tx := k.open[id]
	if tx == nil {
		return k.l.reject(d, &frame.Error{Condition: frame.UnknownTransaction, Description: "there is no such transaction"}, nil)
	}
	for _, f := range c.dirty {
		f.flush() // what was sent and settled before
	}
	delete(k.open, id)
	delete(c.txs, id)
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

// settledByUs appends that we have settled deliveries, which the client waits for.
func (w *waiting) settledByUs(dst []byte) []byte {
	if w.l.isOver() {
		return dst
	}
	d := frame.Disposition{Role: frame.Sender, First: w.id, Last: w.id + uint32(w.last-w.first), Settled: true, State: w.state}
	return d.Append(dst, w.l.s.channel)
}

// holds reports whether any of these deliveries have an outcome in the transaction.
func (tx *transaction) holds(k *span) bool {
	meets := func(o *span) bool { return o.l == k.l && o.first <= k.last && k.first <= o.last }
	for i := range tx.retired {
		if meets(&tx.retired[i]) {
			return true
		}
	}
	for i := range tx.waiting {
		if meets(&tx.waiting[i].span) {
			return true
		}
	}
	return false
}

// elsewhere reports whether any of these deliveries have an outcome in another transaction.
func (tx *transaction) elsewhere(c *connection, k *span) bool {
	if len(c.txs) < 2 {
		return false
	}
	for _, other := range c.txs {
		if other != tx && other.holds(k) {
			return true
		}
	}
	return false
}

// rollback undoes the transaction. What the client has settled in it comes again; what it has not
// is still with it. [AMQP 4.4.2]
func (tx *transaction) rollback() {
	_ = tx.core.Rollback()
	tx.giveBack()
}

func (tx *transaction) giveBack() {
	for _, k := range tx.retired {
		k.l.settle(k.first, k.last, broker.Outcome{Kind: broker.Failed}, 0)
	}
}

// end rolls back what is open when the link ends. [AMQP 4.3]
func (k *coordinator) end() {
	for id, tx := range k.open {
		delete(k.l.s.c.txs, id)
		tx.rollback()
	}
	clear(k.open)
}

// retire serves a disposition in a transaction: it takes effect with it. [AMQP 4.4.2]
func (s *session) retire(d *frame.Disposition, state *frame.State) error {
	s.flush()
	tx := s.c.txs[string(state.Txn)]
	s.spans = s.spans[:0]
	s.mu.Lock()
	s.runs.find(d.First, d.Last, func(l *sender, id uint32, first, last uint64) {
		s.spans = append(s.spans, span{l, id, first, last})
	})
	s.mu.Unlock()
	for _, k := range s.spans {
		if k.l.isOver() || k.l.sub == nil {
			continue
		}
		if tx == nil {
			refuse(k.l, &frame.Error{Condition: frame.UnknownTransaction, Description: "there is no such transaction"})
			continue
		}
		if tx.elsewhere(s.c, &k) {
			// The transaction, with all of its link's, is rolled back.
			refuse(tx.by.l, &frame.Error{Condition: frame.IllegalState, Description: "a delivery has an outcome in another transaction"})
			return nil
		}
		o := outcomeOf(state)
		if state.Kind == frame.NoState {
			o = broker.Outcome{}
		}
		switch o.Kind {
		case broker.Accepted, broker.Rejected:
			if _, err := k.l.sub.Settle(k.first, k.last, o, tx.core, 0); err != nil {
				tx.fail(err)
			}
		default:
			tx.returned = append(tx.returned, returned{k, o})
		}
		if d.Settled {
			tx.retired = append(tx.retired, k)
		} else {
			outcome := frame.State{Kind: state.Kind}
			if outcome.Kind == frame.NoState {
				outcome.Kind = frame.Accepted
			}
			tx.waiting = append(tx.waiting, waiting{k, outcome.Append(nil)})
		}
	}
	return nil
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
