package duplicate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/duplicate"
)

func key(n int) duplicate.Key { return duplicate.KeyOf(fmt.Sprint("ID:", n)) }

func TestWindowKnowsTheLastOnes(t *testing.T) {
	t.Parallel()
	w := duplicate.New(duplicate.Limits{Count: 100})
	for n := range 1000 {
		if w.Take(key(n), 1).Known {
			t.Fatalf("%d is new and was known", n)
		}
		if n >= 99 && !w.Take(key(n-99), 1).Known {
			t.Fatalf("%d was not known behind %d", n-99, n)
		}
		if w.Len() > 100 {
			t.Fatalf("the window has %d keys", w.Len())
		}
	}
	if w.Take(key(0), 1).Known {
		t.Error("the first one was known")
	}
}

func TestWindowOfNoneKnowsNothing(t *testing.T) {
	t.Parallel()
	w := duplicate.New(duplicate.Limits{})
	for range 3 {
		if w.Take(key(1), 1).Known {
			t.Error("it was known")
		}
	}
}

func TestKeysGrowOld(t *testing.T) {
	t.Parallel()
	w := duplicate.New(duplicate.Limits{Count: 10, Age: 1000})
	w.Take(key(1), 5000)
	if !w.Take(key(1), 5999).Known {
		t.Error("forgotten too early")
	}
	if w.Take(key(1), 6000).Known {
		t.Error("remembered for too long")
	}
	if !w.Take(key(1), 6500).Known {
		t.Error("the time of the new one does not count")
	}
}

func TestForgottenKeysAreNew(t *testing.T) {
	t.Parallel()
	w := duplicate.New(duplicate.Limits{Count: 10})
	w.Take(key(1), 1)
	w.Forget(key(1))
	w.Forget(key(2))
	if w.Take(key(1), 1).Known || !w.Take(key(1), 1).Known {
		t.Error("a key that was forgotten is not as new")
	}
}

// TestRecordsBringTheWindowBack writes records as a store keeps them, one for each slot, changes
// limits at random, and holds what is loaded against a list.
func TestRecordsBringTheWindowBack(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	limit := 1 + rng.IntN(300)
	w := duplicate.New(duplicate.Limits{Count: limit})
	stored := make(map[uint32][]byte)
	var sent []int
	next := 0
	for range 5000 {
		switch rng.IntN(200) {
		case 0:
			limit = 1 + rng.IntN(300)
			if w.Limit(duplicate.Limits{Count: limit}) {
				clear(stored)
				w.Records(func(slot uint32, r []byte) { stored[slot] = r })
			}
			sent = sent[max(0, len(sent)-limit):]
		case 1:
			var records [][]byte
			for _, r := range stored {
				records = append(records, r)
			}
			w = duplicate.Load(duplicate.Limits{Count: limit}, append(records, []byte("none")))
			sent = sent[max(0, len(sent)-limit):]
		default:
			n, again := next, len(sent) > 0 && rng.IntN(2) == 0
			if again {
				n = sent[rng.IntN(len(sent))]
			} else {
				next++
			}
			x := w.Take(key(n), 1)
			if x.Known != again {
				t.Fatalf("seed %d: message %d of %d, known: %t, sent before: %t, with a limit of %d", seed, n, next, x.Known, again, limit)
			}
			if !again {
				stored[x.Slot] = x.Record
				sent = append(sent, n)
				sent = sent[max(0, len(sent)-limit):]
			}
		}
		if len(stored) > limit {
			t.Fatalf("seed %d: %d records of a limit of %d", seed, len(stored), limit)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	w := duplicate.New(duplicate.Limits{Count: 100000})
	for n := 0; b.Loop(); n++ {
		w.Take(key(n), 1)
	}
}

// FuzzLoad lets a window be made of any records, and used.
func FuzzLoad(f *testing.F) {
	w := duplicate.New(duplicate.Limits{Count: 5})
	var all []byte
	for n := range 3 {
		all = append(all, w.Take(key(n), 1).Record...)
	}
	f.Add(all, 5)
	f.Add([]byte("none"), 1)
	f.Add(append(make([]byte, 32), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), 100)
	f.Fuzz(func(t *testing.T, data []byte, count int) {
		count = min(max(count, 0), 1000)
		var records [][]byte
		for len(data) > 0 {
			n := min(len(data), 32)
			records = append(records, data[:n])
			data = data[n:]
		}
		w := duplicate.Load(duplicate.Limits{Count: count}, records)
		if w.Len() > count {
			t.Fatalf("%d keys of a window of %d", w.Len(), count)
		}
		for n := range 20 {
			w.Take(key(n), 1)
			if count > 0 && !w.Take(key(n), 1).Known {
				t.Fatalf("key %d is not known at once", n)
			}
		}
		w.Limit(duplicate.Limits{Count: 3})
		w.Records(func(slot uint32, _ []byte) {
			if slot >= 3 {
				t.Fatalf("slot %d of 3", slot)
			}
		})
	})
}
