package selector

import "slices"

// test evaluates a condition.
func (s *Selector) test(src Source, r ref) truth {
	n := &s.nodes[r]
	switch n.op {
	case opOr:
		return s.any(src, n, yes)
	case opAnd:
		return s.any(src, n, no)
	case opNot:
		return s.test(src, n.a).not()
	case opEqual:
		return s.equal(src, n)
	case opNotEqual:
		return s.equal(src, n).not()
	case opGreater, opAtLeast, opLess, opAtMost:
		return s.ordered(n.op, s.eval(src, n.a), s.eval(src, n.b))
	case opIsNull:
		return truthOf(s.isNull(src, n.a))
	case opIsNotNull:
		return truthOf(!s.isNull(src, n.a))
	case opBetween:
		return s.between(src, n)
	case opNotBetween:
		return s.outside(src, n)
	case opLike:
		return s.like(src, n)
	case opNotLike:
		return s.like(src, n).not()
	case opIn:
		return s.in(src, n)
	case opNotIn:
		return s.in(src, n).not()
	case opIsTrue:
		v := s.eval(src, n.a)
		if v.kind == null {
			return unknown
		}
		return truthOf(v.kind == boolean && v.num != 0)
	case opTest:
		return truthOf(s.decide(src, &s.calls[n.b]))
	case opConst: // TRUE, FALSE or NULL
		v := s.consts[n.a]
		if v.kind == null {
			return unknown
		}
		return truthOf(v.num != 0)
	}
	return no
}

// any returns decisive if an operand of an AND or OR is that, and otherwise unknown if one is
// unknown.
func (s *Selector) any(src Source, n *node, decisive truth) truth {
	result := decisive.not()
	for _, k := range s.kids[n.a : n.a+n.b] {
		switch s.test(src, k) {
		case decisive:
			return decisive
		case unknown:
			result = unknown
		}
	}
	return result
}

func (s *Selector) equal(src Source, n *node) truth {
	a, b := s.eval(src, n.a), s.eval(src, n.b)
	switch {
	case a.kind == text && b.kind == text:
		return truthOf(a.text == b.text)
	case a.kind == null && b.kind == null:
		return yes
	case a.kind == null:
		return unknown
	case b.kind == null:
		return no
	case a.kind == list && b.kind == list:
		return truthOf(same(a, b))
	}
	c, ok := order(a, b, s.convert)
	return truthOf(ok && c == 0)
}

func (s *Selector) ordered(o op, a, b value) truth {
	if a.kind == null || b.kind == null {
		return unknown
	}
	c, ok := order(a, b, s.convert)
	if !ok {
		return no
	}
	switch o {
	case opGreater:
		return truthOf(c > 0)
	case opAtLeast:
		return truthOf(c >= 0)
	case opLess:
		return truthOf(c < 0)
	}
	return truthOf(c <= 0)
}

// between is false if one bound is known to be exceeded, whatever the other.
func (s *Selector) between(src Source, n *node) truth {
	v := s.eval(src, n.a)
	low := s.ordered(opAtLeast, v, s.eval(src, s.kids[n.b]))
	if low == no {
		return no
	}
	high := s.ordered(opAtMost, v, s.eval(src, s.kids[n.b+1]))
	if high == no || low == yes {
		return high
	}
	return unknown
}

// outside is true if a value is known to be beyond a bound. It is not the opposite of between: of
// a value that does not compare with the bounds, both are false.
func (s *Selector) outside(src Source, n *node) truth {
	v := s.eval(src, n.a)
	below := s.ordered(opLess, v, s.eval(src, s.kids[n.b]))
	if below == yes {
		return yes
	}
	above := s.ordered(opGreater, v, s.eval(src, s.kids[n.b+1]))
	if above == yes || below == no {
		return above
	}
	return unknown
}

func (s *Selector) isNull(src Source, r ref) bool {
	return s.eval(src, r).kind == null
}

func (s *Selector) like(src Source, n *node) truth {
	v := s.eval(src, n.a)
	if v.kind == null {
		return unknown
	}
	return truthOf(v.kind == text && s.likes[n.b].match(v.text))
}

// in is unknown for what is not a string.
func (s *Selector) in(src Source, n *node) truth {
	v := s.eval(src, n.a)
	if v.kind != text {
		return unknown
	}
	_, found := slices.BinarySearch(s.sets[n.b], v.text)
	return truthOf(found)
}

// eval evaluates an operand.
func (s *Selector) eval(src Source, r ref) value {
	n := &s.nodes[r]
	switch n.op {
	case opProperty:
		v, ok := src.Property(s.names[n.a])
		if !ok {
			return value{}
		}
		return ofMessage(v)
	case opConst:
		return s.consts[n.a]
	case opCall:
		return s.apply(src, &s.calls[n.b])
	case opNegate:
		return negate(s.eval(src, n.a))
	case opPlus, opMinus, opTimes, opDivide, opModulo:
		return calculate(n.op, s.eval(src, n.a), s.eval(src, n.b))
	}
	return ofTruth(s.test(src, r))
}
