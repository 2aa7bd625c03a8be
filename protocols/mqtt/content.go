package mqtt

import (
	"unsafe"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// content is the properties and the payload of a PUBLISH as they were received. Its head is an
// octet of flags and the properties of version 5; the topic is the message's address.
type content struct {
	message.Message // of a received packet: one allocation serves both
	head            []byte
	body            []byte
}

// The flags of a head. The lowest two bits are the QoS.
const (
	headQoS    = 3
	headRetain = 1 << 2
	// headOwn says that some properties end with the broker: topic alias, subscription
	// identifiers, and the expiry interval, which is sent on as what is left of it.
	headOwn = 1 << 3
)

// Names of the properties that JMS knows of a message from MQTT.
const (
	qosProperty         = "ActiveMQ.MQTT.QoS"
	contentTypeProperty = "content-type"
	amqpContentType     = "JMS_AMQP_ContentType"
	groupProperty       = "JMSXGroupID"
	groupSeqProperty    = "JMSXGroupSeq"
	typeProperty        = "JMSType"
	scheduledPrefix     = "AMQ_SCHEDULED_"  // of properties that ask for delivery at another time
	binaryCorrelation   = "ID:AMQP_BINARY:" // before the hexadecimal digits of a correlation id of octets, as JMS has it
)

// Formats returns the format of stored messages that came in as PUBLISH packets.
func Formats() []message.Format {
	return []message.Format{{ID: message.MQTTFormat, Name: "mqtt", Open: open}}
}

func open(head, body []byte) message.Content {
	if len(head) == 0 {
		head = []byte{0}
	}
	return &content{head: head, body: body}
}

// setContent makes the content of a received PUBLISH out of the packet's own block: the octet
// before the properties, whose meaning was read before, becomes the flags.
func (k *content) setContent(p *packet.Packet) {
	body := len(p.Block) - len(p.Payload)
	head := body - len(p.Properties) - 1
	p.Block[head] = p.QoS
	if p.Retain {
		p.Block[head] |= headRetain
	}
	k.head, k.body = p.Block[head:body:body], p.Block[body:]
}

// properties returns the properties of version 5.
func (k *content) properties() packet.Properties { return packet.Properties(k.head[1:]) }

// Format implements message.Content.
func (k *content) Format() message.FormatID { return message.MQTTFormat }

// Head implements message.Content.
func (k *content) Head() []byte { return k.head }

// Body implements message.Content.
func (k *content) Body() []byte { return k.body }

// Property implements message.Content.
func (k *content) Property(name string) (v message.Value, ok bool) {
	k.Properties(func(f message.Field) bool {
		if ok = f.Name == name; ok {
			v = f.Value
		}
		return !ok
	})
	return v, ok
}

// Properties implements message.Content. Of user properties with the same name the first counts,
// as a property has one value in JMS; MQTT subscribers get all of them.
func (k *content) Properties(yield func(message.Field) bool) {
	if !yield(message.Field{Name: qosProperty, Value: message.OfInt(int32(k.head[0] & headQoS))}) {
		return
	}
	if k.head[0]&headRetain != 0 && !yield(message.Field{Name: message.RetainProperty, Value: message.OfBool(true)}) {
		return
	}
	var seen unique
	for rest := k.properties(); len(rest) > 0; {
		p, ok := rest.Next()
		if !ok {
			return
		}
		var f message.Field
		switch p.ID {
		case packet.ContentType:
			f.Name, f.Value = contentTypeProperty, message.OfString(view(p.Text))
		case packet.UserProperty:
			f.Name, f.Value = view(p.Name), message.OfString(view(p.Text))
		default:
			continue
		}
		if !isHeader(f.Name) && seen.first(f.Name) && !yield(f) {
			return
		}
	}
}

// isHeader reports whether a user property is kept as a header of the message, or would be taken
// for what the broker says of it.
func isHeader(name string) bool {
	return name == "" || name == groupProperty || name == groupSeqProperty || name == typeProperty || name == qosProperty || name == message.RetainProperty
}

// unique finds names that have been there before.
type unique struct {
	few  []string
	many map[string]struct{}
	room [8]string
}

// first reports whether it is asked about a name for the first time.
func (u *unique) first(name string) bool {
	if u.many != nil {
		_, again := u.many[name]
		u.many[name] = struct{}{}
		return !again
	}
	if u.few == nil {
		u.few = u.room[:0]
	}
	for _, n := range u.few {
		if n == name {
			return false
		}
	}
	if u.few = append(u.few, name); len(u.few) > 32 {
		u.many = make(map[string]struct{})
		for _, n := range u.few {
			u.many[n] = struct{}{}
		}
	}
	return true
}

// Payload implements message.Content: octets, as with ActiveMQ, also where the payload format
// indicator says that they are text.
func (k *content) Payload() (message.Payload, error) {
	return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(k.body))}, nil
}

// view returns octets as a string without copying; they must never change.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
