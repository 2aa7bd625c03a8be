package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/store"
)

// eventually waits for what happens in the background.
func (b *bench) eventually(what string, ok func() bool) {
	b.t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			b.t.Fatalf("not in time: %s", what)
		}
	}
}

// testOrder commits lazy, durable and empty batches: Done runs in the order of the commits,
// never before the commit returned, and AfterGroup after them.
func testOrder(t *testing.T, open Opener) {
	var afterGroup, done int // on the store's goroutine
	finished := make(chan struct{})
	const n = 2000
	s, err := open(store.Hooks{AfterGroup: func() {
		if afterGroup++; done == n {
			close(finished)
			done++
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		b := &store.Batch{Durability: store.Durability(i / 3 % 2), User: i}
		if i%5 != 0 {
			b.Append(store.Target{List: 1}, 4, message("x"))
		}
		b.Done = func(b *store.Batch, err error) {
			if err != nil || b.User != done {
				t.Errorf("batch %v done as number %d, %v", b.User, done, err)
			}
			done++
		}
		s.Commit(b)
	}
	<-finished
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if afterGroup == 0 || afterGroup > n {
		t.Fatalf("%d groups", afterGroup)
	}
	st := s.Stats()
	if st.Batches != n || st.Pending != 0 || st.PendingBytes != 0 {
		t.Fatalf("stats %+v", st)
	}
}

func testIDs(t *testing.T, open Opener) {
	b := start(t, open)
	last := store.ID(0)
	next := func(what string, id store.ID) {
		t.Helper()
		if id <= last {
			t.Fatalf("%s: %d after %d", what, id, last)
		}
		last = id
	}
	for range 3 {
		next("next", b.s.NextID())
		x := &store.Batch{}
		x.Append(store.Target{List: 1}, 4, message("x"))
		x.Append(store.Target{List: 1}, 4, message("y"))
		b.s.Commit(x)
		next("first append", x.Refs[0].ID) // valid as soon as Commit returns
		next("second append", x.Refs[1].ID)
		next("next", b.s.NextID())
		if err := b.s.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.reopen()
	}
	b.commit(func(x *store.Batch) { x.DropList(1) })
	b.reopen()
	next("after all is deleted", b.s.NextID())
}

func testEmpty(t *testing.T, open Opener) {
	b := start(t, open)
	for _, d := range []store.Durability{store.Lazy, store.Durable} {
		done := make(chan error)
		b.s.Commit(&store.Batch{Durability: d, Done: func(_ *store.Batch, err error) { done <- err }})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	b.s.Commit(&store.Batch{})
	if err := b.s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// testAtomic has a batch fail: none of it may take effect, and others must.
func testAtomic(t *testing.T, open Opener) {
	b := start(t, open)
	huge := make([]byte, 600<<20) // never touched, so it takes no memory
	if testing.Short() {
		t.Skip("copies more than half a gigabyte")
	}
	_, err := b.try(func(x *store.Batch) {
		x.Append(store.Target{List: 1}, 4, message("whole"))
		x.PutRecord(store.Retained, []byte("k"), huge)
		x.PutRecord(store.Retained, []byte("l"), huge)
	})
	if !errors.Is(err, store.ErrTooLarge) {
		t.Fatalf("done with %v", err)
	}
	b.append(2, 4, 1)
	b.wantBodies(1, 4)
	b.wantBodies(2, 4, "body 0")
	b.wantLists(2)
	if got := b.records(store.Retained, nil, nil); got != "" {
		t.Fatalf("%d bytes of records", len(got))
	}
}

// testPrepared commits a batch that was stored as a record, as the second phase of a
// transaction does.
func testPrepared(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.append(1, 4, 2)
	var tx store.Batch
	tx.Ack(refs[0])
	tx.Append(store.Target{List: 1}, 4, message("late"))
	tx.Fanout([]store.Target{{List: 2}, {List: 3}}, 4, message("fan"))
	b.commit(func(x *store.Batch) { x.PutRecord(store.Prepared, []byte("xid"), tx.Marshal(nil)) })
	b.reopen()
	newer := b.append(1, 4, 1)
	v, err := b.s.Record(t.Context(), store.Prepared, []byte("xid"))
	if err != nil {
		t.Fatal(err)
	}
	got := b.commit(func(x *store.Batch) {
		if err := x.Unmarshal(v); err != nil {
			t.Fatal(err)
		}
		x.DeleteRecord(store.Prepared, []byte("xid"))
	})
	if len(got) != 3 || got[0].ID <= newer[0].ID {
		t.Fatalf("refs %v, newer %v", got, newer)
	}
	b.wantBodies(1, 4, "body 1", "body 0", "late")
	b.wantBodies(2, 4, "fan")
	b.wantBodies(3, 4, "fan")
	if got := b.records(store.Prepared, nil, nil); got != "" {
		t.Fatalf("left over: %q", got)
	}
}

// testProducers has several goroutines commit to the same lists: ids ascend on each in the
// order of its commits.
func testProducers(t *testing.T, open Opener) {
	b := start(t, open)
	const producers, each = 4, 250
	var wg sync.WaitGroup
	for p := range producers {
		wg.Go(func() {
			for i := range each {
				x := &store.Batch{Durability: store.Durability(i % 2)}
				x.Fanout([]store.Target{{List: 1}, {List: store.ListID(10 + p)}}, 4, message(fmt.Sprint(p, " ", i)))
				b.s.Commit(x)
			}
		})
	}
	wg.Wait()
	if err := b.s.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	all := b.all(1, 4)
	if len(all) != producers*each {
		t.Fatalf("%d entries", len(all))
	}
	for i := 1; i < len(all); i++ {
		if all[i].ID <= all[i-1].ID {
			t.Fatalf("%d after %d", all[i].ID, all[i-1].ID)
		}
	}
	for p := range producers {
		for i, e := range b.all(store.ListID(10+p), 4) {
			if string(e.Body) != fmt.Sprint(p, " ", i) {
				t.Fatalf("producer %d: entry %d is %q", p, i, e.Body)
			}
		}
	}
}

func testClosed(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.append(1, 4, 1)
	if err := b.s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.try(func(x *store.Batch) { x.Ack(refs[0]) }); !errors.Is(err, store.ErrClosed) {
		t.Fatalf("commit after close: %v", err)
	}
	var p store.Page
	for what, err := range map[string]error{
		"page":     b.s.ReadPage(t.Context(), 1, 4, 0, 9, store.Limit{}, &p),
		"messages": b.s.ReadMessages(t.Context(), refs, store.Limit{}, &p),
		"lists":    b.s.Lists(t.Context(), func(store.ListInfo) error { return nil }),
		"records":  b.s.Records(t.Context(), store.Meta, nil, nil, func(_, _ []byte) error { return nil }),
		"sync":     b.s.Sync(t.Context()),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("%s after close: %v", what, err)
		}
	}
	b.reopen()
	b.wantBodies(1, 4, "body 0")
	if !b.s.Info().Clean {
		t.Error("a clean stop is not seen as one")
	}
}

func testLocked(t *testing.T, open Opener) {
	b := start(t, open)
	if !b.s.Info().Clean {
		t.Error("a new store is not clean")
	}
	if s, err := b.open(store.Hooks{}); !errors.Is(err, store.ErrLocked) {
		if err == nil {
			err = s.Close(t.Context())
		}
		t.Fatalf("second open: %v", err)
	}
	b.append(1, 4, 1)
	b.wantBodies(1, 4, "body 0")
	id := b.s.Info().StoreID
	b.reopen()
	if b.s.Info().StoreID != id {
		t.Fatal("the store has a new identity")
	}
}

func testCancelled(t *testing.T, open Opener) {
	b := start(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var p store.Page
	if err := b.s.ReadPage(ctx, 1, 4, 0, 9, store.Limit{}, &p); !errors.Is(err, context.Canceled) {
		t.Fatalf("page: %v", err)
	}
	if _, _, err := b.s.Count(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("count: %v", err)
	}
}
