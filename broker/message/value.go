package message

import (
	"math"
	"strconv"
)

// Kind is the type of a Value: JMS's property types, and what AMQP adds to them.
type Kind uint8

// The kinds of a Value, with the Go type that holds it.
const (
	Null   Kind = iota
	Bool        // bool
	Byte        // int8
	Short       // int16
	Int         // int32
	Long        // int64
	Float       // float32
	Double      // float64
	String      // string, UTF-8
	Bytes       // string of octets
	Char        // rune
	Time        // int64, milliseconds since 1970 UTC
	UUID        // string of 16 octets
	List        // []Value
	Map         // []Field, in order
)

// Value is a typed property or body value. It is immutable and may be shared. The zero Value
// is Null.
type Value struct {
	kind Kind
	num  uint64
	str  string
	comp *composite
}

type composite struct {
	list   []Value
	fields []Field
}

// Field is a named value: a property, or an entry of a map.
type Field struct {
	Name  string
	Value Value
}

// Constructors, one per kind.
func OfBool(v bool) Value {
	if v {
		return Value{kind: Bool, num: 1}
	}
	return Value{kind: Bool}
}
func OfByte(v int8) Value      { return Value{kind: Byte, num: uint64(int64(v))} }
func OfShort(v int16) Value    { return Value{kind: Short, num: uint64(int64(v))} }
func OfInt(v int32) Value      { return Value{kind: Int, num: uint64(int64(v))} }
func OfLong(v int64) Value     { return Value{kind: Long, num: uint64(v)} }
func OfFloat(v float32) Value  { return Value{kind: Float, num: math.Float64bits(float64(v))} }
func OfDouble(v float64) Value { return Value{kind: Double, num: math.Float64bits(v)} }
func OfString(v string) Value  { return Value{kind: String, str: v} }
func OfBytes(v string) Value   { return Value{kind: Bytes, str: v} }
func OfChar(v rune) Value      { return Value{kind: Char, num: uint64(int64(v))} }
func OfTime(ms int64) Value    { return Value{kind: Time, num: uint64(ms)} }
func OfUUID(v [16]byte) Value  { return Value{kind: UUID, str: string(v[:])} }
func OfList(v []Value) Value   { return Value{kind: List, comp: &composite{list: v}} }
func OfMap(v []Field) Value    { return Value{kind: Map, comp: &composite{fields: v}} }

// Kind returns the value's kind.
func (v Value) Kind() Kind { return v.kind }

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.kind == Null }

// Bool returns the value of a Bool, false for other kinds.
func (v Value) Bool() bool { return v.kind == Bool && v.num != 0 }

// Int64 returns the value of an integer kind, Char or Time; 0 for other kinds.
func (v Value) Int64() int64 {
	switch v.kind {
	case Byte, Short, Int, Long, Char, Time:
		return int64(v.num)
	}
	return 0
}

// Float64 returns the value of a Float or Double, or an integer kind widened; 0 for others.
func (v Value) Float64() float64 {
	switch v.kind {
	case Float, Double:
		return math.Float64frombits(v.num)
	}
	return float64(v.Int64())
}

// Str returns the text or octets of a String, Bytes or UUID; "" for other kinds.
func (v Value) Str() string { return v.str }

// List returns the elements of a List; callers must not change them.
func (v Value) List() []Value {
	if v.comp == nil {
		return nil
	}
	return v.comp.list
}

// Fields returns the entries of a Map in order; callers must not change them.
func (v Value) Fields() []Field {
	if v.comp == nil {
		return nil
	}
	return v.comp.fields
}

// IsInteger reports whether the value is a Byte, Short, Int or Long.
func (v Value) IsInteger() bool { return v.kind >= Byte && v.kind <= Long }

// IsNumber reports whether the value is an integer, Float or Double.
func (v Value) IsNumber() bool { return v.kind >= Byte && v.kind <= Double }

// Text returns the value as Java's String.valueOf would for scalar kinds, which is what
// text-only protocols show of a typed property; "" for Null, List and Map.
func (v Value) Text() string {
	switch v.kind {
	case Bool:
		return strconv.FormatBool(v.num != 0)
	case Byte, Short, Int, Long, Time:
		return strconv.FormatInt(int64(v.num), 10)
	case Float:
		return JavaFloat(math.Float64frombits(v.num), 32)
	case Double:
		return JavaFloat(math.Float64frombits(v.num), 64)
	case Char:
		return string(rune(int64(v.num)))
	case String, Bytes:
		return v.str
	case UUID:
		return formatUUID(v.str)
	}
	return ""
}

// JavaFloat formats a floating-point number as Java's Float.toString (32 bits) or
// Double.toString (64) does: 1.0, 1.0E10, 1.0E-5, NaN, Infinity.
func JavaFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0:
		if math.Signbit(f) {
			return "-0.0"
		}
		return "0.0"
	}
	if a := math.Abs(f); a >= 1e-3 && a < 1e7 {
		s := strconv.AppendFloat(nil, f, 'f', -1, bits)
		for _, c := range s {
			if c == '.' {
				return string(s)
			}
		}
		return string(append(s, '.', '0'))
	}
	s := strconv.AppendFloat(nil, f, 'E', -1, bits)
	mantissa, exponent := s, []byte(nil)
	for i, c := range s {
		if c == 'E' {
			mantissa, exponent = s[:i], s[i+1:]
			break
		}
	}
	out := append([]byte(nil), mantissa...)
	dot := false
	for _, c := range mantissa {
		dot = dot || c == '.'
	}
	if !dot {
		out = append(out, '.', '0')
	}
	e, _ := strconv.Atoi(string(exponent))
	return string(strconv.AppendInt(append(out, 'E'), int64(e), 10))
}

func formatUUID(s string) string {
	if len(s) != 16 {
		return ""
	}
	const hex = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i := range 16 {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, hex[s[i]>>4], hex[s[i]&15])
	}
	return string(out)
}
