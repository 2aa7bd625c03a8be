package stomp

import (
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
	"github.com/manifoldmq/manifold/protocols/stomp/transform"
)

// appendMessage appends the MESSAGE frame of a delivery.
func appendMessage(dst []byte, s *subscription, d *broker.Delivery) []byte {
	v := s.conn.version
	m := d.Msg
	dst = frame.AppendCommand(dst, frame.Message)
	if s.id != "" {
		dst = append(dst, s.header...)
	}
	if v == frame.V12 && s.mode != ackAuto {
		dst = append(dst, "ack:"...)
		dst = s.appendAckID(dst, d.Number)
		dst = append(dst, '\n')
	}
	dst = appendFields(dst, v, m, s.conn)
	if d.Count > 0 || d.Flags&queue.Redelivered != 0 {
		dst = append(dst, "redelivered:true\n"...)
	}
	if d.Flags&queue.FirstInGroup != 0 {
		dst = append(dst, "JMSXGroupFirstForConsumer:true\n"...)
	}
	if note.Of(d.Note).Retain() {
		dst = append(dst, "ActiveMQ.Retained:true\n"...)
	}
	p, err := m.Payload()
	isMap := err == nil && p.Kind == message.MapPayload
	dst = appendProperties(dst, v, m, isMap)
	if err != nil {
		return frame.AppendTail(frame.AppendEnd(dst))
	}
	if k, ok := m.Content.(message.Structured); ok {
		if name, members := k.Structure(); name != "" {
			return appendAdvisory(dst, v, name, members, s.transformation)
		}
	}
	return appendBody(dst, v, p, s.transformation)
}

// appendAdvisory appends an advisory's structure in the transformation that the subscriber asked
// for, as JSON without one.
func appendAdvisory(dst []byte, v frame.Version, name string, members message.Value, wanted transform.Transformation) []byte {
	t := wanted.For(transform.Advisory)
	text, err := transform.AppendAdvisory(nil, t, name, members, transform.DefaultLimits())
	if err != nil {
		dst = frame.AppendKnown(dst, v, frame.TransformationError, err.Error())
		return frame.AppendTail(frame.AppendEnd(dst))
	}
	dst = frame.AppendKnown(dst, v, frame.Transformation, t.String())
	return frame.AppendBody(dst, text)
}

// appendFields appends the headers that stand for the message's fields.
func appendFields(dst []byte, v frame.Version, m *message.Message, c *connection) []byte {
	dst = append(dst, "destination:"...)
	start := len(dst)
	if own, ok := c.ownName(m.Address); ok {
		dst = append(dst, own...)
	} else {
		dst = appendDestination(dst, m.Address)
	}
	dst = escapeTail(dst, start, v)
	dst = append(dst, "\nmessage-id:"...)
	start = len(dst)
	dst = m.ID.Append(dst)
	dst = escapeTail(dst, start, v)
	dst = append(dst, "\nexpires:"...)
	dst = strconv.AppendInt(dst, m.Expiry, 10)
	dst = append(dst, "\npriority:"...)
	dst = strconv.AppendUint(dst, uint64(m.Priority), 10)
	dst = append(dst, "\ntimestamp:"...)
	dst = strconv.AppendInt(dst, m.Timestamp, 10)
	dst = append(dst, '\n')
	if m.Durable {
		dst = append(dst, "persistent:true\n"...)
	}
	if m.CorrelationID != "" {
		dst = frame.AppendKnown(dst, v, frame.CorrelationID, m.CorrelationID)
	}
	if !m.ReplyTo.IsZero() {
		var buf [128]byte
		name := buf[:0]
		if own, ok := c.ownName(m.ReplyTo); ok {
			name = append(name, own...)
		} else {
			name = appendDestination(name, m.ReplyTo)
		}
		dst = frame.AppendKnown(dst, v, frame.ReplyTo, name)
	}
	if m.Type != "" {
		dst = frame.AppendKnown(dst, v, frame.Type, m.Type)
	}
	if m.UserID != "" {
		dst = frame.AppendKnown(dst, v, frame.UserID, m.UserID)
	}
	if !m.Origin.IsZero() {
		var buf [128]byte
		dst = frame.AppendKnown(dst, v, frame.OriginalDestination, appendDestination(buf[:0], m.Origin))
	}
	if m.GroupID != "" {
		dst = frame.AppendKnown(dst, v, frame.GroupID, m.GroupID)
		if m.GroupSeq != 0 {
			dst = frame.AppendHeaderInt(dst, frame.GroupSequence, int64(m.GroupSeq))
		}
	}
	return dst
}

// escapeTail escapes what stands in dst from start on.
func escapeTail(dst []byte, start int, v frame.Version) []byte {
	tail := dst[start:]
	if frame.IsPlain(tail) {
		return dst
	}
	var buf [256]byte
	raw := append(buf[:0], tail...)
	return frame.AppendValue(dst[:start], v, raw)
}

// appendProperties appends the application properties. Of a map the sender's transformation is
// left out, as the body is rendered anew.
func appendProperties(dst []byte, v frame.Version, m *message.Message, isMap bool) []byte {
	c, ok := m.Content.(*content)
	if !ok || len(m.Overlay) > 0 || m.HidesRetain() {
		m.Properties(func(f message.Field) bool {
			if k := f.Value.Kind(); k != message.List && k != message.Map && !(isMap && f.Name == frame.Transformation.String()) {
				dst = frame.AppendHeader(dst, v, f.Name, f.Value.Text())
			}
			return true
		})
		return dst
	}
	var h frame.Headers
	if h.Parse(c.head, c.version) != nil {
		return dst
	}
	var unique frame.Unique
	for it := h.Iter(); it.Next(); {
		known, ok := it.Known()
		if ok && (!isProperty(known) || isMap && known == frame.Transformation) || !unique.First(&it) {
			continue
		}
		dst = it.AppendTo(dst, v)
	}
	return dst
}

// appendBody appends the body with the headers that depend on it, and ends the frame. A
// content-length stands for bytes, its absence for text; a text with a NUL needs it all the
// same.
func appendBody(dst []byte, v frame.Version, p message.Payload, wanted transform.Transformation) []byte {
	text := p.Value.Str()
	switch p.Kind {
	case message.TextPayload:
		if strings.IndexByte(text, 0) >= 0 {
			dst = frame.AppendHeaderInt(dst, frame.ContentLength, int64(len(text)))
		}
	case message.BytesPayload:
		dst = frame.AppendHeaderInt(dst, frame.ContentLength, int64(len(text)))
	case message.MapPayload:
		return appendMap(dst, v, p.Value, wanted)
	case message.ObjectPayload:
		if wanted != transform.None {
			dst = frame.AppendKnown(dst, v, frame.TransformationError, transform.NotOpened().Text)
		}
		text = ""
	default:
		text = ""
	}
	return frame.AppendBody(dst, text)
}

// appendMap appends a map's body in the transformation that the subscriber asked for, or none.
func appendMap(dst []byte, v frame.Version, fields message.Value, wanted transform.Transformation) []byte {
	t := wanted.For(transform.Map)
	if t == transform.None {
		return frame.AppendTail(frame.AppendEnd(dst))
	}
	text, err := transform.AppendMap(nil, t, fields, transform.DefaultLimits())
	if err != nil {
		dst = frame.AppendKnown(dst, v, frame.TransformationError, err.Error())
		return frame.AppendTail(frame.AppendEnd(dst))
	}
	dst = frame.AppendKnown(dst, v, frame.Transformation, t.String())
	return frame.AppendBody(dst, text)
}
