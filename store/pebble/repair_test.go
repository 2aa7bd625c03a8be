package pebble_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// repaired is what a repair made.
type repaired struct {
	err      error
	problems []store.Problem
	bodies   map[string]int // of list 1, with how often each is there
	files    string         // in quarantine
}

func (r *repaired) fatal() bool {
	for _, p := range r.problems {
		if p.Fatal {
			return true
		}
	}
	return false
}

// repair repairs the store on a disk, and opens the result.
func repair(t *testing.T, fs vfs.FS) *repaired {
	t.Helper()
	r := &repaired{bodies: map[string]int{}}
	o := pebble.Options{Path: "repaired", FS: fs, MemTableSize: 256 << 10, BallastSize: -1}
	r.err = pebble.Repair(t.Context(), "store", o, func(p store.Problem) { r.problems = append(r.problems, p) })
	if r.err != nil {
		return r
	}
	s := mustOpen(t, o)
	defer mustClose(t, s)
	if !s.Info().Clean {
		t.Error("the repaired store does not look like a clean stop")
	}
	for _, text := range mustRead(t, s, 1) {
		r.bodies[text]++
	}
	mustCheck(t, s)
	if names, err := fs.List("repaired/quarantine"); err == nil {
		r.files = strings.Join(names, " ")
	}
	if names, err := fs.List("repaired/repair"); err == nil {
		t.Errorf("the copy is left: %v", names)
	}
	return r
}

func TestRepairWhole(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 256<<10)
	before := map[string]string{}
	for _, name := range d.files(t) {
		before[name] = string(content(t, d.disk, name))
	}
	r := repair(t, d.disk)
	if r.err != nil || len(r.problems) != 0 || len(r.bodies) != len(d.want) || r.files != "" {
		t.Fatalf("%d of %d messages, %v, %v, quarantine %q", len(r.bodies), len(d.want), r.err, r.problems, r.files)
	}
	for name, want := range before {
		if string(content(t, d.disk, name)) != want {
			t.Errorf("%s was changed", name)
		}
	}
	if r := repair(t, d.disk); !errors.Is(r.err, store.ErrNotEmpty) {
		t.Errorf("repaired over another store: %v", r.err)
	}
	s := mustOpen(t, pebble.Options{Path: "store", FS: d.disk})
	defer mustClose(t, s)
	err := pebble.Repair(t.Context(), "store", pebble.Options{Path: "other", FS: d.disk}, nil)
	if !errors.Is(err, store.ErrLocked) {
		t.Errorf("repaired while in use: %v", err)
	}
}

// TestRepairFlipped flips bits in each file: what the repair makes holds nothing wrong, and all
// that it lacks was reported.
func TestRepairFlipped(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 256<<10)
	known := map[string]bool{}
	for _, text := range d.want {
		known[text] = true
	}
	r := rand.New(rand.NewPCG(3, 3))
	done, lost, failed := 0, 0, 0
	rounds, enough := 5, 20
	if testing.Short() {
		rounds, enough = 1, 5
	}
	for _, name := range d.files(t) {
		for range rounds {
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
			got := repair(t, clone)
			if got.err != nil {
				if !errors.Is(got.err, store.ErrCorrupt) || !strings.Contains(name, "MANIFEST") {
					t.Errorf("%s: %v", what, got.err)
				}
				failed++
				continue
			}
			for text, n := range got.bodies {
				if !known[text] || n != 1 {
					t.Fatalf("%s: %.20q is there %d times", what, text, n)
				}
			}
			missing := len(d.want) - len(got.bodies)
			if missing > 0 && !got.fatal() {
				t.Fatalf("%s: %d messages are missing without a word: %v", what, missing, got.problems)
			}
			if missing > 60 && !strings.Contains(name, "MANIFEST") && !strings.HasSuffix(name, ".sst") {
				t.Errorf("%s: %d messages are lost: %v", what, missing, got.problems)
			}
			done++
			lost += missing
		}
	}
	t.Logf("%d repaired, which have lost %d messages; %d can't be", done, lost, failed)
	if done < enough {
		t.Errorf("only %d were repaired", done)
	}
}

// TestRepairCutLog takes the end of the log away: what is before is kept, and what is missing is
// told.
func TestRepairCutLog(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 8<<20)
	for _, name := range d.files(t) {
		if strings.HasSuffix(name, ".log") {
			p := content(t, d.disk, name)
			replace(t, d.disk, name, p[:used(p)*2/3])
		}
	}
	r := repair(t, d.disk)
	if r.err != nil || len(r.bodies) < 200 || len(r.bodies) >= len(d.want) {
		t.Fatalf("%d messages, %v", len(r.bodies), r.err)
	}
	if text := fmt.Sprint(r.problems); !strings.Contains(text, "commits") || !strings.Contains(text, "are missing") {
		t.Errorf("reported: %s", text)
	}
	if !strings.Contains(r.files, "REPORT") {
		t.Errorf("in quarantine: %q", r.files)
	}
}

// TestRepairDamagedLog flips a bit in the middle of the log: one commit is lost, and named.
func TestRepairDamagedLog(t *testing.T) {
	t.Parallel()
	d := newDamaged(t, 8<<20)
	for _, name := range d.files(t) {
		if p := content(t, d.disk, name); strings.HasSuffix(name, ".log") && used(p) > 100_000 {
			p[used(p)/2] ^= 1
			replace(t, d.disk, name, p)
		}
	}
	r := repair(t, d.disk)
	if r.err != nil || len(r.bodies) != len(d.want)-1 {
		t.Fatalf("%d of %d messages, %v", len(r.bodies), len(d.want), r.err)
	}
	if text := fmt.Sprint(r.problems); !strings.Contains(text, "are lost, with messages") {
		t.Errorf("reported: %s", text)
	}
	if !strings.Contains(r.files, ".log") {
		t.Errorf("in quarantine: %q", r.files)
	}
}
