package queue

import (
	"context"
	"slices"

	"github.com/manifoldmq/manifold/store"
)

// Purge removes all that waits. Deliveries without an outcome are dropped when they come back.
// Removals from the store are added to b, which the caller commits before anything else
// happens to the queue's list. It returns how many entries went.
func (q *Queue) Purge(b *store.Batch, commit func(*store.Batch)) (entries int64) {
	q.lock()
	q.takeIntake()
	inMemory := int64(0)
	bytes := q.tailBytes
	entries = q.tailEntries
	for i := range q.levels {
		l := &q.levels[i]
		entries += int64(l.live + len(l.late))
		inMemory += l.bytes + l.lateBytes()
		l.clear()
		l.tail, l.cursor = false, q.lastStored
	}
	q.overflowing.Store(false)
	for i := range q.front {
		entries++
		inMemory += q.front[i].size()
	}
	clear(q.front)
	q.front = q.front[:0]
	clear(q.taken)
	q.tailEntries, q.tailBytes = 0, 0
	q.env.Temp.Add(-q.tailTemp)
	q.tailTemp = 0
	q.epoch++
	q.purgedStored.Store(uint64(q.lastStored))
	q.purgedMemory.Store(uint64(q.env.Store.NextID()))
	if list := q.List(); list != 0 {
		for i := range q.levels {
			b.Truncate(list, q.levels[i].prio, q.lastStored)
		}
	}
	commit(b)
	q.env.Memory.Add(-inMemory)
	q.forget(entries, bytes+inMemory)
	q.counters.Dequeued.Add(entries)
	for _, o := range q.groups {
		o.lift()
	}
	q.rewind()
	q.unlock()
	return entries
}

// Close ends the queue: nothing is delivered any more, and arrivals are forgotten. Its
// consumers are told why.
func (q *Queue) Close(why error) {
	q.lock()
	if q.closed {
		q.unlock()
		return
	}
	q.closed = true
	consumers := q.consumers
	q.consumers = nil
	bytes := int64(0)
	for i := range q.levels {
		bytes += q.levels[i].bytes + q.levels[i].lateBytes()
		q.levels[i].clear()
	}
	for i := range q.front {
		bytes += q.front[i].size()
	}
	q.front = nil
	q.env.Temp.Add(-q.tailTemp)
	q.tailTemp = 0
	if q.wake != nil {
		q.wake.Stop()
	}
	q.unlock()
	q.env.Memory.Add(-bytes)
	for _, s := range consumers {
		s.Abort(why)
	}
}

// Closed reports whether Close was called.
func (q *Queue) Closed() bool {
	q.lock()
	defer q.unlock()
	return q.closed
}

// Take removes waiting entries that match, up to a number of them, and hands them over: each
// must be given an outcome, by GiveBack or by a batch that acknowledges it and Forget.
func (q *Queue) Take(ctx context.Context, match func(*Entry) bool, limit int) ([]Taken, error) {
	var out []Taken
	q.lock()
	q.takeIntake() // what has arrived waits too
	kept := q.front[:0]
	for i := range q.front {
		e := q.front[i]
		if len(out) < limit && match(&e) {
			q.withdrawn(&e)
			out = append(out, Taken{q, e})
			continue
		}
		kept = append(kept, e)
	}
	clear(q.front[len(kept):])
	q.front = kept
	q.counters.InFlight.Add(int64(len(out)))
	q.unlock()
	for i := len(q.levels) - 1; i >= 0; i-- { // the highest priority first
		l := &q.levels[i]
		if err := q.takeTail(ctx, l, match, limit, &out); err != nil {
			return out, err
		}
	}
	if len(out) > 0 {
		q.Kick() // a group may begin anew without them
	}
	return out, nil
}

// takeWindow is Take for what one level has in memory. The caller holds the dispatch lock.
func (q *Queue) takeWindow(l *level, match func(*Entry) bool, limit int, out *[]Taken) {
	before := len(*out)
	for seq := l.head; seq < l.end && len(*out) < limit; seq = l.next(seq) {
		if e := l.at(seq); e.Msg != nil && match(e) {
			q.withdrawn(e)
			*out = append(*out, Taken{q, *e})
			l.take(seq)
		}
	}
	l.late = slices.DeleteFunc(l.late, func(e Entry) bool {
		if len(*out) >= limit || !match(&e) {
			return false
		}
		q.withdrawn(&e)
		*out = append(*out, Taken{q, e})
		return true
	})
	q.counters.InFlight.Add(int64(len(*out) - before))
}

// takeTail is Take for one level: for its window, and, page by page, for what only the store holds.
// A pager may move that into the window meanwhile, which is looked at before each page therefore.
func (q *Queue) takeTail(ctx context.Context, l *level, match func(*Entry) bool, limit int, out *[]Taken) error {
	p := new(store.Page)
	for after := store.ID(0); len(*out) < limit; {
		q.lock()
		q.takeWindow(l, match, limit, out)
		after = max(after, l.cursor)
		upTo, tail := q.lastStored, l.tail
		q.unlock()
		if !tail || after >= upTo || len(*out) >= limit {
			return nil
		}
		p.Reset()
		err := q.env.Store.ReadPage(ctx, q.List(), l.prio, after, upTo, store.Limit{Entries: pageEntries, Bytes: pageBytes}, p)
		entries, err := q.decode(p, err)
		if err != nil {
			return err
		}
		q.lock()
		q.takeWindow(l, match, limit, out)
		for i := range entries {
			e := &entries[i]
			if _, gone := q.taken[e.Ref.ID]; gone || e.Ref.ID <= l.cursor || !l.tail || len(*out) >= limit || !match(e) {
				continue
			}
			q.take(*e)
			q.withdrawn(e)
			q.env.Memory.Add(e.size())
			q.counters.InFlight.Add(1)
			*out = append(*out, Taken{q, *e})
		}
		q.unlock()
		if !p.More || len(entries) == 0 {
			return nil
		}
		after = entries[len(entries)-1].Ref.ID
	}
	return nil
}

// Expire removes what has ended by now, in memory and, if it may hold any, in the tail.
func (q *Queue) Expire(ctx context.Context) error {
	now := q.env.Now()
	q.lock()
	search := q.mayExpire
	for i := range q.levels {
		l := &q.levels[i]
		for seq := l.head; seq < l.end && !search; seq++ {
			if e := l.at(seq); e.Msg != nil && e.Msg.Expiry != 0 {
				search = true
			}
		}
		search = search || slices.ContainsFunc(l.late, func(e Entry) bool { return e.Msg.Expiry != 0 })
	}
	search = search || slices.ContainsFunc(q.front, func(e Entry) bool { return e.Msg.Expiry != 0 })
	q.unlock()
	if !search {
		return nil
	}
	more := false
	gone, err := q.Take(ctx, func(e *Entry) bool {
		more = more || e.Msg.Expiry > now
		return e.Msg.Expired(now) && e.Tag == 0
	}, 10000)
	if err == nil && !more && len(gone) < 10000 {
		q.lock()
		q.mayExpire = false
		q.unlock()
	}
	if len(gone) > 0 {
		q.counters.Expired.Add(int64(len(gone)))
		q.env.Remove(gone, Expired)
	}
	return err
}

// View is one message as a browser sees it.
type View struct {
	Entry
	Unsettled bool // with a consumer, or with a transaction that has not ended
}

// heldBy appends what a consumer has of the queue.
func (q *Queue) heldBy(c *Consumer, views []View) []View {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := c.first; c.live > 0 && n <= c.last.Load(); n++ {
		if sl := c.slotAt(n); sl != nil && sl.q == q {
			views = append(views, View{sl.e, true})
		}
	}
	return views
}

// snapshot returns what is with consumers or goes first, by id, and the levels' contents. seen has
// the ids of those and of what is on its way out: the tail may still have them.
func (q *Queue) snapshot() (views []View, tails []tailRange, seen map[store.ID]struct{}) {
	q.lock()
	defer q.unlock()
	q.takeIntake()
	for _, s := range q.consumers {
		views = q.heldBy(s.Consumer, views)
	}
	for _, c := range q.parted {
		views = q.heldBy(c, views)
	}
	for i := range q.front {
		views = append(views, View{q.front[i], false})
	}
	slices.SortStableFunc(views, func(a, b View) int {
		switch {
		case a.Ref.ID < b.Ref.ID:
			return -1
		case a.Ref.ID > b.Ref.ID:
			return 1
		}
		return 0
	})
	for i := len(q.levels) - 1; i >= 0; i-- {
		l := &q.levels[i]
		t := tailRange{prio: l.prio, after: l.cursor, upTo: l.cursor}
		for seq := l.head; seq < l.end; seq++ {
			if e := l.at(seq); e.Msg != nil {
				t.window = append(t.window, *e)
			}
		}
		if l.tail {
			t.upTo, t.late = q.lastStored, slices.Clone(l.late)
		}
		tails = append(tails, t)
	}
	seen = make(map[store.ID]struct{}, len(views)+len(q.taken))
	for i := range views {
		seen[views[i].Ref.ID] = struct{}{}
	}
	for id := range q.taken {
		seen[id] = struct{}{}
	}
	return views, tails, seen
}

// tailRange is what a level holds: its window, and what the store has of it.
type tailRange struct {
	prio        uint8
	window      []Entry
	after, upTo store.ID
	late        []Entry // those in memory only, by id
}

// before takes the late entries up to an id off the range and shows them; false ends it.
func (t *tailRange) before(id store.ID, fn func(View) bool) bool {
	for len(t.late) > 0 && t.late[0].Ref.ID < id {
		if !fn(View{t.late[0], false}) {
			return false
		}
		t.late = t.late[1:]
	}
	return true
}

// Browse calls fn for each message that the queue holds, waiting or not, as of
// now, until fn returns false. It holds no lock while fn runs.
func (q *Queue) Browse(ctx context.Context, fn func(View) bool) error {
	views, tails, seen := q.snapshot()
	for i := range views {
		if !fn(views[i]) {
			return nil
		}
	}
	p := new(store.Page)
	for _, t := range tails {
		for i := range t.window {
			seen[t.window[i].Ref.ID] = struct{}{}
			if !fn(View{t.window[i], false}) {
				return nil
			}
		}
		for after, more := t.after, t.upTo > t.after; more; {
			p.Reset()
			err := q.env.Store.ReadPage(ctx, q.List(), t.prio, after, t.upTo, store.Limit{Entries: pageEntries, Bytes: pageBytes}, p)
			entries, err := q.decode(p, err)
			if err != nil {
				return err
			}
			for i := range entries {
				if _, dup := seen[entries[i].Ref.ID]; dup {
					continue
				}
				if !t.before(entries[i].Ref.ID, fn) || !fn(View{entries[i], false}) {
					return nil
				}
			}
			if more = p.More && len(entries) > 0; more {
				after = entries[len(entries)-1].Ref.ID
			}
		}
		if !t.before(^store.ID(0), fn) {
			return nil
		}
	}
	return nil
}

// Lock takes entries off the queue for a transaction that was prepared before the last start, as
// far as they are there: they become enlisted deliveries of c, which is closed, and whose numbers
// it returns. It is called before anything is dispatched.
func (q *Queue) Lock(ctx context.Context, refs []store.Ref, c *Consumer) (numbers []uint64, err error) {
	var found []Entry
	for chunk := range slices.Chunk(refs, fetchAtOnce) {
		list, err := q.fetchAll(ctx, chunk)
		if err != nil {
			return nil, err
		}
		found = append(found, list...)
	}
	q.lock()
	defer q.unlock()
	c.mu.Lock()
	c.stopped.Or(closed)
	for _, e := range found {
		q.take(e)
		q.env.Memory.Add(e.size())
		q.counters.InFlight.Add(1)
		n := c.last.Load() + 1
		c.last.Store(n)
		c.put(n, slot{q: q, enlisted: true, e: e})
		c.enlisted++
		numbers = append(numbers, n)
	}
	c.mu.Unlock()
	q.part(c)
	return numbers, nil
}

func (q *Queue) fetchAll(ctx context.Context, refs []store.Ref) ([]Entry, error) {
	p := new(store.Page)
	err := q.env.Store.ReadMessages(ctx, refs, store.Limit{Entries: len(refs), Bytes: 1 << 30}, p)
	return q.decode(p, err)
}
