package wire

import (
	"encoding/binary"
	"math"
)

// ValueKind is the tag of a primitive value.
type ValueKind uint8

// The kinds of primitive values.
const (
	NullValue ValueKind = iota
	BoolValue
	ByteValue
	CharValue
	ShortValue
	IntValue
	LongValue
	DoubleValue
	FloatValue
	StringValue
	BytesValue
	MapValue
	ListValue
	BigStringValue
)

// Value is one primitive value of a map, a list or a stream. Num holds numbers, and the bits of
// floating-point ones; Bytes the octets of strings and byte arrays, and the encodings of maps and
// lists.
type Value struct {
	Kind  ValueKind
	Num   int64
	Bytes []byte
}

// Int returns the value of an integer kind, 0 of others.
func (v *Value) Int() int64 {
	switch v.Kind {
	case ByteValue, ShortValue, IntValue, LongValue:
		return v.Num
	}
	return 0
}

// Float returns the value of a floating-point kind, 0 of others.
func (v *Value) Float() float64 {
	switch v.Kind {
	case DoubleValue:
		return math.Float64frombits(uint64(v.Num))
	case FloatValue:
		return float64(math.Float32frombits(uint32(v.Num)))
	}
	return 0
}

// ErrPrimitive is what iterators say of bytes that are not what they should be.
var ErrPrimitive = &Error{"Malformed primitive values"}

// Iterator walks the entries of an encoded map, or the values of a list or stream. Its fields are
// those of the entry that Next has come to, and share the memory of the encoding.
type Iterator struct {
	Key   []byte // of a map: modified UTF-8
	Value Value

	data  []byte
	left  int // entries; below 0: to the end of the data
	keyed bool
	bad   bool
}

// MapIterator returns an iterator over an encoded map; nil is an empty one.
func MapIterator(b []byte) Iterator { return counted(b, true) }

// ListIterator returns an iterator over an encoded list.
func ListIterator(b []byte) Iterator { return counted(b, false) }

// StreamIterator returns an iterator over values without a count.
func StreamIterator(b []byte) Iterator { return Iterator{data: b, left: -1} }

func counted(b []byte, keyed bool) Iterator {
	it := Iterator{keyed: keyed}
	if len(b) == 0 {
		return it
	}
	if len(b) < 4 {
		it.bad = true
		return it
	}
	it.left = max(int(int32(binary.BigEndian.Uint32(b))), 0)
	it.data = b[4:]
	if it.left > len(it.data) {
		it.left, it.bad = 0, true
	}
	return it
}

// Len returns how many entries are left; a stream does not know.
func (it *Iterator) Len() int { return max(it.left, 0) }

// Err returns ErrPrimitive if the walk ended before its time.
func (it *Iterator) Err() error {
	if it.bad {
		return ErrPrimitive
	}
	return nil
}

func (it *Iterator) take(n int) []byte {
	if n < 0 || n > len(it.data) {
		it.bad = true
		it.data = nil
		return nil
	}
	b := it.data[:n:n]
	it.data = it.data[n:]
	return b
}

func (it *Iterator) uint(n int) uint64 {
	v := uint64(0)
	for _, c := range it.take(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

// Next goes to the next entry. It returns false at the end, and where the encoding is damaged.
func (it *Iterator) Next() bool {
	switch {
	case it.bad || it.left == 0:
		return false
	case it.left < 0 && len(it.data) == 0:
		return false
	case it.left > 0:
		it.left--
	}
	if it.keyed {
		it.Key = it.take(int(it.uint(2)))
	}
	it.value()
	return !it.bad
}

func (it *Iterator) value() {
	tag := it.take(1)
	if tag == nil {
		return
	}
	v := &it.Value
	*v = Value{Kind: ValueKind(tag[0])}
	switch v.Kind {
	case NullValue:
	case BoolValue:
		if v.Num = int64(it.uint(1)); v.Num != 0 {
			v.Num = 1
		}
	case ByteValue:
		v.Num = int64(int8(it.uint(1)))
	case CharValue:
		v.Num = int64(it.uint(2))
	case ShortValue:
		v.Num = int64(int16(it.uint(2)))
	case IntValue:
		v.Num = int64(int32(it.uint(4)))
	case FloatValue:
		v.Num = int64(it.uint(4))
	case LongValue, DoubleValue:
		v.Num = int64(it.uint(8))
	case StringValue:
		v.Bytes = it.take(int(it.uint(2)))
	case BytesValue, BigStringValue:
		v.Bytes = it.take(int(int32(it.uint(4))))
	case MapValue, ListValue:
		before := it.data
		it.skip(v.Kind == MapValue, 1)
		if !it.bad {
			v.Bytes = before[:len(before)-len(it.data)]
		}
	default:
		it.bad = true
	}
}

// skip goes over a nested map or list.
func (it *Iterator) skip(keyed bool, depth int) {
	n := int(int32(it.uint(4)))
	if depth > maxDepth || n > len(it.data) {
		it.bad = true
		return
	}
	for range n {
		if keyed {
			it.take(int(it.uint(2)))
		}
		tag := it.take(1)
		if tag == nil || it.bad {
			it.bad = true
			return
		}
		switch ValueKind(tag[0]) {
		case NullValue:
		case BoolValue, ByteValue:
			it.take(1)
		case CharValue, ShortValue:
			it.take(2)
		case IntValue, FloatValue:
			it.take(4)
		case LongValue, DoubleValue:
			it.take(8)
		case StringValue:
			it.take(int(it.uint(2)))
		case BytesValue, BigStringValue:
			it.take(int(int32(it.uint(4))))
		case MapValue:
			it.skip(true, depth+1)
		case ListValue:
			it.skip(false, depth+1)
		default:
			it.bad = true
			return
		}
	}
}

// bigString is the length in octets from which on a string has a count of four octets.
const bigString = 8191

// AppendKey appends the key of a map's entry.
func AppendKey(dst []byte, key string) []byte {
	at := len(dst)
	dst = AppendText(append(dst, 0, 0), key)
	n := len(dst) - at - 2
	if n > longestLoose {
		dst = dst[:at+2+len(Text(dst[at+2:]).cut(longestLoose))]
		n = len(dst) - at - 2
	}
	binary.BigEndian.PutUint16(dst[at:], uint16(n))
	return dst
}

// AppendString appends a string value in the octets given.
func AppendString(dst []byte, s string) []byte {
	if len(s) >= bigString {
		dst = binary.BigEndian.AppendUint32(append(dst, byte(BigStringValue)), uint32(len(s)))
	} else {
		dst = binary.BigEndian.AppendUint16(append(dst, byte(StringValue)), uint16(len(s)))
	}
	return append(dst, s...)
}

// AppendValue appends any other value than a string; Bytes of a map or list is its encoding.
func AppendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.Kind))
	switch v.Kind {
	case NullValue:
	case BoolValue, ByteValue:
		dst = append(dst, byte(v.Num))
	case CharValue, ShortValue:
		dst = binary.BigEndian.AppendUint16(dst, uint16(v.Num))
	case IntValue, FloatValue:
		dst = binary.BigEndian.AppendUint32(dst, uint32(v.Num))
	case LongValue, DoubleValue:
		dst = binary.BigEndian.AppendUint64(dst, uint64(v.Num))
	case StringValue:
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(len(v.Bytes))), v.Bytes...)
	case BytesValue, BigStringValue:
		dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v.Bytes))), v.Bytes...)
	case MapValue, ListValue:
		dst = append(dst, v.Bytes...)
	}
	return dst
}

// AppendFlag appends a map to dst, with a further boolean entry that is true. dst and the map may
// share memory from the map's beginning on.
func AppendFlag(dst, encoded []byte, key string) []byte {
	count := uint32(0)
	if len(encoded) >= 4 {
		count = binary.BigEndian.Uint32(encoded)
		encoded = encoded[4:]
	}
	entries := append([]byte(nil), encoded...)
	dst = binary.BigEndian.AppendUint32(dst, count+1)
	dst = append(dst, entries...)
	dst = AppendKey(dst, key)
	return AppendValue(dst, Value{Kind: BoolValue, Num: 1})
}

// properties builds a map.
type properties struct {
	b []byte
	n uint32
}

func newProperties() *properties { return &properties{b: make([]byte, 4, 512)} }

func (p *properties) key(k string) {
	p.b = AppendKey(p.b, k)
	p.n++
}

func (p *properties) bool(k string, v bool) {
	p.key(k)
	n := int64(0)
	if v {
		n = 1
	}
	p.b = AppendValue(p.b, Value{Kind: BoolValue, Num: n})
}

func (p *properties) int(k string, v int32) {
	p.key(k)
	p.b = AppendValue(p.b, Value{Kind: IntValue, Num: int64(v)})
}

func (p *properties) long(k string, v int64) {
	p.key(k)
	p.b = AppendValue(p.b, Value{Kind: LongValue, Num: v})
}

// text adds a string unless it is empty.
func (p *properties) text(k, v string) {
	if v != "" {
		p.key(k)
		p.b = AppendString(p.b, v)
	}
}

func (p *properties) done() []byte {
	binary.BigEndian.PutUint32(p.b, p.n)
	return p.b
}
