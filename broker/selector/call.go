package selector

import (
	"regexp"
	"strings"
	"sync/atomic"
)

// function names a built-in function.
type function uint8

const (
	fnRegex    function = iota // REGEX(pattern, value): is the pattern found in the value?
	fnInList                   // INLIST(list, value)
	fnMakeList                 // MAKELIST(value, …)
	fnSplit                    // SPLIT(string, pattern [, limit])
	fnReplace                  // REPLACE(string, pattern, replacement)
)

// functions is what there is to know of them. Their names are case-sensitive.
var functions = [...]struct {
	name      string
	min, max  int // arguments; a max of 0 is no limit
	pattern   int // the argument that is a regular expression, or -1
	condition bool
}{
	fnRegex:    {"REGEX", 2, 2, 0, true},
	fnInList:   {"INLIST", 2, 2, -1, true},
	fnMakeList: {"MAKELIST", 1, 0, -1, false},
	fnSplit:    {"SPLIT", 2, 3, 1, false},
	fnReplace:  {"REPLACE", 3, 3, 1, false},
}

// Bounds of what functions do, since they may pass over whole properties, and over what other
// functions make of them.
const (
	maxCalls = 256     // in a selector
	maxRegex = 4 << 10 // bytes of a regular expression
	maxList  = 1 << 16 // pieces of a split
)

// call is a function with its arguments.
type call struct {
	fn      function
	args    []ref
	regex   *regexp.Regexp // of a constant pattern
	recent  *atomic.Pointer[compiled]
	isConst bool // result holds, because all arguments are literals
	result  value
}

// compiled is the last pattern of a call whose pattern is not constant.
type compiled struct {
	pattern string
	regex   *regexp.Regexp // nil if the pattern is none
}

// call reads a function's name and arguments.
func (p *parser) call() ref {
	name := p.advance()
	c := call{fn: function(len(functions))}
	for i := range functions {
		if functions[i].name == name.text {
			c.fn = function(i)
		}
	}
	if int(c.fn) == len(functions) {
		return p.fail(name.at, "there is no function "+clip(name.text))
	}
	p.expect("(")
	c.args = append(c.args, p.unary())
	for p.accept(",") {
		c.args = append(c.args, p.unary())
	}
	p.expect(")")
	if p.err != nil {
		return 0
	}
	f := &functions[c.fn]
	if len(c.args) < f.min || f.max > 0 && len(c.args) > f.max {
		return p.fail(name.at, f.name+" has a wrong number of arguments")
	}
	if len(p.sel.calls) == maxCalls {
		return p.fail(name.at, "the selector has too many functions")
	}
	if err := p.prepare(&c); err != "" {
		return p.fail(name.at, err)
	}
	p.sel.calls = append(p.sel.calls, c)
	o := opCall
	if f.condition {
		o = opTest
	}
	return p.add(node{o, 0, ref(len(p.sel.calls) - 1)})
}

// prepare does once what does not depend on the message. It returns what is wrong, if anything.
func (p *parser) prepare(c *call) string {
	if i := functions[c.fn].pattern; i >= 0 {
		if n := p.sel.nodes[c.args[i]]; n.op == opConst {
			regex, err := compile(p.sel.consts[n.a].string())
			if err != "" {
				return err
			}
			c.regex = regex
		} else {
			c.recent = new(atomic.Pointer[compiled])
		}
	}
	if functions[c.fn].condition {
		return ""
	}
	for _, a := range c.args {
		n := p.sel.nodes[a]
		if n.op != opConst && (n.op != opCall || !p.sel.calls[n.b].isConst) {
			return ""
		}
	}
	c.result = p.sel.apply(nil, c)
	c.isConst = true
	return ""
}

func compile(pattern string) (*regexp.Regexp, string) {
	if len(pattern) > maxRegex {
		return nil, "the regular expression is too long"
	}
	regex, err := regexp.Compile(pattern)
	if err != nil {
		return nil, strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	}
	return regex, ""
}

// pattern returns the regular expression of a call, or nil if it has none.
func (s *Selector) pattern(src Source, c *call) *regexp.Regexp {
	if c.regex != nil {
		return c.regex
	}
	v := s.eval(src, c.args[functions[c.fn].pattern])
	if v.kind == null {
		return nil
	}
	text := v.string()
	if last := c.recent.Load(); last != nil && last.pattern == text {
		return last.regex
	}
	regex, _ := compile(text)
	c.recent.Store(&compiled{text, regex})
	return regex
}

// decide evaluates a function that is a condition.
func (s *Selector) decide(src Source, c *call) bool {
	if c.fn == fnRegex {
		v := s.eval(src, c.args[1])
		if v.kind == null {
			return false
		}
		regex := s.pattern(src, c)
		return regex != nil && regex.MatchString(v.string())
	}
	v := s.eval(src, c.args[1])
	if v.kind == null {
		return false
	}
	for _, e := range s.eval(src, c.args[0]).list {
		if same(e, v) {
			return true
		}
	}
	return false
}

// apply evaluates a function with a list or a string as its result. It is NULL for arguments
// that are none of the function's.
func (s *Selector) apply(src Source, c *call) value {
	switch {
	case c.isConst:
		return c.result
	case c.fn == fnMakeList:
		elements := make([]value, len(c.args))
		for i, a := range c.args {
			elements[i] = s.eval(src, a)
		}
		return value{kind: list, list: elements}
	}
	subject := s.eval(src, c.args[0])
	if subject.kind != text {
		return value{}
	}
	regex := s.pattern(src, c)
	if regex == nil {
		return value{}
	}
	if c.fn == fnReplace {
		replacement := s.eval(src, c.args[2])
		if replacement.kind != text {
			return value{}
		}
		return replace(subject.text, regex, replacement.text)
	}
	limit := int64(0)
	if len(c.args) == 3 {
		v := s.eval(src, c.args[2])
		if v.kind != integer {
			return value{}
		}
		limit = v.int64()
	}
	return split(subject.text, regex, limit)
}
