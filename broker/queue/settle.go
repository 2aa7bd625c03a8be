package queue

import (
	"bytes"
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/store"
)

// Taken is an entry that left a consumer or a queue, with the queue that it belongs to.
type Taken struct {
	Queue *Queue
	Entry Entry
}

var takenPool = sync.Pool{New: func() any { return new([]Taken) }}

// Accept settles the unsettled deliveries in first..last as consumed. Acknowledgements of
// stored entries are added to b, which the caller commits. It returns how many there were.
func (c *Consumer) Accept(first, last uint64, b *store.Batch) (settled int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last = max(first, c.first), min(last, c.last.Load())
	defer c.freed(c.live)
	var run settledRun
	for n := first; n <= last && c.live > 0; n++ {
		s := c.unsettledAt(n)
		if s == nil {
			continue
		}
		run.add(s.q, &s.e, b)
		if run.tell {
			run.q.env.Tell(Told{Queue: run.q, What: TellConsumed, Message: s.e.Msg, Consumer: c})
		}
		c.drop(n, s)
		settled++
	}
	run.end()
	return settled
}

// settledRun adds up what leaves a queue, so that its counters are touched once per run.
type settledRun struct {
	q              *Queue
	entries, bytes int64
	tell           bool // of what is consumed
}

func (r *settledRun) add(q *Queue, e *Entry, b *store.Batch) {
	if r.q != q {
		r.end()
		*r = settledRun{q: q, tell: q.options.Load().Tell&TellConsumed != 0}
	}
	r.entries++
	r.bytes += e.size()
	if e.stored() && !q.isPurged(e) {
		b.Ack(e.Ref)
	}
}

func (r *settledRun) end() {
	if r.q == nil {
		return
	}
	r.q.counters.Dequeued.Add(r.entries)
	r.q.counters.InFlight.Add(-r.entries)
	r.q.env.Memory.Add(-r.bytes)
	r.q.forget(r.entries, r.bytes)
}

// Return gives the unsettled deliveries in first..last back to their queues. With counted
// they count as failed deliveries and come again flagged redelivered. notBefore, in Unix
// milliseconds, delays them; 0 does not. It returns how many there were.
func (c *Consumer) Return(first, last uint64, counted bool, notBefore int64) int {
	list := takenPool.Get().(*[]Taken)
	*list = c.TakeRange(first, last, (*list)[:0])
	n := len(*list)
	giveBack(*list, counted, notBefore)
	clear(*list)
	takenPool.Put(list)
	return n
}

// TakeRange removes the unsettled deliveries in first..last from the consumer and appends
// them to dst. They still belong to their queues: the caller must give each an outcome.
func (c *Consumer) TakeRange(first, last uint64, dst []Taken) []Taken {
	return c.takeOf(nil, first, last, dst)
}

// takeOf is TakeRange for the deliveries of one queue; nil stands for all.
func (c *Consumer) takeOf(q *Queue, first, last uint64, dst []Taken) []Taken {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.freed(c.live)
	first, last = max(first, c.first), min(last, c.last.Load())
	for n := first; n <= last && c.live > 0; n++ {
		if s := c.unsettledAt(n); s != nil && (q == nil || s.q == q) {
			dst = append(dst, c.release(s))
			c.drop(n, s)
		}
	}
	return dst
}

// release returns an entry as its queue has it: a consumer that has a home leaves its tags and
// notes on that alone.
func (c *Consumer) release(s *slot) Taken {
	k := Taken{s.q, s.e}
	if c.Home != nil && c.Home != s.q {
		k.Entry.Tag, k.Entry.Phase, k.Entry.Note = 0, 0, nil
	}
	return k
}

// giveBack returns entries to their queues, one hold of each queue's lock per run.
func giveBack(list []Taken, counted bool, notBefore int64) {
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && list[j].Queue == list[i].Queue {
			j++
		}
		q := list[i].Queue
		returned(list[i:j], counted, notBefore)
		q.giveBack(list[i:j], counted, counted || notBefore != 0)
		i = j
	}
}

// returned marks entries as those that come back.
func returned(list []Taken, counted bool, notBefore int64) {
	for i := range list {
		e := &list[i].Entry
		e.Flags = e.Flags&^FirstInGroup | Acquired
		e.NotBefore = notBefore
		if counted {
			e.Count++
			e.Flags |= Redelivered
		}
	}
}

// GiveBack returns entries that TakeRange took to their queues.
func GiveBack(list []Taken, counted bool, notBefore int64) { giveBack(list, counted, notBefore) }

// Forget ends entries that TakeRange took, without a word to the store: the caller's batch
// has acknowledged them.
func Forget(list []Taken) {
	var run settledRun
	var none store.Batch
	for i := range list {
		e := list[i].Entry
		e.Ref.List = 0
		run.add(list[i].Queue, &e, &none)
	}
	run.end()
}

// Enlist leaves the decision on unsettled deliveries in first..last to a transaction, which the
// caller has numbered, and returns their numbers, appended to dst.
func (c *Consumer) Enlist(first, last uint64, by uint32, dst []uint64) []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last = max(first, c.first), min(last, c.last.Load())
	for n := first; n <= last && c.live > 0; n++ {
		if s := c.unsettledAt(n); s != nil {
			s.enlisted, s.by = true, by
			c.enlisted++
			dst = append(dst, n)
		}
	}
	return dst
}

// Enlisted returns an enlisted delivery's entry, for the transaction to acknowledge.
func (c *Consumer) Enlisted(n uint64) (Taken, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.slotAt(n); s != nil && s.enlisted {
		return Taken{s.q, s.e}, true
	}
	return Taken{}, false
}

// EnlistedBy reports whether deliveries in first..last are left to a transaction, and whether any
// are to others.
func (c *Consumer) EnlistedBy(first, last uint64, by uint32) (own, others bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last = max(first, c.first), min(last, c.last.Load())
	for n := first; n <= last && c.enlisted > 0; n++ {
		if s := c.slotAt(n); s != nil && s.enlisted {
			own, others = own || s.by == by, others || s.by != by
		}
	}
	return own, others
}

// FindEnlisted returns the number of the first enlisted delivery of a message whose identifier has a
// text.
func (c *Consumer) FindEnlisted(id []byte) (number uint64, ok bool) {
	var buf [128]byte
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := c.first; c.enlisted > 0 && n <= c.last.Load(); n++ {
		if s := c.slotAt(n); s != nil && s.enlisted && bytes.Equal(s.e.Msg.ID.Append(buf[:0]), id) {
			return n, true
		}
	}
	return 0, false
}

// Committed ends enlisted deliveries whose transaction is on disk.
func (c *Consumer) Committed(numbers []uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.freed(c.live)
	var run settledRun
	var none store.Batch
	for _, n := range numbers {
		if s := c.slotAt(n); s != nil && s.enlisted {
			if len(c.parted) > 0 && run.q != s.q {
				go s.q.decided() // this may be the store's goroutine, which must not wait for a queue
			}
			s.e.Ref.List = 0 // the transaction's batch has acknowledged it
			run.add(s.q, &s.e, &none)
			if run.tell {
				run.q.env.Tell(Told{Queue: run.q, What: TellConsumed, Message: s.e.Msg, Consumer: c})
			}
			c.drop(n, s)
		}
	}
	run.end()
}

// RolledBack makes enlisted deliveries unsettled again. If the consumer was closed meanwhile
// they go back to their queues, counted.
func (c *Consumer) RolledBack(numbers []uint64) {
	if giveBack := c.Undecided(numbers); giveBack != nil {
		giveBack()
	}
}

// Undecided makes enlisted deliveries unsettled again. If the consumer was closed meanwhile, they go
// back to their queues, counted, by the function that it returns, which takes locks; nil if there is
// nothing for it to do.
func (c *Consumer) Undecided(numbers []uint64) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.freed(c.live)
	var back []Taken
	for _, n := range numbers {
		s := c.slotAt(n)
		if s == nil || !s.enlisted {
			continue
		}
		s.enlisted = false
		c.enlisted--
		if c.isClosed() {
			back = append(back, c.release(s))
			c.drop(n, s)
		}
	}
	if len(back) == 0 && len(c.parted) == 0 {
		return nil
	}
	c.returning++
	return func() {
		giveBack(back, true, 0)
		c.mu.Lock()
		c.returning--
		queues := slices.Clone(c.parted) // any of them may have looked meanwhile, and goes on waiting
		c.mu.Unlock()
		for _, q := range queues {
			q.decided()
		}
	}
}

// freed gives back what the consumer has used less of its allowance than it had. The caller holds
// c.mu.
func (c *Consumer) freed(before int) { c.Allowance.give(int64(before - c.live)) }

// Close detaches the consumer from its queues. Unsettled deliveries numbered up to
// deliveredUpTo go back counted, the others as if they had never left; enlisted ones stay
// with their transactions. It may be called twice.
func (c *Consumer) Close(deliveredUpTo uint64) {
	c.stopped.Or(closed)
	if c.browse != nil {
		c.offer() // it notices that it is closed
	}
	c.mu.Lock()
	queues := c.queues
	c.queues = nil
	if c.Track != nil {
		deliveredUpTo = min(deliveredUpTo, c.handed) // the others were waiting for their tags
	}
	c.mu.Unlock()
	for _, q := range queues {
		q.leave(c, deliveredUpTo)
	}
	// Of queues that it had left before.
	var list []Taken
	list = c.TakeRange(0, deliveredUpTo, list)
	giveBack(list, true, 0)
	list = c.TakeRange(deliveredUpTo+1, ^uint64(0), list[:0])
	giveBack(list, false, 0)
	for _, q := range queues {
		q.Kick()
	}
}

// Abort closes the consumer from the broker's side and tells its sink.
func (c *Consumer) Abort(err error) {
	if c.stopped.Or(closed)&closed != 0 {
		return
	}
	c.Close(c.last.Load())
	c.sink.Closed(c, err)
	c.sink.Wake()
}

// Stored reports whether the store holds the entry and must be told of its end.
func (t *Taken) Stored() bool { return t.Entry.stored() && !t.Queue.isPurged(&t.Entry) }
