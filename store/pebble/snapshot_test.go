package pebble_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

func mustOpen(t *testing.T, o pebble.Options) *pebble.Store {
	t.Helper()
	if o.MemTableSize == 0 {
		o.MemTableSize = 1 << 20
	}
	o.BallastSize = -1
	s, err := pebble.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t *testing.T, s *pebble.Store) {
	t.Helper()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// mustCommit commits a durable batch and waits for it.
func mustCommit(t *testing.T, s store.Store, fill func(*store.Batch)) []store.Ref {
	t.Helper()
	done := make(chan error, 1)
	b := &store.Batch{Durability: store.Durable, Done: func(_ *store.Batch, err error) { done <- err }}
	fill(b)
	s.Commit(b)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return b.Refs
}

func mustCheck(t *testing.T, s *pebble.Store) {
	t.Helper()
	if err := s.Check(t.Context(), func(p store.Problem) { t.Errorf("check: %+v", p) }); err != nil {
		t.Fatal(err)
	}
}

// mustRead returns the bodies of a lane.
func mustRead(t *testing.T, s store.Store, list store.ListID) (bodies []string) {
	t.Helper()
	var p store.Page
	if err := s.ReadPage(t.Context(), list, 4, 0, ^store.ID(0), store.Limit{}, &p); err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Entries {
		bodies = append(bodies, string(e.Body))
	}
	return bodies
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, pebble.Options{Path: filepath.Join(dir, "store")})
	for i := range 3 {
		mustCommit(t, s, func(b *store.Batch) {
			b.Fanout([]store.Target{{List: 1}, {List: 2}}, 4, store.Msg{Body: fmt.Append(nil, i)})
		})
	}
	to := filepath.Join(dir, "snapshot")
	if err := s.Snapshot(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	later := mustCommit(t, s, func(b *store.Batch) { b.Append(store.Target{List: 1}, 4, store.Msg{Body: []byte("later")}) })
	if err := s.Snapshot(t.Context(), to); err == nil {
		t.Error("a snapshot over another one")
	}
	copied := mustOpen(t, pebble.Options{Path: to})
	if got := fmt.Sprint(mustRead(t, copied, 1), mustRead(t, copied, 2)); got != "[0 1 2] [0 1 2]" {
		t.Fatalf("the copy holds %s", got)
	}
	mustCheck(t, copied)
	if id := copied.NextID(); id < later[0].ID+1<<30 {
		t.Fatalf("the copy goes on with id %d, the original has used %d", id, later[0].ID)
	}
	first := copied.NextID()
	mustClose(t, copied)
	copied = mustOpen(t, pebble.Options{Path: to})
	if id := copied.NextID(); id > first+1<<22 {
		t.Errorf("ids are skipped again: %d after %d", id, first)
	}
	mustClose(t, copied)
	if got := fmt.Sprint(mustRead(t, s, 1)); got != "[0 1 2 later]" {
		t.Fatalf("the original holds %s", got)
	}
	mustClose(t, s)
}
