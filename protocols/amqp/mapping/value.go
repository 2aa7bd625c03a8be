package mapping

import (
	"encoding/binary"
	"math"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// neutral returns an AMQP value as the other protocols see it. Unsigned integers take the smallest
// signed type that holds them. ok is false for what nobody else has.
func neutral(v *wire.Value, depth int) (out message.Value, ok bool) {
	if depth > wire.MaxDepth {
		return out, false
	}
	switch v.Code {
	case wire.Null:
		return out, true
	case wire.True, wire.False, wire.Boolean:
		b, ok := v.Boolean()
		return message.OfBool(b), ok
	case wire.Byte:
		return message.OfByte(int8(v.Data[0])), true
	case wire.Short:
		return message.OfShort(int16(binary.BigEndian.Uint16(v.Data))), true
	case wire.Int, wire.SmallInt:
		n, _ := v.Signed()
		return message.OfInt(int32(n)), true
	case wire.Long, wire.SmallLong:
		n, _ := v.Signed()
		return message.OfLong(n), true
	case wire.Timestamp:
		n, _ := v.Signed()
		return message.OfTime(n), true
	case wire.Float:
		f, _ := v.Float()
		return message.OfFloat(float32(f)), true
	case wire.Double:
		f, _ := v.Float()
		return message.OfDouble(f), true
	case wire.Char:
		return message.OfChar(rune(binary.BigEndian.Uint32(v.Data))), true
	case wire.UUID:
		return message.OfUUID([16]byte(v.Data)), true
	case wire.String8, wire.String32, wire.Symbol8, wire.Symbol32:
		return message.OfString(view(v.Data)), true
	case wire.Binary8, wire.Binary32:
		return message.OfBytes(view(v.Data)), true
	case wire.List0, wire.List8, wire.List32, wire.Array8, wire.Array32:
		list, ok := neutralList(v, nil, depth)
		return message.OfList(list), ok
	case wire.Map8, wire.Map32:
		return neutralMap(v, depth)
	}
	if u, ok := v.Unsigned(); ok {
		return unsigned(v.Code, u), true
	}
	return out, false
}

// unsigned returns an unsigned integer as a signed one.
func unsigned(code byte, u uint64) message.Value {
	switch {
	case code == wire.Ubyte && u <= math.MaxInt8:
		return message.OfByte(int8(u))
	case (code == wire.Ubyte || code == wire.Ushort) && u <= math.MaxInt16:
		return message.OfShort(int16(u))
	case code != wire.Ulong && code != wire.SmallUlong && code != wire.Ulong0 && u <= math.MaxInt32:
		return message.OfInt(int32(u))
	case u <= math.MaxInt64:
		return message.OfLong(int64(u))
	}
	return message.OfDouble(float64(u))
}

func neutralList(v *wire.Value, list []message.Value, depth int) ([]message.Value, bool) {
	items := v.Items()
	for e, ok := items.Next(); ok; e, ok = items.Next() {
		n, ok := neutral(&e, depth+1)
		if !ok {
			return nil, false
		}
		list = append(list, n)
	}
	return list, items.Err() == nil
}

func neutralMap(v *wire.Value, depth int) (message.Value, bool) {
	var fields []message.Field
	items := v.Items()
	for {
		k, ok := items.Next()
		if !ok {
			break
		}
		e, ok := items.Next()
		if !ok {
			break
		}
		key, ok := neutral(&k, depth+1)
		if !ok {
			return message.Value{}, false
		}
		n, ok := neutral(&e, depth+1)
		if !ok {
			return message.Value{}, false
		}
		fields = append(fields, message.Field{Name: key.Text(), Value: n})
	}
	return message.OfMap(fields), items.Err() == nil
}

// appendValue appends a neutral value.
func appendValue(dst []byte, v message.Value) []byte {
	switch v.Kind() {
	case message.Bool:
		return wire.AppendBool(dst, v.Bool())
	case message.Byte:
		return wire.AppendByte(dst, int8(v.Int64()))
	case message.Short:
		return wire.AppendShort(dst, int16(v.Int64()))
	case message.Int:
		return wire.AppendInt(dst, int32(v.Int64()))
	case message.Long:
		return wire.AppendLong(dst, v.Int64())
	case message.Float:
		return wire.AppendFloat(dst, float32(v.Float64()))
	case message.Double:
		return wire.AppendDouble(dst, v.Float64())
	case message.String:
		return wire.AppendString(dst, v.Str())
	case message.Bytes:
		return wire.AppendBinary(dst, v.Str())
	case message.Char:
		return wire.AppendChar(dst, rune(v.Int64()))
	case message.Time:
		return wire.AppendTime(dst, v.Int64())
	case message.UUID:
		return wire.AppendUUID(dst, v.Str())
	case message.List:
		c := wire.Open(dst, wire.List8)
		for _, e := range v.List() {
			c.B = appendValue(c.B, e)
			c.Count++
		}
		return c.Close()
	case message.Map:
		c := wire.Open(dst, wire.Map8)
		for _, f := range v.Fields() {
			c.B = appendValue(wire.AppendString(c.B, f.Name), f.Value)
			c.Count += 2
		}
		return c.Close()
	}
	return wire.AppendNull(dst)
}

// isSimple reports whether a value may be an application property (AMQP 3.2.5).
func isSimple(v message.Value) bool { return v.Kind() != message.List && v.Kind() != message.Map }
