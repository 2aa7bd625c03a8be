// Package storetest is the conformance suite that every store passes: each operation, the
// order and atomicity of commits, what survives a reopen, and random operations against a
// model.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/store"
)

// Opener opens a store on the same data each time, after the one before was closed.
type Opener func(h store.Hooks) (store.Store, error)

// Run runs the suite. make is called once for each test and gives it data of its own.
func Run(t *testing.T, make func(t *testing.T) Opener) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Opener)
	}{
		{"append and page", testPages},
		{"page limits", testLimits},
		{"pages while committing", testConcurrentPages},
		{"states", testStates},
		{"acknowledge", testAck},
		{"fan-out", testFanout},
		{"move", testMove},
		{"volatile", testVolatile},
		{"truncate", testTruncate},
		{"truncate shared", testTruncateShared},
		{"drop list", testDropList},
		{"parts", testParts},
		{"parts of prepared batches", testPreparedParts},
		{"records", testRecords},
		{"lists", testLists},
		{"order of done", testOrder},
		{"ids", testIDs},
		{"empty batches", testEmpty},
		{"too large", testAtomic},
		{"prepared", testPrepared},
		{"concurrent producers", testProducers},
		{"closed", testClosed},
		{"locked", testLocked},
		{"cancelled context", testCancelled},
		{"export and import", testExport},
		{"import of a damaged dump", testImportDamaged},
		{"model", testModel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, make(t))
		})
	}
}

// bench is an open store with what tests do to it.
type bench struct {
	t    testing.TB
	open Opener
	s    store.Store
}

func start(t testing.TB, open Opener) *bench {
	t.Helper()
	b := &bench{t: t, open: open}
	b.start()
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *bench) start() {
	b.t.Helper()
	s, err := b.open(store.Hooks{})
	if err != nil {
		b.t.Fatalf("open: %v", err)
	}
	b.s = s
}

func (b *bench) stop() {
	b.t.Helper()
	if b.s == nil {
		return
	}
	if err := b.s.Close(context.Background()); err != nil {
		b.t.Errorf("close: %v", err)
	}
	b.s = nil
}

func (b *bench) reopen() {
	b.t.Helper()
	b.stop()
	b.start()
}

// commit fills a durable batch, commits it, waits, and returns its refs.
func (b *bench) commit(fill func(*store.Batch)) []store.Ref {
	b.t.Helper()
	refs, err := b.try(fill)
	if err != nil {
		b.t.Fatalf("commit: %v", err)
	}
	return refs
}

func (b *bench) try(fill func(*store.Batch)) ([]store.Ref, error) {
	done := make(chan error, 1)
	batch := &store.Batch{Durability: store.Durable, Done: func(_ *store.Batch, err error) { done <- err }}
	fill(batch)
	b.s.Commit(batch)
	err := <-done
	return batch.Refs, err
}

// append commits n messages to a list, one by one, with numbered bodies.
func (b *bench) append(list store.ListID, prio uint8, n int) (refs []store.Ref) {
	b.t.Helper()
	for i := range n {
		refs = append(refs, b.commit(func(x *store.Batch) {
			x.Append(store.Target{List: list}, prio, message(fmt.Sprint("body ", i)))
		})...)
	}
	return refs
}

// all reads a whole lane.
func (b *bench) all(list store.ListID, prio uint8) []store.Entry {
	b.t.Helper()
	var p store.Page
	if err := b.s.ReadPage(b.t.Context(), list, prio, 0, ^store.ID(0), store.Limit{}, &p); err != nil {
		b.t.Fatalf("read page: %v", err)
	}
	if p.More {
		b.t.Fatal("more beyond an unlimited page")
	}
	return p.Entries
}

// bodies is the text of entries, for comparing.
func bodies(es []store.Entry) (s []string) {
	for _, e := range es {
		s = append(s, string(e.Body))
	}
	return s
}

func (b *bench) wantBodies(list store.ListID, prio uint8, want ...string) {
	b.t.Helper()
	if got := bodies(b.all(list, prio)); fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Fatalf("list %d holds %q, want %q", list, got, want)
	}
}

func (b *bench) wantCount(list store.ListID, entries, bytes uint64) {
	b.t.Helper()
	n, size, err := b.s.Count(b.t.Context(), list)
	if err != nil || n != entries || size != bytes {
		b.t.Fatalf("list %d counts %d entries, %d bytes, %v; want %d and %d", list, n, size, err, entries, bytes)
	}
}

func (b *bench) wantLists(want ...store.ListID) {
	b.t.Helper()
	var got []store.ListID
	err := b.s.Lists(b.t.Context(), func(i store.ListInfo) error {
		got = append(got, i.List)
		return nil
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		b.t.Fatalf("lists %v, %v; want %v", got, err, want)
	}
}

func message(body string) store.Msg {
	return store.Msg{Head: []byte("head of " + body), Body: []byte(body)}
}

// errStop ends an iteration.
var errStop = errors.New("stop")
