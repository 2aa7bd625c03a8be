// Package properties reads and writes the files in which ActiveMQ keeps users and groups:
// Java's property files, in the grammar of java.util.Properties. Unlike Java it reports what is
// doubtful instead of guessing, since what it reads opens doors: a key that comes twice, an
// escape that is cut off, a file that holds control characters.
package properties

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 16 << 20

// Property is one key and its value.
type Property struct {
	Key   string
	Value string
	Line  int // where the key stands, from 1
}

// ReadFile reads a file. Its errors begin with the file's path.
func ReadFile(path string) ([]Property, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, err
	}
	list, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return list, nil
}

// Parse reads the contents of a file. Bytes that are not UTF-8 throughout are taken for ISO
// 8859-1, as Java takes them. Errors begin with the number of the line.
func Parse(data []byte) ([]Property, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("1: the file is larger than %d bytes", MaxSize)
	}
	s := strings.TrimPrefix(decode(data), "\ufeff")
	p := parser{rest: s, line: 1}
	seen := make(map[string]int)
	var list []Property
	for {
		prop, ok, err := p.next()
		if err != nil {
			return nil, fmt.Errorf("%d: %w", p.line, err)
		}
		if !ok {
			return list, nil
		}
		if first, twice := seen[prop.Key]; twice {
			return nil, fmt.Errorf("%d: %q is also the key of line %d", prop.Line, prop.Key, first)
		}
		seen[prop.Key] = prop.Line
		list = append(list, prop)
	}
}

// Escape writes a text so that Parse gives it back, as key or as value.
func Escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case strings.ContainsRune(` =:#!\`, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < ' ' || r >= 0x7f:
			for _, u := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, `\u%04x`, u)
			}
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// decode returns data as text.
func decode(data []byte) string {
	if utf8.Valid(data) {
		return string(data)
	}
	runes := make([]rune, len(data))
	for i, c := range data {
		runes[i] = rune(c)
	}
	return string(runes)
}

// parser is at a position in a file.
type parser struct {
	rest string
	line int
}

const blanks = " \t\f"

// next reads one property; ok is false at the end.
func (p *parser) next() (prop Property, ok bool, err error) {
	for {
		p.rest = strings.TrimLeft(p.rest, blanks)
		switch {
		case p.rest == "":
			return prop, false, nil
		case p.end():
		case p.rest[0] == '#' || p.rest[0] == '!':
			if i := strings.IndexAny(p.rest, "\r\n"); i >= 0 {
				p.rest = p.rest[i:]
			} else {
				p.rest = ""
			}
		default:
			return p.property()
		}
	}
}

// end steps over the end of a line.
func (p *parser) end() bool {
	switch {
	case strings.HasPrefix(p.rest, "\r\n"):
		p.rest = p.rest[2:]
	case strings.HasPrefix(p.rest, "\n"), strings.HasPrefix(p.rest, "\r"):
		p.rest = p.rest[1:]
	default:
		return false
	}
	p.line++
	return true
}

// property reads key, separator and value.
func (p *parser) property() (prop Property, ok bool, err error) {
	prop.Line = p.line
	if prop.Key, err = p.text(true); err != nil {
		return prop, false, err
	}
	if prop.Key == "" {
		return prop, false, errors.New("a value without a key")
	}
	p.blanks()
	if strings.HasPrefix(p.rest, "=") || strings.HasPrefix(p.rest, ":") {
		p.rest = p.rest[1:]
		p.blanks()
	}
	prop.Value, err = p.text(false)
	return prop, err == nil, err
}

// blanks steps over blanks and continued lines.
func (p *parser) blanks() {
	for {
		p.rest = strings.TrimLeft(p.rest, blanks)
		if !p.continued() {
			return
		}
	}
}

// continued steps over a backslash at the end of a line, if it comes next, and over the blanks
// that begin the next one.
func (p *parser) continued() bool {
	if len(p.rest) < 2 || p.rest[0] != '\\' || p.rest[1] != '\r' && p.rest[1] != '\n' {
		return false
	}
	p.rest = p.rest[1:]
	p.end()
	p.rest = strings.TrimLeft(p.rest, blanks)
	return true
}

// text reads a key, up to its separator, or a value, up to the end of the line.
func (p *parser) text(key bool) (string, error) {
	var b strings.Builder
	for p.rest != "" {
		c := p.rest[0]
		switch {
		case c == '\r' || c == '\n' || key && strings.IndexByte("=:"+blanks, c) >= 0:
			return b.String(), nil
		case p.continued():
			continue
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			continue
		case c < ' ' && c != '\t' && c != '\f' || c == 0x7f:
			return "", fmt.Errorf("the control character 0x%02x", c)
		}
		b.WriteByte(c)
		p.rest = p.rest[1:]
	}
	return b.String(), nil
}

// escape reads a backslash and what it stands for.
func (p *parser) escape() (rune, error) {
	if len(p.rest) < 2 {
		return 0, errors.New(`the file ends with \`)
	}
	r, size := utf8.DecodeRuneInString(p.rest[1:])
	if r == 'u' {
		return p.unicode()
	}
	p.rest = p.rest[1+size:]
	switch r {
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 'f':
		return '\f', nil
	default:
		return r, nil
	}
}

// unicode reads \uXXXX, or two of them that make one character.
func (p *parser) unicode() (rune, error) {
	r, err := p.unit()
	if err != nil || !utf16.IsSurrogate(r) {
		return r, err
	}
	if strings.HasPrefix(p.rest, `\u`) {
		low, err := p.unit()
		if err != nil {
			return 0, err
		}
		if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
			return r, nil
		}
	}
	return 0, errors.New(`half of a character in \uXXXX form`)
}

// unit reads one \uXXXX.
func (p *parser) unit() (rune, error) {
	if len(p.rest) < 6 {
		return 0, errors.New(`\u without four hexadecimal digits`)
	}
	var r rune
	for i := 2; i < 6; i++ {
		d := strings.IndexByte("0123456789abcdefABCDEF", p.rest[i])
		if d < 0 {
			return 0, errors.New(`\u without four hexadecimal digits`)
		}
		if d > 15 {
			d -= 6
		}
		r = r<<4 | rune(d)
	}
	p.rest = p.rest[6:]
	return r, nil
}
