// Package pebble is the embedded durable store: a Pebble LSM behind a group committer. A
// group of batches becomes one engine batch and one sync, so what is consumed soon after it
// was sent meets its deletion in memory and never reaches a table.
//
// A store's directory holds
//
//	STORE      what it is: format versions, identity
//	LOCK       taken by the process that has it open
//	WATERMARK  what was synced for certain; an engine that comes back with less has lost
//	           confirmed data and is refused
//	ballast    space to give up when the disk is full
//	pebble/    the engine's files
package pebble

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/committer"
)

// Store is an open store.
type Store struct {
	o     Options
	log   *slog.Logger
	fs    vfs.FS    // with health checks and the ballast's rescue
	files *engineFS // the same
	db    *lsm.DB
	c     *committer.Committer
	lock  io.Closer
	check io.Closer // the health checks
	id    identity
	clean bool
	first store.ID // this run's ids begin here
	mark  *watermark
	disk  *disk

	fatal   atomic.Pointer[error]
	applied atomic.Uint64 // highest id that readers can see
	counted atomic.Bool   // lanes are complete
	// keepBlobs is set when a blob file could not be rewritten: the engine would try without end.
	keepBlobs atomic.Bool
	cuts      cuts

	// The committer's goroutine owns these.
	group     uint64
	unwatched int // bytes committed since the last look at free space
	reserved  store.ID
	lanes     lanes
	bodies    bodies
	scanned   bool           // lanes and bodies are complete
	held      []heldID       // acknowledged before that
	walking   map[laneID]int // truncations under way
	later     []job          // to push when the group can be read

	jobs    jobs
	events  events
	stop    chan struct{} // closed by Close
	ended   chan struct{} // closed by the background goroutine
	workers sync.WaitGroup
	reads   sync.WaitGroup // readers of db
	closing sync.RWMutex   // held by Close, for reading by those that begin to read
	closed  bool
}

type heldID struct {
	id   store.ID
	flag store.Flag
}

var _ store.Store = (*Store)(nil)

// engineDir is the engine's directory below the store's.
const engineDir = "pebble"

// Open opens the store at o.Path, or makes it. It fails with store.ErrLocked, ErrFormat or
// ErrCorrupt. What an unclean stop makes necessary beyond the engine's own recovery (counting,
// dropping what nothing refers to) goes on in the background.
func Open(ctx context.Context, o Options) (_ *Store, err error) {
	o.setDefaults()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &Store{
		o: o, log: o.Log, stop: make(chan struct{}), ended: make(chan struct{}),
		lanes: lanes{all: map[laneID]*lane{}}, bodies: newBodies(),
		cuts: cuts{upTo: map[laneID]store.ID{}}, walking: map[laneID]int{},
	}
	s.jobs.wake, s.events.kick = make(chan struct{}, 1), make(chan struct{}, 1)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	if err := makeDir(o.FS, o.Path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if s.lock, err = o.FS.Lock(o.FS.PathJoin(o.Path, "LOCK")); err != nil {
		return nil, fmt.Errorf("open store %s: %w: %v", o.Path, store.ErrLocked, err)
	}
	if s.id, err = openIdentity(o.FS, o.Path); err != nil {
		return nil, err
	}
	s.disk = newDisk(&o)
	checked, check := vfs.WithDiskHealthChecks(o.FS, slowDisk, nil, s.slow)
	s.files = &engineFS{FS: vfs.OnDiskFull(checked, s.full), fail: s.fail}
	s.fs, s.check = s.files, check
	watermarkName := o.FS.PathJoin(o.Path, "WATERMARK")
	if s.mark, err = readWatermark(s.fs, watermarkName, s.log); err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, err)
	}
	if err := s.mark.file.verify(s.fs, o.FS.PathJoin(o.Path, engineDir)); err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, err)
	}
	if s.db, err = s.openEngine(); err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, asCorrupt(err))
	}
	s.files.open.Store(true)
	if err := s.mark.open(s.fs, watermarkName); err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, err)
	}
	if err := syncDir(o.FS, o.Path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	snap, err := s.recover()
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", o.Path, asCorrupt(err))
	}
	s.c = committer.New(committer.Config{
		Engine: s, Hooks: o.Hooks, Sync: o.Sync, LazySync: o.LazySync,
		Next: s.first, Block: idBlock, Reserved: s.reserved, Pressure: s.pressure,
	})
	if err := s.stopped(); err != nil { // while there was no committer to tell
		s.c.Fail(err)
	}
	s.workers.Go(func() { s.background(snap) })
	s.workers.Go(s.poll)
	return s, nil
}

// openEngine opens Pebble with our settings.
func (s *Store) openEngine() (*lsm.DB, error) {
	cache := lsm.NewCache(s.o.CacheSize)
	defer cache.Unref()
	o := &lsm.Options{
		FS:                          s.fs,
		Cache:                       cache,
		MemTableSize:                uint64(s.o.MemTableSize),
		MemTableStopWritesThreshold: memTables,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		CompactionConcurrencyRange:  compactions,
		BytesPerSync:                1 << 20,
		FormatMajorVersion:          engineFormat,
		Logger:                      engineLog{s},
		EventListener:               s.listener(),
	}
	if !s.o.InlineValues {
		o.Experimental.ValueSeparationPolicy = func() lsm.ValueSeparationPolicy {
			p := lsm.ValueSeparationPolicy{
				Enabled: true, MinimumSize: blobMin, MaxBlobReferenceDepth: 10, TargetGarbageRatio: 0.3,
			}
			if s.keepBlobs.Load() {
				p.TargetGarbageRatio = 1 // which means never
			}
			return p
		}
	}
	var db *lsm.DB
	err := guard(func() (err error) {
		db, err = lsm.Open(s.o.FS.PathJoin(s.o.Path, engineDir), o)
		return err
	})
	return db, err
}

// Commit implements store.Store.
func (s *Store) Commit(b *store.Batch) { s.c.Commit(b) }

// NextID implements store.Store.
func (s *Store) NextID() store.ID { return s.c.NextID() }

// Sync implements store.Store.
func (s *Store) Sync(ctx context.Context) error { return s.c.Sync(ctx) }

// Info implements store.Store.
func (s *Store) Info() store.Info {
	return store.Info{Backend: "pebble", Format: formatVersion, StoreID: s.id.store, Path: s.o.Path, Clean: s.clean}
}

// begin registers a reader; end must follow if it returns nil.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return store.ErrClosed
	}
	if err := s.stopped(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrStopped, err)
	}
	s.reads.Add(1)
	return nil
}

func (s *Store) end() { s.reads.Done() }

// Close implements store.Store. A store that stopped after a fatal error leaves the engine
// as it is: what was confirmed is on disk, and the engine can't be trusted any more.
func (s *Store) Close(ctx context.Context) error {
	s.closing.Lock()
	first := !s.closed
	s.closed = true
	s.closing.Unlock()
	if first {
		close(s.stop)
	}
	select {
	case <-s.c.Close():
	case <-ctx.Done():
		return ctx.Err()
	}
	if !first {
		return nil
	}
	s.workers.Wait()
	s.reads.Wait()
	if s.stopped() == nil {
		s.keepCounters()
	}
	return s.release()
}

// release gives back what Open took.
func (s *Store) release() error {
	var errs []error
	if s.db != nil && s.stopped() == nil {
		errs = append(errs, guard(s.db.Close))
	}
	if s.mark != nil {
		errs = append(errs, s.mark.close())
	}
	if s.check != nil {
		errs = append(errs, s.check.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}
