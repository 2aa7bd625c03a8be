// Package duplicate remembers which messages a destination has taken lately, so that one that is
// sent again is taken once.
package duplicate

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"sync"
)

// Key stands for a message's identity. Different identities have different keys, as far as anybody
// could find out.
type Key [16]byte

// KeyOf returns the key of an identity.
func KeyOf(id string) Key {
	sum := sha256.Sum256([]byte(id))
	return Key(sum[:16])
}

// Limits say how much a window remembers.
type Limits struct {
	Count int   // messages; 0: none
	Age   int64 // milliseconds; 0: no bound
}

// Window holds the keys of the last messages of one destination. It may be used by many goroutines
// at once.
//
// What it holds can be written as records: each key has a slot, and a later key takes the slot of
// the one that it pushes out.
type Window struct {
	mu     sync.Mutex
	limits Limits
	number uint64 // of the last key
	ring   []slot // by number modulo its length
	byKey  map[Key]uint64
}

type slot struct {
	number uint64 // 0: empty
	at     int64
	key    Key
}

// New returns an empty window.
func New(l Limits) *Window {
	return &Window{limits: l, ring: make([]slot, max(min(l.Count, 64), 0)), byKey: make(map[Key]uint64)}
}

// Taken is what was found out about a key.
type Taken struct {
	Known  bool   // the window had it
	Slot   uint32 // where it stands now; with Known it means nothing
	Record []byte // of the slot, as Load takes it
}

// Take adds a key to the window, unless that has it. now is in Unix milliseconds.
func (w *Window) Take(k Key, now int64) Taken {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limits.Count <= 0 {
		return Taken{}
	}
	if n, ok := w.byKey[k]; ok {
		if s := w.at(n); s.number == n && (w.limits.Age <= 0 || s.at+w.limits.Age > now) {
			return Taken{Known: true}
		}
		delete(w.byKey, k)
	}
	w.number++
	if len(w.ring) < w.limits.Count && w.at(w.number).number != 0 {
		w.resize(min(2*len(w.ring), w.limits.Count))
	}
	s := w.at(w.number)
	if s.number != 0 && w.byKey[s.key] == s.number {
		delete(w.byKey, s.key)
	}
	*s = slot{w.number, now, k}
	w.byKey[k] = w.number
	return Taken{Slot: uint32(w.number % uint64(w.limits.Count)), Record: s.record()}
}

// Forget takes a key out again whose message was not taken after all.
func (w *Window) Forget(k Key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n, ok := w.byKey[k]; ok {
		delete(w.byKey, k)
		if s := w.at(n); s.number == n {
			*s = slot{}
		}
	}
}

// Len returns how many keys the window holds.
func (w *Window) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.byKey)
}

// Count returns how many keys the window remembers at most.
func (w *Window) Count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.limits.Count
}

// Limit changes how much the window remembers. It reports whether keys have other slots than
// before, so that what was written of them is to be written anew, with Records.
func (w *Window) Limit(l Limits) (moved bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	moved = l.Count != w.limits.Count
	w.limits = l
	if moved {
		w.resize(min(l.Count, max(len(w.ring), 64)))
	}
	return moved
}

// Records calls fn with the slot and the record of each key.
func (w *Window) Records(fn func(slot uint32, record []byte)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.ring {
		if s := &w.ring[i]; s.number != 0 {
			fn(uint32(s.number%uint64(w.limits.Count)), s.record())
		}
	}
}

// Load returns a window with what was recorded of one. Records in any order, of any limits, are
// taken; those that are none are left out.
func Load(l Limits, records [][]byte) *Window {
	w := New(l)
	lowest := uint64(math.MaxUint64)
	var list []slot
	for _, r := range records {
		if len(r) != recordLength {
			continue
		}
		s := slot{binary.BigEndian.Uint64(r), int64(binary.BigEndian.Uint64(r[8:])), Key(r[16:])}
		if s.number == 0 || s.number > 1<<62 { // damage
			continue
		}
		list = append(list, s)
		w.number, lowest = max(w.number, s.number), min(lowest, s.number)
	}
	if len(list) == 0 {
		return w
	}
	w.ring = make([]slot, min(uint64(max(l.Count, 0)), max(w.number-lowest+1, 64)))
	for _, s := range list {
		if w.number-s.number >= uint64(len(w.ring)) || w.at(s.number).number != 0 { // two of one number are damage
			continue
		}
		*w.at(s.number) = s
		w.byKey[s.key] = max(w.byKey[s.key], s.number)
	}
	return w
}

const recordLength = 8 + 8 + 16

func (s *slot) record() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, recordLength), s.number)
	b = binary.BigEndian.AppendUint64(b, uint64(s.at))
	return append(b, s.key[:]...)
}

func (w *Window) at(n uint64) *slot {
	if len(w.ring) == 0 {
		return new(slot)
	}
	return &w.ring[n%uint64(len(w.ring))]
}

// resize gives the ring another length and keeps the newest keys that fit.
func (w *Window) resize(length int) {
	old := w.ring
	w.ring = make([]slot, max(length, 0))
	clear(w.byKey)
	for i := range old {
		s := &old[i]
		if s.number == 0 || w.number-s.number >= uint64(len(w.ring)) {
			continue
		}
		*w.at(s.number) = *s
		w.byKey[s.key] = s.number
	}
}
