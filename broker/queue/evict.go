package queue

import (
	"slices"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Eviction says which messages a queue drops that keeps only so many.
type Eviction uint8

// The evictions, by ActiveMQ's names.
const (
	// EvictOldest drops the oldest.
	EvictOldest Eviction = iota
	// EvictLowestPriority drops the oldest of those with the lowest priority.
	EvictLowestPriority
	// EvictSameProperty drops those that have a later one with the same value of a property behind
	// them, and the oldest if there is none.
	EvictSameProperty
)

// evict drops messages of a queue that keeps only so many of what waits. What overflowed comes
// through the window for that, no more of it than is to go. The caller holds the dispatch lock.
func (q *Queue) evict(o *Options) {
	over := q.waiting() - o.Pending
	if over <= 0 {
		return
	}
	v := victims{q: q, tell: o.Tell&TellDiscarded != 0}
	for i := range q.levels { // the lowest priority first
		l := &q.levels[i]
		switch o.Eviction {
		case EvictLowestPriority:
			over -= v.lowest(l, over)
		case EvictSameProperty:
			over -= v.same(l, o.EvictionProperty)
		}
		for ; over > 0 && l.live > 0; over-- {
			v.drop(l, l.head)
		}
		if over > 0 {
			q.startPage(l, int(min(over, pageEntries)))
		}
	}
	if v.batch != nil {
		q.env.Store.Commit(v.batch)
	}
}

// waiting returns how many messages wait in windows and tails. The caller holds the dispatch lock.
func (q *Queue) waiting() int64 {
	n := q.tailEntries
	for i := range q.levels {
		n += int64(q.levels[i].live + len(q.levels[i].late))
	}
	return n
}

// victims are what one eviction drops.
type victims struct {
	q     *Queue
	tell  bool
	batch *store.Batch // of those that the store has
}

func (v *victims) drop(l *level, seq uint64) {
	q, e := v.q, l.at(seq)
	size := e.size()
	if e.stored() {
		if v.batch == nil {
			v.batch = store.GetBatch()
			v.batch.Done = putBatch
		}
		v.batch.Ack(e.Ref)
	}
	n := q.counters.Evicts.Add(1)
	if v.tell {
		q.env.Tell(Told{Queue: q, What: TellDiscarded, Message: e.Msg, Consumer: q.first(), Count: n})
	}
	q.withdrawn(e)
	l.take(seq)
	q.env.Memory.Add(-size)
	q.forget(1, size)
}

// lowest drops up to most messages of a level, those of the lowest priority first.
func (v *victims) lowest(l *level, most int64) (dropped int64) {
	var all [10]int64
	for seq := l.head; seq < l.end; seq++ {
		if e := l.at(seq); e.Msg != nil {
			all[min(e.Msg.Priority, 9)]++
		}
	}
	var share [10]int64
	for p, left := 0, most; p < len(all) && left > 0; p++ {
		share[p] = min(all[p], left)
		left -= share[p]
	}
	for seq := l.head; seq < l.end && dropped < most; seq = l.next(seq) {
		e := l.at(seq)
		if e.Msg == nil {
			continue
		}
		if p := min(e.Msg.Priority, 9); share[p] > 0 {
			share[p]--
			dropped++
			v.drop(l, seq)
		}
	}
	return dropped
}

// same drops each message of a level that has a later one with the same value of a property.
func (v *victims) same(l *level, property string) (dropped int64) {
	seen := make(map[string]struct{}, l.live)
	for seq := l.end; seq > l.head; {
		seq--
		e := l.at(seq)
		if e.Msg == nil {
			continue
		}
		value, ok := e.Msg.Property(property)
		if !ok {
			continue
		}
		key := value.Text()
		if _, later := seen[key]; later {
			v.drop(l, seq)
			dropped++
			continue
		}
		seen[key] = struct{}{}
	}
	return dropped
}

// overflow takes the oldest messages off a queue that holds more than its bounds, and leaves to
// Env.Remove what becomes of them. Those with consumers don't count. The caller holds the dispatch
// lock.
func (r *runner) overflow(o *Options) {
	q := r.q
	if o.MaxEntries <= 0 && o.MaxBytes <= 0 {
		return
	}
	entries, bytes := q.waiting()+int64(len(q.front)), q.tailBytes
	for i := range q.levels {
		bytes += q.levels[i].bytes + q.levels[i].lateBytes()
	}
	for i := range q.front {
		bytes += q.front[i].size()
	}
	over := func() bool { return o.MaxEntries > 0 && entries > o.MaxEntries || o.MaxBytes > 0 && bytes > o.MaxBytes }
	remove := func(e *Entry) {
		entries--
		bytes -= e.size()
		q.counters.Evicts.Add(1)
		q.counters.InFlight.Add(1) // until it is forgotten, it counts as being handled
		q.withdrawn(e)
		r.over = append(r.over, Taken{q, *e})
	}
	n := 0
	for ; n < len(q.front) && over(); n++ { // what came back is the oldest
		remove(&q.front[n])
	}
	kept := copy(q.front, q.front[n:])
	clear(q.front[kept:])
	q.front = q.front[:kept]
	for i := range q.levels { // the lowest priority first
		l := &q.levels[i]
		for over() && l.live > 0 {
			remove(l.at(l.head))
			l.take(l.head)
		}
		if over() {
			q.startPage(l, pageEntries)
		}
	}
}

// Tell is what a queue tells Env of.
type Tell uint8

// What there is to tell.
const (
	TellDispatched Tell = 1 << iota // a message was handed to a consumer
	TellConsumed                    // a consumer has settled a message
	TellDiscarded                   // a message was dropped, as its consumer is too slow
	TellSlow                        // a consumer has used up its credit while messages wait
)

// Told is one thing that a queue tells.
type Told struct {
	Queue    *Queue
	What     Tell
	Message  *message.Message // nil of TellSlow
	Consumer *Consumer        // nil if it is gone
	Count    int64            // of TellDiscarded: how many messages the queue has dropped
}

// first returns the consumer that is served first, or nil.
func (q *Queue) first() *Consumer {
	if len(q.consumers) == 0 {
		return nil
	}
	return q.consumers[0].Consumer
}

// noteSlow tells of consumers that have become slow. The caller holds the dispatch lock.
func (q *Queue) noteSlow(o *Options) {
	if o.Tell&TellSlow == 0 {
		return
	}
	backlog := q.waiting()+int64(len(q.front)) > 0
	for _, s := range q.consumers {
		full := s.full()
		if full && backlog && !s.slow {
			q.env.Tell(Told{Queue: q, What: TellSlow, Consumer: s.Consumer})
		}
		s.slow = full && (backlog || s.slow)
	}
}

// full reports whether a consumer that had credit has used it up, or can't be written to. One that
// asks for each message is full while it keeps some.
func (c *Consumer) full() bool {
	if c.stopped.Load()&choked != 0 {
		return true
	}
	if last := c.last.Load(); last == 0 || last < c.limit.Load() {
		return false
	}
	return !c.Pulls || c.Unsettled() > 0
}

// Slow reports whether the consumer has used up its credit, or can't be written to, while messages
// wait for it.
func (c *Consumer) Slow() bool {
	if c.isClosed() || !c.full() {
		return false
	}
	c.mu.Lock()
	queues := slices.Clone(c.queues)
	c.mu.Unlock()
	for _, q := range queues {
		if n := q.Counters(); n.Entries.Load() > n.InFlight.Load() {
			return true
		}
	}
	return false
}
