package broker

import (
	"sync"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/store"
)

// Transaction collects sends and settlements that take effect together or not at all. A local
// one belongs to its connection; a prepared one to the broker, under its xid.
type Transaction struct {
	b *Broker
	c *Connection // nil for a branch that was recovered

	mu       sync.Mutex
	state    txState
	failed   error // why it can't be committed
	sends    []txSend
	bytes    int64
	number   uint32 // by which queues know what is enlisted
	accepted []enlisted
	rejected []rejection
	held     []enlisted // that its end makes unsettled again
	branch              // of a prepared one
}

type txState uint8

const (
	txOpen txState = iota
	txPreparing
	txPrepared
	txCommitting
	txOver
)

type txSend struct {
	p  *Producer
	m  *message.Message
	to []*Destination // as of the commit
}

// enlisted are deliveries of one consumer that the transaction decides on.
type enlisted struct {
	consumer *queue.Consumer
	numbers  []uint64
}

type rejection struct {
	consumer *queue.Consumer
	number   uint64
	cause    string
	fields   []message.Field
	to       *Destination     // as of the commit; nil to drop the message
	letter   *message.Message // what it becomes
}

// Begin opens a local transaction.
func (c *Connection) Begin() (*Transaction, error) {
	c.state.Lock()
	defer c.state.Unlock()
	if c.closed.Load() {
		return nil, c.closedError("begin")
	}
	if len(c.txs) >= c.b.Limits.Transactions {
		return nil, fault.New(fault.LimitReached, "begin", c.id, "the connection has %d open transactions, which is the limit", len(c.txs))
	}
	tx := &Transaction{b: c.b, c: c, number: c.b.begun.Add(1)}
	c.txs[tx] = struct{}{}
	return tx, nil
}

// Empty reports whether there is nothing that a commit would do. Sends that wait for space are
// taken first.
func (tx *Transaction) Empty() bool {
	tx.forceParked()
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.failed == nil && len(tx.sends) == 0 && len(tx.accepted) == 0 && len(tx.rejected) == 0 && len(tx.held) == 0
}

// stateFault is the fault of an operation that came too late. The caller holds tx.mu.
func (tx *Transaction) stateFault(op string) error {
	return fault.New(fault.NotFound, op, tx.xid, "the transaction is over")
}

// advance takes the transaction from one state to another, or returns a fault if it is not in
// the first; with equal ones it only looks.
func (tx *Transaction) advance(from, to txState, op string) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.state != from {
		return tx.stateFault(op)
	}
	tx.state = to
	return nil
}

// fail notes that a send was not accepted after all, so that the transaction can't be committed. It
// reports whether that matters: whether the transaction is open.
func (tx *Transaction) fail(err error) bool {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.state != txOpen {
		return false
	}
	tx.failed = err
	return true
}

// failure returns why the transaction can't be committed, or nil.
func (tx *Transaction) failure() error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.failed
}

// send adds a message.
func (tx *Transaction) send(p *Producer, m *message.Message) error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.state != txOpen {
		return tx.stateFault("send")
	}
	size := int64(m.Size()) + message.Overhead
	if tx.bytes+size > tx.b.Limits.TxBytes {
		return fault.New(fault.LimitReached, "send", p.targets[0].Address.String(),
			"the transaction holds %d bytes, and %d is the limit", tx.bytes, tx.b.Limits.TxBytes)
	}
	tx.bytes += size
	tx.b.env.Memory.Add(size)
	tx.sends = append(tx.sends, txSend{p: p, m: m})
	return nil
}

// settle enlists deliveries.
func (tx *Transaction) settle(k *queue.Consumer, first, last uint64, o Outcome) (int, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.state != txOpen {
		return 0, tx.stateFault("acknowledge")
	}
	switch o.Kind {
	case Accepted, Rejected:
	default:
		return 0, fault.New(fault.Unsupported, "acknowledge", "", "deliveries can't be released in a transaction")
	}
	numbers := k.Enlist(first, last, tx.number, nil)
	if o.Kind == Rejected {
		for _, n := range numbers {
			tx.rejected = append(tx.rejected, rejection{consumer: k, number: n, cause: o.Cause, fields: o.Fields})
		}
		return len(numbers), nil
	}
	tx.accepted = enlist(tx.accepted, k, numbers)
	return len(numbers), nil
}

func enlist(list []enlisted, k *queue.Consumer, numbers []uint64) []enlisted {
	if n := len(list); n > 0 && list[n-1].consumer == k {
		list[n-1].numbers = append(list[n-1].numbers, numbers...)
	} else if len(numbers) > 0 {
		list = append(list, enlisted{k, numbers})
	}
	return list
}

// Hold lets nobody else decide on the unsettled deliveries numbered first..last of a subscription
// until the transaction ends, which makes them unsettled again before a commit is confirmed: the
// caller gives them their outcome then. It returns how many there were. A transaction that holds
// something can't be prepared.
func (tx *Transaction) Hold(s *Subscription, first, last uint64) (int, error) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.state != txOpen {
		return 0, tx.stateFault("acknowledge")
	}
	numbers := s.Enlist(first, last, tx.number, nil)
	tx.held = enlist(tx.held, s.Consumer, numbers)
	return len(numbers), nil
}

// Decides reports whether the transaction decides on any of the deliveries numbered first..last of
// a subscription, and whether others do.
func (tx *Transaction) Decides(s *Subscription, first, last uint64) (own, others bool) {
	return s.EnlistedBy(first, last, tx.number)
}

// commit is what becomes of a transaction's batch.
type commit struct {
	tx         *Transaction
	targets    []target
	marks      []mark
	jobs       []schedule.Key
	remembered []remembered
	taken      []identity
	bytes      int64
	letters    int64
	t          Token
	then       func(error) // after the tokens, for those who wait
}

// locate finds where the sends and the dead letters go now: a destination that was deleted since is
// made anew, if the connection may; a prepared branch was granted that before. What was sent to a
// temporary destination ends with it.
func (tx *Transaction) locate(c *Connection) error {
	for i := range tx.sends {
		s := &tx.sends[i]
		s.to = s.to[:0]
		for _, d := range s.p.targets {
			switch {
			case !d.gone.Load():
			case d.Address.Kind.IsTemp():
				continue
			default:
				var err error
				if d, err = tx.b.resolve(c, "commit", d.Address); err != nil {
					return err
				}
			}
			if err := d.locate(c); err != nil {
				return err
			}
			s.to = append(s.to, d)
		}
	}
	for i := range tx.rejected {
		r := &tx.rejected[i]
		if taken, ok := r.consumer.Enlisted(r.number); ok {
			list := []queue.Taken{taken}
			annotate(list, r.fields)
			r.to, r.letter = tx.b.letter(&list[0], r.cause)
		}
	}
	return nil
}

// build adds all that the transaction does to a burst.
func (tx *Transaction) build(u *burst) *commit {
	k := &commit{tx: tx}
	for i := range tx.sends {
		s := &tx.sends[i]
		if later, _ := tx.b.isScheduled(s.m); later {
			if err := u.schedule(tx.b, s.to, s.m); err != nil {
				tx.b.Log.Error("schedule", "error", err) // the plan was checked before
			}
			continue
		}
		for _, d := range s.to {
			m := s.m
			if len(s.p.targets) > 1 {
				cp := *s.m
				cp.Address, cp.Origin = d.Address, s.m.Address
				d.adjust(&cp)
				m = &cp
			}
			d.each(m, func(d *Destination, m *message.Message) { u.put(tx.b, d, m) })
		}
	}
	for _, e := range tx.accepted {
		for _, n := range e.numbers {
			acknowledge(u.batch, e.consumer, n)
		}
	}
	for _, r := range tx.rejected {
		if acknowledge(u.batch, r.consumer, r.number) && r.to != nil {
			h := r.to.holder()
			u.toQueue(tx.b, &h, r.letter, nil)
			k.letters++
		}
	}
	k.targets, k.marks, k.jobs, k.remembered, k.taken, k.bytes = u.targets, u.marks, u.jobs, u.remembered, u.taken, u.bytes
	return k
}

// acknowledge adds the end of an enlisted delivery to a batch, if it is there.
func acknowledge(batch *store.Batch, c *queue.Consumer, n uint64) bool {
	taken, ok := c.Enlisted(n)
	if ok && taken.Stored() {
		batch.Ack(taken.Entry.Ref)
		batch.Durability = store.Durable
	}
	return ok
}

// Commit makes all of the transaction take effect. The token is confirmed when that is on
// disk; it fails whole, and is rolled back then.
func (tx *Transaction) Commit(t Token) error {
	tx.forceParked() // what the connection sent before goes first
	err := tx.advance(txOpen, txCommitting, "commit")
	if err != nil {
		return err
	}
	if err = tx.failure(); err == nil {
		err = tx.locate(tx.c)
	}
	if err != nil {
		tx.undo()
		return err
	}
	tx.apply(t, nil, nil)
	return nil
}

// apply commits all that the transaction does, and what more adds. Everything that its connection
// sent outside of it before goes first.
func (tx *Transaction) apply(t Token, then func(error), more func(*store.Batch)) {
	c := tx.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commitLocked()
	c.confirmSettled() // before the commit is
	c.inflight.Add(1)
	batch := store.GetBatch()
	u := &burst{batch: batch, c: c}
	k := tx.build(u)
	k.t, k.then = t, then
	if more != nil {
		more(batch)
	}
	batch.User = k
	batch.Done = commitDone
	tx.b.flow.pending(k.bytes)
	u.commit(tx.b)
}

func commitDone(batch *store.Batch, err error) {
	k := batch.User.(*commit)
	tx, b := k.tx, k.tx.b
	b.flow.done(k.bytes)
	if err == nil {
		b.arrive(batch, k.targets, k.marks)
		if len(k.jobs) > 0 {
			b.scheduler.Added(k.jobs...)
		}
		for _, e := range tx.accepted {
			e.consumer.Committed(e.numbers)
		}
		for _, r := range tx.rejected {
			r.consumer.Committed([]uint64{r.number})
		}
		tx.letGo()
		b.total.DeadLettered.Add(k.letters)
		tx.over()
	} else {
		go tx.undo()
	}
	b.rememberAll(k.remembered, err)
	forgetAll(k.taken, err)
	err = storeFault("commit", err)
	if tx.c != nil {
		tx.c.inflight.Add(-1)
		if k.t != 0 {
			tx.c.handler.Confirmed(k.t, err)
		}
		b.done.touch(nil, tx.c)
	}
	if k.then != nil {
		k.then(err)
	}
	store.PutBatch(batch)
}

// letGo makes what the transaction holds unsettled again, once it is committed. It runs on the
// store's goroutine.
func (tx *Transaction) letGo() {
	for _, e := range tx.held {
		if giveBack := e.consumer.Undecided(e.numbers); giveBack != nil {
			go giveBack() // it takes locks, which a store's goroutine must not wait for
		}
	}
}

// over forgets the transaction. Its messages belong to their queues now, or to nobody.
func (tx *Transaction) over() {
	tx.mu.Lock()
	tx.state = txOver
	tx.b.env.Memory.Add(-tx.bytes)
	tx.bytes = 0
	tx.sends, tx.accepted, tx.rejected, tx.held = nil, nil, nil, nil
	xid := tx.xid
	tx.mu.Unlock()
	if tx.c != nil {
		tx.c.state.Lock()
		delete(tx.c.txs, tx)
		tx.c.state.Unlock()
	}
	if xid != "" {
		tx.b.forgetBranch(xid, tx)
	}
}

// Rollback drops the transaction's sends and makes its deliveries unsettled again.
func (tx *Transaction) Rollback() error {
	if err := tx.advance(txOpen, txCommitting, "rollback"); err != nil {
		return err
	}
	tx.undo()
	return nil
}

func (tx *Transaction) undo() {
	tx.mu.Lock()
	accepted, rejected, held := tx.accepted, tx.rejected, tx.held
	tx.mu.Unlock()
	for _, e := range held {
		e.consumer.RolledBack(e.numbers)
	}
	for _, e := range accepted {
		e.consumer.RolledBack(e.numbers)
	}
	for _, r := range rejected {
		r.consumer.RolledBack([]uint64{r.number})
	}
	tx.over()
}

// abandon is what the loss of the connection does: a local transaction is rolled back, a
// prepared one waits for its coordinator.
func (tx *Transaction) abandon() {
	if tx.advance(txOpen, txCommitting, "close") == nil {
		tx.undo()
	}
}
