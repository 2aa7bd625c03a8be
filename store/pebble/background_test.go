package pebble_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// ackMost ends most entries of list 1, so that blob files hold more garbage than is left alone,
// and has all tables rewritten. It returns when blob files were, too, or were given up, or the
// store has stopped.
func ackMost(t *testing.T, s *pebble.Store, refs []store.Ref, stopped <-chan store.Event) (rewritten, givenUp bool) {
	t.Helper()
	mustCommit(t, s, func(b *store.Batch) {
		for i, r := range refs {
			if i%5 != 0 && i%3 != 0 {
				b.Ack(r)
			}
		}
	})
	compacted := make(chan error, 1)
	go func() { compacted <- s.Compact(context.Background()) }()
	select {
	case err := <-compacted:
		if err != nil {
			return false, false
		}
	case <-stopped: // the compaction never returns
		return false, false
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for {
		n, givenUp := s.BlobRewrites()
		if n > 0 || givenUp {
			return n > 0 && !givenUp, givenUp
		}
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("no blob file was rewritten")
		}
	}
}

// TestDamagedBackground flips bits in tables and blob files that the engine then rewrites in the
// background: the process goes on, and with it the store, unless it stops in order.
func TestDamagedBackground(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 256<<10)
	var p store.Page
	first := mustOpen(t, pebble.Options{Path: "store", FS: d.disk.CrashClone(vfs.CrashCloneCfg{}), MemTableSize: 256 << 10})
	if err := first.ReadPage(t.Context(), 1, 4, 0, ^store.ID(0), store.Limit{}, &p); err != nil {
		t.Fatal(err)
	}
	var refs []store.Ref
	for _, e := range p.Entries {
		refs = append(refs, e.Ref)
	}
	if rewritten, _ := ackMost(t, first, refs, nil); !rewritten {
		t.Error("no blob file was rewritten, though all are good")
	}
	mustCheck(t, first)
	mustClose(t, first)
	r := rand.New(rand.NewPCG(5, 5))
	givenUp, stops, rounds := 0, 0, 10
	if testing.Short() {
		rounds = 2
	}
	for _, name := range d.files(t) {
		if !strings.HasSuffix(name, ".sst") && !strings.HasSuffix(name, ".blob") {
			continue
		}
		for n := range rounds {
			clone := d.disk.CrashClone(vfs.CrashCloneCfg{})
			p := content(t, clone, name)
			at := r.IntN(len(p))
			if n == 0 {
				at = len(p) - 1 - r.IntN(38) // the footer of a blob file
			}
			p[at] ^= 1 << r.IntN(8)
			replace(t, clone, name, p)
			what := fmt.Sprintf("%s, byte %d of %d", name, at, len(p))
			stopped := make(chan store.Event, 1)
			s, err := pebble.Open(t.Context(), pebble.Options{
				Path: "store", FS: clone, MemTableSize: 256 << 10, BallastSize: -1,
				Hooks: store.Hooks{Event: func(e store.Event) {
					if e.Kind == store.Fatal {
						stopped <- e
						close(stopped)
					}
				}},
			})
			if err != nil {
				if !errors.Is(err, store.ErrCorrupt) {
					t.Errorf("%s: %v", what, err)
				}
				continue
			}
			if _, up := ackMost(t, s, refs, stopped); up {
				givenUp++
			}
			if more, err := script(s, 1); errors.Is(err, store.ErrStopped) && errors.Is(err, store.ErrCorrupt) {
				stops++
				mustClose(t, s)
				continue
			} else if len(more) != 1 {
				t.Fatalf("%s: %v", what, err)
			}
			mustCommit(t, s, func(b *store.Batch) { b.Append(store.Target{List: 9}, 4, store.Msg{Body: []byte("on")}) })
			err = s.ReadPage(t.Context(), 9, 4, 0, ^store.ID(0), store.Limit{}, new(store.Page))
			if err != nil && !(errors.Is(err, store.ErrCorrupt) && strings.HasSuffix(name, ".sst")) {
				t.Errorf("%s: %v", what, err)
			}
			mustClose(t, s)
		}
	}
	if givenUp == 0 {
		t.Error("no rewriting of a damaged blob file was given up")
	}
	t.Logf("%d rewrites given up, %d stores stopped", givenUp, stops)
}

// TestMissingBlob takes a blob file away while the store is open.
func TestMissingBlob(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 256<<10)
	s := mustOpen(t, pebble.Options{Path: "store", FS: d.disk, MemTableSize: 256 << 10})
	for _, name := range d.files(t) {
		if strings.HasSuffix(name, ".blob") {
			if err := d.disk.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	var p store.Page
	err := s.ReadPage(t.Context(), 1, 4, 0, ^store.ID(0), store.Limit{}, &p)
	var corrupt *store.CorruptError
	if !errors.As(err, &corrupt) || corrupt.ID == 0 {
		t.Fatalf("read %d entries, %v", len(p.Entries), err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Logf("close: %v", err)
	}
}
