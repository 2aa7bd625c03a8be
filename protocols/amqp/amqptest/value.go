package amqptest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Values are Go's own types where there is one: nil, bool, uint8 to uint64, int8 to int64, float32, float64, []byte,
// string; and these for the others [AMQP 1.6].
type (
	// Symbol is a symbolic value, ASCII.
	Symbol string
	// Char is one Unicode character.
	Char rune
	// Timestamp is in milliseconds since 1970.
	Timestamp int64
	// UUID is a universally unique identifier.
	UUID [16]byte
	// Decimal is a decimal32, decimal64 or decimal128, by its length.
	Decimal string
	// List is a list of values.
	List []any
	// Map is a map in its order on the wire: key, value, key, value.
	Map []any
	// Array is an array of values of one type.
	Array []any
	// Raw is an encoded value, written as it stands.
	Raw []byte
)

// Described is a value with a descriptor, which is a uint64 or a Symbol.
type Described struct {
	Descriptor any
	Value      any
}

// D returns a described list, which is what performatives, sections and outcomes are.
func D(code uint64, fields ...any) Described { return Described{code, List(fields)} }

// Get returns the value of a key, nil if it is not there.
func (m Map) Get(key any) any {
	for i := 0; i+1 < len(m); i += 2 {
		if m[i] == key {
			return m[i+1]
		}
	}
	return nil
}

// At returns a field of a list, nil if it is not there.
func (l List) At(i int) any {
	if i < len(l) {
		return l[i]
	}
	return nil
}

// Append encodes a value. Lists, maps and texts take the short form where they fit. A value of a type that AMQP has not
// is encoded as null.
func Append(b []byte, value any) []byte {
	switch v := value.(type) {
	case Raw:
		return append(b, v...)
	case bool:
		if v {
			return append(b, 0x41)
		}
		return append(b, 0x42)
	case uint8:
		return append(b, 0x50, v)
	case int8:
		return append(b, 0x51, byte(v))
	case uint16:
		return binary.BigEndian.AppendUint16(append(b, 0x60), v)
	case int16:
		return binary.BigEndian.AppendUint16(append(b, 0x61), uint16(v))
	case uint32:
		switch {
		case v == 0:
			return append(b, 0x43)
		case v < 256:
			return append(b, 0x52, byte(v))
		}
		return binary.BigEndian.AppendUint32(append(b, 0x70), v)
	case int32:
		if v >= -128 && v < 128 {
			return append(b, 0x54, byte(v))
		}
		return binary.BigEndian.AppendUint32(append(b, 0x71), uint32(v))
	case uint64:
		switch {
		case v == 0:
			return append(b, 0x44)
		case v < 256:
			return append(b, 0x53, byte(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 0x80), v)
	case int64:
		if v >= -128 && v < 128 {
			return append(b, 0x55, byte(v))
		}
		return binary.BigEndian.AppendUint64(append(b, 0x81), uint64(v))
	case float32:
		return binary.BigEndian.AppendUint32(append(b, 0x72), math.Float32bits(v))
	case float64:
		return binary.BigEndian.AppendUint64(append(b, 0x82), math.Float64bits(v))
	case Char:
		return binary.BigEndian.AppendUint32(append(b, 0x73), uint32(v))
	case Timestamp:
		return binary.BigEndian.AppendUint64(append(b, 0x83), uint64(v))
	case UUID:
		return append(append(b, 0x98), v[:]...)
	case Decimal:
		codes := map[int]byte{4: 0x74, 8: 0x84, 16: 0x94}
		return append(append(b, codes[len(v)]), v...)
	case []byte:
		return appendVariable(b, 0xa0, string(v))
	case string:
		return appendVariable(b, 0xa1, v)
	case Symbol:
		return appendVariable(b, 0xa3, string(v))
	case List:
		if len(v) == 0 {
			return append(b, 0x45)
		}
		return appendCompound(b, 0xc0, v)
	case Map:
		return appendCompound(b, 0xc1, v)
	case Array:
		return appendArray(b, v)
	case Described:
		return Append(Append(append(b, 0), v.Descriptor), v.Value)
	}
	return append(b, 0x40)
}

func appendVariable(b []byte, code byte, text string) []byte {
	if len(text) < 256 {
		return append(append(b, code, byte(len(text))), text...)
	}
	return append(binary.BigEndian.AppendUint32(append(b, code+0x10), uint32(len(text))), text...)
}

func appendCompound(b []byte, code byte, items []any) []byte {
	var body []byte
	for _, item := range items {
		body = Append(body, item)
	}
	if len(body) < 255 && len(items) < 256 {
		return append(append(b, code, byte(len(body)+1), byte(len(items))), body...)
	}
	b = binary.BigEndian.AppendUint32(append(b, code+0x10), uint32(len(body)+4))
	return append(binary.BigEndian.AppendUint32(b, uint32(len(items))), body...)
}

// appendArray writes each item with the widest constructor of its type, as all must have the same.
func appendArray(b []byte, items []any) []byte {
	constructor, body := []byte{0x40}, []byte(nil)
	for _, item := range items {
		var one []byte
		switch v := item.(type) {
		case Symbol:
			one = binary.BigEndian.AppendUint32([]byte{0xb3}, uint32(len(v)))
			one = append(one, v...)
		case string:
			one = binary.BigEndian.AppendUint32([]byte{0xb1}, uint32(len(v)))
			one = append(one, v...)
		case int32:
			one = binary.BigEndian.AppendUint32([]byte{0x71}, uint32(v))
		case uint64:
			one = binary.BigEndian.AppendUint64([]byte{0x80}, v)
		case int64:
			one = binary.BigEndian.AppendUint64([]byte{0x81}, uint64(v))
		case uint8:
			one = []byte{0x50, v}
		case bool:
			one = []byte{0x56, 0}
			if v {
				one[1] = 1
			}
		default:
			one = Append(nil, v)
		}
		constructor = one[:1]
		body = append(body, one[1:]...)
	}
	b = binary.BigEndian.AppendUint32(append(b, 0xf0), uint32(len(body)+5))
	b = binary.BigEndian.AppendUint32(b, uint32(len(items)))
	return append(append(b, constructor...), body...)
}

// errShort says that a value ends before its end.
var errShort = errors.New("the value is cut off")

// Decode reads one value and returns what follows it.
func Decode(b []byte) (value any, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errShort
	}
	if b[0] == 0 {
		descriptor, rest, err := Decode(b[1:])
		if err != nil {
			return nil, nil, err
		}
		value, rest, err := Decode(rest)
		return Described{descriptor, value}, rest, err
	}
	return decodeAs(b[0], b[1:])
}

// decodeAs reads the data of a constructor.
func decodeAs(code byte, b []byte) (any, []byte, error) {
	fixed := map[byte]int{4: 0, 5: 1, 6: 2, 7: 4, 8: 8, 9: 16}
	switch width, ok := fixed[code>>4]; {
	case ok && len(b) < width:
		return nil, nil, errShort
	case ok:
		v, err := decodeFixed(code, b[:width])
		return v, b[width:], err
	}
	wide := 1
	if code>>4 == 0xb || code>>4 == 0xd || code>>4 == 0xf {
		wide = 4
	}
	size, b, err := decodeSize(b, wide)
	if err != nil {
		return nil, nil, err
	}
	if size > len(b) {
		return nil, nil, errShort
	}
	body, rest := b[:size], b[size:]
	var value any
	switch code {
	case 0xa0, 0xb0:
		value = append([]byte{}, body...)
	case 0xa1, 0xb1:
		value = string(body)
	case 0xa3, 0xb3:
		value = Symbol(body)
	case 0xc0, 0xd0, 0xc1, 0xd1:
		value, err = decodeCompound(code, body, wide)
	case 0xe0, 0xf0:
		value, err = decodeArray(body, wide)
	default:
		err = fmt.Errorf("constructor %#x", code)
	}
	return value, rest, err
}

func decodeSize(b []byte, wide int) (int, []byte, error) {
	if len(b) < wide {
		return 0, nil, errShort
	}
	if wide == 1 {
		return int(b[0]), b[1:], nil
	}
	return int(binary.BigEndian.Uint32(b)), b[4:], nil
}

func decodeFixed(code byte, b []byte) (any, error) {
	var n uint64
	for _, x := range b[:min(len(b), 8)] {
		n = n<<8 | uint64(x)
	}
	switch code {
	case 0x40:
		return nil, nil
	case 0x41:
		return true, nil
	case 0x42:
		return false, nil
	case 0x56:
		return n == 1, nil
	case 0x50:
		return uint8(n), nil
	case 0x51:
		return int8(n), nil
	case 0x60:
		return uint16(n), nil
	case 0x61:
		return int16(n), nil
	case 0x70, 0x52, 0x43:
		return uint32(n), nil
	case 0x71:
		return int32(n), nil
	case 0x54:
		return int32(int8(n)), nil
	case 0x80, 0x53, 0x44:
		return n, nil
	case 0x81:
		return int64(n), nil
	case 0x55:
		return int64(int8(n)), nil
	case 0x72:
		return math.Float32frombits(uint32(n)), nil
	case 0x82:
		return math.Float64frombits(n), nil
	case 0x73:
		return Char(n), nil
	case 0x83:
		return Timestamp(n), nil
	case 0x98:
		return UUID(b), nil
	case 0x74, 0x84, 0x94:
		return Decimal(b), nil
	case 0x45:
		return List{}, nil
	}
	return nil, fmt.Errorf("constructor %#x", code)
}

func decodeCompound(code byte, b []byte, wide int) (any, error) {
	count, b, err := decodeSize(b, wide)
	if err != nil {
		return nil, err
	}
	items := []any{}
	for range count {
		var item any
		if item, b, err = Decode(b); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	if code&0xf == 1 {
		return Map(items), nil
	}
	return List(items), nil
}

func decodeArray(b []byte, wide int) (any, error) {
	count, b, err := decodeSize(b, wide)
	if err != nil || len(b) == 0 {
		return nil, errShort
	}
	if b[0] == 0 {
		return nil, errors.New("an array of described values")
	}
	code, items := b[0], Array{}
	b = b[1:]
	for range count {
		var item any
		if item, b, err = decodeAs(code, b); err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// Text shows a value for people.
func Text(value any) string {
	join := func(items []any, separator string) string {
		words := make([]string, len(items))
		for i, item := range items {
			words[i] = Text(item)
		}
		return strings.Join(words, separator)
	}
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%.200q", v)
	case Symbol:
		return ":" + string(v)
	case []byte:
		if len(v) > 64 {
			return fmt.Sprintf("b%s…(%d)", hex.EncodeToString(v[:64]), len(v))
		}
		return "b" + hex.EncodeToString(v)
	case List:
		return "[" + join(v, " ") + "]"
	case Map:
		return "{" + join(v, " ") + "}"
	case Array:
		return "@[" + join(v, " ") + "]"
	case Described:
		if n, ok := v.Descriptor.(uint64); ok {
			return fmt.Sprintf("%#x%s", n, Text(v.Value))
		}
		return Text(v.Descriptor) + Text(v.Value)
	}
	return fmt.Sprintf("%v", value)
}
