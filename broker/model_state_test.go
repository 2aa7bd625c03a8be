package broker_test

import (
	"fmt"
	"slices"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// modelMessage is what a producer sent.
type modelMessage struct {
	body, color, group string
	n                  int32
	groupSeq           int32
	prio               uint8
	durable            bool
	expiry             int64
}

type entryState uint8

const (
	waiting entryState = iota
	held               // with a consumer or locked by a branch
	gone
)

// certainty is what the model knows of a fact after an unclean stop.
type certainty uint8

const (
	no certainty = iota
	yes
	unknown
)

// modelEntry is one message on one queue.
type modelEntry struct {
	*modelMessage
	q       *modelQueue
	addr    address.Address // as its consumer sees it
	origin  address.Address // where it was sent, died or was moved from, if elsewhere
	id      store.ID        // 0 until it is seen
	expiry  int64
	stays   bool   // over restarts
	sender  string // connection, "" if the order is not known
	step    int    // in which it arrived
	serial  int    // its place among the sender's
	state   entryState
	holder  *modelSub
	number  uint64
	tx      *modelTx // decides on the held entry
	count   uint16
	slack   uint16 // the count may be lower by it
	flagged certainty
	seen    bool // by a consumer, ever
	purged  bool // while it was held
	delayed int64
	loose   bool   // the delay may be shorter
	tag     uint32 // of a tracked delivery
	phase   uint8
	either  bool      // after a crash: it may have a tag; its phase is not known
	touched bool      // an operation of this step concerns it
	waited  bool      // since before this step
	first   int       // its first delivery in this step, -1
	to      *modelSub // who got that one
	fresh   bool      // it had never been delivered before that one
}

// modelQueue is a queue, a durable subscription, or a topic subscriber's own queue.
type modelQueue struct {
	name        string
	addr        address.Address
	sub         *modelDurable // whose queue it is
	private     *modelSub     // whose queue it is
	owner       *modelClient  // of a temporary one
	of          string        // the virtual topic that it is a consumer's queue of
	prioritized bool
	max         uint16 // deliveries
	delay       int64  // of redeliveries
	paused      bool
	mixed       bool // messages may be taken out of their order
	over        bool // a topic subscriber's messages were more than it may leave waiting
	entries     []*modelEntry
	consumers   []*modelSub
	owners      map[string]*modelSub // of groups; nil values are not known
}

// public reports whether a queue is one that can be sent to.
func (q *modelQueue) public() bool { return q.sub == nil && q.private == nil }

// kept reports whether it outlives the broker.
func (q *modelQueue) kept() bool { return q.private == nil && q.owner == nil }

func (q *modelQueue) live() (list []*modelEntry) {
	for _, e := range q.entries {
		if e.state != gone {
			list = append(list, e)
		}
	}
	return list
}

func (q *modelQueue) waiting() (list []*modelEntry) {
	for _, e := range q.entries {
		if e.state == waiting {
			list = append(list, e)
		}
	}
	return list
}

// precedes reports whether an entry has certainly arrived before another one.
func (e *modelEntry) precedes(o *modelEntry) bool {
	return e.step < o.step || e.step == o.step && e.sender != "" && e.sender == o.sender && e.serial < o.serial
}

// find returns the entry with an id, or, if its id is not known yet, of a message.
func (q *modelQueue) find(id store.ID, m *message.Message, state entryState) *modelEntry {
	var first *modelEntry
	text := body(m)
	for _, e := range q.entries {
		switch {
		case e.id == id:
			return e
		case e.id == 0 && e.body == text && e.addr == m.Address && e.origin == m.Origin && e.state == state && first == nil:
			first = e
		}
	}
	return first
}

// level is the priority as far as the queue honours it.
func (q *modelQueue) level(e *modelEntry) uint8 {
	if q.prioritized {
		return e.prio
	}
	return 0
}

// exclusive returns the consumer that is served alone, or nil.
func (q *modelQueue) exclusive() (best *modelSub) {
	for _, s := range q.consumers {
		if s.o.Exclusive && (best == nil || s.o.Priority > best.o.Priority) {
			best = s
		}
	}
	return best
}

// modelDurable is a durable subscription.
type modelDurable struct {
	client, name string
	o            broker.SubscribeOptions
	sel          modelSelector
	q            *modelQueue
}

// modelTx is a transaction.
type modelTx struct {
	c         *modelClient
	tx        *broker.Transaction
	sends     []modelSend
	accepted  []*modelEntry
	rejected  []*modelEntry
	xid       string
	prepared  []modelSend // with the queues that were bound at that time
	recovered bool
	over      bool
}

// modelSend is a message on its way to some destinations.
type modelSend struct {
	m       *modelMessage
	to      []address.Address
	entries []*modelEntry // what it becomes, of a branch after a restart
}

// atom is a change that happens whole or not at all, and certainly if it was confirmed.
type atom struct {
	what    string
	removes []*modelEntry
	adds    []*modelEntry
	certain bool
	undo    func() // beside the entries
	applied func() bool
}

// do applies a change. What may be lost by a crash is noted.
func (w *world) do(a *atom) {
	for _, e := range a.removes {
		w.note(e, "leaves: %s", a.what)
		e.state, e.holder, e.tx = gone, nil, nil
	}
	for _, e := range a.adds {
		w.note(e, "arrives: %s", a.what)
		w.serial++
		e.step, e.serial = w.steps, w.serial
		e.q.entries = append(e.q.entries, e)
	}
	if w.crashing {
		w.undecided = append(w.undecided, a)
	}
}

// add returns a new entry of a queue, which do puts there.
func (q *modelQueue) add(m *modelMessage, sender string) *modelEntry {
	q.mixed = q.mixed || m.group != ""
	return &modelEntry{modelMessage: m, q: q, addr: q.addr, expiry: m.expiry, stays: m.durable && q.kept(), sender: sender, first: -1}
}

// find returns the queue with an address, or nil.
func (w *world) find(a address.Address) *modelQueue {
	for _, q := range w.queues {
		if q.public() && q.addr == a {
			return q
		}
	}
	return nil
}

// route finds the queues that a message goes to.
func (w *world) route(s modelSend, client, sender string) (adds []*modelEntry) {
	if s.entries != nil {
		for _, e := range s.entries {
			q := e.q
			if !slices.Contains(w.queues, q) && q.public() {
				q = w.find(q.addr) // it was deleted and is made anew
			}
			if slices.Contains(w.queues, q) {
				n := q.add(s.m, sender)
				n.addr, n.origin = e.addr, e.origin
				adds = append(adds, n)
			}
		}
		return adds
	}
	for _, a := range s.to {
		origin := address.Address{}
		if len(s.to) > 1 {
			origin = s.to[0] // as the producer calls them all
		}
		for _, q := range w.queues {
			as, from := a, origin
			switch {
			case q.sub != nil:
				if !address.Match(q.addr.Name, a.Name) || a.Kind != address.Topic || !q.sub.sel.match(s.m) || q.sub.o.NoLocal && q.sub.client == client {
					continue
				}
			case q.private != nil:
				if !address.Match(q.addr.Name, a.Name) || a.Kind != address.Topic || !q.private.sel.match(s.m) || q.private.o.NoLocal && q.private.c.id == client {
					continue
				}
			case a.Kind == address.Topic && q.of == a.Name:
				as, from = q.addr, a
			case q.addr != a:
				continue
			}
			e := q.add(s.m, sender)
			e.addr, e.origin = as, from
			adds = append(adds, e)
		}
	}
	return adds
}

// letter returns the dead letters that an entry becomes.
func (w *world) letter(e *modelEntry) []*modelEntry {
	if !e.durable || e.q == w.dlq || e.q.owner != nil {
		return nil
	}
	m := *e.modelMessage
	m.expiry = 0
	dead := w.dlq.add(&m, "")
	dead.origin = e.addr
	return []*modelEntry{dead}
}

func (w *world) bury(what string, e *modelEntry, certain bool) {
	w.do(&atom{what: what + " " + e.body, removes: []*modelEntry{e}, adds: w.letter(e), certain: certain})
}

// giveBack is the return of a held entry to its queue.
func (w *world) giveBack(e *modelEntry, counted bool, delay int64) {
	w.note(e, "comes back, counted %v, delay %d, purged %v", counted, delay, e.purged)
	e.holder, e.tx, e.number = nil, nil, 0
	if e.purged || !slices.Contains(w.queues, e.q) || e.q.private != nil && e.q.private.closed {
		w.do(&atom{what: "return of the purged " + e.body, removes: []*modelEntry{e}, certain: true})
		return
	}
	e.state = waiting
	if e.delayed, e.loose = 0, false; delay > 0 {
		e.delayed = w.now() + delay
	}
	if counted {
		e.count++
		e.flagged = yes
		if w.crashing {
			e.slack++
		}
		if e.q.max == 0 || e.count < e.q.max {
			if delay == 0 && e.q.delay > 0 {
				e.delayed = w.now() + e.q.delay
			}
			return
		}
	}
	if e.q.max > 0 && e.count >= e.q.max {
		w.bury("too many deliveries of", e, false)
	}
}

// detach takes a consumer off its queues.
func (s *modelSub) detach() {
	for _, q := range s.queues {
		q.consumers = slices.DeleteFunc(q.consumers, func(o *modelSub) bool { return o == s })
		for g, o := range q.owners {
			if o == s || len(q.consumers) == 0 {
				delete(q.owners, g)
			}
		}
	}
}

// end closes a consumer in the model: what it holds goes back.
func (w *world) end(s *modelSub, deliveredUpTo uint64) {
	if s.closed {
		return
	}
	s.closed, s.upTo = true, deliveredUpTo
	s.detach()
	for _, q := range w.queues {
		for _, e := range slices.Clone(q.entries) {
			// It may have been about to get what has a tag by now.
			e.either = e.either || s.o.Track != nil && e.tag == 0 && slices.Contains(s.queues, q)
			if e.state == held && e.holder == s && e.tx == nil {
				w.giveBack(e, e.number <= deliveredUpTo, 0)
			}
		}
	}
	s.c.subs = slices.DeleteFunc(s.c.subs, func(o *modelSub) bool { return o == s })
	w.closing = append(w.closing, s)
}

// drop removes a queue of the model with all that it holds.
func (w *world) drop(q *modelQueue) {
	for _, e := range q.entries {
		if q.private != nil && e.state == waiting && w.expired(e) && e.durable {
			w.maybe = append(w.maybe, e)
		}
		if e.state == waiting && q.owner == nil { // the owner's consumer may have got it just before
			e.state = gone
		}
	}
	w.queues = slices.DeleteFunc(w.queues, func(o *modelQueue) bool { return o == q })
}

// lose is the end of a connection.
func (w *world) lose(c *modelClient) {
	for _, tx := range slices.Clone(c.txs) {
		w.rollback(tx)
	}
	for _, s := range slices.Clone(c.subs) {
		w.end(s, ^uint64(0))
	}
	for _, q := range slices.Clone(w.queues) {
		if q.owner == c {
			w.drop(q)
		}
	}
}

func (w *world) rollback(tx *modelTx) {
	if tx.c != nil {
		tx.c.txs = slices.DeleteFunc(tx.c.txs, func(o *modelTx) bool { return o == tx })
	}
	for _, e := range slices.Concat(tx.accepted, tx.rejected) {
		if e.state != held || e.tx != tx {
			continue
		}
		e.tx = nil
		if tx.recovered || e.holder == nil || e.holder.closed {
			w.giveBack(e, true, 0)
		}
	}
	tx.accepted, tx.rejected = nil, nil
}

// commit is what the commit of a transaction does.
func (w *world) commit(tx *modelTx, client, sender string, certain bool) *atom {
	a := &atom{what: "commit " + tx.xid, certain: certain}
	if tx.c != nil {
		tx.c.txs = slices.DeleteFunc(tx.c.txs, func(o *modelTx) bool { return o == tx })
	}
	sends := tx.sends
	if tx.recovered {
		sends = tx.prepared
	}
	for _, s := range sends {
		a.adds = append(a.adds, w.route(s, client, sender)...)
	}
	for _, e := range tx.accepted {
		if e.state == held {
			a.removes = append(a.removes, e)
		}
	}
	for _, e := range tx.rejected {
		if e.state == held {
			a.removes = append(a.removes, e)
			a.adds = append(a.adds, w.letter(e)...)
		}
	}
	return a
}

func (e *modelEntry) String() string {
	s := fmt.Sprintf("%s on %s (id %d, priority %d, durable %v, color %s, n %d, count %d", e.body, e.q.name, e.id, e.prio, e.durable, e.color, e.n, e.count)
	if e.group != "" {
		s += fmt.Sprintf(", group %s %d", e.group, e.groupSeq)
	}
	if e.expiry != 0 {
		s += fmt.Sprintf(", expires %d", e.expiry)
	}
	switch {
	case e.state == gone:
		s += ", gone"
	case e.state == held && e.holder != nil:
		s += fmt.Sprintf(", number %d of %s", e.number, e.holder.name)
	case e.state == held:
		s += ", locked"
	}
	return s + ")"
}

// modelSelector is a selector and its naive twin.
type modelSelector struct {
	text  string
	match func(*modelMessage) bool
}

func modelSelectors() []modelSelector {
	return []modelSelector{
		{"", func(*modelMessage) bool { return true }},
		{"color = 'red'", func(m *modelMessage) bool { return m.color == "red" }},
		{"color <> 'red'", func(m *modelMessage) bool { return m.color != "red" }},
		{"n > 4", func(m *modelMessage) bool { return m.n > 4 }},
		{"n = 7", func(m *modelMessage) bool { return m.n == 7 }},
		{"JMSPriority < 5 AND n BETWEEN 2 AND 7", func(m *modelMessage) bool { return m.prio < 5 && m.n >= 2 && m.n <= 7 }},
		{"JMSExpiration = 0", func(m *modelMessage) bool { return m.expiry == 0 }},
	}
}
