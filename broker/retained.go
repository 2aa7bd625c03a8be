package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/retained"
	"github.com/manifoldmq/manifold/store"
)

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

// toKeep adds a message that its topic is to keep, for the topic and for the bindings. Unless it is
// for a prepared branch, the lock of what is kept is held from then on, until commit.
func (u *burst) toKeep(b *Broker, d *Destination, m *message.Message) {
	name := d.Address.Name
	u.lockKept(b)
	u.toTopic(b, u.c, u.merger.merge(b.bindings.Match(name), m, u.c), 4, m)
	publisher := ""
	if u.c != nil {
		publisher = u.c.login.ClientID
	}
	var k *retained.Kept
	if m.Empty() {
		u.batch.DeleteRecord(store.Retained, []byte(name))
	} else {
		k = &retained.Kept{Msg: m, Publisher: publisher}
		u.batch.PutRecord(store.Retained, []byte(name), retained.Append(nil, m, publisher))
		u.bytes += int64(m.Size())
	}
	if m.Durable {
		u.batch.Durability = store.Durable
	}
	if !u.branch {
		b.env.Memory.Add(b.retained.Put(name, k))
	}
}

// lockKept takes the lock of what topics keep, until commit.
func (u *burst) lockKept(b *Broker) {
	if !u.branch && !u.keeping {
		b.retained.Lock()
		u.keeping = true
	}
}

// commit commits the burst's batch; the burst is not to be touched afterwards.
func (u *burst) commit(b *Broker) {
	keeping := u.keeping
	u.keeping = false
	b.store.Commit(u.batch)
	if keeping {
		b.retained.Unlock()
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
	b.retained.Lock()
	defer b.retained.Unlock()
	b.handRetained(n, b.retained.Match(n.pattern))
	bind()
}

// handRetained puts retained messages on a binding's queue, in batches of their own: after those
// with the messages themselves, and before anything that is sent to the binding later.
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
		note := n.retainedNote(m)
		slot := 0
		if m.Durable && n.to.durable {
			b.markFor(n.to.queue, batch, &v.marks)
			slot = batch.Append(store.Target{List: n.to.queue.List(), Note: note}, n.to.queue.PrioOf(m), b.encode(m, &head))
		} else {
			slot = batch.TakeID()
		}
		v.targets = append(v.targets, target{n.to.queue, m, note, int32(slot), true})
		if batch.Size() > burstBytes || len(v.targets) >= burstOps {
			b.commitMove(batch, v)
			v, batch = &move{b: b}, store.GetBatch()
		}
	}
	if len(v.targets) == 0 {
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
		b.env.Memory.Add(b.retained.Put(name, &retained.Kept{Msg: m, Publisher: publisher}))
		return nil
	})
	if err != nil {
		store.PutBatch(batch)
		return fmt.Errorf("retained messages: %w", err)
	}
	b.store.Commit(batch)
	return nil
}

// recoverKeep lets a topic keep what a prepared branch asks for, whose burst is about to be
// committed.
func (u *burst) recoverKeep(b *Broker, op *store.Op) error {
	var k *retained.Kept
	if op.Kind == store.OpPutRecord {
		m, publisher, err := retained.Decode(u.batch.Bytes(op.Body), b.env.Formats)
		if err != nil {
			return err
		}
		k = &retained.Kept{Msg: m, Publisher: publisher}
	}
	if !u.keeping {
		b.retained.Lock()
		u.keeping = true
	}
	b.env.Memory.Add(b.retained.Put(string(u.batch.Bytes(op.Head)), k))
	return nil
}

// retainedSweep is how often, in seconds, topics are searched for messages that have ended.
const retainedSweep = 30

// SweepRetained lets topics keep nothing whose message has ended. The broker does so by itself from
// time to time.
func (b *Broker) SweepRetained(now time.Time) {
	batch := store.GetBatch()
	batch.Done = release
	b.retained.Lock()
	defer b.retained.Unlock()
	bytes := b.retained.Sweep(now.UnixMilli(), func(name string) { batch.DeleteRecord(store.Retained, []byte(name)) })
	b.env.Memory.Add(bytes)
	b.store.Commit(batch)
}

// Retained calls fn for each message that the topics of a pattern keep, until it returns false.
func (b *Broker) Retained(pattern string, fn func(*message.Message) bool) {
	if b.Role() != Active {
		return
	}
	now := nowMillis()
	b.retained.Lock()
	list := b.retained.Match(pattern)
	b.retained.Unlock()
	for _, k := range list {
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
	done := make(chan error, 1)
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.DeleteRecord(store.Retained, []byte(topic))
	batch.Done = func(sb *store.Batch, err error) { store.PutBatch(sb); done <- err }
	b.retained.Lock()
	b.env.Memory.Add(b.retained.Put(topic, nil))
	b.store.Commit(batch)
	b.retained.Unlock()
	return b.wait(ctx, "delete", done)
}
