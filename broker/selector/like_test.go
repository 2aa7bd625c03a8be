package selector

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// likeRegexp is LIKE without ESCAPE as a regular expression.
func likeRegexp(pattern string) *regexp.Regexp {
	quoted := regexp.QuoteMeta(pattern)
	return regexp.MustCompile(`(?s)\A` + strings.NewReplacer("%", ".*", "_", ".").Replace(quoted) + `\z`)
}

func TestLikeAgainstRegexp(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 5))
	random := func(letters []string) string {
		var b strings.Builder
		for range r.IntN(9) {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		return b.String()
	}
	for range 10_000 {
		pattern, s := random([]string{"%", "_", "a", "b", "é"}), random([]string{"a", "b", "é", "\n"})
		l := newLike(pattern, "")
		if got, want := l.match(s), likeRegexp(pattern).MatchString(s); got != want {
			t.Fatalf("%q LIKE %q is %t", s, pattern, got)
		}
	}
}

// What would make a backtracking matcher take ages. There is no clock in this test: it does not
// end if matching takes exponential time.
func TestLikeHostile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 100_000)
	for pattern, want := range map[string]bool{
		strings.Repeat("%a", 500) + "%":  true,
		strings.Repeat("%a", 500) + "b":  false,
		strings.Repeat("%a", 500) + "%b": false,
		strings.Repeat("%_a", 500) + "%": true,
		strings.Repeat("%", 1000) + "b%": false,
		strings.Repeat("_%", 500):        true,
		"%" + strings.Repeat("_", 500):   true,
		"%a_a_a_b%":                      false,
	} {
		l := newLike(pattern, "")
		if got := l.match(long); got != want {
			t.Errorf("%.20q: %t", pattern, got)
		}
	}
}

func FuzzLike(f *testing.F) {
	f.Add("a%b_c", "", "axbyc")
	f.Add("50!%", "!", "50%")
	f.Add("%_%", "", "é")
	f.Add("a\\", "\\", "a\\")
	f.Fuzz(func(t *testing.T, pattern, escape, s string) {
		if len(pattern) > 200 || len(s) > 2000 || !utf8.ValidString(pattern+" "+escape+" "+s) || utf8.RuneCountInString(escape) > 1 {
			return
		}
		l := newLike(pattern, escape)
		if got := l.match(s); got != naive([]rune(pattern), []rune(escape), []rune(s)) {
			t.Fatalf("%q LIKE %q ESCAPE %q is %t", s, pattern, escape, got)
		}
	})
}

// naive is LIKE by the set of positions that can be reached in s, one character of the pattern
// after the other.
func naive(pattern, escape, s []rune) bool {
	reached := make([]bool, len(s)+1)
	reached[0] = true
	for i := 0; i < len(pattern); i++ {
		c, literal := pattern[i], false
		if len(escape) > 0 && c == escape[0] && i+1 < len(pattern) {
			if next := pattern[i+1]; next == '%' || next == '_' || next == c {
				c, literal = next, true
				i++
			}
		}
		next := make([]bool, len(s)+1)
		for at, ok := range reached {
			switch {
			case c == '%' && !literal:
				next[at] = ok || at > 0 && next[at-1]
			case ok && at < len(s) && (c == '_' && !literal || c == s[at]):
				next[at+1] = true
			}
		}
		reached = next
	}
	return reached[len(s)]
}
