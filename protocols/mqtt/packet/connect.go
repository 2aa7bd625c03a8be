package packet

// The connect flags [MQTT 5, 3.1.2.3].
const (
	flagReserved = 1 << iota
	flagCleanStart
	flagWill
	flagWillQoS0
	flagWillQoS1
	flagWillRetain
	flagPassword
	flagUser
)

const bridgeBit = 0x80 // of the level: a broker that forwards

// connect reads a CONNECT [MQTT 5, 3.1].
func (d *decoder) connect() {
	p := d.p
	l := &p.Login
	name := d.data()
	level := d.octet()
	if d.err != nil {
		return
	}
	l.Bridge = level&bridgeBit != 0
	p.Version = Version(level &^ bridgeBit)
	switch {
	case string(name) == "MQTT" && (p.Version == V311 || p.Version == V5):
	case string(name) == "MQIsdp" && p.Version == V31:
	case string(name) == "MQTT" || string(name) == "MQIsdp": // [MQTT-3.1.2-2]
		d.fail(&Error{UnsupportedVersion, "unknown level of the protocol"})
		return
	default: // [MQTT-3.1.2-1]
		p.Version = 0
		d.fail(protocolError("unknown name of the protocol"))
		return
	}
	flags := d.octet()
	l.KeepAlive = d.twoOctets()
	d.connectFlags(flags)
	p.Properties = d.properties(Connect)
	// The payload is in this order [MQTT-3.1.3-1].
	l.ClientID = d.text("client identifier") // [MQTT-3.1.3-4]
	if l.HasWill {                           // [MQTT-3.1.2-9]
		l.WillProperties = d.properties(willPacket)
		l.WillTopic = d.text("will topic") // [MQTT-3.1.3-10] [MQTT-3.1.3-11]
		l.WillPayload = d.data()
		if d.err == nil && !ValidName(l.WillTopic) {
			d.fail(&Error{TopicNameInvalid, "will topic is no topic name"})
		}
	}
	if l.HasUser {
		if p.Version == V31 {
			l.User = d.data() // clients of old send whatever their platform's encoding is
		} else {
			l.User = d.text("user name") // [MQTT-3.1.3-11] [MQTT-3.1.3-12]
		}
	}
	if l.HasPassword {
		l.Password = d.data()
	}
}

// connectFlags takes the connect flags apart.
func (d *decoder) connectFlags(flags byte) {
	l := &d.p.Login
	l.CleanStart = flags&flagCleanStart != 0
	l.HasWill = flags&flagWill != 0
	l.WillQoS = flags >> 3 & 3
	l.WillRetain = flags&flagWillRetain != 0
	l.HasPassword = flags&flagPassword != 0
	l.HasUser = flags&flagUser != 0
	switch {
	case d.err != nil:
	case flags&flagReserved != 0: // [MQTT-3.1.2-3]
		d.fail(malformed("reserved connect flag"))
	case l.WillQoS == 3: // [MQTT-3.1.2-14] [MQTT-3.1.2-12]
		d.fail(malformed("will QoS 3"))
	case !l.HasWill && (l.WillQoS > 0 || l.WillRetain): // [MQTT-3.1.2-13] [MQTT-3.1.2-15] [MQTT-3.1.2-11]
		d.fail(malformed("will flags without a will"))
	case d.p.Version == V311 && l.HasPassword && !l.HasUser: // [MQTT-3.1.2-22]
		d.fail(malformed("password without a user name"))
	}
}
