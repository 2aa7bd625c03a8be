package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

// export dumps an open store.
func (b *bench) export() []byte {
	b.t.Helper()
	x, ok := b.s.(store.Exporter)
	if !ok {
		b.t.Fatal("the store has no dump")
	}
	var out bytes.Buffer
	if err := x.Export(b.t.Context(), &out); err != nil {
		b.t.Fatalf("export: %v", err)
	}
	return out.Bytes()
}

// load reads a dump into an open store.
func (b *bench) load(p []byte) error {
	return b.s.(store.Exporter).Import(b.t.Context(), bytes.NewReader(p))
}

// everything is all that a store holds, for comparing.
type everything struct {
	Entries map[lane][]store.Entry
	Records map[string]string
	Counts  map[store.ListID][2]uint64
}

func (b *bench) everything() everything {
	b.t.Helper()
	all := everything{map[lane][]store.Entry{}, map[string]string{}, map[store.ListID][2]uint64{}}
	err := b.s.Lists(b.t.Context(), func(i store.ListInfo) error {
		n, size, err := b.s.Count(b.t.Context(), i.List)
		all.Counts[i.List] = [2]uint64{n, size}
		for p := range uint8(store.MaxPrio + 1) {
			if es := b.all(i.List, p); len(es) > 0 {
				all.Entries[lane{i.List, p}] = es
			}
		}
		return err
	})
	for k := store.Meta + 1; int(k) < store.Buckets; k++ {
		err = errors.Join(err, b.s.Records(b.t.Context(), k, nil, nil, func(key, value []byte) error {
			all.Records[fmt.Sprintf("%d %x", k, key)] = string(value)
			return nil
		}))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	return all
}

// scatter fills a store with something of everything, and returns the id of parts that only a
// prepared batch names.
func (b *bench) scatter(r *rand.Rand) (prepared store.ID) {
	b.t.Helper()
	parts := b.s.NextID()
	prepared = b.s.NextID()
	var refs []store.Ref
	b.commit(func(x *store.Batch) {
		for i := range 3 {
			x.PutPart(parts, uint32(i), bytes.Repeat([]byte{byte(i)}, 5000))
		}
		x.PutPart(prepared, 0, []byte("prepared"))
	})
	for i := range 300 {
		list, prio := store.ListID(1+r.IntN(5)), uint8(r.IntN(10))
		m := store.Msg{Head: fmt.Append(nil, "head ", i), Body: bytes.Repeat([]byte{byte(i)}, r.IntN(3000))}
		if i%50 == 0 {
			m = store.Msg{Head: m.Head, Parts: 3, PartsID: parts, PartsSize: 15000}
		}
		refs = append(refs, b.commit(func(x *store.Batch) {
			switch i % 4 {
			case 0:
				x.Append(store.Target{List: list, Volatile: i%3 == 1}, prio, m)
			case 1:
				x.Append(store.Target{List: list, Note: []byte("note"), State: store.State{Tag: uint32(i)}}, prio, m)
			case 2:
				x.Fanout([]store.Target{{List: 1, Note: fmt.Append(nil, i)}, {List: 2, State: store.State{Deliveries: 2}}, {List: 3}}, prio, m)
			case 3:
				x.Fanout([]store.Target{{List: 4, Volatile: true}, {List: 5}}, prio, m)
			}
			x.PutRecord(store.Bucket(2+r.IntN(store.Buckets-2)), fmt.Append(nil, r.IntN(50)), fmt.Append(nil, "value ", i))
		})...)
	}
	var tx store.Batch
	tx.Ack(refs[len(refs)-1])
	tx.Append(store.Target{List: 1}, 4, store.Msg{Parts: 1, PartsID: prepared, PartsSize: 8})
	b.commit(func(x *store.Batch) {
		for i, ref := range refs {
			if i%3 == 0 {
				x.Ack(ref)
			}
		}
		x.Truncate(2, 4, refs[len(refs)/2].ID)
		x.DeleteRecord(store.Prepared, nil)
		for i := range 50 {
			x.DeleteRecord(store.Prepared, fmt.Append(nil, i)) // not batches
		}
		x.PutRecord(store.Prepared, []byte("xid"), tx.Marshal(nil))
	})
	return prepared
}

// same compares two stores, without what the first loses when it is opened again.
func same(t testing.TB, what string, got, want everything) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: %d lanes, %d records, counts %v; want %d, %d, %v", what,
			len(got.Entries), len(got.Records), got.Counts, len(want.Entries), len(want.Records), want.Counts)
	}
}

// testExport takes a dump through an in-memory store and back: content, references, ids and
// what an acknowledgment does are as they were.
func testExport(t *testing.T, open Opener) {
	const seed = 7
	from := start(t, open)
	prepared := from.scatter(rand.New(rand.NewPCG(seed, 0)))
	live := from.export() // volatile entries are left out, though they are there
	from.reopen()
	want := from.everything()
	next := from.s.NextID()
	disk := memory.NewDisk()
	between := start(t, func(h store.Hooks) (store.Store, error) {
		return memory.Open(memory.Options{Hooks: h, Disk: disk})
	})
	if err := between.load(live); err != nil {
		t.Fatal(err)
	}
	same(t, "in memory", between.everything(), want)
	dumped := between.export()
	if err := from.load(dumped); !errors.Is(err, store.ErrNotEmpty) {
		t.Fatalf("import over another store: %v", err)
	}
	from.commit(func(x *store.Batch) {
		for list := range want.Counts {
			x.DropList(list)
		}
		for k := store.Meta + 1; int(k) < store.Buckets; k++ {
			_ = from.s.Records(t.Context(), k, nil, nil, func(key, _ []byte) error { x.DeleteRecord(k, key); return nil })
		}
	})
	from.reopen()
	from.eventually("the store is empty", func() bool { return !errors.Is(from.load(nil), store.ErrNotEmpty) })
	if err := from.load(dumped); err != nil {
		t.Fatal(err)
	}
	same(t, "imported", from.everything(), want)
	if id := from.s.NextID(); id <= next {
		t.Fatalf("id %d after %d", id, next)
	}
	from.check("after the import")
	from.reopen()
	same(t, "opened again", from.everything(), want)
	if id := from.s.NextID(); id <= next {
		t.Fatalf("id %d after %d, opened again", id, next)
	}
	if p, err := from.s.ReadPart(t.Context(), prepared, 0, nil); err != nil || string(p) != "prepared" {
		t.Fatalf("part of a prepared batch: %q, %v", p, err)
	}
	from.check("opened again")
	from.endAll(want)
}

// endAll acknowledges everything and truncates: nothing may be left.
func (b *bench) endAll(all everything) {
	b.t.Helper()
	b.commit(func(x *store.Batch) {
		for l, es := range all.Entries {
			if l.list == 2 {
				x.Truncate(l.list, l.prio, es[len(es)-1].ID)
				continue
			}
			for _, e := range es {
				x.Ack(e.Ref)
			}
		}
		x.DeleteRecord(store.Prepared, []byte("xid"))
	})
	b.wantLists()
	b.reopen()
	b.wantLists()
	b.check("emptied")
	if left := b.everything(); len(left.Counts) != 0 {
		b.t.Fatalf("left: %v", left.Counts)
	}
}

// check verifies the store, where it can be.
func (b *bench) check(when string) {
	b.t.Helper()
	c, ok := b.s.(store.Checker)
	if !ok {
		return
	}
	if err := c.Check(b.t.Context(), func(p store.Problem) { b.t.Errorf("%s: %+v", when, p) }); err != nil {
		b.t.Fatal(err)
	}
}

// testImportDamaged reads dumps that are cut off or damaged, and one without end.
func testImportDamaged(t *testing.T, open Opener) {
	b := start(t, open)
	b.append(1, 4, 20)
	whole := b.export()
	b.commit(func(x *store.Batch) { x.DropList(1) })
	b.eventually("the store is empty", func() bool { return !errors.Is(b.load(nil), store.ErrNotEmpty) })
	for _, c := range []struct {
		name string
		dump []byte
		want error
	}{
		{"empty", nil, store.ErrCorrupt},
		{"not a dump", []byte("hello, this is something else"), store.ErrCorrupt},
		{"newer", append([]byte("MANIFOLD\x7f"), whole[9:]...), store.ErrFormat},
		{"cut in its header", whole[:20], store.ErrCorrupt},
	} {
		if err := b.load(c.dump); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.s.(store.Exporter).Import(ctx, bytes.NewReader(whole)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(whole)/2] ^= 4
	if err := b.load(flipped); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("flipped: %v", err)
	}
}
