package broker_test

import (
	"context"
	"errors"
	"slices"
	"testing/synctest"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// restart stops the broker in order and starts it again.
func (w *world) restart() {
	w.say("restart")
	if err := w.broker.Deactivate(context.Background(), errors.New("restart")); err != nil {
		w.fail("deactivate: %v", err)
	}
	synctest.Wait()
	for _, c := range w.clients {
		w.lose(c)
	}
	w.take()
	w.forget()
	w.start()
	w.reconnect()
}

// forget drops what does not outlive a broker.
func (w *world) forget() {
	for _, tx := range w.branches {
		if !tx.recovered {
			tx.recovered = true
			for _, e := range tx.rejected {
				for _, l := range w.letter(e) {
					tx.prepared = append(tx.prepared, modelSend{m: l.modelMessage, entries: []*modelEntry{l}})
				}
			}
			tx.accepted = append(tx.accepted, tx.rejected...)
			tx.rejected = nil
		}
	}
	for _, mq := range slices.Clone(w.queues) {
		if !mq.kept() {
			w.drop(mq)
		}
		for _, e := range mq.entries {
			if !e.stays || e.purged {
				e.state = gone
			}
			e.holder, e.waited = nil, false
		}
		mq.consumers, mq.paused, mq.owners = nil, false, map[string]*modelSub{}
	}
}

func (w *world) reconnect() {
	for _, c := range w.clients {
		w.connect(c)
	}
	synctest.Wait()
}

// crash stops the broker in the middle of something, without a chance to tidy up.
func (w *world) crash() {
	w.say("crash")
	if err := w.broker.Store().Sync(context.Background()); err != nil { // only what follows is in doubt
		w.fail("sync: %v", err)
	}
	w.crashing, w.undecided = true, nil
	if w.chance(40) {
		w.say("nothing reaches the disk any more")
		w.disk.stall()
	}
	happened := w.burst()
	w.stop()
	synctest.Wait()
	w.arrivals = w.arrivals[:happened]
	w.take()
	for _, mq := range w.queues {
		for _, e := range mq.entries {
			if e.state == held && (e.tx == nil || !slices.Contains(w.branches, e.tx)) {
				e.state, e.tx = waiting, nil
			}
			e.loose, e.either = e.delayed > 0, e.either || e.tag == 0
			if e.flagged == no {
				e.flagged = unknown
			}
			if e.seen {
				e.flagged = yes
			}
		}
	}
	for _, c := range w.clients {
		for _, s := range c.subs {
			s.closed = true
		}
	}
	w.start()
	synctest.Wait()
	actual := w.recovered()
	w.resolve(actual)
	w.crashing, w.undecided = false, nil
	w.forget()
	for _, mq := range slices.Clone(w.queues) {
		for _, e := range mq.entries {
			v, ok := actual[mq][e.id]
			if e.state == waiting && !ok && w.expired(e) {
				w.bury("expiry of", e, true)
				if n := len(w.dlq.entries); n > 0 && w.dlq.entries[n-1].body == e.body {
					w.dlq.entries[n-1].flagged = unknown // it may have been there before the crash
				}
			}
			if ok && mq.sub != nil {
				if e.seen && !v.flagged {
					w.fail("%v came after a crash without the flag", e)
				}
				e.seen = true
				if e.flagged = no; v.flagged {
					e.flagged = yes
				}
			}
		}
	}
	w.reconnect()
}

// recoveredEntry is a message as it was found after a crash.
type recoveredEntry struct {
	body    string
	flagged bool
	claimed bool
}

// recovered returns what the queues hold after a crash. Durable subscriptions are looked at by
// a consumer that gives everything back.
func (w *world) recovered() map[*modelQueue]map[store.ID]*recoveredEntry {
	actual := map[*modelQueue]map[store.ID]*recoveredEntry{}
	for _, mq := range w.queues {
		if mq.sub == nil {
			continue
		}
		actual[mq] = map[store.ID]*recoveredEntry{}
		c := &modelClient{w: w, id: mq.sub.client}
		w.connect(c)
		s := &modelSub{c: c, ears: c.modelHandler}
		o := mq.sub.o
		o.Track = nil
		sub, err := c.conn.Subscribe(o, s, 0)
		if err != nil {
			w.fail("subscribe after a crash: %v", err)
		}
		sub.Limit(1 << 40)
		synctest.Wait()
		for _, a := range w.arrivals {
			actual[mq][a.d.ID] = &recoveredEntry{body: body(a.d.Msg), flagged: a.d.Flags&queue.Redelivered != 0}
		}
		w.arrivals = nil
		sub.Close(0, 0)
		c.conn.Close()
		synctest.Wait()
	}
	for _, mq := range w.queues {
		if !mq.public() || mq.owner != nil {
			continue
		}
		actual[mq] = map[store.ID]*recoveredEntry{}
		err := w.broker.Browse(context.Background(), mq.addr, "", func(v queue.View) bool {
			actual[mq][v.Ref.ID] = &recoveredEntry{body: body(v.Msg)}
			return true
		})
		if err != nil && !fault.Is(err, fault.NotFound) {
			w.fail("browse after a crash: %v", err)
		}
	}
	return actual
}

// resolve finds out which changes of the last step have reached the disk, and undoes the
// others in the model.
func (w *world) resolve(actual map[*modelQueue]map[store.ID]*recoveredEntry) {
	for mq, list := range actual {
		for _, e := range mq.entries {
			if a := list[e.id]; a != nil {
				a.claimed = true
			}
		}
	}
	for _, a := range w.undecided {
		applied, evident := w.evidence(a, actual)
		if evident && !applied && a.certain {
			w.fail("a confirmed %s is lost", a.what)
		}
		w.say("%s: applied %v, evident %v", a.what, applied, evident)
		if applied {
			w.claim(a, actual)
			continue
		}
		for _, e := range a.adds {
			if e.q.private != nil && w.expired(e) && e.durable {
				w.maybe = append(w.maybe, e)
			}
			e.state = gone
		}
		for _, e := range a.removes {
			e.state, e.tx = waiting, nil
			if e.seen {
				e.flagged = yes
			}
		}
		if a.undo != nil {
			a.undo()
		}
	}
}

func (w *world) evidence(a *atom, actual map[*modelQueue]map[store.ID]*recoveredEntry) (applied, evident bool) {
	if a.applied != nil {
		return a.applied(), true
	}
	unclear := false
	for _, e := range a.removes {
		if !e.stays || e.purged || !slices.Contains(w.queues, e.q) {
			continue
		}
		if e.q.sub != nil && w.expired(e) {
			// Looking at the subscription has made a dead letter of it.
			if unclear = unclear || w.isDead(e, actual); unclear {
				continue // another one may tell
			}
		}
		return actual[e.q][e.id] == nil, true
	}
	if unclear {
		return false, false
	}
	for _, e := range a.adds {
		if !e.stays {
			continue
		}
		for id, r := range actual[e.q] {
			if r.body == e.body && (!r.claimed || id == e.id) {
				return true, true
			}
		}
		if w.expired(e) {
			for _, r := range actual[w.dlq] {
				if r.body == e.body { // claimed or not: it was sent in this step
					return true, true
				}
			}
		}
		return false, true
	}
	return false, false
}

// isDead reports whether there is a dead letter of an entry that nothing else explains.
func (w *world) isDead(e *modelEntry, actual map[*modelQueue]map[store.ID]*recoveredEntry) bool {
	for _, r := range actual[w.dlq] {
		if r.body == e.body && !r.claimed {
			return true
		}
	}
	return false
}

func (w *world) claim(a *atom, actual map[*modelQueue]map[store.ID]*recoveredEntry) {
	for _, e := range a.adds {
		for id, r := range actual[e.q] {
			if e.stays && e.id == 0 && !r.claimed && r.body == e.body {
				e.id, r.claimed = id, true
				break
			}
		}
	}
}

// finish consumes everything, and then nothing may be left.
func (w *world) finish() {
	w.ending = true
	w.begin()
	for len(w.branches) > 0 {
		w.decide()
	}
	for _, c := range w.clients {
		c.conn.Close()
		w.lose(c)
		w.connect(c)
	}
	w.settle()
	w.begin()
	for _, mq := range slices.Clone(w.queues) {
		if mq.paused {
			if err := w.broker.Resume(mq.addr); err != nil {
				w.fail("%v", err)
			}
			mq.paused = false
		}
		c := w.clients[0]
		var o broker.SubscribeOptions
		sel := w.sels[0]
		switch {
		case mq.sub == nil:
			o = on(mq.addr)
		case mq.sub.o.Shared:
			o, sel = mq.sub.o, mq.sub.sel
		default:
			o, sel = mq.sub.o, mq.sub.sel
			for _, x := range w.clients {
				if x.id == mq.sub.client {
					c = x
				}
			}
		}
		w.subscribe(c, o, sel, 1<<40)
	}
	w.settle()
	for range 5 {
		w.begin()
		for _, c := range w.clients {
			for _, s := range c.subs {
				if _, err := s.sub.Settle(1, s.last, broker.Outcome{}, nil, 0); err != nil {
					w.fail("%v", err)
				}
			}
		}
		for _, mq := range w.queues {
			for _, e := range mq.entries {
				if e.state == held {
					e.state = gone
				}
			}
		}
		w.advance(1)
		w.settle()
	}
	for _, mq := range w.queues {
		if left := mq.live(); len(left) > 0 {
			w.fail("%s is not empty: %v", mq.name, left)
		}
	}
	err := w.broker.Store().Lists(context.Background(), func(i store.ListInfo) error {
		w.fail("the list %d is left on the disk", i.List)
		return nil
	})
	if err != nil {
		w.fail("%v", err)
	}
}
