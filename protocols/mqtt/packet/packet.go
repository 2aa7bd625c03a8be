package packet

// Type is the kind of a control packet [MQTT 5, 2.1.2].
type Type uint8

// The control packets.
const (
	Connect Type = iota + 1
	Connack
	Publish
	Puback
	Pubrec
	Pubrel
	Pubcomp
	Subscribe
	Suback
	Unsubscribe
	Unsuback
	Pingreq
	Pingresp
	Disconnect
	Auth
)

var typeNames = [16]string{
	"reserved", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP",
	"SUBSCRIBE", "SUBACK", "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH",
}

// String returns the packet's name in the specification.
func (t Type) String() string { return typeNames[t&15] }

// flags returns the only value that the flags of a type may have, where they are reserved
// [MQTT-2.2.2-1] [MQTT-2.1.3-1] [MQTT-3.6.1-1] [MQTT-3.8.1-1] [MQTT-3.10.1-1] [MQTT-3.14.1-1]
// [MQTT-3.15.1-1].
func (t Type) flags() byte {
	if t == Pubrel || t == Subscribe || t == Unsubscribe {
		return 2
	}
	return 0
}

// Version is a version of the protocol, by its level on the wire.
type Version uint8

// The versions. Zero stands for a stream whose CONNECT has not come.
const (
	V31  Version = 3
	V311 Version = 4
	V5   Version = 5
)

// String returns the version as people write it.
func (v Version) String() string {
	switch v {
	case V31:
		return "3.1"
	case V311:
		return "3.1.1"
	case V5:
		return "5"
	default:
		return "unknown"
	}
}

// MaxRemaining is the longest remaining length that can be written, in octets.
const MaxRemaining = 268435455

// Packet is one control packet. Which fields have a meaning depends on Type. All slices point
// into the bytes that the packet was decoded from.
type Packet struct {
	Type    Type
	Version Version

	Dup    bool // PUBLISH
	QoS    byte // PUBLISH
	Retain bool // PUBLISH

	ID             uint16 // PUBLISH with QoS above 0, acknowledgements, SUBSCRIBE, UNSUBSCRIBE and their answers
	Reason         Reason // CONNACK, acknowledgements, DISCONNECT, AUTH; of 3.x, CONNACK's return code as it is
	SessionPresent bool   // CONNACK

	Properties Properties // of version 5
	Topic      []byte     // PUBLISH
	Payload    []byte     // PUBLISH
	Login      Login      // CONNECT

	list []byte // filters of SUBSCRIBE and UNSUBSCRIBE; codes of SUBACK and UNSUBACK

	// Block holds the variable header and the payload of a PUBLISH that a Reader returns:
	// allocated for this packet alone, never used again by the reader.
	Block []byte
	// Size is the length of the whole packet in octets, fixed header included.
	Size int
	// Reserved is what Options.Reserve was asked for on account of the packet.
	Reserved int
}

// Login is what a CONNECT says.
type Login struct {
	Bridge      bool // a broker that forwards: the level's highest bit was set
	CleanStart  bool // in 3.x: clean session
	KeepAlive   uint16
	ClientID    []byte
	HasUser     bool
	HasPassword bool
	User        []byte
	Password    []byte

	HasWill        bool
	WillQoS        byte
	WillRetain     bool
	WillProperties Properties
	WillTopic      []byte
	WillPayload    []byte
}

// Codes returns the codes of a SUBACK or UNSUBACK, one per filter.
func (p *Packet) Codes() []byte { return p.list }
