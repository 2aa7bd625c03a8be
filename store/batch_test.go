package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"slices"
	"testing"
)

// sample has every operation once, and a fan-out.
func sample() *Batch {
	b := new(Batch)
	b.Append(Target{List: 7, Note: []byte("note"), State: State{Deliveries: 3, Redelivered: true, NotBefore: -5, Tag: 9, Phase: 2}},
		4, Msg{Head: []byte("head"), Body: []byte("body")})
	b.Fanout([]Target{{List: 1}, {List: 2, Volatile: true, Note: []byte("n2")}, {List: 3, State: State{Tag: 1}}},
		200, Msg{Head: []byte("shared")})
	b.Append(Target{List: 8}, 0, Msg{Head: []byte("large"), Parts: 3, PartsID: 77, PartsSize: 1 << 33})
	b.Ack(Ref{ID: 5, List: 7, Size: 12, Prio: 4, Flag: Shared | HasState})
	b.Update(Ref{ID: 6, List: 7, Prio: 4}, State{Deliveries: 1})
	b.Update(Ref{ID: 6, List: 7, Prio: 4, Flag: HasState}, State{})
	b.Truncate(9, 4, 1000)
	b.DropList(10)
	b.PutPart(77, 2, []byte("part"))
	b.DropParts(78)
	b.PutRecord(Retained, []byte("topic"), []byte("value"))
	b.DeleteRecord(Schedule, []byte("due"))
	return b
}

func TestBatchStamp(t *testing.T) {
	t.Parallel()
	b := sample()
	if next := b.Stamp(100); next != 103 {
		t.Fatalf("next id %d, want 103", next)
	}
	var ids []ID
	for _, r := range b.Refs {
		ids = append(ids, r.ID)
	}
	if want := []ID{100, 101, 101, 101, 102}; !reflect.DeepEqual(ids, want) {
		t.Fatalf("ids %v, want %v", ids, want)
	}
}

func TestBatchRefs(t *testing.T) {
	t.Parallel()
	want := []Ref{
		{List: 7, Size: 12, Prio: 4, Flag: HasState},
		{List: 1, Size: 6, Prio: 9, Flag: Shared},
		{List: 2, Size: 8, Prio: 9, Flag: Shared | Volatile},
		{List: 3, Size: 6, Prio: 9, Flag: Shared | HasState},
		{List: 8, Size: 1<<32 - 1, Prio: 0, Flag: HasParts},
	}
	if got := sample().Refs; !reflect.DeepEqual(got, want) {
		t.Fatalf("refs\n%v\nwant\n%v", got, want)
	}
}

func TestDropMessages(t *testing.T) {
	t.Parallel()
	var b, want Batch
	add := func(b *Batch, n int) {
		m := Msg{Head: []byte{byte(n)}}
		switch n {
		case 1:
			b.Fanout([]Target{{List: 7}, {List: 8}}, 4, m)
		case 3:
			b.TakeID()
			b.Append(Target{List: 3}, 4, m)
			b.PutRecord(Schedule, []byte("k"), nil)
		case 5:
			b.Fanout([]Target{{List: 5}, {List: 6}}, 4, m)
		default:
			b.Append(Target{List: ListID(10 + n)}, 4, m)
			b.Ack(Ref{List: 2, ID: ID(n)})
		}
	}
	for n := range 6 {
		add(&b, n)
	}
	b.DropMessages(func(n int) bool { return n == 1 || n == 2 })
	add(&want, 0)
	want.Ack(Ref{List: 2, ID: 2})
	for n := 3; n < 6; n++ {
		add(&want, n)
	}
	if got := b.Marshal(nil); !bytes.Equal(got, want.Marshal(nil)) {
		t.Errorf("%x instead of %x", got, want.Marshal(nil))
	}
	if !slices.Equal(b.Refs, want.Refs) {
		t.Errorf("%v instead of %v", b.Refs, want.Refs)
	}
	for i, op := range b.Ops() {
		if op.ref != want.Ops()[i].ref {
			t.Errorf("operation %d is of element %d of Refs", i, op.ref)
		}
	}
}

func TestFanoutOfOneIsAnAppend(t *testing.T) {
	t.Parallel()
	var b Batch
	if slot := b.Fanout([]Target{{List: 1}}, 4, Msg{Head: []byte("h")}); slot != 0 || b.Refs[0].Flag != 0 {
		t.Fatalf("slot %d, refs %v", slot, b.Refs)
	}
	if slot := b.Fanout(nil, 4, Msg{}); slot != 1 || len(b.Ops()) != 1 {
		t.Fatalf("slot %d, %d operations", slot, len(b.Ops()))
	}
}

func TestUpdateReturnsTheRef(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		flag Flag
		s    State
		want Flag
		ops  int
	}{
		{"first state", Shared, State{Deliveries: 1}, Shared | HasState, 1},
		{"changed", HasState, State{Deliveries: 2}, HasState, 1},
		{"cleared", HasState, State{}, 0, 1},
		{"nothing to clear", 0, State{}, 0, 0},
	} {
		var b Batch
		r := b.Update(Ref{ID: 1, List: 1, Flag: c.flag}, c.s)
		if r.Flag != c.want || len(b.Ops()) != c.ops {
			t.Errorf("%s: flag %b with %d operations", c.name, r.Flag, len(b.Ops()))
		}
	}
}

func TestBatchMarshal(t *testing.T) {
	t.Parallel()
	b := sample()
	var got Batch
	if err := got.Unmarshal(b.Marshal(nil)); err != nil {
		t.Fatal(err)
	}
	mustEqualBatches(t, &got, b)
	b.Stamp(50)
	if err := got.Unmarshal(b.Marshal(nil)); err != nil {
		t.Fatal(err)
	}
	got.Stamp(50)
	mustEqualBatches(t, &got, b)
}

func TestBatchMerge(t *testing.T) {
	t.Parallel()
	var twice, merged Batch
	for range 2 {
		merged.Merge(sample())
	}
	if err := twice.Unmarshal(merged.Marshal(nil)); err != nil {
		t.Fatal(err)
	}
	if next := merged.Stamp(1); next != 7 {
		t.Fatalf("next id %d, want 7", next)
	}
	twice.Stamp(1)
	mustEqualBatches(t, &twice, &merged)
	if r := merged.Refs[9]; r.ID != 6 || r.List != 8 {
		t.Fatalf("last ref %v", r)
	}
}

// mustEqualBatches compares operations with the bytes they point to.
func mustEqualBatches(t *testing.T, got, want *Batch) {
	t.Helper()
	if len(got.ops) != len(want.ops) || !reflect.DeepEqual(got.Refs, want.Refs) {
		t.Fatalf("%d operations with refs\n%v\nwant %d\n%v", len(got.ops), got.Refs, len(want.ops), want.Refs)
	}
	for i := range got.ops {
		g, w := got.ops[i], want.ops[i]
		for _, s := range [][2]Span{{g.Note, w.Note}, {g.Head, w.Head}, {g.Body, w.Body}} {
			if !bytes.Equal(got.Bytes(s[0]), want.Bytes(s[1])) {
				t.Fatalf("operation %d: %q, want %q", i, got.Bytes(s[0]), want.Bytes(s[1]))
			}
		}
		if k := g.Kind; k == OpAppend || k == OpFanout {
			if MsgSum(0, got.Message(&g)) != g.Sum {
				t.Fatalf("operation %d: check value", i)
			}
		}
		g.Note, g.Head, g.Body = w.Note, w.Head, w.Body
		if g != w {
			t.Fatalf("operation %d:\n%+v\nwant\n%+v", i, g, w)
		}
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	t.Parallel()
	good := sample().Marshal(nil)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x40
		var b Batch
		if err := b.Unmarshal(bad); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFormat) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		if err := b.Unmarshal(good[:i]); err == nil || !b.Empty() {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
}

func TestBatchTooLarge(t *testing.T) {
	t.Parallel()
	b := Batch{buf: make([]byte, 0, 16)}
	b.buf = b.buf[:16]
	if !b.room(maxBatch-16) || b.room(maxBatch-15) || !errors.Is(b.Err(), ErrTooLarge) {
		t.Fatalf("room is wrong, err %v", b.Err())
	}
	b.Append(Target{List: 1}, 4, Msg{})
	if len(b.Refs) != 1 || len(b.Ops()) != 0 {
		t.Fatalf("%d refs, %d operations", len(b.Refs), len(b.Ops()))
	}
}

func TestPooledBatchIsEmpty(t *testing.T) {
	t.Parallel()
	b := GetBatch()
	b.Merge(sample())
	b.Durability, b.User, b.Done = Durable, 1, func(*Batch, error) {}
	PutBatch(b)
	if b = GetBatch(); !b.Empty() || b.Durability != Lazy || b.User != nil || b.Done != nil || len(b.Refs) != 0 {
		t.Fatalf("not empty: %+v", b)
	}
}

func FuzzBatchUnmarshal(f *testing.F) {
	whole := sample().Marshal(nil)
	f.Add(whole[:len(whole)-4])
	for _, o := range sample().ops {
		b := sample()
		b.ops = []Op{o}
		one := b.Marshal(nil)
		f.Add(one[:len(one)-4])
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		// The check value is made right, so that the fuzzer gets behind it.
		src := binary.LittleEndian.AppendUint32(bytes.Clone(p), crc32.Checksum(p, castagnoli))
		var b, again Batch
		if b.Unmarshal(src) != nil {
			return
		}
		b.Stamp(1)
		if err := again.Unmarshal(b.Marshal(nil)); err != nil {
			t.Fatalf("what was read can't be read again: %v", err)
		}
		if len(again.ops) != len(b.ops) || len(again.Refs) != len(b.Refs) {
			t.Fatalf("%d operations, then %d", len(b.ops), len(again.ops))
		}
	})
}

func FuzzState(f *testing.F) {
	f.Add(State{Deliveries: 1, NotBefore: 5}.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, p []byte) {
		var s, again State
		if s.Decode(p) != nil {
			return
		}
		if err := again.Decode(s.AppendBinary(nil)); err != nil || again != s {
			t.Fatalf("%v: %+v, then %+v", err, s, again)
		}
	})
}

func BenchmarkBatchAppendAck(b *testing.B) {
	b.ReportAllocs()
	m := Msg{Head: make([]byte, 128), Body: make([]byte, 1024)}
	batch := GetBatch()
	for b.Loop() {
		batch.Reset()
		batch.Append(Target{List: 1}, 4, m)
		batch.Stamp(1)
		batch.Ack(batch.Refs[0])
	}
}
