package selector

import (
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker/message"
)

// Source is what a selector is asked about: a message, or anything with named values.
type Source interface {
	// Property returns the value of a property, or of a header if the name is one of JMS's
	// such as JMSPriority. It returns false if there is none.
	Property(name string) (message.Value, bool)
}

// Options say how to read a selector. A zero limit means the default.
type Options struct {
	// ConvertStrings compares strings with numbers and booleans by converting them, for
	// protocols whose headers are all strings. A prefix of the text overrides it.
	ConvertStrings bool

	MaxDepth  int // levels of parentheses and prefix operators, 500 by default
	MaxLength int // bytes of text, 64 KiB by default
	MaxNodes  int // operators and operands, 16384 by default
}

// Prefixes of a selector's text, which set Options.ConvertStrings.
const (
	convertPrefix   = "convert_string_expressions:"
	noConvertPrefix = "no_convert_string_expressions:"
)

// Selector is a condition on messages. It is immutable: many goroutines may use it at once. A
// nil *Selector is true for all messages.
type Selector struct {
	text    string
	convert bool
	root    ref
	nodes   []node
	kids    []ref // operands of the nodes that have many
	consts  []value
	names   []string
	likes   []like
	sets    [][]string // sorted
	calls   []call
}

// Parse reads a selector. Blank text gives a nil Selector. An error is a *SyntaxError.
func Parse(text string, o Options) (*Selector, error) {
	o.MaxDepth = orDefault(o.MaxDepth, 500)
	o.MaxLength = orDefault(o.MaxLength, 64<<10)
	o.MaxNodes = orDefault(o.MaxNodes, 16<<10)
	if len(text) > o.MaxLength {
		return nil, &SyntaxError{Offset: o.MaxLength, Text: "the selector is too long"}
	}
	rest := text
	if after, ok := strings.CutPrefix(text, convertPrefix); ok {
		o.ConvertStrings, rest = true, after
	} else if after, ok := strings.CutPrefix(text, noConvertPrefix); ok {
		o.ConvertStrings, rest = false, after
	}
	if strings.Trim(rest, spaces) == "" {
		return nil, nil
	}
	p := parser{
		lexer:  lexer{text: text, at: len(text) - len(rest)},
		limits: o,
		sel:    &Selector{text: text, convert: o.ConvertStrings},
		named:  map[string]ref{},
	}
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.sel, nil
}

func orDefault(limit, def int) int {
	if limit <= 0 {
		return def
	}
	return limit
}

// Matches reports whether the selector is true for src: not false, and not unknown. It
// allocates only where a function or a concatenation makes a new string or list.
func (s *Selector) Matches(src Source) bool {
	return s == nil || s.test(src, s.root) == yes
}

// Identifiers returns the names of the properties and headers that the selector refers to,
// sorted.
func (s *Selector) Identifiers() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(slices.Values(s.names))
}

// Text returns the selector as it was given to Parse.
func (s *Selector) Text() string {
	if s == nil {
		return ""
	}
	return s.text
}
