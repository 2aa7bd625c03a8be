package broker

import (
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/recent"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// Producer sends to one destination, or to each member of a composite one.
type Producer struct {
	c       *Connection
	to      []address.Address // never changes, as targets may when they are made anew
	targets []*Destination
	single  holder // of one queue
	control bool   // what is sent speaks to the broker itself
	told    bool   // events tell of it
}

// Producer returns a producer for an address, or for several, which get a copy each. Missing
// destinations are created, if the connection may.
func (c *Connection) Producer(to ...address.Address) (*Producer, error) {
	if c.closed.Load() {
		return nil, c.closedError("send")
	}
	if len(to) == 0 {
		return nil, fault.New(fault.InvalidName, "send", "", "a producer needs a destination")
	}
	p := &Producer{c: c}
	for _, a := range to {
		if err := c.check(security.Write, a); err != nil {
			return nil, err
		}
		d, err := c.b.resolve(c, "send", a)
		if err != nil {
			return nil, err
		}
		p.to, p.targets = append(p.to, d.Address), append(p.targets, d)
		p.control = p.control || isSchedulerControl(a) || isStatistics(a)
	}
	p.setSingle()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return nil, c.closedError("send")
	}
	for _, d := range p.targets {
		d.producers.Add(1)
	}
	if c.producers == nil {
		c.producers = make(map[*Producer]struct{})
	}
	c.producers[p] = struct{}{}
	return p, nil
}

// Connection returns whose producer it is.
func (p *Producer) Connection() *Connection { return p.c }

// Addresses returns what the producer is for. The caller must not change it.
func (p *Producer) Addresses() []address.Address { return p.to }

// Tell lets events tell of the producer, and of its end. It is for those that a client has by itself,
// and not for those by which a protocol sends.
func (p *Producer) Tell() {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	if _, open := p.c.producers[p]; open && !p.told {
		p.told = true
		p.c.b.later(Event{Kind: ProducerKnown, Address: p.targets[0].Address, Producer: p})
	}
}

// Close ends the producer, which ends with its connection too.
func (p *Producer) Close() {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.closeLocked()
}

// closeLocked is Close for a caller that holds the connection's mu.
func (p *Producer) closeLocked() {
	if _, open := p.c.producers[p]; !open {
		return
	}
	delete(p.c.producers, p)
	for _, d := range p.targets {
		d.producers.Add(-1)
	}
	if p.told {
		p.c.b.later(Event{Kind: ProducerGone, Address: p.targets[0].Address, Producer: p})
	}
}

func (d *Destination) holder() holder {
	if d.queue == nil {
		return holder{}
	}
	return holder{queue: d.queue, durable: d.Address.Kind == address.Queue, dest: d}
}

// Send hands a message to the broker, which owns it from then on. An error is a refusal;
// otherwise the outcome comes as a confirmation with the token. The confirmation of a durable
// message means that it is on disk. With a transaction the message takes effect at its commit
// and is confirmed as accepted. Send never blocks; Flush must follow, once for a series.
func (p *Producer) Send(m *message.Message, tx *Transaction, t Token) error {
	return p.sendAny(m, tx, t, nil)
}

// extra is what is written in the same batch as a message.
type extra struct {
	key, value []byte       // a record about a session
	also       *store.Batch // operations, which are copied
}

// sendWith is Send with something that is written in the same batch.
func (p *Producer) sendWith(m *message.Message, t Token, x *extra) error {
	return p.sendAny(m, nil, t, x)
}

func (p *Producer) sendAny(m *message.Message, tx *Transaction, t Token, x *extra) error {
	c := p.c
	for i, d := range p.targets {
		// The right may have been withdrawn since: the check is a cached look-up.
		if err := c.check(security.Write, d.Address); err != nil {
			return err
		}
		if d.gone.Load() {
			if err := p.renew(i); err != nil {
				return err
			}
		}
		if err := p.targets[i].locate(c); err != nil {
			return err
		}
	}
	if m.Flags&message.Retain != 0 {
		if err := p.checkRetained(m); err != nil {
			return err
		}
	}
	if m.Priority > 9 {
		m.Priority = 9
	}
	if c.b.PopulateUserID {
		m.UserID = c.principal.Name
	}
	if len(p.targets) == 1 {
		p.targets[0].adjust(m)
	}
	if p.control && tx == nil {
		if a := p.targets[0].Address; isStatistics(a) {
			return c.statistics(a, m, t)
		}
		return c.controlScheduler(m, t)
	}
	if _, err := c.b.isScheduled(m); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return c.closedError("send")
	}
	c.sent.Add(1)
	c.b.total.Received.Add(1)
	k := parked{p: p, m: m, t: t, tx: tx, extra: x}
	if tx != nil {
		if err := tx.advance(txOpen, txOpen, "send"); err != nil {
			return err
		}
	}
	if len(c.parked) > 0 {
		return c.park(k)
	}
	if s := c.b.flow.blocks(p, m, tx != nil); s.reason != "" {
		return c.noSpaceLocked(&k, &s)
	}
	return c.admitLocked(&k)
}

// admitLocked lets a send take effect, or adds it to its transaction. The caller holds c.mu.
func (c *Connection) admitLocked(k *parked) error {
	if k.tx == nil {
		c.sendLocked(k.p, k.m, k.t, k.extra)
		return nil
	}
	err := k.tx.send(k.p, k.m)
	if err == nil {
		c.confirmLocked(k.t)
	}
	return err
}

// renew looks up a destination that was deleted since, which makes it anew.
func (p *Producer) renew(i int) error {
	d, err := p.c.b.resolve(p.c, "send", p.targets[i].Address)
	if err != nil {
		return err
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	if _, open := p.c.producers[p]; open {
		p.targets[i].producers.Add(-1)
		d.producers.Add(1)
	}
	p.targets[i] = d
	p.setSingle()
	return nil
}

// setSingle notes the queue that everything goes to, if there is one.
func (p *Producer) setSingle() {
	p.single = holder{}
	if len(p.targets) == 1 && p.targets[0].forwarding == nil {
		p.single = p.targets[0].holder()
	}
}

// sendLocked routes a message. The caller holds c.mu.
func (c *Connection) sendLocked(p *Producer, m *message.Message, t Token, x *extra) {
	if x != nil && x.key != nil {
		u := c.burstLocked()
		u.batch.PutRecord(store.Sessions, x.key, x.value)
		u.batch.Durability = store.Durable
	}
	if x != nil && x.also != nil {
		c.burstLocked().batch.Merge(x.also)
	}
	if later, _ := c.b.isScheduled(m); later {
		u := c.burstLocked()
		if err := u.schedule(c.b, p.targets, m); err != nil {
			c.b.Log.Error("schedule", "error", err) // the plan was checked before
		}
		c.tokenLocked(u, t)
		return
	}
	if p.single.queue != nil {
		if d := p.single.dest; !d.gated.Load() || d.admit(m, c, nil) {
			c.routeLocked(&p.single, m, nil)
		}
		c.confirmLocked(t)
		return
	}
	for _, d := range p.targets {
		copied := m
		if len(p.targets) > 1 {
			// Each member of a composite gets a copy that says where it was sent to.
			cp := *m
			cp.Address = d.Address
			cp.Origin = m.Address
			d.adjust(&cp)
			copied = &cp
		}
		if d.forwarding == nil {
			c.putLocked(d, copied)
			continue
		}
		d.each(copied, c.putLocked)
	}
	c.confirmLocked(t)
}

// putLocked puts a message on a queue, or publishes it to a topic.
func (c *Connection) putLocked(d *Destination, m *message.Message) {
	if d.gated.Load() && !d.admit(m, c, nil) {
		return
	}
	if h := d.holder(); h.queue != nil {
		c.routeLocked(&h, m, nil)
		return
	}
	c.publishLocked(d, m)
}

// routeLocked puts a message on one queue, at once or with the burst.
func (c *Connection) routeLocked(h *holder, m *message.Message, note []byte) {
	if !m.Durable && h.queue.Crowded() {
		c.crowded = h.queue
	}
	if c.burst == nil && c.inflight.Load() == 0 && !(m.Durable && h.durable) && !h.queue.Overflowing() {
		c.offerLocked(h.queue, m, note)
		return
	}
	c.burstLocked().toQueue(c.b, h, m, note)
}

// publishLocked hands a message to every queue that is bound to a topic.
func (c *Connection) publishLocked(d *Destination, m *message.Message) {
	if keeps := d.keeps(m); keeps || d.remembers() != (recent.Limits{}) {
		c.burstLocked().place(c.b, d, m)
		if keeps {
			c.commitLocked() // at once: what topics keep is locked until then
		}
		return
	}
	d.published.Add(1)
	bindings := c.b.bindings.Match(d.Address.Name)
	durables, room, join := 0, false, false
	for _, n := range bindings {
		if n.to.needsStore(m) && n.wants(m, c) {
			durables++
		}
		join = join || !n.plain && n.session != nil && n.session.overlaps.Load()
	}
	if join {
		bindings = c.merger.merge(bindings, m, c)
	}
	if durables == 0 && c.burst == nil && c.inflight.Load() == 0 {
		crowded := (*queue.Queue)(nil)
		temp := m.Address.Kind == address.TempTopic
		for _, n := range bindings {
			ordinary := n.plain && !temp // there are many of these
			if !ordinary && !n.wants(m, c) {
				n.refused(m)
				continue
			}
			if n.to.queue.Crowded() {
				crowded = n.to.queue
			} else {
				room = true
			}
			if ordinary {
				c.offerLocked(n.to.queue, m, nil)
				continue
			}
			seen := m
			if !n.as.IsZero() {
				seen = n.copyFor(m)
			}
			c.offerLocked(n.to.queue, seen, n.noteFor(m))
		}
		if !room && crowded != nil {
			c.crowded = crowded // nobody keeps up: one slow subscriber alone slows nobody
		}
		return
	}
	u := c.burstLocked()
	u.toTopic(c.b, c, bindings, durables, m)
}

// toTopic adds a message for the bindings that want it; durables is how many of them are
// expected to need the store.
func (u *burst) toTopic(b *Broker, c *Connection, bindings []*binding, durables int, m *message.Message) {
	var list []store.Target
	first := len(u.targets)
	const fanned = -1 // its slot is known when the fan-out is added
	for _, n := range bindings {
		if !n.wants(m, c) {
			n.refused(m)
			continue
		}
		t := store.Target{Note: n.noteFor(m)}
		switch {
		case !n.as.IsZero():
			// Its head differs, so it can't share the others' body.
			u.toQueue(b, &n.to, n.copyFor(m), t.Note)
			continue
		case u.branch && !n.to.durable:
			continue
		case u.branch:
			t.List, t.Volatile = n.to.queue.List(), !m.Durable
		case n.to.durable && m.Durable:
			t.List = n.to.queue.List()
			b.markFor(n.to.queue, u.batch, &u.marks)
			u.batch.Durability = store.Durable
		case n.to.queue.Overflowing():
			t.List, t.Volatile = n.to.queue.NeedList(), true
		default:
			u.targets = append(u.targets, target{n.to.queue, m, t.Note, int32(u.batch.TakeID()), false})
			continue
		}
		if list == nil {
			list = make([]store.Target, 0, max(durables, 1))
		}
		list = append(list, t)
		u.targets = append(u.targets, target{n.to.queue, m, t.Note, fanned, false})
	}
	if len(list) == 0 {
		return
	}
	slot := int32(u.batch.Fanout(list, message.DefaultPriority, b.encode(m, &u.head)))
	u.bytes += int64(u.batch.Refs[slot].Size)
	for i := first; i < len(u.targets); i++ {
		if u.targets[i].slot == fanned {
			u.targets[i].slot = slot
			slot++
		}
	}
}

// offerLocked puts a message that needs no disk on a queue, to be kicked by Flush.
func (c *Connection) offerLocked(q *queue.Queue, m *message.Message, note []byte) {
	e := queue.NewEntry(m, c.b.store.NextID())
	e.Note = note
	q.Offer(e)
	if n := len(c.touched); n > 0 && c.touched[n-1] == q {
		return
	}
	for _, t := range c.touched {
		if t == q {
			return
		}
	}
	c.touched = append(c.touched, q)
}

// confirmLocked confirms an operation that needs no disk, in order with those that do.
func (c *Connection) confirmLocked(t Token) {
	if t == 0 {
		return
	}
	if c.burst == nil && c.inflight.Load() == 0 {
		// Once it was delivered: a receipt means that consumers have been served.
		c.settled = append(c.settled, t)
		return
	}
	c.tokenLocked(c.burstLocked(), t)
}

func (c *Connection) tokenLocked(u *burst, t Token) {
	if t != 0 {
		u.tokens = append(u.tokens, t)
	}
}

const (
	burstOps   = 1024
	burstBytes = 1 << 20
)

// burstLocked returns the burst under construction, a new one when the last is large enough.
func (c *Connection) burstLocked() *burst {
	if c.burst != nil && (len(c.burst.targets) >= burstOps || c.burst.bytes >= burstBytes) {
		c.commitLocked()
	}
	if c.burst == nil {
		c.burst = c.newBurst()
	}
	return c.burst
}

func (c *Connection) commitLocked() {
	u := c.burst
	if u == nil {
		return
	}
	c.burst = nil
	c.confirmSettled()
	c.inflight.Add(1)
	c.b.flow.pending(u.bytes)
	u.commit(c.b)
}

// Flush lets everything that was sent take effect: it is called at the end of a read burst.
// An idle connection that sent something and doesn't flush keeps it.
func (c *Connection) Flush() {
	var buf [16]*queue.Queue
	c.mu.Lock()
	c.commitLocked()
	touched := append(buf[:0], c.touched...)
	clear(c.touched)
	c.touched = c.touched[:0]
	c.mu.Unlock()
	for _, q := range touched {
		q.Kick()
	}
	c.mu.Lock()
	c.confirmSettled()
	c.mu.Unlock()
}

// confirmSettled confirms what needed no disk.
func (c *Connection) confirmSettled() {
	for _, t := range c.settled {
		c.handler.Confirmed(t, nil)
	}
	c.settled = c.settled[:0]
}

// confirmDurable confirms a token in order with the sends before it, and when all that was committed
// so far, by whomever, is on disk.
func (c *Connection) confirmDurable(t Token) {
	c.mu.Lock()
	if len(c.parked) == 0 {
		c.burstLocked().batch.Durability = store.Durable
	}
	c.mu.Unlock()
	c.Confirm(t)
}

// Confirm confirms a token in order with the sends before it: for protocols whose receipts
// must not overtake each other. With [Login.Overtaking] it does not wait for those that wait for
// space.
func (c *Connection) Confirm(t Token) { c.confirm(t, c.login.Overtaking) }

// ConfirmLast confirms a token when all sends before it have taken effect, those that wait for
// space among them.
func (c *Connection) ConfirmLast(t Token) { c.confirm(t, false) }

func (c *Connection) confirm(t Token, overtaking bool) {
	c.mu.Lock()
	if n := len(c.parked); t != 0 && n > 0 && n < 2*c.b.Limits.Parked && !overtaking {
		c.parked = append(c.parked, parked{t: t})
	} else {
		c.confirmLocked(t)
	}
	c.mu.Unlock()
}
