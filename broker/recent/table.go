// Package recent holds the last messages of topics, for consumers that want what was sent before
// they came: ActiveMQ's subscription recovery policies.
package recent

import (
	"sync"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
)

// Limits say what a topic remembers; each that is not 0 holds. All 0: nothing.
type Limits struct {
	Count int   // messages
	Bytes int64 // of messages
	Age   int64 // milliseconds
}

// Message is one that a topic remembers.
type Message struct {
	Msg       *message.Message
	Publisher string // client identifier
	at        int64
}

func (m *Message) size() int64 { return int64(m.Msg.Size()) + message.Overhead }

// Table holds the messages of all topics. It may be used by many goroutines at once.
//
// A message is announced, with its bindings found, before it is on the disk, and remembered after
// that. Whoever is bound in between gets it then.
type Table[S comparable] struct {
	mu        sync.Mutex
	byName    map[string]*ring
	announced int
	turn      uint64 // counts bindings while something is announced
	late      []late[S]
}

type ring struct {
	list  []Message
	bytes int64
}

type late[S comparable] struct {
	who     S
	pattern string
	turn    uint64
}

// New returns an empty table.
func New[S comparable]() *Table[S] { return &Table[S]{byName: make(map[string]*ring)} }

// Announce says that a message is about to be sent: match, which it calls, finds its bindings. It
// returns what Add has to be told.
func (t *Table[S]) Announce(match func()) (turn uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	match()
	t.announced++
	return t.turn
}

// Add lets a topic remember a message. It returns who was bound to a pattern of the topic since the
// message was announced, and the change in bytes. now is in Unix milliseconds. Every Announce is
// followed by one Add, or Forget.
func (t *Table[S]) Add(name string, m Message, l Limits, turn uint64, now int64) (who []S, bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.late {
		if l.turn > turn && address.Match(l.pattern, name) {
			who = append(who, l.who)
		}
	}
	t.over()
	r := t.byName[name]
	if r == nil {
		r = new(ring)
		t.byName[name] = r
	}
	before := r.bytes
	m.at = now
	r.list = append(r.list, m)
	r.bytes += m.size()
	r.trim(l, now)
	if len(r.list) == 0 {
		delete(t.byName, name)
	}
	return who, r.bytes - before
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

func (r *ring) trim(l Limits, now int64) {
	n := 0
	for n < len(r.list) && (l.Count > 0 && len(r.list)-n > l.Count ||
		l.Bytes > 0 && r.bytes > l.Bytes || l.Age > 0 && r.list[n].at+l.Age <= now || l == Limits{}) {
		r.bytes -= r.list[n].size()
		n++
	}
	if n == 0 {
		return
	}
	if n == 1 && cap(r.list) > len(r.list) || n == len(r.list) {
		clear(r.list[:n])
		r.list = r.list[n:] // append moves it when its array is used up
		return
	}
	r.list = append([]Message(nil), r.list[n:]...)
}

// Bind calls bind with what the topics that match a pattern remember, in the order of each topic:
// it hands that over and then binds who to the pattern. limits are those of a topic; now is in Unix
// milliseconds.
func (t *Table[S]) Bind(pattern string, who S, now int64, limits func(name string) Limits, bind func([]Message)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []Message
	for name, r := range t.byName {
		if !address.Match(pattern, name) {
			continue
		}
		l := limits(name)
		for _, m := range r.list {
			if l.Age <= 0 || m.at+l.Age > now {
				list = append(list, m)
			}
		}
	}
	bind(list)
	if t.announced > 0 {
		t.turn++
		t.late = append(t.late, late[S]{who, pattern, t.turn})
	}
}

// Trim drops what topics need not remember any more, for instance because it is too old or because
// limits changed, and returns the change in bytes.
func (t *Table[S]) Trim(now int64, limits func(name string) Limits) (bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, r := range t.byName {
		before := r.bytes
		r.trim(limits(name), now)
		bytes += r.bytes - before
		if len(r.list) == 0 {
			delete(t.byName, name)
		}
	}
	return bytes
}
