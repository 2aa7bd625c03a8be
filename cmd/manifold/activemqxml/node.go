package activemqxml

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// What is read as XML is bounded.
const (
	maxText  = 8 << 20
	maxDepth = 100
	maxNodes = 50_000
	// maxAttributes and maxValue are for one element.
	maxAttributes = 500
	maxValue      = 64 << 10
)

// Name spaces. The older one is that of ActiveMQ 4.
const (
	coreSpace    = "http://activemq.apache.org/schema/core"
	oldSpace     = "http://activemq.org/config/1.0"
	beansSpace   = "http://www.springframework.org/schema/beans"
	contextSpace = "http://www.springframework.org/schema/context"
	// blueprintSpace is that of OSGi, in which Karaf has its brokers.
	blueprintSpace = "http://www.osgi.org/xmlns/blueprint/v1.0.0"
)

// node is an element.
type node struct {
	file     string
	space    string
	name     string
	line     int
	attrs    []attr
	children []*node
	text     string // what stands between its tags, without that of its children
	path     string // the names of the elements around it and its own
}

// attr is an attribute, its placeholders replaced.
type attr struct {
	name  string
	value string
	line  int
	used  bool
}

// attr returns an attribute, or nil.
func (n *node) attr(name string) *attr {
	for i := range n.attrs {
		if n.attrs[i].name == name {
			return &n.attrs[i]
		}
	}
	return nil
}

// value returns an attribute's value, "" if it has none.
func (n *node) value(name string) string {
	if a := n.attr(name); a != nil {
		return a.value
	}
	return ""
}

// child returns the first child of a name, or nil.
func (n *node) child(name string) *node {
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// core reports whether the element is ActiveMQ's own.
func (n *node) core() bool { return n.space == coreSpace || n.space == oldSpace || n.space == "" }

// where is the element's place for people.
func (n *node) where() string { return place(n.file, n.line) }

func place(file string, line int) string { return fmt.Sprintf("%s:%d", file, line) }

// Is reports whether a text is XML and not YAML: it begins with a tag.
func Is(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(text, []byte("<"))
}

// parse reads a document. Its error is config.Problems.
func parse(file string, text []byte) (*node, error) {
	fail := func(line int, format string, args ...any) error {
		return config.Problems{{Where: place(file, line), What: fmt.Sprintf(format, args...)}}
	}
	if len(text) > maxText {
		return nil, fail(1, "larger than %s", config.Size(maxText))
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = charset
	lines := &counter{text: text, line: 1}
	var root *node
	var open []*node
	nodes := 0
	for {
		start := d.InputOffset()
		token, err := d.Token()
		line := lines.at(start)
		if err != nil {
			if errors.Is(err, io.EOF) && root != nil && len(open) == 0 {
				return root, nil
			}
			return nil, fail(line, "not valid XML: %s", strings.TrimPrefix(syntax(err), "XML syntax error on "))
		}
		switch t := token.(type) {
		case xml.Directive:
			if bytes.ContainsAny(t, "[]") {
				return nil, fail(line, "a document type with declarations of its own is not read; remove it")
			}
		case xml.CharData:
			if len(open) > 0 && len(open[len(open)-1].text) < maxValue {
				open[len(open)-1].text += strings.TrimSpace(string(t))
			}
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.StartElement:
			if nodes++; nodes > maxNodes || len(open) >= maxDepth {
				return nil, fail(line, "more than %d elements, or more than %d within each other", maxNodes, maxDepth)
			}
			n := &node{file: file, space: t.Name.Space, name: t.Name.Local, line: line, path: t.Name.Local}
			if len(t.Attr) > maxAttributes {
				return nil, fail(line, "more than %d attributes", maxAttributes)
			}
			raw := text[min(int(start), len(text)):min(int(d.InputOffset()), len(text))]
			at := attributeLines(string(raw), line)
			for i, a := range t.Attr {
				if a.Name.Space == "xmlns" || a.Name.Local == "xmlns" || a.Name.Space == "http://www.w3.org/2001/XMLSchema-instance" {
					continue
				}
				if n.attr(a.Name.Local) != nil {
					return nil, fail(line, "the attribute %s is given twice", a.Name.Local)
				}
				where := line
				if i < len(at) {
					where = at[i]
				}
				n.attrs = append(n.attrs, attr{name: a.Name.Local, value: strings.TrimSpace(a.Value), line: where})
			}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				n.path = parent.path + "/" + n.name
				parent.children = append(parent.children, n)
			case root != nil:
				return nil, fail(line, "a second document")
			default:
				root = n
			}
			open = append(open, n)
		}
	}
}

// syntax words an error of the parser without its own count of lines.
func syntax(err error) string {
	var s *xml.SyntaxError
	if errors.As(err, &s) {
		return s.Msg
	}
	return err.Error()
}

// charset reads the encodings that Java's editors wrote. UTF-8 does not come here.
func charset(name string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "iso-8859-1", "latin1", "us-ascii", "ascii":
	default:
		return nil, fmt.Errorf("the encoding %s is not read; save the file as UTF-8", name)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	runes := make([]rune, len(text))
	for i, c := range text {
		runes[i] = rune(c)
	}
	return strings.NewReader(string(runes)), nil
}

// counter finds lines by offsets that ascend.
type counter struct {
	text []byte
	off  int
	line int
}

func (c *counter) at(offset int64) int {
	end := min(int(offset), len(c.text))
	if end > c.off {
		c.line += bytes.Count(c.text[c.off:end], []byte("\n"))
		c.off = end
	}
	return c.line
}

// attributeLines returns the line of each attribute of a start tag that begins in a line.
func attributeLines(tag string, line int) []int {
	var lines []int
	at := 0
	skip := func(stop func(byte) bool) {
		for at < len(tag) && !stop(tag[at]) {
			if tag[at] == '\n' {
				line++
			}
			at++
		}
	}
	blank := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
	skip(func(c byte) bool { return blank(c) || c == '>' }) // the element's name
	for {
		skip(func(c byte) bool { return !blank(c) })
		if at >= len(tag) || tag[at] == '>' || tag[at] == '/' {
			return lines
		}
		lines = append(lines, line)
		skip(func(c byte) bool { return c == '"' || c == '\'' || c == '>' })
		if at >= len(tag) || tag[at] == '>' {
			return lines
		}
		quote := tag[at]
		at++
		skip(func(c byte) bool { return c == quote })
		at++
	}
}
