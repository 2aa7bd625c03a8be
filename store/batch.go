package store

import (
	"hash/crc32"
	"math"
	"slices"
	"sync"
)

// MaxPrio is the highest priority of an entry; higher ones are taken as it.
const MaxPrio = 9

// maxBatch bounds the bytes of one batch; a larger one ends with ErrTooLarge.
const maxBatch = 1 << 30

// castagnoli is the table of the check value that goes with a message from Append to the
// page it is read into.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Batch is a list of operations that take effect together or not at all. It is a concrete,
// reusable type: no interface call and no allocation per operation once it has grown.
// Arguments are copied into it. The zero Batch is empty, lazy and ready for use; an empty
// batch is legal, and its Done runs in its turn.
type Batch struct {
	Durability Durability
	// Done runs once, on a store goroutine, in the order of the Commit calls. It must not
	// block. The batch belongs to the store from Commit until Done runs, and to Done then.
	// It may be nil.
	Done func(b *Batch, err error)
	// User is the caller's, untouched.
	User any

	// Refs has one element for each list that Append and Fanout name, in that order. Its
	// flags and sizes are valid at once, its ids when Commit has returned: in Done, or as
	// long as Done doesn't give the batch away.
	Refs []Ref

	ops []Op
	buf []byte
	err error // why the batch must not be applied
}

// Append puts m on the end of t's list. It returns the index of the entry's Ref in Refs.
// Its id is assigned by Commit.
func (b *Batch) Append(t Target, prio uint8, m Msg) (slot int) {
	size := len(t.Note) + len(m.Head) + len(m.Body)
	if !b.room(size) {
		return b.addRef(Op{List: t.List})
	}
	start := len(b.buf)
	o := Op{
		Kind: OpAppend, Prio: min(prio, MaxPrio), Flag: t.flag() | m.flag(), List: t.List,
		Note: b.put(t.Note), Head: b.put(m.Head), Body: b.put(m.Body),
		Parts: m.Parts, PartsID: m.PartsID, PartsSize: m.PartsSize,
		State: t.State, Size: clampSize(size, m),
	}
	o.Sum = crc32.Checksum(b.buf[start:], castagnoli)
	slot = b.addRef(o)
	o.ref = int32(slot)
	b.ops = append(b.ops, o)
	return slot
}

// Fanout puts m on the end of each list in to, as one message with one id: it is stored once
// and dropped with its last entry. No list may be named twice. It returns the index in Refs of the first target's entry;
// the others follow in order. Without targets it does nothing.
func (b *Batch) Fanout(to []Target, prio uint8, m Msg) (first int) {
	first = len(b.Refs)
	switch len(to) {
	case 0:
		return first
	case 1:
		return b.Append(to[0], prio, m)
	}
	size := len(m.Head) + len(m.Body)
	notes := 0
	for i := range to {
		notes += len(to[i].Note)
	}
	if !b.room(size + notes) {
		for i := range to {
			b.addRef(Op{List: to[i].List})
		}
		return first
	}
	prio = min(prio, MaxPrio)
	start := len(b.buf)
	o := Op{
		Kind: OpFanout, Prio: prio, Flag: Shared | m.flag(),
		Head: b.put(m.Head), Body: b.put(m.Body),
		Parts: m.Parts, PartsID: m.PartsID, PartsSize: m.PartsSize,
		Size: clampSize(size, m), Count: uint32(len(to)),
	}
	o.Sum = crc32.Checksum(b.buf[start:], castagnoli)
	b.ops = slices.Grow(b.ops, len(to)+1)
	b.ops = append(b.ops, o)
	for i := range to {
		t := &to[i]
		e := Op{
			Kind: OpTarget, Prio: prio, Flag: Shared | t.flag() | m.flag(), List: t.List,
			Note: b.put(t.Note), State: t.State, Size: clampSize(size+len(t.Note), m),
			Parts: m.Parts, PartsID: m.PartsID,
		}
		e.Sum = crc32.Checksum(t.Note, castagnoli)
		e.ref = int32(b.addRef(e))
		b.ops = append(b.ops, e)
	}
	return first
}

// TakeID takes an id in the order of the batch's appends, for something that is not stored. It
// returns the index of its element of Refs, of which only the ID is set.
func (b *Batch) TakeID() (slot int) {
	o := Op{Kind: OpTakeID}
	slot = b.addRef(o)
	o.ref = int32(slot)
	b.ops = append(b.ops, o)
	return slot
}

// Ack ends the entry r. The last entry of a message drops it, and its parts. An entry may be
// acknowledged once; after a Truncate or DropList that ended it an Ack does nothing.
func (b *Batch) Ack(r Ref) {
	b.ops = append(b.ops, Op{
		Kind: OpAck, Prio: min(r.Prio, MaxPrio), Flag: r.Flag, List: r.List, ID: r.ID, Size: r.Size,
	})
}

// Update replaces the state of the entry r. It returns the Ref to use from now on: the state
// has a key of its own, which the last Ack must know of.
func (b *Batch) Update(r Ref, s State) Ref {
	had := r.Flag & HasState
	r.Flag &^= HasState
	if s != (State{}) {
		r.Flag |= HasState
	} else if had == 0 {
		return r
	}
	b.ops = append(b.ops, Op{
		Kind: OpUpdate, Prio: min(r.Prio, MaxPrio), Flag: r.Flag, List: r.List, ID: r.ID, State: s,
	})
	return r
}

// Truncate ends all entries of one priority of a list up to and including upTo.
func (b *Batch) Truncate(list ListID, prio uint8, upTo ID) {
	b.ops = append(b.ops, Op{Kind: OpTruncate, Prio: min(prio, MaxPrio), List: list, ID: upTo})
}

// DropList ends all entries of a list. The list must not be used again.
func (b *Batch) DropList(list ListID) {
	b.ops = append(b.ops, Op{Kind: OpDropList, List: list})
}

// PutPart writes one part of a large body under an id from Store.NextID, before the Append
// that names it in Msg.PartsID. Parts count from 0. They live as long as an entry or a
// prepared batch names them; those that never were named go at the next open, or by DropParts.
func (b *Batch) PutPart(id ID, part uint32, data []byte) {
	if !b.room(len(data)) {
		return
	}
	o := Op{Kind: OpPutPart, ID: id, Parts: part, Body: b.put(data)}
	o.Sum = crc32.Checksum(data, castagnoli)
	b.ops = append(b.ops, o)
}

// DropParts deletes the parts written under id, for a body that was given up before any
// Append named it.
func (b *Batch) DropParts(id ID) {
	b.ops = append(b.ops, Op{Kind: OpDropParts, ID: id})
}

// PutRecord writes a record.
func (b *Batch) PutRecord(k Bucket, key, value []byte) {
	if !b.room(len(key) + len(value)) {
		return
	}
	b.ops = append(b.ops, Op{Kind: OpPutRecord, Bucket: k, Head: b.put(key), Body: b.put(value)})
}

// DeleteRecord deletes a record, if it is there.
func (b *Batch) DeleteRecord(k Bucket, key []byte) {
	if !b.room(len(key)) {
		return
	}
	b.ops = append(b.ops, Op{Kind: OpDeleteRecord, Bucket: k, Head: b.put(key)})
}

// Merge appends o's operations to b. The elements of o.Refs follow those of b.Refs. o is not
// changed and may be used again.
func (b *Batch) Merge(o *Batch) {
	if o.err != nil && b.err == nil {
		b.err = o.err
	}
	if !b.room(len(o.buf)) {
		b.Refs = append(b.Refs, o.Refs...)
		return
	}
	base, refs, from := uint32(len(b.buf)), int32(len(b.Refs)), len(b.ops)
	b.buf = append(b.buf, o.buf...)
	b.Refs = append(b.Refs, o.Refs...)
	b.ops = append(b.ops, o.ops...)
	for i := range b.ops[from:] {
		p := &b.ops[from+i]
		p.Note.off += base
		p.Head.off += base
		p.Body.off += base
		if p.Kind == OpAppend || p.Kind == OpTarget || p.Kind == OpTakeID {
			p.ref += refs
		}
	}
}

// DropMessages takes the messages out again for which drop says so, which it is asked by their number:
// those of Append and Fanout count together, from 0. Refs has the elements of the others.
func (b *Batch) DropMessages(drop func(n int) bool) {
	ops, refs := b.ops[:0], b.Refs[:0]
	n, dropped := -1, false
	for _, o := range b.ops {
		switch o.Kind {
		case OpAppend, OpFanout:
			n++
			if dropped = drop(n); dropped {
				continue
			}
		case OpTarget:
			if dropped {
				continue
			}
		}
		if o.Kind == OpAppend || o.Kind == OpTarget || o.Kind == OpTakeID {
			refs = append(refs, b.Refs[o.ref])
			o.ref = int32(len(refs) - 1)
		}
		ops = append(ops, o)
	}
	b.ops, b.Refs = ops, refs
}

// Reset empties the batch and keeps its memory. Durability, Done and User stay.
func (b *Batch) Reset() {
	b.Refs, b.ops, b.buf, b.err = b.Refs[:0], b.ops[:0], b.buf[:0], nil
}

// Size is about how many bytes the batch takes in memory and on disk.
func (b *Batch) Size() int { return len(b.buf) + 24*len(b.ops) }

// Empty reports whether the batch has no operations.
func (b *Batch) Empty() bool { return len(b.ops) == 0 }

// room reports whether n more bytes fit, and marks the batch when not.
func (b *Batch) room(n int) bool {
	if b.err == nil && n > maxBatch-len(b.buf) {
		b.err = ErrTooLarge
	}
	return b.err == nil
}

func (b *Batch) put(p []byte) Span {
	s := Span{off: uint32(len(b.buf)), n: uint32(len(p))}
	b.buf = append(b.buf, p...)
	return s
}

func (b *Batch) addRef(o Op) (slot int) {
	b.Refs = append(b.Refs, Ref{List: o.List, Size: o.Size, Prio: o.Prio, Flag: o.Flag})
	return len(b.Refs) - 1
}

func (t *Target) flag() (f Flag) {
	if t.Volatile {
		f |= Volatile
	}
	if t.State != (State{}) {
		f |= HasState
	}
	return f
}

func (m *Msg) flag() Flag {
	if m.Parts > 0 {
		return HasParts
	}
	return 0
}

// clampSize is the size of an entry for accounting: size plus the parts, as far as 32 bits go.
func clampSize(size int, m Msg) uint32 {
	n := uint64(size)
	if m.Parts > 0 {
		n += min(m.PartsSize, math.MaxUint32)
	}
	return uint32(min(n, math.MaxUint32))
}

// addSize is a size with n more bytes, as far as 32 bits go.
func addSize(size uint32, n int) uint32 {
	return uint32(min(uint64(size)+uint64(n), math.MaxUint32))
}

// keep bounds the memory of a pooled batch.
const keep = 1 << 20

// batches recycles batches. It is the only state of the package, and holds none of a store's.
var batches = sync.Pool{New: func() any { return new(Batch) }}

// GetBatch returns an empty lazy batch.
func GetBatch() *Batch { return batches.Get().(*Batch) }

// PutBatch takes back a batch that nothing refers to any more. A large one is left to the
// garbage collector.
func PutBatch(b *Batch) {
	if cap(b.buf) > keep || cap(b.ops) > keep/128 || cap(b.Refs) > keep/32 {
		return
	}
	b.Reset()
	b.Durability, b.Done, b.User = Lazy, nil, nil
	batches.Put(b)
}
