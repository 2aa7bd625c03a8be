package broker

import (
	"context"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// The operations of this file are for administrators. HTTP, the command line and the
// management destinations are views of them. Those that change something block until it is on
// disk; they take no rights into account, which is for the view to do.

// queueOf returns the queue with an address.
func (b *Broker) queueOf(op string, a address.Address) (*Destination, error) {
	d := b.Lookup(a)
	if d == nil || d.queue == nil {
		return nil, fault.New(fault.NotFound, op, a.String(), "there is no queue %s", a)
	}
	return d, nil
}

// Browse calls fn for each message that a queue holds, waiting or with a consumer, until fn
// returns false.
func (b *Broker) Browse(ctx context.Context, a address.Address, selectorText string, fn func(queue.View) bool) error {
	d, err := b.queueOf("browse", a)
	if err != nil {
		return err
	}
	filter, err := compile(selectorText, false)
	if err != nil {
		return err
	}
	err = d.queue.Browse(ctx, func(v queue.View) bool {
		if filter != nil && !filter.Matches(entryView(&v.Entry)) {
			return true
		}
		return fn(v)
	})
	return storeFault("browse", err)
}

func entryView(e *queue.Entry) *message.View {
	return &message.View{Message: e.Msg, Deliveries: int(e.Count), Redelivered: e.Flags&queue.Redelivered != 0}
}

// Purge removes all messages that wait on a queue, and returns how many there were.
func (b *Broker) Purge(ctx context.Context, a address.Address) (int64, error) {
	d, err := b.queueOf("purge", a)
	if err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.Done = func(sb *store.Batch, err error) { store.PutBatch(sb); done <- err }
	n := d.queue.Purge(batch, b.store.Commit)
	return n, b.wait(ctx, "purge", done)
}

func (b *Broker) wait(ctx context.Context, op string, done <-chan error) error {
	select {
	case err := <-done:
		return storeFault(op, err)
	case <-ctx.Done():
		return fault.Wrap(fault.Timeout, op, "", ctx.Err())
	}
}

// Pause stops a queue's dispatch, not its arrivals; Resume lets it go on.
func (b *Broker) Pause(a address.Address) error {
	d, err := b.queueOf("pause", a)
	if err == nil {
		d.queue.Pause()
	}
	return err
}

// Resume ends Pause.
func (b *Broker) Resume(a address.Address) error {
	d, err := b.queueOf("resume", a)
	if err == nil {
		d.queue.Resume()
	}
	return err
}

// Selection says which of a queue's waiting messages an operation is for. The zero Selection
// is all of them.
type Selection struct {
	Selector string
	IDs      []string                // message identifiers
	Limit    int                     // 0 = no limit
	only     func(*queue.Entry) bool // nil: all
	// May tells Retry where whoever asks may send to; nil: everywhere.
	May func(address.Address) bool
}

func (x *Selection) match() (func(*queue.Entry) bool, error) {
	filter, err := compile(x.Selector, false)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]bool, len(x.IDs))
	for _, id := range x.IDs {
		ids[id] = true
	}
	return func(e *queue.Entry) bool {
		if x.only != nil && !x.only(e) || len(ids) > 0 && !ids[e.Msg.ID.String()] {
			return false
		}
		return filter == nil || filter.Matches(entryView(e))
	}, nil
}

// chunk is how many messages an administrator's operation takes off a queue at once.
const chunk = 1000

// each takes the selected messages off a queue in chunks and moves each to where next says;
// nil ends it. It returns how many there were.
func (b *Broker) each(ctx context.Context, op string, a address.Address, x Selection, next func(*queue.Taken) (*Destination, *message.Message)) (int64, error) {
	d, err := b.queueOf(op, a)
	if err != nil {
		return 0, err
	}
	match, err := x.match()
	if err != nil {
		return 0, err
	}
	total := int64(0)
	// What was there at the start bounds the loop: a queue may be moved to itself.
	left := d.queue.Counters().Entries.Load()
	if x.Limit > 0 {
		left = min(left, int64(x.Limit))
	}
	for left > 0 {
		n := int(min(left, chunk))
		list, err := d.queue.Take(ctx, match, n)
		if len(list) > 0 {
			left -= int64(len(list))
			total += int64(len(list))
			b.moveEach(list, 0, nil, 0, next)
		}
		if err != nil {
			return total, storeFault(op, err)
		}
		if len(list) < n {
			break
		}
	}
	return total, b.store.Sync(ctx)
}

// Remove deletes the selected messages of a queue.
func (b *Broker) Remove(ctx context.Context, a address.Address, x Selection) (int64, error) {
	return b.each(ctx, "remove", a, x, func(*queue.Taken) (*Destination, *message.Message) { return nil, nil })
}

// Move puts the selected messages of a queue on another one.
func (b *Broker) Move(ctx context.Context, from, to address.Address, x Selection) (int64, error) {
	d, err := b.resolve(nil, "move", to)
	if err != nil {
		return 0, err
	}
	if d.queue == nil {
		return 0, fault.New(fault.Unsupported, "move", to.String(), "messages move to queues, not to %s", to)
	}
	return b.each(ctx, "move", from, x, func(k *queue.Taken) (*Destination, *message.Message) {
		m := *k.Entry.Msg
		m.Origin, m.Address = m.Address, to
		return d, &m
	})
}

// Retry puts the selected messages of a dead-letter queue back to the queues where they died. Messages
// that have died on no queue, or on one that x.May excludes, stay where they are, and do not count.
func (b *Broker) Retry(ctx context.Context, a address.Address, x Selection) (int64, error) {
	stay := b.Lookup(a)
	x.only = func(e *queue.Entry) bool {
		return e.Msg.Origin.Kind.IsQueue() && (x.May == nil || x.May(e.Msg.Origin))
	}
	return b.each(ctx, "retry", a, x, func(k *queue.Taken) (*Destination, *message.Message) {
		m := *k.Entry.Msg
		d, err := b.resolve(nil, "retry", m.Origin)
		if err != nil {
			return stay, &m
		}
		back := m.With(
			message.Field{Name: propFailureCause}, message.Field{Name: propOriginalExpiration}, message.Field{Name: propOriginalMode},
		)
		back.Address, back.Origin = m.Origin, address.Address{}
		return d, back
	})
}

// Copy puts copies of the selected messages of a queue on another one.
func (b *Broker) Copy(ctx context.Context, from, to address.Address, x Selection) (int64, error) {
	match, err := x.match()
	if err != nil {
		return 0, err
	}
	d, err := b.resolve(nil, "copy", to)
	if err != nil {
		return 0, err
	}
	if d.queue == nil {
		return 0, fault.New(fault.Unsupported, "copy", to.String(), "messages are copied to queues, not to %s", to)
	}
	var list []queue.Taken
	total := int64(0)
	flush := func() {
		b.copyEach(list, d)
		total += int64(len(list))
		list = list[:0]
	}
	err = b.Browse(ctx, from, "", func(v queue.View) bool {
		if match(&v.Entry) {
			list = append(list, queue.Taken{Entry: v.Entry})
		}
		if len(list) == chunk {
			flush()
		}
		return x.Limit == 0 || total+int64(len(list)) < int64(x.Limit)
	})
	flush()
	if err != nil {
		return total, err
	}
	return total, b.store.Sync(ctx)
}

func (b *Broker) copyEach(list []queue.Taken, d *Destination) {
	if len(list) == 0 {
		return
	}
	v := &move{b: b}
	batch := store.GetBatch()
	batch.User = v
	batch.Done = moveDone
	var head []byte
	h := d.holder()
	for i := range list {
		m := *list[i].Entry.Msg
		m.Origin, m.Address = m.Address, d.Address
		if !m.Durable || !h.durable {
			v.targets = append(v.targets, target{h.queue, &m, nil, int32(batch.TakeID()), false})
			continue
		}
		b.markFor(h.queue, batch, &v.marks)
		slot := batch.Append(store.Target{List: h.queue.List()}, h.queue.PrioOf(&m), b.encode(&m, &head))
		batch.Durability = store.Durable
		v.targets = append(v.targets, target{h.queue, &m, nil, int32(slot), false})
	}
	b.store.Commit(batch)
}

// ReloadPolicies gives every destination the policy that holds for it now, after Policies was
// replaced, and re-checks the rights of the subscriptions that are there.
func (b *Broker) ReloadPolicies() {
	if b.Role() != Active {
		return
	}
	b.watch.set(b.Policies)
	for _, d := range b.Destinations() {
		d.applyPolicy()
	}
	b.Subscriptions((*Subscription).applyPolicies)
	b.mu.RLock()
	for _, d := range b.durables {
		p := b.Policies.Lookup(addressOf(d.rec.Address))
		d.queue.SetOptions(queueOptions(&p))
	}
	b.mu.RUnlock()
	b.Recheck()
	b.flow.release()
	b.events.publish(Event{Kind: PoliciesReloaded})
}

// Recheck ends the subscriptions and connections that are no longer allowed, after Security has
// changed.
func (b *Broker) Recheck() {
	if b.Role() != Active {
		return
	}
	b.Connections((*Connection).recheck)
	b.recheckSessions()
}

// recheck closes the subscriptions that the connection is no longer allowed to have, and the
// connection itself if its user is not let in any more.
func (c *Connection) recheck() {
	if c.access != nil && !c.b.Security.Valid(c.principal) {
		c.end(fault.New(fault.Unauthenticated, "reload", c.principal.Name, "User name [%s] or password is invalid.", c.principal.Name))
		return
	}
	c.state.Lock()
	subs := make([]*Subscription, 0, len(c.subs))
	for s := range c.subs {
		subs = append(subs, s)
	}
	c.state.Unlock()
	for _, s := range subs {
		for _, a := range s.o.Addresses {
			if err := c.check(security.Read, a); err != nil {
				s.Abort(err)
				s.closeWith(0)
				break
			}
		}
	}
}

// Connections calls fn for each connection.
func (b *Broker) Connections(fn func(*Connection)) {
	b.mu.RLock()
	list := make([]*Connection, 0, len(b.connections))
	for c := range b.connections {
		list = append(list, c)
	}
	b.mu.RUnlock()
	for _, c := range list {
		fn(c)
	}
}

// Totals returns the counters over all destinations.
func (b *Broker) Totals() *Totals { return &b.total }

// Usage is how much of its limits the broker has taken, in bytes.
type Usage struct{ Memory, MemoryLimit, Store, StoreLimit, Temp, TempLimit int64 }

// Usage returns how much of its limits the broker has taken.
func (b *Broker) Usage() Usage {
	u := Usage{MemoryLimit: b.Limits.Memory, StoreLimit: b.Limits.Store, TempLimit: b.Limits.Temp}
	if s := b.Store(); s != nil {
		u.Memory, u.Temp, u.Store = b.env.Memory.Used(), b.env.Temp.Used(), s.Stats().DiskUsed
	}
	return u
}

// DurableInfo describes a durable subscription.
type DurableInfo struct {
	Client, Name, Selector string
	Address                address.Address
	Shared                 bool
	NoLocal                bool
	ConvertStrings         bool
	Active                 int
	Counters               *queue.Counters
}

// Durables lists the durable subscriptions, those of sessions that outlive their connections among
// them: each of these shows the figures of its session's one queue.
func (b *Broker) Durables() []DurableInfo {
	list := b.namedDurables()
	return b.sessionDurables(list)
}

func (b *Broker) namedDurables() []DurableInfo {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := make([]DurableInfo, 0, len(b.durables))
	for _, d := range b.durables {
		if d.rec.List == 0 {
			continue
		}
		list = append(list, DurableInfo{
			Client: d.rec.Client, Name: d.rec.Name, Selector: d.rec.Selector, Address: addressOf(d.rec.Address),
			Shared: d.rec.Shared, NoLocal: d.rec.NoLocal, ConvertStrings: d.rec.ConvertStrings, Active: int(d.online.Load()), Counters: d.queue.Counters(),
		})
	}
	return list
}

// Failure returns why the store has stopped, or nil.
func (b *Broker) Failure() error {
	if p := b.flow.stopped.Load(); p != nil {
		return *p
	}
	return nil
}
