package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Sources are the places that Load reads, strongest last.
type Sources struct {
	File  string                            // path of the YAML file; empty: none
	Env   []string                          // "NAME=value", as os.Environ returns
	Flags map[string]string                 // option path -> text, for the flags that were given
	Read  func(name string) ([]byte, error) // nil: os.ReadFile
	// Lines are, for a file that Read has made of another, the line in that one which each line comes
	// from; 0 for a line that comes from none.
	Lines []int
	// Clear lets passwords stand in the file in clear, as that other one has them.
	Clear bool
}

// Loaded is a configuration with its history.
type Loaded struct {
	Config   *Config
	Origins  map[string]Origin // by path; what is absent is a default
	Warnings []string          // variables that look like options and are none

	clear bool // passwords may stand in the file in clear
}

// maxFile bounds what is read as a configuration.
const maxFile = 8 << 20

// Default returns the configuration of a broker that was told nothing.
func Default() *Config {
	c := &Config{}
	setDefaults(Options(), c)
	return c
}

// DefaultPolicy returns the values that hold where no policy sets one. None of its fields is nil.
func DefaultPolicy() Policy {
	p := Policy{}
	for _, o := range policyFields() {
		if !o.Required {
			setDefault(o.at(&p), &o)
		}
	}
	return p
}

func setDefaults(options []Option, root any) {
	for i := range options {
		setDefault(options[i].at(root), &options[i])
	}
}

// setDefault sets one option. The table's own defaults are checked by a test, so that an error
// here can't happen.
func setDefault(v value, o *Option) {
	switch v.kind {
	case List:
		d := &decoder{file: o.Path, origins: map[string]Origin{}}
		if doc := d.document([]byte(o.Default)); doc != nil {
			d.elements(o, doc, v.list, o.Path)
		}
	case Texts:
		_ = v.set(strings.Trim(o.Default, "[]"))
	default:
		_ = v.set(o.Default)
	}
}

// Parse reads one file's text, with no other source. name stands in front of line numbers.
func Parse(name string, text []byte) (*Loaded, error) {
	return load(name, text, Sources{})
}

// Load reads all sources. A bad configuration gives [Problems]; an unreadable file another error.
func Load(src Sources) (*Loaded, error) {
	if src.Read == nil {
		src.Read = os.ReadFile
	}
	var text []byte
	if src.File != "" {
		var err error
		if text, err = src.Read(src.File); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
	}
	return load(src.File, text, src)
}

func load(name string, text []byte, src Sources) (*Loaded, error) {
	options := Options()
	c := &Config{}
	setDefaults(options, c)
	d := &decoder{file: name, options: options, origins: map[string]Origin{}, lines: src.Lines, clear: src.Clear}
	if len(text) > maxFile {
		d.fail(nil, "", "larger than %s", Size(maxFile))
	} else if doc := d.document(text); doc != nil {
		d.section(tree(options), doc, c, "")
	}
	l := &Loaded{Config: c, Origins: d.origins, clear: src.Clear}
	env := environment(src.Env)
	for i := range options {
		o := &options[i]
		if o.Kind() == List {
			continue
		}
		if text, where, ok := env.lookup(o, src.Read, &d.problems); ok {
			d.override(o, c, text, Origin{FromEnv, where})
		}
		if text, ok := src.Flags[o.Path]; ok {
			d.override(o, c, text, Origin{FromFlag, "--" + o.Flag()})
		}
	}
	l.Warnings = env.unknown(options)
	if len(d.problems) == 0 {
		d.problems = validate(l)
	}
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	return l, nil
}

func (d *decoder) override(o *Option, c *Config, text string, from Origin) {
	if err := o.at(c).set(text); err != nil {
		d.problems = append(d.problems, Problem{from.Where, o.Path, maskError(o, text, err)})
		return
	}
	d.origins[o.Path] = from
}

type variables map[string]string

// environment keeps the variables that may concern the broker.
func environment(env []string) variables {
	vars := variables{}
	for _, line := range env {
		name, text, ok := strings.Cut(line, "=")
		if ok && (strings.HasPrefix(name, "MANIFOLD_") || strings.HasPrefix(name, "ACTIVEMQ_")) {
			vars[name] = text
		}
	}
	return vars
}

// lookup finds an option's text: in its variable, in the file that its _FILE variable names, or
// in an alias. An empty variable counts as absent, since compose files and manifests often
// can't leave one out.
func (v variables) lookup(o *Option, read func(string) ([]byte, error), problems *Problems) (text, where string, ok bool) {
	for _, name := range append([]string{o.Env()}, o.Aliases...) {
		if text := v[name]; text != "" {
			return text, name, true
		}
		file := v[name+fileSuffix]
		if !o.Secret || file == "" || read == nil {
			continue
		}
		content, err := read(file)
		if err != nil {
			*problems = append(*problems, Problem{name + fileSuffix, o.Path, err.Error()})
			return "", "", false
		}
		// Editors and `echo` end a file with a line feed that is no part of the secret.
		return strings.TrimRight(string(content), "\r\n"), name + fileSuffix, true
	}
	return "", "", false
}

const fileSuffix = "_FILE"

// unknown lists the variables that name no option. They are only warned of: container platforms
// make variables such as MANIFOLD_PORT_61616_TCP for a service of the broker's name.
func (v variables) unknown(options []Option) []string {
	var names, warnings []string
	for i := range options {
		if name := options[i].Env(); name != "" {
			names = append(names, name)
			if options[i].Secret {
				names = append(names, name+fileSuffix)
			}
		}
	}
	for name := range v {
		if !strings.HasPrefix(name, "MANIFOLD_") || slices.Contains(names, name) || name == FileVariable ||
			strings.HasPrefix(name, "MANIFOLD_PORT") || strings.HasPrefix(name, "MANIFOLD_SERVICE_") {
			continue
		}
		warning := name + ": no option has this name"
		if near := Nearest(name, names); near != "" {
			warning += "; did you mean " + near + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// FileVariable is the environment variable that names the configuration file.
const FileVariable = "MANIFOLD_CONFIG"

// DefaultFile is read when no file is named and it is there.
const DefaultFile = "config.yaml"

// FindFile returns the configuration file to read: the one named, or the variable's, or
// config.yaml in dir if there is one, or "".
func FindFile(named string, env []string, dir string) string {
	if named != "" {
		return named
	}
	if file := environment(env)[FileVariable]; file != "" {
		return file
	}
	file := filepath.Join(dir, DefaultFile)
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
		return file
	}
	return ""
}
