package mapping

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Received is a message from a client, with what only the link needs.
type Received struct {
	*message.Message
	To      address.Address // the message's own destination; zero if it names none
	Delayed bool            // it asks to be delivered later
}

// Receive makes a message of a delivery's payload, which it copies. now is in Unix milliseconds.
// An error says that the payload is no message; it is a wire.Error. The caller sets the address,
// and the id where there is none.
func Receive(payload []byte, format uint32, transformer Transformer, now int64) (Received, error) {
	c := &content{transformer: transformer, format: format}
	m := &c.Message
	m.Content = c
	m.Priority = message.DefaultPriority
	if format != 0 {
		c.prefix = 5
		block := append(make([]byte, 0, 5+len(payload)), byte(transformer)|hasFormat)
		block = append(binary.BigEndian.AppendUint32(block, format), payload...)
		c.head, c.body = block[:5:5], block[5:]
		m.Durable, m.Timestamp = transformer == Raw, now
		return Received{Message: m}, nil
	}
	layout, err := section.Scan(payload)
	if err != nil {
		return Received{}, err
	}
	c.layout, c.prefix = layout, 1
	extra := idRoom(layout.Properties.Of(payload))
	block := append(make([]byte, 0, 1+len(payload)+extra), byte(transformer))
	block = append(block, payload...)
	head := 1 + layout.Head(len(payload))
	c.head, c.body = block[:head:head], block[head:len(block):len(block)]
	b := block[1:]
	header, err := section.ParseHeader(layout.Header.Of(b))
	if err != nil {
		return Received{}, err
	}
	p, err := section.ParseProperties(layout.Properties.Of(b))
	if err != nil {
		return Received{}, err
	}
	m.Timestamp = now
	if p.HasCreation {
		m.Timestamp = p.Creation
	}
	m.Durable, m.Priority = header.Durable, min(header.Priority, 9)
	switch {
	case p.HasExpiry && p.Expiry > 0:
		m.Expiry = p.Expiry
	case header.HasTTL && header.TTL > 0:
		m.Expiry = now + int64(header.TTL)
	}
	if transformer == Raw {
		m.Durable, m.Priority = true, message.DefaultPriority
	}
	m.ID.Origin = idText(block[len(block):cap(block)], p.MessageID)
	m.CorrelationID = correlationText(p.CorrelationID)
	m.Type = view(p.Subject)
	m.GroupID = view(p.GroupID)
	m.GroupSeq = int32(p.GroupSequence)
	m.UserID = view(p.UserID)
	r := Received{Message: m}
	if p.To != nil || p.ReplyTo != nil || layout.Annotations.To != 0 {
		c.annotated(&r, &p, now)
	}
	if application := layout.Application.Of(b); transformer != Raw && application != nil {
		if bytes.Contains(application, []byte("AMQ_SCHEDULED_")) {
			m.Flags |= message.Scheduled
		}
		if bytes.Contains(application, []byte(message.RetainProperty)) {
			if v, ok := c.Property(message.RetainProperty); ok && v.Text() == "true" {
				m.Flags |= message.Retain
			}
		}
	}
	return r, nil
}

// schedule reads an annotation that asks for delivery at another time, and says it in the words
// that the broker's scheduler knows.
func (r *Received) schedule(key []byte, v *wire.Value, now int64) {
	n, ok := neutral(v, 0)
	if !ok || n.IsNull() {
		return
	}
	name := ""
	switch string(key) {
	case DeliveryTime:
		name, n = "AMQ_SCHEDULED_DELAY", message.OfLong(max(n.Int64()-now, 0))
		if n.Int64() == 0 {
			return
		}
	case DeliveryDelay:
		name = "AMQ_SCHEDULED_DELAY"
	case DeliveryRepeat:
		name = "AMQ_SCHEDULED_REPEAT"
	case DeliveryPeriod:
		name = "AMQ_SCHEDULED_PERIOD"
	case DeliveryCron:
		name = "AMQ_SCHEDULED_CRON"
	}
	m := r.Message
	m.Overlay = append(m.Overlay, message.Field{Name: name, Value: n})
	m.Flags |= message.Scheduled
	r.Delayed = true
}

// annotated reads the annotations that are for the broker, and the addresses that they say the
// kinds of.
func (c *content) annotated(r *Received, p *section.Properties, now int64) {
	to, reply := address.Queue, address.Queue
	section.Entries(c.layout.Annotations.Of(c.sections()), func(key []byte, v wire.Value) bool {
		switch string(key) {
		case DestAnnotation:
			to = kindOf(&v, to)
		case ReplyToAnnotation:
			reply = kindOf(&v, reply)
		case "x-opt-to-type":
			to = legacyKind(v.Data)
		case "x-opt-reply-type":
			reply = legacyKind(v.Data)
		case DeliveryTime, DeliveryDelay, DeliveryRepeat, DeliveryPeriod, DeliveryCron:
			r.schedule(key, &v, now)
		}
		return true
	})
	if len(p.To) > 0 {
		r.To = address.Parse(view(p.To), to)
	}
	if len(p.ReplyTo) > 0 {
		r.Message.ReplyTo = address.Parse(view(p.ReplyTo), reply)
	}
}

// Annotations that ActiveMQ and Qpid JMS use between each other.
const (
	TypeAnnotation    = "x-opt-jms-msg-type"
	DestAnnotation    = "x-opt-jms-dest"
	ReplyToAnnotation = "x-opt-jms-reply-to"
	DeliveryTime      = "x-opt-delivery-time"
	DeliveryDelay     = "x-opt-delivery-delay"
	DeliveryRepeat    = "x-opt-delivery-repeat"
	DeliveryPeriod    = "x-opt-delivery-period"
	DeliveryCron      = "x-opt-delivery-cron"
)

// kindOf reads the kind of a destination from its annotation.
func kindOf(v *wire.Value, def address.Kind) address.Kind {
	n, ok := number(v)
	if !ok || n < 0 || n > 3 {
		return def
	}
	return address.Queue + address.Kind(n)
}

// number returns the value of any integer.
func number(v *wire.Value) (int64, bool) {
	if n, ok := v.Signed(); ok {
		return n, true
	}
	u, ok := v.Unsigned()
	return int64(u), ok
}

// legacyKind reads the comma separated words that old Qpid clients say it with.
func legacyKind(words []byte) address.Kind {
	k := address.Queue
	temporary := false
	for len(words) > 0 {
		n := 0
		for n < len(words) && words[n] != ',' {
			n++
		}
		switch string(words[:n]) {
		case "topic":
			k = address.Topic
		case "temporary":
			temporary = true
		}
		words = words[min(n+1, len(words)):]
	}
	if temporary {
		k += address.TempQueue - address.Queue
	}
	return k
}

// view returns bytes that never change as a string, without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is the reverse: the bytes must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
