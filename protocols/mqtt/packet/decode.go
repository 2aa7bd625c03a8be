package packet

import "encoding/binary"

// Decode reads the packet whose fixed header has a first octet and whose rest is body. p is
// overwritten, and its slices point into body. A CONNECT says its version itself; for other
// packets it is v. The error is a *Error.
func Decode(p *Packet, v Version, first byte, body []byte, limits *Limits) error {
	*p = Packet{Type: Type(first >> 4), Version: v}
	if err := checkFirst(first, v); err != nil {
		return err
	}
	d := decoder{b: body, p: p, limits: limits}
	switch p.Type {
	case Connect:
		d.connect()
	case Connack:
		d.connack()
	case Publish:
		d.publish(first)
	case Puback, Pubrec, Pubrel, Pubcomp:
		d.answer()
	case Subscribe, Unsubscribe:
		d.filters()
	case Suback, Unsuback:
		d.codes()
	case Disconnect, Auth:
		d.farewell()
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = malformed("octets after the end of the packet")
	}
	return d.err
}

// checkFirst judges the first octet of a packet: its type and flags, of which a packet's length
// need not be known [MQTT-2.2.2-2] [MQTT-2.1.3-1].
func checkFirst(first byte, v Version) error {
	t := Type(first >> 4)
	flags := first & 15
	switch {
	case t == 0, t == Auth && v != V5:
		return malformed("reserved packet type")
	case v == 0 && t != Connect: // [MQTT-3.1.0-1]
		return protocolError(t.String() + " before CONNECT")
	case t == Publish:
		if flags&6 == 6 { // [MQTT-3.3.1-4]
			return malformed("QoS 3")
		}
		if flags&14 == 8 { // [MQTT-3.3.1-2]
			return malformed("DUP with QoS 0")
		}
	case flags != t.flags():
		// MQTT 3.1 has DUP and QoS in these packets' headers, and clients that set them.
		old := v == V31 && (t == Subscribe || t == Unsubscribe || t == Pubrel)
		if !old || flags&7 != 2 {
			return malformed("reserved flags of " + t.String())
		}
	}
	return nil
}

// decoder takes fields off a packet's body. After the first error it has nothing left to take.
type decoder struct {
	b      []byte
	p      *Packet
	limits *Limits
	err    error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.b = nil
}

func (d *decoder) octet() byte {
	if len(d.b) < 1 {
		d.fail(malformed(d.p.Type.String() + " ends too early"))
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

func (d *decoder) twoOctets() uint16 {
	if len(d.b) < 2 {
		d.fail(malformed(d.p.Type.String() + " ends too early"))
		return 0
	}
	n := binary.BigEndian.Uint16(d.b)
	d.b = d.b[2:]
	return n
}

func (d *decoder) data() []byte {
	s, size := counted(d.b)
	if size == 0 {
		d.fail(malformed(d.p.Type.String() + " ends too early"))
		return nil
	}
	d.b = d.b[size:]
	return s
}

func (d *decoder) text(what string) []byte {
	s := d.data()
	if d.err == nil && !ValidText(s) {
		d.fail(malformed(what + " is not UTF-8"))
	}
	return s
}

// id takes a packet identifier, which is never 0 [MQTT-2.3.1-1] [MQTT-2.2.1-3].
func (d *decoder) id() {
	d.p.ID = d.twoOctets()
	if d.err == nil && d.p.ID == 0 {
		d.fail(malformed("packet identifier 0"))
	}
}

// properties takes the properties that a packet of a type has in version 5. Without any their
// length is 0, and not left out [MQTT-2.2.2-1].
func (d *decoder) properties(t Type) Properties {
	if d.p.Version != V5 || d.err != nil {
		return nil
	}
	n, size := varint(d.b)
	if size <= 0 || int(n) > len(d.b)-size {
		d.fail(malformed("length of properties"))
		return nil
	}
	p := Properties(d.b[size : size+int(n) : size+int(n)])
	d.b = d.b[size+int(n):]
	if err := p.check(t, d.limits); err != nil {
		d.fail(err)
		return nil
	}
	return p
}

// reason takes a reason code of version 5.
func (d *decoder) reason() {
	r := Reason(d.octet())
	if d.err == nil && !r.In(d.p.Type) {
		d.fail(malformed("reason code that " + d.p.Type.String() + " can't have"))
	}
	d.p.Reason = r
}

// publish reads a PUBLISH [MQTT 5, 3.3].
func (d *decoder) publish(first byte) {
	p := d.p
	p.Dup, p.QoS, p.Retain = first&8 != 0, first>>1&3, first&1 != 0
	p.Topic = d.text("topic name") // [MQTT-3.3.2-1]
	if p.QoS > 0 {                 // [MQTT-2.3.1-5] [MQTT-2.2.1-2]
		d.id()
	}
	p.Properties = d.properties(Publish)
	if d.err != nil {
		return
	}
	if len(p.Topic) == 0 {
		if p.Version != V5 {
			d.fail(malformed("empty topic name"))
		} else if _, ok := p.Properties.Find(TopicAlias); !ok {
			d.fail(protocolError("neither topic name nor alias"))
		}
	} else if !ValidName(p.Topic) {
		d.fail(&Error{TopicNameInvalid, "topic name with wildcards or too many levels"})
	}
	p.Payload, d.b = d.b, nil
}

// answer reads PUBACK, PUBREC, PUBREL or PUBCOMP [MQTT 5, 3.4 to 3.7].
func (d *decoder) answer() {
	d.id()
	if d.p.Version == V5 && len(d.b) > 0 {
		d.reason()
		if len(d.b) > 0 {
			d.p.Properties = d.properties(d.p.Type)
		}
	}
}

// farewell reads DISCONNECT or AUTH [MQTT 5, 3.14 and 3.15].
func (d *decoder) farewell() {
	if d.p.Version == V5 && len(d.b) > 0 {
		d.reason()
		if len(d.b) > 0 {
			d.p.Properties = d.properties(d.p.Type)
		}
	}
}

// codes reads SUBACK or UNSUBACK [MQTT 5, 3.9 and 3.11].
func (d *decoder) codes() {
	p := d.p
	d.id()
	p.Properties = d.properties(p.Type)
	if p.Type == Unsuback && p.Version != V5 {
		return
	}
	p.list, d.b = d.b, nil
	if d.err == nil && len(p.list) == 0 {
		d.fail(malformed(p.Type.String() + " without a code"))
	}
	for _, c := range p.list {
		ok := Reason(c).In(p.Type)
		if p.Version != V5 {
			ok = c <= 2 || c == 0x80 // [MQTT-3.9.3-2]
		}
		if !ok {
			d.fail(malformed("code that " + p.Type.String() + " can't have"))
		}
	}
}

// connack reads a CONNACK [MQTT 5, 3.2].
func (d *decoder) connack() {
	p := d.p
	flags := d.octet()
	if d.err == nil && flags > 1 && p.Version != V31 { // [MQTT-3.2.2-1]
		d.fail(malformed("reserved flags of CONNACK"))
	}
	p.SessionPresent = flags&1 != 0 && p.Version != V31
	if p.Version == V5 {
		d.reason()
	} else {
		p.Reason = Reason(d.octet())
		if p.Reason > 5 {
			d.fail(malformed("return code that CONNACK can't have"))
		}
	}
	p.Properties = d.properties(Connack)
	if d.err == nil && p.SessionPresent && p.Reason != 0 {
		d.fail(protocolError("session present in a refusal"))
	}
}
