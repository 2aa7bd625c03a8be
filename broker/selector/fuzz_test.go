package selector

import (
	"testing"
	"unicode/utf8"
)

func FuzzParse(f *testing.F) {
	g := readGolden(f)
	for i, r := range g.rows {
		if i < 700 || i%20 == 0 {
			f.Add(r.selector)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		o := Options{MaxLength: 2000, MaxDepth: 100, MaxNodes: 500}
		s, err := Parse(text, o)
		if err != nil {
			if e := err.(*SyntaxError); e.Offset < 0 || e.Offset > len(text) || e.Text == "" {
				t.Fatalf("%q: %#v", text, e)
			}
			return
		}
		if s == nil {
			return
		}
		// The canonical spelling may be longer and have more parentheses.
		again, err := Parse(s.String(), Options{})
		if err != nil {
			t.Fatalf("%q is canonically %q: %v", text, s, err)
		}
		if again.String() != s.String() {
			t.Fatalf("%q is canonically %q and then %q", text, s, again)
		}
		for _, src := range []properties{g.message, {}} {
			got := s.test(src, s.root)
			if s.Matches(src) != (got == yes) {
				t.Fatalf("%q: Matches differs from %s", text, truths[got])
			}
			if other := again.test(src, again.root); other != got {
				t.Fatalf("%q is %s, canonically %q, which is %s", text, truths[got], s, truths[other])
			}
		}
	})
}
