package broker_test

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// TestModel does random operations, several clients at a time, and compares the broker with a
// naive model of it whenever nothing is under way: what each queue holds, who got what, in
// which order, how often and flagged how, and what is left after clean and unclean stops.
//
// It runs for three seconds, or for as long as MANIFOLD_MODEL_MINUTES says.
// MANIFOLD_MODEL_SEED repeats one run. The schedule of goroutines is not part of the seed: a
// rare difference may take several runs to come again.
func TestModel(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("MANIFOLD_MODEL_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		runModel(t, seed)
		return
	}
	length := 3 * time.Second
	if text := os.Getenv("MANIFOLD_MODEL_MINUTES"); text != "" {
		minutes, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		length = time.Duration(minutes * float64(time.Minute))
	}
	start := time.Now()
	seed := uint64(start.UnixNano()) % 1e9
	t.Logf("first seed %d", seed)
	runs := 0
	for time.Since(start) < length && !t.Failed() {
		runModel(t, seed)
		seed++
		runs++
	}
	t.Logf("%d runs", runs)
}

// runModel is one random run, with a time of its own.
func runModel(t *testing.T, seed uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed)
		defer w.stop()
		for range 150 {
			w.step()
		}
		w.finish()
	})
}

// step does some operations at once, waits until all is done, and compares.
func (w *world) step() {
	w.begin()
	switch n := w.rng.IntN(1000); {
	case n < 750:
		if w.chance(30) {
			w.open()
		}
		w.burst()
		if w.chance(20) {
			w.close()
		}
	case n < 800:
		n := 1 + w.rng.IntN(3)
		w.say("%d s pass", n)
		w.advance(n)
	case n < 900:
		w.administer()
	case n < 930:
		w.decide()
	case n < 950:
		w.unsubscribe()
	case n < 980:
		w.restart()
	default:
		w.crash()
	}
	w.settle()
}

// settle ends a step.
func (w *world) settle() {
	synctest.Wait()
	w.take()
	for _, mq := range slices.Clone(w.queues) {
		if mq.private != nil && mq.private.closed {
			w.drop(mq)
		}
	}
	w.sweep()
	w.check()
}
