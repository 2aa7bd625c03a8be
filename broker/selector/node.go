package selector

// ref is the index of a node.
type ref int32

// op is what a node does with its operands.
type op uint8

// Operators. Those before opConst have a boolean result, which may be unknown.
const (
	opOr         op = iota // kids
	opAnd                  // kids
	opNot                  // a
	opEqual                // a, b
	opNotEqual             // a, b
	opGreater              // a, b
	opAtLeast              // a, b
	opLess                 // a, b
	opAtMost               // a, b
	opIsNull               // a
	opIsNotNull            // a
	opBetween              // a; low and high are kids[b], kids[b+1]
	opNotBetween           // same
	opLike                 // a, likes[b]
	opNotLike              // same
	opIn                   // a, sets[b]
	opNotIn                // same
	opIsTrue               // a: a property as a condition
	opFalse                // XPATH and XQUERY; consts[a] is their text, consts[b] the keyword
	opTest                 // a function with a boolean result: calls[b]
	opConst                // consts[a]
	opProperty             // names[a]
	opCall                 // a function with another result: calls[b]
	opNegate               // a
	opPlus                 // a, b
	opMinus                // a, b
	opTimes                // a, b
	opDivide               // a, b
	opModulo               // a, b
)

// node is an operator with its operands, which are other nodes, or places in the tables of the
// Selector. One with many has b of them, from kids[a].
type node struct {
	op   op
	a, b ref
}

// isCondition reports whether the result of an operator is a boolean.
func (o op) isCondition() bool { return o < opConst }

// truth is a boolean that may be unknown.
type truth uint8

const (
	no truth = iota
	yes
	unknown
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case no:
		return yes
	case yes:
		return no
	}
	return unknown
}
