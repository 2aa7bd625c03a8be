package selector

import (
	"math"
	"strings"
)

// maxText bounds the strings that evaluation makes, in bytes: beyond it the result is NULL.
const maxText = 256 << 10

// calculate applies an arithmetic operator. Numbers are widened to the wider of the two kinds,
// and wrap around in it. What can't be calculated is NULL.
func calculate(o op, a, b value) value {
	switch {
	case a.kind == null || b.kind == null:
		return value{}
	case o == opPlus && a.kind == text:
		tail := b.text
		if b.kind != text {
			tail = b.string()
		}
		if len(a.text)+len(tail) > maxText {
			return value{}
		}
		return ofText(a.text + tail)
	case !a.isNumber() || !b.isNumber():
		return value{}
	case o == opDivide:
		return ofDouble(a.float64() / b.float64())
	case o == opModulo:
		return ofDouble(math.Mod(a.float64(), b.float64()))
	case fractional(a) || fractional(b):
		x, y := a.float64(), b.float64()
		switch o {
		case opPlus:
			return ofDouble(x + y)
		case opMinus:
			return ofDouble(x - y)
		}
		return ofDouble(x * y)
	}
	x, y := a.int64(), b.int64()
	switch o {
	case opPlus:
		x += y
	case opMinus:
		x -= y
	default:
		x *= y
	}
	if a.kind == long || b.kind == long {
		return ofLong(x)
	}
	return ofInt(int32(x)) // the low bits do not depend on the high bits of x and y
}

func fractional(v value) bool { return v.kind == float || v.kind == double }

// negate applies a minus sign; to what is no number, it gives NULL.
func negate(v value) value {
	switch v.kind {
	case integer:
		return ofInt(int32(-v.int64()))
	case long:
		return ofLong(-v.int64())
	case float, double:
		v.num = math.Float64bits(-v.float64())
		return v
	case huge:
		return negateHuge(v)
	}
	return value{}
}

// negateHuge makes a long of the one negative number whose positive is too big for it.
func negateHuge(v value) value {
	digits, negative := strings.CutPrefix(v.text, "-")
	if !negative {
		if digits == minLong {
			return ofLong(math.MinInt64)
		}
		digits = "-" + digits
	}
	return value{kind: huge, num: -v.num, text: digits}
}

// minLong is the magnitude of the least 64-bit number.
const minLong = "9223372036854775808"
