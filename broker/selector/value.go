package selector

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/message"
)

// kind of a value.
type kind uint8

const (
	null kind = iota
	boolean
	integer // 32 bits
	long    // 64 bits
	float
	double
	huge // an integer literal beyond 64 bits: text is its digits, with a sign if it is negative
	text
	list
	opaque // of no type that a selector can work with
)

// value is an operand.
type value struct {
	kind kind
	num  uint64
	text string
	list []value
}

func ofBool(b bool) value {
	if b {
		return value{kind: boolean, num: 1}
	}
	return value{kind: boolean}
}
func ofInt(i int32) value      { return value{kind: integer, num: uint64(int64(i))} }
func ofLong(i int64) value     { return value{kind: long, num: uint64(i)} }
func ofDouble(f float64) value { return value{kind: double, num: math.Float64bits(f)} }
func ofText(s string) value    { return value{kind: text, text: s} }

func ofTruth(t truth) value {
	if t == unknown {
		return value{}
	}
	return ofBool(t == yes)
}

// ofMessage converts a property of a message.
func ofMessage(v message.Value) value {
	switch v.Kind() {
	case message.Null:
		return value{}
	case message.Bool:
		return ofBool(v.Bool())
	case message.Byte, message.Short, message.Int:
		return value{kind: integer, num: uint64(v.Int64())}
	case message.Long, message.Time:
		return ofLong(v.Int64())
	case message.Float:
		return value{kind: float, num: math.Float64bits(v.Float64())}
	case message.Double:
		return ofDouble(v.Float64())
	case message.String:
		return ofText(v.Str())
	case message.Char, message.UUID:
		return ofText(v.Text())
	}
	return value{kind: opaque}
}

func (v value) isNumber() bool { return v.kind >= integer && v.kind <= huge }

// int64 returns the value of an integer or long, and the low bits of a huge.
func (v value) int64() int64 { return int64(v.num) }

// float64 returns the value of any number.
func (v value) float64() float64 {
	switch v.kind {
	case float, double:
		return math.Float64frombits(v.num)
	case huge:
		f, _ := strconv.ParseFloat(v.text, 64)
		return f
	}
	return float64(v.int64())
}

// string returns the value as Java's String.valueOf does.
func (v value) string() string {
	switch v.kind {
	case null:
		return "null"
	case boolean:
		return strconv.FormatBool(v.num != 0)
	case integer, long:
		return strconv.FormatInt(v.int64(), 10)
	case float:
		return message.JavaFloat(v.float64(), 32)
	case double:
		return message.JavaFloat(v.float64(), 64)
	case list:
		var b strings.Builder
		b.WriteByte('[')
		for i, e := range v.list {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(e.string())
		}
		b.WriteByte(']')
		return b.String()
	}
	return v.text
}

// same reports whether two values are of one kind and equal.
func same(a, b value) bool {
	if a.kind != b.kind || a.kind == opaque {
		return false
	}
	if a.kind == list {
		return slices.EqualFunc(a.list, b.list, same)
	}
	return a.num == b.num && a.text == b.text
}

// order compares two values that are not null: negative, 0 or positive as a is below, equal to
// or above b. It returns false if they don't compare. With convert, a string is taken for the
// kind of the other value, if it can be.
func order(a, b value, convert bool) (int, bool) {
	if convert && a.kind != b.kind {
		var ok bool
		if a.kind == text {
			a, ok = parseAs(a.text, b.kind)
		} else if b.kind == text {
			b, ok = parseAs(b.text, a.kind)
		} else {
			ok = true
		}
		if !ok {
			return 0, false
		}
	}
	switch {
	case a.kind == text && b.kind == text:
		return orderText(a.text, b.text), true
	case a.kind == boolean && b.kind == boolean:
		return int(a.num) - int(b.num), true
	case a.kind == huge && b.kind == huge:
		return orderHuge(a.text, b.text), true
	case a.kind == huge || b.kind == huge || !a.isNumber() || !b.isNumber():
		return 0, false
	case a.kind == double || b.kind == double || a.kind == float && b.kind == float:
		return orderFloat(a.float64(), b.float64()), true
	case a.kind == float || b.kind == float:
		return orderFloat(float64(float32(a.float64())), float64(float32(b.float64()))), true
	}
	switch x, y := a.int64(), b.int64(); {
	case x < y:
		return -1, true
	case x > y:
		return 1, true
	}
	return 0, true
}

// orderFloat is Java's Double.compare: -0.0 is below 0.0, and NaN above all and equal to itself.
func orderFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	case a == b:
		return signed(b) - signed(a)
	case a == a:
		return -1
	case b == b:
		return 1
	}
	return 0
}

// signed returns 1 for a negative sign, even that of zero.
func signed(f float64) int {
	if math.Signbit(f) {
		return 1
	}
	return 0
}

// orderHuge compares integers in decimal without leading zeros.
func orderHuge(a, b string) int {
	aNegative, bNegative := a[0] == '-', b[0] == '-'
	switch {
	case aNegative && bNegative:
		return orderHuge(b[1:], a[1:])
	case aNegative:
		return -1
	case bNegative:
		return 1
	case len(a) != len(b):
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// orderText compares strings by their UTF-16 units, as Java does. That differs from the order
// of bytes only where a character beyond U+FFFF meets one from U+E000 on.
func orderText(a, b string) int {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	if i == n {
		return len(a) - len(b)
	}
	if a[i] >= 0xee && b[i] >= 0xee {
		x, _ := utf8.DecodeRuneInString(a[i:])
		y, _ := utf8.DecodeRuneInString(b[i:])
		if x > 0xffff != (y > 0xffff) {
			return int(y) - int(x)
		}
	}
	return int(a[i]) - int(b[i])
}
