package config

import (
	"io"
	"strings"
)

// WriteSample writes a configuration file in which every option is commented out at its default.
// "#name:" is an option and can be uncommented as it stands; "# " starts a remark.
func WriteSample(w io.Writer) error {
	p := &printer{w: w}
	p.line("# Configuration of a Manifold broker. Every option is shown at its default: remove the \"#\" in front")
	p.line("# of one, change it, and run `manifold config check`. docs/configuration.md explains them all.")
	root := tree(Options())
	for _, g := range root.groups {
		p.line("")
		remark(p, "", sectionHelp(g.name))
		if g.option != nil {
			p.sampleList(g.option, g.name, "")
			continue
		}
		p.line("%s:", g.name)
		p.sampleGroup(g, "  ")
	}
	return p.err
}

func (p *printer) sampleGroup(g *group, indent string) {
	for _, c := range g.groups {
		switch {
		case c.option == nil:
			p.line("%s%s:", indent, c.name)
			p.sampleGroup(c, indent+"  ")
		case c.option.Kind() == List:
			remark(p, indent, c.option.Help)
			p.sampleList(c.option, c.name, indent)
		default:
			remark(p, indent, c.option.Help)
			p.line("%s#%s: %s", indent, c.name, sampleValue(c.option))
		}
	}
}

// sampleList shows the default elements, an example, and the fields of an element.
func (p *printer) sampleList(o *Option, name, indent string) {
	for i := range o.Fields {
		f := &o.Fields[i]
		def := sampleValue(f)
		if f.Required {
			def = "required"
		}
		p.line("%s#   %s (%s): %s", indent, f.Path, def, f.Help)
	}
	if o.Example != "" {
		p.line("%s# For example: %s", indent, o.Example)
	}
	elements := defaultElements(o)
	if len(elements) == 0 {
		p.line("%s#%s: []", indent, name)
		return
	}
	p.line("%s#%s:", indent, name)
	for _, e := range elements {
		p.line("%s#  %s", indent, e)
	}
}

// sampleValue writes a default as YAML.
func sampleValue(o *Option) string {
	if o.Kind() == Text {
		return quote(o.Default)
	}
	return o.Default
}

// remark writes help text as a comment of one line.
func remark(p *printer, indent, help string) {
	p.line("%s# %s", indent, strings.ReplaceAll(help, "\n", " "))
}
