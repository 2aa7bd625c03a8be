package selector

import (
	"slices"
	"unicode/utf8"
)

// parser reads the grammar by recursive descent, and checks as it goes that operators get
// operands of a kind they can have.
//
//	or         = and { OR and }
//	and        = equality { AND equality }
//	equality   = comparison { ( "=" | "<>" ) comparison | IS [ NOT ] NULL }
//	comparison = sum { ( ">" | ">=" | "<" | "<=" ) sum
//	           | [ NOT ] LIKE string [ ESCAPE string ]
//	           | [ NOT ] BETWEEN sum AND sum
//	           | [ NOT ] IN "(" string { "," string } ")" }
//	sum        = product { ( "+" | "-" ) product }
//	product    = unary { ( "*" | "/" | "%" ) unary }
//	unary      = ( "+" | "-" | NOT ) unary | ( XPATH | XQUERY ) string
//	           | name "(" unary { "," unary } ")" | "(" or ")" | name | literal
type parser struct {
	lexer
	limits Options
	sel    *Selector
	named  map[string]ref // index in sel.names

	current, ahead token
	depth          int
	err            *SyntaxError // the first; no more tokens come after it
}

func (p *parser) parse() error {
	p.current, p.ahead = p.next(), p.next()
	root := p.condition(p.or(), 0)
	if p.current.kind != tokEnd {
		p.unexpected()
	}
	if p.err != nil {
		return p.err
	}
	p.sel.root = root
	return nil
}

// fail records an error, and ends the text.
func (p *parser) fail(at int, text string) ref {
	if p.err == nil {
		p.err = &SyntaxError{Offset: at, Text: text}
	}
	p.current = token{tokEnd, "", len(p.text)}
	p.ahead = p.current
	p.at = len(p.text)
	return 0
}

func (p *parser) unexpected() ref {
	switch t := p.current; t.kind {
	case tokEnd:
		return p.fail(t.at, "the selector ends too early")
	case tokIllegal:
		return p.fail(t.at, "there is an unknown character or an open string")
	default:
		end := min(len(p.text), max(p.ahead.at, t.at))
		return p.fail(t.at, "there is an unexpected "+clip(p.text[t.at:end]))
	}
}

// clip shortens text for a message.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

func (p *parser) advance() token {
	t := p.current
	p.current, p.ahead = p.ahead, p.next()
	return t
}

// accept passes over a keyword or symbol, if that is what comes next.
func (p *parser) accept(text string) bool {
	if !p.current.is(text) {
		return false
	}
	p.advance()
	return true
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.unexpected()
	}
}

// literal passes over a string.
func (p *parser) literal() string {
	if p.current.kind != tokString {
		p.unexpected()
		return ""
	}
	return p.advance().text
}

func (p *parser) or() ref {
	return p.chain("OR", opOr, (*parser).and)
}

func (p *parser) and() ref {
	return p.chain("AND", opAnd, (*parser).equality)
}

// chain reads operands of AND or OR, however many, into one node.
func (p *parser) chain(keyword string, o op, operand func(*parser) ref) ref {
	start := p.current.at
	first := operand(p)
	if !p.current.is(keyword) {
		return first
	}
	kids := []ref{p.condition(first, start)}
	for p.accept(keyword) {
		start = p.current.at
		kids = append(kids, p.condition(operand(p), start))
	}
	return p.add(node{o, p.many(kids), ref(len(kids))})
}

func (p *parser) equality() ref {
	start := p.current.at
	left := p.comparison()
	for {
		switch {
		case p.accept("="):
			left = p.equal(opEqual, left, p.comparison(), start)
		case p.accept("<>"):
			left = p.equal(opNotEqual, left, p.comparison(), start)
		case p.accept("IS"):
			o := opIsNull
			if p.accept("NOT") {
				o = opIsNotNull
			}
			p.expect("NULL")
			left = p.add(node{o, left, 0})
		default:
			return left
		}
	}
}

// orders are the operators that need numbers.
var orders = map[string]op{">": opGreater, ">=": opAtLeast, "<": opLess, "<=": opAtMost}

func (p *parser) comparison() ref {
	start := p.current.at
	left := p.sum()
	for {
		if o, ok := orders[p.current.text]; ok && p.current.kind == tokSymbol {
			p.advance()
			p.comparable(left, start)
			left = p.add(node{o, left, p.bound()})
			continue
		}
		negated := ref(0) // what to add to an operator for its opposite, which is the next
		if p.current.is("NOT") && (p.ahead.is("LIKE") || p.ahead.is("BETWEEN") || p.ahead.is("IN")) {
			p.advance()
			negated = 1
		}
		switch {
		case p.accept("LIKE"):
			left = p.like(opLike+op(negated), left)
		case p.accept("BETWEEN"):
			p.comparable(left, start)
			low := p.bound()
			p.expect("AND")
			left = p.add(node{opBetween + op(negated), left, p.many([]ref{low, p.bound()})})
		case p.accept("IN"):
			left = p.in(opIn+op(negated), left, start)
		default:
			return left
		}
	}
}

// bound reads an operand of a comparison by order.
func (p *parser) bound() ref {
	start := p.current.at
	r := p.sum()
	p.comparable(r, start)
	return r
}

func (p *parser) like(o op, left ref) ref {
	pattern, escape := p.literal(), ""
	if p.current.is("ESCAPE") {
		p.advance()
		at := p.current.at
		escape = p.literal()
		if r, n := utf8.DecodeRuneInString(escape); n == 0 || n < len(escape) || r > 0xffff {
			return p.fail(at, "ESCAPE needs a string of one character")
		}
	}
	p.sel.likes = append(p.sel.likes, newLike(pattern, escape))
	return p.add(node{o, left, ref(len(p.sel.likes) - 1)})
}

func (p *parser) in(o op, left ref, start int) ref {
	if p.err == nil && p.sel.nodes[left].op != opProperty {
		return p.fail(start, "IN needs a property")
	}
	p.expect("(")
	set := []string{p.literal()}
	for p.accept(",") {
		set = append(set, p.literal())
	}
	p.expect(")")
	slices.Sort(set)
	p.sel.sets = append(p.sel.sets, slices.Compact(set))
	return p.add(node{o, left, ref(len(p.sel.sets) - 1)})
}

func (p *parser) sum() ref {
	left := p.product()
	for {
		switch {
		case p.accept("+"):
			left = p.add(node{opPlus, left, p.product()})
		case p.accept("-"):
			left = p.add(node{opMinus, left, p.product()})
		default:
			return left
		}
	}
}

func (p *parser) product() ref {
	left := p.unary()
	for {
		switch {
		case p.accept("*"):
			left = p.add(node{opTimes, left, p.unary()})
		case p.accept("/"):
			left = p.add(node{opDivide, left, p.unary()})
		case p.accept("%"):
			left = p.add(node{opModulo, left, p.unary()})
		default:
			return left
		}
	}
}

func (p *parser) unary() ref {
	if p.depth++; p.depth > p.limits.MaxDepth {
		return p.fail(p.current.at, "the selector is nested too deeply")
	}
	r := p.operand()
	p.depth--
	return r
}

func (p *parser) operand() ref {
	switch t := p.current; {
	case p.accept("+"):
		return p.unary()
	case p.accept("-"):
		return p.add(node{opNegate, p.unary(), 0})
	case p.accept("NOT"):
		start := p.current.at
		return p.add(node{opNot, p.condition(p.unary(), start), 0})
	case p.accept("XPATH"), p.accept("XQUERY"):
		query := p.constant(ofText(p.literal()))
		return p.add(node{opFalse, query, p.constant(ofText(t.text))})
	case p.accept("("):
		r := p.or()
		p.expect(")")
		return r
	case t.kind == tokName && p.ahead.is("("):
		return p.call()
	case t.kind == tokName:
		p.advance()
		return p.property(t.text)
	}
	return p.value()
}

// value reads a literal.
func (p *parser) value() ref {
	t := p.current
	var v value
	switch {
	case t.kind == tokString:
		v = ofText(t.text)
	case t.is("TRUE"), t.is("FALSE"):
		v = ofBool(t.text == "TRUE")
	case t.is("NULL"):
	case t.kind >= tokDecimal && t.kind <= tokFloat:
		var ok bool
		if v, ok = number(t); !ok {
			return p.fail(t.at, "the number is out of range")
		}
	default:
		return p.unexpected()
	}
	p.advance()
	return p.add(node{opConst, p.constant(v), 0})
}

func (p *parser) property(name string) ref {
	i, ok := p.named[name]
	if !ok {
		i = ref(len(p.sel.names))
		p.sel.names = append(p.sel.names, name)
		p.named[name] = i
	}
	return p.add(node{opProperty, i, 0})
}

func (p *parser) add(n node) ref {
	if len(p.sel.nodes) >= p.limits.MaxNodes {
		return p.fail(p.current.at, "the selector has too many terms")
	}
	p.sel.nodes = append(p.sel.nodes, n)
	return ref(len(p.sel.nodes) - 1)
}

func (p *parser) many(kids []ref) ref {
	p.sel.kids = append(p.sel.kids, kids...)
	return ref(len(p.sel.kids) - len(kids))
}

func (p *parser) constant(v value) ref {
	p.sel.consts = append(p.sel.consts, v)
	return ref(len(p.sel.consts) - 1)
}
