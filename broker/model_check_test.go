package broker_test

import (
	"context"
	"slices"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
)

// receipt is a delivery with its place in the model.
type receipt struct {
	s     *modelSub
	e     *modelEntry
	first bool // of its group for this owner
	fresh bool
}

// take tells the model of the deliveries that came since the last time.
func (w *world) take() {
	for _, mq := range w.queues {
		if mq.private != nil && mq.private.keep > 0 && len(mq.waiting()) > mq.private.keep {
			mq.over = true
		}
	}
	w.mu.Lock()
	list := w.arrivals
	w.arrivals = nil
	w.mu.Unlock()
	for _, a := range list {
		w.arrive(a)
	}
}

func (w *world) arrive(a arrival) {
	s, d := a.s, a.d
	if d.Number != s.last+1 || d.Number > s.most {
		w.fail("%s got number %d after %d with credit %d", s.name, d.Number, s.last, s.most)
	}
	s.last = d.Number
	e := w.lookup(s, &a)
	if w.crashing {
		if e != nil {
			e.id, e.seen, e.tag = d.ID, true, d.Tag
		}
		return
	}
	if e == nil && s.closed && d.Msg.Address.Kind.IsTemp() {
		return // the queue ended with the connection, which had got it just before
	}
	if e == nil {
		w.fail("%s got %s, id %d, which it can't get", s.name, body(d.Msg), d.ID)
	}
	if s.closed && e.q.owner != nil && !slices.Contains(w.queues, e.q) {
		return // it ended with the connection, which had got it just before
	}
	count, flagged := d.Count, d.Flags&queue.Redelivered != 0
	first := s.o.Track != nil && e.tag == 0 // what is handed over exactly once comes again with its tag
	switch {
	case e.state == held:
		w.fail("%s got %v, which somebody has", s.name, e)
	case e.state == gone:
		w.fail("%s got %v", s.name, e)
	case e.id != 0 && e.id != d.ID:
		w.fail("%s got %v with id %d", s.name, e, d.ID)
	case !s.sel.match(e.modelMessage):
		w.fail("%s with selector %q got %v", s.name, s.sel.text, e)
	case e.expiry != 0 && e.expiry <= a.now:
		w.fail("%s got the expired %v at %d", s.name, e, a.now)
	case e.delayed > a.now && !e.loose:
		w.fail("%s got %v at %d, %d ms too early", s.name, e, a.now, e.delayed-a.now)
	case count > e.count || count+e.slack < e.count:
		w.fail("%s got %v with count %d", s.name, e, count)
	case first && flagged && !e.either, !first && e.flagged == yes && !flagged, !first && e.flagged == no && flagged && e.tag == 0 && !e.either:
		w.fail("%s got %v with redelivered %v", s.name, e, flagged)
	case d.Msg.Address != e.addr || d.Msg.Origin != e.origin:
		w.fail("%s got %v at %v from %v, not %v from %v", s.name, e, d.Msg.Address, d.Msg.Origin, e.addr, e.origin)
	case s.o.Track != nil && d.Tag == 0, e.tag != 0 && d.Tag != e.tag, s.o.Track == nil && e.tag == 0 && d.Tag != 0 && !e.either, d.Phase != e.phase && !e.either:
		w.fail("%s got %v with tag %d, phase %d, not %d, %d", s.name, e, d.Tag, d.Phase, e.tag, e.phase)
	case d.Msg.Durable != e.durable || d.Msg.Priority != e.prio || d.Msg.Expiry != e.expiry || body(d.Msg) != e.body:
		w.fail("%s got %v as %+v", s.name, e, d.Msg.Header)
	}
	w.note(e, "goes to %s as %d at %d", s.name, d.Number, a.now)
	fresh := !e.seen && !e.either // otherwise it may have come back: such ones go first
	w.got = append(w.got, receipt{s, e, d.Flags&queue.FirstInGroup != 0, fresh})
	e.tag, e.phase, e.either = d.Tag, d.Phase, false
	if e.first < 0 {
		e.first, e.to, e.fresh = len(w.got)-1, s, fresh
	}
	e.id, e.count, e.slack, e.seen = d.ID, count, 0, true
	switch {
	case flagged:
		e.flagged = yes
	case !first: // otherwise it says nothing of what others have seen
		e.flagged = no
	}
	e.state, e.holder, e.number, e.tx = held, s, d.Number, nil
	if s.closed {
		w.giveBack(e, d.Number <= s.upTo, 0)
	}
}

// lookup finds the entry of a delivery.
func (w *world) lookup(s *modelSub, a *arrival) *modelEntry {
	text := body(a.d.Msg)
	for _, mq := range s.queues {
		if mq.public() && a.d.Msg.Address != mq.addr {
			continue
		}
		if e := mq.find(a.d.ID, a.d.Msg, waiting); e != nil {
			return e
		}
	}
	if !slices.Contains(s.queues, w.dlq) {
		return nil
	}
	for _, mq := range w.queues {
		for _, e := range mq.waiting() {
			if e.body == text && e.durable && e.expiry != 0 && e.expiry <= a.now && mq != w.dlq && e.addr == a.d.Msg.Origin {
				w.bury("expiry of", e, true)
				w.early = true
				return w.dlq.find(a.d.ID, a.d.Msg, waiting)
			}
		}
	}
	return w.revive(a.d.Msg)
}

// revive makes a dead letter of a message that may or may not have become one.
func (w *world) revive(got *message.Message) *modelEntry {
	text := body(got)
	for i, m := range w.maybe {
		if m.body == text && m.addr == got.Origin {
			w.maybe = slices.Delete(w.maybe, i, i+1)
			dead := *m.modelMessage
			dead.expiry = 0
			e := w.dlq.add(&dead, "")
			e.origin = m.addr
			e.flagged = unknown // it may have been there before a crash
			w.do(&atom{what: "expiry of " + text, adds: []*modelEntry{e}})
			return e
		}
	}
	return nil
}

// sweep lets what has expired go.
func (w *world) sweep() {
	for range 10 {
		if !w.early && !slices.ContainsFunc(w.queues, func(mq *modelQueue) bool { return slices.ContainsFunc(mq.waiting(), w.expired) }) {
			return
		}
		w.early = false
		w.advance(1)
		w.take()
		for _, mq := range slices.Clone(w.queues) {
			for _, e := range mq.waiting() {
				if w.expired(e) {
					w.bury("expiry of", e, true)
				}
			}
		}
	}
}

func (w *world) expired(e *modelEntry) bool { return e.expiry != 0 && e.expiry <= w.now() }

// begin starts a step.
func (w *world) begin() {
	w.steps++
	w.got, w.closing, w.opened = nil, nil, nil
	for _, mq := range w.queues {
		mq.entries = mq.live()
		if len(mq.entries) == 0 && len(mq.consumers) == 0 {
			mq.mixed = false
		}
		for _, e := range mq.entries {
			e.touched, e.first, e.to = false, -1, nil
			e.waited = e.state == waiting && e.delayed <= w.now() && !w.expired(e)
			mq.mixed = mq.mixed || e.group != ""
		}
	}
	for _, c := range w.clients {
		for _, s := range c.subs {
			s.most, s.moved = s.limit, false
		}
	}
}

// check compares the broker with the model, when nothing is under way.
func (w *world) check() {
	w.checkClients()
	w.checkOrder()
	w.checkGroups()
	w.checkServed()
	for _, mq := range w.queues {
		w.checkQueue(mq)
	}
	empty := true
	for _, mq := range w.queues {
		empty = empty && len(mq.live()) == 0
	}
	for _, c := range w.clients {
		empty = empty && len(c.txs) == 0
	}
	if u := w.broker.Usage(); u.Memory < 0 || u.Temp < 0 || empty && len(w.branches) == 0 && (u.Memory != 0 || u.Temp != 0) {
		w.fail("memory %d, temporary %d, all empty %v", u.Memory, u.Temp, empty)
	}
}

func (w *world) checkClients() {
	for _, c := range w.clients {
		c.mu.Lock()
		if c.ended != nil {
			w.fail("%s: %v", c.label, c.ended)
		}
		if !slices.IsSorted(c.order) {
			w.say("%s: confirmations in the order %v", c.label, c.order)
		}
		for t := range c.next {
			if err, ok := c.confirmed[t+1]; !ok || err != nil {
				w.fail("%s: token %d is confirmed: %v, %v", c.label, t+1, ok, err)
			}
		}
		clear(c.confirmed)
		c.order, c.next = nil, 0
		c.mu.Unlock()
		for _, s := range c.subs {
			n := 0
			for _, mq := range w.queues {
				for _, e := range mq.entries {
					if e.state == held && e.holder == s {
						n++
					}
				}
			}
			limit, last := s.sub.Credit()
			if s.sub.Unsettled() != n || limit != s.limit || last != s.last {
				w.fail("%s has %d unsettled, credit %d, last %d; the model has %d, %d, %d", s.name, s.sub.Unsettled(), limit, last, n, s.limit, s.last)
			}
		}
	}
}

// checkOrder sees to it that nobody got a message for the first time ahead of an earlier one
// that waited all the time, and that senders' messages are in order.
func (w *world) checkOrder() {
	for i, r := range w.got {
		if !r.fresh {
			continue
		}
		mq := r.e.q
		w.checkPreferred(r)
		for _, f := range mq.entries {
			// A consumer with a selector may be given what it wants of a higher priority later.
			higher := mq.level(f) > mq.level(r.e) && r.s.sel.text == "" && !mq.mixed
			if !f.waited || !r.s.sel.match(f.modelMessage) || !higher && (!f.precedes(r.e) || mq.level(f) != mq.level(r.e)) {
				continue
			}
			if f.group != "" || mq.over && f.first < 0 {
				continue // its owner may have had no credit, or it was dropped
			}
			if f.state == waiting && f.first < 0 && !w.expired(f) || f.first > i && f.to == r.s {
				w.fail("%s got %v ahead of %v", r.s.name, r.e, f)
			}
		}
	}
	for _, mq := range w.queues {
		last := map[string]*modelEntry{}
		for _, e := range mq.entries {
			if e.id == 0 || e.sender == "" {
				continue
			}
			if f := last[e.sender]; f != nil && f.id >= e.id {
				w.fail("%s sent %v ahead of %v", e.sender, f, e)
			}
			last[e.sender] = e
		}
	}
}

// checkPreferred sees to it that nobody of a higher priority has had credit for what somebody got.
func (w *world) checkPreferred(r receipt) {
	mq := r.e.q
	if mq.mixed || mq.exclusive() != nil || !w.stable(mq) {
		return
	}
	for _, s := range mq.consumers {
		if s.o.Priority > r.s.o.Priority && s.credit() && !s.moved && s.sel.match(r.e.modelMessage) {
			w.fail("%s got %v, though %s of priority %d has credit %d, last %d", r.s.name, r.e, s.name, s.o.Priority, s.limit, s.last)
		}
	}
}

// checkGroups sees to it that a group's messages go to one consumer.
func (w *world) checkGroups() {
	type key struct {
		mq    *modelQueue
		group string
	}
	groups := map[key][]receipt{}
	for _, r := range w.got {
		if r.e.group != "" {
			k := key{r.e.q, r.e.group}
			groups[k] = append(groups[k], r)
		}
		if x := r.e.q.exclusive(); x != nil && x != r.s && w.stable(r.e.q) {
			w.fail("%s got %v, though %s is exclusive", r.s.name, r.e, x.name)
		}
	}
	for k, list := range groups {
		owner, known := k.mq.owners[k.group]
		sure := w.stable(k.mq) && !slices.ContainsFunc(list, func(r receipt) bool { return r.e.groupSeq < 2 })
		if !sure {
			k.mq.owners[k.group] = nil // somebody's, or nobody's
			if len(k.mq.consumers) == 0 {
				delete(k.mq.owners, k.group)
			}
			continue
		}
		if owner == nil && !known && !list[0].first {
			w.fail("%s got %v, the first of its group, without the flag", list[0].s.name, list[0].e)
		}
		for i, r := range list {
			if owner == nil {
				owner = r.s
			}
			if r.s != owner {
				w.fail("%s got %v, whose group is %s's", r.s.name, r.e, owner.name)
			}
			if r.first && (i > 0 || k.mq.owners[k.group] != nil) {
				w.fail("%s got %v flagged as the first of its group", r.s.name, r.e)
			}
		}
		k.mq.owners[k.group] = owner
	}
}

// stable reports whether a queue's consumers are those of the beginning of the step.
func (w *world) stable(mq *modelQueue) bool {
	for _, s := range slices.Concat(w.closing, w.opened) {
		if slices.Contains(s.queues, mq) {
			return false
		}
	}
	return true
}

// checkServed sees to it that nothing waits that somebody with credit wants.
func (w *world) checkServed() {
	for _, mq := range w.queues {
		if mq.paused {
			continue
		}
		if s := mq.private; s != nil && mq.over && s.credit() {
			for _, e := range mq.waiting() {
				if !e.seen {
					e.state = gone // the oldest ones were dropped
				}
			}
			mq.over = false
		}
		x := mq.exclusive()
		for _, e := range mq.waiting() {
			if e.delayed > w.now() || w.expired(e) {
				continue
			}
			for _, s := range mq.consumers {
				if !s.credit() || x != nil && x != s || !s.sel.match(e.modelMessage) {
					continue
				}
				if e.group != "" && mq.keeps(e, s) {
					continue
				}
				w.fail("%v waits, though %s with selector %q, credit %d and last %d wants it", e, s.name, s.sel.text, s.limit, s.last)
			}
		}
	}
}

// keeps reports whether an entry may have to wait because of its group, though a consumer wants it: the
// group is another's, and the entry does not begin it anew, with nothing of it waiting before; or a
// transaction decides on one before it whose consumer is gone.
func (q *modelQueue) keeps(e *modelEntry, s *modelSub) bool {
	owner, owned := q.owners[e.group]
	others := e.groupSeq != 1 || e.seen
	for _, x := range q.entries {
		if x == e || x.group != e.group || e.id != 0 && x.id > e.id {
			continue
		}
		others = others || x.state == waiting
		if x.state == held && x.tx != nil && (x.holder == nil || x.holder.closed) {
			return true
		}
	}
	return others && owned && owner != s
}

// checkQueue compares what a queue holds.
func (w *world) checkQueue(mq *modelQueue) {
	if mq.public() {
		if w.broker.Lookup(mq.addr) == nil {
			if len(mq.live()) > 0 {
				w.fail("%s does not exist: %v", mq.name, mq.live())
			}
			return
		}
		w.checkBrowse(mq)
	}
	live, inFlight := 0, 0
	for _, e := range mq.entries {
		if e.state != gone {
			live++
		}
		if e.state == held {
			inFlight++
		}
	}
	n := w.counters(mq)
	if n == nil {
		return
	}
	if n.Entries.Load() != int64(live) || n.InFlight.Load() != int64(inFlight) || (live == 0) != (n.Bytes.Load() == 0) {
		w.fail("%s has %d entries, %d in flight, %d bytes; the model has %d and %d: %v", mq.name, n.Entries.Load(), n.InFlight.Load(), n.Bytes.Load(), live, inFlight, mq.live())
	}
}

// counters returns the figures of a queue, nil if they can't be had.
func (w *world) counters(mq *modelQueue) *queue.Counters {
	switch {
	case mq.private != nil:
		return nil
	case mq.sub == nil:
		return w.broker.Lookup(mq.addr).Queue().Counters()
	}
	for _, d := range w.broker.Durables() {
		client := d.Client
		if d.Shared {
			client = ""
		}
		if client == mq.sub.client && d.Name == mq.sub.name {
			return d.Counters
		}
	}
	w.fail("there is no %s", mq.name)
	return nil
}

// checkBrowse compares a queue message by message.
func (w *world) checkBrowse(mq *modelQueue) {
	seen := map[*modelEntry]bool{}
	var shown []*modelEntry
	err := w.broker.Browse(context.Background(), mq.addr, "", func(v queue.View) bool {
		text := body(v.Msg)
		e := mq.find(v.Ref.ID, v.Msg, waiting)
		if e == nil && mq == w.dlq {
			e = w.revive(v.Msg)
		}
		if e == nil || e.state == gone || seen[e] {
			w.fail("%s has %s, id %d, unsettled %v, again %v", mq.name, text, v.Ref.ID, v.Unsettled, seen[e])
		}
		seen[e] = true
		e.id = v.Ref.ID
		if v.Unsettled != (e.state == held) {
			w.fail("%s shows %v as unsettled %v", mq.name, e, v.Unsettled)
		}
		if e.state == waiting && !e.seen && !mq.mixed {
			for _, f := range shown {
				if e.precedes(f) && mq.level(e) >= mq.level(f) {
					w.fail("%s shows %v behind %v", mq.name, e, f)
				}
			}
			shown = append(shown, e)
		}
		return true
	})
	if err != nil {
		w.fail("browse: %v", err)
	}
	for _, e := range mq.entries {
		if e.state != gone && !seen[e] {
			w.fail("%s does not show %v", mq.name, e)
		}
	}
}
