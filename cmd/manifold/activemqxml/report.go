package activemqxml

import (
	"fmt"
	"strings"
)

// Fate is what becomes of an element or attribute.
type Fate uint8

// The fates.
const (
	Kept    Fate = iota // it means the same here
	Mapped              // something else here comes nearest
	Dropped             // nothing here stands for it
)

// String returns the fate's name.
func (f Fate) String() string { return [...]string{"kept", "mapped", "dropped"}[f] }

// MarshalText writes the fate's name.
func (f Fate) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// Entry is the fate of one element or attribute.
type Entry struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Element   string `json:"element"`             // with those around it: broker/plugins
	Attribute string `json:"attribute,omitempty"` // "": the element itself
	Value     string `json:"value,omitempty"`     // of the attribute; secrets are masked
	Fate      Fate   `json:"fate"`
	Option    string `json:"option,omitempty"` // of the configuration
	Note      string `json:"note,omitempty"`
	// Changes says that the broker does something else than ActiveMQ for lack of it.
	Changes bool `json:"changes_behaviour"`
}

// Name is the element's name, without those around it.
func (e *Entry) Name() string { return e.Element[strings.LastIndexByte(e.Element, '/')+1:] }

// String describes the entry on one line.
func (e *Entry) String() string {
	name := e.Name()
	if e.Attribute != "" {
		name += " " + e.Attribute
	}
	text := fmt.Sprintf("%s:%d: %s is %s", e.File, e.Line, name, e.Fate)
	if e.Note != "" {
		text += ": " + e.Note
	}
	return text
}

// Result is a file that was read.
type Result struct {
	YAML    []byte
	Lines   []int // of the file, for each line of YAML; 0 for one that stands for nothing in it
	Entries []Entry
}

// Lost returns the entries whose loss changes what the broker does, each element once: the first
// of its attributes stands for it.
func (r *Result) Lost() []Entry {
	var list []Entry
	seen := make(map[string]bool)
	for _, e := range r.Entries {
		at := fmt.Sprintf("%s:%d:%s:%s", e.File, e.Line, e.Element, e.Note)
		if e.Changes && !seen[at] {
			seen[at] = true
			list = append(list, e)
		}
	}
	return list
}
