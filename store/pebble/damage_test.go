package pebble_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// damaged is a store's disk as a crash leaves it, and what it holds.
type damaged struct {
	disk *vfs.MemFS
	want []string // bodies of list 1
}

// newDamaged fills a store so that it has every kind of file, and cuts it off.
func newDamaged(t *testing.T, memTable int64) *damaged {
	t.Helper()
	d := &damaged{disk: vfs.NewCrashableMem()}
	s := mustOpen(t, pebble.Options{Path: "store", FS: d.disk, MemTableSize: memTable})
	for i := range 300 {
		if i == 200 { // recovery writes what the log holds to tables
			mustClose(t, s)
			s = mustOpen(t, pebble.Options{Path: "store", FS: d.disk, MemTableSize: memTable})
		}
		text := fmt.Sprintf("%d%s", i, strings.Repeat(string(rune('a'+i%26)), 200+i*10))
		mustCommit(t, s, func(b *store.Batch) {
			m := store.Msg{Head: []byte("head"), Body: []byte(text)}
			if i%5 == 0 {
				b.Fanout([]store.Target{{List: 1}, {List: 2}}, 4, m)
			} else {
				b.Append(store.Target{List: 1}, 4, m)
			}
		})
		d.want = append(d.want, text)
	}
	mustCheck(t, s)
	disk := d.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 100, RNG: rand.New(rand.NewPCG(1, 1))})
	mustClose(t, s)
	d.disk = disk
	return d
}

// files returns the names of all files that hold something.
func (d *damaged) files(t *testing.T) (names []string) {
	t.Helper()
	for _, dir := range []string{"store", "store/pebble"} {
		list, err := d.disk.List(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range list {
			name = dir + "/" + name
			if info, err := d.disk.Stat(name); err == nil && !info.IsDir() && info.Size() > 0 {
				names = append(names, name)
			}
		}
	}
	return names
}

// content reads a file of a clone.
func content(t *testing.T, fs vfs.FS, name string) []byte {
	t.Helper()
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// replace writes a file of a clone anew.
func replace(t *testing.T, fs vfs.FS, name string, p []byte) {
	t.Helper()
	f, err := fs.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(p); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// used is the length of a file without the zeros at its end.
func used(p []byte) int { return len(strings.TrimRight(string(p), "\x00")) }

// outcome opens the damaged disk and reads everything. What it returns says how the damage was
// found, "" that it had no effect. Silent loss or change fails the test.
func (d *damaged) outcome(t *testing.T, fs vfs.FS, what string) string {
	t.Helper()
	s, err := pebble.Open(t.Context(), pebble.Options{Path: "store", FS: fs, MemTableSize: 256 << 10, BallastSize: -1})
	if err != nil {
		return "open"
	}
	defer s.Close(t.Context())
	var p store.Page
	err = s.ReadPage(t.Context(), 1, 4, 0, ^store.ID(0), store.Limit{}, &p)
	if len(p.Entries) > len(d.want) {
		t.Fatalf("%s: %d entries, want %d", what, len(p.Entries), len(d.want))
	}
	for i, e := range p.Entries {
		if string(e.Body) != d.want[i] {
			t.Fatalf("%s: entry %d is wrong: %.20q, want %.20q", what, i, e.Body, d.want[i])
		}
	}
	switch {
	case errors.Is(err, store.ErrCorrupt):
		return "read"
	case err != nil:
		t.Fatalf("%s: read: %v", what, err)
	case len(p.Entries) != len(d.want):
		t.Fatalf("%s: %d entries without an error, want %d", what, len(p.Entries), len(d.want))
	}
	found := ""
	if err := s.Check(t.Context(), func(store.Problem) { found = "check" }); err != nil {
		return "check"
	}
	return found
}

func TestFlippedBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 0))
	d := newDamaged(t, 256<<10)
	if got := d.outcome(t, d.disk.CrashClone(vfs.CrashCloneCfg{}), "no damage"); got != "" {
		t.Fatalf("without damage: found by %s", got)
	}
	kinds := map[string]int{}
	for _, name := range d.files(t) {
		for range 6 {
			clone := d.disk.CrashClone(vfs.CrashCloneCfg{})
			p := content(t, clone, name)
			n := used(p)
			if n == 0 {
				continue
			}
			at, bit := r.IntN(n), byte(1)<<r.IntN(8)
			p[at] ^= bit
			replace(t, clone, name, p)
			what := fmt.Sprintf("%s, byte %d of %d, bit %#x", name, at, n, bit)
			kinds[d.outcome(t, clone, what)]++
		}
	}
	if kinds["open"] == 0 || kinds["read"] == 0 {
		t.Errorf("too few flips were found: %v", kinds)
	}
	t.Logf("found by: %v", kinds)
}

// TestCutLog takes the end of the log away, which the engine alone takes for a write that was
// cut off.
func TestCutLog(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 8<<20) // large enough for a single log
	clone := d.disk.CrashClone(vfs.CrashCloneCfg{})
	for _, name := range d.files(t) {
		if strings.HasSuffix(name, ".log") {
			replace(t, clone, name, content(t, clone, name)[:20])
		}
	}
	_, err := pebble.Open(t.Context(), pebble.Options{Path: "store", FS: clone, BallastSize: -1})
	if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "groups are missing") {
		t.Fatalf("opened with a cut log: %v", err)
	}
}

func TestNewerFormat(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 256<<10)
	s := mustOpen(t, pebble.Options{Path: "store", FS: d.disk})
	mustClose(t, s)
	text := "manifold store\nformat 2\nid " + strings.Repeat("0", 32) + "\n"
	replace(t, d.disk, "store/STORE", fmt.Appendf([]byte(text), "check %08x\n", store.MsgSum(0, []byte(text))))
	if _, err := pebble.Open(t.Context(), pebble.Options{Path: "store", FS: d.disk}); !errors.Is(err, store.ErrFormat) {
		t.Fatalf("opened: %v", err)
	}
	if err := d.disk.Remove("store/STORE"); err != nil {
		t.Fatal(err)
	}
	if _, err := pebble.Open(t.Context(), pebble.Options{Path: "store", FS: d.disk}); !errors.Is(err, store.ErrCorrupt) {
		t.Fatalf("opened without STORE: %v", err)
	}
}
