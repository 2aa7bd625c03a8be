// Package retained holds the messages that topics keep for later subscribers: one per topic, the
// one with the highest id, where to keep none counts as a message.
//
// A message that is to be kept is announced when it is sent and set when it is on disk, in the
// order of ids. A subscriber that binds itself looks at what is kept under the same lock, so that
// of each message it either gets the live copy, or the kept one from its look; or, if it was bound
// between a message's announcement and its setting, Set returns it as one who is to be told.
package retained

import (
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Kept is one topic's message.
type Kept struct {
	Msg       *message.Message
	ID        store.ID
	Publisher string // client identifier
}

// Size is what the message is accounted with, in bytes.
func (k *Kept) Size() int64 {
	return int64(k.Msg.Size()) + int64(len(k.Msg.Address.Name)) + message.Overhead
}

// Table holds what topics keep. It may be used by many goroutines at once.
type Table[S comparable] struct {
	mu     sync.Mutex
	byName map[string]*Kept
	names  address.Trie[struct{}]
	bytes  int64
	// expiring counts the messages that end by themselves.
	expiring int

	// Of the messages that are announced and not set yet: how many, and who was bound since.
	announced int
	turn      uint64 // counts bindings while there are some
	late      []late[S]
}

type late[S comparable] struct {
	who     S
	pattern string
	turn    uint64
}

// New returns an empty table.
func New[S comparable]() *Table[S] { return &Table[S]{byName: make(map[string]*Kept)} }

// Announce says that a message which its topic is to keep is about to be sent: match, which it
// calls, finds its bindings. It returns what Set has to be told.
func (t *Table[S]) Announce(match func()) (turn uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	match()
	t.announced++
	return t.turn
}

// Set lets a topic keep a message, or, with none, nothing, unless it keeps a younger one. It
// returns who was bound to a pattern of the topic since the message was announced, and the change
// in bytes. Every Announce is followed by one Set, or Forget.
func (t *Table[S]) Set(name string, k Kept, none bool, turn uint64) (who []S, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !none {
		for _, l := range t.late {
			if l.turn > turn && address.Match(l.pattern, name) {
				who = append(who, l.who)
			}
		}
	}
	before := t.bytes
	if old := t.byName[name]; old == nil || old.ID < k.ID {
		t.put(name, k, none)
	}
	t.over()
	return who, t.bytes - before
}

// Forget ends an announcement whose message was not sent.
func (t *Table[S]) Forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over()
}

func (t *Table[S]) over() {
	if t.announced--; t.announced == 0 {
		t.late = nil
	}
}

func (t *Table[S]) put(name string, k Kept, none bool) {
	old := t.byName[name]
	if old != nil {
		t.bytes -= old.Size()
		if old.Msg.Expiry != 0 {
			t.expiring--
		}
	}
	switch {
	case none && old != nil:
		delete(t.byName, name)
		t.names.Remove(name, struct{}{})
		return
	case none:
		return
	case old == nil:
		t.names.Insert(name, struct{}{})
	}
	t.byName[name] = &k
	t.bytes += k.Size()
	if k.Msg.Expiry != 0 {
		t.expiring++
	}
}

// Bind calls bind with what the topics that match a pattern keep, by id: it hands that over and
// then binds who to the pattern. The values are not to be changed.
func (t *Table[S]) Bind(pattern string, who S, bind func([]*Kept)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	bind(t.match(pattern))
	if t.announced > 0 {
		t.turn++
		t.late = append(t.late, late[S]{who, pattern, t.turn})
	}
}

// Match returns what the topics that match a pattern keep, by id.
func (t *Table[S]) Match(pattern string) []*Kept {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.match(pattern)
}

func (t *Table[S]) match(pattern string) []*Kept {
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
	slices.SortFunc(out, func(a, b *Kept) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}

// Sweep lets topics whose message has ended keep nothing, and calls remove with the name of each.
// Nothing is announced meanwhile, and nothing happens while something is. It returns the change in
// bytes.
func (t *Table[S]) Sweep(now int64, remove func(name string)) (bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.announced > 0 || t.expiring == 0 {
		return 0
	}
	before := t.bytes
	for name, k := range t.byName {
		if k.Msg.Expired(now) {
			t.put(name, Kept{}, true)
			remove(name)
		}
	}
	return t.bytes - before
}

// Has reports whether a topic keeps a message.
func (t *Table[S]) Has(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byName[name] != nil
}

// Used returns how many messages are kept, and their bytes.
func (t *Table[S]) Used() (count int, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byName), t.bytes
}
