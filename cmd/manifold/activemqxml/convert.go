package activemqxml

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// Source is what a file is read with.
type Source struct {
	Name string // the path, for lines and as what other paths are relative to
	Text []byte
	// Properties are Java's system properties, and Environment the variables of the environment, from
	// both of which placeholders get their values. Those that ActiveMQ's start script sets
	// (activemq.conf, activemq.data and so on) follow from Name if they are not given.
	Properties  map[string]string
	Environment map[string]string
	// Heap is the largest size of ActiveMQ's Java heap (-Xmx), which a limit may be a percentage
	// of; 0: the start script's, 1 GiB.
	Heap int64
	// Disk returns the size of the file system that a path is on, for limits that are percentages of
	// it. nil: such a limit is dropped.
	Disk func(path string) (int64, error)
	// Read returns a file that this one names: properties, logins, the web server's. nil: there is none.
	Read func(name string) ([]byte, error)
	// Hash makes a bcrypt hash of a password. nil: passwords stand in the YAML in clear.
	Hash func(password string) (string, error)
	// Lenient drops what ActiveMQ 5.17 does not know, instead of refusing it.
	Lenient bool
}

// converter reads one file.
type converter struct {
	in         Source
	classes    map[string]*class
	properties map[string]string // of property files
	standard   map[string]string
	out        *value
	entries    []Entry
	problems   config.Problems
	imported   map[string]bool

	broker       *node
	listeners    listeners
	policies     policies
	users        users
	store        storage
	interceptors bool
	purges       bool // inactive destinations are deleted at all
	expansions   int
	created      []string
	createdLine  int
}

// Convert reads a file. What is wrong with it is config.Problems, all that there are.
func Convert(in Source) (*Result, error) {
	root, err := parse(in.Name, in.Text)
	if err != nil {
		return nil, err
	}
	if in.Read == nil {
		in.Read = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	}
	c := &converter{
		in: in, classes: make(map[string]*class), properties: make(map[string]string), standard: standardProperties(in.Name),
		out: &value{}, imported: make(map[string]bool),
	}
	list := classes()
	for i := range list {
		c.classes[list[i].name] = &list[i]
	}
	c.files(root)
	c.expandAll(root)
	if len(c.problems) > 0 { // with which nothing else would be right
		return nil, c.problems
	}
	c.root(root)
	if c.broker == nil && len(c.problems) == 0 {
		c.fail(root.where(), root.path, "holds no <broker> of %s", coreSpace)
	}
	if len(c.problems) == 0 {
		c.finish()
	}
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return c.result(), nil
}

// finish writes what needed the whole file to be known.
func (c *converter) finish() {
	c.finishStore()
	c.finishPolicies()
	c.finishDestinations()
	c.finishListeners()
	c.finishSecurity()
}

// result writes the YAML.
func (c *converter) result() *Result {
	r := &Result{Entries: c.entries}
	w := &yamlWriter{}
	w.remark(0, "", fmt.Sprintf("Converted from %s.", clean(c.in.Name)))
	if lost := r.Lost(); len(lost) > 0 {
		w.remark(0, "", "What has no place here and changes what the broker does:")
		for i := range lost {
			w.remark(0, "", "- "+clean(lost[i].String()))
		}
	}
	w.document(c.out)
	r.YAML, r.Lines = w.Bytes(), w.lines
	return r
}

func (c *converter) fail(where, path, format string, args ...any) {
	c.problems = append(c.problems, config.Problem{Where: where, Path: path, What: fmt.Sprintf(format, args...)})
}

// report tells what became of an element.
func (c *converter) report(n *node, fate Fate, option, note string, changes bool) {
	c.entries = append(c.entries, Entry{File: n.file, Line: n.line, Element: n.path, Fate: fate, Option: option, Note: note, Changes: changes})
}

// class returns what is known of an element, and reports its own fate. It fails for one that is
// not known, or not in a parent of that class.
func (c *converter) class(n *node, parent *class) *class {
	own := n.value("class")
	translated := n.space == beansSpace && n.name == "bean" && n.translate()
	k := c.classes[n.name]
	switch {
	case n.space == beansSpace, translated && (k == nil || !contains(parent.children, n.name)):
		c.foreign(n, parent, "a bean of the application's own: "+own)
		return nil
	case !n.core():
		c.foreign(n, parent, "an element of "+n.space)
		return nil
	case k == nil || !contains(parent.children, n.name):
		c.unknown(n, parent)
		return nil
	}
	c.report(n, k.fate, k.option, k.note, k.changes)
	if k.open {
		return nil
	}
	return k
}

// foreign drops an element that is not ActiveMQ's. As a plugin, it may be the one that asks who clients
// are.
func (c *converter) foreign(n *node, parent *class, note string) {
	if parent.name == "plugins" {
		c.users.unknown, c.users.line = n.name, n.line
		note += "; if it asks who clients are, users have to be set up"
	}
	c.report(n, Dropped, "", note, true)
}

func contains(list []string, name string) bool {
	for _, s := range list {
		if s == name {
			return true
		}
	}
	return false
}

// unknown refuses an element, or drops it.
func (c *converter) unknown(n *node, parent *class) {
	if c.in.Lenient {
		c.foreign(n, parent, "no element that is known in "+parent.name)
		return
	}
	c.fail(n.where(), n.path, "no element that %s can have%s", parent.name, c.hint(n.name, parent.children))
}

// hint names what was most likely meant. A file that is wrong all over is not worth guessing.
func (c *converter) hint(name string, known []string) string {
	if len(c.problems) < 100 {
		if near := config.Nearest(name, known); near != "" {
			return "; did you mean " + near + "?"
		}
	}
	return ""
}

// inside reads what is in an element.
func (c *converter) inside(n *node, k *class) {
	if k.name == "plugins" {
		c.plugins(n)
		return
	}
	for _, child := range n.children {
		c.element(child, k)
	}
}

// element reads one element.
func (c *converter) element(n *node, parent *class) {
	k := c.class(n, parent)
	if k == nil {
		return
	}
	n = c.unwrap(n)
	switch {
	case k.whole != nil:
		k.whole(c, n)
	case k.use != nil:
		k.use(c, n)
		c.inside(n, k)
	default:
		c.inside(n, k)
	}
	c.rest(n, k)
}

// unwrap steps into an element that has the name of the one around it, which only says whose
// property it is.
func (c *converter) unwrap(n *node) *node {
	if len(n.attrs) == 0 && len(n.children) == 1 && n.children[0].name == n.name && n.children[0].core() {
		n = n.children[0]
		c.report(n, Kept, "", "", false)
	}
	return n
}

// rest reports the attributes that nothing has read, as the table has them.
func (c *converter) rest(n *node, k *class) {
	for i := range n.attrs {
		a := &n.attrs[i]
		if a.used || a.name == "id" || a.name == "depends-on" || a.name == "lazy-init" || a.name == "start" {
			continue
		}
		t := k.attribute(a.name)
		if t == nil {
			c.unknownAttribute(n, a, k)
			continue
		}
		c.attribute(n, a, t.fate, t.option, t.note, t.changes && a.value != t.def)
	}
}

func (c *converter) unknownAttribute(n *node, a *attr, k *class) {
	if c.in.Lenient {
		c.attribute(n, a, Dropped, "", "no attribute that is known of "+n.name, true)
		return
	}
	c.fail(place(n.file, a.line), n.path, "%s is no attribute of %s%s", a.name, n.name, c.hint(a.name, k.names()))
}

// attribute tells what became of an attribute.
func (c *converter) attribute(n *node, a *attr, fate Fate, option, note string, changes bool) {
	a.used = true
	v := a.value
	if secretName(a.name) && v != "" {
		v = config.Mask
	}
	c.entries = append(c.entries, Entry{
		File: n.file, Line: a.line, Element: n.path, Attribute: a.name, Value: v, Fate: fate, Option: option, Note: note, Changes: changes,
	})
}

func secretName(name string) bool { return strings.Contains(strings.ToLower(name), "password") }

// take returns an attribute that is read now, and reports it as the table has it. It is nil if the
// element does not have it.
func (c *converter) take(n *node, name string) *attr {
	a := n.attr(name)
	if a == nil || a.used {
		return nil
	}
	t := &attribute{}
	if k := c.classes[n.name]; k != nil && k.attribute(name) != nil {
		t = k.attribute(name)
	}
	c.attribute(n, a, t.fate, t.option, t.note, t.changes && a.value != t.def)
	return a
}

// drop takes back what was reported last, of an attribute: it is dropped after all.
func (c *converter) drop(changes bool, format string, args ...any) {
	e := &c.entries[len(c.entries)-1]
	e.Fate, e.Option, e.Note, e.Changes = Dropped, "", fmt.Sprintf(format, args...), changes
}

// remap says that what was reported last is mapped, and how.
func (c *converter) remap(format string, args ...any) {
	e := &c.entries[len(c.entries)-1]
	e.Fate, e.Note = Mapped, fmt.Sprintf(format, args...)
}
