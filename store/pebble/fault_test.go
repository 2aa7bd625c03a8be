package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// script is a short life of a store: it commits durable messages until one fails, and returns
// the bodies that were confirmed, and the first error.
func script(s store.Store, n int) (confirmed []string, err error) {
	for i := range n {
		done := make(chan error, 1)
		b := &store.Batch{Durability: store.Durable, Done: func(_ *store.Batch, err error) { done <- err }}
		text := fmt.Sprint(i, strings.Repeat("x", 3000))
		b.Append(store.Target{List: 1}, 4, store.Msg{Body: []byte(text)})
		s.Commit(b)
		if err := <-done; err != nil {
			return confirmed, err
		}
		confirmed = append(confirmed, text)
	}
	return confirmed, nil
}

// mustHold opens what is left on a disk and compares: what was confirmed is there, and at most
// one batch more, whose end was not known.
func mustHold(t *testing.T, fs vfs.FS, confirmed []string) {
	t.Helper()
	s := mustOpen(t, pebble.Options{Path: "store", FS: fs})
	defer mustClose(t, s)
	got := mustRead(t, s, 1)
	if len(got) < len(confirmed) || len(got) > len(confirmed)+1 {
		t.Fatalf("%d messages, %d were confirmed", len(got), len(confirmed))
	}
	for i, want := range confirmed {
		if got[i] != want {
			t.Fatalf("message %d is %.20q, want %.20q", i, got[i], want)
		}
	}
	mustCheck(t, s)
}

// TestFailedSync fails each kind of write once, after a while: the store stops, reports it,
// confirms nothing more, and has what it confirmed.
func TestFailedSync(t *testing.T) {
	t.Parallel()
	fault := errors.New("the disk is broken")
	for _, c := range []struct {
		name  string
		kinds []errorfs.OpKind
		file  string
	}{
		{"sync of the log", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo}, ".log"},
		{"write of the log", []errorfs.OpKind{errorfs.OpFileWrite}, ".log"},
		{"create of a log", []errorfs.OpKind{errorfs.OpCreate, errorfs.OpReuseForWrite}, ".log"},
		{"write of the watermark", []errorfs.OpKind{errorfs.OpFileWriteAt}, "WATERMARK"},
		{"sync of the manifest", []errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData}, "MANIFEST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var armed atomic.Bool
			disk := vfs.NewCrashableMem()
			fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if !armed.Load() || !strings.Contains(op.Path, c.file) {
					return nil
				}
				for _, k := range c.kinds {
					if op.Kind == k {
						return fault
					}
				}
				return nil
			}))
			fatal := make(chan store.Event, 16)
			s := mustOpen(t, pebble.Options{
				Path: "store", FS: fs, MemTableSize: 128 << 10,
				Hooks: store.Hooks{Event: func(e store.Event) {
					if e.Kind == store.Fatal {
						fatal <- e
					}
				}},
			})
			confirmed, err := script(s, 5)
			if err != nil || len(confirmed) != 5 {
				t.Fatalf("before the fault: %d confirmed, %v", len(confirmed), err)
			}
			armed.Store(true)
			confirmed, err = script(s, 2000)
			if !errors.Is(err, store.ErrStopped) {
				t.Fatalf("after %d: %v", len(confirmed), err)
			}
			if e := <-fatal; e.Err == nil {
				t.Error("an event without a reason")
			}
			if more, err := script(s, 1); len(more) != 0 || !errors.Is(err, store.ErrStopped) {
				t.Fatalf("confirmed after the stop: %d, %v", len(more), err)
			}
			var p store.Page
			if err := s.ReadPage(t.Context(), 1, 4, 0, 9, store.Limit{}, &p); !errors.Is(err, store.ErrStopped) {
				t.Fatalf("read after the stop: %v", err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Logf("close: %v", err)
			}
			all := append(strings5(), confirmed...)
			mustHold(t, disk.CrashClone(vfs.CrashCloneCfg{}), all)
			mustHold(t, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))}), all)
		})
	}
}

// strings5 is what the first five commits of a script leave.
func strings5() (s []string) {
	for i := range 5 {
		s = append(s, fmt.Sprint(i, strings.Repeat("x", 3000)))
	}
	return s
}

// fullDisk is a disk with so many bytes to write. Removing the ballast adds some.
type fullDisk struct {
	vfs.FS
	mu      sync.Mutex
	free    int64
	ballast int64 // what its removal gives
}

func (d *fullDisk) GetDiskUsage(string) (vfs.DiskUsage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return vfs.DiskUsage{TotalBytes: 1 << 30, AvailBytes: uint64(max(d.free, 0))}, nil
}

func (d *fullDisk) Remove(name string) error {
	err := d.FS.Remove(name)
	if err == nil && strings.HasSuffix(name, "ballast") {
		d.add(d.ballast)
	}
	return err
}

func (d *fullDisk) add(n int64) {
	d.mu.Lock()
	d.free += n
	d.mu.Unlock()
}

// inject takes what is written from the free bytes.
func (d *fullDisk) inject(op errorfs.Op) error {
	switch op.Kind {
	case errorfs.OpFileWrite, errorfs.OpCreate:
	default:
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.free <= 0 {
		return syscall.ENOSPC
	}
	d.free -= 8 << 10
	return nil
}

// TestFullDisk lets the disk become full at each of many moments: the ballast is given up,
// producers are asked to stop, and what was confirmed is there, whether the store had to stop
// or not. With new space producers are let go on.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for n := range 16 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			disk := vfs.NewCrashableMem()
			full := &fullDisk{FS: disk, free: 1 << 30, ballast: 1 << 20}
			if n%2 == 1 {
				full.ballast = 64 << 10 // not enough
			}
			fs := &injected{FS: errorfs.Wrap(full, errorfs.InjectorFunc(full.inject)), full: full}
			events := make(chan store.Event, 256)
			s, err := pebble.Open(t.Context(), pebble.Options{
				Path: "store", FS: fs, MemTableSize: 128 << 10, BallastSize: 1 << 20, MinFree: 4 << 20, PollEvery: 5 * time.Millisecond,
				Hooks: store.Hooks{Event: func(e store.Event) { events <- e }},
			})
			if err != nil {
				t.Fatal(err)
			}
			full.mu.Lock()
			full.free = int64(n) * 8 << 10
			full.mu.Unlock()
			confirmed, err := script(s, 60)
			if err != nil && !errors.Is(err, store.ErrStopped) {
				t.Fatal(err)
			}
			// The poll sees the lack of space within a second, the full disk at once.
			if e := <-events; e.Kind != store.DiskLow && e.Kind != store.Fatal && e.Kind != store.Pressure {
				t.Fatalf("first event %+v", e)
			}
			if err == nil {
				full.add(1 << 30)
				for e := range events {
					if e.Kind == store.DiskOK {
						break
					}
				}
				more, err := script(s, 3)
				if err != nil {
					t.Fatalf("after space returned: %v", err)
				}
				confirmed = append(confirmed, more...)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Logf("close: %v", err)
			}
			mustHold(t, disk.CrashClone(vfs.CrashCloneCfg{}), confirmed)
		})
	}
}

// injected has errors injected, and tells the space of the full disk below.
type injected struct {
	vfs.FS
	full *fullDisk
}

func (d *injected) GetDiskUsage(dir string) (vfs.DiskUsage, error) { return d.full.GetDiskUsage(dir) }
