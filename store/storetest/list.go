package storetest

import (
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/store"
)

func testTruncate(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.append(1, 4, 6)
	b.append(1, 5, 1)
	b.append(2, 4, 1)
	size := uint64(refs[0].Size)
	b.commit(func(x *store.Batch) {
		x.Update(refs[1], store.State{Tag: 1})
		x.Truncate(1, 4, refs[3].ID)
	})
	check := func() {
		t.Helper()
		b.wantBodies(1, 4, "body 4", "body 5")
		b.wantBodies(1, 5, "body 0")
		b.wantBodies(2, 4, "body 0")
	}
	check()
	// Late acknowledgments and updates of what was truncated change nothing.
	b.commit(func(x *store.Batch) {
		x.Ack(refs[0])
		x.Update(refs[2], store.State{Deliveries: 1})
		x.Truncate(1, 4, refs[1].ID)
	})
	check()
	var p store.Page
	if err := b.s.ReadMessages(t.Context(), refs, store.Limit{}, &p); err != nil || len(p.Entries) != 2 {
		t.Fatalf("%d messages, %v; want 2", len(p.Entries), err)
	}
	b.reopen()
	check()
	b.wantCount(1, 3, 3*size)
	// A purge of all leaves the list usable, whatever the upper id.
	b.commit(func(x *store.Batch) {
		x.Append(store.Target{List: 1}, 4, message("purged"))
		x.Truncate(1, 4, ^store.ID(0))
		x.Append(store.Target{List: 1}, 4, message("next"))
	})
	b.wantBodies(1, 4, "next")
	b.reopen()
	b.wantBodies(1, 4, "next")
	b.wantLists(1, 2)
	b.commit(func(x *store.Batch) { x.Truncate(1, 4, ^store.ID(0)); x.Truncate(1, 5, ^store.ID(0)) })
	b.wantLists(2)
	b.reopen()
	b.wantLists(2)
	b.wantCount(1, 0, 0)
}

func testTruncateShared(t *testing.T, open Opener) {
	b := start(t, open)
	for i := range 2000 {
		b.s.Commit(filled(func(x *store.Batch) {
			x.Fanout([]store.Target{{List: 1}, {List: 2}}, 4, message(fmt.Sprint(i)))
		}))
	}
	shared := b.commit(func(x *store.Batch) {
		x.Fanout([]store.Target{{List: 1}, {List: 3}}, 4, message("last"))
	})
	b.commit(func(x *store.Batch) { x.Truncate(1, 4, shared[0].ID) })
	b.wantBodies(1, 4)
	b.commit(func(x *store.Batch) { x.Ack(shared[0]) }) // late: list 3 must keep the message
	b.wantBodies(3, 4, "last")
	if n := len(b.all(2, 4)); n != 2000 {
		t.Fatalf("%d entries, want 2000", n)
	}
	b.reopen()
	b.wantBodies(1, 4)
	b.wantBodies(3, 4, "last")
	b.commit(func(x *store.Batch) { x.Truncate(2, 4, shared[0].ID) })
	b.commit(func(x *store.Batch) { x.Ack(shared[1]) })
	b.wantLists()
	b.reopen()
	b.wantLists()
	b.wantCount(2, 0, 0)
}

// filled is a lazy batch that nobody waits for.
func filled(fill func(*store.Batch)) *store.Batch {
	b := store.GetBatch()
	b.Done = func(b *store.Batch, _ error) { store.PutBatch(b) }
	fill(b)
	return b
}

func testDropList(t *testing.T, open Opener) {
	b := start(t, open)
	for prio := range uint8(10) {
		b.append(1, prio, 2)
	}
	shared := b.commit(func(x *store.Batch) {
		x.Fanout([]store.Target{{List: 1}, {List: 2}}, 4, message("shared"))
	})
	b.commit(func(x *store.Batch) { x.DropList(1); x.DropList(77) })
	b.commit(func(x *store.Batch) { x.Ack(shared[0]) })
	check := func() {
		t.Helper()
		for prio := range uint8(10) {
			b.wantBodies(1, prio)
		}
		b.wantBodies(2, 4, "shared")
		b.wantLists(2)
		b.wantCount(1, 0, 0)
	}
	check()
	b.reopen()
	check()
	b.reopen()
	check()
}

func testLists(t *testing.T, open Opener) {
	b := start(t, open)
	b.wantLists()
	want := map[store.ListID]store.ListInfo{}
	for _, list := range []store.ListID{5, 1, 1<<32 - 1, 300} {
		for _, prio := range []uint8{4, 0, 9} {
			for _, r := range b.append(list, prio, 2) {
				i := want[list]
				if i.First == 0 {
					i.First = r.ID
				}
				want[list] = store.ListInfo{List: list, First: i.First, Last: r.ID}
			}
		}
	}
	check := func() {
		t.Helper()
		n := 0
		err := b.s.Lists(t.Context(), func(i store.ListInfo) error {
			if n++; i != want[i.List] {
				t.Errorf("list %+v, want %+v", i, want[i.List])
			}
			return nil
		})
		if err != nil || n != len(want) {
			t.Fatalf("%d lists, %v; want %d", n, err, len(want))
		}
	}
	check()
	b.reopen()
	check()
	b.wantLists(1, 5, 300, 1<<32-1)
	n := 0
	err := b.s.Lists(t.Context(), func(store.ListInfo) error { n++; return errStop })
	if err != errStop || n != 1 {
		t.Fatalf("%d lists, then %v", n, err)
	}
}
