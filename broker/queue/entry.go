package queue

import (
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Entry is one message on one queue, with what is particular to that queue.
type Entry struct {
	Msg *message.Message
	// Ref identifies the entry and orders it. Ref.List is 0 while the entry is in memory
	// only.
	Ref       store.Ref
	Note      []byte // what the matched bindings said; never changed
	NotBefore int64  // redelivery delay: not before this time, Unix milliseconds
	Tag       uint32 // of a tracked delivery, see ConsumerOptions.Track; 0 = none
	Count     uint16 // failed deliveries
	Phase     uint8  // how far a tracked delivery's hand-over has come
	Flags     EntryFlags
}

// EntryFlags are an entry's yes-or-no facts.
type EntryFlags uint8

const (
	// Redelivered says that a consumer may have seen the message before.
	Redelivered EntryFlags = 1 << iota
	// FirstInGroup says that the consumer gets the first message of this group since it
	// owns the group.
	FirstInGroup
	// fetched says that a cursor took the entry out of the tail, ahead of its turn.
	fetched
	// purged says that the queue was purged while the entry was with a consumer: it is
	// dropped when it comes back.
	purged
	// Ordered says of an arrival that others with higher ids may have come before it.
	Ordered
	// moved says of an arrival that it is with the consumer already whose home this is: there
	// is only its place in the list to be noted.
	moved
	// Acquired says that the entry was with a consumer, which may not have seen it and is not
	// counted as a failure. It is forgotten with the process, after which Redelivered says so.
	Acquired
)

func (e *Entry) stored() bool { return e.Ref.List != 0 }

// size is what the entry is accounted with, alike in memory and in the tail.
func (e *Entry) size() int64 { return int64(e.Ref.Size) + message.Overhead }

func (e *Entry) state() store.State {
	return store.State{
		Deliveries: e.Count, Redelivered: e.Flags&Redelivered != 0, NotBefore: e.NotBefore, Tag: e.Tag, Phase: e.Phase,
	}
}

// NewEntry returns an entry of a message that is in memory only.
func NewEntry(m *message.Message, id store.ID) Entry {
	return Entry{Msg: m, Ref: store.Ref{ID: id, Size: uint32(m.Size()), Prio: m.Priority}}
}
