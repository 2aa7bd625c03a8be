package pebble_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// updateGolden names a directory that does not exist: TestMakeGolden makes a store and its dump
// there. Each release adds one to testdata, and none is ever changed.
const updateGolden = "STORE_TEST_GOLDEN"

// fillGolden commits something of everything.
func fillGolden(t *testing.T, s store.Store, round int) {
	t.Helper()
	parts := s.NextID()
	var refs []store.Ref
	text := func(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "round %d ", round), n) }
	refs = append(refs, mustCommit(t, s, func(b *store.Batch) {
		b.PutPart(parts, 0, text(20))
		b.PutPart(parts, 1, text(30))
		b.Append(store.Target{List: 1}, 4, store.Msg{Head: []byte("in parts"), Parts: 2, PartsID: parts, PartsSize: 400})
	})...)
	for i := range 10 {
		refs = append(refs, mustCommit(t, s, func(b *store.Batch) {
			b.Append(store.Target{List: 1, Note: []byte("note")}, uint8(i), store.Msg{Head: []byte("head"), Body: text(i)})
			b.Append(store.Target{List: 2, State: store.State{Deliveries: 2, Redelivered: true, NotBefore: 1 << 40, Tag: 7, Phase: 1}}, 4,
				store.Msg{Head: []byte("large"), Body: text(200)})
			b.Fanout([]store.Target{{List: 1}, {List: 2, Note: []byte("shared")}, {List: 3}}, 4, store.Msg{Head: []byte("head"), Body: text(10 + 20*i)})
			b.Append(store.Target{List: 4, Volatile: true}, 4, store.Msg{Body: []byte("gone at the next start")})
			for k := store.Meta + 1; int(k) < store.Buckets; k++ {
				if k != store.Prepared {
					b.PutRecord(k, fmt.Appendf(nil, "key %d", i), fmt.Appendf(nil, "value %d of round %d", i, round))
				}
			}
		})...)
	}
	var tx store.Batch
	tx.Ack(refs[1])
	tx.Fanout([]store.Target{{List: 5}, {List: 6}}, 4, store.Msg{Body: []byte("prepared")})
	mustCommit(t, s, func(b *store.Batch) {
		for i, r := range refs {
			if i%7 == 3 {
				b.Ack(r)
			}
		}
		b.Update(refs[2], store.State{Deliveries: 1})
		b.PutRecord(store.Prepared, fmt.Append(nil, round), tx.Marshal(nil))
	})
}

func export(t *testing.T, s *pebble.Store) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := s.Export(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestMakeGolden makes a golden store of this version, when asked to.
func TestMakeGolden(t *testing.T) {
	dir := os.Getenv(updateGolden)
	if dir == "" {
		t.Skip("makes what TestGolden opens, in the directory that " + updateGolden + " names")
	}
	o := pebble.Options{Path: filepath.Join(dir, "store"), MemTableSize: 64 << 10}
	for round := range 3 { // an open writes what the log holds to tables
		s := mustOpen(t, o)
		fillGolden(t, s, round)
		mustClose(t, s)
	}
	// Opening it goes on using it, so the dump is made of a copy, as the test does.
	if err := os.WriteFile(filepath.Join(dir, "dump"), export(t, mustOpenCopy(t, o.Path)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustOpenCopy opens a copy of a store, and closes it with the test.
func mustOpenCopy(t *testing.T, dir string) *pebble.Store {
	t.Helper()
	to := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, pebble.Options{Path: to})
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestGolden opens the stores of all versions: each is sound, and holds exactly what its dump
// says, which can be imported besides.
func TestGolden(t *testing.T) {
	t.Parallel()
	versions, err := os.ReadDir("testdata/golden")
	if err != nil || len(versions) == 0 {
		t.Fatalf("no golden stores: %v", err)
	}
	for _, v := range versions {
		t.Run(v.Name(), func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata/golden", v.Name())
			want, err := os.ReadFile(filepath.Join(dir, "dump"))
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[string]bool{}
			if err := fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
				kinds[filepath.Ext(name)] = true
				return err
			}); err != nil || !kinds[".sst"] || !kinds[".blob"] || !kinds[".log"] {
				t.Fatalf("kinds of files: %v, %v", kinds, err)
			}
			s := mustOpenCopy(t, filepath.Join(dir, "store"))
			if !s.Info().Clean {
				t.Error("not a clean stop")
			}
			mustCheck(t, s)
			if got := export(t, s); !bytes.Equal(got, want) {
				t.Errorf("a dump of %d bytes, want %d, and the same", len(got), len(want))
			}
			if n, _, err := s.Count(t.Context(), 3); n == 0 || err != nil {
				t.Errorf("list 3 counts %d, %v", n, err)
			}
			fillGolden(t, s, 9) // it can be used
			mustCheck(t, s)
			fresh := mustOpen(t, pebble.Options{Path: filepath.Join(t.TempDir(), "store")})
			if err := fresh.Import(t.Context(), bytes.NewReader(want)); err != nil {
				t.Fatal(err)
			}
			mustCheck(t, fresh)
			if got := strings.Join(mustRead(t, fresh, 2), ""); !strings.Contains(got, "round 2 ") {
				t.Errorf("imported: %.50q", got)
			}
			mustClose(t, fresh)
		})
	}
}
