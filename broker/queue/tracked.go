package queue

import "github.com/manifoldmq/manifold/store"

// track gives an entry its tag, if it has none, and adds that to the batch that goes before
// what is staged. The caller holds c.mu and the lock of the entry's queue.
func (c *Consumer) track(e *Entry) {
	if e.Tag != 0 {
		return
	}
	if e.Tag = c.Track(e.Msg, e.Note); e.Tag == 0 || !e.stored() {
		return
	}
	if c.tracking == nil {
		c.tracking = store.GetBatch()
	}
	e.Ref = c.tracking.Update(e.Ref, e.state())
}

// trackedRun is a run of deliveries that waits until its tags are on disk.
type trackedRun struct {
	c  *Consumer
	ds []Delivery
}

// flushTracked lets what is staged reach the sink as soon as its tags are on disk. Runs without
// tags wait behind those that have some, so that the order is kept. The caller holds c.mu.
func (c *Consumer) flushTracked() {
	batch := c.tracking
	c.tracking = nil
	if batch == nil {
		batch = store.GetBatch()
	} else {
		batch.Durability = store.Durable
	}
	batch.User = &trackedRun{c, append([]Delivery(nil), c.staged...)}
	batch.Done = tracked
	clear(c.staged)
	c.staged, c.stagedBytes = c.staged[:0], 0
	c.env.Store.Commit(batch)
}

func tracked(b *store.Batch, err error) {
	r := b.User.(*trackedRun)
	store.PutBatch(b)
	if err != nil {
		return // the store has stopped, and with it the broker
	}
	r.c.mu.Lock()
	r.c.hand(r.ds)
	r.c.mu.Unlock()
	r.c.sink.Wake()
}

// SetPhase records durably how far the hand-over of a tracked delivery has come. The update is
// added to b, which the caller commits. It returns false if the delivery has an outcome already.
func (c *Consumer) SetPhase(n uint64, phase uint8, b *store.Batch) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.unsettledAt(n)
	if s == nil {
		return false
	}
	s.e.Phase = phase
	if s.e.stored() && !s.q.isPurged(&s.e) {
		s.e.Ref = b.Update(s.e.Ref, s.e.state())
	}
	return true
}
