package dump_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/internal/dump"
)

// sample is a dump with something of everything.
func sample(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := dump.NewWriter(&out, dump.Header{Store: [16]byte{1}, Next: 100, Backend: "test"})
	if err != nil {
		t.Fatal(err)
	}
	shared := store.Msg{Head: []byte("head"), Body: []byte("shared")}
	state := store.State{Deliveries: 3, Redelivered: true}
	err = errors.Join(
		w.Record(store.Destinations, []byte("a"), []byte("1")),
		w.Record(store.Destinations, []byte("b"), nil),
		w.Record(store.Marks, nil, []byte("2")),
		w.Part(7, 0, []byte("first")), w.Part(7, 1, []byte("second")),
		w.Message(9, 2, &shared),
		w.Entry(&store.Entry{Ref: store.Ref{List: 1, ID: 9, Prio: 4, Flag: store.Shared}, Note: []byte("note")}),
		w.Entry(&store.Entry{
			Ref: store.Ref{List: 1, ID: 10, Prio: 4, Flag: store.HasState}, State: state, Note: []byte("note"),
			Msg: store.Msg{Head: []byte("h"), Body: []byte("b")},
		}),
		w.Entry(&store.Entry{Ref: store.Ref{List: 1, ID: 3, Prio: 0}, Msg: store.Msg{Body: []byte("low")}}),
		w.Entry(&store.Entry{Ref: store.Ref{List: 2, ID: 9, Prio: 4, Flag: store.Shared}}),
		w.Entry(&store.Entry{
			Ref: store.Ref{List: 2, ID: 11, Prio: 4, Flag: store.HasParts},
			Msg: store.Msg{Head: []byte("h"), Parts: 2, PartsID: 7, PartsSize: 11},
		}),
		w.Close(),
	)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// copied reads a dump and writes what it says.
func copied(p []byte) ([]byte, error) {
	r, err := dump.NewReader(bytes.NewReader(p))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := dump.NewWriter(&out, r.Header)
	if err == nil {
		err = dump.Copy(w, r)
	}
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := sample(t)
	got, err := copied(want)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

// TestDamage flips each bit and cuts at each byte.
func TestDamage(t *testing.T) {
	t.Parallel()
	whole := sample(t)
	for i := range whole {
		if _, err := copied(whole[:i]); !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("cut at %d: %v", i, err)
		}
		for bit := range 8 {
			p := bytes.Clone(whole)
			p[i] ^= 1 << bit
			if _, err := copied(p); !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
				t.Fatalf("bit %d of byte %d: %v", bit, i, err)
			}
		}
	}
	if _, err := copied(append(bytes.Clone(whole), 0)); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("data behind the end: %v", err)
	}
}

// TestRefused writes dumps whose check values are right and whose content is not.
func TestRefused(t *testing.T) {
	t.Parallel()
	msg := store.Msg{Body: []byte("x")}
	entry := func(list store.ListID, id store.ID, f store.Flag) *store.Entry {
		return &store.Entry{Ref: store.Ref{List: list, ID: id, Prio: 4, Flag: f}, Msg: msg}
	}
	for name, write := range map[string]func(w *dump.Writer) error{
		"records out of order": func(w *dump.Writer) error {
			return errors.Join(w.Record(store.Marks, []byte("b"), nil), w.Record(store.Marks, []byte("a"), nil))
		},
		"kinds out of order":   func(w *dump.Writer) error { return errors.Join(w.Part(1, 0, nil), w.Record(store.Marks, nil, nil)) },
		"the store's own":      func(w *dump.Writer) error { return w.Record(store.Meta, nil, nil) },
		"unknown bucket":       func(w *dump.Writer) error { return w.Record(store.Bucket(store.Buckets), nil, nil) },
		"entry twice":          func(w *dump.Writer) error { return errors.Join(w.Entry(entry(1, 5, 0)), w.Entry(entry(1, 5, 0))) },
		"lists out of order":   func(w *dump.Writer) error { return errors.Join(w.Entry(entry(2, 5, 0)), w.Entry(entry(1, 6, 0))) },
		"id that is not below": func(w *dump.Writer) error { return w.Entry(entry(1, 100, 0)) },
		"no id":                func(w *dump.Writer) error { return w.Entry(entry(1, 0, 0)) },
		"volatile entry":       func(w *dump.Writer) error { return w.Entry(entry(1, 5, store.Volatile)) },
		"message is missing":   func(w *dump.Writer) error { return w.Entry(entry(1, 5, store.Shared)) },
		"message not taken":    func(w *dump.Writer) error { return w.Message(5, 1, &msg) },
		"message without use":  func(w *dump.Writer) error { return w.Message(5, 0, &msg) },
		"parts are missing": func(w *dump.Writer) error {
			e := entry(1, 5, store.HasParts)
			e.Parts, e.PartsID = 2, 3
			return errors.Join(w.Part(3, 0, nil), w.Entry(e))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			w, err := dump.NewWriter(&out, dump.Header{Next: 100})
			if err = errors.Join(err, write(w), w.Close()); err != nil {
				t.Fatal(err)
			}
			if _, err := copied(out.Bytes()); !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("read with %v", err)
			}
		})
	}
}

// TestClaimedLength has a frame that claims a gigabyte. It is not parallel, since it looks at what
// is allocated.
func TestClaimedLength(t *testing.T) {
	p := append([]byte("MANIFOLD\x01\x01"), 0x3f, 0xff, 0xff, 0xff)
	p = append(p, make([]byte, 1<<16)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := dump.NewReader(bytes.NewReader(p))
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 || !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("%d bytes for a dump of %d, %v", n, len(p), err)
	}
}

// FuzzReader reads anything. What it takes for a dump comes out the same.
func FuzzReader(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, p []byte) {
		got, err := copied(p)
		if err != nil {
			return
		}
		if again, err := copied(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("the copy of a copy differs: %v", err)
		}
	})
}

// FuzzItems reads anything whose check values are right.
func FuzzItems(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, p []byte) {
		p, sum := bytes.Clone(p), uint32(0)
		for at := len("MANIFOLD") + 1; at+9 <= len(p); {
			n := 5 + int(binary.BigEndian.Uint32(p[at+1:]))
			if n > len(p)-at-4 {
				break
			}
			sum = store.MsgSum(sum, p[at:at+n])
			binary.BigEndian.PutUint32(p[at+n:], sum)
			at += n + 4
		}
		got, err := copied(p)
		if err != nil {
			if !errors.Is(err, store.ErrCorrupt) && !errors.Is(err, store.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if again, err := copied(got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("the copy of a copy differs: %v", err)
		}
	})
}
