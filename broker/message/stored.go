package message

import (
	"encoding/binary"
	"math"

	"github.com/manifoldmq/manifold/broker/address"
)

// The stored head of a message, version 1:
//
//	version(1) format(1) flags(1) priority(1) present(uvarint)
//	for each bit of present, from the lowest: its field
//	the content's head, to the end
//
// Texts are a uvarint length and the octets, numbers are varints, addresses a kind octet and
// a text. A reader refuses a version that it does not know; unknown bits of present are
// refused too, as their length can't be known.
const storedVersion = 1

const (
	hasID = 1 << iota
	hasSeq
	hasAddress
	hasOrigin
	hasReplyTo
	hasTimestamp
	hasExpiry
	hasCorrelation
	hasType
	hasGroup
	hasGroupSeq
	hasUser
	hasOverlay
	knownFields = 1<<iota - 1
)

const storedDurable = 1 << 7 // in the flags octet, beside Flags

// AppendHead appends the message's stored head to dst: header, overlay and the content's head.
func AppendHead(dst []byte, m *Message) []byte {
	flags := byte(m.Flags)
	if m.Durable {
		flags |= storedDurable
	}
	dst = append(dst, storedVersion, byte(m.Content.Format()), flags, m.Priority)
	present := uint64(0)
	set := func(bit uint64, is bool) {
		if is {
			present |= bit
		}
	}
	set(hasID, m.ID.Origin != "")
	set(hasSeq, m.ID.Seq != 0)
	set(hasAddress, !m.Address.IsZero())
	set(hasOrigin, !m.Origin.IsZero())
	set(hasReplyTo, !m.ReplyTo.IsZero())
	set(hasTimestamp, m.Timestamp != 0)
	set(hasExpiry, m.Expiry != 0)
	set(hasCorrelation, m.CorrelationID != "")
	set(hasType, m.Type != "")
	set(hasGroup, m.GroupID != "")
	set(hasGroupSeq, m.GroupSeq != 0)
	set(hasUser, m.UserID != "")
	set(hasOverlay, len(m.Overlay) > 0)
	dst = binary.AppendUvarint(dst, present)
	if present&hasID != 0 {
		dst = appendText(dst, m.ID.Origin)
	}
	if present&hasSeq != 0 {
		dst = binary.AppendUvarint(dst, m.ID.Seq)
	}
	if present&hasAddress != 0 {
		dst = appendAddress(dst, m.Address)
	}
	if present&hasOrigin != 0 {
		dst = appendAddress(dst, m.Origin)
	}
	if present&hasReplyTo != 0 {
		dst = appendAddress(dst, m.ReplyTo)
	}
	if present&hasTimestamp != 0 {
		dst = binary.AppendVarint(dst, m.Timestamp)
	}
	if present&hasExpiry != 0 {
		dst = binary.AppendVarint(dst, m.Expiry)
	}
	if present&hasCorrelation != 0 {
		dst = appendText(dst, m.CorrelationID)
	}
	if present&hasType != 0 {
		dst = appendText(dst, m.Type)
	}
	if present&hasGroup != 0 {
		dst = appendText(dst, m.GroupID)
	}
	if present&hasGroupSeq != 0 {
		dst = binary.AppendVarint(dst, int64(m.GroupSeq))
	}
	if present&hasUser != 0 {
		dst = appendText(dst, m.UserID)
	}
	if present&hasOverlay != 0 {
		dst = appendFields(dst, m.Overlay)
	}
	return append(dst, m.Content.Head()...)
}

// Decode returns the message that head and body hold. It keeps both: the caller hands them
// over and must not change them. A nil body stands for one that is not loaded.
func Decode(head, body []byte, formats *Formats) (*Message, error) {
	if len(head) < 5 || head[0] != storedVersion {
		return nil, ErrContent
	}
	m := new(Message)
	format := FormatID(head[1])
	m.Flags = Flags(head[2] &^ storedDurable)
	m.Durable = head[2]&storedDurable != 0
	m.Priority = head[3]
	d := decoder{buf: head[4:]}
	present := d.uvarint()
	if present&^uint64(knownFields) != 0 {
		return nil, ErrContent
	}
	if present&hasID != 0 {
		m.ID.Origin = d.text()
	}
	if present&hasSeq != 0 {
		m.ID.Seq = d.uvarint()
	}
	if present&hasAddress != 0 {
		m.Address = d.address()
	}
	if present&hasOrigin != 0 {
		m.Origin = d.address()
	}
	if present&hasReplyTo != 0 {
		m.ReplyTo = d.address()
	}
	if present&hasTimestamp != 0 {
		m.Timestamp = d.varint()
	}
	if present&hasExpiry != 0 {
		m.Expiry = d.varint()
	}
	if present&hasCorrelation != 0 {
		m.CorrelationID = d.text()
	}
	if present&hasType != 0 {
		m.Type = d.text()
	}
	if present&hasGroup != 0 {
		m.GroupID = d.text()
	}
	if present&hasGroupSeq != 0 {
		m.GroupSeq = int32(d.varint())
	}
	if present&hasUser != 0 {
		m.UserID = d.text()
	}
	if present&hasOverlay != 0 {
		m.Overlay = d.fields()
	}
	if d.err != nil || m.Priority > 9 {
		return nil, ErrContent
	}
	m.Content = formats.open(format, d.buf, body)
	return m, nil
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

func appendAddress(dst []byte, a address.Address) []byte {
	return appendText(append(dst, byte(a.Kind)), a.Name)
}

func appendFields(dst []byte, fields []Field) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(fields)))
	for i := range fields {
		dst = appendValue(appendText(dst, fields[i].Name), fields[i].Value)
	}
	return dst
}

func appendValue(dst []byte, v Value) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case Bool:
		return append(dst, byte(v.num))
	case Byte, Short, Int, Long, Char, Time:
		return binary.AppendVarint(dst, int64(v.num))
	case Float, Double:
		return binary.BigEndian.AppendUint64(dst, v.num)
	case String, Bytes, UUID:
		return appendText(dst, v.str)
	case List:
		list := v.List()
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for i := range list {
			dst = appendValue(dst, list[i])
		}
	case Map:
		return appendFields(dst, v.Fields())
	}
	return dst
}

// decoder reads what the functions above append. After the first error every result is zero.
type decoder struct {
	buf []byte
	err error
}

func (d *decoder) fail() {
	d.err = ErrContent
	d.buf = nil
}

func (d *decoder) octet() byte {
	if len(d.buf) == 0 {
		d.fail()
		return 0
	}
	b := d.buf[0]
	d.buf = d.buf[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.buf)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.buf = d.buf[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.buf)) {
		d.fail()
		return ""
	}
	s := view(d.buf[:n])
	d.buf = d.buf[n:]
	return s
}

func (d *decoder) address() address.Address {
	k := address.Kind(d.octet())
	if k > address.TempTopic {
		d.fail()
	}
	return address.Address{Kind: k, Name: d.text()}
}

func (d *decoder) fields() []Field { return d.fieldsAt(0) }

func (d *decoder) fieldsAt(depth int) []Field {
	n := d.uvarint()
	if n > uint64(len(d.buf)) { // a field has at least two octets
		d.fail()
		return nil
	}
	fields := make([]Field, 0, min(n, 64))
	for range n {
		f := Field{Name: d.text(), Value: d.value(depth)}
		if d.err != nil {
			return nil
		}
		fields = append(fields, f)
	}
	return fields
}

// MaxDepth bounds the nesting of lists and maps in a value.
const MaxDepth = 64

func (d *decoder) value(depth int) Value {
	if depth > MaxDepth {
		d.fail()
		return Value{}
	}
	switch k := Kind(d.octet()); k {
	case Null:
		return Value{}
	case Bool:
		return OfBool(d.octet() != 0)
	case Byte, Short, Int, Long, Char, Time:
		return Value{kind: k, num: uint64(d.varint())}
	case Float, Double:
		if len(d.buf) < 8 {
			d.fail()
			return Value{}
		}
		bits := binary.BigEndian.Uint64(d.buf)
		d.buf = d.buf[8:]
		return Value{kind: k, num: math.Float64bits(math.Float64frombits(bits))}
	case String, Bytes, UUID:
		return Value{kind: k, str: d.text()}
	case List:
		n := d.uvarint()
		if n > uint64(len(d.buf)) {
			d.fail()
			return Value{}
		}
		list := make([]Value, 0, min(n, 64))
		for range n {
			list = append(list, d.value(depth+1))
			if d.err != nil {
				return Value{}
			}
		}
		return OfList(list)
	case Map:
		return OfMap(d.fieldsAt(depth + 1))
	}
	d.fail()
	return Value{}
}
