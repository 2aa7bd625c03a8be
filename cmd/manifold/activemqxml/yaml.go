package activemqxml

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// value is a piece of the configuration to be written: a scalar, a mapping or a list.
type value struct {
	key      string
	scalar   string // as YAML has it; "" for a mapping or a list
	list     bool
	children []*value
	comments []string
	line     int // of the file that it comes from
}

// at returns the value under a dotted path, which it makes.
func (v *value) at(path string, line int) *value {
	for part := range strings.SplitSeq(path, ".") {
		i := slices.IndexFunc(v.children, func(c *value) bool { return c.key == part })
		if i < 0 {
			v.children = append(v.children, &value{key: part, line: line})
			i = len(v.children) - 1
		}
		v = v.children[i]
	}
	return v
}

// get returns the value under a dotted path, or nil.
func (v *value) get(path string) *value {
	for part := range strings.SplitSeq(path, ".") {
		i := slices.IndexFunc(v.children, func(c *value) bool { return c.key == part })
		if i < 0 {
			return nil
		}
		v = v.children[i]
	}
	return v
}

// set writes a scalar that needs no quotes: a number, a size, a truth value.
func (v *value) set(path, scalar string, line int) *value {
	c := v.at(path, line)
	c.scalar, c.line = scalar, line
	return c
}

// text writes a text.
func (v *value) text(path, s string, line int) *value { return v.set(path, quote(s), line) }

// texts writes a list of texts.
func (v *value) texts(path string, list []string, line int) *value {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = quote(s)
	}
	return v.set(path, "["+strings.Join(quoted, ", ")+"]", line)
}

// grow adds an element to a list.
func (v *value) grow(path string, line int) *value {
	c := v.at(path, line)
	c.list, c.scalar = true, ""
	e := &value{line: line}
	c.children = append(c.children, e)
	return e
}

// empty makes a list that is there and has no element.
func (v *value) empty(path string, line int) *value {
	c := v.at(path, line)
	c.list = true
	return c
}

// comment puts a remark above the value.
func (v *value) comment(format string, args ...any) *value {
	v.comments = append(v.comments, fmt.Sprintf(format, args...))
	return v
}

// quote writes a text as YAML that reads back as the same text.
func quote(s string) string {
	if s == "" || s == "true" || s == "false" || s == "null" || s == "yes" || s == "no" || s == "on" || s == "off" {
		return strconv.Quote(s)
	}
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 && r != '/' || !strings.ContainsRune("0123456789._/-+", r)) {
			return strconv.Quote(s)
		}
	}
	return s
}

// yamlWriter writes values, and remembers which line of the file each line comes from.
type yamlWriter struct {
	bytes.Buffer
	lines []int
}

func (w *yamlWriter) println(line int, indent, text string) {
	w.WriteString(strings.TrimRight(indent+text, " "))
	w.WriteByte('\n')
	w.lines = append(w.lines, line)
}

// remark writes a comment of several lines, folded.
func (w *yamlWriter) remark(line int, indent, text string) {
	width := max(100-len(indent), 40)
	if strings.HasPrefix(text, "$ ") { // a command, to be copied
		width = len(text)
	}
	for text != "" {
		rest := ""
		if len(text) > width {
			if i := strings.LastIndexByte(text[:width], ' '); i > 0 {
				text, rest = text[:i], text[i+1:]
			}
		}
		w.println(line, indent, "# "+clean(text))
		text = rest
	}
}

// clean keeps a comment on its line, whatever the file has in its names.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
}

// document writes the sections in the order in which the configuration's reference has them.
func (w *yamlWriter) document(root *value) {
	order := make(map[string]int)
	for i, o := range config.Options() {
		section, _, _ := strings.Cut(o.Path, ".")
		if _, seen := order[section]; !seen {
			order[section] = i
		}
	}
	slices.SortStableFunc(root.children, func(a, b *value) int { return order[a.key] - order[b.key] })
	for _, c := range root.children {
		w.println(0, "", "")
		w.field(c, "", "")
	}
}

// field writes a key and its value. lead is what stands before the key instead of indent: the dash
// of a list's element.
func (w *yamlWriter) field(v *value, indent, lead string) {
	if lead == "" {
		lead = indent
	}
	for _, c := range v.comments {
		w.remark(v.line, indent, c)
	}
	switch {
	case v.scalar != "":
		w.println(v.line, lead, v.key+": "+v.scalar)
	case v.list && len(v.children) == 0:
		w.println(v.line, lead, v.key+": []")
	default:
		w.println(v.line, lead, v.key+":")
		for _, c := range v.children {
			if v.list {
				w.element(c, indent+"  ")
			} else {
				w.field(c, indent+"  ", "")
			}
		}
	}
}

// element writes one element of a list.
func (w *yamlWriter) element(v *value, indent string) {
	for _, c := range v.comments {
		w.remark(v.line, indent, c)
	}
	for i, c := range v.children {
		if i > 0 {
			w.field(c, indent+"  ", "")
			continue
		}
		for _, text := range c.comments {
			w.remark(c.line, indent, text)
		}
		first := *c
		first.comments = nil
		w.field(&first, indent+"  ", indent+"- ")
	}
}
