package pebble

import (
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/committer"
)

// SyncMode says when commits are forced to disk.
type SyncMode = committer.Sync

// The sync modes.
const (
	SyncAlways   = committer.Always   // a durable batch is done when it would survive a power failure
	SyncInterval = committer.Interval // every LazySync; a power failure may cost what came since
	SyncNever    = committer.Never    // when the operating system likes, and at Close
)

// Options of Open. Zero values mean the defaults.
type Options struct {
	Path  string // the store's directory, created if missing
	Hooks store.Hooks

	Sync     SyncMode
	LazySync time.Duration // how long lazily committed data may stay unsynced; 1 s

	MemTableSize int64 // bytes written between two flushes; 64 MiB
	CacheSize    int64 // bytes of the block cache; 64 MiB
	// InlineValues keeps large values within the tables of new files instead of in files of
	// their own.
	InlineValues bool

	// BallastSize is a file that is given up when the disk is full, so that what is under way
	// can still be written; 256 MiB, at most a 16th of what is free. Negative: none.
	BallastSize int64
	// MinFree is how many bytes must be free for producers to go on. By default a 20th of
	// the disk, at most 8 GiB, and at least what the write-ahead log may need.
	MinFree int64
	// MaxBytes bounds the store's own disk use in the same way; zero: no bound.
	MaxBytes int64
	// PollEvery is how often disk space is looked at, and the watermark is forced to disk; 1 s.
	PollEvery time.Duration

	FS  vfs.FS       // the file system; the operating system's
	Log *slog.Logger // discarded when nil
}

// Defaults and fixed sizes.
const (
	defaultMemTable = 64 << 20
	defaultCache    = 64 << 20
	defaultBallast  = 256 << 20
	memTables       = 4               // that may wait for their flush
	blobMin         = 1 << 10         // smaller values stay in the tables
	slowDisk        = 5 * time.Second // a write that takes longer is reported
	defaultPoll     = time.Second
	reclaimAfter    = 10 * time.Second // of using too much space
	idBlock         = store.ID(1 << 20)
	maxMinFree      = 8 << 30
)

func (o *Options) setDefaults() {
	if o.MemTableSize <= 0 {
		o.MemTableSize = defaultMemTable
	}
	if o.CacheSize <= 0 {
		o.CacheSize = defaultCache
	}
	if o.BallastSize == 0 {
		o.BallastSize = defaultBallast
	}
	if o.PollEvery <= 0 {
		o.PollEvery = defaultPoll
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// floor is the disk space that the engine keeps whatever is stored: its recycled logs.
func (o *Options) floor() int64 { return (memTables + 3) * o.MemTableSize }
