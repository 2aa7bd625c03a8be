package broker

import (
	"context"
	"encoding/binary"
	"fmt"
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
	window *duplicate.Window
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
		u.batch.PutRecord(store.Sessions, d.identityKey(t.Slot), t.Record)
	}
	return false
}

// Duplicates returns how many messages the destination has dropped, as they were sent before.
func (d *Destination) Duplicates() int64 { return d.repeated.Load() }

// identityPrefix begins the keys of windows among the records of sessions, where no session's name
// is empty. The destination's address follows, NUL, and the slot.
const identityPrefix = "\x00duplicate\x00"

func (d *Destination) identityKey(slot uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte(identityPrefix+d.Address.String()+"\x00"), slot)
}

func windowLimits(p *policy.Policy) duplicate.Limits {
	return duplicate.Limits{Count: p.Duplicates.Window, Age: int64(p.Duplicates.Age / time.Millisecond)}
}

// limitIdentities makes, changes or drops the destination's window. What is sent at the same time as
// a window's size changes may be forgotten at the next start.
func (d *Destination) limitIdentities(p *policy.Policy) {
	w, l := d.seen.Load(), windowLimits(p)
	switch {
	case w == nil && l.Count > 0:
		d.seen.Store(duplicate.New(l))
	case w == nil:
	case l.Count == w.Count():
		w.Limit(l)
	default:
		batch := store.GetBatch()
		batch.Done = release
		if l.Count <= 0 {
			d.forgetIdentities(batch)
		} else {
			w.Records(func(slot uint32, _ []byte) { batch.DeleteRecord(store.Sessions, d.identityKey(slot)) })
			w.Limit(l)
			w.Records(func(slot uint32, record []byte) { batch.PutRecord(store.Sessions, d.identityKey(slot), record) })
		}
		d.b.store.Commit(batch)
	}
}

// forgetIdentities drops the window; a batch gets the end of its records.
func (d *Destination) forgetIdentities(batch *store.Batch) {
	if w := d.seen.Swap(nil); w != nil {
		w.Records(func(slot uint32, _ []byte) { batch.DeleteRecord(store.Sessions, d.identityKey(slot)) })
	}
}

// recoverIdentities reads the windows of the destinations, which are there already. What nobody
// asks for any more is deleted.
func (b *Broker) recoverIdentities(ctx context.Context) error {
	batch := store.GetBatch()
	batch.Done = release
	records := make(map[*Destination][][]byte)
	slots := make(map[*Destination][][]byte)
	from, to := []byte(identityPrefix), append([]byte(identityPrefix), 0xff)
	err := b.store.Records(ctx, store.Sessions, from, to, func(key, value []byte) error {
		name := strings.TrimPrefix(string(key), identityPrefix)
		name = name[:max(len(name)-5, 0)]
		d := b.destinations[addressOf(name)]
		if d == nil || d.Policy().Duplicates.Window <= 0 {
			batch.DeleteRecord(store.Sessions, append([]byte(nil), key...))
			return nil
		}
		records[d] = append(records[d], append([]byte(nil), value...))
		slots[d] = append(slots[d], append([]byte(nil), key...))
		return nil
	})
	if err != nil {
		store.PutBatch(batch)
		return fmt.Errorf("identifiers of messages: %w", err)
	}
	for d, list := range records {
		w := duplicate.Load(windowLimits(d.Policy()), list)
		d.seen.Store(w)
		// The window may be of another size than before, in which records have other places.
		for _, key := range slots[d] {
			batch.DeleteRecord(store.Sessions, key)
		}
		w.Records(func(slot uint32, record []byte) { batch.PutRecord(store.Sessions, d.identityKey(slot), record) })
	}
	b.store.Commit(batch)
	return nil
}

// isAdvisory reports whether an address is of a topic that only the broker publishes to.
func isAdvisory(a address.Address) bool {
	return a.Kind == address.Topic && strings.HasPrefix(a.Name, "ActiveMQ.Advisory.")
}
