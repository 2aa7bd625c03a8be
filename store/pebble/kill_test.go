package pebble_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
)

// victim names the directory of the process that is to be killed.
const victim = "STORE_TEST_VICTIM"

// TestVictim is that process: it sends without end and prints each number that is confirmed.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victim)
	if dir == "" {
		t.Skip("runs only as the child of TestKill")
	}
	s := mustOpen(t, pebble.Options{Path: dir})
	out := bufio.NewWriter(os.Stdout)
	window := make(chan struct{}, 256)
	r := rand.New(rand.NewPCG(1, 1))
	for n := uint64(1); ; n++ {
		window <- struct{}{}
		b := &store.Batch{Durability: store.Durable}
		b.Fanout([]store.Target{{List: 1}, {List: 2}}[:1+n%2], 4, store.Msg{Body: body(n, r)})
		b.Done = func(_ *store.Batch, err error) {
			if err != nil {
				t.Errorf("message %d: %v", n, err)
			}
			fmt.Fprintln(out, n)
			out.Flush()
			<-window
		}
		s.Commit(b)
	}
}

// TestKill kills a process under load, several times on the same store: all that it said was
// confirmed is there, once and unchanged.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(rand.Uint64(), 0))
	last := store.ID(0)
	for round := range 5 {
		child := exec.Command(os.Args[0], "-test.run=^TestVictim$")
		child.Env = append(os.Environ(), victim+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		confirmed := map[uint64]bool{}
		lines := bufio.NewScanner(out)
		for limit := 200 + r.IntN(2000); len(confirmed) < limit && lines.Scan(); {
			var n uint64
			if _, err := fmt.Sscan(lines.Text(), &n); err == nil {
				confirmed[n] = true
			}
		}
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what was on its way
			var n uint64
			if _, err := fmt.Sscan(lines.Text(), &n); err == nil {
				confirmed[n] = true
			}
		}
		child.Wait() // ends with the signal
		s := mustOpen(t, pebble.Options{Path: dir})
		if s.Info().Clean {
			t.Error("a killed process looks like a clean stop")
		}
		found := map[uint64]int{}
		for _, text := range mustRead(t, s, 1) {
			n, err := number([]byte(text))
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			found[n]++
		}
		for n := range confirmed {
			if found[n] != 1 {
				t.Fatalf("round %d: message %d is there %d times", round, n, found[n])
			}
		}
		mustCheck(t, s)
		// The next round begins with an empty list.
		mustCommit(t, s, func(b *store.Batch) {
			b.Truncate(1, 4, ^store.ID(0))
			b.Truncate(2, 4, ^store.ID(0))
		})
		if id := s.NextID(); id <= last {
			t.Fatalf("id %d after %d", id, last)
		} else {
			last = id
		}
		mustClose(t, s)
	}
}
