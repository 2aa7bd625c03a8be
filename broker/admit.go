package broker

import (
	"context"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/duplicate"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/store"
)

// setPolicy gives the destination a policy.
func (d *Destination) setPolicy(p *policy.Policy) {
	d.policy.Store(p)
	d.limitIdentities(p)
	d.gated.Store(p.Duplicates.Window > 0 || p.Limits.Overflow == policy.DiscardNew || p.Advisories&(policy.MessageDelivered|policy.NoConsumer) != 0)
}

// admit does what a destination's policy asks for before it gets a message, and reports whether it
// is to get it. u is the burst that has the message, or nil for the one of c, whose lock the caller
// holds then. It is called where gated says that there is something to do.
func (d *Destination) admit(m *message.Message, c *Connection, u *burst) bool {
	p := d.Policy()
	if p.Limits.Overflow == policy.DiscardNew && d.atLimit(&p.Limits) {
		n := d.queue.Counters().Evicts.Add(1)
		if p.Advisories&policy.MessageDiscarded != 0 {
			d.b.later(Event{Kind: MessageDiscarded, Address: d.Address, Message: m, Count: n})
		}
		return false
	}
	if d.seen.Load() != nil {
		if u == nil {
			u = c.burstLocked()
		}
		if u.known(d, m, p) {
			return false
		}
	}
	d.announce(m)
	return true
}

// announce tells of a message that the destination is about to get, if its policy asks for that.
func (d *Destination) announce(m *message.Message) {
	p := d.Policy()
	if p.Advisories&policy.MessageDelivered != 0 {
		d.b.later(Event{Kind: MessageTaken, Address: d.Address, Message: m, Body: p.AdvisoryBody})
	}
	if p.Advisories&policy.NoConsumer != 0 && !m.Durable && !d.attended() {
		d.b.later(Event{Kind: MessageUnheard, Address: d.Address, Message: m, Body: true})
	}
}

// attended reports whether somebody consumes from the destination. It takes no lock of a queue.
func (d *Destination) attended() bool {
	if d.queue != nil {
		return d.queue.Attended()
	}
	return len(d.b.bindings.Match(d.Address.Name)) > 0
}

// identity is a message's, in the window of the destination that has taken it.
type identity struct {
	window *duplicate.Kept
	key    duplicate.Key
}

// forgetAll lets messages be sent again whose batch has failed.
func forgetAll(list []identity, err error) {
	if err == nil {
		return
	}
	for _, k := range list {
		k.window.Forget(k.key)
	}
}

// known reports whether a destination has taken a message before, and otherwise lets it remember
// that: on disk in the message's own batch, if that is durable. The confirmation of one that is
// known waits for the disk, as the first may be on its way there.
func (u *burst) known(d *Destination, m *message.Message, p *policy.Policy) bool {
	id := ""
	if v, ok := m.Property(p.Duplicates.Property); ok && p.Duplicates.Property != "" {
		id = v.Text()
	} else {
		id = m.ID.String()
	}
	if id == "" {
		return false
	}
	w := d.seen.Load()
	k := duplicate.KeyOf(id)
	t := w.Take(k, d.b.env.Now())
	if m.Durable {
		u.batch.Durability = store.Durable
	}
	if t.Known {
		d.repeated.Add(1)
		return true
	}
	u.taken = append(u.taken, identity{w, k})
	if m.Durable && !d.Address.Kind.IsTemp() {
		w.Put(u.batch, t)
	}
	return false
}

// Duplicates returns how many messages the destination has dropped, as they were sent before.
func (d *Destination) Duplicates() int64 { return d.repeated.Load() }

func windowLimits(p *policy.Policy) duplicate.Limits {
	return duplicate.Limits{Count: p.Duplicates.Window, Age: int64(p.Duplicates.Age / time.Millisecond)}
}

// limitIdentities makes, changes or drops the destination's window.
func (d *Destination) limitIdentities(p *policy.Policy) {
	w, l := d.seen.Load(), windowLimits(p)
	switch {
	case w == nil && l.Count > 0:
		d.seen.Store(duplicate.NewKept(d.Address.String(), l))
	case w == nil:
	case l.Count == w.Count():
		w.Limit(l)
	default:
		batch := store.GetBatch()
		batch.Done = release
		if w.Resize(batch, l); l.Count <= 0 {
			d.seen.Store(nil)
		}
		d.b.store.Commit(batch)
	}
}

// recoverIdentities reads the windows of the destinations, which are there already.
func (b *Broker) recoverIdentities(ctx context.Context) error {
	batch := store.GetBatch()
	batch.Done = release
	windows, err := duplicate.Recover(ctx, b.store, batch, func(name string) duplicate.Limits {
		if d := b.destinations[addressOf(name)]; d != nil {
			return windowLimits(d.Policy())
		}
		return duplicate.Limits{}
	})
	if err != nil {
		store.PutBatch(batch)
		return err
	}
	for name, w := range windows {
		b.destinations[addressOf(name)].seen.Store(w)
	}
	b.store.Commit(batch)
	return nil
}

// isAdvisory reports whether an address is of a topic that only the broker publishes to.
func isAdvisory(a address.Address) bool {
	return a.Kind == address.Topic && strings.HasPrefix(a.Name, "ActiveMQ.Advisory.")
}
