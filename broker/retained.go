package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/retained"
	"github.com/manifoldmq/manifold/store"
)

// keep is a message on its way to the disk that its topic is to keep.
type keep struct {
	name      string
	msg       *message.Message
	publisher string
	none      bool // it is empty: the topic keeps nothing from then on
	turn      uint64
	slot      int32 // of the batch's Refs: the id that it competes with
}

// keeps reports whether the destination is to keep a message.
func (d *Destination) keeps(m *message.Message) bool {
	return m.Flags&message.Retain != 0 && d.Address.Kind == address.Topic && !d.Address.IsPattern()
}

// checkRetained refuses a message that would have to be kept beyond the limits.
func (p *Producer) checkRetained(m *message.Message) error {
	b := p.c.b
	count, bytes := b.retained.Used()
	if count < b.Limits.Retained && bytes+int64(m.Size()) < b.Limits.RetainedBytes || m.Empty() {
		return nil
	}
	for _, d := range p.targets {
		if d.keeps(m) && (bytes+int64(m.Size()) >= b.Limits.RetainedBytes || !b.retained.Has(d.Address.Name)) {
			return fault.New(fault.LimitReached, "send", d.Address.String(), "%d retained messages with %d bytes are kept, which is the limit", count, bytes)
		}
	}
	return nil
}

// toKeep adds a message that its topic is to keep, for the topic and for the bindings. Its order is
// that of the batches, on disk as in memory.
func (u *burst) toKeep(b *Broker, d *Destination, m *message.Message) {
	k := keep{name: d.Address.Name, msg: m, none: m.Empty()}
	if u.c != nil {
		k.publisher = u.c.login.ClientID
	}
	publish := func() {
		u.toTopic(b, u.c, u.merger.merge(b.bindings.Match(k.name), m, u.c), 4, m)
	}
	if u.branch {
		publish()
	} else {
		k.turn = b.retained.Announce(publish)
		k.slot = int32(u.batch.TakeID())
		u.keeps = append(u.keeps, k)
	}
	if k.none {
		u.batch.DeleteRecord(store.Retained, []byte(k.name))
	} else {
		u.batch.PutRecord(store.Retained, []byte(k.name), retained.Append(nil, m, k.publisher))
		u.bytes += int64(m.Size())
	}
	if m.Durable {
		u.batch.Durability = store.Durable
	}
}

// announce is for a message that is sent to no bindings.
func (b *Broker) announce(k *keep) { k.turn = b.retained.Announce(func() {}) }

// kept lets topics keep the messages of a batch that is done. It runs on the store's goroutine.
func (b *Broker) kept(sb *store.Batch, keeps []keep, err error) {
	for i := range keeps {
		k := &keeps[i]
		if err != nil {
			b.retained.Forget()
			continue
		}
		kept := &retained.Kept{Msg: k.msg, ID: sb.Refs[k.slot].ID, Publisher: k.publisher}
		late, bytes := b.retained.Set(k.name, *kept, k.none, k.turn)
		b.env.Memory.Add(bytes)
		for _, n := range late {
			b.handRetained(n, []*retained.Kept{kept})
		}
	}
}

// bind adds a binding to the table, or puts it in the place of an old one. With send, what its
// topics keep comes first.
func (b *Broker) bind(n *binding, send bool, old *binding) {
	n.settle()
	bind := func() {
		if old != nil {
			b.bindings.Rebind(n.pattern, old, n)
		} else {
			b.bindings.Bind(n.pattern, n)
		}
	}
	if !send {
		bind()
		return
	}
	b.retained.Bind(n.pattern, n, func(list []*retained.Kept) {
		b.handRetained(n, list)
		bind()
	})
}

// handRetained puts retained messages on a binding's queue: those for the disk in batches of their
// own, which are committed before anything that is sent to the binding later.
func (b *Broker) handRetained(n *binding, list []*retained.Kept) {
	now := nowMillis()
	v := &move{b: b}
	batch := store.GetBatch()
	var head []byte
	for _, k := range list {
		m := k.Msg
		if m.Expired(now) || n.noLocal != "" && n.noLocal == k.Publisher || n.temp ||
			n.filter != nil && !n.filter.Matches(&message.View{Message: m}) {
			continue
		}
		t := n.retainedNote(m)
		if !m.Durable || !n.to.durable {
			e := queue.NewEntry(m, b.store.NextID())
			e.Note = t
			n.to.queue.Offer(e)
			b.done.touch(n.to.queue, nil)
			continue
		}
		b.markFor(n.to.queue, batch, &v.marks)
		slot := batch.Append(store.Target{List: n.to.queue.List(), Note: t}, n.to.queue.PrioOf(m), b.encode(m, &head))
		v.targets = append(v.targets, target{n.to.queue, m, t, int32(slot), true})
		if batch.Size() > burstBytes {
			b.commitMove(batch, v)
			v, batch = &move{b: b}, store.GetBatch()
		}
	}
	if batch.Empty() {
		store.PutBatch(batch)
		return
	}
	b.commitMove(batch, v)
}

func (b *Broker) commitMove(batch *store.Batch, v *move) {
	batch.User = v
	batch.Done = moveDone
	b.store.Commit(batch)
}

// retainedNote returns the note of a retained message.
func (n *binding) retainedNote(m *message.Message) []byte {
	if n.session == nil {
		return note.Append(nil, note.Index(m.Assurance(), true))
	}
	return n.notes[note.Index(min(m.Assurance(), n.assurance), true)]
}

// recoverRetained reads what topics keep.
func (b *Broker) recoverRetained(ctx context.Context) error {
	now := nowMillis()
	batch := store.GetBatch()
	batch.Done = release
	err := b.store.Records(ctx, store.Retained, nil, nil, func(key, value []byte) error {
		m, publisher, err := retained.Decode(value, b.env.Formats)
		if err != nil {
			return err
		}
		name := string(key)
		if m.Expired(now) {
			batch.DeleteRecord(store.Retained, key)
			return nil
		}
		k := keep{name: name}
		b.announce(&k)
		_, bytes := b.retained.Set(name, retained.Kept{Msg: m, ID: b.store.NextID(), Publisher: publisher}, false, k.turn)
		b.env.Memory.Add(bytes)
		return nil
	})
	if err != nil {
		store.PutBatch(batch)
		return fmt.Errorf("retained messages: %w", err)
	}
	b.store.Commit(batch)
	return nil
}

// recoverKeep finds what a prepared branch asks a topic to keep.
func (b *Broker) recoverKeep(batch *store.Batch, op *store.Op) (k keep, err error) {
	k = keep{name: string(batch.Bytes(op.Head)), none: op.Kind == store.OpDeleteRecord, msg: new(message.Message)}
	if !k.none {
		k.msg, k.publisher, err = retained.Decode(batch.Bytes(op.Body), b.env.Formats)
	}
	return k, err
}

// retainedSweep is how often, in seconds, topics are searched for messages that have ended.
const retainedSweep = 30

// SweepRetained lets topics keep nothing whose message has ended. The broker does so by itself from
// time to time.
func (b *Broker) SweepRetained(now time.Time) {
	bytes := b.retained.Sweep(now.UnixMilli(), func(name string) {
		one := store.GetBatch() // while nothing is announced, so that it is older than what comes
		one.Done = release
		one.DeleteRecord(store.Retained, []byte(name))
		b.store.Commit(one)
	})
	b.env.Memory.Add(bytes)
}

// Retained calls fn for each message that the topics of a pattern keep, until it returns false.
func (b *Broker) Retained(pattern string, fn func(*message.Message) bool) {
	if b.Role() != Active {
		return
	}
	now := nowMillis()
	for _, k := range b.retained.Match(pattern) {
		if !k.Msg.Expired(now) && !fn(k.Msg) {
			return
		}
	}
}

// RetainedUsed returns how many messages topics keep, and their bytes.
func (b *Broker) RetainedUsed() (count int, bytes int64) {
	if b.Role() != Active {
		return 0, 0
	}
	return b.retained.Used()
}

// DeleteRetained lets a topic keep nothing. It blocks until that is on disk.
func (b *Broker) DeleteRetained(ctx context.Context, topic string) error {
	if b.Role() != Active || !b.retained.Has(topic) {
		return fault.New(fault.NotFound, "delete", topic, "topic %s keeps no message", topic)
	}
	k := keep{name: topic, none: true, msg: new(message.Message)}
	b.announce(&k)
	batch := store.GetBatch()
	k.slot = int32(batch.TakeID())
	batch.Durability = store.Durable
	batch.DeleteRecord(store.Retained, []byte(topic))
	done := make(chan error, 1)
	batch.Done = func(sb *store.Batch, err error) {
		b.kept(sb, []keep{k}, err)
		store.PutBatch(sb)
		done <- err
	}
	b.store.Commit(batch)
	return b.wait(ctx, "delete", done)
}
