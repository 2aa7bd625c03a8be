package store

import "hash/crc32"

// OpKind tells operations apart. The values are part of the marshalled form.
type OpKind uint8

// The operations of a batch.
const (
	OpAppend OpKind = iota + 1
	OpFanout        // a message for the Count OpTargets that follow it
	OpTarget        // one list of the OpFanout before it
	OpAck
	OpUpdate
	OpTruncate
	OpDropList
	OpPutPart
	OpDropParts
	OpPutRecord
	OpDeleteRecord
	OpTakeID // an id in the batch's order, and nothing else; not marshalled
)

// Op is one operation as backends see it. Which fields mean something depends on Kind.
type Op struct {
	Kind   OpKind
	Prio   uint8
	Bucket Bucket
	Flag   Flag
	List   ListID
	ID     ID // the message; the upper end of a truncation; the id parts were written under

	Note, Head, Body Span // Head is also a record's key, Body its value and a part's data
	// Sum is the CRC-32C of note, head and body of an OpAppend (see Message), of head and
	// body of an OpFanout, of the note of an OpTarget, of the data of an OpPutPart.
	Sum uint32

	Size      uint32 // of the entry, for accounting
	Parts     uint32 // number of parts; of an OpPutPart the index
	PartsID   ID
	PartsSize uint64
	Count     uint32 // targets of an OpFanout
	State     State

	ref int32 // index into Refs
}

// Span is a range of a batch's bytes.
type Span struct{ off, n uint32 }

// Len is the range's length.
func (s Span) Len() int { return int(s.n) }

// Ops returns the operations, for backends. They belong to the batch. A batch that must not
// be applied (see Err) has none.
func (b *Batch) Ops() []Op {
	if b.err != nil {
		return nil
	}
	return b.ops
}

// Bytes returns a range of the batch's bytes. They belong to the batch.
func (b *Batch) Bytes(s Span) []byte { return b.buf[s.off : s.off+s.n : s.off+s.n] }

// Message returns note, head and body of an OpAppend, or head and body of an OpFanout, as
// the one run of bytes that Sum covers.
func (b *Batch) Message(o *Op) []byte {
	from := o.Head.off
	if o.Kind == OpAppend {
		from = o.Note.off
	}
	return b.buf[from : o.Body.off+o.Body.n : o.Body.off+o.Body.n]
}

// Err says why the batch must not be applied; its Done gets this error.
func (b *Batch) Err() error { return b.err }

// Stamp gives each message of the batch its id, beginning with next, and returns the next
// id that is free. Stores call it in Commit, under the lock that orders their batches.
func (b *Batch) Stamp(next ID) ID {
	if len(b.Refs) == 0 {
		return next
	}
	var id ID
	for i := range b.ops {
		o := &b.ops[i]
		switch o.Kind {
		case OpAppend, OpTakeID:
			o.ID, b.Refs[o.ref].ID = next, next
			next++
		case OpFanout:
			o.ID, id = next, next
			next++
		case OpTarget:
			o.ID, b.Refs[o.ref].ID = id, id
		}
	}
	return next
}

// MsgSum is the check value of a message: CRC-32C over p, continuing sum (0 to begin).
func MsgSum(sum uint32, p []byte) uint32 { return crc32.Update(sum, castagnoli, p) }
