// Package accounts reads and edits the files of users and groups: ActiveMQ's users.properties
// (name=password) and groups.properties (group=user,user). A password may be in clear, as those
// files have it, or a bcrypt hash, as manifold user writes it.
package accounts

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// entry is one logical line of a properties file. raw is kept, so that editing one entry leaves
// comments, order and spelling of all others as they are.
type entry struct {
	raw        string // with the line end; several lines where one is continued
	line       int
	key, value string
	isEntry    bool // false for comments and empty lines
}

// parse reads Java's properties format.
func parse(text string) ([]entry, error) {
	var all []entry
	line := 1
	for len(text) > 0 {
		e := entry{line: line}
		logical := ""
		for {
			end := strings.IndexByte(text, '\n') + 1
			if end == 0 {
				end = len(text)
			}
			raw := text[:end]
			e.raw, text = e.raw+raw, text[end:]
			line++
			part := strings.TrimLeft(strings.TrimRight(raw, "\r\n"), " \t\f")
			if logical == "" && (part == "" || part[0] == '#' || part[0] == '!') {
				break
			}
			e.isEntry = true
			if trailingBackslashes(part)%2 == 0 || text == "" {
				logical += part
				break
			}
			logical += part[:len(part)-1]
		}
		if e.isEntry {
			key, value := split(logical)
			var err error
			if e.key, err = unescape(key); err == nil {
				e.value, err = unescape(value)
			}
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", e.line, err)
			}
		}
		all = append(all, e)
	}
	return all, nil
}

func trailingBackslashes(s string) int {
	return len(s) - len(strings.TrimRight(s, `\`))
}

// split cuts a logical line at its first unescaped "=", ":" or white space.
func split(s string) (key, value string) {
	i := 0
	for i < len(s) && !strings.ContainsRune("=: \t\f", rune(s[i])) {
		if s[i] == '\\' {
			i++
		}
		i++
	}
	i = min(i, len(s))
	key, rest := s[:i], strings.TrimLeft(s[i:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	return key, rest
}

func unescape(s string) (string, error) {
	if !strings.Contains(s, `\`) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			if s[i] != '\\' {
				b.WriteByte(s[i])
			}
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+5 > len(s) {
				return "", fmt.Errorf(`\u needs four hexadecimal digits`)
			}
			code, err := strconv.ParseUint(s[i+1:i+5], 16, 16)
			if err != nil {
				return "", fmt.Errorf(`\u needs four hexadecimal digits`)
			}
			b.WriteRune(rune(code))
			i += 4
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), nil
}

// escape writes s so that parse reads it back.
func escape(s string, key bool) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\f':
			b.WriteString(`\f`)
		case r == '\\', key && strings.ContainsRune("=: #!", r), i == 0 && strings.ContainsRune(" #!=:", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == utf8.RuneError:
			b.WriteString(`\ufffd`)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func format(key, value string) string {
	return escape(key, true) + "=" + escape(value, false) + "\n"
}
