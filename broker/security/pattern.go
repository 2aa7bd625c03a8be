package security

import (
	"errors"
	"strings"
)

// A pattern is a destination's name, in which a level "*" stands for one level and a last level
// ">" for the rest, which may be empty: "a.>" matches "a" as well, as in ActiveMQ.
type pattern string

// newPattern checks the spelling of a pattern in an entry.
func newPattern(name string) (pattern, error) {
	if name == "" {
		return "", errors.New("names no destination")
	}
	for rest := name; ; {
		level, after, more := strings.Cut(rest, ".")
		if level == ">" && more {
			return "", errors.New("has levels after >, which stands for all the rest")
		}
		if !more {
			return pattern(name), nil
		}
		rest = after
	}
}

// covers reports whether p matches all that name matches, where name may itself be a pattern. In
// doubt it says no: a ">" in the middle of name, which some clients take literally, counts as
// one at the end.
func (p pattern) covers(name string) bool {
	entry, more := string(p), true
	rest, left := name, true
	for {
		var level, want string
		if !more {
			return !left
		}
		if level, entry, more = strings.Cut(entry, "."); level == ">" {
			return true
		}
		if !left {
			return false
		}
		if want, rest, left = strings.Cut(rest, "."); want == ">" || level != "*" && level != want {
			return false
		}
	}
}
