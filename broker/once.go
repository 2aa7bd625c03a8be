package broker

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Once is the receiving half of hand-over exactly once: the keys of messages that were taken
// and that the sender may still repeat, because it has not released them. It belongs to a
// session's name and outlives connections and restarts.
type Once struct {
	b    *Broker
	name string
	// volatile keys are not recorded: those of a session that ends with its connection.
	volatile bool

	mu   sync.Mutex
	keys map[uint64]struct{}
}

// maxOnceKeys bounds the keys that one session may leave unreleased.
const maxOnceKeys = 65535

// Once returns a session's keys. It reads the store when the session is not in use already, and
// blocks for that.
func (b *Broker) Once(ctx context.Context, session string) (*Once, error) {
	b.onceMu.Lock()
	defer b.onceMu.Unlock()
	if o := b.onces[session]; o != nil {
		return o, nil
	}
	o := &Once{b: b, name: session, keys: make(map[uint64]struct{})}
	from := o.key(0)
	to := append(from[:len(from)-8:len(from)-8], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	err := b.store.Records(ctx, store.Sessions, from, to, func(key, _ []byte) error {
		if len(key) == len(from) {
			o.keys[binary.BigEndian.Uint64(key[len(key)-8:])] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return nil, storeFault("session", err)
	}
	b.onces[session] = o
	return o, nil
}

// key returns the record's key: the length of the session's name, the name, the key.
func (o *Once) key(k uint64) []byte {
	out := binary.AppendUvarint(nil, uint64(len(o.name)))
	return binary.BigEndian.AppendUint64(append(out, o.name...), k)
}

// SendOnce is Send for a message that its sender repeats until it is confirmed: a message whose
// key the session has taken already is confirmed and not sent again. The key is recorded with
// the message, in one batch.
func (p *Producer) SendOnce(m *message.Message, o *Once, key uint64, t Token) error {
	c := p.c
	o.mu.Lock()
	_, known := o.keys[key]
	if !known && len(o.keys) >= maxOnceKeys {
		o.mu.Unlock()
		return fault.New(fault.LimitReached, "send", o.name, "the session has %d messages that were not released", maxOnceKeys)
	}
	o.keys[key] = struct{}{}
	o.mu.Unlock()
	if known {
		c.confirmDurable(t)
		return nil
	}
	x := new(extra)
	if !o.volatile {
		x.key = o.key(key)
	}
	if err := p.sendWith(m, t, x); err != nil {
		o.mu.Lock()
		delete(o.keys, key)
		o.mu.Unlock()
		return err
	}
	return nil
}

// Known reports whether a message with the key was taken and is not released.
func (o *Once) Known(key uint64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.keys[key]
	return known
}

// Forget releases a key: the sender will not repeat the message. The token is confirmed when
// that is on disk.
func (o *Once) Forget(c *Connection, key uint64, t Token) {
	o.mu.Lock()
	_, known := o.keys[key]
	delete(o.keys, key)
	o.mu.Unlock()
	if !known || o.volatile {
		c.Confirm(t)
		return
	}
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.DeleteRecord(store.Sessions, o.key(key))
	o.b.confirmWhenDone(batch, "release", c, t)
}

// End forgets a session with all its keys, when the session itself has ended.
func (o *Once) End() {
	o.b.onceMu.Lock()
	if o.b.onces[o.name] == o {
		delete(o.b.onces, o.name)
	}
	o.b.onceMu.Unlock()
	o.Clear()
}

// Clear forgets all keys of a session that goes on.
func (o *Once) Clear() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.volatile || len(o.keys) == 0 {
		return
	}
	batch := store.GetBatch()
	batch.Done = release
	for k := range o.keys {
		batch.DeleteRecord(store.Sessions, o.key(k))
	}
	clear(o.keys)
	o.b.store.Commit(batch)
}

// Inherit takes over the keys of a session that ends with that.
func (o *Once) Inherit(old *Once) {
	if keys := old.Keys(); len(keys) > 0 {
		batch := store.GetBatch()
		batch.Done = release
		o.mu.Lock()
		for _, k := range keys {
			o.keys[k] = struct{}{}
			batch.PutRecord(store.Sessions, o.key(k), nil)
		}
		o.mu.Unlock()
		o.b.store.Commit(batch)
	}
	old.End()
}

// SetPhase records durably how far the hand-over of a tracked delivery has come. The token is
// confirmed when that is on disk.
func (s *Subscription) SetPhase(number uint64, phase uint8, t Token) error {
	batch := store.GetBatch()
	batch.Durability = store.Durable
	batch.User = &confirmation{s.c, "settle", t}
	batch.Done = confirmDone
	if !s.Consumer.SetPhase(number, phase, batch) {
		store.PutBatch(batch)
		return fault.New(fault.NotFound, "settle", "", "delivery %d has an outcome already", number)
	}
	return nil
}

// Keys returns the keys of all messages that were taken and are not released.
func (o *Once) Keys() []uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := make([]uint64, 0, len(o.keys))
	for k := range o.keys {
		list = append(list, k)
	}
	return list
}
