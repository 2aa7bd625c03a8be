package transform

import (
	"math"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker/message"
)

// appendJSON appends an element's content as Jettison's mapped convention has it: listed if it
// is one of several in an array.
func appendJSON(dst []byte, e *element, listed bool) []byte {
	if len(e.children) == 0 {
		if e.container() {
			return append(dst, '"', '"')
		}
		return appendPrimitive(dst, e, listed)
	}
	dst = append(dst, '{')
	if unique(e.children) {
		for i := range e.children {
			dst = appendMember(dst, e.children[i].name, i)
			dst = appendJSON(dst, &e.children[i], false)
		}
		return append(dst, '}')
	}
	order, groups := group(e.children)
	for i, name := range order {
		dst = appendMember(dst, name, i)
		members := groups[name]
		if len(members) == 1 {
			dst = appendJSON(dst, members[0], false)
			continue
		}
		for j, m := range members {
			dst = append(dst, "[,"[min(j, 1)])
			dst = appendJSON(dst, m, true)
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendMember(dst []byte, name string, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return append(appendJSONString(dst, name, false), ':')
}

// unique tells without a map what holds for most elements: an entry with two types, one child.
func unique(children []element) bool {
	switch len(children) {
	case 1:
		return true
	case 2:
		return children[0].name != children[1].name
	}
	return false
}

func group(children []element) (order []string, groups map[string][]*element) {
	groups = make(map[string][]*element, 4)
	for i := range children {
		c := &children[i]
		if groups[c.name] == nil {
			order = append(order, c.name)
		}
		groups[c.name] = append(groups[c.name], c)
	}
	return order, groups
}

// appendPrimitive appends text as a JSON value. Jettison does not know the element's type: what
// looks like a number or a truth value becomes one, also in a string, unless that would lose a
// character. It writes a float without the zeros that carry nothing.
func appendPrimitive(dst []byte, e *element, listed bool) []byte {
	s := e.text
	switch {
	case s == "true", s == "false", isLong(s):
		return append(dst, s...)
	case isDouble(s):
		short := shorten(s)
		// Here Jettison would turn the string "3.0" into 3; a float it is still the same.
		if short != s && e.name != "float" && e.name != "double" {
			break
		}
		return append(dst, short...)
	}
	return appendJSONString(dst, s, listed)
}

func isLong(s string) bool {
	if len(s) == 0 || len(s) > 20 || s[0] != '-' && (s[0] < '0' || s[0] > '9') {
		return false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

// isDouble holds for what Double.toString writes, but for negative exponents, which Jettison
// leaves as text.
func isDouble(s string) bool {
	if len(s) < 3 || len(s) > 24 || s[0] != '-' && (s[0] < '0' || s[0] > '9') || strings.Contains(s, "E-") {
		return false
	}
	f, err := strconv.ParseFloat(s, 64)
	return err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) && message.JavaFloat(f, 64) == s
}

func shorten(s string) string {
	if strings.IndexByte(s, 'E') >= 0 || strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// appendJSONString escapes as Jettison does: a slash only after <, but in an array always. Bad
// UTF-8 becomes U+FFFD.
func appendJSONString(dst []byte, s string, listed bool) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i, c := range s {
		switch {
		case c == '"', c == '\\', c == '/' && (listed || i > 0 && s[i-1] == '<'):
			dst = append(dst, '\\', byte(c))
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c == '\u2028':
			dst = append(dst, `\u2028`...)
		case c == '\u2029':
			dst = append(dst, `\u2029`...)
		default:
			dst = append(dst, string(c)...)
		}
	}
	return append(dst, '"')
}
