package packet

import "encoding/binary"

// Property is the identifier of a property [MQTT 5, 2.2.2.2].
type Property uint8

// The properties.
const (
	PayloadFormat       Property = 0x01
	MessageExpiry       Property = 0x02
	ContentType         Property = 0x03
	ResponseTopic       Property = 0x08
	CorrelationData     Property = 0x09
	SubscriptionID      Property = 0x0B
	SessionExpiry       Property = 0x11
	AssignedClientID    Property = 0x12
	ServerKeepAlive     Property = 0x13
	AuthMethod          Property = 0x15
	AuthData            Property = 0x16
	RequestProblemInfo  Property = 0x17
	WillDelay           Property = 0x18
	RequestResponseInfo Property = 0x19
	ResponseInfo        Property = 0x1A
	ServerReference     Property = 0x1C
	ReasonString        Property = 0x1F
	ReceiveMaximum      Property = 0x21
	TopicAliasMaximum   Property = 0x22
	TopicAlias          Property = 0x23
	MaximumQoS          Property = 0x24
	RetainAvailable     Property = 0x25
	UserProperty        Property = 0x26
	MaximumPacketSize   Property = 0x27
	WildcardAvailable   Property = 0x28
	SubIDsAvailable     Property = 0x29
	SharedSubAvailable  Property = 0x2A
)

const properties = 0x2B // above every identifier

// willPacket is the packet, as it were, whose properties a will's are.
const willPacket Type = 0

// A bit per packet that may have a property.
const (
	inWill        = 1 << willPacket
	inConnect     = 1 << Connect
	inPublish     = 1 << Publish
	inSubscribe   = 1 << Subscribe
	inUnsubscribe = 1 << Unsubscribe
	inAnswer      = inPuback | inPubrec | inPubrel | inPubcomp | inSuback | inUnsuback
	inEverything  = inWill | inConnect | inConnack | inPublish | inAnswer | inSubscribe | inUnsubscribe | inDisconnect | inAuth
)

// form is how a property's value is written.
type form uint8

const (
	noForm form = iota
	octet
	flag // an octet that is 0 or 1
	twoOctets
	fourOctets
	variable
	binaryData
	text
	textPair
)

// propertyInfo says how a property is written and which packets may have it.
type propertyInfo struct {
	form    form
	nonZero bool
	packets uint16
}

var propertyTable = [properties]propertyInfo{
	PayloadFormat:       {flag, false, inPublish | inWill},
	MessageExpiry:       {fourOctets, false, inPublish | inWill},
	ContentType:         {text, false, inPublish | inWill}, // [MQTT-3.3.2-19]
	ResponseTopic:       {text, false, inPublish | inWill}, // [MQTT-3.3.2-13]
	CorrelationData:     {binaryData, false, inPublish | inWill},
	SubscriptionID:      {variable, true, inPublish | inSubscribe},
	SessionExpiry:       {fourOctets, false, inConnect | inConnack | inDisconnect},
	AssignedClientID:    {text, false, inConnack},
	ServerKeepAlive:     {twoOctets, false, inConnack},
	AuthMethod:          {text, false, inConnect | inConnack | inAuth},
	AuthData:            {binaryData, false, inConnect | inConnack | inAuth},
	RequestProblemInfo:  {flag, false, inConnect},
	WillDelay:           {fourOctets, false, inWill},
	RequestResponseInfo: {flag, false, inConnect},
	ResponseInfo:        {text, false, inConnack},
	ServerReference:     {text, false, inConnack | inDisconnect},
	ReasonString:        {text, false, inConnack | inAnswer | inDisconnect | inAuth},
	ReceiveMaximum:      {twoOctets, true, inConnect | inConnack},
	TopicAliasMaximum:   {twoOctets, false, inConnect | inConnack},
	TopicAlias:          {twoOctets, true, inPublish}, // [MQTT-3.3.2-8]
	MaximumQoS:          {flag, false, inConnack},
	RetainAvailable:     {flag, false, inConnack},
	UserProperty:        {textPair, false, inEverything},
	MaximumPacketSize:   {fourOctets, true, inConnect | inConnack},
	WildcardAvailable:   {flag, false, inConnack},
	SubIDsAvailable:     {flag, false, inConnack},
	SharedSubAvailable:  {flag, false, inConnack},
}

// Properties is a property block without its length. One that came out of a Packet has been
// checked; of others, what can't be read is left out.
type Properties []byte

// Value is one property's value: the field that its form has.
type Value struct {
	ID    Property
	Num   uint32 // numbers and flags
	Text  []byte // strings and binary data; of a user property, its value
	Name  []byte // of a user property
	Bytes []byte // the property as it stands in the block, identifier included
}

// Next takes the first property off the block. It returns false when there is none, or none
// that can be read.
func (p *Properties) Next() (v Value, ok bool) {
	v, size := property(*p)
	if size <= 0 {
		return v, false
	}
	*p = (*p)[size:]
	return v, true
}

// Find returns the first property with an identifier.
func (p Properties) Find(id Property) (v Value, ok bool) {
	for len(p) > 0 {
		if v, ok = p.Next(); !ok || v.ID == id {
			return v, ok
		}
	}
	return Value{}, false
}

// Num returns the number of a property, def if it is not there.
func (p Properties) Num(id Property, def uint32) uint32 {
	if v, ok := p.Find(id); ok {
		return v.Num
	}
	return def
}

// property reads one property. The size is 0 or less when that is impossible.
func property(b []byte) (v Value, size int) {
	if len(b) < 2 || b[0] >= properties {
		return v, 0 // identifiers are variable byte integers, all below 128
	}
	v.ID = Property(b[0])
	rest := b[1:]
	switch propertyTable[v.ID].form {
	case octet, flag:
		v.Num, size = uint32(rest[0]), 1
	case twoOctets:
		if len(rest) >= 2 {
			v.Num, size = uint32(binary.BigEndian.Uint16(rest)), 2
		}
	case fourOctets:
		if len(rest) >= 4 {
			v.Num, size = binary.BigEndian.Uint32(rest), 4
		}
	case variable:
		v.Num, size = varint(rest)
	case binaryData, text:
		v.Text, size = counted(rest)
	case textPair:
		var n int
		if v.Name, size = counted(rest); size > 0 {
			if v.Text, n = counted(rest[size:]); n == 0 {
				return v, 0
			}
			size += n
		}
	}
	if size <= 0 {
		return v, 0
	}
	v.Bytes = b[:1+size]
	return v, 1 + size
}

// counted reads octets that follow their count; the size is 0 when they are not all there.
func counted(b []byte) (data []byte, size int) {
	if len(b) < 2 {
		return nil, 0
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b) < 2+n {
		return nil, 0
	}
	return b[2 : 2+n : 2+n], 2 + n
}

// check judges the properties of a packet of a type. What it accepts can be read by Next.
func (p Properties) check(t Type, limits *Limits) error {
	var seen uint64
	users := 0
	for len(p) > 0 {
		v, size := property(p)
		if size <= 0 {
			return malformed("malformed property")
		}
		p = p[size:]
		info := &propertyTable[v.ID]
		if info.packets&(1<<t) == 0 {
			return malformed("property that this packet can't have")
		}
		if v.ID == UserProperty {
			if users++; exceeds(users, limits.UserProperties) {
				return &Error{ImplementationError, "too many user properties"}
			}
			if !ValidText(v.Name) || !ValidText(v.Text) { // [MQTT-1.5.7-1]
				return malformed("user property is not UTF-8")
			}
			continue
		}
		// A server may name several of a client's subscriptions, a client none or one.
		if seen&(1<<v.ID) != 0 && !(v.ID == SubscriptionID && t == Publish) {
			return protocolError("property occurs twice")
		}
		seen |= 1 << v.ID
		if err := v.check(info); err != nil {
			return err
		}
	}
	if seen&(1<<AuthData) != 0 && seen&(1<<AuthMethod) == 0 {
		return protocolError("authentication data without a method")
	}
	return nil
}

// check judges a single value.
func (v *Value) check(info *propertyInfo) error {
	switch {
	case info.form == text && !ValidText(v.Text):
		return malformed("property is not UTF-8")
	case info.form == flag && v.Num > 1:
		return protocolError("property is neither 0 nor 1")
	case v.ID == TopicAlias && v.Num == 0:
		return &Error{TopicAliasInvalid, "topic alias 0"}
	case info.nonZero && v.Num == 0:
		return protocolError("property may not be 0")
	case v.ID == ResponseTopic && !ValidName(v.Text): // [MQTT-3.3.2-14]
		return protocolError("response topic is no topic name")
	}
	return nil
}

// Each kind of value has a function that appends a property.

// AppendNum appends a property whose value is a number or a flag.
func AppendNum(dst []byte, id Property, n uint32) []byte {
	dst = append(dst, byte(id))
	switch propertyTable[id].form {
	case octet, flag:
		return append(dst, byte(n))
	case twoOctets:
		return binary.BigEndian.AppendUint16(dst, uint16(n))
	case fourOctets:
		return binary.BigEndian.AppendUint32(dst, n)
	}
	return appendVarint(dst, min(n, MaxRemaining))
}

// AppendText appends a property whose value is a string or binary data; what is longer than
// 65,535 octets is cut.
func AppendText[T string | []byte](dst []byte, id Property, s T) []byte {
	return appendCounted(append(dst, byte(id)), s)
}

// AppendUser appends a user property.
func AppendUser[N, V string | []byte](dst []byte, name N, value V) []byte {
	return appendCounted(appendCounted(append(dst, byte(UserProperty)), name), value)
}

func appendCounted[T string | []byte](dst []byte, s T) []byte {
	n := min(len(s), 0xffff)
	return append(binary.BigEndian.AppendUint16(dst, uint16(n)), s[:n]...)
}
