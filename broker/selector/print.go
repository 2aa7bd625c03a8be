package selector

import (
	"math"
	"strconv"
	"strings"
)

// How closely operators bind, from the loosest.
const (
	bindOr = iota
	bindAnd
	bindEqual
	bindCompare
	bindSum
	bindProduct
	bindUnary
)

// spelling is how an operator is written, and how closely it binds. Operands on its left may
// bind as closely, those on its right must bind closer.
var spelling = [...]struct {
	text string
	bind int
}{
	opOr:         {" OR ", bindOr},
	opAnd:        {" AND ", bindAnd},
	opNot:        {"NOT ", bindUnary},
	opEqual:      {" = ", bindEqual},
	opNotEqual:   {" <> ", bindEqual},
	opGreater:    {" > ", bindCompare},
	opAtLeast:    {" >= ", bindCompare},
	opLess:       {" < ", bindCompare},
	opAtMost:     {" <= ", bindCompare},
	opIsNull:     {" IS NULL", bindEqual},
	opIsNotNull:  {" IS NOT NULL", bindEqual},
	opBetween:    {" BETWEEN ", bindCompare},
	opNotBetween: {" NOT BETWEEN ", bindCompare},
	opLike:       {" LIKE ", bindCompare},
	opNotLike:    {" NOT LIKE ", bindCompare},
	opIn:         {" IN (", bindCompare},
	opNotIn:      {" NOT IN (", bindCompare},
	opIsTrue:     {"", bindUnary},
	opFalse:      {"", bindUnary},
	opTest:       {"", bindUnary},
	opConst:      {"", bindUnary},
	opProperty:   {"", bindUnary},
	opCall:       {"", bindUnary},
	opNegate:     {"- ", bindUnary}, // the space keeps two from being a comment
	opPlus:       {" + ", bindSum},
	opMinus:      {" - ", bindSum},
	opTimes:      {" * ", bindProduct},
	opDivide:     {" / ", bindProduct},
	opModulo:     {" % ", bindProduct},
}

// String returns the selector in a canonical spelling, which Parse reads as the same condition
// if its Options leave ConvertStrings off.
func (s *Selector) String() string {
	if s == nil {
		return ""
	}
	p := printer{s: s}
	if s.convert {
		p.b.WriteString(convertPrefix)
	}
	p.node(s.root, bindOr)
	return p.b.String()
}

type printer struct {
	s *Selector
	b strings.Builder
}

// node writes a node, in parentheses if it binds less closely than bind.
func (p *printer) node(r ref, bind int) {
	n := &p.s.nodes[r]
	if n.op == opIsTrue {
		p.node(n.a, bind)
		return
	}
	if spelling[n.op].bind < bind {
		p.b.WriteByte('(')
		defer p.b.WriteByte(')')
	}
	p.operator(n)
}

func (p *printer) operator(n *node) {
	o := spelling[n.op]
	switch n.op {
	case opOr, opAnd:
		for i, k := range p.s.kids[n.a : n.a+n.b] {
			if i > 0 {
				p.b.WriteString(o.text)
			}
			p.node(k, o.bind+1)
		}
	case opNot, opNegate:
		p.b.WriteString(o.text)
		p.node(n.a, o.bind)
	case opIsNull, opIsNotNull:
		p.node(n.a, o.bind)
		p.b.WriteString(o.text)
	case opBetween, opNotBetween:
		p.node(n.a, o.bind)
		p.b.WriteString(o.text)
		p.node(p.s.kids[n.b], bindSum)
		p.b.WriteString(" AND ")
		p.node(p.s.kids[n.b+1], bindSum)
	case opLike, opNotLike:
		p.node(n.a, o.bind)
		p.b.WriteString(o.text)
		l := &p.s.likes[n.b]
		p.quote(l.pattern)
		if l.escape != "" {
			p.b.WriteString(" ESCAPE ")
			p.quote(l.escape)
		}
	case opIn, opNotIn:
		p.node(n.a, o.bind)
		p.b.WriteString(o.text)
		for i, e := range p.s.sets[n.b] {
			if i > 0 {
				p.b.WriteString(", ")
			}
			p.quote(e)
		}
		p.b.WriteByte(')')
	case opTest, opCall:
		p.call(&p.s.calls[n.b])
	case opFalse:
		p.b.WriteString(p.s.consts[n.b].text)
		p.b.WriteByte(' ')
		p.quote(p.s.consts[n.a].text)
	case opConst:
		p.constant(p.s.consts[n.a])
	case opProperty:
		p.b.WriteString(p.s.names[n.a])
	default:
		p.node(n.a, o.bind)
		p.b.WriteString(o.text)
		p.node(n.b, o.bind+1)
	}
}

func (p *printer) call(c *call) {
	p.b.WriteString(functions[c.fn].name)
	for i, a := range c.args {
		if i == 0 {
			p.b.WriteByte('(')
		} else {
			p.b.WriteString(", ")
		}
		p.node(a, bindUnary)
	}
	p.b.WriteByte(')')
}

func (p *printer) constant(v value) {
	switch v.kind {
	case null, boolean:
		p.b.WriteString(strings.ToUpper(v.string()))
	case text:
		p.quote(v.text)
	case integer, long: // one beyond 63 bits may have become negative, which no literal is
		p.b.WriteString(strconv.FormatUint(v.num, 10))
	case double:
		f := v.float64()
		if math.IsInf(f, 0) {
			p.b.WriteString("1E999")
			return
		}
		p.b.WriteString(strconv.FormatFloat(f, 'E', -1, 64))
	default:
		p.b.WriteString(v.string())
	}
}

func (p *printer) quote(s string) {
	p.b.WriteByte('\'')
	p.b.WriteString(strings.ReplaceAll(s, "'", "''"))
	p.b.WriteByte('\'')
}
