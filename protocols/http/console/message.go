package console

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/message"
)

// Bounds of what is shown of a body.
const (
	textSize = 64 << 10
	hexSize  = 4 << 10
)

// header is one header or property.
type header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	Type  string `json:"type,omitempty"`
}

type messagePage struct {
	messageRow
	Queue      string   `json:"queue"`
	Headers    []header `json:"headers"`
	Properties []header `json:"properties"`
	Text       string   `json:"text,omitempty"`
	JSON       string   `json:"json,omitempty"` // the text, indented, if it is JSON
	Hex        string   `json:"hex,omitempty"`
	Fields     []header `json:"fields,omitempty"` // of a map, or the values of a stream
	Length     int      `json:"length"`           // of the body in bytes
	Cut        bool     `json:"cut"`              // not all of the body is shown
	CanRetry   bool     `json:"canRetry"`
}

func (x *exchange) message() (page, error) {
	d, err := x.queueNamed(x.param("name"))
	if err != nil {
		return page{}, err
	}
	v, err := x.find(d, x.param("id"))
	if err != nil {
		return page{}, err
	}
	p := messagePage{messageRow: rowOfMessage(v), Queue: nameOf(d.Address), Headers: headersOf(v.Msg), Properties: []header{}, CanRetry: canRetry(v.Msg)}
	v.Msg.Properties(func(f message.Field) bool {
		p.Properties = append(p.Properties, header{f.Name, clipTo(f.Value.Text(), textSize), kindName(f.Value.Kind())})
		return len(p.Properties) < 1000
	})
	p.body(v.Msg)
	return page{Title: "Message " + clip(p.ID), Data: p}, nil
}

func headersOf(m *message.Message) []header {
	mode := "NON_PERSISTENT"
	if m.Durable {
		mode = "PERSISTENT"
	}
	list := []header{
		{Name: "JMSMessageID", Value: m.ID.String()}, {Name: "JMSDestination", Value: m.Address.String()},
		{Name: "JMSDeliveryMode", Value: mode}, {Name: "JMSPriority", Value: strconv.Itoa(int(m.Priority))},
		{Name: "JMSTimestamp", Value: millis(m.Timestamp)}, {Name: "JMSExpiration", Value: millis(m.Expiry)},
	}
	for _, h := range []header{
		{Name: "JMSCorrelationID", Value: m.CorrelationID}, {Name: "JMSType", Value: m.Type}, {Name: "JMSReplyTo", Value: m.ReplyTo.String()},
		{Name: "JMSXGroupID", Value: m.GroupID}, {Name: "JMSXUserID", Value: m.UserID}, {Name: "Original destination", Value: m.Origin.String()},
	} {
		if h.Value != "" {
			h.Value = clipTo(h.Value, textSize)
			list = append(list, h)
		}
	}
	if m.GroupID != "" {
		list = append(list, header{Name: "JMSXGroupSeq", Value: strconv.Itoa(int(m.GroupSeq))})
	}
	return list
}

// body fills in what is shown of a body.
func (p *messagePage) body(m *message.Message) {
	b, err := m.Payload()
	if err != nil {
		p.setOctets(string(m.Content.Body()))
		return
	}
	switch b.Kind {
	case message.TextPayload:
		p.setText(b.Value.Str())
	case message.BytesPayload, message.ObjectPayload:
		if s := b.Value.Str(); utf8.ValidString(s) && !strings.ContainsFunc(s, isControl) {
			p.setText(s)
		}
		p.setOctets(b.Value.Str())
	case message.MapPayload:
		for _, f := range b.Value.Fields() {
			p.add(f.Name, f.Value)
		}
	case message.StreamPayload, message.SequencePayload:
		for i, v := range b.Value.List() {
			p.add(strconv.Itoa(i), v)
		}
	}
}

func isControl(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f }

func (p *messagePage) setText(s string) {
	p.Length = len(s)
	p.Text, p.Cut = clipTo(s, textSize), len(s) > textSize
	var indented bytes.Buffer
	if !p.Cut && strings.ContainsAny(s, "{[") && json.Indent(&indented, []byte(s), "", "  ") == nil && indented.Len() < 4*textSize {
		p.JSON = indented.String()
	}
}

func (p *messagePage) setOctets(s string) {
	p.Length = len(s)
	p.Cut = p.Cut || len(s) > hexSize
	p.Hex = hex.Dump([]byte(s[:min(len(s), hexSize)]))
}

func (p *messagePage) add(name string, v message.Value) {
	if len(p.Fields) == 1000 {
		p.Cut = true
		return
	}
	text := v.Text()
	if v.Kind() == message.Bytes {
		text = hex.EncodeToString([]byte(v.Str()[:min(len(v.Str()), hexSize)]))
	}
	p.Length += len(text)
	p.Cut = p.Cut || len(text) > textSize
	p.Fields = append(p.Fields, header{clip(name), clipTo(text, textSize), kindName(v.Kind())})
}

// preview returns the kind of a body, and its beginning.
func preview(m *message.Message) (kind, text string) {
	b, err := m.Payload()
	if err != nil {
		return "damaged", ""
	}
	switch b.Kind {
	case message.TextPayload:
		return "text", clipTo(b.Value.Str(), previewSize)
	case message.BytesPayload:
		s := b.Value.Str()
		if s = s[:min(len(s), previewSize)]; utf8.ValidString(s) && !strings.ContainsFunc(s, isControl) {
			return "bytes", s
		}
		return "bytes", hex.EncodeToString([]byte(s[:min(len(s), previewSize/2)]))
	case message.MapPayload:
		return "map", ""
	case message.StreamPayload:
		return "stream", ""
	case message.ObjectPayload:
		return "object", ""
	case message.SequencePayload:
		return "sequence", ""
	}
	return "empty", ""
}

// clipTo shortens text to so many bytes, and makes it valid.
func clipTo(s string, n int) string {
	if len(s) <= n {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// kindName returns the name of a property's type.
func kindName(k message.Kind) string {
	names := map[message.Kind]string{
		message.Bool: "boolean", message.Byte: "byte", message.Short: "short", message.Int: "int", message.Long: "long", message.Float: "float",
		message.Double: "double", message.String: "string", message.Bytes: "bytes", message.Char: "char", message.Time: "time",
		message.UUID: "uuid", message.List: "list", message.Map: "map",
	}
	if name := names[k]; name != "" {
		return name
	}
	return "null"
}
