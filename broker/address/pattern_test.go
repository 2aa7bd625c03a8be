package address

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/fault"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "A", false},
		{"a.b", "a.b", true},
		{"a.b", "a", false},
		{"a", "a.b", false},
		{"*", "a", true},
		{"*", "", true},
		{"*", "a.b", false},
		{"a.*", "a", false},
		{"a.*", "a.b", true},
		{"a.*", "a.", true},
		{"a.*", "a.b.c", false},
		{"*.b", "a.b", true},
		{"*.b", ".b", true},
		{"a.*.c", "a.b.c", true},
		{"a.*.c", "a..c", true},
		{"a.*.c", "a.c", false},
		{">", "a", true},
		{">", "a.b.c", true},
		{">", "", true},
		{"PRICE.>", "PRICE", true},
		{"PRICE.>", "PRICE.", true},
		{"PRICE.>", "PRICE.STOCK.IBM", true},
		{"PRICE.>", "PRICES", false},
		{"PRICE.>", "COST.STOCK", false},
		{"a.*.>", "a", false},
		{"a.*.>", "a.b", true},
		{"a.*.>", "a.b.c.d", true},
		{"*.>", "a", true},
		{"a.>.c", "a.b.c", false}, // > means something at the end alone
		{"a.>.c", "a.>.c", true},
		{">.a", "b.a", false},
		{"a*", "ab", false}, // a wildcard is a level of its own
		{"a>", "ab", false},
		{"a.b>", "a.b>", true},
		{"a.*", "a.*", true},
		{"a..b", "a..b", true},
		{"a..b", "a.b", false},
		{"$SYS.load", "$SYS.load", true},
		{">", "$SYS.load", false},
		{"*.load", "$SYS.load", false},
		{"*", "$", false},
		{"$SYS.>", "$SYS.load", true},
		{"$SYS.*", "$SYS.load", true},
		{"a.*", "a.$b", true},
		{"größe.*", "größe.é", true},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %t", c.pattern, c.name, got)
		}
	}
}

func TestIsPattern(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"": false, "a": false, "a.b": false, "a*": false, "a>": false, "a.>.b": false, ">.a": false, "**": false,
		"*": true, ">": true, "a.*": true, "*.a": true, "a.*.b": true, "a.>": true, ".>": true, ".*.": true,
	} {
		if got := IsPattern(name); got != want {
			t.Errorf("IsPattern(%q) = %t", name, got)
		}
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a.*", "*.b", true},
		{"a.*", "b.*", false},
		{"a.*", "a", false},
		{"a.>", "a", true},
		{"a.>", "*", true},
		{"a.>", "*.*.x", true},
		{"a.>", "b.>", false},
		{"*.x.>", "a.*", true},
		{"*.x.>", "a.y.>", false},
		{">", "$SYS.>", false},
		{"*.a", "$SYS.a", false},
		{"$SYS.*", "$SYS.>", true},
		{">", "a.b.c", true},
		{"a.*.c", "a.b.*", true},
		{"a.*.c", "a.b.d", false},
	} {
		for _, p := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
			if got := Overlap(p[0], p[1]); got != c.want {
				t.Errorf("Overlap(%q, %q) = %t", p[0], p[1], got)
			}
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	want := []string{"a", "a.b", "a.b.c", "a.b.*", "a.b.>", "a.*", "a.*.c", "a.*.>", "a.>", "*", "*.b", "*.*", "*.>", ">"}
	got := slices.Clone(want)
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		r.Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, Compare)
		if !slices.Equal(got, want) {
			t.Fatalf("sorted %q", got)
		}
	}
	if Compare("a.*", "b.*") != 0 {
		t.Error("patterns of one shape differ")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		kind fault.Kind // Internal: no error
	}{
		{"a.b", fault.Internal},
		{"a..*.>", fault.Internal},
		{strings.Repeat("x", MaxLength), fault.Internal},
		{strings.Repeat(".", MaxLevels-1), fault.Internal},
		{"", fault.InvalidName},
		{"a\x00", fault.InvalidName},
		{"a\xff", fault.InvalidName},
		{strings.Repeat("x", MaxLength+1), fault.TooLarge},
		{strings.Repeat(".", MaxLevels), fault.TooLarge},
	} {
		err := Check(c.name)
		if (err == nil) != (c.kind == fault.Internal) {
			t.Errorf("Check of %d bytes: %v", len(c.name), err)
			continue
		}
		if f := new(fault.Error); errors.As(err, &f) && f.Kind != c.kind {
			t.Errorf("Check of %d bytes: kind %v, want %v", len(c.name), f.Kind, c.kind)
		}
	}
}

func TestParseString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want Address
	}{
		{"queue://a.b", Address{Queue, "a.b"}},
		{"topic://a.>", Address{Topic, "a.>"}},
		{"temp-queue://x:1", Address{TempQueue, "x:1"}},
		{"temp-topic://x:1", Address{TempTopic, "x:1"}},
	} {
		got := Parse(c.text, None)
		if got != c.want || got.String() != c.text {
			t.Errorf("Parse(%q) = %#v, which is %q", c.text, got, got)
		}
	}
	if got := Parse("plain", Topic); got != (Address{Topic, "plain"}) {
		t.Errorf("without a scheme: %#v", got)
	}
}

// reference is Match written from the definition, on split levels.
func reference(pattern, name []string) bool {
	switch {
	case len(pattern) == 1 && pattern[0] == ">":
		return true
	case len(pattern) == 0 || len(name) == 0:
		return len(pattern) == len(name)
	case pattern[0] != "*" && pattern[0] != name[0]:
		return false
	}
	return reference(pattern[1:], name[1:])
}

func referenceMatch(pattern, name string) bool {
	p, n := strings.Split(pattern, "."), strings.Split(name, ".")
	if strings.HasPrefix(name, "$") && (p[0] == "*" || p[0] == ">" && len(p) == 1) {
		return false
	}
	return reference(p, n)
}

func FuzzMatch(f *testing.F) {
	for _, s := range [][2]string{{"a.*", "a.b"}, {"a.>", "a"}, {">", "$a"}, {"a.>.b", "a.>.b"}, {".*.", "..."}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, pattern, name string) {
		got := Match(pattern, name)
		if want := referenceMatch(pattern, name); got != want {
			t.Fatalf("Match(%q, %q) = %t", pattern, name, got)
		}
		if got && !IsPattern(name) && !Overlap(pattern, name) {
			t.Fatalf("%q matches %q without overlap", pattern, name)
		}
		if got && !IsPattern(name) && pattern != name && Compare(name, pattern) >= 0 {
			t.Fatalf("%q is not more specific than %q", name, pattern)
		}
		if Overlap(pattern, name) != Overlap(name, pattern) {
			t.Fatalf("overlap of %q and %q depends on their order", pattern, name)
		}
		var trie Trie[int]
		trie.Insert(pattern, 1)
		if found := trie.Match(name, nil); (len(found) == 1) != got {
			t.Fatalf("a trie of %q finds %v for %q", pattern, found, name)
		}
	})
}
