package stomp

import (
	"strconv"
	"unsafe"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
	"github.com/manifoldmq/manifold/protocols/stomp/transform"
)

// content is the body and the headers of a SEND frame as they were received. Head is the raw
// header lines; how they are escaped is in the format.
type content struct {
	message.Message // of a received frame: one allocation serves both
	version         frame.Version
	head            []byte
	body            []byte
	binary          bool // bytes and not text
	transformed     transform.Transformation
}

// Formats returns the formats of stored messages that came in as SEND frames.
func Formats() []message.Format {
	return []message.Format{
		{ID: message.Stomp10Format, Name: "stomp 1.0", Open: opener(frame.V10)},
		{ID: message.Stomp11Format, Name: "stomp 1.1", Open: opener(frame.V11)},
		{ID: message.Stomp12Format, Name: "stomp 1.2", Open: opener(frame.V12)},
	}
}

func opener(v frame.Version) func(head, body []byte) message.Content {
	return func(head, body []byte) message.Content {
		var h frame.Headers
		c := &content{version: v, head: head, body: body}
		if h.Parse(head, v) == nil {
			_ = c.classify(&h) // it was accepted once
		}
		return c
	}
}

// classify finds out what kind of message the headers say the body is, by ActiveMQ's rules: a
// frame with a content-length is bytes, others are text, unless amq-msg-type says otherwise.
func (c *content) classify(h *frame.Headers) error {
	c.binary = h.Has(frame.ContentLength)
	if h.Has(frame.AMQMessageType) {
		switch kind := h.Get(frame.AMQMessageType); string(kind) {
		case "text":
			c.binary = false
		case "bytes":
			c.binary = true
		default:
			return bad("Unsupported message type '" + string(kind) + "'")
		}
	}
	if !c.binary && h.Has(frame.Transformation) {
		c.transformed, _ = transform.Parse(view(h.Get(frame.Transformation)))
	}
	return nil
}

// isMap reports whether the body is the text of a map.
func (c *content) isMap() bool {
	return c.transformed == transform.MapJSON || c.transformed == transform.MapXML
}

// Format implements message.Content.
func (c *content) Format() message.FormatID {
	switch c.version {
	case frame.V10:
		return message.Stomp10Format
	case frame.V11:
		return message.Stomp11Format
	}
	return message.Stomp12Format
}

// Head implements message.Content.
func (c *content) Head() []byte { return c.head }

// Body implements message.Content.
func (c *content) Body() []byte { return c.body }

// Property implements message.Content.
func (c *content) Property(name string) (message.Value, bool) {
	var h frame.Headers
	if h.Parse(c.head, c.version) != nil {
		return message.Value{}, false
	}
	if known, ok := frame.LookupHeader(unsafe.Slice(unsafe.StringData(name), len(name))); ok {
		if !isProperty(known) || !h.Has(known) {
			return message.Value{}, false
		}
		return propertyValue(known, h.Get(known)), true
	}
	value, ok := h.Find(name)
	if !ok {
		return message.Value{}, false
	}
	return message.OfString(view(value)), true
}

// Properties implements message.Content.
func (c *content) Properties(yield func(message.Field) bool) {
	var h frame.Headers
	if h.Parse(c.head, c.version) != nil {
		return
	}
	var unique frame.Unique
	for it := h.Iter(); it.Next(); {
		if !unique.First(&it) {
			continue
		}
		f := message.Field{Name: string(it.Name()), Value: message.Value{}}
		known, ok := it.Known()
		switch {
		case !ok:
			f.Value = message.OfString(string(it.Value()))
		case isProperty(known):
			f.Value = propertyValue(known, it.Value())
		default:
			continue
		}
		if !yield(f) {
			return
		}
	}
}

// Payload implements message.Content.
func (c *content) Payload() (message.Payload, error) {
	if c.isMap() {
		if fields, err := transform.DecodeMap(c.transformed, c.body, transform.DefaultLimits()); err == nil {
			return message.Payload{Kind: message.MapPayload, Value: fields}, nil
		}
	}
	if c.binary {
		return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(c.body))}, nil
	}
	return message.Payload{Kind: message.TextPayload, Value: message.OfString(view(c.body))}, nil
}

// isProperty reports whether a well-known header of SEND is an application property: it is
// what ActiveMQ neither maps to a field of the message nor drops.
func isProperty(h frame.Header) bool {
	switch h {
	case frame.Destination, frame.ContentLength, frame.CorrelationID, frame.Expires, frame.ReplyTo,
		frame.Priority, frame.Type, frame.Persistent, frame.Timestamp, frame.GroupID, frame.GroupSequence,
		frame.ReceiptHeader, frame.MessageID, frame.Redelivered, frame.Subscription, frame.UserID,
		frame.Transaction, frame.AMQMessageType, frame.AckHeader, frame.ID, frame.Login, frame.Passcode,
		frame.OriginalDestination:
		return false
	}
	return true
}

// propertyValue types the properties that the broker itself reads.
func propertyValue(h frame.Header, value []byte) message.Value {
	switch h {
	case frame.ScheduledDelay, frame.ScheduledPeriod:
		if n, err := strconv.ParseInt(view(value), 10, 64); err == nil {
			return message.OfLong(n)
		}
	case frame.ScheduledRepeat:
		if n, err := strconv.ParseInt(view(value), 10, 32); err == nil {
			return message.OfInt(int32(n))
		}
	}
	return message.OfString(view(value))
}

// view returns bytes that never change as a string, without copying.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
