package security

import (
	"strings"
	"testing"
)

// mustAuthority returns an authority.
func mustAuthority(t testing.TB, o Options) *Authority {
	t.Helper()
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// mustLogin returns who shows the credentials.
func mustLogin(t testing.TB, a *Authority, c Credentials) *Principal {
	t.Helper()
	p, err := a.Authenticate(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// instances returns names that a pattern matches.
func instances(name, filler string) []string {
	filler = strings.NewReplacer("*", "x", ">", "y").Replace(filler) // of a name, not of a pattern
	one, _, _ := strings.Cut(filler, ".")
	levels := strings.Split(name, ".")
	for i, l := range levels {
		if l == "*" {
			levels[i] = one
		}
	}
	last := len(levels) - 1
	if levels[last] != ">" {
		return []string{strings.Join(levels, ".")}
	}
	var out []string
	if last > 0 {
		out = append(out, strings.Join(levels[:last], "."))
	}
	levels[last] = filler
	return append(out, strings.Join(levels, "."))
}
