// Package message has the broker's message: a typed header that the core needs, content that
// stays in the encoding it arrived in, and a neutral view of it for everybody else.
//
// A message stays in the encoding it arrived in. Each protocol splits its encoding into a
// head (its property section) and a body (the rest). A consumer of the same protocol gets the
// original bytes; another one translates through the neutral view, so that there are N
// mappings and not N².
package message

import (
	"strconv"

	"github.com/manifoldmq/manifold/broker/address"
)

// DefaultPriority is the priority of a message whose sender gave none.
const DefaultPriority = 4

// ID is a message's identity as clients see it. It never changes, also when the message moves
// to another queue. With Seq 0 the text is Origin alone, otherwise Origin, a colon and Seq:
// so that a producer's messages share one string.
type ID struct {
	Origin string
	Seq    uint64
}

// Append appends the id's text to dst.
func (id ID) Append(dst []byte) []byte {
	dst = append(dst, id.Origin...)
	if id.Seq == 0 {
		return dst
	}
	return strconv.AppendUint(append(dst, ':'), id.Seq, 10)
}

// String returns the id's text.
func (id ID) String() string {
	if id.Seq == 0 {
		return id.Origin
	}
	return string(id.Append(make([]byte, 0, len(id.Origin)+21)))
}

// Header is what the core needs of a message.
type Header struct {
	ID            ID
	Address       address.Address // where it was sent to
	Origin        address.Address // where it was sent to first, if it was moved or copied since
	ReplyTo       address.Address
	Durable       bool
	Priority      uint8 // 0..9
	Timestamp     int64 // when it was sent, Unix milliseconds; 0 = unknown
	Expiry        int64 // when it ends, Unix milliseconds; 0 = never
	CorrelationID string
	Type          string // JMSType, AMQP subject
	GroupID       string
	GroupSeq      int32
	UserID        string // JMSXUserID, where the broker or the sender set it
	Flags         Flags
}

// Flags are a header's yes-or-no facts.
type Flags uint8

const (
	// BinaryCorrelation says that CorrelationID is octets and not text.
	BinaryCorrelation Flags = 1 << iota
	// Retain asks a topic to keep the message for later subscribers, in the place of the one that
	// it keeps; one without a body asks it to keep none.
	Retain
	// Scheduled says that properties of the message ask for its delivery at another time. Without
	// it, nobody looks for them.
	Scheduled
	// OnceOnly asks for hand-over exactly once, to those receivers that take part in it. It means
	// something for durable messages only.
	OnceOnly
)

// Assurance is how surely a message is handed over, from one party to the next.
type Assurance uint8

// The assurances, in ascending order.
const (
	AtMostOnce  Assurance = iota // it may be lost, and is kept in memory only
	AtLeastOnce                  // it is not lost, and may come again
	ExactlyOnce                  // neither, where both parties keep account
)

// Content is a message's properties and body in the encoding they arrived in. It is immutable
// and may be shared by any number of queues. Its byte slices belong to it and must not be
// changed.
type Content interface {
	// Format names the encoding.
	Format() FormatID
	// Head returns the encoding's property section, as it is stored.
	Head() []byte
	// Body returns the rest of the encoding; nil when the body is not loaded or empty.
	Body() []byte
	// Property returns an application property by its name.
	Property(name string) (Value, bool)
	// Properties yields the application properties in their order until yield returns false.
	Properties(yield func(Field) bool)
	// Payload returns the neutral view of the body. It fails with ErrContent when the bytes
	// are not what the format promises.
	Payload() (Payload, error)
}

// Structured is content that may stand for a structure of the broker's own, as that of an advisory
// does. Its payload is then the structure as JSON.
type Structured interface {
	Content
	// Structure returns the simple name of the structure's class and, as a Map, its members; an
	// empty name if there is none.
	Structure() (name string, members Value)
}

// PayloadKind is the kind of a message's body in JMS's terms, with AMQP's sequence added.
type PayloadKind uint8

// The payload kinds, with the kind of Value that carries each.
const (
	NoPayload       PayloadKind = iota // Null
	TextPayload                        // String
	BytesPayload                       // Bytes
	MapPayload                         // Map
	StreamPayload                      // List
	ObjectPayload                      // Bytes: a serialised object, never opened
	SequencePayload                    // List of Lists: AMQP sequences
)

// Payload is the neutral view of a body.
type Payload struct {
	Kind  PayloadKind
	Value Value
}

// Message is one message. Once it was handed to the core it is immutable: what the broker
// adds for one queue is in that queue's entry, and what it adds for good makes a new Message
// that shares Content.
type Message struct {
	Header
	Content Content
	// Overlay is what the broker added, changed (same name) or removed (Null) in the
	// content's properties, in order. Every encoder merges it.
	Overlay []Field
}

// Overhead is what a message is taken to cost in memory beside its bytes.
const Overhead = 512

// Size returns the number of bytes of the content.
func (m *Message) Size() int {
	if m.Content == nil {
		return 0
	}
	return len(m.Content.Head()) + len(m.Content.Body())
}

// Assurance returns how surely the sender wants the message to be handed over.
func (m *Message) Assurance() Assurance {
	switch {
	case !m.Durable:
		return AtMostOnce
	case m.Flags&OnceOnly != 0:
		return ExactlyOnce
	}
	return AtLeastOnce
}

// Empty reports whether the message has no body, or an empty text or octets.
func (m *Message) Empty() bool {
	if m.Content == nil || len(m.Content.Body()) == 0 {
		return true
	}
	p, err := m.Content.Payload()
	if err != nil {
		return false
	}
	switch p.Kind {
	case NoPayload:
		return true
	case TextPayload, BytesPayload:
		return p.Value.Str() == ""
	}
	return false
}

// Expired reports whether the message has ended at a time in Unix milliseconds.
func (m *Message) Expired(now int64) bool { return m.Expiry != 0 && m.Expiry <= now }

// Property returns an application property: the overlay's, or the content's.
func (m *Message) Property(name string) (Value, bool) {
	for i := len(m.Overlay) - 1; i >= 0; i-- {
		if m.Overlay[i].Name == name {
			return m.Overlay[i].Value, !m.Overlay[i].Value.IsNull()
		}
	}
	if m.Content == nil {
		return Value{}, false
	}
	return m.Content.Property(name)
}

// RetainProperty is how clients of ActiveMQ ask for Retain.
const RetainProperty = "ActiveMQ.Retain"

// HidesRetain reports whether consumers don't see RetainProperty: a topic has heeded it, and who
// passed the message on with its properties would have it retained elsewhere as well.
func (m *Message) HidesRetain() bool {
	return m.Flags&Retain != 0 && m.Address.Kind == address.Topic
}

// Properties yields the properties that consumers see: the content's with the overlay merged in,
// changed ones at their old place, new ones at the end.
func (m *Message) Properties(yield func(Field) bool) {
	more := true
	hides := m.HidesRetain()
	if m.Content != nil {
		m.Content.Properties(func(f Field) bool {
			if hides && f.Name == RetainProperty {
				return true
			}
			if v, ok := m.overlaid(f.Name); ok {
				if v.IsNull() {
					return true
				}
				f.Value = v
			}
			more = yield(f)
			return more
		})
	}
	for i, f := range m.Overlay {
		if !more {
			return
		}
		if f.Value.IsNull() || m.Superseded(i) {
			continue
		}
		if m.Content != nil {
			if _, ok := m.Content.Property(f.Name); ok {
				continue
			}
		}
		more = yield(f)
	}
}

func (m *Message) overlaid(name string) (Value, bool) {
	for i := len(m.Overlay) - 1; i >= 0; i-- {
		if m.Overlay[i].Name == name {
			return m.Overlay[i].Value, true
		}
	}
	return Value{}, false
}

// Superseded reports whether a later overlay field has the name of the one with an index.
func (m *Message) Superseded(i int) bool {
	for _, f := range m.Overlay[i+1:] {
		if f.Name == m.Overlay[i].Name {
			return true
		}
	}
	return false
}

// With returns a copy of the message that shares its content and has further overlay fields.
func (m *Message) With(fields ...Field) *Message {
	c := *m
	c.Overlay = append(append(make([]Field, 0, len(m.Overlay)+len(fields)), m.Overlay...), fields...)
	return &c
}

// Payload returns the neutral view of the body.
func (m *Message) Payload() (Payload, error) {
	if m.Content == nil {
		return Payload{}, nil
	}
	return m.Content.Payload()
}
