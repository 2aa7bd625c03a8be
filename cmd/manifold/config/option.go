package config

import (
	"slices"
	"strings"
)

// Option is one line of the table.
type Option struct {
	// Path is where the option stands in the file: section.key. A list's fields are relative
	// to its elements.
	Path string
	// Default is the value as one writes it in the file.
	Default string
	// Reload says that a running broker takes the new value; else it needs a restart.
	Reload bool
	// Secret values are masked wherever they are shown, and can be read from a file that an
	// environment variable with the suffix _FILE names.
	Secret bool
	// Required fields of a list's elements have no default.
	Required bool
	// Help is one or more sentences.
	Help string
	// Aliases are further environment variables, weaker than the option's own.
	Aliases []string
	// Fields are those of a list's elements.
	Fields []Option
	// Example is an element of a list that is empty by default, as lines of YAML.
	Example string

	at func(root any) value
}

// Kind returns the type of the option's value.
func (o *Option) Kind() Kind { return o.blank().kind }

// Choices returns the values that a Choice takes.
func (o *Option) Choices() []string { return o.blank().choices }

// Flag returns the option's flag without dashes, or "" for a list and for a secret, which other
// users of the machine could read in the list of processes.
func (o *Option) Flag() string {
	if o.Secret || o.Kind() == List {
		return ""
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(o.Path)
}

// Env returns the option's environment variable, or "" for a list.
func (o *Option) Env() string {
	if o.Kind() == List {
		return ""
	}
	return "MANIFOLD_" + strings.ToUpper(strings.ReplaceAll(o.Path, ".", "_"))
}

// blank returns a value that belongs to no configuration, to ask for its type.
func (o *Option) blank() value { return o.at(nil) }

// opt makes a line of the table. at finds the option's place in what it belongs to: the whole
// Config, or one element of a list.
func opt[T any](path, def string, at func(*T) value, help string, more ...func(*Option)) Option {
	o := Option{Path: path, Default: def, Help: help, at: func(root any) value {
		if root == nil {
			return at(new(T))
		}
		return at(root.(*T))
	}}
	for _, m := range more {
		m(&o)
	}
	return o
}

func live(o *Option)     { o.Reload = true }
func secret(o *Option)   { o.Secret = true }
func required(o *Option) { o.Required = true }

func alias(names ...string) func(*Option)    { return func(o *Option) { o.Aliases = names } }
func fields(options ...Option) func(*Option) { return func(o *Option) { o.Fields = options } }
func example(lines string) func(*Option)     { return func(o *Option) { o.Example = lines } }

// group is a section of the file, or at its leaves one option.
type group struct {
	name   string
	option *Option
	groups []*group
}

// tree arranges options by the parts of their paths, in the table's order.
func tree(options []Option) *group {
	root := &group{}
	for i := range options {
		at := root
		for part := range strings.SplitSeq(options[i].Path, ".") {
			next := at.child(part)
			if next == nil {
				next = &group{name: part}
				at.groups = append(at.groups, next)
			}
			at = next
		}
		at.option = &options[i]
	}
	return root
}

func (g *group) child(name string) *group {
	if i := slices.IndexFunc(g.groups, func(c *group) bool { return c.name == name }); i >= 0 {
		return g.groups[i]
	}
	return nil
}

func (g *group) names() []string {
	names := make([]string, len(g.groups))
	for i, c := range g.groups {
		names[i] = c.name
	}
	return names
}
