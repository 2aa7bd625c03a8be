package broker

import (
	"encoding/json"
	"slices"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// subscriptionKey identifies a durable subscription: by the client and a name, or, when it is
// shared, by the name and the topic.
type subscriptionKey struct{ client, name, topic string }

// durable is a subscription to a topic that outlives its consumers: a queue, on disk, with a
// binding. One that is shared may end with its last member, and is on disk only if a member is;
// see shared.go. All but the queue is guarded by Broker.mu.
type durable struct {
	b       *Broker
	key     subscriptionKey
	rec     durableRecord
	queue   *queue.Queue
	binding *binding
	active  []*Subscription
	members map[*clientSession]struct{}
	online  atomic.Int32 // consumers, members' among them
	offline time.Time    // since when nobody takes part; see deleteOffline, which alone uses it
}

// durableRecord is what the store keeps of one.
type durableRecord struct {
	Client         string       `json:"client,omitempty"`
	Name           string       `json:"name"`
	Address        string       `json:"address"`
	Selector       string       `json:"selector,omitempty"`
	ConvertStrings bool         `json:"convert,omitempty"`
	NoLocal        bool         `json:"noLocal,omitempty"`
	Shared         bool         `json:"shared,omitempty"`
	Members        bool         `json:"members,omitempty"` // it ends with its last member
	User           string       `json:"user,omitempty"`    // who made it
	List           store.ListID `json:"list"`              // 0: in memory, and not recorded
}

// key returns the key of the record.
func (r *durableRecord) key() []byte {
	k := r.identity()
	if k.topic == "" {
		return []byte(k.client + "\x00" + k.name)
	}
	return []byte(k.client + "\x00" + k.name + "\x00" + k.topic)
}

func (r *durableRecord) identity() subscriptionKey {
	if r.Shared {
		return subscriptionKey{name: r.Name, topic: address.Parse(r.Address, address.Topic).Name}
	}
	return subscriptionKey{client: r.Client, name: r.Name}
}

// title returns the subscription's name as ActiveMQ writes it. One that is shared has no client.
func (d *durable) title() string {
	if d.rec.Shared {
		return d.rec.Name
	}
	return d.rec.Client + ":" + d.rec.Name
}

// attachDurable joins a durable subscription, and makes it if need be. One whose topic,
// selector or noLocal differ is made anew, empty.
func (s *Subscription) attachDurable(filter queue.Filter, t Token) error {
	c, b := s.c, s.c.b
	a := s.o.Addresses[0]
	switch {
	case len(s.o.Addresses) > 1:
		return fault.New(fault.Unsupported, "subscribe", a.String(), "a durable subscription has one topic")
	case a.Kind == address.TempTopic:
		return fault.New(fault.InvalidName, "subscribe", a.String(), "A durable subscription cannot be created for a temporary topic.")
	case a.Kind != address.Topic:
		return fault.New(fault.InvalidName, "subscribe", a.String(), "a durable subscription needs a topic, not %s", a)
	}
	if !a.IsPattern() {
		if _, err := b.resolve(c, "subscribe", a); err != nil {
			return err
		}
	}
	client := s.o.Client
	if client == "" {
		client = c.login.ClientID
	}
	rec := durableRecord{
		Client: client, Name: s.o.Name, Address: a.String(), Selector: s.o.Selector,
		ConvertStrings: s.o.ConvertStrings, NoLocal: s.o.NoLocal, Shared: s.o.Shared, User: c.principal.Name,
		Members: s.o.Shared && s.o.Transient,
	}
	b.mu.Lock()
	old := b.durables[rec.identity()]
	if old == nil && s.o.Shared {
		old = b.sharedNamed(rec.Name) // with another topic: for these clients a name has one
	}
	if old != nil && old.busy() && (!s.o.Shared || !old.rec.same(&rec)) {
		b.mu.Unlock()
		return fault.New(fault.InUse, "subscribe", s.o.Name, "Durable consumer is in use for client: %s and subscriptionName: %s", rec.Client, rec.Name)
	}
	d := old
	fresh := old == nil || !old.rec.same(&rec)
	changed := fresh && !rec.Members
	if fresh {
		if !rec.Members {
			rec.List = b.newList()
		}
		d = b.newDurable(rec, filter)
		if old != nil {
			delete(b.durables, old.key)
		}
		b.durables[d.key] = d
	} else {
		old = nil
		changed = d.rec.Members && !rec.Members
		if changed {
			d.rec.Members, d.rec.User = false, rec.User
			d.promote()
		}
	}
	d.active = append(d.active, s)
	d.online.Add(1)
	if fresh {
		b.bindings.Bind(d.binding.pattern, d.binding)
	}
	b.mu.Unlock()
	s.mu.Lock()
	s.durable = d
	s.mu.Unlock()
	if old != nil {
		b.bindings.Unbind(old.binding.pattern, old.binding)
		old.queue.Close(fault.New(fault.Closed, "subscribe", rec.Name, "the subscription was changed"))
	}
	s.attach(d.queue)
	if !changed && (old == nil || old.rec.List == 0) {
		c.Confirm(t)
		return nil
	}
	return b.writeDurable(d, old, c, t)
}

// busy reports whether somebody takes part in the subscription. The caller holds b.mu.
func (d *durable) busy() bool { return len(d.active) > 0 || len(d.members) > 0 }

func (r *durableRecord) same(o *durableRecord) bool {
	return r.Address == o.Address && r.Selector == o.Selector && r.NoLocal == o.NoLocal &&
		r.ConvertStrings == o.ConvertStrings && r.Shared == o.Shared
}

// newDurable makes the queue and the binding of a record.
func (b *Broker) newDurable(rec durableRecord, filter queue.Filter) *durable {
	a := address.Parse(rec.Address, address.Topic)
	d := &durable{b: b, rec: rec, key: rec.identity()}
	p := b.Policies.Lookup(a)
	d.queue = queue.New(b.env, a, rec.List, queueOptions(&p))
	d.queue.Tag = d
	d.binding = &binding{pattern: a.Name, to: holder{queue: d.queue, durable: rec.List != 0}, filter: filter}
	if rec.NoLocal {
		d.binding.noLocal = rec.Client
	}
	if rec.Members {
		d.binding.idle = d.idle
	}
	d.binding.settle()
	return d
}

// writeDurable makes a subscription's record durable, without that of the one it replaces.
func (b *Broker) writeDurable(d, old *durable, c *Connection, t Token) error {
	batch := store.GetBatch()
	batch.Durability = store.Durable
	if old != nil && old.rec.List != 0 {
		queue.DropList(batch, old.rec.List)
		batch.DeleteRecord(store.Subscriptions, old.rec.key())
	}
	if err := d.record(batch); err != nil {
		store.PutBatch(batch)
		return err
	}
	b.confirmWhenDone(batch, "subscribe", c, t)
	return nil
}

// record adds the subscription's record to a batch, if it is to be on disk.
func (d *durable) record(batch *store.Batch) error {
	if d.rec.List == 0 {
		return nil
	}
	value, err := json.Marshal(d.rec)
	if err != nil {
		return fault.Wrap(fault.Internal, "subscribe", d.rec.Name, err)
	}
	batch.PutRecord(store.Subscriptions, d.rec.key(), value)
	return nil
}

// confirmWhenDone commits a batch and confirms a token with its outcome.
func (b *Broker) confirmWhenDone(batch *store.Batch, op string, c *Connection, t Token) {
	batch.User = &confirmation{c, op, t}
	batch.Done = confirmDone
	b.store.Commit(batch)
}

type confirmation struct {
	c  *Connection
	op string
	t  Token
}

func confirmDone(batch *store.Batch, err error) {
	k := batch.User.(*confirmation)
	store.PutBatch(batch)
	if k.t != 0 {
		k.c.handler.Confirmed(k.t, storeFault(k.op, err))
		k.c.b.done.touch(nil, k.c)
	}
}

// leave takes a consumer off a durable subscription.
func (d *durable) leave(s *Subscription) {
	d.b.mu.Lock()
	d.active = slices.DeleteFunc(d.active, func(o *Subscription) bool { return o == s })
	d.online.Add(-1)
	end := d.endIfUnused()
	d.b.mu.Unlock()
	if end {
		batch := store.GetBatch()
		batch.Done = release
		d.drop(batch)
		d.b.store.Commit(batch)
	}
}

// Unsubscribe deletes a durable subscription of this client, with what it has collected.
func (c *Connection) Unsubscribe(name string, t Token) error {
	return c.b.unsubscribe(c, subscriptionKey{client: c.login.ClientID, name: name}, t)
}

// UnsubscribeClient is Unsubscribe for the subscription of another client identifier, or, with an
// empty one, for a shared subscription; it needs the right to read the topic.
func (c *Connection) UnsubscribeClient(client, name string, t Token) error {
	return c.b.unsubscribe(c, subscriptionKey{client: client, name: name}, t)
}

func (b *Broker) unsubscribe(c *Connection, key subscriptionKey, t Token) error {
	b.mu.Lock()
	d := b.durables[key]
	if d == nil && key.client == "" {
		d = b.sharedNamed(key.name)
	}
	if d == nil {
		b.mu.Unlock()
		return fault.New(fault.NotFound, "unsubscribe", key.name, "No durable subscription exists for clientID: %s and subscriptionName: %s", key.client, key.name)
	}
	if d.busy() {
		b.mu.Unlock()
		return fault.New(fault.InUse, "unsubscribe", key.name, "Durable consumer is in use")
	}
	if err := c.check(security.Read, address.Parse(d.rec.Address, address.Topic)); err != nil {
		b.mu.Unlock()
		return err
	}
	delete(b.durables, d.key)
	b.mu.Unlock()
	batch := store.GetBatch()
	batch.Durability = store.Durable
	d.drop(batch)
	b.confirmWhenDone(batch, "unsubscribe", c, t)
	return nil
}
