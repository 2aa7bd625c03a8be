package wire

import (
	"encoding/binary"
	"math"
)

// AppendNull appends null.
func AppendNull(dst []byte) []byte { return append(dst, Null) }

// AppendBool appends a boolean.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return append(dst, True)
	}
	return append(dst, False)
}

// AppendUbyte appends a ubyte.
func AppendUbyte(dst []byte, v uint8) []byte { return append(dst, Ubyte, v) }

// AppendUshort appends a ushort.
func AppendUshort(dst []byte, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, Ushort), v)
}

// AppendUint appends a uint in its shortest form.
func AppendUint(dst []byte, v uint32) []byte {
	switch {
	case v == 0:
		return append(dst, Uint0)
	case v < 256:
		return append(dst, SmallUint, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, Uint), v)
}

// AppendUlong appends a ulong in its shortest form.
func AppendUlong(dst []byte, v uint64) []byte {
	switch {
	case v == 0:
		return append(dst, Ulong0)
	case v < 256:
		return append(dst, SmallUlong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, Ulong), v)
}

// AppendByte appends a byte.
func AppendByte(dst []byte, v int8) []byte { return append(dst, Byte, byte(v)) }

// AppendShort appends a short.
func AppendShort(dst []byte, v int16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, Short), uint16(v))
}

// AppendInt appends an int in its shortest form.
func AppendInt(dst []byte, v int32) []byte {
	if v >= math.MinInt8 && v <= math.MaxInt8 {
		return append(dst, SmallInt, byte(v))
	}
	return binary.BigEndian.AppendUint32(append(dst, Int), uint32(v))
}

// AppendLong appends a long in its shortest form.
func AppendLong(dst []byte, v int64) []byte {
	if v >= math.MinInt8 && v <= math.MaxInt8 {
		return append(dst, SmallLong, byte(v))
	}
	return binary.BigEndian.AppendUint64(append(dst, Long), uint64(v))
}

// AppendFloat appends a float.
func AppendFloat(dst []byte, v float32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, Float), math.Float32bits(v))
}

// AppendDouble appends a double.
func AppendDouble(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, Double), math.Float64bits(v))
}

// AppendChar appends a char.
func AppendChar(dst []byte, v rune) []byte {
	return binary.BigEndian.AppendUint32(append(dst, Char), uint32(v))
}

// AppendTime appends a timestamp of Unix milliseconds.
func AppendTime(dst []byte, ms int64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, Timestamp), uint64(ms))
}

// AppendUUID appends a uuid of 16 octets; fewer are filled up with zeros.
func AppendUUID[T string | []byte](dst []byte, v T) []byte {
	var id [16]byte
	copy(id[:], v)
	return append(append(dst, UUID), id[:]...)
}

// AppendBinary appends a binary.
func AppendBinary[T string | []byte](dst []byte, v T) []byte { return appendVariable(dst, Binary8, v) }

// AppendString appends a string.
func AppendString[T string | []byte](dst []byte, v T) []byte { return appendVariable(dst, String8, v) }

// AppendSymbol appends a symbol.
func AppendSymbol[T string | []byte](dst []byte, v T) []byte { return appendVariable(dst, Symbol8, v) }

// appendVariable appends octets with the code of the short form, or that of the long one, which
// is 0x10 more.
func appendVariable[T string | []byte](dst []byte, code byte, v T) []byte {
	if len(v) < 256 {
		return append(append(dst, code, byte(len(v))), v...)
	}
	return append(binary.BigEndian.AppendUint32(append(dst, code+0x10), uint32(len(v))), v...)
}

// AppendSymbols appends a field of several symbols: null for none, an array otherwise, which old
// clients want also of a single one.
func AppendSymbols(dst []byte, list []string) []byte {
	if len(list) == 0 {
		return append(dst, Null)
	}
	c := Open(dst, Array8)
	wide := false
	for _, s := range list {
		wide = wide || len(s) > 255
	}
	if wide {
		c.B = append(c.B, Symbol32)
	} else {
		c.B = append(c.B, Symbol8)
	}
	for _, s := range list {
		if wide {
			c.B = binary.BigEndian.AppendUint32(c.B, uint32(len(s)))
		} else {
			c.B = append(c.B, byte(len(s)))
		}
		c.B = append(c.B, s...)
		c.Count++
	}
	return c.Close()
}

// AppendDescriptor appends the beginning of a described type with a descriptor of the standard.
func AppendDescriptor(dst []byte, code uint64) []byte {
	return AppendUlong(append(dst, Described), code)
}

// Compound is a compound or an array under construction. Its short form is written first, and
// made the long one at the end if need be.
type Compound struct {
	B     []byte // the buffer, to append items to
	Count int    // items; the caller counts

	code  byte // of the short form
	at    int
	nulls int
}

// Open begins a compound: List8, Map8 or Array8.
func Open(dst []byte, code byte) Compound {
	return Compound{B: append(dst, code, 0, 0), code: code, at: len(dst)}
}

// Close ends the compound and returns the buffer. Trailing nulls of a list are left out.
func (c *Compound) Close() []byte {
	size := len(c.B) - c.at - 2
	switch {
	case size == 1 && c.code == List8 && c.Count == 0:
		return append(c.B[:c.at], List0)
	case size < 256 && c.Count < 256:
		c.B[c.at+1], c.B[c.at+2] = byte(size), byte(c.Count)
		return c.B
	}
	c.B = append(c.B, 0, 0, 0, 0, 0, 0)
	copy(c.B[c.at+9:], c.B[c.at+3:len(c.B)-6])
	c.B[c.at] = c.code + 0x10
	binary.BigEndian.PutUint32(c.B[c.at+1:], uint32(size-1+4))
	binary.BigEndian.PutUint32(c.B[c.at+5:], uint32(c.Count))
	return c.B
}

// Null adds a null to a list; at the end of the list it is left out.
func (c *Compound) Null() { c.nulls++ }

// Item makes room for an item that the caller appends to B.
func (c *Compound) Item() {
	for ; c.nulls > 0; c.nulls-- {
		c.B = append(c.B, Null)
		c.Count++
	}
	c.Count++
}

// Uint adds a uint.
func (c *Compound) Uint(v uint32) {
	c.Item()
	c.B = AppendUint(c.B, v)
}

// Ulong adds a ulong.
func (c *Compound) Ulong(v uint64) {
	c.Item()
	c.B = AppendUlong(c.B, v)
}

// Ushort adds a ushort.
func (c *Compound) Ushort(v uint16) {
	c.Item()
	c.B = AppendUshort(c.B, v)
}

// Ubyte adds a ubyte.
func (c *Compound) Ubyte(v uint8) {
	c.Item()
	c.B = AppendUbyte(c.B, v)
}

// Bool adds a boolean.
func (c *Compound) Bool(v bool) {
	c.Item()
	c.B = AppendBool(c.B, v)
}

// True adds a boolean whose default is false.
func (c *Compound) True(v bool) {
	if v {
		c.Bool(true)
		return
	}
	c.Null()
}

// Time adds a timestamp of Unix milliseconds.
func (c *Compound) Time(ms int64) {
	c.Item()
	c.B = AppendTime(c.B, ms)
}

// String adds a string, or null if it is empty.
func (c *Compound) String(v string) {
	if v == "" {
		c.Null()
		return
	}
	c.Item()
	c.B = AppendString(c.B, v)
}

// Symbol adds a symbol, or null if it is empty.
func (c *Compound) Symbol(v string) {
	if v == "" {
		c.Null()
		return
	}
	c.Item()
	c.B = AppendSymbol(c.B, v)
}

// Symbols adds a field of several symbols.
func (c *Compound) Symbols(list []string) {
	if len(list) == 0 {
		c.Null()
		return
	}
	c.Item()
	c.B = AppendSymbols(c.B, list)
}

// Binary adds a binary, or null if it is nil.
func (c *Compound) Binary(v []byte) {
	if v == nil {
		c.Null()
		return
	}
	c.Item()
	c.B = AppendBinary(c.B, v)
}

// Raw adds an encoded value, or null if it is empty.
func (c *Compound) Raw(v []byte) {
	if len(v) == 0 {
		c.Null()
		return
	}
	c.Item()
	c.B = append(c.B, v...)
}
