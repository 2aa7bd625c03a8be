package selector

import (
	"math"
	"math/big"
	"strconv"
)

// condition checks that the operand at r can be a condition; a property becomes one.
func (p *parser) condition(r ref, at int) ref {
	if p.err != nil {
		return 0
	}
	switch n := p.sel.nodes[r]; {
	case n.op == opProperty:
		return p.add(node{opIsTrue, r, 0})
	case n.op.isCondition() || p.isTruthLiteral(r):
		return r
	}
	return p.fail(at, "there is a value where a condition is needed")
}

// isTruthLiteral reports whether the node is TRUE, FALSE or NULL.
func (p *parser) isTruthLiteral(r ref) bool {
	n := p.sel.nodes[r]
	return n.op == opConst && p.sel.consts[n.a].kind <= boolean
}

// comparable checks that an operand of a comparison by order is not known to have none.
func (p *parser) comparable(r ref, at int) {
	if p.err != nil {
		return
	}
	n := p.sel.nodes[r]
	if n.op.isCondition() || n.op == opConst && !p.sel.consts[n.a].isNumber() {
		p.fail(at, "only numbers compare by order")
	}
}

// equal checks the operands of = and <>: not the literal NULL, and no two literals of which only
// the second is a boolean.
func (p *parser) equal(o op, left, right ref, at int) ref {
	if p.err != nil {
		return 0
	}
	for _, r := range [...]ref{left, right} {
		if n := p.sel.nodes[r]; n.op == opConst && p.sel.consts[n.a].kind == null {
			return p.fail(at, "NULL is compared with IS NULL or IS NOT NULL alone")
		}
	}
	if p.isTruthLiteral(left) && p.sel.nodes[right].op == opConst && !p.isTruthLiteral(right) {
		return p.fail(at, "a boolean does not compare with another literal")
	}
	return p.add(node{o, left, right})
}

// number reads a numeric literal. A decimal that does not fit 64 bits is kept whole; octal and
// hexadecimal ones must fit.
func number(t token) (value, bool) {
	base := 10
	switch t.kind {
	case tokFloat:
		f, err := strconv.ParseFloat(t.text, 64)
		return ofDouble(f), err == nil || math.IsInf(f, 0)
	case tokHex:
		base = 16
	case tokOctal:
		base = 8
	}
	i, err := strconv.ParseInt(t.text, base, 64)
	if err == nil {
		return ofWhole(i), true
	}
	if base != 10 {
		return value{}, false
	}
	whole, ok := new(big.Int).SetString(t.text, 10)
	if !ok {
		return value{}, false
	}
	low := new(big.Int).And(whole, new(big.Int).SetUint64(math.MaxUint64)).Uint64()
	if i := int64(low); i >= math.MinInt32 && i <= math.MaxInt32 {
		return ofInt(int32(i)), true // ActiveMQ looks at the low bits, too
	}
	return value{kind: huge, num: low, text: t.text}, true
}

// ofWhole makes an integer of what fits, and a long of the rest.
func ofWhole(i int64) value {
	if i >= math.MinInt32 && i <= math.MaxInt32 {
		return ofInt(int32(i))
	}
	return ofLong(i)
}
