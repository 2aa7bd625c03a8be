package config

import "strings"

// Nearest returns the candidate that is most likely meant by a misspelt name, or "".
func Nearest(name string, candidates []string) string {
	if len(name) > 64 { // nobody mistypes that; and the comparison is quadratic
		return ""
	}
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if strings.EqualFold(c, name) || squash(c) == squash(name) {
			return c
		}
		if d := distance(name, c); d < bestDistance && d < len(c) {
			best, bestDistance = c, d
		}
	}
	return best
}

// squash makes drainTimeout, drain-timeout and drain_timeout the same.
func squash(s string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(s))
}

// distance is the number of single-character insertions, deletions, changes and swaps of
// neighbours that turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
