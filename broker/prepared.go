package broker

import (
	"context"
	"slices"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// Prepare makes the transaction durable under an xid, without letting it take effect. From
// then on it outlives the connection and restarts, until CommitPrepared or RollbackPrepared.
// The token is confirmed when it is on disk.
func (tx *Transaction) Prepare(xid string, t Token) error {
	b := tx.b
	if err := tx.locate(tx.c); err != nil {
		return err // the transaction stays open, for its coordinator to roll back
	}
	tx.mu.Lock()
	if tx.state != txOpen {
		tx.mu.Unlock()
		return tx.stateFault("prepare")
	}
	b.mu.Lock()
	if b.branches[xid] != nil {
		b.mu.Unlock()
		tx.mu.Unlock()
		return fault.New(fault.Exists, "prepare", xid, "a branch with this xid is prepared already")
	}
	b.branches[xid] = tx
	b.mu.Unlock()
	tx.state, tx.xid = txPrepared, xid
	tx.mu.Unlock()
	content := store.GetBatch()
	tx.build(content)
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.PutRecord(store.Prepared, []byte(xid), content.Marshal(nil))
	store.PutBatch(content)
	b.confirmWhenDone(batch, "prepare", tx.c, t)
	return nil
}

// Prepared lists the xids of the prepared branches.
func (b *Broker) Prepared() []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := make([]string, 0, len(b.branches))
	for xid := range b.branches {
		list = append(list, xid)
	}
	slices.Sort(list)
	return list
}

func (b *Broker) branch(op, xid string) (*Transaction, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if tx := b.branches[xid]; tx != nil {
		return tx, nil
	}
	return nil, fault.New(fault.NotFound, op, xid, "no branch with this xid is prepared")
}

func (b *Broker) forgetBranch(xid string, tx *Transaction) {
	b.mu.Lock()
	if b.branches[xid] == tx {
		delete(b.branches, xid)
	}
	b.mu.Unlock()
}

// CommitPrepared lets a prepared branch take effect. then is called with the outcome when that
// is on disk; it must not block.
func (b *Broker) CommitPrepared(xid string, then func(error)) error {
	tx, err := b.branch("commit", xid)
	if err != nil {
		return err
	}
	return tx.commit(0, then)
}

// RollbackPrepared undoes a prepared branch. then is called with the outcome when that is on
// disk; it must not block.
func (b *Broker) RollbackPrepared(xid string, then func(error)) error {
	tx, err := b.branch("rollback", xid)
	if err != nil {
		return err
	}
	tx.mu.Lock()
	if tx.state != txPrepared {
		tx.mu.Unlock()
		return tx.stateFault("rollback")
	}
	tx.state = txCommitting
	tx.mu.Unlock()
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.DeleteRecord(store.Prepared, []byte(xid))
	batch.Done = func(sb *store.Batch, err error) {
		store.PutBatch(sb)
		go func() { // giving back takes locks, which a store's goroutine must not wait for
			if err == nil && tx.recovery != nil {
				tx.recovery.rollback()
			}
			tx.undo()
			if then != nil {
				then(storeFault("rollback", err))
			}
		}()
	}
	b.store.Commit(batch)
	return nil
}

// recoveredBranch is a prepared branch as it was found at the start: its operations, and the
// entries that it locks.
type recoveredBranch struct {
	b      *Broker
	batch  *store.Batch
	locked []queue.Taken
}

// recoverBranch reads a prepared branch and locks the entries that it acknowledges. It runs
// before anything is dispatched.
func (b *Broker) recoverBranch(ctx context.Context, xid string, value []byte, byList map[store.ListID]*holder) error {
	batch := new(store.Batch)
	if err := batch.Unmarshal(value); err != nil {
		return fault.Wrap(fault.Internal, "recover", "prepared branch "+xid, err)
	}
	r := &recoveredBranch{b: b, batch: batch}
	for i := range batch.Ops() {
		op := &batch.Ops()[i]
		if op.Kind != store.OpAck || byList[op.List] == nil {
			continue
		}
		q := byList[op.List].queue
		ref := store.Ref{ID: op.ID, List: op.List, Prio: op.Prio, Flag: op.Flag, Size: op.Size}
		taken, err := q.Lock(ctx, ref)
		if err != nil {
			return err
		}
		r.locked = append(r.locked, taken...)
	}
	tx := &Transaction{b: b, state: txPrepared, xid: xid, recovery: r}
	b.branches[xid] = tx
	return nil
}

func (r *recoveredBranch) commit(tx *Transaction, then func(error)) error {
	b := r.b
	k := &commit{tx: tx, then: then}
	refs := int32(0)
	var orphans []store.ListID // of queues and subscriptions that were deleted meanwhile
	var again []*message.Message
	for i := range r.batch.Ops() {
		op := &r.batch.Ops()[i]
		if op.Kind != store.OpAppend && op.Kind != store.OpTarget {
			continue
		}
		slot := refs
		refs++
		h := b.holderOfList(op.List)
		if h == nil {
			orphans = append(orphans, op.List)
		} else {
			b.markFor(h.queue, r.batch, &k.marks)
		}
		src := op
		for j := i; src.Kind == store.OpTarget; j-- {
			src = &r.batch.Ops()[j]
		}
		head := append([]byte(nil), r.batch.Bytes(src.Head)...)
		body := append([]byte(nil), r.batch.Bytes(src.Body)...)
		for part := range src.Parts {
			var err error
			if body, err = b.store.ReadPart(context.Background(), src.PartsID, part, body); err != nil {
				b.Log.Error("prepared branch", "xid", tx.xid, "error", err)
			}
		}
		m, err := message.Decode(head, body, b.env.Formats)
		if err != nil {
			b.Log.Error("prepared branch", "xid", tx.xid, "error", err)
			continue
		}
		switch {
		case h != nil:
			k.targets = append(k.targets, target{h.queue, m, nil, slot})
		case m.Address.Kind == address.Queue:
			again = append(again, m) // a queue is made anew; a subscription's copy ends with it
		}
	}
	anew := make([]holder, len(again))
	for i, m := range again {
		d, err := b.resolve(nil, "commit", m.Address)
		if err != nil {
			tx.mu.Lock()
			tx.state = txPrepared // and the batch is as it was, but for marks
			tx.mu.Unlock()
			return err
		}
		anew[i] = d.holder()
	}
	for _, list := range orphans {
		queue.DropList(r.batch, list)
	}
	u := &burst{batch: r.batch, targets: k.targets, marks: k.marks}
	for i, m := range again {
		u.toQueue(b, &anew[i], m, nil)
	}
	k.targets, k.marks = u.targets, u.marks
	locked := r.locked
	k.then = func(err error) {
		if err == nil {
			queue.Forget(locked)
			b.rescanSchedule()
		}
		if then != nil {
			then(err)
		}
	}
	r.batch.DeleteRecord(store.Prepared, []byte(tx.xid))
	r.batch.Durability = store.Durable
	r.batch.User = k
	r.batch.Done = commitDone
	b.store.Commit(r.batch)
	return nil
}

// rollback gives the entries back that consumers had seen before the stop.
func (r *recoveredBranch) rollback() { queue.GiveBack(r.locked, true, 0) }

// holderOfList finds the queue of a stored list.
func (b *Broker) holderOfList(list store.ListID) *holder {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, d := range b.destinations {
		if d.queue != nil && d.queue.List() == list {
			h := d.holder()
			return &h
		}
	}
	for _, d := range b.durables {
		if d.rec.List == list {
			return &d.binding.to
		}
	}
	return nil
}

// addressOf parses a recorded address.
func addressOf(s string) address.Address { return address.Parse(s, address.Queue) }
