package openwire

import (
	"encoding/binary"
	"strconv"
	"strings"
	"unsafe"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// content is a message's properties and body as they were received. Its head, which is stored:
//
//	version(1) type(1) flags(1) arrival(8)
//	with hasTransaction: length(1) and the transaction's identifier
//	with hasExtra: length(4) and a Message command with the fields that few messages have
//	the marshalled properties, to the end
//
// The body is the content field.
type content struct {
	message.Message // of a received message: one allocation serves both
	limit           int64
	head, body      []byte
}

const (
	headVersion = 1
	headLength  = 11
)

// Flags of a head.
const (
	compressed = 1 << iota
	hasContent
	hasProperties
	hasExtra
	droppable
	hasTransaction
)

// Formats returns the format of stored messages that came in over OpenWire. A compressed body is
// inflated for clients of other protocols to at most maxInflated octets.
func Formats(maxInflated int64) []message.Format {
	if maxInflated <= 0 {
		maxInflated = 100 << 20
	}
	return []message.Format{{ID: message.OpenWireFormat, Name: "openwire", Open: func(head, body []byte) message.Content {
		return &content{head: head, body: body, limit: maxInflated}
	}}}
}

// receive makes the core's message of a client's. Everything it keeps of the frame is copied into
// one block, unless the frame is the message's own.
func (c *connection) receive(m *wire.Message, p *producer) *message.Message {
	k := &content{limit: c.o.MaxInflated}
	msg := &k.Message
	msg.Content = k
	msg.Durable = m.Persistent
	msg.Priority = uint8(min(max(m.Priority, 0), 9))
	msg.Timestamp = m.Timestamp
	msg.Expiry = max(m.Expiration, 0)
	msg.GroupSeq = m.GroupSequence
	extra := extraOf(m)
	size := headLength + maxTransaction + 4 + len(extra) + len(m.MarshalledProperties) + len(m.CorrelationID) + len(m.JMSType) + len(m.GroupID) + len(m.UserID)
	if m.ReplyTo != nil {
		size += len(m.ReplyTo.PhysicalName)
	}
	own := c.reader.Owned()
	if !own {
		size += len(m.Content)
	}
	b := k.appendHead(make([]byte, 0, size), m, extra, c.now)
	msg.Flags = flagsOf(m.MarshalledProperties)
	if own {
		k.body = m.Content
	} else if len(m.Content) > 0 {
		at := len(b)
		b = append(b, m.Content...)
		k.body = b[at:len(b):len(b)]
	}
	b, msg.CorrelationID = keep(b, m.CorrelationID)
	b, msg.Type = keep(b, m.JMSType)
	b, msg.GroupID = keep(b, m.GroupID)
	b, msg.UserID = keep(b, m.UserID)
	if m.ReplyTo != nil {
		msg.ReplyTo.Kind = kindOf(m.ReplyTo.Kind)
		_, msg.ReplyTo.Name = keep(b, m.ReplyTo.PhysicalName)
	}
	msg.ID = c.messageID(m.MessageID, p)
	return msg
}

// appendHead appends the head to b, which it is the beginning of.
func (k *content) appendHead(b []byte, m *wire.Message, extra []byte, arrival int64) []byte {
	flags := byte(0)
	set := func(flag byte, is bool) {
		if is {
			flags |= flag
		}
	}
	set(compressed, m.Compressed)
	set(hasContent, m.Content != nil)
	set(hasProperties, m.MarshalledProperties != nil)
	set(hasExtra, extra != nil)
	set(droppable, m.Droppable)
	set(hasTransaction, m.TransactionID != nil)
	b = append(b, headVersion, byte(m.Kind), flags)
	b = binary.BigEndian.AppendUint64(b, uint64(arrival))
	if m.TransactionID != nil {
		b = appendTransaction(b, m.TransactionID)
	}
	if extra != nil {
		b = binary.BigEndian.AppendUint32(b, uint32(len(extra)))
		b = append(b, extra...)
	}
	b = append(b, m.MarshalledProperties...)
	k.head = b[:len(b):len(b)]
	return b
}

// Properties that the core is told of.
const (
	scheduledPrefix = "AMQ_SCHEDULED_"

	retainedProperty = "ActiveMQ.Retained" // on what a topic had kept
)

// flagsOf returns what a message's properties ask of the core.
func flagsOf(properties []byte) (f message.Flags) {
	for it := wire.MapIterator(properties); it.Next(); {
		switch key := view(it.Key); {
		case strings.HasPrefix(key, scheduledPrefix):
			f |= message.Scheduled
		case key == message.RetainProperty && it.Value.Kind == wire.BoolValue && it.Value.Num != 0:
			f |= message.Retain
		}
	}
	return f
}

// maxTransaction is what a transaction's identifier takes in a head, at most.
const maxTransaction = 1 + 1 + 4 + 1 + 64 + 1 + 64

// appendTransaction appends a transaction's identifier: of a local one its number, as the
// connection is that of the message's identifier, of a branch its parts.
func appendTransaction(b []byte, x *wire.TransactionID) []byte {
	at := len(b)
	b = append(b, 0, byte(x.Kind))
	if x.Kind == wire.TypeXATransactionID {
		global, branch := x.GlobalTransactionID, x.BranchQualifier
		global, branch = global[:min(len(global), 64)], branch[:min(len(branch), 64)]
		b = binary.BigEndian.AppendUint32(b, uint32(x.FormatID))
		b = append(append(b, byte(len(global))), global...)
		b = append(b, branch...)
	} else {
		b = binary.BigEndian.AppendUint64(b, uint64(x.Value))
	}
	b[at] = byte(len(b) - at - 1)
	return b
}

// transactionIn reads what appendTransaction has written.
func transactionIn(b []byte, connection wire.Text) *wire.TransactionID {
	switch {
	case len(b) == 9 && wire.Type(b[0]) == wire.TypeLocalTransactionID:
		return &wire.TransactionID{
			Kind: wire.TypeLocalTransactionID, Value: int64(binary.BigEndian.Uint64(b[1:])), ConnectionID: &wire.ConnectionID{Value: connection},
		}
	case len(b) >= 6 && wire.Type(b[0]) == wire.TypeXATransactionID && int(b[5]) <= len(b)-6:
		return &wire.TransactionID{
			Kind: wire.TypeXATransactionID, FormatID: int32(binary.BigEndian.Uint32(b[1:])),
			GlobalTransactionID: b[6 : 6+b[5]], BranchQualifier: b[6+b[5]:],
		}
	}
	return nil
}

// keep appends a text to a block and returns it as a string in the block.
func keep(b []byte, t wire.Text) ([]byte, string) {
	if len(t) == 0 {
		return b, ""
	}
	at := len(b)
	b = append(b, t.View()...)
	return b, view(b[at:])
}

// view returns bytes that never change as a string, without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// extraOf returns the fields of a message that few have, as a command, or nil.
func extraOf(m *wire.Message) []byte {
	if m.DataStructure == nil && m.Kind != wire.TypeBlobMessage && m.BrokerPath == nil && m.Cluster == nil && !m.ReceivedByDFBridge {
		return nil
	}
	return wire.AppendPlain(nil, &wire.Message{
		Kind: m.Kind, DataStructure: m.DataStructure, BrokerPath: m.BrokerPath, Cluster: m.Cluster,
		ReceivedByDFBridge: m.ReceivedByDFBridge, RemoteBlobURL: m.RemoteBlobURL, MimeType: m.MimeType, DeletedByBroker: m.DeletedByBroker,
	})
}

// messageID returns a message's identifier. Those of a producer share its text.
func (c *connection) messageID(id *wire.MessageID, p *producer) message.ID {
	if len(id.TextView) > 0 {
		return message.ID{Origin: id.TextView.String()}
	}
	origin := ""
	if p != nil && p.made(id) {
		origin = p.text
	} else {
		origin = producerText(id.ProducerID)
	}
	if id.ProducerSequenceID <= 0 {
		return message.ID{Origin: origin + ":" + strconv.FormatInt(id.ProducerSequenceID, 10)}
	}
	return message.ID{Origin: origin, Seq: uint64(id.ProducerSequenceID)}
}

// Format implements message.Content.
func (k *content) Format() message.FormatID { return message.OpenWireFormat }

// Head implements message.Content.
func (k *content) Head() []byte { return k.head }

// Body implements message.Content.
func (k *content) Body() []byte { return k.body }

// parts is a head, taken apart.
type parts struct {
	kind                           wire.Type
	flags                          byte
	arrival                        int64
	transaction, extra, properties []byte
}

// parts takes the head apart. A damaged one is that of an empty message.
func (k *content) parts() (p parts) {
	nothing := parts{kind: wire.TypeMessage}
	h := k.head
	if len(h) < headLength || h[0] != headVersion || !wire.Type(h[1]).IsMessage() {
		return nothing
	}
	p.kind, p.flags, p.arrival = wire.Type(h[1]), h[2], int64(binary.BigEndian.Uint64(h[3:]))
	h = h[headLength:]
	if p.flags&hasTransaction != 0 {
		if len(h) < 1 || int(h[0]) > len(h)-1 {
			return nothing
		}
		p.transaction, h = h[1:1+h[0]], h[1+h[0]:]
	}
	if p.flags&hasExtra != 0 {
		if len(h) < 4 || uint64(binary.BigEndian.Uint32(h)) > uint64(len(h)-4) {
			return nothing
		}
		n := int(binary.BigEndian.Uint32(h))
		p.extra, h = h[4:4+n], h[4+n:]
	}
	if p.flags&hasProperties != 0 {
		p.properties = h
	}
	return p
}

// Property implements message.Content.
func (k *content) Property(name string) (message.Value, bool) {
	it := wire.MapIterator(k.parts().properties)
	for it.Next() {
		if string(it.Key) == name {
			return valueOf(&it.Value, 0), it.Value.Kind != wire.NullValue
		}
	}
	return message.Value{}, false
}

// Properties implements message.Content.
func (k *content) Properties(yield func(message.Field) bool) {
	it := wire.MapIterator(k.parts().properties)
	for it.Next() {
		if !yield(message.Field{Name: wire.Text(it.Key).View(), Value: valueOf(&it.Value, 0)}) {
			return
		}
	}
}

// Payload implements message.Content.
func (k *content) Payload() (message.Payload, error) {
	h := k.parts()
	kind := h.kind
	if h.flags&hasContent == 0 {
		if name, fields := structureIn(h.extra); name != "" {
			return message.Payload{Kind: message.TextPayload, Value: message.OfString(string(appendStructure(nil, name, fields)))}, nil
		}
		return emptyPayload(kind), nil
	}
	body := k.body
	if h.flags&compressed != 0 && len(body) > 0 {
		var err error
		if body, err = wire.Inflate(body, kind == wire.TypeBytesMessage, k.limit); err != nil {
			return message.Payload{}, message.ErrContent
		}
	}
	return payloadOf(kind, body)
}

// destinationOf returns an address as a destination of the wire.
func destinationOf(a address.Address, d *wire.Destination) *wire.Destination {
	if a.IsZero() {
		return nil
	}
	d.Kind, d.PhysicalName = typeOf(a.Kind), wire.TextOf(a.Name)
	return d
}
