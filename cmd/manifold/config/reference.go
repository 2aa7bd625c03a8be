package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteReference writes the reference page of all options as Markdown.
func WriteReference(w io.Writer) error {
	p := &printer{w: w}
	p.line("# Configuration reference")
	p.line("")
	p.line("<!-- Generated from the table of options by `go generate ./cmd/manifold/config`. -->")
	p.line("")
	p.line("`manifold serve` reads one YAML file: the one that `--config` names, else the one that `%s` names,", FileVariable)
	p.line("else `./%s` if it is there. Every option is optional. What the file does not understand is an error", DefaultFile)
	p.line("with its line and the nearest valid name, and all errors are reported at once; the exit code is then 78.")
	p.line("")
	p.line("An option of a single value can also be given by an environment variable and by a flag of `serve`.")
	p.line("A flag wins over the environment, that over the file, that over the default;")
	p.line("`manifold config show` prints each value and where it came from. Options inside lists stand only in the file.")
	p.line("A secret can also be put into a file that a variable with the suffix `%s` names.", fileSuffix)
	p.line("Empty variables count as absent. Paths are relative to the working directory.")
	p.line("")
	p.line("- Sizes are whole numbers with a unit: `B`, `KB`, `MB`, `GB`, `TB` (powers of 1000) or `KiB`, `MiB`, `GiB`, `TiB` (powers of 1024).")
	p.line("- Durations have a unit: `ms`, `s`, `m`, `h`, `d`, as in `1h30m`.")
	p.line("- Lists of texts are written `[a, b]` in the file, and `a,b` in a variable or flag.")
	p.line("- *Live* options take effect with `manifold reload` or SIGHUP; the others need a restart, and a reload says so.")

	section := ""
	for _, o := range Options() {
		if s, _, _ := strings.Cut(o.Path, "."); s != section {
			section = s
			p.line("")
			p.line("## %s", section)
			p.line("")
			p.line("%s", sectionHelp(section))
		}
		p.option(&o)
	}
	return p.err
}

func (p *printer) option(o *Option) {
	if o.Kind() != List {
		p.entry(o, "### "+o.Path)
		return
	}
	p.line("")
	p.line("### %s", o.Path)
	p.line("")
	p.line("%s", o.Help)
	if o.Default != "[]" {
		p.line("")
		p.line("Default:")
		p.line("")
		p.line("```yaml")
		p.line("%s:", lastPart(o.Path))
		for _, element := range defaultElements(o) {
			p.line("  %s", element)
		}
		p.line("```")
	}
	if o.Example != "" {
		p.line("")
		p.line("Example:")
		p.line("")
		p.line("```yaml")
		indent := ""
		for part := range strings.SplitSeq(o.Path, ".") {
			p.line("%s%s:", indent, part)
			indent += "  "
		}
		p.line("%s%s", indent, o.Example)
		p.line("```")
	}
	p.line("")
	p.line("| Field | Type | Default | Live | Meaning |")
	p.line("|---|---|---|---|---|")
	for i := range o.Fields {
		f := &o.Fields[i]
		def := code(f.Default)
		if f.Required {
			def = "required"
		}
		p.line("| `%s` | %s | %s | %s | %s |", f.Path, typeText(f), def, yesNo(f.Reload), strings.ReplaceAll(f.Help, "|", `\|`))
	}
}

func (p *printer) entry(o *Option, heading string) {
	p.line("")
	p.line("%s", heading)
	p.line("")
	p.line("%s", o.Help)
	p.line("")
	p.line("| Type | Default | Live | Flag | Environment |")
	p.line("|---|---|---|---|---|")
	env := code(o.Env())
	for _, a := range o.Aliases {
		env += ", " + code(a)
	}
	if o.Secret {
		env += ", " + code(o.Env()+fileSuffix)
	}
	flag := o.Flag()
	if flag != "" {
		flag = "--" + flag
	}
	p.line("| %s | %s | %s | %s | %s |", typeText(o), code(o.Default), yesNo(o.Reload), code(flag), env)
}

func typeText(o *Option) string {
	if o.Kind() != Choice {
		return o.Kind().String()
	}
	choices := o.Choices()
	quoted := make([]string, len(choices))
	for i, c := range choices {
		quoted[i] = "`" + c + "`"
	}
	return strings.Join(quoted, ", ")
}

func code(s string) string {
	if s == "" {
		return "none"
	}
	return "`" + s + "`"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// defaultElements returns a list's default as one line of YAML for each element.
func defaultElements(o *Option) []string {
	inner := strings.TrimSuffix(strings.TrimPrefix(o.Default, "["), "]")
	if inner == "" {
		return nil
	}
	elements := strings.Split(inner, "}, {")
	for i, e := range elements {
		elements[i] = "- {" + strings.Trim(e, "{}") + "}"
	}
	return elements
}

// printer writes lines and keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
