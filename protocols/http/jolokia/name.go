package jolokia

import (
	"slices"
	"strings"
)

// Longest names and patterns in bytes. A destination's name may have 32 KiB.
const (
	maxName    = 40 << 10
	maxPattern = 1 << 10
)

// property is one key property of an object's name.
type property struct{ key, value string }

// name is the name of an object (javax.management.ObjectName), or a pattern of names.
type name struct {
	domain  string
	list    []property // in the order in which they were given
	open    bool       // a pattern that further properties may match: ,*
	pattern bool
}

// parseName reads a name; reason says what is wrong with it, in Java's words.
func parseName(text string) (n name, reason string) {
	domain, rest, ok := strings.Cut(text, ":")
	switch {
	case !ok:
		return n, "Key properties cannot be empty"
	case len(text) > maxName:
		return n, "The name is too long"
	}
	n.domain = domain
	n.pattern = strings.ContainsAny(domain, "*?")
	for more := true; more; {
		if rest == "*" || strings.HasPrefix(rest, "*,") {
			if n.open {
				return n, "Cannot have several '*' characters in pattern property list"
			}
			n.open, n.pattern = true, true
			rest, more = strings.TrimPrefix(rest[1:], ","), len(rest) > 1
			continue
		}
		var p property
		if p.key, rest, ok = strings.Cut(rest, "="); !ok {
			if p.key == "" && len(n.list) == 0 {
				return n, "Key properties cannot be empty"
			}
			return n, "Unterminated key property part"
		}
		if p.key == "" || strings.ContainsAny(p.key, ",:*?\n") {
			return n, "Invalid key (empty)"
		}
		p.value, rest, more, reason = cutValue(rest)
		if reason != "" {
			return n, reason
		}
		if slices.ContainsFunc(n.list, func(o property) bool { return o.key == p.key }) {
			return n, "key already defined: `" + p.key + "'"
		}
		n.pattern = n.pattern || strings.ContainsAny(p.value, "*?")
		n.list = append(n.list, p)
		if len(n.list) > 32 {
			return n, "There are too many key properties"
		}
	}
	if n.pattern && len(text) > maxPattern {
		return n, "The pattern is too long"
	}
	return n, ""
}

// cutValue takes a value, in quotes or not, off what follows a key.
func cutValue(s string) (value, rest string, more bool, reason string) {
	if !strings.HasPrefix(s, `"`) {
		value, rest, more = strings.Cut(s, ",")
		if strings.ContainsAny(value, "=:\"\n") {
			return "", "", false, "Invalid character in value part of property"
		}
		return value, rest, more, ""
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			if rest = s[i+1:]; rest == "" {
				return s[:i+1], "", false, ""
			}
			if rest[0] != ',' {
				return "", "", false, "Invalid character after a quoted value"
			}
			return s[:i+1], rest[1:], true, ""
		}
	}
	return "", "", false, "Missing termination quote"
}

// get returns a property, "" if there is none.
func (n *name) get(key string) string {
	for i := range n.list {
		if n.list[i].key == key {
			return n.list[i].value
		}
	}
	return ""
}

// String returns the name with its properties in their order.
func (n *name) String() string { return n.domain + ":" + n.properties(n.list) }

// canonical returns the name with its properties sorted.
func (n *name) canonical() string { return n.domain + ":" + n.sorted() }

func (n *name) sorted() string {
	list := slices.Clone(n.list)
	slices.SortFunc(list, func(a, b property) int { return strings.Compare(a.key, b.key) })
	return n.properties(list)
}

func (n *name) properties(list []property) string {
	var b strings.Builder
	for i, p := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p.key)
		b.WriteByte('=')
		b.WriteString(p.value)
	}
	if n.open {
		if len(list) > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('*')
	}
	return b.String()
}

// matches reports whether a pattern, or a name, stands for the name o.
func (n *name) matches(o *name) bool {
	if len(n.list) > len(o.list) || !n.open && len(n.list) != len(o.list) || !wildcard(n.domain, o.domain) {
		return false
	}
next:
	for i := range n.list {
		for j := range o.list {
			if o.list[j].key == n.list[i].key {
				if !wildcard(n.list[i].value, o.list[j].value) {
					return false
				}
				continue next
			}
		}
		return false
	}
	return true
}

// wildcard matches text with a pattern, where * stands for any characters and ? for one.
func wildcard(pattern, text string) bool {
	if !strings.ContainsAny(pattern, "*?") {
		return pattern == text
	}
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == text[t] || pattern[p] == '?'):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// encode makes text fit for a name's value, as ActiveMQ does: it can't be undone.
func encode(text string) string {
	if !strings.ContainsAny(text, `:,'"?=*`+"\n") {
		return text
	}
	return strings.NewReplacer(":", "_", ",", "_", "'", "_", `"`, "_", "?", "&qe;", "=", "&amp;", "*", "&ast;", "\n", "_").Replace(text)
}
