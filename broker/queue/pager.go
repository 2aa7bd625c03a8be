package queue

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

const (
	pageEntries = 512
	pageBytes   = 1 << 20
	scanEntries = 4096 // heads that a selector cursor reads at once
	fetchAtOnce = 64   // matching entries that it takes out of the tail at once
)

var pagePool = sync.Pool{New: func() any { return new(store.Page) }}

// wantPage sees to it that a level in tail mode gets its next page when its window runs low,
// and that consumers that refused the whole window get a look at the tail. The caller holds
// the dispatch lock.
func (q *Queue) wantPage(l *level) {
	if !l.tail || q.paging || q.failed != nil {
		return
	}
	if q.runsLow(l) {
		q.startPage(l, pageEntries)
		return
	}
	index := q.indexOf(l)
	for _, s := range q.consumers {
		if !s.scanning && !s.finished[index] && s.ready() && s.pos[index] >= l.last && (s.Filter != nil || len(q.groups) > 0) {
			s.scanning = true
			go q.scan(s, l, q.epoch)
		}
	}
}

// startPage lets the next entries of a level's tail come, up to a number, unless a page of any
// level is on its way.
func (q *Queue) startPage(l *level, entries int) {
	if l.tail && !q.paging && q.failed == nil {
		q.paging = true
		go q.page(l, q.epoch, entries)
	}
}

// runsLow reports whether a level's window holds so little that the next page is due.
func (q *Queue) runsLow(l *level) bool { return l.bytes < q.pageInBelow() && l.live < pageEntries/2 }

// pageComes reports whether a page for a level's window is on its way, or comes after the one
// that is.
func (q *Queue) pageComes(l *level) bool { return l.tail && q.paging && q.runsLow(l) }

// indexOf returns a level's place among the queue's.
func (q *Queue) indexOf(l *level) int {
	if len(q.levels) > 1 {
		return int(l.prio)
	}
	return 0
}

// pageInBelow returns how many bytes in a window call for the next page. However tight memory
// is, an empty window does.
func (q *Queue) pageInBelow() int64 {
	low := min(q.env.Memory.window(), 4*pageBytes) / 2
	if w := q.options.Load().Window; w > 0 {
		low = min(low, w)
	}
	return max(low, 1)
}

// page moves one page of the tail into a level's window.
func (q *Queue) page(l *level, epoch uint64, most int) {
	p := pagePool.Get().(*store.Page)
	defer pagePool.Put(p)
	q.lock()
	q.unfetch() // what cursors have taken out takes its place again
	after, upTo := l.cursor, q.lastStored
	q.unlock()
	p.Reset()
	lim := store.Limit{Entries: most, Bytes: pageBytes}
	err := q.env.Store.ReadPage(context.Background(), q.List(), l.prio, after, upTo, lim, p)
	entries, bad := q.decode(p, err)
	q.lock()
	q.paging = false
	switch {
	case q.epoch != epoch || q.closed:
		// The queue was purged meanwhile: what was read is gone.
	case bad != nil:
		q.fail(bad)
	default:
		l.cursor = upTo
		if p.More && len(p.Entries) > 0 {
			l.cursor = p.Entries[len(p.Entries)-1].Ref.ID
		}
		q.pageIn(l, entries)
		if l.cursor == q.lastStored {
			q.endTail(l)
		}
		for id := range q.taken {
			if id <= l.cursor && len(q.levels) == 1 {
				delete(q.taken, id)
			}
		}
	}
	q.unlock()
	q.Kick()
}

// pageIn appends what was read to the window, without what had been taken out of turn.
func (q *Queue) pageIn(l *level, entries []Entry) {
	bytes := int64(0)
	for i := range entries {
		if _, ok := q.taken[entries[i].Ref.ID]; ok {
			if len(q.levels) > 1 {
				delete(q.taken, entries[i].Ref.ID)
			}
			continue
		}
		q.countTemp(&entries[i], -1)
		l.pushLate(entries[i].Ref.ID)
		l.push(entries[i])
		q.tailEntries--
		q.tailBytes -= entries[i].size()
		bytes += entries[i].size()
	}
	l.pushLate(l.cursor)
	q.env.Memory.Add(bytes)
}

// endTail leaves tail mode: everything is in the window again.
func (q *Queue) endTail(l *level) {
	l.tail = false
	l.pushLate(^store.ID(0))
	q.overflowing.Store(slices.ContainsFunc(q.levels, func(l level) bool { return l.tail }))
}

// fail stops paging after damage was found: what the window holds is still delivered, the
// rest waits for the operator.
func (q *Queue) fail(err error) {
	q.failed = err
	q.env.Log.Error("queue stopped paging", "queue", q.Address.String(), "error", err)
}

// Failure returns why the queue stopped reading from the store, or nil.
func (q *Queue) Failure() error {
	q.lock()
	defer q.unlock()
	return q.failed
}

// decode makes entries of a page. They own their bytes.
func (q *Queue) decode(p *store.Page, err error) ([]Entry, error) {
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	out := make([]Entry, 0, len(p.Entries))
	for i := range p.Entries {
		e, err := q.decodeOne(&p.Entries[i])
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

func (q *Queue) decodeOne(se *store.Entry) (Entry, error) {
	size := len(se.Head) + len(se.Body) + int(se.PartsSize)
	raw := make([]byte, 0, size)
	raw = append(append(raw, se.Head...), se.Body...)
	for part := range se.Parts {
		var err error
		if raw, err = q.env.Store.ReadPart(context.Background(), se.PartsID, part, raw); err != nil {
			return Entry{}, err
		}
	}
	head := raw[:len(se.Head):len(se.Head)]
	var body []byte
	if len(raw) > len(head) {
		body = raw[len(head):]
	}
	m, err := message.Decode(head, body, q.env.Formats)
	if err != nil {
		return Entry{}, err
	}
	e := Entry{
		Msg: m, Ref: se.Ref, NotBefore: se.State.NotBefore, Count: se.State.Deliveries,
		Tag: se.State.Tag, Phase: se.State.Phase,
	}
	// What has a tag was sent, or was about to be.
	if se.State.Redelivered || se.Ref.ID <= q.suspect || se.State.Tag != 0 {
		e.Flags |= Redelivered
	}
	if len(se.Note) > 0 {
		e.Note = append([]byte(nil), se.Note...)
	}
	return e, nil
}

// scan is a consumer's cursor in the tail: it reads heads, and what the consumer wants is
// fetched to the front, so that a long backlog of messages that it does not want is read once.
func (q *Queue) scan(s *consumerState, l *level, epoch uint64) {
	p := pagePool.Get().(*store.Page)
	defer pagePool.Put(p)
	index := q.indexOf(l)
	for {
		q.lock()
		cursor, upTo := l.cursor, q.lastStored
		after := max(s.scanned[index], cursor)
		over := q.paging || q.closed || s.isClosed() || q.epoch != epoch || !l.tail || q.failed != nil ||
			s.pos[index] < l.last // what is in the window goes first
		if over || after >= upTo || !s.ready() {
			s.scanning = false
			s.finished[index] = !over && after >= upTo
			late := s.finished[index] && q.fetchLate(s, l, ^store.ID(0)) || q.unsure
			if s.finished[index] && len(q.front) > 0 {
				s.frontGen, late = q.frontGen-1, true
			}
			q.unlock()
			if over || late || len(q.levels) > 1 {
				q.Kick() // the tail of another level may be next
			}
			return
		}
		rewinds := q.rewinds
		q.unlock()
		p.Reset()
		lim := store.Limit{Entries: scanEntries, Bytes: 4 * pageBytes, HeadsOnly: true}
		err := q.env.Store.ReadPage(context.Background(), q.List(), l.prio, after, upTo, lim, p)
		var want []store.Ref
		last := upTo
		if p.More && len(p.Entries) > 0 {
			last = p.Entries[len(p.Entries)-1].Ref.ID
		}
		if err == nil {
			want, last, err = q.matching(s, p, last)
		}
		var found []Entry
		if err == nil && len(want) > 0 {
			found, err = q.fetch(want, p)
		}
		late := false
		q.lock()
		switch {
		case q.closed || q.epoch != epoch || q.paging || l.cursor != cursor:
			found = nil // the window has some of it now, which goes first
		case err != nil:
			q.fail(err)
		default:
			if q.rewinds == rewinds {
				s.scanned[index] = last
			}
			for _, e := range found {
				q.toFrontFromTail(l, e)
			}
			late = q.fetchLate(s, l, last)
			if len(q.front) > 0 {
				s.frontGen, late = q.frontGen-1, true // it may have what others have fetched
			}
			late = late || q.unsure
		}
		q.unlock()
		if len(found) > 0 || late {
			q.Kick()
		}
	}
}

// matching returns the entries of a page of heads that a consumer wants, and how far it looked.
func (q *Queue) matching(s *consumerState, p *store.Page, last store.ID) ([]store.Ref, store.ID, error) {
	var want []store.Ref
	for i := range p.Entries {
		se := &p.Entries[i]
		m, err := message.Decode(se.Head, nil, q.env.Formats)
		if err != nil {
			return nil, 0, err
		}
		e := Entry{Msg: m, Ref: se.Ref, Count: se.State.Deliveries}
		if se.State.Redelivered || se.Ref.ID <= q.suspect {
			e.Flags |= Redelivered
		}
		if !s.wants(&e) || m.GroupID != "" && !q.mayHave(s, &e) {
			continue
		}
		if want = append(want, se.Ref); len(want) == fetchAtOnce {
			return want, se.Ref.ID, nil
		}
	}
	return want, last, nil
}

// fetchLate is the cursor's way past the entries that are in memory only, up to an id. It
// reports whether the consumer wants any. The caller holds the dispatch lock.
func (q *Queue) fetchLate(s *consumerState, l *level, upTo store.ID) (found bool) {
	l.late = slices.DeleteFunc(l.late, func(e Entry) bool {
		if e.Ref.ID > upTo || !s.wants(&e) || !q.grants(q.groupOf(e.Msg), s.Consumer, &e) {
			return false
		}
		e.Flags |= fetched
		q.toFront(e)
		found = true
		return true
	})
	return found
}

// mayHave reports whether a consumer may have an entry of a group, of which the store has told.
func (q *Queue) mayHave(s *consumerState, e *Entry) bool {
	q.lock()
	defer q.unlock()
	if l := q.levelOf(e.Ref.Prio); !l.tail || e.Ref.ID <= l.cursor {
		return false // the window has it, or had
	}
	if _, taken := q.taken[e.Ref.ID]; taken {
		if _, waits := q.inFront(e.Ref.ID); !waits {
			return false // it has gone, or is with somebody, and nothing waits for it
		}
	}
	return q.grants(q.groupOf(e.Msg), s.Consumer, e)
}

func (q *Queue) fetch(refs []store.Ref, p *store.Page) ([]Entry, error) {
	p.Reset()
	err := q.env.Store.ReadMessages(context.Background(), refs, store.Limit{Entries: len(refs), Bytes: 64 * pageBytes}, p)
	return q.decode(p, err)
}

// toFrontFromTail puts an entry that a cursor read out of the tail among those that go first,
// unless it has left the tail meanwhile.
func (q *Queue) toFrontFromTail(l *level, e Entry) bool {
	if e.Ref.ID <= l.cursor || !l.tail {
		return false
	}
	if _, ok := q.taken[e.Ref.ID]; ok {
		return false
	}
	q.take(e)
	e.Flags |= fetched
	q.env.Memory.Add(e.size())
	q.toFront(e)
	return true
}

// take notes that an entry of the tail is held in memory or on its way out.
func (q *Queue) take(e Entry) {
	if q.taken == nil {
		q.taken = make(map[store.ID]struct{})
	}
	q.taken[e.Ref.ID] = struct{}{}
	q.tailEntries--
	q.tailBytes -= e.size()
	q.countTemp(&e, -1)
}

// unfetch lets entries that a cursor fetched, and nobody got, fall back into the tail, so that
// others get them in their order.
func (q *Queue) unfetch() {
	q.front = slices.DeleteFunc(q.front, func(e Entry) bool { return q.backToTail(&e) })
}

// reached reports whether a consumer's cursor has come to an entry that was fetched: for others
// it is not its turn yet.
func (q *Queue) reached(s *consumerState, e *Entry) bool {
	l := q.levelOf(e.Ref.Prio)
	index := q.indexOf(l)
	return !l.tail || e.Ref.ID <= l.cursor || s.scanned[index] >= e.Ref.ID || s.finished[index] && !e.stored()
}

// backToTail lets an entry that a cursor fetched, and nobody has seen, fall back into the tail.
func (q *Queue) backToTail(e *Entry) bool {
	l := q.levelOf(e.Ref.Prio)
	if e.Flags&fetched == 0 || !l.tail || e.Ref.ID <= l.cursor {
		return false
	}
	e.Flags &^= fetched
	if e.stored() {
		delete(q.taken, e.Ref.ID)
		q.tailEntries++
		q.tailBytes += e.size()
		q.env.Memory.Add(-e.size())
		q.countTemp(e, 1)
		q.mayExpire = q.mayExpire || e.Msg.Expiry != 0
	} else {
		l.addLate(*e)
	}
	q.rewinds++
	index := q.indexOf(l)
	for _, s := range q.consumers {
		s.scanned[index], s.finished[index] = min(s.scanned[index], e.Ref.ID-1), false
	}
	return true
}
