package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// Fields reads the fields of a composite type in their order (AMQP 1.4). A field that is null or
// left out at the end is absent. After an error everything is absent, and Err tells of it.
type Fields struct {
	b    []byte
	left int
	err  error
}

// FieldsOf returns the fields of the list at the beginning of b, and how many bytes it takes.
func FieldsOf(b []byte) (f Fields, n int, err error) {
	if n, err = plainSize(b); err != nil {
		return f, 0, err
	}
	switch b[0] {
	case List0:
		return f, n, nil
	case List8, List32:
	default:
		return f, 0, ErrType
	}
	count, items, err := counted(b[0], b[1:n])
	if err != nil {
		return f, 0, err
	}
	if uint64(count) > uint64(len(items)) {
		return f, 0, ErrCount
	}
	return Fields{b: items, left: int(count)}, n, nil
}

// Err returns the first thing that was wrong.
func (f *Fields) Err() error { return f.err }

// Fail notes an error of the caller's, unless there is one already.
func (f *Fields) Fail(err error) {
	if f.err == nil {
		f.err = err
		f.left = 0
	}
}

// code returns the next field's format code and its data, with size; ok is false if it is absent.
func (f *Fields) code() (code byte, data []byte, ok bool) {
	if f.left == 0 {
		return 0, nil, false
	}
	f.left--
	n, err := plainSize(f.b)
	if err != nil {
		f.Fail(err)
		return 0, nil, false
	}
	code, data = f.b[0], f.b[1:n]
	f.b = f.b[n:]
	return code, data, code != Null
}

// Uint reads a uint.
func (f *Fields) Uint() (v uint32, ok bool) {
	code, data, ok := f.code()
	if !ok {
		return 0, false
	}
	switch code {
	case Uint0:
		return 0, true
	case SmallUint:
		return uint32(data[0]), true
	case Uint:
		return binary.BigEndian.Uint32(data), true
	}
	f.Fail(ErrType)
	return 0, false
}

// UintOr reads a uint that has a default.
func (f *Fields) UintOr(def uint32) uint32 {
	if v, ok := f.Uint(); ok {
		return v
	}
	return def
}

// MustUint reads a uint that must be there.
func (f *Fields) MustUint() uint32 {
	v, ok := f.Uint()
	if !ok {
		f.Fail(ErrAbsent)
	}
	return v
}

// Ulong reads a ulong.
func (f *Fields) Ulong() (v uint64, ok bool) {
	code, data, ok := f.code()
	if !ok {
		return 0, false
	}
	switch code {
	case Ulong0:
		return 0, true
	case SmallUlong:
		return uint64(data[0]), true
	case Ulong:
		return binary.BigEndian.Uint64(data), true
	}
	f.Fail(ErrType)
	return 0, false
}

// Ushort reads a ushort.
func (f *Fields) Ushort() (v uint16, ok bool) {
	code, data, ok := f.code()
	if !ok {
		return 0, false
	}
	if code == Ushort {
		return binary.BigEndian.Uint16(data), true
	}
	f.Fail(ErrType)
	return 0, false
}

// Ubyte reads a ubyte.
func (f *Fields) Ubyte() (v uint8, ok bool) {
	code, data, ok := f.code()
	if !ok {
		return 0, false
	}
	if code == Ubyte {
		return data[0], true
	}
	f.Fail(ErrType)
	return 0, false
}

// Bool reads a boolean that is false when absent.
func (f *Fields) Bool() bool {
	v, _ := f.Boolean()
	return v
}

// Boolean reads a boolean.
func (f *Fields) Boolean() (v, ok bool) {
	code, data, ok := f.code()
	if !ok {
		return false, false
	}
	switch {
	case code == True:
		return true, true
	case code == False:
		return false, true
	case code == Boolean && data[0] <= 1:
		return data[0] == 1, true
	}
	f.Fail(ErrType)
	return false, false
}

// Time reads a timestamp, in Unix milliseconds.
func (f *Fields) Time() (v int64, ok bool) {
	code, data, ok := f.code()
	if !ok {
		return 0, false
	}
	if code == Timestamp {
		return int64(binary.BigEndian.Uint64(data)), true
	}
	f.Fail(ErrType)
	return 0, false
}

// Binary reads a binary. An absent one is nil, an empty one is not.
func (f *Fields) Binary() []byte {
	code, data, ok := f.code()
	if !ok {
		return nil
	}
	if code == Binary8 || code == Binary32 {
		return data[sizeWidth(code):]
	}
	f.Fail(ErrType)
	return nil
}

// String reads a string. An absent one is nil, an empty one is not.
func (f *Fields) String() []byte {
	code, data, ok := f.code()
	if !ok {
		return nil
	}
	if code == String8 || code == String32 {
		if data = data[sizeWidth(code):]; !utf8.Valid(data) {
			f.Fail(ErrValue)
			return nil
		}
		return data
	}
	f.Fail(ErrType)
	return nil
}

// Symbol reads a symbol, or a string where a peer sends one in its place.
func (f *Fields) Symbol() []byte {
	code, data, ok := f.code()
	if !ok {
		return nil
	}
	switch code {
	case Symbol8, Symbol32, String8, String32:
		return data[sizeWidth(code):]
	}
	f.Fail(ErrType)
	return nil
}

// Any reads a value of any type.
func (f *Fields) Any() (v Value) {
	if raw := f.Raw(); raw != nil {
		var err error
		if v, _, err = Parse(raw); err != nil {
			f.Fail(err)
			return Value{}
		}
	}
	return v
}

// Raw reads a value of any type as it is encoded; nil if it is absent.
func (f *Fields) Raw() []byte {
	if f.left == 0 {
		return nil
	}
	f.left--
	n, err := Size(f.b)
	if err != nil {
		f.Fail(err)
		return nil
	}
	raw := f.b[:n]
	f.b = f.b[n:]
	if raw[0] == Null {
		return nil
	}
	return raw
}

// Map reads a map as it is encoded; nil if it is absent. Its items have been checked.
func (f *Fields) Map() []byte {
	raw := f.Raw()
	if raw == nil {
		return nil
	}
	if raw[0] != Map8 && raw[0] != Map32 {
		f.Fail(ErrType)
		return nil
	}
	if _, err := Check(raw); err != nil {
		f.Fail(err)
		return nil
	}
	return raw
}

// maxMultiple bounds what is taken of a field with several values.
const maxMultiple = 256

// Symbols reads a field of several symbols: null, one symbol, or an array of them (AMQP 1.4).
func (f *Fields) Symbols() []string {
	v := f.Any()
	switch {
	case v.IsNull():
		return nil
	case v.IsSymbol(), v.IsString():
		return []string{string(v.Data)}
	case !v.IsArray() && !v.IsList():
		f.Fail(ErrType)
		return nil
	case v.Count > maxMultiple:
		f.Fail(ErrCount)
		return nil
	}
	var list []string
	items := v.Items()
	for s, ok := items.Next(); ok; s, ok = items.Next() {
		if !s.IsSymbol() && !s.IsString() {
			f.Fail(ErrType)
			return nil
		}
		list = append(list, string(s.Data))
	}
	if err := items.Err(); err != nil {
		f.Fail(err)
	}
	return list
}
