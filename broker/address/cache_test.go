package address

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// TestCacheAgainstTrie makes random changes and asks for the same few names over and over, so
// that nearly all answers come from memory.
func TestCacheAgainstTrie(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		c, trie := NewCache[int](), new(Trie[int])
		for range 5000 {
			pattern, v := randomPattern(r, len(words)), r.IntN(40)
			switch r.IntN(4) {
			case 0:
				if c.Insert(pattern, v) != trie.Insert(pattern, v) {
					t.Fatal("Insert differs")
				}
			case 1:
				if c.Remove(pattern, v) != trie.Remove(pattern, v) {
					t.Fatal("Remove differs")
				}
			}
			name := randomPattern(r, 6)
			got, want := slices.Clone(c.Match(name)), trie.Match(name, nil)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("Match(%q) = %v, want %v", name, got, want)
			}
		}
		if c.Len() != trie.Len() || len(c.Names(">", nil)) != len(trie.Names(">", nil)) {
			t.Fatal("contents differ")
		}
		for range c.Patterns {
			break
		}
	}
}

// A new plain name must not cost the results for it, and results handed out must not change.
func TestCachePatch(t *testing.T) {
	t.Parallel()
	c := NewCache[int]()
	c.Insert("a.*", -1)
	before := c.Match("a.b")
	for i := range 1000 {
		c.Insert("a.b", i)
		if got := c.Match("a.b"); len(got) != i+2 || got[i+1] != i {
			t.Fatalf("after %d insertions: %v", i+1, got)
		}
	}
	if !slices.Equal(before, []int{-1}) {
		t.Fatalf("an old result changed to %v", before)
	}
	held := c.Match("a.b")
	_ = append(held, 12345) // must not reach the cache's own room
	c.Insert("a.b", 1000)
	if got := c.Match("a.b"); got[len(got)-1] != 1000 {
		t.Fatal("a caller's append got into a result")
	}
	c.Remove("a.b", 3)
	if got := c.Match("a.b"); slices.Contains(got, 3) || len(got) != 1001 {
		t.Fatalf("after removal: %v", got)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c := NewCache[int]()
	c.Insert(">", 1)
	for i := range maxSlots + maxSlots/4 {
		if got := c.Match(fmt.Sprint("n.", i)); len(got) != 1 {
			t.Fatalf("%d: %v", i, got)
		}
	}
	s := c.current.Load()
	if len(s.at) != maxSlots || s.used.Load() > maxSlots {
		t.Fatalf("%d results in %d slots", s.used.Load(), len(s.at))
	}
	many := NewCache[int]()
	for i := range 1 << 12 {
		many.Insert(">", i)
	}
	for i := range 1 << 11 {
		many.Match(fmt.Sprint("n.", i))
		if held := many.current.Load().held.Load(); held > maxHeld {
			t.Fatalf("%d values remembered", held)
		}
	}
}

// What Insert and Remove have confirmed, the next Match sees, whatever else goes on.
func TestCacheConcurrently(t *testing.T) {
	t.Parallel()
	c := NewCache[int]()
	var stop atomic.Bool
	var readers, writers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for i := 0; !stop.Load(); i++ {
				c.Match(fmt.Sprint("a.", i%4))
				c.Match(fmt.Sprint("unique.", i))
			}
		})
	}
	for w := range 4 {
		writers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for range 2000 {
				name := fmt.Sprint("a.", r.IntN(4))
				pattern := []string{name, "a.*", ">", name + ".>"}[r.IntN(4)]
				c.Insert(pattern, w)
				if !slices.Contains(c.Match(name), w) {
					t.Errorf("%q does not match %q once inserted", pattern, name)
				}
				c.Remove(pattern, w)
				if slices.Contains(c.Match(name), w) {
					t.Errorf("%q matches %q once removed", pattern, name)
				}
			}
		})
	}
	writers.Wait()
	stop.Store(true)
	readers.Wait()
	if c.Len() != 0 {
		t.Fatalf("%d pairs remain", c.Len())
	}
}

func TestCacheHitAllocatesNothing(t *testing.T) {
	c := NewCache[int]()
	c.Insert("a.>", 1)
	c.Match("a.b")
	if n := testing.AllocsPerRun(100, func() { c.Match("a.b") }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}

func BenchmarkCacheHit(b *testing.B) {
	c := NewCache[int]()
	for i := range 100_000 {
		c.Insert(filling(i), i)
	}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Match("eu.orders.52.new")
		}
	})
}

func BenchmarkCacheMiss(b *testing.B) {
	c := NewCache[int]()
	for i := range 100_000 {
		c.Insert(filling(i), i)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.outdate("eu")
		c.Match("eu.orders.52.new")
	}
}

// A mass of subscribers comes back to one topic that is published to all the while.
func BenchmarkCacheReconnectStorm(b *testing.B) {
	c := NewCache[int]()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Insert("hot", i)
		c.Match("hot")
	}
}

func TestCacheReplaceShowsOneValueAtAnyTime(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"a.b", "a.*", ">"} {
		c := NewCache[int]()
		c.Insert(pattern, 0)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 2000 {
				if !c.Replace(pattern, i, i+1) {
					t.Errorf("%s: %d was not there", pattern, i)
				}
			}
		}()
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
			}
			if got := c.Match("a.b"); len(got) != 1 {
				t.Fatalf("%s: %v", pattern, got)
			}
		}
		if got := c.Match("a.b"); got[0] != 2000 {
			t.Errorf("%s: %v at the end", pattern, got)
		}
		if c.Replace(pattern, -1, -2) {
			t.Errorf("%s: replaced what was not there", pattern)
		}
	}
}
