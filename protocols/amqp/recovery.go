package amqp

import (
	"hash/fnv"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Links are recovered as AMQP 2.6.13 has it.
//
// Where the client receives, nothing is kept: delivery-tags are the identities of entries in the
// broker's queues. A client that attaches anew and says what outcome it has for which tag is
// believed, as far as the entries are there and with nobody else; that is so also after a restart
// of the broker.
//
// Where the client sends and settles last, the outcome of each delivery is kept until then, here
// in memory, and, so that a repetition is known also after a restart, as a key in the batch of
// its message.

// kept is what is known of the deliveries on a link on which the client sends and settles last. It
// outlives the link.
type kept struct {
	once *broker.Once

	mu         sync.Mutex
	deliveries map[string]*keptDelivery // by tag
	stale      []uint64                 // keys from before a restart, of which the tags are not known
	awaited    map[string]bool          // tags that the client will send again
	until      time.Time                // of a link that is not attached: when it is forgotten
}

// keptDelivery is a delivery that the client has not settled.
type keptDelivery struct {
	tag   string
	key   uint64
	state []byte // encoded; nil: it is on its way to the disk
}

// How long and how many links are remembered after they were lost.
const (
	keptTime  = 10 * time.Minute
	keptLinks = 10000
	keptTags  = 32768 // of one link
)

// recoverable reports whether a client that sends can take its link up again: it settles last, and
// says that it means it. Others that settle last by default, such as uamqp, never settle: their
// deliveries are settled at once, as by other brokers.
func recoverable(a *frame.Attach) bool {
	if a.ReceiverMode != frame.Second || a.SenderMode == frame.Settled || a.Target == nil || a.Target.Dynamic {
		return false
	}
	lasting := func(t *frame.Terminus) bool {
		return t.Durable != frame.NotDurable || t.Expiry == frame.Never || t.Expiry == frame.ConnectionClose || t.Timeout > 0
	}
	return a.Unsettled != nil || lasting(&a.Target.Terminus) || a.Source != nil && lasting(&a.Source.Terminus)
}

// keep returns what is known of a link, as the client attaches it. With a map of what it has not
// settled, the link goes on, and all that is not in the map was settled; without one it begins
// anew. It blocks on the store.
func (r *registry) keep(c *connection, key linkKey, unsettled []byte) (*kept, error) {
	r.mu.Lock()
	k := r.kept[key]
	before := linkKey{container: key.container, name: key.name, role: key.role}
	old := key.user != "" && r.kept[before] == nil // which may be from before users had links of their own
	if k == nil {
		if r.kept == nil {
			r.kept = make(map[linkKey]*kept)
		}
		r.forgetOld()
		k = &kept{deliveries: make(map[string]*keptDelivery)}
		r.kept[key] = k
	}
	r.mu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = time.Time{}
	fresh := k.once == nil
	if fresh {
		once, err := c.o.Broker.Once(c.ctx, key.session())
		if err != nil {
			return nil, err
		}
		k.once = once
	}
	claimed := make(map[string]bool)
	if err := frame.Tags(unsettled, func(tag []byte, _ frame.State) bool {
		claimed[string(tag)] = true
		return len(claimed) < keptTags
	}); err != nil {
		return nil, err
	}
	if len(claimed) == 0 {
		clear(k.deliveries)
		k.stale, k.awaited = nil, nil
		k.once.Clear()
		return k, nil
	}
	if fresh && old {
		once, err := c.o.Broker.Once(c.ctx, before.session())
		if err != nil {
			return nil, err
		}
		k.once.Inherit(once)
	}
	if fresh {
		k.stale = k.once.Keys()
	}
	k.awaited = claimed
	for tag, d := range k.deliveries {
		switch {
		case !claimed[tag]:
			k.drop(c, d)
		case d.state == nil:
			// Whether it was taken shows when it comes again: its key is known then.
			delete(k.deliveries, tag)
			k.stale = append(k.stale, d.key)
		}
	}
	return k, nil
}

// session returns the name under which the broker has the keys of what was sent on a link.
func (k *linkKey) session() string {
	name := "amqp\x00" + k.container + "\x00" + k.name
	if k.user != "" {
		name += "\x00" + k.user
	}
	return name
}

// forgetOld drops links that nobody has taken up again. The caller holds r.mu.
func (r *registry) forgetOld() {
	now := time.Now()
	for key, k := range r.kept {
		k.mu.Lock()
		old := !k.until.IsZero() && (now.After(k.until) || len(r.kept) >= keptLinks)
		k.mu.Unlock()
		if old {
			delete(r.kept, key)
		}
	}
}

// part notes that the link is not attached any more; with closed it is over.
func (r *registry) part(key linkKey, k *kept, closed bool) {
	if closed {
		r.mu.Lock()
		if r.kept[key] == k {
			delete(r.kept, key)
		}
		r.mu.Unlock()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.until = time.Now().Add(keptTime)
	if closed && k.once != nil {
		k.once.End()
		clear(k.deliveries)
	}
}

// drop forgets a delivery that the client has settled. The caller holds k.mu.
func (k *kept) drop(c *connection, d *keptDelivery) {
	if k.deliveries[d.tag] == d {
		delete(k.deliveries, d.tag)
	}
	k.once.Forget(c.core, d.key, 0)
}

// unsettled returns the map for our attach: what both sides know, with its outcome.
func (k *kept) unsettled() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.deliveries) == 0 {
		return nil
	}
	m := wire.Open(nil, wire.Map8)
	for tag, d := range k.deliveries {
		m.B = append(wire.AppendBinary(m.B, tag), d.state...)
		m.Count += 2
	}
	return m.Close()
}

// arrive notes a delivery. It returns nil if one with its tag is unsettled.
func (k *kept) arrive(c *connection, tag, payload []byte) *keptDelivery {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deliveries[string(tag)] != nil || len(k.deliveries) >= keptTags {
		return nil
	}
	// The content is part of the key: tags are used again as soon as they are settled, and what
	// we know of that may be lost in a crash.
	h := fnv.New64a()
	_, _ = h.Write(tag)
	_, _ = h.Write([]byte{byte(len(tag))})
	_, _ = h.Write(payload)
	d := &keptDelivery{tag: string(tag), key: h.Sum64()}
	k.deliveries[d.tag] = d
	if k.awaited[d.tag] {
		delete(k.awaited, d.tag)
		for i, key := range k.stale {
			if key == d.key {
				k.stale = append(k.stale[:i], k.stale[i+1:]...)
				break
			}
		}
		if len(k.awaited) == 0 {
			// All that the client had not settled is here: the other keys are of deliveries that
			// it has.
			for _, key := range k.stale {
				k.once.Forget(c.core, key, 0)
			}
			k.stale = nil
		}
	}
	return d
}

// resumed serves a delivery that the client takes up again. [AMQP 2.6.13]
func (l *receiver) resumed(d *delivery) {
	k := l.kept
	l.dropped()
	if k == nil {
		return // of a link that was before, and nothing is known of it here
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	known := k.deliveries[string(d.tag)]
	delete(k.awaited, string(d.tag))
	switch {
	case known == nil:
	case d.settled:
		k.drop(l.s.c, known)
	default:
		l.s.remember(d.id, l, known)
		l.s.c.out.Own(&doneItem{l: l, id: d.id, settled: false, state: known.state, again: true})
	}
}

// inbound is a delivery from the client that it has not settled.
type inbound struct {
	l *receiver
	d *keptDelivery
}

// remember notes under which delivery-id the client will settle.
func (s *session) remember(id uint32, l *receiver, d *keptDelivery) {
	s.mu.Lock()
	if s.inbound == nil {
		s.inbound = make(map[uint32]inbound)
	}
	s.inbound[id] = inbound{l, d}
	s.mu.Unlock()
}

// outcome notes what became of a delivery. It is the writer's.
func (s *session) outcome(id uint32, state []byte) {
	s.mu.Lock()
	k, ok := s.inbound[id]
	s.mu.Unlock()
	if !ok {
		return
	}
	k.l.kept.mu.Lock()
	defer k.l.kept.mu.Unlock()
	k.d.state = state
	if &state[0] != &acceptedState[0] {
		k.l.kept.once.Forget(s.c.core, k.d.key, 0) // it was not taken
	}
}

// released serves the client's settlement of what it has sent. The range is as long as the client
// says; what is walked is what is known.
func (s *session) released(first, last uint32) {
	s.mu.Lock()
	var list []inbound
	if span := last - first; span < uint32(len(s.inbound)) {
		for n := range span + 1 {
			if k, ok := s.inbound[first+n]; ok {
				list = append(list, k)
				delete(s.inbound, first+n)
			}
		}
	} else {
		for id, k := range s.inbound {
			if id-first <= span {
				list = append(list, k)
				delete(s.inbound, id)
			}
		}
	}
	s.mu.Unlock()
	for _, k := range list {
		k.l.kept.mu.Lock()
		k.l.kept.drop(s.c, k.d)
		k.l.kept.mu.Unlock()
	}
}

// settlement is a delivery that the client has an outcome of, and of which it hears that it is
// settled.
type settlement struct {
	tag   uint64
	state []byte
}

// reclaim settles what the client says it has an outcome of, of what it got on the link before.
// The token is confirmed when all of that is durable.
func (l *sender) reclaim(unsettled []byte, t broker.Token) error {
	c := l.s.c
	type group struct {
		outcome broker.Outcome
		state   []byte
		ids     []uint64
	}
	var groups []group
	at := make(map[string]int)
	err := frame.Tags(unsettled, func(tag []byte, s frame.State) bool {
		id, ok := frame.ParseTag(tag)
		if !ok || !s.Kind.IsOutcome() || s.InTransaction {
			return true // it comes again, if it is there
		}
		state := s.Append(nil)
		i, ok := at[string(state)]
		if !ok {
			i = len(groups)
			at[string(state)] = i
			groups = append(groups, group{outcome: outcomeOf(&s), state: state})
		}
		groups[i].ids = append(groups[i].ids, id)
		return true
	})
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		c.core.Confirm(t)
		return nil
	}
	// The writer is told with the token, and must see all then.
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, g := range groups {
		token := t
		if i+1 < len(groups) {
			token = 0
		}
		found, err := l.sub.Reclaim(c.ctx, g.ids, g.outcome, token)
		if err != nil {
			return err
		}
		for _, id := range found {
			l.settlements = append(l.settlements, settlement{id, g.state})
		}
	}
	return nil
}

// unsettledMap returns the map for our attach: what both sides know, with the client's outcome.
func (l *sender) unsettledMap() []byte {
	if len(l.settlements) == 0 {
		return nil
	}
	m := wire.Open(nil, wire.Map8)
	for _, k := range l.settlements {
		m.B = append(frame.AppendTag(m.B, k.tag), k.state...)
		m.Count += 2
	}
	return m.Close()
}

// settlementItem tells the client that what it had an outcome of is settled: by deliveries without
// a payload that resume those from before. Each takes a credit.
type settlementItem struct {
	l    *sender
	list []settlement
}

func (w *settlementItem) encode(dst []byte) []byte {
	l := w.l
	s := l.s
	for i, k := range w.list {
		if l.isOver() || s.over.Load() {
			return dst
		}
		if !s.windowOpen() {
			s.held = append(s.held, held{own: &settlementItem{l, w.list[i:]}})
			return dst
		}
		t := frame.Transfer{
			Handle: l.handle, DeliveryID: s.nextDelivery, HasID: true, Tag: frame.AppendTag(nil, k.tag)[2:], HasFormat: true,
			Settled: true, HasSettled: true, State: k.state, Resume: true,
		}
		s.nextDelivery++
		s.nextOutgoing++
		var at int
		dst, at = t.Append(dst, s.channel)
		dst = frame.End(dst, at)
	}
	return dst
}

// takeSettlements returns as many of what is to be told as there is credit for, and takes that
// credit. The caller holds l.mu.
func (l *sender) takeSettlements() *settlementItem {
	n := min(uint64(len(l.settlements)), max(l.limit, l.count)-l.count)
	if n == 0 || !l.ready {
		return nil
	}
	w := &settlementItem{l, l.settlements[:n]}
	l.settlements = l.settlements[n:]
	l.count += n
	return w
}
