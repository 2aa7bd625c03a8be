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
		if len(pattern) > 200 || len(s) > 2000 || !utf8.ValidString(pattern+escape+s) || utf8.RuneCountInString(escape) > 1 {
			return
		}
		l := newLike(pattern, escape)
		got := l.match(s)
		if escape == "" && got != likeRegexp(pattern).MatchString(s) {
			t.Fatalf("%q LIKE %q is %t", s, pattern, got)
		}
		all := newLike("%"+pattern+"%", escape)
		if got && !strings.HasSuffix(pattern, escape) && !all.match("x"+s+"y") {
			t.Fatalf("%q LIKE %q ESCAPE %q, yet not within other text", s, pattern, escape)
		}
	})
}
