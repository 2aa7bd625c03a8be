package jaas

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// maxSize is the largest file that is read, in bytes.
const maxSize = 1 << 20

// File is a login.config.
type File struct {
	Path   string
	Realms []Realm
}

// Realm is what a plugin names as its configuration: modules that are asked in turn.
type Realm struct {
	Name    string
	Line    int
	Dir     string // that relative paths in options are relative to
	Modules []Module
}

// Flag says what a module's answer means for the login as a whole.
type Flag string

// The flags, as Java defines them.
const (
	Required   Flag = "required"   // must succeed; the others are asked all the same
	Requisite  Flag = "requisite"  // must succeed; else nobody else is asked
	Sufficient Flag = "sufficient" // if it succeeds nobody else is asked
	Optional   Flag = "optional"   // may succeed or not
)

// Module is one login module with its options.
type Module struct {
	Class   string // of Java, with its package
	Flag    Flag
	Line    int
	Options []Option
}

// Option is one option of a module, with its properties expanded.
type Option struct {
	Name, Value string
	Line        int
}

// ReadFile reads a login.config. Values may hold ${name}; property, which may be nil, returns the
// system properties that Java's virtual machine would have. Errors begin with the file's path and
// line.
func ReadFile(path string, property func(name string) (value string, ok bool)) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	realms, err := Parse(string(text), property)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	dir := filepath.Dir(path)
	for i := range realms {
		realms[i].Dir = dir
	}
	return &File{Path: path, Realms: realms}, nil
}

// Realm returns the realm of a name.
func (f *File) Realm(name string) (*Realm, error) {
	var names []string
	for i := range f.Realms {
		if f.Realms[i].Name == name {
			return &f.Realms[i], nil
		}
		names = append(names, f.Realms[i].Name)
	}
	return nil, fmt.Errorf("%s: has no realm %q; there are: %s", f.Path, name, strings.Join(names, ", "))
}

// Parse reads the text of a login.config. Errors begin with the line.
func Parse(text string, property func(name string) (value string, ok bool)) ([]Realm, error) {
	if len(text) > maxSize {
		return nil, fmt.Errorf("1: the file is larger than %d bytes", maxSize)
	}
	p := &parser{scanner: scanner{rest: strings.TrimPrefix(text, "\ufeff"), line: 1}, property: property}
	seen := make(map[string]int)
	var realms []Realm
	for {
		r, err := p.realm()
		if err == errEnd {
			return realms, nil
		}
		if err != nil {
			return nil, err
		}
		if first, twice := seen[r.Name]; twice {
			return nil, failure(r.Line, "%q is also the realm of line %d", r.Name, first)
		}
		seen[r.Name] = r.Line
		realms = append(realms, r)
	}
}

// errEnd says that there is no further realm.
var errEnd = errors.New("the end")

// parser reads realms.
type parser struct {
	scanner
	property func(string) (string, bool)
}

// want returns the next token, which must be a symbol.
func (p *parser) want(s, where string) error {
	t, err := p.next()
	if err == nil && (t.kind != symbol || t.text != s) {
		err = failure(t.line, "expected %q %s, found %s", s, where, t)
	}
	return err
}

// name returns the next token, which must be a word.
func (p *parser) name(what string) (token, error) {
	t, err := p.next()
	if err == nil && (t.kind != word || t.text == "") {
		err = failure(t.line, "expected %s, found %s", what, t)
	}
	return t, err
}

// realm reads name { modules };
func (p *parser) realm() (Realm, error) {
	t, err := p.next()
	switch {
	case err != nil:
		return Realm{}, err
	case t.kind == end:
		return Realm{}, errEnd
	case t.kind != word || t.text == "":
		return Realm{}, failure(t.line, "expected the name of a realm, found %s", t)
	}
	r := Realm{Name: t.text, Line: t.line}
	if err := p.want("{", "after the name of a realm"); err != nil {
		return r, err
	}
	for {
		t, err := p.next()
		switch {
		case err != nil:
			return r, err
		case t.kind == symbol && t.text == "}":
			return r, p.want(";", "after }")
		case t.kind != word || t.text == "":
			return r, failure(t.line, "expected the class of a module or }, found %s", t)
		}
		m, err := p.module(t)
		if err != nil {
			return r, err
		}
		r.Modules = append(r.Modules, m)
	}
}

// module reads flag and options, after the class.
func (p *parser) module(class token) (Module, error) {
	m := Module{Class: class.text, Line: class.line}
	t, err := p.name("a flag")
	if err != nil {
		return m, err
	}
	switch m.Flag = Flag(strings.ToLower(t.text)); m.Flag {
	case Required, Requisite, Sufficient, Optional:
	default:
		return m, failure(t.line, "%q is not one of required, requisite, sufficient, optional", t.text)
	}
	seen := make(map[string]int)
	for {
		t, err := p.next()
		switch {
		case err != nil:
			return m, err
		case t.kind == symbol && t.text == ";":
			return m, nil
		case t.kind != word || t.text == "":
			return m, failure(t.line, "expected an option or the ; that ends a module, found %s", t)
		}
		o := Option{Name: t.text, Line: t.line}
		if first, twice := seen[o.Name]; twice {
			return m, failure(o.Line, "%s is also given in line %d", o.Name, first)
		}
		seen[o.Name] = o.Line
		if err := p.want("=", "after the option "+o.Name); err != nil {
			return m, err
		}
		if t, err = p.next(); err != nil {
			return m, err
		}
		if t.kind != word {
			return m, failure(t.line, "expected the value of %s, found %s", o.Name, t)
		}
		if o.Value, err = p.expand(t); err != nil {
			return m, err
		}
		m.Options = append(m.Options, o)
	}
}

// expand replaces ${name} by the property of that name, and ${/} by what separates directories.
func (p *parser) expand(t token) (string, error) {
	var b strings.Builder
	rest := t.text
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, then, closed := strings.Cut(after, "}")
		if !closed {
			return "", failure(t.line, "${%s has no }", name)
		}
		value, ok := "/", name == "/"
		if !ok && p.property != nil {
			value, ok = p.property(name)
		}
		if !ok {
			return "", failure(t.line, "the property ${%s} is not known here; write its value", name)
		}
		b.WriteString(value)
		rest = then
	}
}
