package storetest

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/manifoldmq/manifold/store"
)

func testPages(t *testing.T, open Opener) {
	b := start(t, open)
	large := store.Msg{Head: bytes.Repeat([]byte("h"), 3000), Body: bytes.Repeat([]byte("b"), 70_000)}
	refs := b.commit(func(x *store.Batch) {
		x.Append(store.Target{List: 3, Note: []byte("note")}, 4, message("one"))
		x.Append(store.Target{List: 3}, 4, large)
		x.Append(store.Target{List: 3}, 9, message("urgent"))
		x.Append(store.Target{List: 4}, 4, store.Msg{})
	})
	check := func() {
		t.Helper()
		es := b.all(3, 4)
		if len(es) != 2 || es[0].Ref != refs[0] || es[1].Ref != refs[1] {
			t.Fatalf("%d entries, want those of %v", len(es), refs[:2])
		}
		if string(es[0].Note) != "note" || string(es[0].Head) != "head of one" || string(es[0].Body) != "one" {
			t.Fatalf("first entry %q %q %q", es[0].Note, es[0].Head, es[0].Body)
		}
		if !bytes.Equal(es[1].Head, large.Head) || !bytes.Equal(es[1].Body, large.Body) {
			t.Fatal("the large entry differs")
		}
		b.wantBodies(3, 9, "urgent")
		b.wantBodies(4, 4, "")
		b.wantBodies(5, 4)
		b.wantCount(3, 3, uint64(refs[0].Size+refs[1].Size+refs[2].Size))
		b.wantCount(4, 1, 0)
		b.wantCount(5, 0, 0)
		var p store.Page
		gone := store.Ref{ID: 1 << 40, List: 3, Prio: 4}
		err := b.s.ReadMessages(t.Context(), []store.Ref{refs[2], gone, refs[0]}, store.Limit{}, &p)
		if err != nil || fmt.Sprint(bodies(p.Entries)) != "[urgent one]" || p.Entries[0].Ref != refs[2] {
			t.Fatalf("messages %q, %v", bodies(p.Entries), err)
		}
	}
	check()
	b.reopen()
	check()
}

func testLimits(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.append(1, 4, 10)
	one := int(refs[0].Size)
	for _, c := range []struct {
		name        string
		after, upTo store.ID
		lim         store.Limit
		first, n    int
		more        bool
	}{
		{"all", 0, refs[9].ID, store.Limit{}, 0, 10, false},
		{"entries", 0, refs[9].ID, store.Limit{Entries: 3}, 0, 3, true},
		{"exactly all", 0, refs[9].ID, store.Limit{Entries: 10}, 0, 10, false},
		{"after", refs[3].ID, refs[9].ID, store.Limit{}, 4, 6, false},
		{"up to", refs[3].ID, refs[6].ID, store.Limit{}, 4, 3, false},
		{"up to, limited", refs[3].ID, refs[6].ID, store.Limit{Entries: 2}, 4, 2, true},
		{"bytes", 0, refs[9].ID, store.Limit{Bytes: 3 * one}, 0, 3, true},
		{"at least one", 0, refs[9].ID, store.Limit{Bytes: 1}, 0, 1, true},
		{"nothing", refs[9].ID, ^store.ID(0), store.Limit{}, 0, 0, false},
		{"backwards", refs[9].ID, refs[0].ID, store.Limit{}, 0, 0, false},
		{"heads", 0, refs[9].ID, store.Limit{HeadsOnly: true}, 0, 10, false},
	} {
		p := store.Page{Entries: make([]store.Entry, 5)}
		if err := b.s.ReadPage(t.Context(), 1, 4, c.after, c.upTo, c.lim, &p); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if len(p.Entries) != c.n || p.More != c.more {
			t.Fatalf("%s: %d entries, more %t; want %d, %t", c.name, len(p.Entries), p.More, c.n, c.more)
		}
		for i, e := range p.Entries {
			if e.Ref != refs[c.first+i] || len(e.Head) == 0 || c.lim.HeadsOnly != (len(e.Body) == 0) {
				t.Fatalf("%s: entry %d is %+v", c.name, i, e)
			}
		}
	}
	var p store.Page
	if err := b.s.ReadMessages(t.Context(), refs, store.Limit{Entries: 4}, &p); err != nil || len(p.Entries) != 4 || !p.More {
		t.Fatalf("%d messages, more %t, %v", len(p.Entries), p.More, err)
	}
}

// testConcurrentPages reads a lane to its end while it grows: a page must hold all that was
// done when it was read, without a gap.
func testConcurrentPages(t *testing.T, open Opener) {
	b := start(t, open)
	const n = 400
	var mu sync.Mutex
	var seen []store.ID // done
	done := make(chan struct{})
	for i := range n {
		x := &store.Batch{Durability: store.Durability(i % 2)}
		x.Append(store.Target{List: 1}, 4, message(fmt.Sprint(i)))
		x.Done = func(x *store.Batch, err error) {
			if err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
			mu.Lock()
			seen = append(seen, x.Refs[0].ID)
			mu.Unlock()
			if i == n-1 {
				close(done)
			}
		}
		b.s.Commit(x)
	}
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		mu.Lock()
		want := seen[:len(seen):len(seen)]
		mu.Unlock()
		if len(want) == 0 {
			continue
		}
		var p store.Page
		if err := b.s.ReadPage(t.Context(), 1, 4, 0, want[len(want)-1], store.Limit{}, &p); err != nil {
			t.Fatal(err)
		}
		if len(p.Entries) != len(want) {
			t.Fatalf("%d entries, %d are done", len(p.Entries), len(want))
		}
		for i, e := range p.Entries {
			if e.ID != want[i] || string(e.Body) != fmt.Sprint(i) {
				t.Fatalf("entry %d is %d %q, want %d", i, e.ID, e.Body, want[i])
			}
		}
	}
}

func testStates(t *testing.T, open Opener) {
	b := start(t, open)
	full := store.State{Deliveries: 65535, Redelivered: true, NotBefore: -1, Tag: 1<<32 - 1, Phase: 255}
	refs := b.commit(func(x *store.Batch) {
		x.Append(store.Target{List: 1}, 4, message("a"))
		x.Append(store.Target{List: 1, State: full}, 4, message("b"))
		x.Append(store.Target{List: 1}, 4, message("c"))
	})
	want := []store.State{{}, full, {}}
	check := func() {
		t.Helper()
		es := b.all(1, 4)
		if len(es) != len(want) {
			t.Fatalf("%d entries, want %d", len(es), len(want))
		}
		for i, e := range es {
			if e.State != want[i] || e.Ref != refs[i] {
				t.Fatalf("entry %d: %+v with %+v, want %+v with %+v", i, e.Ref, e.State, refs[i], want[i])
			}
		}
		var p store.Page
		if err := b.s.ReadMessages(t.Context(), refs, store.Limit{}, &p); err != nil || !reflect.DeepEqual(p.Entries, es) {
			t.Fatalf("messages differ from the page: %v", err)
		}
	}
	check()
	want[0], want[1] = store.State{Deliveries: 1}, store.State{}
	b.commit(func(x *store.Batch) {
		refs[0] = x.Update(refs[0], want[0])
		refs[1] = x.Update(refs[1], want[1])
	})
	check()
	b.reopen()
	check()
	b.commit(func(x *store.Batch) { x.Ack(refs[0]) })
	refs, want = refs[1:], want[1:]
	check()
	b.reopen()
	check()
	b.wantCount(1, 2, uint64(refs[0].Size+refs[1].Size))
}

func testAck(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.append(1, 4, 6)
	b.commit(func(x *store.Batch) {
		x.Ack(refs[0])
		x.Ack(refs[3])
		x.Ack(refs[5])
	})
	b.wantBodies(1, 4, "body 1", "body 2", "body 4")
	b.reopen()
	b.wantBodies(1, 4, "body 1", "body 2", "body 4")
	size := uint64(refs[0].Size)
	b.wantCount(1, 3, 3*size)
	b.commit(func(x *store.Batch) {
		x.Ack(refs[1])
		x.Ack(refs[2])
		x.Ack(refs[4])
	})
	b.wantBodies(1, 4)
	b.wantLists()
	b.wantCount(1, 0, 0)
}

func testFanout(t *testing.T, open Opener) {
	b := start(t, open)
	state := store.State{Tag: 7}
	refs := b.commit(func(x *store.Batch) {
		x.Append(store.Target{List: 1}, 4, message("before"))
		first := x.Fanout([]store.Target{
			{List: 1, Note: []byte("n1")}, {List: 2, State: state}, {List: 3},
		}, 4, message(strings.Repeat("shared", 1000)))
		if first != 1 {
			t.Errorf("first target is ref %d, want 1", first)
		}
		x.Append(store.Target{List: 1}, 4, message("after"))
	})
	if refs[1].ID != refs[2].ID || refs[2].ID != refs[3].ID || refs[1].ID <= refs[0].ID || refs[4].ID <= refs[1].ID {
		t.Fatalf("refs %v", refs)
	}
	check := func(list store.ListID, at int, r store.Ref, note string, s store.State) {
		t.Helper()
		e := b.all(list, 4)[at]
		if e.Ref != r || string(e.Note) != note || e.State != s || len(e.Body) != 6000 || len(e.Head) == 0 {
			t.Fatalf("list %d: %+v %q %+v, want %+v %q %+v", list, e.Ref, e.Note, e.State, r, note, s)
		}
		var p store.Page
		if err := b.s.ReadMessages(t.Context(), []store.Ref{r}, store.Limit{}, &p); err != nil || !reflect.DeepEqual(p.Entries, []store.Entry{e}) {
			t.Fatalf("messages differ from the page: %v", err)
		}
		b.wantCount(2, 1, uint64(refs[2].Size))
	}
	check(1, 1, refs[1], "n1", store.State{})
	check(2, 0, refs[2], "", state)
	check(3, 0, refs[3], "", store.State{})
	b.reopen()
	check(1, 1, refs[1], "n1", store.State{})
	b.commit(func(x *store.Batch) { x.Ack(refs[1]); x.Ack(refs[3]) })
	b.wantBodies(1, 4, "before", "after")
	b.wantBodies(3, 4)
	check(2, 0, refs[2], "", state)
	b.reopen()
	check(2, 0, refs[2], "", state)
	b.commit(func(x *store.Batch) { x.Ack(refs[2]) })
	b.wantLists(1)
	b.reopen()
	b.wantLists(1)
}

func testMove(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.append(1, 4, 2)
	moved := b.commit(func(x *store.Batch) {
		x.Ack(refs[0])
		x.Append(store.Target{List: 2}, 4, message("body 0"))
	})
	b.wantBodies(1, 4, "body 1")
	b.wantBodies(2, 4, "body 0")
	if moved[0].ID <= refs[1].ID {
		t.Fatalf("moved to %d, behind %d", moved[0].ID, refs[1].ID)
	}
}

func testVolatile(t *testing.T, open Opener) {
	b := start(t, open)
	refs := b.commit(func(x *store.Batch) {
		x.Append(store.Target{List: 1}, 4, message("durable"))
		x.Append(store.Target{List: 1, Volatile: true, State: store.State{Tag: 1}}, 4, message("volatile"))
		x.Fanout([]store.Target{{List: 2, Volatile: true}, {List: 3}}, 4, message("half"))
		x.Fanout([]store.Target{{List: 2, Volatile: true}, {List: 4, Volatile: true}}, 4, message("none"))
	})
	b.wantBodies(1, 4, "durable", "volatile")
	b.wantBodies(2, 4, "half", "none")
	b.wantCount(1, 2, uint64(refs[0].Size+refs[1].Size))
	b.reopen()
	b.wantBodies(1, 4, "durable")
	b.wantBodies(2, 4)
	b.wantBodies(3, 4, "half")
	b.wantBodies(4, 4)
	b.wantCount(1, 1, uint64(refs[0].Size))
	b.wantCount(2, 0, 0)
	b.wantLists(1, 3)
	b.reopen()
	b.wantBodies(1, 4, "durable")
	b.wantBodies(3, 4, "half")
	b.wantLists(1, 3)
}

func testParts(t *testing.T, open Opener) {
	b := start(t, open)
	id, lost := b.s.NextID(), b.s.NextID()
	put := func(id store.ID, n int) {
		for i := range n {
			x := new(store.Batch)
			x.PutPart(id, uint32(i), bytes.Repeat([]byte{byte('a' + i)}, 10_000))
			b.s.Commit(x)
		}
	}
	put(id, 3)
	put(lost, 2)
	m := store.Msg{Head: []byte("head"), Parts: 3, PartsID: id, PartsSize: 30_000}
	refs := b.commit(func(x *store.Batch) { x.Append(store.Target{List: 1}, 4, m) })
	check := func() {
		t.Helper()
		for list := store.ListID(1); list <= 3; list++ {
			for _, e := range b.all(list, 4) {
				if !reflect.DeepEqual(e.Msg, store.Msg{Head: m.Head, Body: []byte{}, Parts: 3, PartsID: id, PartsSize: 30_000}) {
					t.Fatalf("message %+v", e.Msg)
				}
			}
		}
		for i := range 3 {
			p, err := b.s.ReadPart(t.Context(), id, uint32(i), []byte("x"))
			if err != nil || len(p) != 10_001 || p[0] != 'x' || p[10_000] != byte('a'+i) {
				t.Fatalf("part %d: %d bytes, %v", i, len(p), err)
			}
		}
		b.wantCount(refs[0].List, 1, 30_004)
	}
	gone := func(id store.ID, want bool) {
		t.Helper()
		_, err := b.s.ReadPart(t.Context(), id, 0, nil)
		if got := err != nil; got != want || got && !isNotFound(err) {
			t.Fatalf("parts of %d: %v, want gone %t", id, err, want)
		}
	}
	check()
	gone(lost, false)
	b.commit(func(x *store.Batch) { x.DropParts(lost) })
	gone(lost, true)
	b.reopen()
	check()
	// A move names the parts anew and keeps them.
	refs = b.commit(func(x *store.Batch) {
		x.Ack(refs[0])
		x.Append(store.Target{List: 2}, 4, m)
	})
	check()
	b.reopen()
	check()
	// A fan-out is one message with several entries.
	refs = b.commit(func(x *store.Batch) {
		x.Ack(refs[0])
		x.Fanout([]store.Target{{List: 1}, {List: 3}}, 4, m)
	})
	check()
	b.commit(func(x *store.Batch) { x.Ack(refs[1]) })
	check()
	b.reopen()
	check()
	b.commit(func(x *store.Batch) { x.Ack(refs[0]) })
	b.eventually("parts are gone", func() bool {
		_, err := b.s.ReadPart(t.Context(), id, 0, nil)
		return isNotFound(err)
	})
	// Parts that nothing ever named go with the next open.
	lost = b.s.NextID()
	put(lost, 1)
	b.reopen()
	b.eventually("orphans are gone", func() bool {
		_, err := b.s.ReadPart(t.Context(), lost, 0, nil)
		return isNotFound(err)
	})
}

func testPreparedParts(t *testing.T, open Opener) {
	b := start(t, open)
	id := b.s.NextID()
	b.commit(func(x *store.Batch) { x.PutPart(id, 0, []byte("part")) })
	var tx store.Batch
	tx.Append(store.Target{List: 1}, 4, store.Msg{Parts: 1, PartsID: id, PartsSize: 4})
	b.commit(func(x *store.Batch) { x.PutRecord(store.Prepared, []byte("xid"), tx.Marshal(nil)) })
	b.reopen()
	b.reopen()
	refs := b.commit(func(x *store.Batch) {
		if err := x.Unmarshal(tx.Marshal(nil)); err != nil {
			t.Fatal(err)
		}
		x.DeleteRecord(store.Prepared, []byte("xid"))
	})
	b.reopen()
	if p, err := b.s.ReadPart(t.Context(), id, 0, nil); err != nil || string(p) != "part" {
		t.Fatalf("part %q, %v", p, err)
	}
	b.commit(func(x *store.Batch) { x.Ack(refs[0]) })
}
