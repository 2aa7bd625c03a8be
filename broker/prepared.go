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

// branch is what a prepared transaction is beside a local one.
type branch struct {
	xid   string
	parts []store.ID // large bodies that its record names
	// recovered is its batch, as it was found at the start. What that acknowledges is locked: it is
	// enlisted with a consumer that is closed.
	recovered *store.Batch
}

// Prepare makes the transaction durable under an xid, without letting it take effect. From
// then on it outlives the connection and restarts, until CommitPrepared or RollbackPrepared, with
// its non-durable messages. The token is confirmed when it is on disk. On error the transaction
// stays open, for its coordinator to roll back.
func (tx *Transaction) Prepare(xid string, t Token) error {
	tx.forceParked()
	err := tx.advance(txOpen, txPreparing, "prepare")
	if err != nil {
		return err
	}
	if err = tx.failure(); err == nil {
		err = tx.locate(tx.c)
	}
	if err == nil && len(tx.held) > 0 {
		err = fault.New(fault.Unsupported, "prepare", xid, "deliveries can't be held by a prepared branch")
	}
	if err == nil {
		err = tx.b.enterBranch(xid, tx)
	}
	if err != nil {
		tx.setState(txOpen)
		return err
	}
	content, batch := store.GetBatch(), store.GetBatch()
	tx.build(&burst{batch: content, c: tx.c, branch: true})
	tx.mu.Lock()
	tx.xid, tx.parts = xid, partsOf(content)
	tx.mu.Unlock()
	batch.Durability = store.Durable
	batch.PutRecord(store.Prepared, []byte(xid), content.Marshal(nil))
	store.PutBatch(content)
	tx.b.confirmWhenDone(batch, "prepare", tx.c, t)
	tx.setState(txPrepared) // not before: the record is deleted by what comes now
	return nil
}

func (tx *Transaction) setState(s txState) {
	tx.mu.Lock()
	tx.state = s
	tx.mu.Unlock()
}

// partsOf returns the identifiers of the large bodies that a batch names.
func partsOf(batch *store.Batch) (ids []store.ID) {
	for i := range batch.Ops() {
		if op := &batch.Ops()[i]; op.Parts > 0 && (op.Kind == store.OpAppend || op.Kind == store.OpFanout) {
			ids = append(ids, op.PartsID)
		}
	}
	return ids
}

// enterBranch takes an xid.
func (b *Broker) enterBranch(xid string, tx *Transaction) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.branches[xid] != nil {
		return fault.New(fault.Exists, "prepare", xid, "a branch with this xid is prepared already")
	}
	b.branches[xid] = tx
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

// decide finds a prepared branch whose end is asked for; nobody else may end it from then on.
func (b *Broker) decide(op, xid string) (*Transaction, error) {
	b.mu.RLock()
	tx := b.branches[xid]
	b.mu.RUnlock()
	if tx != nil {
		tx.mu.Lock()
		defer tx.mu.Unlock()
		if tx.state == txPrepared {
			tx.state = txCommitting
			return tx, nil
		}
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
// is on disk; it must not block. On error the branch stays prepared. It blocks only on reading large
// bodies of a branch that was prepared before the last start.
func (b *Broker) CommitPrepared(xid string, then func(error)) error {
	tx, err := b.decide("commit", xid)
	if err != nil {
		return err
	}
	if tx.recovered != nil {
		err = tx.commitRecovered(then)
	} else if err = tx.locate(nil); err == nil {
		tx.apply(0, then, tx.end)
	}
	if err != nil {
		tx.setState(txPrepared)
	}
	return err
}

// end adds the end of the branch's record to a batch, and that of bodies which nothing else names.
func (tx *Transaction) end(batch *store.Batch) {
	batch.Durability = store.Durable
	batch.DeleteRecord(store.Prepared, []byte(tx.xid))
	for _, id := range tx.parts {
		batch.DropParts(id)
	}
}

// RollbackPrepared undoes a prepared branch. then is called with the outcome when that is on
// disk; it must not block. What a branch acknowledged that was prepared before the last start goes
// back to its queues as delivered before.
func (b *Broker) RollbackPrepared(xid string, then func(error)) error {
	tx, err := b.decide("rollback", xid)
	if err != nil {
		return err
	}
	batch := store.GetBatch()
	tx.end(batch)
	batch.Done = func(sb *store.Batch, err error) {
		store.PutBatch(sb)
		go func() { // giving back takes locks, which a store's goroutine must not wait for
			tx.undo()
			if then != nil {
				then(storeFault("rollback", err))
			}
		}()
	}
	b.store.Commit(batch)
	return nil
}

// recoverBranch reads a prepared branch and locks the entries that it acknowledges. It runs
// before anything is dispatched.
func (b *Broker) recoverBranch(ctx context.Context, xid string, value []byte, byList map[store.ListID]*holder) error {
	batch := new(store.Batch)
	if err := batch.Unmarshal(value); err != nil {
		return fault.Wrap(fault.Internal, "recover", "prepared branch "+xid, err)
	}
	refs := make(map[store.ListID][]store.Ref)
	for i := range batch.Ops() {
		op := &batch.Ops()[i]
		if op.Kind == store.OpAck && byList[op.List] != nil {
			refs[op.List] = append(refs[op.List], store.Ref{ID: op.ID, List: op.List, Prio: op.Prio, Flag: op.Flag, Size: op.Size})
		}
	}
	tx := &Transaction{b: b, state: txPrepared, branch: branch{xid: xid, parts: partsOf(batch), recovered: batch}}
	locker := queue.NewConsumer(b.env, queue.ConsumerOptions{}, nil)
	for list, refs := range refs {
		numbers, err := byList[list].queue.Lock(ctx, refs, locker)
		if err != nil {
			return err
		}
		tx.accepted = append(tx.accepted, enlisted{locker, numbers})
	}
	b.branches[xid] = tx
	return nil
}

// commitRecovered commits the batch of a branch that was prepared before the last start.
func (tx *Transaction) commitRecovered(then func(error)) error {
	b, batch := tx.b, tx.recovered
	u := &burst{batch: batch}
	holders := b.holdersOf(batch)
	var orphans []store.ListID   // of queues and subscriptions that were deleted meanwhile
	var again []*message.Message // queues are made anew; a subscription's copy ends with it
	var anew []holder            // for them
	var keeps []int              // operations by which topics keep messages
	slot := int32(-1)            // of the batch's Refs
	messages, err := b.messagesOf(batch)
	if err != nil {
		return err
	}
	messages, asked := u.dropKnown(b, messages)
	for i := range batch.Ops() {
		op := &batch.Ops()[i]
		if op.Bucket == store.Retained && (op.Kind == store.OpPutRecord || op.Kind == store.OpDeleteRecord) {
			keeps = append(keeps, i)
		}
		if op.Kind != store.OpAppend && op.Kind != store.OpTarget {
			continue
		}
		slot++
		h, m := holders[op.List], messages[slot]
		switch {
		case h.queue != nil:
			u.targets = append(u.targets, target{h.queue, m, append([]byte(nil), batch.Bytes(op.Note)...), slot, false})
			continue
		case m.Address.Kind == address.Queue:
			d, err := b.resolve(nil, "commit", m.Address)
			if err != nil {
				forgetAll(u.taken, err)
				return err
			}
			if asked[slot] || !u.repeats(d, m) {
				again, anew = append(again, m), append(anew, d.holder())
			}
		}
		orphans = append(orphans, op.List)
	}
	for _, h := range holders {
		if h.queue != nil {
			b.markFor(h.queue, batch, &u.marks)
		}
	}
	for _, list := range orphans {
		queue.DropList(batch, list)
	}
	for i, m := range again {
		u.toQueue(b, &anew[i], m, nil)
	}
	for _, i := range keeps {
		if err := u.recoverKeep(b, &batch.Ops()[i]); err != nil {
			b.Log.Error("prepared branch", "xid", tx.xid, "error", err)
		}
	}
	tx.parts = nil // its entries name them now
	tx.end(batch)
	batch.User = &commit{tx: tx, targets: u.targets, marks: u.marks, taken: u.taken, then: func(err error) {
		if err == nil {
			b.rescanSchedule()
		}
		if then != nil {
			then(err)
		}
	}}
	batch.Done = commitDone
	u.commit(b)
	return nil
}

// dropKnown takes what destinations have taken before out of the batch of a recovered branch, and lets
// them remember the rest. list has the message of each element of the batch's Refs; that of what is
// left is returned, and whether there was a destination to ask.
func (u *burst) dropKnown(b *Broker, list []*message.Message) (left []*message.Message, asked []bool) {
	var gone []bool // by the number of the message
	slot, drop, there := 0, false, false
	var parts []store.ID
	ops := u.batch.Ops() // without the records to come
	for i := range ops {
		op := &ops[i]
		switch op.Kind {
		case store.OpAppend, store.OpFanout:
			m := list[slot]
			d := b.Lookup(m.Address)
			there = d != nil
			drop = there && u.repeats(d, m)
			if gone = append(gone, drop); drop && op.Parts > 0 {
				parts = append(parts, op.PartsID)
			}
		}
		if op.Kind == store.OpAppend || op.Kind == store.OpTarget {
			if !drop {
				left, asked = append(left, list[slot]), append(asked, there)
			}
			slot++
		}
	}
	u.batch.DropMessages(func(n int) bool { return gone[n] })
	for _, id := range parts {
		u.batch.DropParts(id)
	}
	return left, asked
}

// repeats reports whether a message of a recovered branch is one that its destination has taken before.
// What the branch has rejected goes to its dead-letter queue, known or not.
func (u *burst) repeats(d *Destination, m *message.Message) bool {
	if d.seen.Load() == nil {
		return false
	}
	_, dead := m.Property(propFailureCause)
	return !dead && u.known(d, m, d.Policy())
}

// messagesOf reads the messages that a batch appends, one for each element of its Refs.
func (b *Broker) messagesOf(batch *store.Batch) (list []*message.Message, err error) {
	var m *message.Message
	for i := range batch.Ops() {
		op := &batch.Ops()[i]
		if op.Kind == store.OpAppend || op.Kind == store.OpFanout {
			head, body := append([]byte(nil), batch.Bytes(op.Head)...), append([]byte(nil), batch.Bytes(op.Body)...)
			for part := range op.Parts {
				if body, err = b.store.ReadPart(context.Background(), op.PartsID, part, body); err != nil {
					return nil, storeFault("commit", err)
				}
			}
			if m, err = message.Decode(head, body, b.env.Formats); err != nil {
				return nil, err
			}
		}
		if op.Kind == store.OpAppend || op.Kind == store.OpTarget {
			list = append(list, m)
		}
	}
	return list, nil
}

// holdersOf finds the queues of the lists that a batch appends to. Those that are gone have no
// queue.
func (b *Broker) holdersOf(batch *store.Batch) map[store.ListID]holder {
	found := make(map[store.ListID]holder)
	for i := range batch.Ops() {
		if op := &batch.Ops()[i]; op.Kind == store.OpAppend || op.Kind == store.OpTarget {
			found[op.List] = holder{}
		}
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, d := range b.destinations {
		if d.queue == nil {
			continue
		}
		if _, ok := found[d.queue.List()]; ok {
			found[d.queue.List()] = d.holder()
		}
	}
	for _, d := range b.durables {
		if _, ok := found[d.rec.List]; ok {
			found[d.rec.List] = d.binding.to
		}
	}
	for _, s := range b.allSessions() {
		if _, ok := found[s.list]; ok {
			found[s.list] = holder{queue: s.queue, durable: true}
		}
	}
	return found
}

// addressOf parses a recorded address.
func addressOf(s string) address.Address { return address.Parse(s, address.Queue) }
