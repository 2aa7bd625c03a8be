package store

// Batch is a list of operations that take effect together or not at all. It is a concrete,
// reusable type: no interface call and no allocation per operation once it has grown.
// Arguments are copied into it.
type Batch struct {
	Durability Durability
	// Done runs once, on a store goroutine, in the order of the Commit calls. It must not
	// block. The batch belongs to the store from Commit until Done runs, and to Done then.
	Done func(b *Batch, err error)
	// User is the caller's, untouched.
	User any

	// Refs has one element for each list that Append and Fanout name, in that order. Its
	// ids are valid once Commit has returned, its flags and sizes at once.
	Refs []Ref

	ops []op
	buf []byte
}

type opKind uint8

const (
	opAppend opKind = iota + 1
	opFanout
	opTarget // one further list of the fan-out before it
	opAck
	opUpdate
	opTruncate
	opDropList
	opPutPart
	opPutRecord
	opDeleteRecord
)

// op is one operation. Byte arguments are ranges of Batch.buf: a is head, key or data; b is
// body or value; n is the note.
type op struct {
	kind    opKind
	prio    uint8
	bucket  Bucket
	flag    Flag
	list    ListID
	id      ID
	a, b, n span
	parts   uint32
	partsID ID
	size    uint64
	state   State
	ref     int32 // index into Refs, for appends and targets
}

type span struct{ off, n uint32 }
