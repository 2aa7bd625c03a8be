package openwire

import (
	"encoding/binary"
	"math"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// maxDepth bounds maps and lists in each other.
const maxDepth = 32

// valueOf returns a primitive value in the neutral view.
func valueOf(v *wire.Value, depth int) message.Value {
	switch v.Kind {
	case wire.BoolValue:
		return message.OfBool(v.Num != 0)
	case wire.ByteValue:
		return message.OfByte(int8(v.Num))
	case wire.CharValue:
		return message.OfChar(rune(v.Num))
	case wire.ShortValue:
		return message.OfShort(int16(v.Num))
	case wire.IntValue:
		return message.OfInt(int32(v.Num))
	case wire.LongValue:
		return message.OfLong(v.Num)
	case wire.DoubleValue:
		return message.OfDouble(v.Float())
	case wire.FloatValue:
		return message.OfFloat(float32(v.Float()))
	case wire.StringValue, wire.BigStringValue:
		return message.OfString(wire.Text(v.Bytes).View())
	case wire.BytesValue:
		return message.OfBytes(view(v.Bytes))
	case wire.MapValue:
		if depth < maxDepth {
			fields, _ := fieldsOf(v.Bytes, depth+1)
			return message.OfMap(fields)
		}
	case wire.ListValue:
		if depth < maxDepth {
			it := wire.ListIterator(v.Bytes)
			return message.OfList(listOf(&it, depth+1))
		}
	}
	return message.Value{}
}

// fieldsOf returns the entries of an encoded map.
func fieldsOf(b []byte, depth int) ([]message.Field, error) {
	it := wire.MapIterator(b)
	fields := make([]message.Field, 0, min(it.Len(), 64))
	for it.Next() {
		fields = append(fields, message.Field{Name: wire.Text(it.Key).View(), Value: valueOf(&it.Value, depth)})
	}
	return fields, it.Err()
}

func listOf(it *wire.Iterator, depth int) []message.Value {
	list := make([]message.Value, 0, min(it.Len(), 64))
	for it.Next() {
		list = append(list, valueOf(&it.Value, depth))
	}
	return list
}

// emptyPayload is the body of a message without content.
func emptyPayload(kind wire.Type) message.Payload {
	switch kind {
	case wire.TypeTextMessage:
		return message.Payload{Kind: message.TextPayload, Value: message.OfString("")}
	case wire.TypeBytesMessage:
		return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes("")}
	case wire.TypeMapMessage:
		return message.Payload{Kind: message.MapPayload, Value: message.OfMap(nil)}
	case wire.TypeStreamMessage:
		return message.Payload{Kind: message.StreamPayload, Value: message.OfList(nil)}
	case wire.TypeObjectMessage:
		return message.Payload{Kind: message.ObjectPayload, Value: message.OfBytes("")}
	}
	return message.Payload{}
}

// payloadOf returns the neutral view of a body that is not compressed.
func payloadOf(kind wire.Type, b []byte) (message.Payload, error) {
	switch kind {
	case wire.TypeTextMessage:
		if len(b) == 0 {
			return emptyPayload(kind), nil
		}
		if len(b) < 4 || int64(binary.BigEndian.Uint32(b)) > int64(len(b)-4) {
			return message.Payload{}, message.ErrContent
		}
		text := wire.Text(b[4 : 4+binary.BigEndian.Uint32(b)])
		return message.Payload{Kind: message.TextPayload, Value: message.OfString(text.View())}, nil
	case wire.TypeBytesMessage:
		return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(b))}, nil
	case wire.TypeObjectMessage:
		return message.Payload{Kind: message.ObjectPayload, Value: message.OfBytes(view(b))}, nil
	case wire.TypeMapMessage:
		fields, err := fieldsOf(b, 0)
		if err != nil {
			return message.Payload{}, message.ErrContent
		}
		return message.Payload{Kind: message.MapPayload, Value: message.OfMap(fields)}, nil
	case wire.TypeStreamMessage:
		it := wire.StreamIterator(b)
		list := listOf(&it, 0)
		if it.Err() != nil {
			return message.Payload{}, message.ErrContent
		}
		return message.Payload{Kind: message.StreamPayload, Value: message.OfList(list)}, nil
	}
	return message.Payload{}, nil
}

// appendValue appends a value of the neutral view as a primitive.
func appendValue(dst []byte, v message.Value, depth int) []byte {
	num := func(k wire.ValueKind, n int64) []byte { return wire.AppendValue(dst, wire.Value{Kind: k, Num: n}) }
	switch v.Kind() {
	case message.Bool:
		if v.Bool() {
			return num(wire.BoolValue, 1)
		}
		return num(wire.BoolValue, 0)
	case message.Byte:
		return num(wire.ByteValue, v.Int64())
	case message.Short:
		return num(wire.ShortValue, v.Int64())
	case message.Int:
		return num(wire.IntValue, v.Int64())
	case message.Long, message.Time:
		return num(wire.LongValue, v.Int64())
	case message.Float:
		return num(wire.FloatValue, int64(math.Float32bits(float32(v.Float64()))))
	case message.Double:
		return num(wire.DoubleValue, int64(math.Float64bits(v.Float64())))
	case message.Char:
		if r := v.Int64(); r <= math.MaxUint16 {
			return num(wire.CharValue, r)
		}
		return wire.AppendString(dst, v.Text())
	case message.String, message.UUID:
		return wire.AppendString(dst, v.Text())
	case message.Bytes:
		return wire.AppendValue(dst, wire.Value{Kind: wire.BytesValue, Bytes: []byte(v.Str())})
	case message.List:
		if depth < maxDepth {
			dst = append(dst, byte(wire.ListValue))
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.List())))
			for _, e := range v.List() {
				dst = appendValue(dst, e, depth+1)
			}
			return dst
		}
	case message.Map:
		if depth < maxDepth {
			return appendMap(append(dst, byte(wire.MapValue)), v.Fields(), depth+1)
		}
	}
	return num(wire.NullValue, 0)
}

// appendMap appends an encoded map.
func appendMap(dst []byte, fields []message.Field, depth int) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(fields)))
	for _, f := range fields {
		dst = wire.AppendKey(dst, f.Name)
		dst = appendValue(dst, f.Value, depth)
	}
	return dst
}

// appendProperties appends all properties of a message, or nothing if it has none.
func appendProperties(dst []byte, m *message.Message) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	n := uint32(0)
	m.Properties(func(f message.Field) bool {
		dst = wire.AppendKey(dst, f.Name)
		dst = appendValue(dst, f.Value, 0)
		n++
		return true
	})
	if n == 0 {
		return dst[:at]
	}
	binary.BigEndian.PutUint32(dst[at:], n)
	return dst
}

// bodyOf returns a neutral body as a kind of message and its content; nil for none.
func bodyOf(p message.Payload) (kind wire.Type, b []byte) {
	switch p.Kind {
	case message.TextPayload:
		b = append(make([]byte, 0, 4+len(p.Value.Str())), 0, 0, 0, 0)
		b = wire.AppendText(b, p.Value.Str())
		binary.BigEndian.PutUint32(b, uint32(len(b)-4))
		return wire.TypeTextMessage, b
	case message.BytesPayload:
		if s := p.Value.Str(); s != "" {
			b = []byte(s)
		}
		return wire.TypeBytesMessage, b
	case message.ObjectPayload:
		if s := p.Value.Str(); s != "" {
			b = []byte(s)
		}
		return wire.TypeObjectMessage, b
	case message.MapPayload:
		if len(p.Value.Fields()) > 0 {
			b = appendMap(nil, p.Value.Fields(), 0)
		}
		return wire.TypeMapMessage, b
	case message.StreamPayload, message.SequencePayload:
		for _, v := range p.Value.List() {
			b = appendValue(b, v, 0)
		}
		return wire.TypeStreamMessage, b
	}
	return wire.TypeMessage, nil
}
