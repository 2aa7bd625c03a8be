package pebble

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// flip changes a bit of a stored value, behind the engine's own check values.
func flip(t *testing.T, s *Store, key []byte) {
	t.Helper()
	v, closer, err := s.db.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), v...)
	bad[len(bad)-1] ^= 1
	if err := errors.Join(closer.Close(), s.db.Delete(key, nil), s.db.Set(key, bad, nil)); err != nil {
		t.Fatal(err)
	}
}

func TestQuarantine(t *testing.T) {
	t.Parallel()
	var b *store.Batch
	for _, c := range []struct {
		name   string
		append func()
		key    func(store.Ref) []byte // of what is damaged
		also   string                 // kept
	}{
		{
			"entry", func() { b.Append(store.Target{List: 1}, 4, store.Msg{Body: []byte("bad")}) },
			func(r store.Ref) []byte { return entryKey(1, 4, r.ID, byte(r.Flag&keyFlags)) }, "",
		},
		{
			"state", func() { b.Append(store.Target{List: 1, State: store.State{Tag: 1}}, 4, store.Msg{Body: []byte("bad")}) },
			nil, "state",
		},
		{
			"shared message", func() { b.Fanout([]store.Target{{List: 1}, {List: 2}}, 4, store.Msg{Body: []byte("bad")}) },
			func(r store.Ref) []byte { return messageKey(r.ID) }, "message",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			events := make(chan store.Event, 16)
			o := Options{Path: "store", FS: vfs.NewMem(), MemTableSize: 1 << 20, BallastSize: -1}
			o.Hooks.Event = func(e store.Event) { events <- e }
			s, err := Open(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			commit := func(fill func()) []store.Ref {
				t.Helper()
				done := make(chan error, 1)
				b = &store.Batch{Durability: store.Durable, Done: func(_ *store.Batch, err error) { done <- err }}
				fill()
				s.Commit(b)
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				return b.Refs
			}
			good := func() { b.Append(store.Target{List: 1}, 4, store.Msg{Body: []byte("good")}) }
			commit(good)
			bad := commit(c.append)
			commit(good)
			if c.key != nil {
				flip(t, s, c.key(bad[0]))
			} else if err := s.db.Set(entryKey(1, 4, bad[0].ID, stateTail), []byte("no state"), nil); err != nil {
				t.Fatal(err)
			}
			read := func(list store.ListID) (n int, err error) {
				var p store.Page
				err = s.ReadPage(t.Context(), list, 4, 0, ^store.ID(0), store.Limit{}, &p)
				for _, e := range p.Entries {
					if string(e.Body) != "good" {
						t.Fatalf("read %q", e.Body)
					}
				}
				return len(p.Entries), err
			}
			n, err := read(1)
			var corrupt *store.CorruptError
			if n != 1 || !errors.As(err, &corrupt) || !errors.Is(err, store.ErrCorrupt) {
				t.Fatalf("%d entries, %v", n, err)
			}
			if got := corrupt.Ref(); got != (store.Ref{List: 1, Prio: 4, ID: bad[0].ID}) {
				t.Fatalf("corrupt is %+v", got)
			}
			if e := <-events; e.Kind != store.Corrupt || e.List != 1 || !errors.As(e.Err, &corrupt) {
				t.Fatalf("event %+v", e)
			}
			var p store.Page
			if err := s.ReadMessages(t.Context(), bad[:1], store.Limit{}, &p); c.name != "state" && !errors.As(err, &corrupt) {
				t.Fatalf("read messages: %v", err)
			}
			if err := s.Quarantine(t.Context(), corrupt.Ref()); err != nil {
				t.Fatal(err)
			}
			if err := s.Quarantine(t.Context(), corrupt.Ref()); !errors.Is(err, store.ErrNotFound) {
				t.Fatalf("twice: %v", err)
			}
			if n, err := read(1); n != 2 || err != nil {
				t.Fatalf("afterwards: %d entries, %v", n, err)
			}
			if n, size, err := s.Count(t.Context(), 1); n != 2 || size != 8 || err != nil {
				t.Fatalf("counted %d entries, %d bytes, %v", n, size, err)
			}
			names, err := o.FS.List("store/quarantine")
			want := fmt.Sprintf("list-1-message-%d-", bad[0].ID)
			if text := strings.Join(names, " "); err != nil || !strings.Contains(text, want+"entry.value") || !strings.Contains(text, want+c.also) {
				t.Fatalf("kept: %v, %v", names, err)
			}
			if len(bad) > 1 { // the other list has the message still
				if _, err := read(2); !errors.As(err, &corrupt) || corrupt.List != 2 {
					t.Fatalf("list 2: %v", err)
				}
				if err := s.Quarantine(t.Context(), corrupt.Ref()); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Check(t.Context(), func(p store.Problem) { t.Errorf("check: %+v", p) }); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestQuarantineMissing(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Options{Path: "store", FS: vfs.NewMem(), MemTableSize: 1 << 20, BallastSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Quarantine(t.Context(), store.Ref{List: 1, ID: 1, Prio: 4}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("quarantine: %v", err)
	}
	if err := s.Quarantine(t.Context(), store.Ref{}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("quarantine of nothing: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
