package mapping

import (
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Delivery is a message as one consumer is to see it.
type Delivery struct {
	Msg      *message.Message
	Count    uint32 // failed deliveries before this one
	Acquired bool   // another link, or this one, has had it before
	Now      int64  // Unix milliseconds
	Retained bool   // it is what a topic has kept, which is said of other protocols' messages
}

// Parts is an encoded message in three pieces, which follow each other. Front was appended to the
// caller's scratch; Head and Body belong to the message.
type Parts struct {
	Front, Head, Body []byte
	Format            uint32 // message-format
}

// Size returns the number of bytes of the message.
func (p *Parts) Size() int { return len(p.Front) + len(p.Head) + len(p.Body) }

// Take removes up to n bytes from the beginning of the parts and appends them to dst.
func (p *Parts) Take(dst []byte, n int) []byte {
	for _, piece := range [...]*[]byte{&p.Front, &p.Head, &p.Body} {
		k := min(n, len(*piece))
		dst = append(dst, (*piece)[:k]...)
		*piece = (*piece)[k:]
		n -= k
	}
	return dst
}

// Encode encodes a message. Of one that came in as AMQP, the bare message goes out as it came:
// header and delivery-annotations are new, message-annotations, bare message and footer are not
// touched. [AMQP 3.2] What the broker has added for good becomes application properties, as it
// does in JMS.
func Encode(scratch []byte, d *Delivery) Parts {
	m := d.Msg
	c, ok := m.Content.(*content)
	if !ok {
		return foreign(d.appendHeader(scratch), m, d.Retained)
	}
	if c.format != 0 {
		return Parts{Body: c.body, Format: c.format}
	}
	front := d.appendHeader(scratch)
	b := c.sections()
	start := max(c.layout.Header.To, c.layout.DeliveryAnnotations.To)
	if len(m.Overlay) == 0 {
		return Parts{Front: front, Head: b[start:], Body: c.body}
	}
	front = c.appendAnnotated(front, b[start:max(start, c.layout.Annotations.To)], m)
	front = c.appendProperties(front, m)
	return Parts{Front: c.appendOverlaid(front, m), Body: c.body}
}

// appendHeader appends the header section.
func (d *Delivery) appendHeader(dst []byte) []byte {
	h := section.Header{
		Durable: d.Msg.Durable, Priority: d.Msg.Priority, DeliveryCount: d.Count,
		FirstAcquirer: d.Count == 0 && !d.Acquired, // [AMQP 3.2.1]
	}
	if d.Msg.Expiry != 0 {
		h.TTL, h.HasTTL = uint32(min(max(d.Msg.Expiry-d.Now, 1), math.MaxUint32)), true
	}
	return h.Append(dst)
}

// appendProperties appends the properties section as it came, but for an expiry that does not hold
// any more: of a dead letter, which clients would drop.
func (c *content) appendProperties(dst []byte, m *message.Message) []byte {
	raw := c.layout.Properties.Of(c.sections())
	if raw == nil {
		return dst
	}
	p, err := section.ParseProperties(raw)
	if err == nil && p.HasExpiry && p.Expiry != 0 && m.Expiry == 0 {
		p.HasExpiry = false
		return p.Append(dst)
	}
	return append(append(dst, wire.Described, wire.SmallUlong, section.PropertiesCode), raw...)
}

// Annotations returns what is to be added to a message so that it has the annotations of an
// encoded map.
func Annotations(raw []byte) []message.Field {
	var list []message.Field
	section.Entries(raw, func(key []byte, v wire.Value) bool {
		if n, ok := neutral(&v, 0); ok {
			list = append(list, message.Field{Name: annotationPrefix + string(key), Value: owned(n)})
		}
		return true
	})
	return list
}

// owned returns a value that is no view of a buffer.
func owned(v message.Value) message.Value {
	switch v.Kind() {
	case message.String:
		return message.OfString(strings.Clone(v.Str()))
	case message.Bytes:
		return message.OfBytes(strings.Clone(v.Str()))
	case message.List, message.Map:
		return message.Value{} // an annotation of ours is simple
	}
	return v
}

// appendAnnotated appends the message-annotations, whose section is given, with those that were
// added since.
func (c *content) appendAnnotated(dst, annotations []byte, m *message.Message) []byte {
	added := false
	for i := range m.Overlay {
		added = added || strings.HasPrefix(m.Overlay[i].Name, annotationPrefix)
	}
	if !added {
		return append(dst, annotations...)
	}
	out := section.OpenMap(dst, section.AnnotationsCode)
	if raw := c.layout.Annotations.Of(c.sections()); raw != nil {
		if v, _, err := wire.Parse(raw); err == nil {
			items := v.Items()
			for {
				key, ok := items.Raw()
				if !ok {
					break
				}
				value, ok := items.Raw()
				if !ok {
					break
				}
				if k, _, err := wire.Parse(key); err == nil && overlaid(m, annotationPrefix+view(k.Data)) {
					continue
				}
				out.B = append(append(out.B, key...), value...)
				out.Count += 2
			}
		}
	}
	for i, f := range m.Overlay {
		name, ok := strings.CutPrefix(f.Name, annotationPrefix)
		if ok && !f.Value.IsNull() && !overlaidLater(m, i) {
			out.B = appendValue(wire.AppendSymbol(out.B, name), f.Value)
			out.Count += 2
		}
	}
	return out.Close()
}

// appendOverlaid appends the application properties with the overlay merged in.
func (c *content) appendOverlaid(dst []byte, m *message.Message) []byte {
	start := len(dst)
	out := section.OpenMap(dst, section.ApplicationCode)
	if raw := c.layout.Application.Of(c.sections()); raw != nil {
		if v, _, err := wire.Parse(raw); err == nil {
			items := v.Items()
			for {
				key, ok := items.Raw()
				if !ok {
					break
				}
				value, ok := items.Raw()
				if !ok {
					break
				}
				if k, _, err := wire.Parse(key); err == nil && overlaid(m, view(k.Data)) {
					continue
				}
				out.B = append(append(out.B, key...), value...)
				out.Count += 2
			}
		}
	}
	for i, f := range m.Overlay {
		if f.Value.IsNull() || !isSimple(f.Value) || overlaidLater(m, i) || strings.HasPrefix(f.Name, vendor) {
			continue
		}
		out.B = appendValue(wire.AppendString(out.B, f.Name), f.Value)
		out.Count += 2
	}
	if out.Count == 0 {
		return out.B[:start]
	}
	return out.Close()
}

func overlaid(m *message.Message, name string) bool {
	for i := range m.Overlay {
		if m.Overlay[i].Name == name {
			return true
		}
	}
	return false
}

func overlaidLater(m *message.Message, i int) bool {
	for _, f := range m.Overlay[i+1:] {
		if f.Name == m.Overlay[i].Name {
			return true
		}
	}
	return false
}

// foreign encodes a message of another protocol behind its header.
func foreign(dst []byte, m *message.Message, retained bool) Parts {
	p, err := m.Payload()
	if err != nil {
		p = message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(m.Content.Body()))}
	}
	dst = appendAnnotations(dst, m, p.Kind)
	dst = appendForeignProperties(dst, m, p.Kind)
	dst = appendApplication(dst, m, retained)
	return appendBody(dst, p)
}

// appendAnnotations appends the message-annotations: what kind of message and destinations they
// are, and those that the message has kept as properties.
func appendAnnotations(dst []byte, m *message.Message, kind message.PayloadKind) []byte {
	out := section.OpenMap(dst, section.AnnotationsCode)
	add := func(name string, v int8) {
		out.B = wire.AppendByte(wire.AppendSymbol(out.B, name), v)
		out.Count += 2
	}
	add(TypeAnnotation, jmsType(kind)) // Qpid JMS takes it as a byte only
	if m.Address.Kind != address.None {
		add(DestAnnotation, int8(m.Address.Kind-address.Queue))
	}
	if m.ReplyTo.Kind != address.None {
		add(ReplyToAnnotation, int8(m.ReplyTo.Kind-address.Queue))
	}
	m.Properties(func(f message.Field) bool {
		name, ok := strings.CutPrefix(f.Name, annotationPrefix)
		if ok && name != TypeAnnotation && name != DestAnnotation && name != ReplyToAnnotation && isSimple(f.Value) {
			out.B = appendValue(wire.AppendSymbol(out.B, name), f.Value)
			out.Count += 2
		}
		return true
	})
	return out.Close()
}

// jmsType returns the number of a kind of message in Qpid's annotation.
func jmsType(k message.PayloadKind) int8 {
	switch k {
	case message.ObjectPayload:
		return 1
	case message.MapPayload:
		return 2
	case message.BytesPayload:
		return 3
	case message.StreamPayload, message.SequencePayload:
		return 4
	case message.TextPayload:
		return 5
	}
	return 0
}

// appendForeignProperties appends the properties section of a message that has no AMQP one.
func appendForeignProperties(dst []byte, m *message.Message, kind message.PayloadKind) []byte {
	c := wire.Open(append(dst, wire.Described, wire.SmallUlong, section.PropertiesCode), wire.List8)
	kept := func(name string) string {
		v, _ := m.Property(name)
		return v.Text()
	}
	if m.ID.Origin == "" {
		c.Null()
	} else {
		var buf [128]byte
		c.Item()
		c.B = appendID(c.B, view(m.ID.Append(buf[:0])))
	}
	if m.UserID == "" {
		c.Null()
	} else {
		c.Item()
		c.B = wire.AppendBinary(c.B, m.UserID)
	}
	appendAddress(&c, m.Address)
	c.String(m.Type)
	appendAddress(&c, m.ReplyTo)
	if m.CorrelationID == "" {
		c.Null()
	} else {
		c.Item()
		c.B = appendCorrelation(c.B, m)
	}
	contentType := kept(typeProperty)
	if kind == message.ObjectPayload {
		contentType = ObjectType
	}
	c.Symbol(contentType)
	c.Symbol(kept(codingProperty))
	for _, t := range [...]int64{m.Expiry, m.Timestamp} {
		if t == 0 {
			c.Null()
		} else {
			c.Time(t)
		}
	}
	c.String(m.GroupID)
	if m.GroupSeq != 0 {
		c.Uint(uint32(m.GroupSeq))
	} else {
		c.Null()
	}
	c.String(kept(replyGroupProperty))
	return c.Close()
}

// appendAddress appends the qualified name of a destination, or null.
func appendAddress(c *wire.Compound, a address.Address) {
	if a.IsZero() {
		c.Null()
		return
	}
	scheme := a.Kind.String()
	n := len(a.Name)
	if scheme != "" {
		n += len(scheme) + len("://")
	}
	c.Item()
	if n < 256 {
		c.B = append(c.B, wire.String8, byte(n))
	} else {
		c.B = binary.BigEndian.AppendUint32(append(c.B, wire.String32), uint32(n))
	}
	if scheme != "" {
		c.B = append(append(c.B, scheme...), "://"...)
	}
	c.B = append(c.B, a.Name...)
}

// retainedProperty tells clients that a message is what a topic has kept.
const retainedProperty = "ActiveMQ.Retained"

// appendApplication appends the application properties, without those that only mean something to
// the broker.
func appendApplication(dst []byte, m *message.Message, retained bool) []byte {
	start := len(dst)
	out := section.OpenMap(dst, section.ApplicationCode)
	m.Properties(func(f message.Field) bool {
		if strings.HasPrefix(f.Name, vendor) || strings.HasPrefix(f.Name, "AMQ_SCHEDULED_") || !isSimple(f.Value) {
			return true
		}
		if retained && f.Name == retainedProperty {
			return true // who has sent it on says of another message
		}
		out.B = appendValue(wire.AppendString(out.B, f.Name), f.Value)
		out.Count += 2
		return true
	})
	if retained {
		out.B = appendValue(wire.AppendString(out.B, retainedProperty), message.OfBool(true))
		out.Count += 2
	}
	if out.Count == 0 {
		return out.B[:start]
	}
	return out.Close()
}

// appendBody appends the body. Octets and text are not copied: they are the Body of the parts.
func appendBody(dst []byte, p message.Payload) Parts {
	text := p.Value.Str()
	var short, long byte
	code := byte(section.ValueCode)
	switch p.Kind {
	case message.TextPayload:
		short, long = wire.String8, wire.String32
		if !utf8.ValidString(text) {
			text = strings.ToValidUTF8(text, "\uFFFD") // a string of AMQP must be UTF-8
		}
	case message.BytesPayload, message.ObjectPayload:
		code, short, long = section.DataCode, wire.Binary8, wire.Binary32
	case message.SequencePayload:
		for _, list := range p.Value.List() {
			dst = appendValue(append(dst, wire.Described, wire.SmallUlong, section.SequenceCode), list)
		}
		return Parts{Front: dst}
	default:
		dst = append(dst, wire.Described, wire.SmallUlong, code)
		return Parts{Front: appendValue(dst, p.Value)}
	}
	dst = append(dst, wire.Described, wire.SmallUlong, code)
	if len(text) < 256 {
		dst = append(dst, short, byte(len(text)))
	} else {
		dst = binary.BigEndian.AppendUint32(append(dst, long), uint32(len(text)))
	}
	return Parts{Front: dst, Body: bytesOf(text)}
}
