package address

import "strings"

// Pattern levels. A level is a wildcard only if it is nothing else, and Rest only at the end.
const (
	separator = '.'
	anyLevel  = "*" // stands for exactly one level, whatever it is
	rest      = ">" // stands for this and all further levels, or for none: a.> matches a
	guard     = '$' // begins the first level of names that a leading wildcard leaves out
)

// IsPattern reports whether a name has a wildcard: a level * anywhere, or a last level >.
// Whether a name is meant as a pattern depends on its use: a message sent to a.* goes to the
// destination of exactly that name.
func IsPattern(name string) bool {
	for {
		level, after, more := strings.Cut(name, string(separator))
		if level == anyLevel || level == rest && !more {
			return true
		}
		if !more {
			return false
		}
		name = after
	}
}

// Match reports whether a pattern stands for a name. A pattern without wildcards stands for
// itself. A name whose first level begins with $ is not matched by a pattern that begins with a
// wildcard.
func Match(pattern, name string) bool {
	if guarded(name) && leadsWild(pattern) {
		return false
	}
	for {
		want, patternRest, patternMore := strings.Cut(pattern, string(separator))
		if want == rest && !patternMore {
			return true
		}
		level, nameRest, nameMore := strings.Cut(name, string(separator))
		if want != anyLevel && want != level {
			return false
		}
		switch {
		case !nameMore:
			return !patternMore || patternRest == rest
		case !patternMore:
			return false
		}
		pattern, name = patternRest, nameRest
	}
}

// Overlap reports whether some name matches both patterns. Either may be a plain name.
func Overlap(a, b string) bool {
	if guarded(a) && leadsWild(b) || guarded(b) && leadsWild(a) {
		return false
	}
	for {
		levelA, restA, moreA := strings.Cut(a, string(separator))
		levelB, restB, moreB := strings.Cut(b, string(separator))
		if levelA == rest && !moreA || levelB == rest && !moreB {
			return true
		}
		if levelA != levelB && levelA != anyLevel && levelB != anyLevel {
			return false
		}
		switch {
		case !moreA:
			return !moreB || restB == rest
		case !moreB:
			return restA == rest
		}
		a, b = restA, restB
	}
}

// Compare orders patterns by how specific they are, for where the most specific wins: it is
// negative if p is more specific than q, positive if less, and 0 if their wildcards are at the
// same levels. The leftmost difference decides: a literal level is more specific than *, and *
// is more so than >. So where q stands for all that p does and more, p is the more specific. It
// is a weak order, fit for slices.SortStableFunc.
func Compare(p, q string) int {
	for moreP, moreQ := true, true; moreP || moreQ; {
		var rankP, rankQ int
		rankP, p, moreP = rank(p, moreP)
		rankQ, q, moreQ = rank(q, moreQ)
		if rankP != rankQ {
			return rankP - rankQ
		}
	}
	return 0
}

// rank returns how unspecific the first level of a pattern is, and the levels after it.
func rank(pattern string, more bool) (int, string, bool) {
	if !more {
		return 0, "", false
	}
	level, after, more := strings.Cut(pattern, string(separator))
	switch {
	case level == rest && !more:
		return 3, after, more
	case level == anyLevel:
		return 2, after, more
	}
	return 1, after, more
}

// guarded reports whether a name is out of reach of patterns that begin with a wildcard.
func guarded(name string) bool { return name != "" && name[0] == guard }

// leadsWild reports whether a pattern's first level is a wildcard.
func leadsWild(pattern string) bool {
	level, _, more := strings.Cut(pattern, string(separator))
	return level == anyLevel || level == rest && !more
}
