package selector

import (
	"strings"
	"unicode/utf8"
)

// like is a pattern of LIKE: pieces of text between which there may be anything. The first piece
// begins the value and the last ends it. Since each piece between is looked for only after the
// one before it, leftmost first, and never again, matching takes linear time for ordinary
// patterns and at worst the product of the lengths.
type like struct {
	pattern string // as written
	escape  string // as written, or empty
	pieces  []piece
}

// piece is text with any one character between its parts.
type piece []string

// newLike compiles a pattern. Escape is one character, or empty for none. It only escapes % and
// _ and itself; before any other character it stands for itself.
func newLike(pattern, escape string) like {
	l := like{pattern: pattern, escape: escape}
	var current piece
	var part strings.Builder
	for i := 0; i < len(pattern); {
		_, n := utf8.DecodeRuneInString(pattern[i:])
		c := pattern[i : i+n]
		i += n
		if escape != "" && c == escape && i < len(pattern) {
			_, n = utf8.DecodeRuneInString(pattern[i:])
			if next := pattern[i : i+n]; next == "%" || next == "_" || next == escape {
				part.WriteString(next)
				i += n
				continue
			}
		}
		switch c {
		case "_":
			current = append(current, part.String())
			part.Reset()
		case "%":
			l.pieces = append(l.pieces, append(current, part.String()))
			part.Reset()
			current = nil
		default:
			part.WriteString(c)
		}
	}
	l.pieces = append(l.pieces, append(current, part.String()))
	return l
}

// match reports whether s is like the pattern.
func (l *like) match(s string) bool {
	n := l.pieces[0].prefix(s)
	if n < 0 {
		return false
	}
	s = s[n:]
	last := len(l.pieces) - 1
	if last == 0 {
		return s == ""
	}
	n = l.pieces[last].suffix(s)
	if n < 0 {
		return false
	}
	s = s[:len(s)-n]
	for _, p := range l.pieces[1:last] {
		if n = p.find(s); n < 0 {
			return false
		}
		s = s[n:]
	}
	return true
}

// prefix returns how many bytes of s's beginning p stands for, or -1.
func (p piece) prefix(s string) int {
	at := 0
	for i, part := range p {
		if i > 0 {
			if at == len(s) {
				return -1
			}
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
		}
		if !strings.HasPrefix(s[at:], part) {
			return -1
		}
		at += len(part)
	}
	return at
}

// suffix returns how many bytes of s's end p stands for, or -1.
func (p piece) suffix(s string) int {
	end := len(s)
	for i := len(p) - 1; i >= 0; i-- {
		if !strings.HasSuffix(s[:end], p[i]) {
			return -1
		}
		end -= len(p[i])
		if i > 0 {
			if end == 0 {
				return -1
			}
			_, n := utf8.DecodeLastRuneInString(s[:end])
			end -= n
		}
	}
	return len(s) - end
}

// find returns where the leftmost text that p stands for ends in s, or -1.
func (p piece) find(s string) int {
	for at := 0; ; {
		skip := strings.Index(s[at:], p[0])
		if skip < 0 {
			return -1
		}
		at += skip
		if n := p.prefix(s[at:]); n >= 0 {
			return at + n
		}
		if at == len(s) {
			return -1
		}
		_, n := utf8.DecodeRuneInString(s[at:])
		at += n
	}
}
