package queue

import (
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// runner does one run, or several of one Kick. It is kept for the next, so that a run allocates
// nothing.
type runner struct {
	q       *Queue
	now     int64 // Unix milliseconds
	wakeAt  int64 // when a delayed entry is due; 0: none waits
	touched []*Consumer
	gone    []Taken // expired
	over    []Taken // beyond the queue's bounds
}

var runners = sync.Pool{New: func() any { return new(runner) }}

// run takes in arrivals and delivers one run of them. It reports whether there may be more to
// do at once. The caller holds the dispatch lock.
func (q *Queue) run(r *runner) (again bool) {
	if q.closed {
		q.forgetIntake()
		return false
	}
	r.now, r.wakeAt = q.env.Now(), 0
	if q.regrouped || q.unsure {
		q.regroup()
	}
	// Before the intake: what has arrived when a consumer is released goes to it in its order.
	for _, s := range q.consumers {
		s.eligible = s.ready()
	}
	q.takeIntake()
	if len(q.consumers) == 0 || q.paused || q.held() {
		r.overflow(q.options.Load())
		q.noteCrowd(false)
		r.drained()
		return false
	}
	left := runLength
	stop := r.front(&left)
	for i := len(q.levels) - 1; i >= 0 && !stop && left > 0; i-- {
		// A lower priority does not overtake a page of a higher one that is on its way. A window
		// that consumers have refused holds nobody up: no page is due for it.
		stop = r.level(i, &left) || q.pageComes(&q.levels[i])
	}
	o := q.options.Load()
	if o.Evict && left > 0 {
		q.evict(o)
	}
	if left > 0 {
		r.overflow(o)
	}
	q.noteSlow(o)
	for _, s := range q.consumers {
		if !s.touched {
			continue
		}
		s.touched = false
		s.mu.Lock()
		s.flush()
		s.mu.Unlock()
		r.touched = append(r.touched, s.Consumer)
	}
	q.noteCrowd(left < runLength)
	if left > 0 {
		r.drained()
	}
	if r.wakeAt != 0 {
		q.wakeAfter(r.wakeAt, r.now)
	}
	if q.regrouped || q.unsure {
		q.regroup()
		return true
	}
	// What waits for a delay is looked at again by the timer alone.
	return left == 0
}

// takeIntake moves what arrived into the window, or leaves it to the tail.
func (q *Queue) takeIntake() {
	q.intakeMu.Lock()
	q.intake, q.arrived = q.arrived[:0], q.intake
	q.intakeMu.Unlock()
	if len(q.arrived) == 0 {
		return
	}
	o := q.options.Load()
	window := q.env.Memory.window()
	if o.Window > 0 {
		window = min(window, o.Window)
	}
	for i := range q.arrived {
		e := &q.arrived[i]
		l := q.levelOf(e.Ref.Prio)
		if e.Flags&moved != 0 {
			q.noteMoved(l, e.Ref.ID)
			continue
		}
		full := window
		if !e.stored() && o.Window <= 0 {
			full *= unstoredFactor
		}
		// Where the oldest are dropped, what is beyond the limit does not overflow, but goes.
		if !l.tail && l.bytes >= full && (!o.Evict || int64(l.live) <= o.Pending) {
			l.tail, l.cursor = true, q.lastStored
			q.overflowing.Store(true)
		}
		if e.stored() {
			q.lastStored = max(q.lastStored, e.Ref.ID)
		}
		switch {
		case e.Flags&Ordered != 0 && (!l.tail || e.Ref.ID <= l.cursor):
			e.Flags &^= Ordered
			l.insert(*e)
		case !l.tail:
			l.push(*e)
		case !e.stored():
			l.addLate(*e)
		default:
			q.toTail(e)
		}
	}
	for _, s := range q.consumers {
		clear(s.finished)
	}
	clear(q.arrived)
	if cap(q.arrived) > 4096 {
		q.arrived = nil
	}
}

// toTail leaves an arrival to the store.
func (q *Queue) toTail(e *Entry) {
	q.env.Memory.Add(-e.size())
	q.tailEntries++
	q.tailBytes += e.size()
	if e.Msg.Expiry != 0 {
		q.mayExpire = true
	}
	q.countTemp(e, 1)
}

// countTemp accounts for a non-durable entry that joins the tail, or leaves it with sign -1.
func (q *Queue) countTemp(e *Entry, sign int64) {
	if e.Ref.Flag&store.Volatile != 0 {
		q.tailTemp += sign * e.size()
		q.env.Temp.Add(sign * e.size())
	}
}

// levelOf returns the level for a stored priority.
func (q *Queue) levelOf(prio uint8) *level {
	if len(q.levels) == 1 {
		return &q.levels[0]
	}
	return &q.levels[min(int(prio), 9)]
}

// forgetIntake drops what arrives at a closed queue.
func (q *Queue) forgetIntake() {
	q.intakeMu.Lock()
	defer q.intakeMu.Unlock()
	for i := range q.intake {
		if q.intake[i].Msg != nil {
			q.env.Memory.Add(-q.intake[i].size())
		}
	}
	q.intake = nil
}

type placed uint8

const (
	unwanted placed = iota // nobody who has credit wants it
	given
	removed
	noCredit // nobody has credit
	wait     // not now: nothing behind it on this queue may go either
	notDue   // its delay is not over
)

// front delivers what came back. It reports whether the run is over.
func (r *runner) front(left *int) (stop bool) {
	q := r.q
	if len(q.front) == 0 || !r.frontIsNews() {
		return false
	}
	kept := 0
	defer func() {
		clear(q.front[kept:])
		q.front = q.front[:kept]
	}()
	for i := range q.front {
		e := &q.front[i]
		p := unwanted
		if *left > 0 && !stop {
			p = r.place(e, nil, 0)
		}
		switch p {
		case given, removed:
			*left--
			stop = q.regrouped
			continue
		case noCredit, wait:
			stop = true
		}
		q.front[kept] = *e
		kept++
	}
	for _, s := range q.consumers {
		if s.eligible && !stop && *left > 0 {
			s.frontGen = q.frontGen
		}
	}
	return stop
}

// frontIsNews reports whether a consumer with credit has not seen all that came back.
func (r *runner) frontIsNews() bool {
	for _, s := range r.q.consumers {
		if s.eligible && s.frontGen != r.q.frontGen {
			return true
		}
	}
	return false
}

// level delivers from one level's window. It reports whether the run is over.
func (r *runner) level(index int, left *int) (stop bool) {
	q := r.q
	l := &q.levels[index]
	seq, ok := r.start(index)
	if !ok {
		return true
	}
	for seq = max(seq, l.head); seq < l.end && *left > 0; seq = l.next(seq) {
		e := l.at(seq)
		if e.Msg == nil {
			continue
		}
		switch r.place(e, l, seq) {
		case given, removed:
			l.take(seq)
			*left--
			if q.regrouped {
				return true // what others were refused before may be theirs now, and goes first
			}
		case notDue:
			// Those that are due later would fill the window.
			q.toFront(*e)
			l.take(seq)
		case noCredit, wait:
			q.wantPage(l)
			return true
		}
	}
	q.wantPage(l)
	return false
}

// start returns where to begin: at the first entry that some consumer with credit has not
// refused yet.
func (r *runner) start(index int) (uint64, bool) {
	seq, ok := uint64(0), false
	for _, s := range r.q.consumers {
		if s.eligible && (!ok || s.pos[index] < seq) {
			seq, ok = s.pos[index], true
		}
	}
	return seq, ok
}

// place finds a consumer for an entry. l is nil for one that came back.
func (r *runner) place(e *Entry, l *level, seq uint64) placed {
	q := r.q
	if e.Msg.Expiry != 0 && e.Msg.Expired(r.now) && e.Tag == 0 {
		r.expire(e)
		return removed
	}
	if e.NotBefore > r.now {
		if r.wakeAt == 0 || e.NotBefore < r.wakeAt {
			r.wakeAt = e.NotBefore
		}
		return notDue
	}
	if e.stored() {
		if !q.marked(e) {
			return wait
		}
	}
	g := q.groupOf(e.Msg)
	// A new group goes to the consumer that has the fewest.
	choose := g.name != "" && g.isOpen(e) && !q.options.Load().StrictOrder
	if choose {
		q.tries++
	}
	anyCredit := false
	// Consumers are sorted by priority; the rotation is within those of one priority.
	for first := 0; first < len(q.consumers); {
		end := q.consumers[first].groupEnd
		at := first
		if q.next > first && q.next < end {
			at = q.next
		}
		for range end - first {
			if choose {
				if at = q.fewest(first, end, at); at < 0 {
					break
				}
			}
			s := q.consumers[at]
			// One that gets credit in the middle of a run has not been offered what goes
			// before: it waits for the next run.
			if s.eligible = s.eligible && s.ready(); s.eligible {
				anyCredit = true
				if r.offer(s, e, g, l, seq) {
					if at++; at == end {
						at = first
					}
					if !q.options.Load().StrictOrder {
						q.next = at
					}
					return given
				}
			}
			if at++; at == end {
				at = first
			}
		}
		first = end
	}
	if !anyCredit {
		return noCredit
	}
	return unwanted
}

// offer gives an entry to a consumer that has credit, if it may have it and wants it.
func (r *runner) offer(s *consumerState, e *Entry, g group, l *level, seq uint64) bool {
	q := r.q
	index := 0
	switch {
	case l != nil:
		index = q.indexOf(l)
		if s.pos[index] > seq {
			return false
		}
	case e.Flags&fetched != 0 && !q.reached(s, e):
		return false
	}
	if !q.suits(s, e, g) {
		if l != nil {
			s.pos[index] = seq + 1
		}
		return false
	}
	flags, noted := e.Flags, e.Note
	hidden := EntryFlags(0)
	if s.note != nil {
		// What others may have seen has not been seen by this one.
		e.Note, hidden = s.note(e.Msg), Redelivered
	}
	if g.name != "" && (g.isOpen(e) || g.owner.consumerState != s) {
		e.Flags |= FirstInGroup
	}
	if !s.deliver(q, e, hidden) {
		// Another queue has used up its credit.
		e.Flags, e.Note = flags, noted
		s.eligible = false
		return false
	}
	if g.name != "" {
		q.own(g, s, e)
	}
	s.touched = true
	q.counters.Dispatched.Add(1)
	q.counters.InFlight.Add(1)
	if q.options.Load().Tell&TellDispatched != 0 {
		q.env.Tell(Told{Queue: q, What: TellDispatched, Message: e.Msg, Consumer: s.Consumer})
	}
	return true
}

// suits reports whether a consumer may have an entry and wants it.
func (q *Queue) suits(s *consumerState, e *Entry, g group) bool {
	if q.exclusive != nil && q.exclusive != s.Consumer || s.shuns(e) {
		return false
	}
	if g.name != "" && !q.grants(g, s.Consumer, e) {
		return false
	}
	return s.wants(e)
}

// wants reports whether an entry is one that the consumer asked for.
func (c *Consumer) wants(e *Entry) bool {
	if c.Filter == nil {
		return true
	}
	v := message.View{Message: e.Msg, Deliveries: int(e.Count), Redelivered: e.Flags&Redelivered != 0}
	return c.Filter.Matches(&v)
}

// expire takes an entry that has ended off the queue; the caller removes it from where it
// waits.
func (r *runner) expire(e *Entry) {
	q := r.q
	q.counters.Expired.Add(1)
	q.counters.InFlight.Add(1) // until it is forgotten, it counts as being handled
	q.withdrawn(e)
	r.gone = append(r.gone, Taken{q, *e})
}

// wakeAfter lets the queue look again at what is delayed when the first of it is due.
func (q *Queue) wakeAfter(at, now int64) {
	if q.wakeAt != 0 && q.wakeAt <= at {
		return
	}
	q.wakeAt = at
	d := time.Duration(max(at-now, 1)) * time.Millisecond
	if q.wake == nil {
		q.wake = time.AfterFunc(d, q.wakeUp)
		return
	}
	q.wake.Reset(d)
}

func (q *Queue) wakeUp() {
	q.lock()
	q.wakeAt = 0
	q.frontGen++
	q.unlock()
	q.Kick()
}
