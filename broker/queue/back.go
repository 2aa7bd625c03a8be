package queue

import (
	"cmp"
	"slices"

	"github.com/manifoldmq/manifold/store"
)

// leave detaches a consumer that is closed, and takes back what it has, in one step: its groups,
// and what it had to itself, go to others together with what comes before the rest of them.
func (q *Queue) leave(c *Consumer, deliveredUpTo uint64) {
	list := takenPool.Get().(*[]Taken)
	q.lock()
	q.without(c)
	seen := c.takeOf(q, 0, deliveredUpTo, (*list)[:0])
	returned(seen, true, 0)
	over := q.takeBack(seen, true, true)
	clear(seen)
	rest := c.takeOf(q, deliveredUpTo+1, ^uint64(0), seen[:0])
	returned(rest, false, 0)
	over = append(over, q.takeBack(rest, false, false)...)
	q.unlock()
	clear(rest)
	*list = rest
	takenPool.Put(list)
	if len(over) > 0 {
		q.env.Remove(over, Exceeded)
	}
}

// giveBack returns entries that were with a consumer. With changed, what is stored of them
// is updated.
func (q *Queue) giveBack(list []Taken, counted, changed bool) {
	q.lock()
	over := q.takeBack(list, counted, changed)
	q.unlock()
	if len(over) > 0 {
		q.env.Remove(over, Exceeded)
	}
	q.Kick()
}

// takeBack is giveBack for a caller that holds the dispatch lock. It returns what has failed too
// often, which the caller removes without it.
func (q *Queue) takeBack(list []Taken, counted, changed bool) (over []Taken) {
	var b *store.Batch
	o := q.options.Load()
	limit := o.MaxDeliveries
	q.counters.InFlight.Add(-int64(len(list)))
	for i := range list {
		e := list[i].Entry
		switch {
		case q.closed || q.isPurged(&e):
			q.env.Memory.Add(-e.size())
			q.forget(1, e.size())
		case limit > 0 && int(e.Count) >= limit:
			q.counters.InFlight.Add(1)
			over = append(over, Taken{q, e})
		default:
			if counted && o.Redelivery.Delay > 0 && e.NotBefore == 0 {
				e.NotBefore = q.env.Now() + o.Redelivery.after(e.Count)
			}
			if changed && e.stored() {
				if b == nil {
					b = store.GetBatch()
					b.Done = putBatch
				}
				e.Ref = b.Update(e.Ref, e.state())
			}
			if changed {
				e.Flags &^= fetched // it goes first from now on
			}
			if !q.backToTail(&e) {
				q.toFront(e)
			}
		}
	}
	if b != nil {
		q.env.Store.Commit(b)
	}
	return over
}

// toFront puts an entry among those that go first, by id.
func (q *Queue) toFront(e Entry) {
	q.frontGen++
	if n := len(q.front); n == 0 || q.front[n-1].Ref.ID < e.Ref.ID {
		q.front = append(q.front, e)
		return
	}
	at, _ := q.inFront(e.Ref.ID)
	q.front = slices.Insert(q.front, at, e)
}

// inFront returns where an entry is, or would be, among those that go first.
func (q *Queue) inFront(id store.ID) (at int, ok bool) {
	return slices.BinarySearchFunc(q.front, id, func(o Entry, id store.ID) int { return cmp.Compare(o.Ref.ID, id) })
}
