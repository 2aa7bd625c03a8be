// Package note is the short note that an entry of a queue carries: what the bindings said that
// brought the message there. It is stored with the entry and comes with each delivery.
package note

import (
	"encoding/binary"
	"slices"

	"github.com/manifoldmq/manifold/broker/message"
)

// Of reads a note:
//
//	flags(1)  identifier(uvarint) ...
//
// The lowest two bits of flags are the assurance, the next one is Retain. An empty note says that
// nobody has anything to say: the message's own assurance counts.
type Of []byte

const (
	assurance = 3
	retain    = 1 << 2
)

// Variants is how many notes one binding makes: one for each assurance, with and without retain.
const Variants = 8

// MaxIdentifier is the highest identifier of a binding.
const MaxIdentifier = 1<<28 - 1

// Index returns which of its notes a binding gives to a message that it hands over with a, and,
// with keep, flagged as retained.
func Index(a message.Assurance, keep bool) int {
	i := int(a)
	if keep {
		i |= retain
	}
	return i
}

// Append appends the note with an index, and with identifiers, to dst. Those that are 0 are left
// out; the others ascend, each once.
func Append(dst []byte, index int, identifiers ...uint32) []byte {
	dst = append(dst, byte(index))
	slices.Sort(identifiers)
	last := uint32(0)
	for _, id := range identifiers {
		if id == last {
			continue
		}
		last = id
		dst = binary.AppendUvarint(dst, uint64(id))
	}
	return dst
}

// Assurance returns how surely the message is handed over.
func (n Of) Assurance() message.Assurance {
	if len(n) == 0 {
		return message.AtMostOnce
	}
	return message.Assurance(n[0] & assurance)
}

// Retain reports whether the message comes as a retained one.
func (n Of) Retain() bool { return len(n) > 0 && n[0]&retain != 0 }

// Identifiers yields the identifiers of the bindings, in ascending order.
func (n Of) Identifiers(yield func(uint32) bool) {
	if len(n) == 0 {
		return
	}
	for rest := []byte(n[1:]); len(rest) > 0; {
		id, size := binary.Uvarint(rest)
		if size <= 0 || !yield(uint32(id)) {
			return
		}
		rest = rest[size:]
	}
}

// Set is the notes of one binding, by Index.
type Set [Variants][]byte

// NewSet returns the notes of a binding with an identifier; 0 is none.
func NewSet(identifier uint32) *Set {
	s := new(Set)
	all := make([]byte, 0, Variants*6)
	for i := range s {
		from := len(all)
		all = Append(all, i, identifier)
		s[i] = all[from:len(all):len(all)]
	}
	return s
}
