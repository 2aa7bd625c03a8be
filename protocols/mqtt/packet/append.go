package packet

import "encoding/binary"

// appendHeader appends a fixed header.
func appendHeader(dst []byte, first byte, remaining int) []byte {
	return appendVarint(append(dst, first), uint32(remaining))
}

// first returns the first octet of a packet with reserved flags.
func (t Type) first() byte { return byte(t)<<4 | t.flags() }

// appendProperties appends a property block with its length.
func appendProperties(dst []byte, p Properties) []byte {
	return append(appendVarint(dst, uint32(len(p))), p...)
}

func propertiesSize(p Properties) int { return varintSize(len(p)) + len(p) }

// PublishHead is a PUBLISH without its payload.
type PublishHead struct {
	Dup        bool
	QoS        byte
	Retain     bool
	ID         uint16 // with QoS above 0
	Topic      []byte
	Properties Properties // of version 5
}

// first returns the first octet of the packet.
func (h *PublishHead) first() byte {
	b := byte(Publish)<<4 | h.QoS<<1
	if h.Dup {
		b |= 8
	}
	if h.Retain {
		b |= 1
	}
	return b
}

func (h *PublishHead) remaining(v Version, payload int) int {
	n := 2 + min(len(h.Topic), 0xffff) + payload
	if h.QoS > 0 {
		n += 2
	}
	if v == V5 {
		n += propertiesSize(h.Properties)
	}
	return n
}

// Size returns the length of the whole packet with a payload of so many octets.
func (h *PublishHead) Size(v Version, payload int) int {
	n := h.remaining(v, payload)
	return 1 + varintSize(n) + n
}

// AppendPublish appends a PUBLISH. A packet longer than the protocol allows is left out: see
// PublishHead.Size.
func AppendPublish[T string | []byte](dst []byte, v Version, h *PublishHead, payload T) []byte {
	n := h.remaining(v, len(payload))
	if n > MaxRemaining {
		return dst
	}
	dst = appendHeader(dst, h.first(), n)
	dst = appendCounted(dst, h.Topic)
	if h.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, h.ID)
	}
	if v == V5 {
		dst = appendProperties(dst, h.Properties)
	}
	return append(dst, payload...)
}

// AppendAnswer appends a PUBACK, PUBREC, PUBREL or PUBCOMP in its shortest form. Before version 5
// there are no reasons and no properties.
func AppendAnswer(dst []byte, v Version, t Type, id uint16, r Reason, p Properties) []byte {
	switch {
	case v != V5 || r == Success && len(p) == 0:
		dst = append(dst, t.first(), 2)
		return binary.BigEndian.AppendUint16(dst, id)
	case len(p) == 0:
		dst = append(dst, t.first(), 3)
		return append(binary.BigEndian.AppendUint16(dst, id), byte(r))
	}
	dst = appendHeader(dst, t.first(), 3+propertiesSize(p))
	dst = append(binary.BigEndian.AppendUint16(dst, id), byte(r))
	return appendProperties(dst, p)
}

// AppendConnack appends a CONNACK. For 3.x, r is its return code.
func AppendConnack(dst []byte, v Version, sessionPresent bool, r Reason, p Properties) []byte {
	flags := byte(0)
	if sessionPresent && v != V31 {
		flags = 1
	}
	if v != V5 {
		return append(dst, Connack.first(), 2, flags, byte(r))
	}
	dst = appendHeader(dst, Connack.first(), 2+propertiesSize(p))
	return appendProperties(append(dst, flags, byte(r)), p)
}

// AppendCodes appends a SUBACK or UNSUBACK. UNSUBACK has codes in version 5 only.
func AppendCodes(dst []byte, v Version, t Type, id uint16, codes []byte, p Properties) []byte {
	if t == Unsuback && v != V5 {
		codes = nil
	}
	n := 2 + len(codes)
	if v == V5 {
		n += propertiesSize(p)
	}
	dst = binary.BigEndian.AppendUint16(appendHeader(dst, t.first(), n), id)
	if v == V5 {
		dst = appendProperties(dst, p)
	}
	return append(dst, codes...)
}

// AppendPing appends a PINGREQ or PINGRESP.
func AppendPing(dst []byte, t Type) []byte { return append(dst, t.first(), 0) }

// AppendFarewell appends a DISCONNECT or AUTH in its shortest form.
func AppendFarewell(dst []byte, v Version, t Type, r Reason, p Properties) []byte {
	switch {
	case v != V5 || r == Success && len(p) == 0:
		return append(dst, t.first(), 0)
	case len(p) == 0:
		return append(dst, t.first(), 1, byte(r))
	}
	dst = append(appendHeader(dst, t.first(), 1+propertiesSize(p)), byte(r))
	return appendProperties(dst, p)
}

// AppendConnect appends a CONNECT, as a client does.
func AppendConnect(dst []byte, v Version, l *Login, p Properties) []byte {
	name, level := "MQTT", byte(v)
	if v == V31 {
		name = "MQIsdp"
	}
	if l.Bridge {
		level |= bridgeBit
	}
	n := 2 + len(name) + 4 + 2 + len(l.ClientID)
	flags := byte(0)
	set := func(flag byte, is bool) {
		if is {
			flags |= flag
		}
	}
	set(flagCleanStart, l.CleanStart)
	if v == V5 {
		n += propertiesSize(p)
	}
	if l.HasWill {
		flags |= flagWill | l.WillQoS<<3
		set(flagWillRetain, l.WillRetain)
		n += 4 + len(l.WillTopic) + len(l.WillPayload)
		if v == V5 {
			n += propertiesSize(l.WillProperties)
		}
	}
	set(flagUser, l.HasUser)
	set(flagPassword, l.HasPassword)
	if l.HasUser {
		n += 2 + len(l.User)
	}
	if l.HasPassword {
		n += 2 + len(l.Password)
	}
	dst = appendCounted(appendHeader(dst, Connect.first(), n), name)
	dst = binary.BigEndian.AppendUint16(append(dst, level, flags), l.KeepAlive)
	if v == V5 {
		dst = appendProperties(dst, p)
	}
	dst = appendCounted(dst, l.ClientID)
	if l.HasWill {
		if v == V5 {
			dst = appendProperties(dst, l.WillProperties)
		}
		dst = appendCounted(appendCounted(dst, l.WillTopic), l.WillPayload)
	}
	if l.HasUser {
		dst = appendCounted(dst, l.User)
	}
	if l.HasPassword {
		dst = appendCounted(dst, l.Password)
	}
	return dst
}

// AppendFilters appends a SUBSCRIBE or UNSUBSCRIBE, as a client does.
func AppendFilters(dst []byte, v Version, t Type, id uint16, filters []Filter, p Properties) []byte {
	n := 2
	if v == V5 {
		n += propertiesSize(p)
	}
	for _, f := range filters {
		n += 2 + len(f.Filter)
		if t == Subscribe {
			n++
		}
	}
	dst = binary.BigEndian.AppendUint16(appendHeader(dst, t.first(), n), id)
	if v == V5 {
		dst = appendProperties(dst, p)
	}
	for _, f := range filters {
		dst = appendCounted(dst, f.Filter)
		if t == Subscribe {
			dst = append(dst, byte(f.Options))
		}
	}
	return dst
}

// Append appends any packet, as it was decoded or as if it were.
func Append(dst []byte, p *Packet) []byte {
	switch p.Type {
	case Connect:
		return AppendConnect(dst, p.Version, &p.Login, p.Properties)
	case Connack:
		return AppendConnack(dst, p.Version, p.SessionPresent, p.Reason, p.Properties)
	case Publish:
		h := PublishHead{p.Dup, p.QoS, p.Retain, p.ID, p.Topic, p.Properties}
		return AppendPublish(dst, p.Version, &h, p.Payload)
	case Puback, Pubrec, Pubrel, Pubcomp:
		return AppendAnswer(dst, p.Version, p.Type, p.ID, p.Reason, p.Properties)
	case Subscribe, Unsubscribe:
		var list []Filter
		p.Filters(func(f Filter) bool { list = append(list, f); return true })
		return AppendFilters(dst, p.Version, p.Type, p.ID, list, p.Properties)
	case Suback, Unsuback:
		return AppendCodes(dst, p.Version, p.Type, p.ID, p.list, p.Properties)
	case Disconnect, Auth:
		return AppendFarewell(dst, p.Version, p.Type, p.Reason, p.Properties)
	default:
		return AppendPing(dst, p.Type)
	}
}
