package wire

import (
	"encoding/binary"
	"math"
)

// Value is one value, taken apart as far as its constructor. Its slices are views of the buffer
// that it was read from.
type Value struct {
	Code       byte   // of the value, or of what is described
	Descriptor []byte // the encoded descriptor; nil: not described
	// Data is the data without size and count: of a text or binary its octets, of a compound or
	// an array its items.
	Data  []byte
	Count int    // items of a compound or array; of a map, keys and values
	Elem  []byte // of an array: the constructor of all its elements
}

// Parse reads the value at the beginning of b and returns how many bytes it takes.
func Parse(b []byte) (v Value, n int, err error) {
	rest := b
	for depth := 0; len(rest) > 0 && rest[0] == Described; depth++ {
		if depth >= MaxDepth {
			return v, 0, ErrDepth
		}
		n, err := plainSize(rest[1:])
		if err != nil {
			return v, 0, err
		}
		if v.Descriptor == nil { // the outermost one says what it is
			v.Descriptor = rest[1 : 1+n]
		}
		rest = rest[1+n:]
	}
	n, err = plainSize(rest)
	if err != nil {
		return v, 0, err
	}
	outer := v.Descriptor
	if v, err = dataOf(rest[0], rest[1:n]); err != nil {
		return v, 0, err
	}
	v.Descriptor = outer
	return v, len(b) - len(rest) + n, nil
}

// dataOf makes a value of a code and its data, with size and count.
func dataOf(code byte, data []byte) (v Value, err error) {
	v.Code = code
	switch code >> 4 {
	case 0xa, 0xb:
		v.Data = data[sizeWidth(code):]
	case 0xc, 0xd:
		count, items, err := counted(code, data)
		if err != nil {
			return v, err
		}
		if uint64(count) > uint64(len(items)) {
			return v, ErrCount
		}
		v.Count, v.Data = int(count), items
	case 0xe, 0xf:
		return arrayOf(code, data)
	default:
		v.Data = data
	}
	if !known(code) {
		return v, ErrCode
	}
	return v, nil
}

// arrayOf makes a value of an array's data, with size and count.
func arrayOf(code byte, data []byte) (v Value, err error) {
	v.Code = code
	count, items, err := counted(code, data)
	if err != nil {
		return v, err
	}
	at := 0
	for depth := 0; at < len(items) && items[at] == Described; depth++ {
		if depth >= MaxDepth {
			return v, ErrDepth
		}
		n, err := plainSize(items[at+1:])
		if err != nil {
			return v, err
		}
		at += 1 + n
	}
	if at >= len(items) {
		return v, ErrShort // an empty array has a constructor too
	}
	elem := items[at]
	if !known(elem) {
		return v, ErrCode
	}
	v.Elem, v.Data = items[:at+1], items[at+1:]
	w := max(width(elem), 0)
	switch {
	case w > 0 && uint64(count) > uint64(len(v.Data)/w):
		return v, ErrCount
	case w == 0 && width(elem) == 0 && count > MaxEmpty:
		return v, ErrCount
	case width(elem) < 0 && uint64(count) > uint64(len(v.Data)):
		return v, ErrCount
	}
	v.Count = int(count)
	return v, nil
}

// IsNull reports whether the value is null or absent.
func (v *Value) IsNull() bool { return v.Code == Null || v.Code == 0 }

// IsList reports whether the value is a list.
func (v *Value) IsList() bool { return v.Code == List0 || v.Code == List8 || v.Code == List32 }

// IsMap reports whether the value is a map.
func (v *Value) IsMap() bool { return v.Code == Map8 || v.Code == Map32 }

// IsArray reports whether the value is an array.
func (v *Value) IsArray() bool { return v.Code == Array8 || v.Code == Array32 }

// IsString reports whether the value is a string.
func (v *Value) IsString() bool { return v.Code == String8 || v.Code == String32 }

// IsSymbol reports whether the value is a symbol.
func (v *Value) IsSymbol() bool { return v.Code == Symbol8 || v.Code == Symbol32 }

// IsBinary reports whether the value is binary.
func (v *Value) IsBinary() bool { return v.Code == Binary8 || v.Code == Binary32 }

// Unsigned returns the value of an unsigned integer of any width.
func (v *Value) Unsigned() (uint64, bool) {
	switch v.Code {
	case Uint0, Ulong0:
		return 0, true
	case Ubyte, SmallUint, SmallUlong:
		return uint64(v.Data[0]), true
	case Ushort:
		return uint64(binary.BigEndian.Uint16(v.Data)), true
	case Uint:
		return uint64(binary.BigEndian.Uint32(v.Data)), true
	case Ulong:
		return binary.BigEndian.Uint64(v.Data), true
	}
	return 0, false
}

// Signed returns the value of a signed integer of any width, or of a timestamp.
func (v *Value) Signed() (int64, bool) {
	switch v.Code {
	case Byte, SmallInt, SmallLong:
		return int64(int8(v.Data[0])), true
	case Short:
		return int64(int16(binary.BigEndian.Uint16(v.Data))), true
	case Int:
		return int64(int32(binary.BigEndian.Uint32(v.Data))), true
	case Long, Timestamp:
		return int64(binary.BigEndian.Uint64(v.Data)), true
	}
	return 0, false
}

// Boolean returns the value of a boolean.
func (v *Value) Boolean() (value, ok bool) {
	switch v.Code {
	case True:
		return true, true
	case False:
		return false, true
	case Boolean:
		return v.Data[0] != 0, v.Data[0] <= 1
	}
	return false, false
}

// Float returns the value of a float or double.
func (v *Value) Float() (float64, bool) {
	switch v.Code {
	case Float:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(v.Data))), true
	case Double:
		return math.Float64frombits(binary.BigEndian.Uint64(v.Data)), true
	}
	return 0, false
}

// Items goes through the items of a compound or an array.
type Items struct {
	b    []byte
	left int
	elem byte   // of an array
	desc []byte // of an array whose elements are described
	err  error
}

// Items returns the items of a list, map or array; of any other value there are none.
func (v *Value) Items() Items {
	it := Items{b: v.Data, left: v.Count}
	if v.IsArray() {
		it.elem = v.Elem[len(v.Elem)-1]
		if v.Elem[0] == Described {
			if n, err := plainSize(v.Elem[1:]); err == nil {
				it.desc = v.Elem[1 : 1+n]
			}
		}
	}
	return it
}

// Left returns how many items are left.
func (it *Items) Left() int { return it.left }

// Err returns what is wrong with the items read so far.
func (it *Items) Err() error { return it.err }

// Next returns the next item; false at the end or after an error.
func (it *Items) Next() (v Value, ok bool) {
	if it.left <= 0 || it.err != nil {
		return v, false
	}
	it.left--
	if it.elem == 0 {
		var n int
		if v, n, it.err = Parse(it.b); it.err != nil {
			return v, false
		}
		it.b = it.b[n:]
		return v, true
	}
	n, err := dataSize(it.elem, it.b)
	if err == nil {
		v, err = dataOf(it.elem, it.b[:n])
	}
	if err != nil {
		it.err = err
		return v, false
	}
	v.Descriptor = it.desc
	it.b = it.b[n:]
	return v, true
}

// Raw returns the next item as it is encoded; for lists and maps only.
func (it *Items) Raw() (b []byte, ok bool) {
	if it.left <= 0 || it.err != nil {
		return nil, false
	}
	it.left--
	n, err := Size(it.b)
	if err != nil {
		it.err = err
		return nil, false
	}
	b, it.b = it.b[:n], it.b[n:]
	return b, true
}
