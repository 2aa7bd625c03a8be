package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// TestRepair takes the log of a store away, which is refused from then on, and repairs it.
func TestRepair(t *testing.T) {
	t.Parallel()
	dir, repaired := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "repaired")
	s, err := pebble.Open(t.Context(), pebble.Options{Path: dir, BallastSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	b := &store.Batch{Durability: store.Durable, Done: func(_ *store.Batch, err error) { done <- err }}
	b.Append(store.Target{List: 1}, 4, store.Msg{Body: []byte("message")})
	s.Commit(b)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	manifold(t, "", nil, "store", "repair", repaired, "--data", dir).want(t, sysexit.StoreLocked, "", "in use by another process")
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "pebble", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs %v, %v", logs, err)
	}
	for _, name := range logs {
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
	}
	manifold(t, "", nil, "store", "check", "--data", dir).want(t, sysexit.StoreCorrupt, "", "groups are missing")
	r := manifold(t, "", nil, "store", "repair", repaired, "--data", dir)
	r.want(t, sysexit.OK, "DAMAGE: the end of the log is lost", "")
	r.want(t, sysexit.OK, repaired+": repaired (1 problems that lose data, 0 others)", "")
	manifold(t, "", nil, "store", "check", "--data", repaired).want(t, sysexit.OK, repaired+": good", "")
	manifold(t, "", nil, "store", "repair", repaired, "--data", dir).want(t, sysexit.CantCreate, "", "is not empty")
	manifold(t, "", nil, "store", "repair", repaired+".json", "--json", "--data", dir).want(t, sysexit.OK, `{"fatal":true,`, "")
	manifold(t, "", nil, "store", "repair", repaired+".none", "--data", dir+".none").want(t, sysexit.NoInput, "", "no such file")
}
