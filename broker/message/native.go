package message

import "unsafe"

// Native is the content of messages that the broker itself makes (events, management,
// HTTP): properties and a neutral payload. Its zero value is an empty message.
type Native struct {
	Fields []Field
	Value  Payload

	head, body []byte
}

// NewNative returns content with the given properties and payload.
func NewNative(fields []Field, p Payload) *Native {
	n := &Native{Fields: fields, Value: p}
	n.head = appendFields(nil, fields)
	switch p.Kind {
	case TextPayload, BytesPayload, ObjectPayload:
		n.body = append([]byte{byte(p.Kind)}, p.Value.Str()...)
	case NoPayload:
	default:
		n.body = appendValue([]byte{byte(p.Kind)}, p.Value)
	}
	return n
}

// OpenNative opens a stored native content. Damage shows as missing fields and as ErrContent
// from Payload.
func OpenNative(head, body []byte) Content {
	n := &Native{head: head, body: body}
	d := decoder{buf: head}
	n.Fields = d.fields()
	if d.err != nil {
		n.Fields = nil
	}
	if len(body) == 0 {
		return n
	}
	n.Value.Kind = PayloadKind(body[0])
	switch n.Value.Kind {
	case TextPayload:
		n.Value.Value = OfString(view(body[1:]))
	case BytesPayload, ObjectPayload:
		n.Value.Value = OfBytes(view(body[1:]))
	case MapPayload, StreamPayload, SequencePayload:
		d := decoder{buf: body[1:]}
		n.Value.Value = d.value(0)
		if d.err != nil || len(d.buf) > 0 {
			n.Value = Payload{Kind: badPayload}
		}
	default:
		n.Value = Payload{Kind: badPayload}
	}
	return n
}

const badPayload PayloadKind = 255

// Format returns NativeFormat.
func (n *Native) Format() FormatID { return NativeFormat }

// Head returns the encoded properties.
func (n *Native) Head() []byte { return n.head }

// Body returns the encoded payload.
func (n *Native) Body() []byte { return n.body }

// Property returns a property by its name.
func (n *Native) Property(name string) (Value, bool) {
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return n.Fields[i].Value, true
		}
	}
	return Value{}, false
}

// Properties yields the properties in order.
func (n *Native) Properties(yield func(Field) bool) {
	for _, f := range n.Fields {
		if !yield(f) {
			return
		}
	}
}

// Payload returns the payload, or ErrContent when it could not be decoded.
func (n *Native) Payload() (Payload, error) {
	if n.Value.Kind == badPayload {
		return Payload{}, ErrContent
	}
	return n.Value, nil
}

// view returns the bytes as a string without copying; the bytes must never change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
