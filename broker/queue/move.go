package queue

import (
	"context"
	"slices"

	"github.com/manifoldmq/manifold/store"
)

// moving is a delivery that leaves the queue where it was found for the consumer's home.
type moving struct {
	n    uint64
	slot int // of the batch's Refs: its new place
}

// move adds to the consumer's batch that an entry ends on its queue and begins on the consumer's
// home. The caller holds c.mu and the lock of q.
func (c *Consumer) move(q *Queue, e *Entry, n uint64) {
	b := c.tracking
	if e.stored() && !q.isPurged(e) {
		b.Ack(e.Ref)
	}
	slot := 0
	if list := c.Home.List(); list != 0 && e.Msg.Durable {
		var head []byte
		state := e.state()
		state.Deliveries, state.NotBefore = 0, 0
		slot = b.Append(store.Target{List: list, State: state, Note: e.Note}, c.Home.PrioOf(e.Msg), c.env.Encode(e.Msg, &head))
		if c.Moving != nil {
			c.Moving(b)
		}
	} else {
		slot = b.TakeID()
	}
	c.moves = append(c.moves, moving{n, slot})
}

// AwaitMoves returns when nothing is on its way to the home of a consumer that is closed. It blocks
// as long as the disk needs.
func (c *Consumer) AwaitMoves() { c.moveRuns.Wait() }

// moved lets the deliveries of a run that is on disk belong to the consumer's home. It returns
// those that are to go back there because the consumer has ended meanwhile. The caller holds c.mu.
func (c *Consumer) moved(b *store.Batch, r *trackedRun) (back []Taken) {
	held := c.live
	defer func() { c.freed(held) }()
	for _, m := range r.moves {
		s := c.slotAt(m.n)
		if s == nil {
			continue
		}
		old := s.e.size()
		from := s.q
		from.counters.Dequeued.Add(1)
		from.counters.InFlight.Add(-1)
		from.forget(1, old)

		home, ref := c.Home, b.Refs[m.slot]
		if ref.List == 0 {
			ref.Size, ref.Prio = s.e.Ref.Size, s.e.Ref.Prio
		}
		s.q, s.moving, s.e.Ref, s.e.Count, s.e.NotBefore = home, false, ref, 0, 0
		size := s.e.size()
		c.env.Memory.Add(size - old)
		home.counters.Enqueued.Add(1)
		home.counters.Dispatched.Add(1)
		home.counters.Entries.Add(1)
		home.counters.Bytes.Add(size)
		home.counters.InFlight.Add(1)
		if ref.List != 0 {
			home.intakeMu.Lock()
			home.intake = append(home.intake, Entry{Ref: ref, Flags: moved})
			home.intakeMu.Unlock()
		}
		for i := range r.ds {
			if r.ds[i].Number == m.n {
				r.ds[i].ID = ref.ID
			}
		}
		if c.isClosed() {
			back = append(back, Taken{home, s.e})
			c.drop(m.n, s)
		}
	}
	return back
}

// noteMoved takes the place of an entry that has moved here into account: the tail must not bring
// it once more. The caller holds the dispatch lock.
func (q *Queue) noteMoved(l *level, id store.ID) {
	q.lastStored = max(q.lastStored, id)
	if !l.tail || id <= l.cursor {
		return
	}
	if q.taken == nil {
		q.taken = make(map[store.ID]struct{})
	}
	q.taken[id] = struct{}{}
}

// FrontTagged lets the entries of the tail that have tags go first, so that they can be told
// apart before anything is delivered. They are the first ones, but for those that have moved
// here: with all, the whole tail is searched. It reads the store, and blocks for that.
func (q *Queue) FrontTagged(ctx context.Context, all bool) error {
	p := pagePool.Get().(*store.Page)
	defer pagePool.Put(p)
	for i := range q.levels {
		l := &q.levels[i]
		for after := store.ID(0); ; {
			q.lock()
			after = max(after, l.cursor)
			upTo, tail := q.lastStored, l.tail
			q.unlock()
			if !tail || after >= upTo {
				break
			}
			p.Reset()
			err := q.env.Store.ReadPage(ctx, q.List(), l.prio, after, upTo, store.Limit{Entries: pageEntries, Bytes: pageBytes}, p)
			entries, err := q.decode(p, err)
			if err != nil {
				return err
			}
			found := false
			q.lock()
			for i := range entries {
				e := &entries[i]
				if _, gone := q.taken[e.Ref.ID]; gone || e.Tag == 0 || e.Ref.ID <= l.cursor || !l.tail {
					continue
				}
				found = true
				q.take(*e)
				q.env.Memory.Add(e.size())
				q.toFront(*e)
			}
			q.unlock()
			if !p.More || len(entries) == 0 || !found && !all {
				break
			}
			after = entries[len(entries)-1].Ref.ID
		}
	}
	return nil
}

// Tags yields the tags of the entries that go first.
func (q *Queue) Tags(yield func(tag uint32)) {
	q.lock()
	defer q.unlock()
	for i := range q.front {
		if t := q.front[i].Tag; t != 0 {
			yield(t)
		}
	}
}

// DropUnstored removes the waiting entries that are in memory only and match.
func (q *Queue) DropUnstored(match func(*Entry) bool) {
	var out []Taken
	q.lock()
	q.takeIntake()
	drop := func(e *Entry) bool {
		if e.Msg == nil || e.stored() || !match(e) {
			return false
		}
		out = append(out, Taken{q, *e})
		return true
	}
	q.front = slices.DeleteFunc(q.front, func(e Entry) bool { return drop(&e) })
	for i := range q.levels {
		l := &q.levels[i]
		for seq := l.head; seq < l.end; seq = l.next(seq) {
			if drop(l.at(seq)) {
				l.take(seq)
			}
		}
		l.late = slices.DeleteFunc(l.late, func(e Entry) bool { return drop(&e) })
	}
	q.counters.InFlight.Add(int64(len(out)))
	q.unlock()
	Forget(out)
}
