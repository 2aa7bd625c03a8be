package mqtttest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The types of packets (MQTT 5, 2.1.2).
const (
	CONNECT = iota + 1
	CONNACK
	PUBLISH
	PUBACK
	PUBREC
	PUBREL
	PUBCOMP
	SUBSCRIBE
	SUBACK
	UNSUBSCRIBE
	UNSUBACK
	PINGREQ
	PINGRESP
	DISCONNECT
	AUTH
)

// Property is one property of version 5. Number holds integers, Text strings and binary data, and
// with Value a pair.
type Property struct {
	ID     byte
	Number uint32
	Text   string
	Value  string
}

// Packet is a packet that the broker sent.
type Packet struct {
	Type, Flags byte
	ID          uint16 // packet identifier
	Topic       string
	Payload     string
	Code        byte   // of CONNACK, of acknowledgements and of DISCONNECT
	Present     bool   // CONNACK: session present
	Codes       string // of SUBACK and UNSUBACK
	Properties  []Property
}

// QoS returns the quality of service of a PUBLISH.
func (p Packet) QoS() byte { return p.Flags >> 1 & 3 }

// Retain reports the flag of a PUBLISH.
func (p Packet) Retain() bool { return p.Flags&1 != 0 }

// Dup reports the flag of a PUBLISH.
func (p Packet) Dup() bool { return p.Flags&8 != 0 }

// String names the packet for messages of tests.
func (p Packet) String() string {
	return fmt.Sprintf("type %d flags %x id %d code %#x codes %x present %t topic %q payload %.40q properties %v",
		p.Type, p.Flags, p.ID, p.Code, p.Codes, p.Present, p.Topic, p.Payload, p.Properties)
}

// All returns the properties of an identifier.
func (p Packet) All(id byte) []Property {
	var list []Property
	for _, x := range p.Properties {
		if x.ID == id {
			list = append(list, x)
		}
	}
	return list
}

// Number returns a property's number, or -1 if it is not there.
func (p Packet) Number(id byte) int64 {
	for _, x := range p.All(id) {
		return int64(x.Number)
	}
	return -1
}

// kinds of properties by their identifiers (MQTT 5, 2.2.2.2).
func kindOf(id byte) string {
	switch id {
	case 0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a:
		return "byte"
	case 0x13, 0x21, 0x22, 0x23:
		return "u16"
	case 0x02, 0x11, 0x18, 0x27:
		return "u32"
	case 0x0b:
		return "vbi"
	case 0x26:
		return "pair"
	}
	return "text"
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendVBI(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

// properties encodes a block, which only version 5 has.
func appendProperties(b []byte, version byte, list []Property) []byte {
	if version < 5 {
		return b
	}
	var block []byte
	for _, p := range list {
		block = append(block, p.ID)
		switch kindOf(p.ID) {
		case "byte":
			block = append(block, byte(p.Number))
		case "u16":
			block = binary.BigEndian.AppendUint16(block, uint16(p.Number))
		case "u32":
			block = binary.BigEndian.AppendUint32(block, p.Number)
		case "vbi":
			block = appendVBI(block, int(p.Number))
		case "pair":
			block = appendText(appendText(block, p.Text), p.Value)
		default:
			block = appendText(block, p.Text)
		}
	}
	return append(appendVBI(b, len(block)), block...)
}

// Raw returns a packet with any first byte and body.
func Raw(first byte, body []byte) []byte { return append(appendVBI([]byte{first}, len(body)), body...) }

// Connect describes a CONNECT.
type Connect struct {
	ClientID       string
	Keep           bool // no clean session, no clean start
	KeepAlive      uint16
	User, Pass     string
	NoUser         bool // a password without a user name
	Will           *Message
	WillProperties []Property
	Properties     []Property
	Level          byte   // if not that of the version
	Name           string // likewise
	Flags          byte   // added
}

// Message is what a PUBLISH or a will says.
type Message struct {
	Topic, Payload string
	QoS            byte
	Retain, Dup    bool
	ID             uint16
	Properties     []Property
}

func (c Connect) encode(version byte) []byte {
	name, level := "MQTT", version
	if version == 3 {
		name = "MQIsdp"
	}
	if c.Name != "" {
		name = c.Name
	}
	if c.Level != 0 {
		level = c.Level
	}
	b := append(appendText(nil, name), level)
	flags := c.Flags
	if !c.Keep {
		flags |= 2
	}
	if c.Will != nil {
		flags |= 4 | c.Will.QoS<<3
		if c.Will.Retain {
			flags |= 0x20
		}
	}
	if c.User != "" {
		flags |= 0x80
	}
	if c.Pass != "" {
		flags |= 0x40
	}
	b = binary.BigEndian.AppendUint16(append(b, flags), c.KeepAlive)
	b = appendProperties(b, version, c.Properties)
	b = appendText(b, c.ClientID)
	if c.Will != nil {
		b = appendProperties(b, version, c.WillProperties)
		b = appendText(appendText(b, c.Will.Topic), c.Will.Payload)
	}
	if c.User != "" {
		b = appendText(b, c.User)
	}
	if c.Pass != "" {
		b = appendText(b, c.Pass)
	}
	return Raw(CONNECT<<4, b)
}

func (m Message) encode(version byte) []byte {
	first := byte(PUBLISH<<4) | m.QoS<<1
	if m.Retain {
		first |= 1
	}
	if m.Dup {
		first |= 8
	}
	b := appendText(nil, m.Topic)
	if m.QoS > 0 {
		b = binary.BigEndian.AppendUint16(b, m.ID)
	}
	b = appendProperties(b, version, m.Properties)
	return Raw(first, append(b, m.Payload...))
}

// ack returns PUBACK, PUBREC, PUBREL or PUBCOMP.
func ack(kind byte, id uint16) []byte {
	first := kind << 4
	if kind == PUBREL {
		first |= 2
	}
	return Raw(first, binary.BigEndian.AppendUint16(nil, id))
}

// Filter is one subscription of a SUBSCRIBE.
type Filter struct {
	Name    string
	Options byte // the QoS, and from version 5 the others
}

func subscribe(version byte, id uint16, properties []Property, filters ...Filter) []byte {
	b := appendProperties(binary.BigEndian.AppendUint16(nil, id), version, properties)
	for _, f := range filters {
		b = append(appendText(b, f.Name), f.Options)
	}
	return Raw(SUBSCRIBE<<4|2, b)
}

func unsubscribe(version byte, id uint16, filters ...string) []byte {
	b := appendProperties(binary.BigEndian.AppendUint16(nil, id), version, nil)
	for _, f := range filters {
		b = appendText(b, f)
	}
	return Raw(UNSUBSCRIBE<<4|2, b)
}

var errPacket = errors.New("the broker sent something that is no packet")

// reader takes a packet's body apart; it remembers that something was missing.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.b) {
		r.bad = true
		return make([]byte, n&0xffff)
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u8() byte     { return r.take(1)[0] }
func (r *reader) u16() uint16  { return binary.BigEndian.Uint16(r.take(2)) }
func (r *reader) text() string { return string(r.take(int(r.u16()))) }

func (r *reader) vbi() int {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		c := r.u8()
		n |= int(c&0x7f) << shift
		if c < 0x80 {
			return n
		}
	}
	r.bad = true
	return 0
}

func (r *reader) properties(version byte) []Property {
	if version < 5 {
		return nil
	}
	block := &reader{b: r.take(r.vbi())}
	var list []Property
	for len(block.b) > 0 && !block.bad {
		p := Property{ID: block.u8()}
		switch kindOf(p.ID) {
		case "byte":
			p.Number = uint32(block.u8())
		case "u16":
			p.Number = uint32(block.u16())
		case "u32":
			p.Number = binary.BigEndian.Uint32(block.take(4))
		case "vbi":
			p.Number = uint32(block.vbi())
		case "pair":
			p.Text, p.Value = block.text(), block.text()
		default:
			p.Text = block.text()
		}
		list = append(list, p)
	}
	r.bad = r.bad || block.bad
	return list
}

// readPacket reads one packet that a server may send.
func readPacket(src io.Reader, version byte) (Packet, error) {
	var one [1]byte
	if _, err := io.ReadFull(src, one[:]); err != nil {
		return Packet{}, err
	}
	p := Packet{Type: one[0] >> 4, Flags: one[0] & 0xf}
	n := 0
	for shift := 0; ; shift += 7 {
		if _, err := io.ReadFull(src, one[:]); err != nil || shift > 21 {
			return p, errors.Join(errPacket, err)
		}
		n |= int(one[0]&0x7f) << shift
		if one[0] < 0x80 {
			break
		}
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(src, b); err != nil {
		return p, err
	}
	r := &reader{b: b}
	switch p.Type {
	case CONNACK:
		p.Present = r.u8()&1 != 0
		p.Code = r.u8()
		if len(r.b) > 0 {
			p.Properties = r.properties(version)
		}
	case PUBLISH:
		p.Topic = r.text()
		if p.QoS() > 0 {
			p.ID = r.u16()
		}
		p.Properties = r.properties(version)
		p.Payload = string(r.b)
		r.b = nil
	case PUBACK, PUBREC, PUBREL, PUBCOMP:
		p.ID = r.u16()
		if version == 5 && len(r.b) > 0 {
			p.Code = r.u8()
			if len(r.b) > 0 {
				p.Properties = r.properties(version)
			}
		}
	case SUBACK, UNSUBACK:
		p.ID = r.u16()
		p.Properties = r.properties(version)
		p.Codes = string(r.b)
		r.b = nil
	case DISCONNECT:
		if len(r.b) > 0 {
			p.Code = r.u8()
			if len(r.b) > 0 {
				p.Properties = r.properties(version)
			}
		}
	case PINGRESP:
	default:
		return p, errPacket
	}
	if r.bad || len(r.b) > 0 {
		return p, fmt.Errorf("%w: %v", errPacket, p)
	}
	return p, nil
}
