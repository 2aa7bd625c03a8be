package queue

import "github.com/manifoldmq/manifold/store"

// track gives an entry its tag, if it has none. A durable one is added to the batch that goes
// before what is staged, and if the entry is not on the consumer's home queue, so is its move
// there, which track reports. The caller holds c.mu and the lock of the entry's queue.
func (c *Consumer) track(q *Queue, e *Entry, n uint64, hidden *EntryFlags) (moves bool) {
	tag, durable := c.Track(e.Msg, e.Note, e.Tag)
	if e.Tag != 0 {
		return false
	}
	e.Tag = tag
	if durable && tag != 0 {
		*hidden |= Redelivered // it would have a tag if it had been sent before
	}
	away := c.Home != nil && c.Home != q
	if tag == 0 || !durable || !away && !e.stored() {
		return false
	}
	if c.tracking == nil {
		c.tracking = store.GetBatch()
	}
	if away {
		c.move(q, e, n)
		return true
	}
	e.Ref = c.tracking.Update(e.Ref, e.state())
	return false
}

// trackedRun is a run of deliveries that waits until its tags are on disk.
type trackedRun struct {
	c       *Consumer
	ds      []Delivery
	moves   []moving
	drained bool // and then the drain is over
}

// flushTracked lets what is staged reach the sink as soon as its tags are on disk, and then, if so,
// the end of a drain. Runs without tags wait behind those that have some, so that the order is kept.
// The caller holds c.mu.
func (c *Consumer) flushTracked(drained bool) {
	batch := c.tracking
	c.tracking = nil
	if batch == nil {
		batch = store.GetBatch()
	} else {
		batch.Durability = store.Durable
	}
	batch.User = &trackedRun{c, append([]Delivery(nil), c.staged...), c.moves, drained}
	batch.Done = tracked
	if len(c.moves) > 0 {
		c.moveRuns.Add(1)
	}
	clear(c.staged)
	c.staged, c.stagedBytes, c.moves = c.staged[:0], 0, nil
	c.trackedRuns++
	c.env.Store.Commit(batch)
}

func tracked(b *store.Batch, err error) {
	r := b.User.(*trackedRun)
	if err != nil {
		store.PutBatch(b)
		if len(r.moves) > 0 {
			r.c.moveRuns.Done()
		}
		return // the store has stopped, and with it the broker
	}
	r.c.mu.Lock()
	back := r.c.moved(b, r)
	r.c.trackedRuns--
	if !r.c.isClosed() { // otherwise they have gone back, and others may have them by now
		if len(r.ds) > 0 {
			r.c.hand(r.ds)
		}
		if r.drained {
			r.c.sink.Drained(r.c)
		}
	}
	r.c.mu.Unlock()
	store.PutBatch(b)
	switch {
	case len(back) > 0:
		go func() { // it takes a queue's lock, which a store's goroutine must not wait for
			giveBack(back, true, 0)
			r.c.moveRuns.Done()
		}()
	case len(r.moves) > 0:
		r.c.moveRuns.Done()
	}
	r.c.sink.Wake()
}

// SetPhase records how far the hand-over of a tracked delivery has come. It commits b, to which it
// adds that, and returns false, without doing so, if the delivery has an outcome already.
func (c *Consumer) SetPhase(n uint64, phase uint8, b *store.Batch) bool {
	c.mu.Lock()
	s := c.unsettledAt(n)
	if s == nil {
		c.mu.Unlock()
		return false
	}
	q := s.q
	c.mu.Unlock()
	// With the queue's lock, so that it can't be swapped with a purge or a return.
	q.lock()
	defer q.unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s = c.unsettledAt(n); s == nil {
		return false
	}
	s.e.Phase = phase
	if s.e.stored() && !q.isPurged(&s.e) {
		s.e.Ref = b.Update(s.e.Ref, s.e.state())
	}
	c.env.Store.Commit(b)
	return true
}
