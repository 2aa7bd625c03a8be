// Package retained holds the messages that topics keep for later subscribers: one per topic, the
// one with the highest id, where to keep none counts as a message.
package retained

import (
	"cmp"
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
)

// Kept is one topic's message.
type Kept struct {
	Msg       *message.Message
	Publisher string // client identifier
	seq       uint64
}

// Size is what the message is accounted with, in bytes.
func (k *Kept) Size() int64 { return int64(k.Msg.Size()) + message.Overhead }

// Table holds what topics keep.
//
// Its lock is held from the look-up of a message's bindings until the batch with the message is
// committed, and from the look at what is kept until a new binding is in effect: then each message
// is older than a binding, or younger, and the binding's subscriber gets it the one way or the
// other. Methods say whether the lock is to be held.
type Table struct {
	sync.Mutex
	byName   map[string]*Kept
	names    address.Trie[struct{}]
	seq      uint64
	bytes    int64
	expiring int // messages that end by themselves
}

// New returns an empty table.
func New() *Table { return &Table{byName: make(map[string]*Kept)} }

// Put lets a topic keep a message instead of what it has; nil: none. It returns the change in
// bytes. The lock is to be held.
func (t *Table) Put(name string, k *Kept) (bytes int64) {
	old := t.byName[name]
	if old != nil {
		bytes -= old.Size()
		if old.Msg.Expiry != 0 {
			t.expiring--
		}
	}
	switch {
	case k != nil:
		if old == nil {
			t.names.Insert(name, struct{}{})
		}
		t.seq++
		k.seq = t.seq
		t.byName[name] = k
		bytes += k.Size()
		if k.Msg.Expiry != 0 {
			t.expiring++
		}
	case old != nil:
		delete(t.byName, name)
		t.names.Remove(name, struct{}{})
	}
	t.bytes += bytes
	return bytes
}

// Match returns what the topics that match a pattern keep, in the order in which it came. The
// values are not to be changed. The lock is to be held.
func (t *Table) Match(pattern string) []*Kept {
	if len(t.byName) == 0 {
		return nil
	}
	if !address.IsPattern(pattern) {
		if k := t.byName[pattern]; k != nil {
			return []*Kept{k}
		}
		return nil
	}
	var out []*Kept
	for _, name := range t.names.Names(pattern, nil) {
		out = append(out, t.byName[name])
	}
	slices.SortFunc(out, func(a, b *Kept) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// Sweep lets topics whose message has ended at a time, in Unix milliseconds, keep nothing, and calls
// removed with the name of each. It returns the change in bytes. The lock is to be held.
func (t *Table) Sweep(now int64, removed func(name string)) (bytes int64) {
	if t.expiring == 0 {
		return 0
	}
	for name, k := range t.byName {
		if k.Msg.Expired(now) {
			bytes += t.Put(name, nil)
			removed(name)
		}
	}
	return bytes
}

// Has reports whether a topic keeps a message. It takes the lock.
func (t *Table) Has(name string) bool {
	t.Lock()
	defer t.Unlock()
	return t.byName[name] != nil
}

// Used returns how many messages are kept, and their bytes. It takes the lock.
func (t *Table) Used() (count int, bytes int64) {
	t.Lock()
	defer t.Unlock()
	return len(t.byName), t.bytes
}
