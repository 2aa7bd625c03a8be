// Package store is the broker's durable state: messages in ordered lists, and small records.
// It knows nothing of messaging. The core is its only writer and every decision (ids, times,
// counts) is made before a batch is applied, so a [Batch] is deterministic: it can be written
// to a local engine, or appended to a replicated log and applied elsewhere with the same
// result. Nothing above this package may assume that a commit is local or fast.
package store

import (
	"context"
	"errors"
	"io"
	"time"
)

type (
	// ListID names one ordered list: a queue's messages, or a durable subscription's.
	// Never zero, never reused.
	ListID uint32
	// ID is the identity of a message and, at once, its order within every list that holds
	// it. IDs ascend in the order of Commit and NextID calls and are never used twice,
	// also after a crash, a purge or a restore.
	ID uint64
)

// Ref names one entry of one list. The core keeps one for each entry it holds in memory and
// passes it back, so that no backend needs a look-up to acknowledge.
type Ref struct {
	ID   ID
	List ListID
	Size uint32 // stored bytes of head and body, for accounting
	Prio uint8  // 0..9; the core passes 4 for lists that do not order by priority
	Flag Flag
}

// Flag is what the store knows of an entry beside its identity. Opaque to the core, but for
// Volatile, which it may ask for in a Target.
type Flag uint8

// Flags of an entry.
const (
	Shared   Flag = 1 << iota // the message stands once for several lists
	Volatile                  // dropped at the next open: overflow of non-durable messages
	HasState                  // a State was written for the entry
	HasParts                  // the body was written by PutPart
)

// Msg is a message in the broker's stored form. Head holds all that selectors, expiry, groups
// and management need; Body is opaque. With Parts > 0 the body was written beforehand, by
// PutPart under the id PartsID, and Body is empty.
type Msg struct {
	Head, Body []byte
	Parts      uint32
	PartsID    ID
	PartsSize  uint64 // the body's length when in parts
}

// State is what may change on an entry after it was appended. The zero State is not stored.
type State struct {
	Deliveries  uint16
	Redelivered bool
	NotBefore   int64  // redelivery delay: not before this time, Unix milliseconds
	Tag         uint32 // identifier of a tracked delivery (an MQTT packet id, for instance)
	Phase       uint8  // how far the tracked delivery's hand-over has come
}

// Target is one list that an append or a fan-out puts a message on.
type Target struct {
	List     ListID
	State    State
	Note     []byte // short, per entry, opaque; stored with it
	Volatile bool
}

// Bucket is a name space of records.
type Bucket uint8

// The buckets. Keys and values are the core's; the store interprets only Meta.
const (
	Meta          Bucket = iota + 1 // the store's own: format, id block, clean-stop counters
	Destinations                    // address -> settings, ListID
	Subscriptions                   // durable and shared subscriptions -> settings, ListID
	Retained                        // topic -> message
	Schedule                        // due time (8 bytes big endian) | id -> target
	Producers                       // producer id -> last sequence, for duplicate detection
	Prepared                        // xid -> Batch.Marshal of the branch
	Sessions                        // exactly-once keys of sessions
	Marks                           // list -> dispatch mark
	Clients                         // sessions of clients, what they are bound to, their wills
	buckets
)

// Buckets is one more than the highest bucket.
const Buckets = int(buckets)

// Durability says when a batch's Done may run.
type Durability uint8

const (
	// Lazy batches are done when applied; they are on disk with the next durable batch, or
	// after Options.LazySync.
	Lazy Durability = iota
	// Durable batches are done when they would survive a power failure.
	Durable
)

// Limit bounds one page. A page holds at least one entry if there is one, even a larger one.
type Limit struct {
	Entries, Bytes int
	HeadsOnly      bool // bodies are left out, and not read from disk where the engine can
}

// Entry is one entry of a page. Its slices point into the page.
type Entry struct {
	Ref
	State State
	Note  []byte
	Msg
}

// Page receives entries. The caller owns and may reuse it; what it holds is valid until then.
type Page struct {
	Entries []Entry
	More    bool // there may be further entries at or below the upper id
	Buf     []byte
}

// Reset empties the page and keeps its memory.
func (p *Page) Reset() { p.Entries, p.More, p.Buf = p.Entries[:0], false, p.Buf[:0] }

// ListInfo is what is known of a list without counting it.
type ListInfo struct {
	List        ListID
	First, Last ID // over all priorities; volatile entries of earlier runs left out where cheap
}

// Hooks are the store's calls into the core.
type Hooks struct {
	// AfterGroup runs on the store's goroutine after all Done of one group of batches ran.
	// It must not block.
	AfterGroup func()
	// Event reports what operators and flow control must know. It must not block.
	Event func(Event)
}

// Store keeps lists and records. All methods may be called from any goroutine.
type Store interface {
	// Commit stamps the ids of b's appends and queues it. Batches take effect, and Done runs, in the order of
	// the Commit calls. It never blocks and never runs Done on its caller's stack. After a
	// fatal error each batch ends with ErrStopped and nothing is confirmed any more.
	Commit(b *Batch)

	// NextID takes the next id from the sequence that Commit stamps from.
	NextID() ID

	// Sync returns when all that was committed before is on disk.
	Sync(ctx context.Context) error

	// ReadPage reads entries of one priority of a list, ascending, with after < id <= upTo.
	// It sees every batch whose Done has run; it may see later ones, hence the upper id.
	// No cursor is held. When an entry can't be trusted, the page holds those before it and
	// the error is a CorruptError.
	ReadPage(ctx context.Context, list ListID, prio uint8, after, upTo ID, lim Limit, p *Page) error

	// ReadMessages reads the entries that refs name, in that order, leaving out those that
	// are gone. A damaged one ends the page as in ReadPage.
	ReadMessages(ctx context.Context, refs []Ref, lim Limit, p *Page) error

	// ReadPart appends one part of a large body to dst.
	ReadPart(ctx context.Context, id ID, part uint32, dst []byte) ([]byte, error)

	// Lists calls fn for each list that has entries. Its cost grows with the number of
	// lists, not of messages.
	Lists(ctx context.Context, fn func(ListInfo) error) error

	// Count returns a list's number of entries and their bytes, volatile entries of earlier
	// runs left out. After a clean stop it is a look-up, otherwise a scan of keys.
	// It is meant for the start, before anything is committed to the list.
	Count(ctx context.Context, list ListID) (entries, bytes uint64, err error)

	// Records calls fn for the records with from <= key < to in ascending order; a nil to
	// means the bucket's end. fn must not keep its arguments.
	Records(ctx context.Context, k Bucket, from, to []byte, fn func(key, value []byte) error) error

	// Record returns a copy of one record's value, or ErrNotFound.
	Record(ctx context.Context, k Bucket, key []byte) ([]byte, error)

	Stats() Stats
	Info() Info

	// Close ends cleanly: what was committed is synced and counters are kept. The store
	// stays locked for others until it returns.
	Close(ctx context.Context) error
}

// Optional abilities, found by type assertion.
type (
	// Snapshotter makes a consistent copy of a running store that can be opened.
	Snapshotter interface {
		Snapshot(ctx context.Context, dir string) error
	}
	// Checker verifies every checksum and every invariant.
	Checker interface {
		Check(ctx context.Context, report func(Problem)) error
	}
	// Quarantiner puts a damaged entry aside, so that its list can go on behind it.
	Quarantiner interface {
		// Quarantine keeps the bytes that are stored of an entry where the store never reads
		// them, removes the entry durably, and gives its references back. Of r list,
		// priority and id count. It fails with ErrNotFound if there is no such entry, and
		// with ErrCorrupt if the damage hides which entries there are: repair has to deal
		// with that.
		Quarantine(ctx context.Context, r Ref) error
	}
	// Exporter writes and reads a dump that does not depend on the engine.
	Exporter interface {
		// Export writes all entries but the volatile ones, with what belongs to them, and all
		// records, as they are at one moment. It may run beside commits. Data that can't be
		// trusted ends it with ErrCorrupt.
		Export(ctx context.Context, w io.Writer) error
		// Import reads a dump into an empty store, otherwise it fails with ErrNotEmpty.
		// Entries keep their ids, since records may name them; the store goes on far above
		// them, because the store that was dumped went on, too. Nothing else may be committed
		// meanwhile. A damaged dump ends it with ErrCorrupt; what was read until then stays,
		// so after an error the store is to be thrown away.
		Import(ctx context.Context, r io.Reader) error
	}
)

// EventKind tells events apart.
type EventKind uint8

// The events.
const (
	Pressure EventKind = iota + 1 // Level 0..3: read more slowly from producers, at 3 not at all
	DiskLow                       // block producers; consumers, purges and deletes go on
	DiskOK                        // space returned
	Corrupt                       // Err says what, List where; the list is paused
	Fatal                         // stopped; the process must exit
)

// Event is one occurrence.
type Event struct {
	Kind  EventKind
	Level int
	List  ListID
	Err   error
}

// Problem is one finding of a check.
type Problem struct {
	Fatal  bool   `json:"fatal"` // data was lost or can't be trusted
	File   string `json:"file,omitempty"`
	What   string `json:"what"`
	Offset int64  `json:"offset,omitempty"`
	List   ListID `json:"list,omitempty"`
	ID     ID     `json:"id,omitempty"`
}

// Stats are the store's figures at one moment.
type Stats struct {
	Pending, PendingBytes       int64 // batches and bytes that wait for the committer
	DiskUsed, DiskFree          int64 // bytes
	Groups, Batches, Ops, Syncs uint64
	SyncP50, SyncP99            time.Duration
	Backend                     map[string]int64
}

// Info identifies a store.
type Info struct {
	Backend string
	Format  uint32
	StoreID [16]byte
	Path    string
	Clean   bool // the run before this one ended with Close, or there was none
}

// What a store answers. ErrStopped ends every batch after a fatal error.
var (
	ErrStopped  = errors.New("store: stopped after a fatal error")
	ErrDiskFull = errors.New("store: disk full")
	ErrCorrupt  = errors.New("store: corrupt data")
	ErrLocked   = errors.New("store: in use by another process")
	ErrFormat   = errors.New("store: made by a newer program")
	ErrNotFound = errors.New("store: not found")
	ErrClosed   = errors.New("store: closed")
	ErrTooLarge = errors.New("store: batch too large")
	ErrNotEmpty = errors.New("store: not empty")
)
