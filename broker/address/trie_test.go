package address

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// words make names collide often.
var words = []string{"a", "b", "c", "", "$x", "*", ">", "*", ">"}

func randomPattern(r *rand.Rand, literal int) string {
	levels := make([]string, 1+r.IntN(4))
	for i := range levels {
		levels[i] = words[r.IntN(literal)]
	}
	return strings.Join(levels, ".")
}

type pair struct {
	pattern string
	value   int
}

// TestTrieAgainstScan makes random changes to a trie and a plain list of pairs, and asks both.
func TestTrieAgainstScan(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 7))
		var trie Trie[int]
		pairs := map[pair]bool{}
		for range 2000 {
			p := pair{randomPattern(r, len(words)), r.IntN(60)}
			if r.IntN(3) > 0 {
				if got := trie.Insert(p.pattern, p.value); got == pairs[p] {
					t.Fatalf("insert of %v: new is %t", p, got)
				}
				pairs[p] = true
			} else {
				if got := trie.Remove(p.pattern, p.value); got != pairs[p] {
					t.Fatalf("remove of %v: there is %t", p, got)
				}
				delete(pairs, p)
			}
			if trie.Len() != len(pairs) {
				t.Fatalf("Len = %d of %d", trie.Len(), len(pairs))
			}
			compare(t, &trie, pairs, randomPattern(r, 6))
		}
		walked := map[pair]bool{}
		for pattern, values := range trie.Patterns {
			for _, v := range values {
				walked[pair{pattern, v}] = true
			}
		}
		if !reflect.DeepEqual(walked, pairs) {
			t.Fatalf("Patterns yields %v of %v", walked, pairs)
		}
		for p := range pairs {
			trie.Remove(p.pattern, p.value)
		}
		if !trie.root.empty() || trie.Len() != 0 {
			t.Fatalf("nodes remain: %+v", trie.root)
		}
	}
}

func compare(t *testing.T, trie *Trie[int], pairs map[pair]bool, name string) {
	t.Helper()
	var want []int
	names := map[string]bool{}
	for p := range pairs {
		if Match(p.pattern, name) {
			want = append(want, p.value)
		}
		if !IsPattern(p.pattern) && Match(name, p.pattern) {
			names[p.pattern] = true
		}
	}
	got := trie.Match(name, nil)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("Match(%q) = %v, want %v", name, got, want)
	}
	found := trie.Names(name, nil)
	if len(found) != len(names) {
		t.Fatalf("Names(%q) = %q, want %v", name, found, names)
	}
	for _, n := range found {
		if !names[n] {
			t.Fatalf("Names(%q) has %q", name, n)
		}
	}
}

func TestTrieOneLevelOfMany(t *testing.T) {
	t.Parallel()
	var trie Trie[int]
	const n = 10_000
	for i := range n {
		trie.Insert(fmt.Sprint("q.", i), i)
		trie.Insert("shared", i)
	}
	if got := len(trie.Names("q.*", nil)); got != n {
		t.Fatalf("%d names", got)
	}
	if got := len(trie.Match("shared", nil)); got != n {
		t.Fatalf("%d values", got)
	}
	for i := range n - 3 {
		if !trie.Remove(fmt.Sprint("q.", i), i) || !trie.Remove("shared", i) {
			t.Fatal("a pair is missing")
		}
	}
	if got := trie.Names("q.>", nil); len(got) != 3 {
		t.Fatalf("left: %q", got)
	}
	if q := trie.root.child("q"); q.many != nil {
		t.Fatal("three children keep a table")
	}
	if l := trie.root.child("shared").exact; cap(l.values) > 4*indexed || l.index != nil {
		t.Fatalf("three values keep room for %d", cap(l.values))
	}
}

func TestTrieMatchAllocatesNothing(t *testing.T) {
	trie := filled(1000)
	dst := make([]int, 0, 100)
	if n := testing.AllocsPerRun(100, func() { dst = trie.Match("eu.orders.8.new", dst[:0]) }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
	if len(dst) == 0 {
		t.Fatal("matched nothing")
	}
}

// filled returns a trie of n patterns, of which one in ten has a wildcard.
func filled(n int) *Trie[int] {
	trie := new(Trie[int])
	for i := range n {
		trie.Insert(filling(i), i)
	}
	return trie
}

func filling(i int) string {
	region := []string{"eu", "us", "asia", "africa"}[i%4]
	switch i % 40 {
	case 0, 1:
		return fmt.Sprintf("*.orders.%d.new", i)
	case 2, 3:
		return fmt.Sprintf("%s.orders.%d.>", region, i)
	}
	return fmt.Sprintf("%s.orders.%d.new", region, i)
}

func BenchmarkTrieMatch(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			trie := filled(n)
			names := make([]string, 1024)
			for i := range names {
				names[i] = fmt.Sprintf("eu.orders.%d.new", i*n/len(names))
			}
			var dst []int
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				dst = trie.Match(names[i%len(names)], dst[:0])
			}
		})
	}
}

func BenchmarkTrieInsertRemove(b *testing.B) {
	trie := filled(100_000)
	b.ReportAllocs()
	for b.Loop() {
		trie.Insert("eu.orders.50.changed", 1)
		trie.Remove("eu.orders.50.changed", 1)
	}
}
