package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads one YAML document into a Config. It goes on after a problem, so that one run
// reports them all.
type decoder struct {
	file     string
	options  []Option
	origins  map[string]Origin
	problems Problems
	lines    []int // see Sources
	clear    bool
}

func (d *decoder) where(n *yaml.Node) string {
	if n == nil || n.Line == 0 {
		return d.file
	}
	line := n.Line
	if d.lines != nil {
		if line = 0; n.Line <= len(d.lines) {
			line = d.lines[n.Line-1]
		}
		if line == 0 {
			return d.file
		}
	}
	return d.file + ":" + strconv.Itoa(line)
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.where(n), path, fmt.Sprintf(format, args...)})
}

// yamlLine finds the line in the messages of the YAML parser.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document parses text; it returns nil for a document without content.
func (d *decoder) document(text []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, next yaml.Node
	err := dec.Decode(&doc)
	if err == nil {
		if err = dec.Decode(&next); err == nil {
			d.fail(&next, "", "a second document; a configuration is one")
			return nil
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		p := Problem{Where: d.file, What: err.Error()}
		if m := yamlLine.FindStringSubmatch(strings.ReplaceAll(p.What, "\n", " ")); m != nil {
			p.What = "not valid YAML: " + m[2]
			if m[1] != "" {
				p.Where += ":" + m[1]
			}
		}
		d.problems = append(d.problems, p)
		return nil
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc.Content[0]
}

// section reads a mapping whose keys are g's children. An empty section is one in which
// everything is commented out.
func (d *decoder) section(g *group, n *yaml.Node, root any, prefix string) {
	if isNull(n) {
		return
	}
	if !d.plain(n, prefix) {
		return
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, prefix, "expected options (name: value), found %s", describe(n))
		return
	}
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			d.fail(key, prefix, "expected the name of an option, found %s", describe(key))
			continue
		}
		path := join(prefix, key.Value)
		if line, dup := seen[key.Value]; dup {
			d.fail(key, path, "given twice; first in line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		child := g.child(key.Value)
		switch {
		case child == nil:
			d.fail(key, path, "no such option%s", d.suggest(g, key.Value, prefix))
		case child.option == nil:
			d.section(child, val, root, path)
		case child.option.Kind() == List:
			d.list(child.option, val, root, path)
		default:
			d.scalar(child.option, val, root, path)
		}
	}
}

// suggest names the option that an unknown key most likely means: a neighbour, or one of the
// same name elsewhere in the file.
func (d *decoder) suggest(g *group, key, prefix string) string {
	names := g.names()
	if near := Nearest(key, names); near != "" {
		return "; did you mean " + join(prefix, near) + "?"
	}
	if !strings.Contains(prefix, "[") {
		for i := range d.options {
			if path := d.options[i].Path; path[strings.LastIndexByte(path, '.')+1:] == key {
				return "; did you mean " + path + "?"
			}
		}
	}
	if len(names) <= 16 {
		return "; there are " + strings.Join(names, ", ")
	}
	return ""
}

func (d *decoder) list(o *Option, n *yaml.Node, root any, path string) {
	if isNull(n) || !d.plain(n, path) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "expected a list, found %s", describe(n))
		return
	}
	d.origins[path] = Origin{FromFile, d.where(n)}
	d.elements(o, n, o.at(root).list, path)
}

func (d *decoder) elements(o *Option, n *yaml.Node, items list, path string) {
	items.clear()
	g := tree(o.Fields)
	for i, element := range n.Content {
		at := path + "[" + strconv.Itoa(i) + "]"
		item := items.grow()
		d.defaults(o.Fields, item)
		d.section(g, element, item, at)
		if isNull(element) {
			d.fail(element, at, "is empty")
			continue
		}
		for j := range o.Fields {
			f := &o.Fields[j]
			if f.Required && f.at(item).get() == "" && !d.reported(at, f.Path) {
				d.fail(element, at+"."+f.Path, "is missing")
			}
		}
	}
}

// reported tells whether a field has a problem already, or its element is no mapping.
func (d *decoder) reported(element, field string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool {
		return p.Path == element+"."+field || p.Path == element && strings.HasPrefix(p.What, "expected")
	})
}

// defaults sets the fields of a fresh element. Optional ones stay absent.
func (d *decoder) defaults(options []Option, item any) {
	for i := range options {
		o := &options[i]
		if v := o.at(item); !o.Required && v.given == nil {
			setDefault(v, o)
		}
	}
}

func (d *decoder) scalar(o *Option, n *yaml.Node, root any, path string) {
	if isNull(n) {
		d.fail(n, path, "has no value; remove the line for the default%s", defaultHint(o))
		return
	}
	if !d.plain(n, path) {
		return
	}
	v := o.at(root)
	var err error
	switch {
	case v.kind == Texts && n.Kind == yaml.SequenceNode:
		all := make([]string, 0, len(n.Content))
		for _, element := range n.Content {
			if !d.plain(element, path) {
				return
			}
			if element.Kind != yaml.ScalarNode || isNull(element) {
				d.fail(element, path, "expected a list of texts, found in it %s", describe(element))
				return
			}
			all = append(all, element.Value)
		}
		err = v.setAll(all)
	case v.kind == Texts && n.Kind == yaml.ScalarNode:
		d.fail(n, path, "expected a list; write [%s]", n.Value)
		return
	case n.Kind != yaml.ScalarNode:
		d.fail(n, path, "expected %s, found %s", article(v.kind), describe(n))
		return
	case d.clear && o.Secret && v.raw != nil && n.Value != "":
		v.raw(n.Value)
	default:
		err = v.set(n.Value)
	}
	if err != nil {
		d.fail(n, path, "%s", maskError(o, n.Value, err))
		return
	}
	d.origins[path] = Origin{FromFile, d.where(n)}
}

// plain refuses what YAML has and a configuration doesn't need: aliases, which can also blow a
// small file up, and type tags.
func (d *decoder) plain(n *yaml.Node, path string) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.fail(n, path, "aliases (*%s) are not understood; write the value out", n.Value)
		return false
	case n.Style&yaml.TaggedStyle != 0:
		d.fail(n, path, "type tags (%s) are not understood", n.Tag)
		return false
	}
	return true
}

// maskError keeps a secret that does not pass its check out of the message.
func maskError(o *Option, text string, err error) string {
	if o.Secret && text != "" {
		return strings.ReplaceAll(err.Error(), text, Mask)
	}
	return err.Error()
}

func isNull(n *yaml.Node) bool {
	return n == nil || n.Kind == 0 || n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "options (name: value)"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if isNull(n) {
		return "nothing"
	}
	value := n.Value
	if len(value) > 40 {
		value = value[:40] + "…"
	}
	return strconv.Quote(value)
}

func article(k Kind) string {
	switch k {
	case Int:
		return "a whole number"
	case Texts:
		return "a list of texts"
	case Bool:
		return "true or false"
	}
	return "a " + k.String()
}

func defaultHint(o *Option) string {
	if o.Default == "" {
		return ""
	}
	return " (" + o.Default + ")"
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}
