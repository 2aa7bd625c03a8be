package mqtt

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/message"
)

// payloadOf returns the payload that stands for a message's body, and whether it is text, which has to be UTF-8. A map is
// written as Java writes one, and a stream as ActiveMQ keeps it; the octets of an object go out as
// they are.
func payloadOf(m *message.Message) (payload string, isText bool) {
	p, err := m.Payload()
	if err != nil {
		return "", false
	}
	switch p.Kind {
	case message.TextPayload:
		return p.Value.Str(), utf8.ValidString(p.Value.Str())
	case message.BytesPayload, message.ObjectPayload:
		return p.Value.Str(), false
	case message.MapPayload:
		text := string(appendMap(nil, p.Value.Fields(), 0))
		return text, utf8.ValidString(text)
	case message.StreamPayload, message.SequencePayload:
		return string(appendStream(nil, p.Value.List(), 0)), false
	}
	return "", false
}

// maxDepth bounds the nesting of maps and lists that are written out.
const maxDepth = 32

// appendMap appends a map as Java's AbstractMap.toString does, but for octets, which Java shows no value of: they are written as
// hexadecimal digits.
func appendMap(dst []byte, fields []message.Field, depth int) []byte {
	dst = append(dst, '{')
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(append(dst, f.Name...), '=')
		dst = appendJava(dst, f.Value, depth+1)
	}
	return append(dst, '}')
}

func appendJava(dst []byte, v message.Value, depth int) []byte {
	switch {
	case depth > maxDepth:
		return append(dst, "..."...)
	case v.IsNull():
		return append(dst, "null"...)
	}
	switch v.Kind() {
	case message.Map:
		return appendMap(dst, v.Fields(), depth)
	case message.List:
		dst = append(dst, '[')
		for i, e := range v.List() {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJava(dst, e, depth+1)
		}
		return append(dst, ']')
	}
	if v.Kind() == message.Bytes {
		return hex.AppendEncode(dst, []byte(v.Str()))
	}
	return append(dst, v.Text()...)
}

// The octets before the elements of a stream in ActiveMQ's encoding of them.
const (
	streamNull = iota
	streamBool
	streamByte
	streamChar
	streamShort
	streamInt
	streamLong
	streamDouble
	streamFloat
	streamString
	streamBytes
	_ // a map
	streamList
	streamBigString
)

// appendStream appends the elements of a stream in ActiveMQ's encoding.
func appendStream(dst []byte, list []message.Value, depth int) []byte {
	for _, v := range list {
		dst = appendElement(dst, v, depth)
	}
	return dst
}

func appendElement(dst []byte, v message.Value, depth int) []byte {
	be := binary.BigEndian
	switch v.Kind() {
	case message.Bool:
		if v.Bool() {
			return append(dst, streamBool, 1)
		}
		return append(dst, streamBool, 0)
	case message.Byte:
		return append(dst, streamByte, byte(v.Int64()))
	case message.Short:
		return be.AppendUint16(append(dst, streamShort), uint16(v.Int64()))
	case message.Char:
		return be.AppendUint16(append(dst, streamChar), uint16(v.Int64()))
	case message.Int:
		return be.AppendUint32(append(dst, streamInt), uint32(v.Int64()))
	case message.Long, message.Time:
		return be.AppendUint64(append(dst, streamLong), uint64(v.Int64()))
	case message.Float:
		return be.AppendUint32(append(dst, streamFloat), math.Float32bits(float32(v.Float64())))
	case message.Double:
		return be.AppendUint64(append(dst, streamDouble), math.Float64bits(v.Float64()))
	case message.Bytes:
		return append(be.AppendUint32(append(dst, streamBytes), uint32(len(v.Str()))), v.Str()...)
	case message.List:
		if depth < maxDepth {
			return appendStream(be.AppendUint32(append(dst, streamList), uint32(len(v.List()))), v.List(), depth+1)
		}
	case message.Null:
	default:
		text := v.Text()
		if len(text) > 0xffff/4 {
			return append(be.AppendUint32(append(dst, streamBigString), uint32(len(text))), text...)
		}
		return append(be.AppendUint16(append(dst, streamString), uint16(len(text))), text...)
	}
	return append(dst, streamNull)
}
