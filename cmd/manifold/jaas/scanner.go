package jaas

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kind is what a token is.
type kind uint8

const (
	end    kind = iota // of the text
	word               // bare or quoted
	symbol             // one of { } ; =
)

// token is one piece of the text.
type token struct {
	kind kind
	text string
	line int
}

// String names a token in an error.
func (t token) String() string {
	if t.kind == end {
		return "the end of the file"
	}
	return fmt.Sprintf("%q", t.text)
}

// scanner cuts a text into tokens as Java's ConfigFile does with its StreamTokenizer.
type scanner struct {
	rest string
	line int
}

// failure is an error at a line.
func failure(line int, format string, args ...any) error {
	return fmt.Errorf("%d: "+format, append([]any{line}, args...)...)
}

// next returns the next token.
func (s *scanner) next() (token, error) {
	if err := s.skip(); err != nil {
		return token{}, err
	}
	t := token{line: s.line}
	switch {
	case s.rest == "":
		return t, nil
	case strings.IndexByte("{};=", s.rest[0]) >= 0:
		t.kind, t.text, s.rest = symbol, s.rest[:1], s.rest[1:]
		return t, nil
	case s.rest[0] == '"':
		text, err := s.quoted()
		t.kind, t.text = word, text
		return t, err
	}
	n := 0
	for n < len(s.rest) && bare(s.rest[n]) {
		n++
	}
	if n == 0 {
		r, _ := utf8.DecodeRuneInString(s.rest)
		return t, failure(s.line, "%q is not expected here; a value that has it needs quotes", r)
	}
	t.kind, t.text, s.rest = word, s.rest[:n], s.rest[n:]
	return t, nil
}

// bare reports whether a byte may stand in a word without quotes.
func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-$*", c) >= 0 || c >= 0xa0
}

// skip steps over white space and comments.
func (s *scanner) skip() error {
	for s.rest != "" {
		switch {
		case s.rest[0] <= ' ':
			if s.rest[0] == '\n' {
				s.line++
			}
			s.rest = s.rest[1:]
		case strings.HasPrefix(s.rest, "//"):
			if i := strings.IndexByte(s.rest, '\n'); i >= 0 {
				s.rest = s.rest[i:]
			} else {
				s.rest = ""
			}
		case strings.HasPrefix(s.rest, "/*"):
			i := strings.Index(s.rest[2:], "*/")
			if i < 0 {
				return failure(s.line, "the comment has no end")
			}
			s.line += strings.Count(s.rest[:i+2], "\n")
			s.rest = s.rest[i+4:]
		default:
			return nil
		}
	}
	return nil
}

// quoted reads a text in quotes, which ends on its line.
func (s *scanner) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			s.rest = s.rest[i+1:]
			return b.String(), nil
		case '\n', '\r':
			return "", failure(s.line, "the quote has no end on its line")
		case '\\':
			i++
			if i == len(s.rest) {
				return "", failure(s.line, "the quote has no end on its line")
			}
			n := octal(s.rest[i:])
			if n == 0 {
				b.WriteByte(escaped(s.rest[i]))
				continue
			}
			v := 0
			for _, d := range []byte(s.rest[i : i+n]) {
				v = v*8 + int(d-'0')
			}
			b.WriteRune(rune(v)) // at most \377
			i += n - 1
		default:
			b.WriteByte(c)
		}
	}
	return "", failure(s.line, "the quote has no end on its line")
}

// octal returns how many digits of an octal escape begin s: three only up to \377.
func octal(s string) int {
	n := 0
	for n < len(s) && n < 3 && s[n] >= '0' && s[n] <= '7' {
		n++
	}
	if n == 3 && s[0] > '3' {
		n = 2
	}
	return n
}

// escaped returns what a backslash and c stand for.
func escaped(c byte) byte {
	switch c {
	case 'a':
		return 7
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'v':
		return '\v'
	default:
		return c
	}
}
