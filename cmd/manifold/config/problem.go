package config

import (
	"errors"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Where string `json:"where"`          // "config.yaml:12", "MANIFOLD_LIMITS_MEMORY" or "--limits-memory"
	Path  string `json:"path,omitempty"` // "limits.memory", "listeners[0].address"
	What  string `json:"what"`
}

// String puts the parts of a problem on one line.
func (p Problem) String() string {
	parts := make([]string, 0, 3)
	for _, part := range []string{p.Where, p.Path, p.What} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Problems is all that is wrong with a configuration, in the order of the file. It is the error
// that Load and Parse return for a bad configuration.
type Problems []Problem

// Error has a line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ProblemsOf returns the problems in err's chain, if err is about a bad configuration.
func ProblemsOf(err error) (Problems, bool) {
	var ps Problems
	ok := errors.As(err, &ps)
	return ps, ok
}
