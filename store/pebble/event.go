package pebble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	lsm "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// events gathers what happens on goroutines that must not call into the core, for the one
// that polls to report.
type events struct {
	mu      sync.Mutex
	waiting []store.Event
	kick    chan struct{} // holds at most one
	due     atomic.Bool   // free space is to be looked at

	pending, stalled atomic.Int32 // levels of pressure, by their causes
}

// maxWaiting bounds the events that wait; more of the same would tell nothing new.
const maxWaiting = 256

func (e *events) add(x store.Event) {
	e.mu.Lock()
	if len(e.waiting) < maxWaiting || x.Kind != store.Corrupt {
		e.waiting = append(e.waiting, x)
	}
	e.mu.Unlock()
	e.rouse()
}

// look asks for a look at free space, without waiting for it.
func (e *events) look() {
	e.due.Store(true)
	e.rouse()
}

func (e *events) rouse() {
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

func (e *events) take() []store.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	w := e.waiting
	e.waiting = nil
	return w
}

// fail stops the store: nothing is confirmed any more. The first reason stays.
func (s *Store) fail(err error) {
	if s.fatal.CompareAndSwap(nil, &err) {
		s.log.Error("store: stopped", "err", err)
		s.events.add(store.Event{Kind: store.Fatal, Err: err})
	}
}

// stopped returns why the store stopped, or nil.
func (s *Store) stopped() error {
	if err := s.fatal.Load(); err != nil {
		return *err
	}
	return nil
}

// corrupt reports data that can't be trusted; list 0 means that it is not known whose it is.
func (s *Store) corrupt(list store.ListID, err error) {
	s.log.Error("store: corrupt data", "list", list, "err", err)
	s.events.add(store.Event{Kind: store.Corrupt, List: list, Err: err})
}

// pressure is told by the committer how much is pending.
func (s *Store) pressure(level int) {
	s.events.pending.Store(int32(level))
	s.events.rouse()
}

func (s *Store) slow(info vfs.DiskSlowInfo) {
	s.log.Warn("store: slow disk", "op", info.OpType.String(), "path", info.Path, "took", info.Duration)
}

// stallLevel is the pressure of an engine that has stopped taking writes.
const stallLevel = 2

// listener takes the engine's events. Some come with its locks held.
func (s *Store) listener() *lsm.EventListener {
	return &lsm.EventListener{
		BackgroundError: func(err error) { s.backgroundError("engine", err) },
		// Without it the engine would call Fatalf for the first bad block, and no list could
		// be paused alone.
		DataCorruption: func(i lsm.DataCorruptionInfo) {
			s.log.Error("store: corrupt file", "path", i.Path, "bounds", i.Bounds.String(), "err", i.Details)
			if doomed() {
				s.fail(fmt.Errorf("%w: background work met damage that it can't go on with, the store has to be repaired: %s: %w",
					store.ErrCorrupt, i.Path, i.Details))
				select {} // until the process ends: the engine would panic
			}
		},
		BlobFileRewriteBegin: func(i lsm.BlobFileRewriteInfo) {
			s.files.rewriting.Store(&rewrite{name: fmt.Sprintf("%s.blob", i.Input.DiskFileNum)})
		},
		BlobFileRewriteEnd: func(i lsm.BlobFileRewriteInfo) {
			s.files.rewriting.Store(nil)
			if i.Err != nil && !errors.Is(i.Err, lsm.ErrCancelledCompaction) && !s.keepBlobs.Swap(true) {
				s.log.Error("store: space in blob files is not reclaimed any more until the next start", "err", i.Err)
			}
		},
		DiskSlow: s.slow,
		WriteStallBegin: func(i lsm.WriteStallBeginInfo) {
			s.log.Warn("store: the engine stalls writes", "reason", i.Reason)
			s.events.stalled.Store(stallLevel)
			s.events.rouse()
		},
		WriteStallEnd: func() {
			s.events.stalled.Store(0)
			s.events.rouse()
		},
	}
}

// doomed reports whether the caller is a compaction that panics when it meets an error: where it
// looks for what a deletion ends, the engine (v2.1.7) takes none. Elsewhere a compaction that fails
// is reported, and tried again later.
func doomed() bool {
	return calledBy(func(f string) bool {
		_, method, ok := strings.Cut(f, "/compact.(*Iter).")
		return ok && (method == "skipInStripe" || method == "skipDueToSingleDeleteElision" || method == "singleDeleteNext")
	})
}

// engineLog is the engine's logger. It calls Fatalf where it can't go on, and expects that it
// doesn't return.
type engineLog struct{ s *Store }

func (l engineLog) Infof(format string, args ...any) { l.print(slog.LevelDebug, format, args) }

func (l engineLog) Errorf(format string, args ...any) { l.print(slog.LevelError, format, args) }

// Fatalf stops the store. To end the process is for others to do, so it does return to a
// commit, which then fails. A flush or compaction that could not write the manifest would go
// on from a state that is neither the old nor the new one; its goroutine is ended.
func (l engineLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.s.fail(err)
	if l.s.files.open.Load() && strings.HasPrefix(err.Error(), "MANIFEST") {
		runtime.Goexit()
	}
}

func (l engineLog) print(level slog.Level, format string, args []any) {
	if l.s.log.Enabled(context.Background(), level) {
		l.s.log.Log(context.Background(), level, "store: engine: "+fmt.Sprintf(format, args...))
	}
}

// asCorrupt marks the engine's corruption errors as ours, and what it doesn't find.
func asCorrupt(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, lsm.ErrNotFound):
		return store.ErrNotFound
	case lsm.IsCorruptionError(err) && !errors.Is(err, store.ErrCorrupt):
		return fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return err
}

// compactions is how many of the engine's compactions may run at once.
func compactions() (lower, upper int) {
	if runtime.GOMAXPROCS(0) >= 8 {
		return 1, 4
	}
	return 1, 2
}
