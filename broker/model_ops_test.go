package broker_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

// modelOp is an operation of a client: run does it, concurrently with other clients, and
// apply tells the model afterwards.
type modelOp struct {
	run   func() error
	apply func()
}

func (w *world) addresses() []address.Address {
	list := []address.Address{
		q("q.plain"), q("q.prio"), q("q.prio"), q("q.few"), q("q.late"), q("q.group"), topic("t.some"), topic("t.few"),
		topic(virtualTopic), q(virtualQueue),
	}
	for _, mq := range w.queues {
		if mq.owner != nil {
			list = append(list, mq.addr)
		}
	}
	return list
}

// burst lets some clients do something at the same time. In a crash it returns how many deliveries
// came before.
func (w *world) burst() int {
	var lists [][]modelOp
	var owners []*modelClient
	for _, c := range w.clients {
		if !w.chance(45) {
			continue
		}
		var list []modelOp
		settle := true
		for range 1 + w.rng.IntN(4) {
			if op, ok := w.clientOp(c, &settle); ok {
				list = append(list, op)
			}
		}
		if w.chance(70) {
			lists, owners = append(lists, list), append(owners, c)
			continue
		}
		// Each operation is a read burst of its own.
		flushed := make([]modelOp, len(list))
		for i, op := range list {
			flushed[i] = modelOp{func() error { err := op.run(); c.conn.Flush(); return err }, op.apply}
		}
		lists, owners = append(lists, flushed), append(owners, c)
	}
	errs := make([]error, len(lists))
	var all sync.WaitGroup
	for i, list := range lists {
		all.Go(func() {
			for _, op := range list {
				errs[i] = errors.Join(errs[i], op.run())
			}
			owners[i].conn.Flush()
		})
	}
	if w.crashing && w.chance(50) && w.disk.fail() {
		w.say("the store failed meanwhile")
	}
	all.Wait()
	happened := -1
	if w.crashing {
		synctest.Wait()
		w.disk.lose()
		w.mu.Lock()
		happened = len(w.arrivals)
		w.mu.Unlock()
		synctest.Wait()
	}
	for _, err := range errs {
		if err != nil {
			w.fail("%v", err)
		}
	}
	for _, list := range lists {
		for _, op := range list {
			op.apply()
		}
	}
	return happened
}

func (w *world) clientOp(c *modelClient, settle *bool) (modelOp, bool) {
	switch n := w.rng.IntN(100); {
	case n < 35:
		return w.sendOp(c, nil), true
	case n < 60:
		if !*settle {
			return modelOp{}, false
		}
		return w.settleOp(c, nil)
	case n < 63:
		return w.phaseOp(c)
	case n < 78:
		return w.creditOp(c)
	case n < 83:
		return w.beginOp(c)
	}
	var open []*modelTx
	for _, tx := range c.txs {
		if !tx.over {
			open = append(open, tx)
		}
	}
	if len(open) == 0 {
		return modelOp{}, false
	}
	tx := pick(w, open)
	switch n := w.rng.IntN(100); {
	case n < 40:
		return w.sendOp(c, tx), true
	case n < 65:
		if !*settle {
			return modelOp{}, false
		}
		return w.settleOp(c, tx)
	case n < 85:
		return w.commitOp(c, tx), true
	case n < 93:
		*settle = false // what it gives back is unsettled from then on
		return w.rollbackOp(c, tx), true
	}
	return w.prepareOp(c, tx), true
}

func (w *world) sendOp(c *modelClient, tx *modelTx) modelOp {
	n := 1 + w.rng.IntN(4)
	if w.chance(4) {
		n = 20 + w.rng.IntN(60)
	}
	to := []address.Address{pick(w, w.addresses())}
	if w.chance(8) {
		// Of the virtual topic and its queue only one: nobody could tell two copies apart.
		if b := pick(w, w.addresses()); b != to[0] && !(strings.HasSuffix(b.Name, virtualTopic) && strings.HasSuffix(to[0].Name, virtualTopic)) {
			to = append(to, b)
		}
	}
	sends := make([]modelSend, n)
	tokens := make([]broker.Token, n)
	for i := range sends {
		sends[i] = modelSend{m: w.message(to[0]), to: to}
		if w.chance(80) && tx == nil {
			tokens[i] = c.token()
		}
	}
	w.say("%s sends %s..%s to %v, transaction %v", c.label, sends[0].m.body, sends[n-1].m.body, to, tx != nil)
	run := func() error {
		p, err := c.producer(to)
		if err != nil {
			return err
		}
		for i, s := range sends {
			var t *broker.Transaction
			if tx != nil {
				t = tx.tx
			}
			if err := p.Send(s.m.make(to[0]), t, tokens[i]); err != nil {
				return fmt.Errorf("send: %w", err)
			}
		}
		return nil
	}
	return modelOp{run, func() {
		if tx != nil {
			tx.sends = append(tx.sends, sends...)
			return
		}
		for i, s := range sends {
			w.do(&atom{what: "send of " + s.m.body, adds: w.route(s, c.id, c.label), certain: tokens[i] != 0 && c.done(tokens[i])})
		}
	}}
}

// held returns a run of a client's unsettled deliveries.
func (w *world) held(c *modelClient) (s *modelSub, list []*modelEntry) {
	if len(c.subs) == 0 {
		return nil, nil
	}
	s = pick(w, c.subs)
	for _, mq := range w.queues {
		for _, e := range mq.entries {
			if e.state == held && e.holder == s && e.tx == nil && !e.touched {
				list = append(list, e)
			}
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	slices.SortFunc(list, func(a, b *modelEntry) int { return cmp.Compare(a.number, b.number) })
	first := 0
	if w.chance(40) {
		first = w.rng.IntN(len(list))
	}
	list = list[first : first+1+w.rng.IntN(len(list)-first)]
	for _, e := range list {
		e.touched = true
	}
	return s, list
}

func (w *world) settleOp(c *modelClient, tx *modelTx) (modelOp, bool) {
	s, list := w.held(c)
	if s == nil {
		return modelOp{}, false
	}
	first, last := list[0].number, list[len(list)-1].number
	o := broker.Outcome{Kind: pick(w, []broker.OutcomeKind{broker.Accepted, broker.Accepted, broker.Accepted, broker.Released, broker.Failed, broker.Rejected}), Cause: "why"}
	if tx != nil && (o.Kind == broker.Released || o.Kind == broker.Failed) {
		o.Kind = broker.Accepted
	}
	if (o.Kind == broker.Released || o.Kind == broker.Failed) && w.chance(20) && s.durable == nil {
		o.Delay = int64(w.rng.IntN(3))*1000 + 500
	}
	token := broker.Token(0)
	if w.chance(60) && tx == nil {
		token = c.token()
	}
	var t *broker.Transaction
	bodies := make([]string, len(list))
	for i, e := range list {
		bodies[i] = e.body
	}
	w.say("%s settles %d..%d %v outcome %d delay %d, token %d, transaction %v", s.name, first, last, bodies, o.Kind, o.Delay, token, tx != nil)
	run := func() error {
		if tx != nil {
			t = tx.tx
		}
		n, err := s.sub.Settle(first, last, o, t, token)
		if err == nil && n != len(list) {
			err = fmt.Errorf("%s settled %d of the %d deliveries %d..%d", s.name, n, len(list), first, last)
		}
		return err
	}
	return modelOp{run, func() {
		switch {
		case tx != nil:
			for _, e := range list {
				e.tx = tx
			}
			if o.Kind == broker.Rejected {
				tx.rejected = append(tx.rejected, list...)
			} else {
				tx.accepted = append(tx.accepted, list...)
			}
		case o.Kind == broker.Accepted:
			w.do(&atom{what: fmt.Sprint("acceptance of ", bodies), removes: list, certain: token != 0 && c.done(token)})
		case o.Kind == broker.Rejected:
			a := &atom{what: fmt.Sprint("rejection of ", bodies), removes: list, certain: token != 0 && c.done(token)}
			for _, e := range list {
				a.adds = append(a.adds, w.letter(e)...)
			}
			w.do(a)
		default:
			for _, e := range list {
				w.giveBack(e, o.Kind == broker.Failed, o.Delay)
			}
		}
	}}, true
}

// phaseOp says how far the hand-over of a tracked delivery has come.
func (w *world) phaseOp(c *modelClient) (modelOp, bool) {
	var list []*modelEntry
	for _, mq := range w.queues {
		for _, e := range mq.entries {
			if e.state == held && e.holder != nil && e.holder.c == c && e.holder.o.Track != nil && !e.holder.closed && e.tx == nil && !e.touched {
				list = append(list, e)
			}
		}
	}
	if len(list) == 0 {
		return modelOp{}, false
	}
	e, phase, token := pick(w, list), uint8(1+w.rng.IntN(3)), c.token()
	s := e.holder
	w.say("%s has come to phase %d with %d %s", s.name, phase, e.number, e.body)
	return modelOp{func() error { return s.sub.SetPhase(e.number, phase, token) }, func() {
		e.phase, e.either = phase, w.crashing && !c.done(token)
	}}, true
}

func (w *world) creditOp(c *modelClient) (modelOp, bool) {
	if len(c.subs) == 0 {
		return modelOp{}, false
	}
	s := pick(w, c.subs)
	s.moved = true
	if w.chance(15) {
		n := max(s.last, 1) - uint64(w.rng.IntN(2))
		w.say("%s has credit %d", s.name, n)
		s.limit, s.most = n, max(s.most, n)
		return modelOp{func() error { s.sub.Limit(n); return nil }, func() {}}, true
	}
	n := uint64(1 + w.rng.IntN(8))
	w.say("%s has %d more credit", s.name, n)
	s.limit += n
	s.most = max(s.most, s.limit)
	return modelOp{func() error { s.sub.Extend(n); return nil }, func() {}}, true
}

func (w *world) beginOp(c *modelClient) (modelOp, bool) {
	if len(c.txs) >= 3 {
		return modelOp{}, false
	}
	tx := &modelTx{c: c}
	c.txs = append(c.txs, tx)
	return modelOp{func() (err error) { tx.tx, err = c.conn.Begin(); return err }, func() {}}, true
}

func (w *world) commitOp(c *modelClient, tx *modelTx) modelOp {
	tx.over = true
	token := c.token()
	w.say("%s commits, token %d", c.label, token)
	return modelOp{func() error { return tx.tx.Commit(token) }, func() {
		w.do(w.commit(tx, c.id, c.label, c.done(token)))
	}}
}

func (w *world) rollbackOp(c *modelClient, tx *modelTx) modelOp {
	tx.over = true
	w.say("%s rolls back", c.label)
	return modelOp{func() error { return tx.tx.Rollback() }, func() { w.rollback(tx) }}
}

func (w *world) prepareOp(c *modelClient, tx *modelTx) modelOp {
	tx.over = true
	w.serial++
	xid := fmt.Sprint("x", w.serial)
	token := c.token()
	w.say("%s prepares %s, token %d", c.label, xid, token)
	return modelOp{func() error { return tx.tx.Prepare(xid, token) }, func() {
		tx.xid = xid
		c.txs = slices.DeleteFunc(c.txs, func(o *modelTx) bool { return o == tx })
		for _, s := range tx.sends {
			stored := modelSend{m: s.m, to: s.to, entries: []*modelEntry{}}
			for _, e := range w.route(s, c.id, "") {
				if e.q.kept() {
					stored.entries = append(stored.entries, e)
				}
			}
			tx.prepared = append(tx.prepared, stored)
		}
		w.branches = append(w.branches, tx)
		if w.crashing {
			w.undecided = append(w.undecided, &atom{
				what: "prepare of " + xid, certain: c.done(token),
				applied: func() bool { return slices.Contains(w.broker.Prepared(), xid) },
				undo: func() {
					w.branches = slices.DeleteFunc(w.branches, func(o *modelTx) bool { return o == tx })
					for _, e := range slices.Concat(tx.accepted, tx.rejected) {
						e.state, e.tx = waiting, nil
					}
				},
			})
		}
	}}
}

// decide ends a prepared branch.
func (w *world) decide() {
	if len(w.branches) == 0 {
		return
	}
	tx := pick(w, w.branches)
	w.branches = slices.DeleteFunc(w.branches, func(o *modelTx) bool { return o == tx })
	done := make(chan error, 1)
	end, commit := w.broker.RollbackPrepared, w.chance(60)
	if commit {
		end = w.broker.CommitPrepared
	}
	w.say("branch %s ends, commit %v", tx.xid, commit)
	err := end(tx.xid, func(err error) { done <- err })
	if err == nil {
		err = <-done
	}
	if err != nil {
		w.fail("the end of branch %s: %v", tx.xid, err)
	}
	if !commit {
		w.rollback(tx)
		return
	}
	client := ""
	if !tx.recovered {
		client = tx.c.id
	}
	w.do(w.commit(tx, client, tx.xid, true))
}

// open makes a new consumer.
func (w *world) open() {
	c := pick(w, w.clients)
	if len(c.subs) >= 4 {
		return
	}
	sel := w.sels[0]
	if w.chance(35) {
		sel = pick(w, w.sels)
	}
	credit := uint64(w.rng.IntN(12))
	var o broker.SubscribeOptions
	switch n := w.rng.IntN(100); {
	case n < 5:
		own := w.temporary(c)
		if own == nil || w.chance(30) {
			return
		}
		o.Addresses = []address.Address{own.addr}
	case n < 45:
		o.Addresses = []address.Address{pick(w, []address.Address{q("q.plain"), q("q.prio"), q("q.prio"), q("q.few"), q("q.late"), q("q.group"), q("q.group"), q(virtualQueue), w.dlq.addr})}
	case n < 52:
		o.Addresses = []address.Address{q("q.*")}
	case n < 58:
		o.Addresses = []address.Address{q("q.plain"), q("q.group"), q("q.prio")}
	case n < 75:
		o.Addresses = []address.Address{topic(pick(w, []string{"t.some", "t.few", "t.*"}))}
		o.NoLocal = w.chance(20)
		if w.chance(30) {
			// What expires could be dropped, too: nobody could say what became of it.
			o.MaxPending, sel = 1+w.rng.IntN(5), w.sels[len(w.sels)-1]
		}
	default:
		w.openDurable(c, sel, credit)
		return
	}
	if w.chance(20) {
		o.Priority = w.rng.IntN(3) - 1
	}
	o.Exclusive = o.Addresses[0].Kind == address.Queue && w.chance(6)
	w.subscribe(c, o, sel, credit)
}

// temporary returns a temporary queue of a client, and makes one if it has none.
func (w *world) temporary(c *modelClient) *modelQueue {
	for _, mq := range w.queues {
		if mq.owner == c {
			return mq
		}
	}
	a, err := c.conn.CreateTemporary(address.TempQueue)
	if err != nil {
		w.fail("temporary queue: %v", err)
	}
	w.say("%s makes %s", c.label, a)
	w.newQueue(a).owner = c
	return nil
}

func (w *world) openDurable(c *modelClient, sel modelSelector, credit uint64) {
	o := on(topic(pick(w, []string{"t.some", "t.few"})))
	o.Name = pick(w, []string{"A", "B"})
	o.Shared = w.chance(30)
	if o.Shared {
		o.Name = "shared"
	}
	client := c.id
	if o.Shared {
		client = ""
	}
	for _, mq := range w.queues {
		d := mq.sub
		if d == nil || d.client != client || d.name != o.Name {
			continue
		}
		if !w.chance(15) {
			o.Addresses, sel = d.o.Addresses, d.sel // the same again
		}
		if len(mq.consumers) > 0 && (!o.Shared || d.sel.text != sel.text || d.o.Addresses[0] != o.Addresses[0]) {
			return // in use
		}
	}
	w.subscribe(c, o, sel, credit)
}

// unsubscribe deletes a durable subscription.
func (w *world) unsubscribe() {
	for _, mq := range w.queues {
		if mq.sub == nil || len(mq.consumers) > 0 || mq.sub.o.Shared {
			continue
		}
		c := pick(w, w.clients)
		w.say("%s deletes %s", c.label, mq.name)
		token := c.token()
		if err := c.conn.UnsubscribeClient(mq.sub.client, mq.sub.name, token); err != nil {
			w.fail("unsubscribe: %v", err)
		}
		w.drop(mq)
		return
	}
}

// close ends a consumer, or a connection, while other things are under way.
func (w *world) close() {
	c := pick(w, w.clients)
	if w.chance(25) {
		w.say("%s is lost", c.label)
		c.conn.Close()
		w.lose(c)
		w.connect(c)
		return
	}
	if len(c.subs) == 0 {
		return
	}
	s := pick(w, c.subs)
	upTo := pick(w, []uint64{0, s.last, s.last / 2, ^uint64(0)})
	w.say("%s closes, having seen up to %d", s.name, upTo)
	s.sub.Close(upTo, c.token())
	c.conn.Flush()
	w.end(s, upTo)
}

// administer does one administrator's operation, with nothing else under way.
func (w *world) administer() {
	mq := w.somewhere()
	if w.broker.Lookup(mq.addr) == nil {
		return // it was deleted
	}
	ctx := context.Background()
	switch n := w.rng.IntN(110); {
	case n >= 100:
		w.remove(ctx, mq)
	case n < 15:
		w.say("purge of %s", mq.name)
		k, err := w.broker.Purge(ctx, mq.addr)
		if want := int64(len(mq.waiting())); err != nil || k != want {
			w.fail("purge of %s: %d, not %d: %v", mq.name, k, want, err)
		}
		for _, e := range mq.live() {
			if e.state == held {
				e.purged = true
				continue
			}
			e.state = gone
		}
	case n < 35:
		w.say("%s pauses: %v", mq.name, !mq.paused)
		change := w.broker.Pause
		if mq.paused {
			change = w.broker.Resume
		}
		if err := change(mq.addr); err != nil {
			w.fail("%v", err)
		}
		mq.paused = !mq.paused
	case n < 60:
		w.moveSome(ctx, mq)
	case n < 80:
		w.browseSome(mq)
	default:
		w.drainSome()
	}
}

// somewhere returns a queue that can be sent to.
func (w *world) somewhere() (mq *modelQueue) {
	for mq == nil || !mq.public() {
		mq = pick(w, w.queues)
	}
	return mq
}

// remove deletes a queue, unless it is in use. It comes back when somebody needs it.
func (w *world) remove(ctx context.Context, mq *modelQueue) {
	w.say("%s is deleted, with %d consumers", mq.name, len(mq.consumers))
	var err error
	if mq.owner != nil {
		err = mq.owner.conn.DeleteTemporary(mq.addr)
	} else {
		err = w.broker.Delete(ctx, mq.addr)
	}
	if len(mq.consumers) > 0 {
		if !fault.Is(err, fault.InUse) {
			w.fail("the end of %s, which is in use: %v", mq.name, err)
		}
		return
	}
	if err != nil {
		w.fail("the end of %s: %v", mq.name, err)
	}
	w.drop(mq)
	if mq.owner != nil {
		return
	}
	w.newQueue(mq.addr)
	if mq.of != "" { // it would get nothing from its topic until somebody needs it
		if err := w.broker.Create(ctx, mq.addr); err != nil {
			w.fail("%v", err)
		}
	}
}

// moveSome removes or moves or copies messages by a selector or by their identifiers, or puts dead
// letters back.
func (w *world) moveSome(ctx context.Context, mq *modelQueue) {
	sel := pick(w, w.sels)
	x := broker.Selection{Selector: sel.text}
	copied := w.chance(25)
	all := mq.waiting()
	if copied {
		all = mq.live()
	}
	var list []*modelEntry
	for _, e := range all {
		if sel.match(e.modelMessage) {
			list = append(list, e)
		}
	}
	if w.chance(50) && len(list) > 0 {
		for _, e := range list[w.rng.IntN(len(list)):] {
			if w.chance(50) || len(x.IDs) == 0 {
				x.IDs = append(x.IDs, e.body)
			}
		}
		list = slices.DeleteFunc(list, func(e *modelEntry) bool { return !slices.Contains(x.IDs, e.body) })
	}
	a := &atom{what: "move", removes: list, certain: true}
	var k int64
	var err error
	switch {
	case mq == w.dlq && !copied && w.chance(50):
		w.say("retry from %s: %q %v", mq.name, x.Selector, x.IDs)
		k, err = w.broker.Retry(ctx, mq.addr, x)
		// Those of topics stay.
		list = slices.DeleteFunc(list, func(e *modelEntry) bool { return !e.origin.Kind.IsQueue() })
		a.removes = list
		for _, e := range list {
			a.adds = append(a.adds, w.retried(e))
		}
	case w.chance(40) && !copied:
		w.say("removal from %s: %q %v", mq.name, x.Selector, x.IDs)
		k, err = w.broker.Remove(ctx, mq.addr, x)
	default:
		to, move := w.somewhere(), w.broker.Move
		if copied {
			move, a.removes = w.broker.Copy, nil
		}
		w.say("move from %s to %s, copy %v: %q %v", mq.name, to.name, copied, x.Selector, x.IDs)
		k, err = move(ctx, mq.addr, to.addr, x)
		for _, e := range list {
			n := to.add(e.modelMessage, "")
			n.expiry, n.origin = e.expiry, e.addr
			a.adds = append(a.adds, n)
		}
	}
	if err != nil || k != int64(len(list)) {
		w.fail("%d were moved, not %d: %v", k, len(list), err)
	}
	w.do(a)
}

// retried is what a dead letter becomes that is put back where it came from, if there is such a
// place.
func (w *world) retried(e *modelEntry) *modelEntry {
	if to := w.find(e.origin); to != nil {
		n := to.add(e.modelMessage, "")
		n.expiry = e.expiry
		return n
	}
	n := e.q.add(e.modelMessage, "")
	n.expiry, n.origin = e.expiry, e.origin
	return n
}

// browseSome looks at a queue with a browser that gets its credit bit by bit.
func (w *world) browseSome(mq *modelQueue) {
	if mq.owner != nil {
		return // it is for its owner's eyes only
	}
	sel := pick(w, w.sels)
	c := &modelClient{w: w, id: "browser"}
	w.connect(c)
	s := &modelSub{c: c, ears: c.modelHandler, name: "browser"}
	w.say("browser of %s, selector %q", mq.name, sel.text)
	var err error
	s.sub, err = c.conn.Subscribe(broker.SubscribeOptions{Addresses: []address.Address{mq.addr}, Selector: sel.text, Browse: true}, s, c.token())
	if err != nil {
		w.fail("browse: %v", err)
	}
	synctest.Wait()
	got := map[string]int{}
	for credit := 0; s.drained == 0; {
		credit += 1 + w.rng.IntN(20)
		s.sub.Limit(uint64(credit))
		synctest.Wait()
		w.mu.Lock()
		if credit > 100000 || len(w.arrivals) > credit {
			w.fail("%d arrivals with credit %d", len(w.arrivals), credit)
		}
		w.mu.Unlock()
	}
	for _, a := range w.arrivals {
		got[a.d.Msg.ID.Origin]++
	}
	w.arrivals = nil
	for _, e := range mq.live() {
		if sel.match(e.modelMessage) {
			if got[e.body]--; got[e.body] < 0 {
				w.fail("the browser did not see %v", e)
			}
		}
	}
	c.conn.Close()
}

// drainSome asks a consumer's queues for all that its credit allows.
func (w *world) drainSome() {
	c := pick(w, w.clients)
	if len(c.subs) == 0 {
		return
	}
	s := pick(w, c.subs)
	for _, mq := range s.queues {
		if mq.paused {
			return // it is drained when the queue goes on
		}
	}
	w.say("%s drains", s.name)
	s.drains++
	s.sub.Drain()
	synctest.Wait()
	if limit, last := s.sub.Credit(); limit != last || s.drained != s.drains {
		w.fail("%s is not drained: credit %d, last %d, drained %d of %d times", s.name, limit, last, s.drained, s.drains)
	}
	w.take()
	w.checkServed() // with the credit as it was
	s.limit = s.last
}
