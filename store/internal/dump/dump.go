// Package dump is the form of a store's content that no engine is needed to read: the way from
// one backend to another, back over a format that an older program doesn't know, and out of a
// store that is looked into.
//
// A dump is the magic, a version, and frames:
//
//	kind(1) length(4) payload check(4)
//
// Numbers of fixed length are big endian, others unsigned varints; byte strings stand behind
// their length, and the last of a frame takes what is left. The check value is the CRC-32C of
// the frame's kind, length and payload, begun with the check value of the frame before, so that
// no frame can be missing, added or out of place. The frames, in this order:
//
//	header   store id(16) next id, name of the backend
//	record   bucket(1) key, value
//	part     id part, data
//	message  id references parts; with parts: parts id, parts size; head, body
//	entry    list 9-priority(1) id flags(1); with a state: state(17); note; unless shared:
//	         parts; with parts: parts id, parts size; head, body
//	end      number of records, parts, messages, entries
//
// Records ascend by bucket and key, parts by id and number, messages by id, entries by list,
// falling priority and id. A message stands once, before the entries that share it.
package dump

import "github.com/manifoldmq/manifold/store"

const (
	magic   = "MANIFOLD"
	version = 1

	// maxFrame is more than any batch could have written as one value.
	maxFrame = 1<<30 + 1<<20
	// maxNext bounds ids, so that there is room behind them.
	maxNext = store.ID(1) << 62
	// known are the flags of an entry in a dump. Volatile ones are not in it.
	known = store.Shared | store.HasState | store.HasParts
)

// Kind tells items apart.
type Kind byte

// The kinds of items, in the order of a dump.
const (
	header Kind = iota + 1
	Record
	Part
	Message
	Entry
	end
)

// Header says where a dump comes from.
type Header struct {
	Store   [16]byte // the identity of the store it was made of
	Next    store.ID // all ids in it are below
	Backend string
}

// Item is one record, part, message or entry.
type Item struct {
	Kind Kind

	Bucket     store.Bucket // of a record
	Key, Value []byte       // of a record; Value also a part's data

	ID   store.ID // of a part's body, or a message
	Part uint32
	Refs uint32 // entries that share the message

	// Entry is an entry, complete but for head and body when it is shared; of a message only
	// Msg is set.
	Entry store.Entry
}

// Sink takes the content of a store, in the order of a dump. The arguments are its until it
// returns.
type Sink interface {
	Record(k store.Bucket, key, value []byte) error
	Part(id store.ID, part uint32, data []byte) error
	Message(id store.ID, refs uint32, m *store.Msg) error
	Entry(e *store.Entry) error
}

// EntrySize is an entry's size for accounting: n bytes of note, head and body, and the parts, as
// far as 32 bits go.
func EntrySize(n int, m *store.Msg) uint32 {
	const limit = 1<<32 - 1
	size := min(uint64(n), limit)
	if m.Parts > 0 {
		size += min(m.PartsSize, limit)
	}
	return uint32(min(size, limit))
}

// Shared is what entries need to know of a message they share.
type Shared struct {
	Size      uint64 // bytes of head and body
	Parts     uint32
	PartsID   store.ID
	PartsSize uint64
}

// SharedBy describes m for the entries that share it.
func SharedBy(m *store.Msg) Shared {
	return Shared{Size: uint64(len(m.Head) + len(m.Body)), Parts: m.Parts, PartsID: m.PartsID, PartsSize: m.PartsSize}
}

// Complete sets what an entry takes over from its message.
func (s Shared) Complete(e *store.Entry) {
	e.Parts, e.PartsID, e.PartsSize = s.Parts, s.PartsID, s.PartsSize
	e.Size = EntrySize(int(s.Size)+len(e.Note), &e.Msg)
}
