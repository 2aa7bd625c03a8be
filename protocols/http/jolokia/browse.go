package jolokia

import (
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
)

// Bounds of what browsing shows, as ActiveMQ has them for messages and previews.
const (
	maxBrowse  = 400
	maxBytes   = 8 << 20 // of bodies and properties
	maxPreview = 255     // bytes of a body of bytes
)

// composite is a message in the form that ActiveMQ gives it.
type composite map[string]any

// browse returns the messages of a queue that match a selector, as far as they fit into one
// answer. A topic has none.
func (v *view) browse(d *broker.Destination, selector string) ([]composite, error) {
	if err := v.caller.Check(security.Read, d.Address); err != nil {
		return nil, err
	}
	list := []composite{}
	if d.Queue() == nil {
		return list, nil
	}
	size := 0
	err := v.look(d.Address, selector, func(x *queue.View) bool {
		list = append(list, show(x))
		size += x.Msg.Size()
		v.shown += x.Msg.Size()
		return len(list) < maxBrowse && size < maxBytes && v.spend(20)
	})
	return list, err
}

// message returns the message with an identifier, nil if the queue has none.
func (v *view) message(d *broker.Destination, id string) (any, error) {
	if err := v.caller.Check(security.Read, d.Address); err != nil {
		return nil, err
	}
	var found any
	err := v.look(d.Address, "", func(x *queue.View) bool {
		if x.Msg.ID.String() == id {
			found = show(x)
			v.shown += x.Msg.Size()
		}
		return found == nil
	})
	return found, err
}

func show(x *queue.View) composite {
	m := x.Msg
	mode := "NON-PERSISTENT"
	if m.Durable {
		mode = "PERSISTENT"
	}
	c := composite{
		"JMSMessageID": m.ID.String(), "JMSDestination": m.Address.String(), "JMSReplyTo": nil, "OriginalDestination": nil,
		"JMSCorrelationID": textOrNull(m.CorrelationID), "JMSType": textOrNull(m.Type), "JMSDeliveryMode": mode,
		"JMSPriority": m.Priority, "JMSExpiration": m.Expiry, "JMSRedelivered": x.Count > 0 || x.Flags&queue.Redelivered != 0,
		"JMSTimestamp": time.UnixMilli(m.Timestamp).UTC().Format(time.RFC3339), "JMSXGroupID": textOrNull(m.GroupID),
		"JMSXGroupSeq": m.GroupSeq, "JMSXUserID": textOrNull(m.UserID), "BrokerPath": "null",
	}
	if !m.ReplyTo.IsZero() {
		c["JMSReplyTo"] = m.ReplyTo.String()
	}
	if !m.Origin.IsZero() {
		c["OriginalDestination"] = m.Origin.String()
	}
	c.properties(m)
	c.body(m)
	return c
}

// properties adds the application's properties by their types.
func (c composite) properties(m *message.Message) {
	tables := map[string]map[string]any{}
	for _, kind := range [...]string{"Boolean", "Byte", "Short", "Int", "Long", "Float", "Double", "String"} {
		tables[kind] = make(map[string]any)
		c[kind+"Properties"] = tables[kind]
	}
	var text []string
	m.Properties(func(f message.Field) bool {
		text = append(text, f.Name+"="+f.Value.Text())
		switch v := f.Value; v.Kind() {
		case message.Bool:
			tables["Boolean"][f.Name] = v.Bool()
		case message.Byte:
			tables["Byte"][f.Name] = v.Int64()
		case message.Short:
			tables["Short"][f.Name] = v.Int64()
		case message.Int:
			tables["Int"][f.Name] = v.Int64()
		case message.Long:
			tables["Long"][f.Name] = v.Int64()
		case message.Float:
			tables["Float"][f.Name] = number(v)
		case message.Double:
			tables["Double"][f.Name] = number(v)
		default:
			tables["String"][f.Name] = v.Text()
		}
		return true
	})
	c["PropertiesText"] = "{" + strings.Join(text, ", ") + "}"
}

// number returns a floating-point value as JSON can have it: what is no number becomes text.
func number(v message.Value) any {
	f := v.Float64()
	if f != f || f-f != 0 {
		return v.Text()
	}
	return float(f)
}

// body adds the body in the form of the message's kind.
func (c composite) body(m *message.Message) {
	p, err := m.Payload()
	if err != nil {
		return
	}
	switch p.Kind {
	case message.TextPayload:
		c["Text"] = p.Value.Str()
	case message.BytesPayload:
		octets := p.Value.Str()
		preview := make([]int8, min(len(octets), maxPreview)) // Java's bytes have a sign
		for i := range preview {
			preview[i] = int8(octets[i])
		}
		c["BodyLength"], c["BodyPreview"] = len(octets), preview
	case message.MapPayload:
		var text []string
		for _, f := range p.Value.Fields() {
			value := f.Value.Text()
			if f.Value.Kind() == message.Bytes {
				value = strconv.Itoa(len(f.Value.Str())) + " bytes"
			}
			text = append(text, f.Name+"="+value)
		}
		c["ContentMap"] = "{" + strings.Join(text, ", ") + "}"
	}
}
