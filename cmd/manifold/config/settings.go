package config

import (
	"fmt"
	"strings"
)

// Setting is one effective value.
type Setting struct {
	Path   string `json:"path"`
	Value  string `json:"value"` // as one writes it in the file; secrets are masked
	Origin string `json:"origin"`

	exact  string // unmasked, to compare
	reload bool
}

// Settings lists every value of a configuration in the table's order. Values of lists stand
// under their index; policies list only what they set.
func (l *Loaded) Settings() []Setting {
	return settings(Options(), l.Config, "", l.Origins)
}

func settings(options []Option, root any, prefix string, origins map[string]Origin) []Setting {
	var all []Setting
	for i := range options {
		o := &options[i]
		v, path := o.at(root), join(prefix, o.Path)
		if v.kind == List {
			if v.list.length() == 0 {
				all = append(all, Setting{Path: path, Value: "[]", Origin: origins[path].String(), exact: "[]", reload: o.Reload})
			}
			for j := range v.list.length() {
				at := fmt.Sprintf("%s[%d]", path, j)
				all = append(all, settings(o.Fields, v.list.element(j), at, origins)...)
			}
			continue
		}
		if v.given != nil && !v.given() {
			continue
		}
		s := Setting{Path: path, Value: v.get(), Origin: origins[path].String(), reload: o.Reload}
		s.exact = s.Value
		switch {
		case o.Secret && s.Value != "":
			s.Value = Mask
		case v.kind == Text:
			s.Value = quote(s.Value)
		}
		all = append(all, s)
	}
	return all
}

// quote writes a text as YAML that reads back as the same text.
func quote(s string) string {
	if s == "" {
		return `""`
	}
	for _, r := range s {
		plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._/-+", r)
		if !plain {
			return fmt.Sprintf("%q", s)
		}
	}
	return s
}

// Change is one difference between two configurations.
type Change struct {
	Path    string `json:"path"`
	Old     string `json:"old"` // empty: was not there
	New     string `json:"new"` // empty: is not there any more
	Restart bool   `json:"restart"`
}

// String describes the change on one line.
func (c Change) String() string {
	text := fmt.Sprintf("%s: %s -> %s", c.Path, orNone(c.Old), orNone(c.New))
	if c.Restart {
		text += " (after a restart)"
	}
	return text
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// Diff lists what differs, in the table's order, and what of it a running broker can't take.
func Diff(before, after *Config) []Change {
	options := Options()
	olds, news := settings(options, before, "", nil), settings(options, after, "", nil)
	was := make(map[string]Setting, len(olds))
	for _, s := range olds {
		was[s.Path] = s
	}
	var changes []Change
	for _, s := range news {
		old, known := was[s.Path]
		delete(was, s.Path)
		if !known || old.exact != s.exact {
			changes = append(changes, Change{s.Path, old.Value, s.Value, !s.reload})
		}
	}
	for _, s := range olds {
		if _, gone := was[s.Path]; gone {
			changes = append(changes, Change{s.Path, s.Value, "", !s.reload})
		}
	}
	return changes
}

// PolicyDefaults lists what holds for a destination where no policy says anything else, in the
// table's order.
func PolicyDefaults() []Setting {
	p := DefaultPolicy()
	options := policyFields()
	all := settings(options[1:], &p, "", nil) // without what it matches
	for i := range all {
		all[i].Path = strings.TrimPrefix(all[i].Path, ".")
	}
	return all
}
