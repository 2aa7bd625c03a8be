package broker

import (
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/session"
	"github.com/manifoldmq/manifold/store"
)

// A shared subscription is known by its name and its topic to all clients, of whatever protocol:
// consumers join it with SubscribeOptions.Shared, sessions with Binding.Share. It lives until it
// is unsubscribed, if a consumer has made it durable, and otherwise as long as somebody takes part.
// It is on disk if it is durable, or one of its members is.

// sharedNamed returns the shared subscription with a name, of those with several one that is in
// use. The caller holds b.mu.
func (b *Broker) sharedNamed(name string) (found *durable) {
	for k, d := range b.durables {
		if d.rec.Shared && k.name == name && (found == nil || d.busy()) {
			found = d
		}
	}
	return found
}

// idle reports whether nobody is there to take messages that are not kept.
func (d *durable) idle() bool { return d.online.Load() == 0 }

// promote lets a subscription be on disk from now on. The caller holds b.mu, and writes its record.
func (d *durable) promote() {
	n := *d.binding
	d.rec.List = d.queue.NeedList()
	n.to.durable = true
	if !d.rec.Members {
		n.idle = nil
	}
	d.b.bindings.Rebind(n.pattern, d.binding, n.settle())
	d.binding = &n
}

// join makes a session a member of a shared subscription, which is made if need be. What is to be
// recorded is added to a batch.
func (b *Broker) join(s *clientSession, o *session.Binding, user string, filter queue.Filter, batch *store.Batch) (*durable, error) {
	rec := durableRecord{
		Name: o.Share, Address: o.Address.String(), Selector: o.Selector, ConvertStrings: o.ConvertStrings,
		Shared: true, Members: true, User: user,
	}
	kept := s.list != 0
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.durables[rec.identity()]
	switch {
	case d == nil:
		if kept {
			rec.List = b.newList()
		}
		d = b.newDurable(rec, filter)
		b.durables[d.key] = d
		b.bindings.Bind(d.binding.pattern, d.binding)
		if err := d.record(batch); err != nil {
			return nil, err
		}
	case !d.rec.same(&rec):
		return nil, fault.New(fault.InUse, "subscribe", o.Share, "the shared subscription %s to %s has another selector", o.Share, o.Address)
	case kept && d.rec.List == 0:
		d.promote()
		if err := d.record(batch); err != nil {
			return nil, err
		}
	}
	if d.members == nil {
		d.members = make(map[*clientSession]struct{})
	}
	d.members[s] = struct{}{}
	return d, nil
}

// part takes a session off a shared subscription, which may end with it.
func (d *durable) part(s *clientSession, batch *store.Batch) {
	d.b.mu.Lock()
	delete(d.members, s)
	end := d.endIfUnused()
	d.b.mu.Unlock()
	if end {
		d.drop(batch)
	}
}

// endIfUnused takes a subscription out of the table if it is there for its members only and has
// none. The caller holds b.mu, and calls drop afterwards, without.
func (d *durable) endIfUnused() bool {
	if !d.rec.Members || d.busy() || d.b.durables[d.key] != d {
		return false
	}
	delete(d.b.durables, d.key)
	return true
}

// drop ends a subscription that is no longer in the table. Its end on disk is added to a batch.
func (d *durable) drop(batch *store.Batch) {
	d.b.bindings.Unbind(d.binding.pattern, d.binding)
	d.queue.Close(fault.New(fault.Closed, "unsubscribe", d.rec.Name, "the subscription was deleted"))
	if list := d.queue.List(); list != 0 {
		queue.DropList(batch, list)
	}
	if d.rec.List != 0 {
		batch.DeleteRecord(store.Subscriptions, d.rec.key())
	}
}
