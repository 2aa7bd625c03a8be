package mapping

import (
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Properties by which ActiveMQ tells other protocols of what only AMQP has.
const (
	vendor              = "JMS_AMQP_"
	headerProperty      = vendor + "HEADER"
	propertiesProperty  = vendor + "PROPERTIES"
	nativeProperty      = vendor + "NATIVE"
	formatProperty      = vendor + "MESSAGE_FORMAT"
	encodingProperty    = vendor + "ORIGINAL_ENCODING"
	acquirerProperty    = vendor + "FirstAcquirer"
	typeProperty        = vendor + "ContentType"
	codingProperty      = vendor + "ContentEncoding"
	replyGroupProperty  = vendor + "ReplyToGroupID"
	annotationPrefix    = vendor + "MA_"
	delAnnotationPrefix = vendor + "DA_"
	footerPrefix        = vendor + "FT_"
)

// Property implements message.Content.
func (c *content) Property(name string) (message.Value, bool) {
	if strings.HasPrefix(name, vendor) {
		var found message.Value
		c.vendorProperties(func(f message.Field) bool {
			if f.Name == name {
				found = f.Value
				return false
			}
			return true
		})
		return found, !found.IsNull()
	}
	if c.opaque() {
		return message.Value{}, false
	}
	v, ok := section.Find(c.layout.Application.Of(c.sections()), name)
	if !ok {
		return message.Value{}, false
	}
	n, ok := neutral(&v, 0)
	return n, ok && !n.IsNull() && isSimple(n)
}

// Properties implements message.Content.
func (c *content) Properties(yield func(message.Field) bool) {
	more := true
	if !c.opaque() {
		section.Entries(c.layout.Application.Of(c.sections()), func(key []byte, v wire.Value) bool {
			n, ok := neutral(&v, 0)
			if ok && isSimple(n) {
				more = yield(message.Field{Name: view(key), Value: n})
			}
			return more
		})
	}
	if more {
		c.vendorProperties(yield)
	}
}

// vendorProperties yields what only AMQP has.
func (c *content) vendorProperties(yield func(message.Field) bool) {
	more := true
	add := func(name string, v message.Value) {
		more = more && yield(message.Field{Name: name, Value: v})
	}
	if c.isNative() {
		add(nativeProperty, message.OfBool(true))
	}
	if c.format != 0 {
		add(formatProperty, message.OfLong(int64(c.format)))
	}
	if c.opaque() {
		return
	}
	b := c.sections()
	if c.layout.Header.To != 0 {
		add(headerProperty, message.OfBool(true))
		if h, err := section.ParseHeader(c.layout.Header.Of(b)); err == nil && h.FirstAcquirer {
			add(acquirerProperty, message.OfBool(true))
		}
	}
	if c.layout.Properties.To != 0 {
		add(propertiesProperty, message.OfBool(true))
		if p, err := section.ParseProperties(c.layout.Properties.Of(b)); err == nil {
			for _, t := range [...]struct {
				name  string
				value []byte
			}{{typeProperty, p.ContentType}, {codingProperty, p.ContentEncoding}, {replyGroupProperty, p.ReplyToGroup}} {
				if t.value != nil {
					add(t.name, message.OfString(view(t.value)))
				}
			}
		}
	}
	if c.transformer == JMS {
		add(encodingProperty, message.OfShort(c.originalEncoding()))
	}
	list := func(prefix string, raw []byte) {
		section.Entries(raw, func(key []byte, v wire.Value) bool {
			if n, ok := neutral(&v, 0); ok && isSimple(n) {
				add(prefix+view(key), n)
			}
			return more
		})
	}
	list(annotationPrefix, c.layout.Annotations.Of(b))
	list(delAnnotationPrefix, c.layout.DeliveryAnnotations.Of(b))
	if more && len(c.body) > 0 {
		_ = section.Parts(c.body, func(code uint8, value []byte) bool {
			if code == section.FooterCode {
				list(footerPrefix, value)
			}
			return true
		})
	}
}

// originalEncoding says what kind of body there was, in ActiveMQ's numbers.
func (c *content) originalEncoding() int16 {
	code, value := c.bodyCode()
	switch code {
	case 0:
		return 1
	case section.DataCode:
		return 2
	case section.SequenceCode:
		return 3
	}
	v, _, err := wire.Parse(value)
	switch {
	case err != nil || v.Descriptor != nil:
		return 0
	case v.IsNull():
		return 4
	case v.IsString():
		return 5
	case v.IsBinary():
		return 6
	case v.IsMap():
		return 7
	case v.IsList():
		return 8
	}
	return 0
}

// ObjectType is the content-type of a serialised Java object.
const ObjectType = "application/x-java-serialized-object"

// declared returns the kind of message that the content-type, or a client of JMS, says it is.
func (c *content) declared(def message.PayloadKind) message.PayloadKind {
	b := c.sections()
	if v, ok := section.Find(c.layout.Annotations.Of(b), TypeAnnotation); ok {
		kinds := [...]message.PayloadKind{
			message.NoPayload, message.ObjectPayload, message.MapPayload, message.BytesPayload, message.StreamPayload, message.TextPayload,
		}
		if n, ok := number(&v); ok && n >= 0 && int(n) < len(kinds) {
			return kinds[n]
		}
	}
	p, err := section.ParseProperties(c.layout.Properties.Of(b))
	if err != nil {
		return def
	}
	switch t := view(p.ContentType); {
	case t == ObjectType:
		return message.ObjectPayload
	case t == "" || t == "application/octet-stream":
		return def
	case isText(t):
		return message.TextPayload
	}
	return def
}

// isText reports whether a content-type is that of text in UTF-8.
func isText(t string) bool {
	base, parameters, _ := strings.Cut(strings.ToLower(t), ";")
	base = strings.TrimSpace(base)
	if _, charset, ok := strings.Cut(parameters, "charset="); ok {
		charset = strings.Trim(strings.TrimSpace(charset), `"`)
		if charset != "utf-8" && charset != "us-ascii" {
			return false
		}
	}
	switch base {
	case "application/json", "application/xml", "application/xml-dtd", "application/javascript", "application/ecmascript":
		return true
	}
	return strings.HasPrefix(base, "text/") || strings.HasPrefix(base, "application/") && (strings.HasSuffix(base, "+json") || strings.HasSuffix(base, "+xml"))
}

// Payload implements message.Content.
func (c *content) Payload() (message.Payload, error) {
	if c.isNative() {
		if len(c.head) == int(c.prefix) {
			return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(c.body))}, nil
		}
		return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(c.whole()))}, nil
	}
	code, value := c.bodyCode()
	switch code {
	case section.DataCode:
		return c.dataPayload()
	case section.SequenceCode:
		var list []message.Value
		ok := true
		err := section.Parts(c.body, func(code uint8, value []byte) bool {
			if code != section.SequenceCode {
				return false
			}
			v, _, err := wire.Parse(value)
			if err != nil {
				ok = false
				return false
			}
			list, ok = neutralList(&v, list, 0)
			return ok
		})
		if err != nil || !ok {
			return message.Payload{}, message.ErrContent
		}
		return message.Payload{Kind: message.StreamPayload, Value: message.OfList(list)}, nil
	case section.ValueCode:
		return c.valuePayload(value)
	}
	kind := c.declared(message.BytesPayload)
	switch kind {
	case message.TextPayload:
		return message.Payload{Kind: kind, Value: message.OfString("")}, nil
	case message.BytesPayload, message.ObjectPayload:
		return message.Payload{Kind: kind, Value: message.OfBytes("")}, nil
	}
	return message.Payload{}, nil
}

// dataPayload is Payload of a body of data sections.
func (c *content) dataPayload() (message.Payload, error) {
	var data []byte
	parts := 0
	err := section.Parts(c.body, func(code uint8, value []byte) bool {
		v, _, err := wire.Parse(value)
		if code != section.DataCode || err != nil {
			return false
		}
		if parts++; parts == 1 {
			data = v.Data
		} else {
			data = append(data[:len(data):len(data)], v.Data...)
		}
		return true
	})
	if err != nil || parts == 0 {
		return message.Payload{}, message.ErrContent
	}
	switch c.declared(message.BytesPayload) {
	case message.ObjectPayload:
		return message.Payload{Kind: message.ObjectPayload, Value: message.OfBytes(view(data))}, nil
	case message.TextPayload:
		if text := view(data); utf8.ValidString(text) {
			return message.Payload{Kind: message.TextPayload, Value: message.OfString(text)}, nil
		}
	}
	return message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(data))}, nil
}

// valuePayload is Payload of a body that is one value.
func (c *content) valuePayload(value []byte) (message.Payload, error) {
	v, _, err := wire.Parse(value)
	if err != nil {
		return message.Payload{}, message.ErrContent
	}
	n, ok := neutral(&v, 0)
	if !ok {
		return message.Payload{}, message.ErrContent
	}
	kind := message.TextPayload
	switch {
	case v.IsNull():
		if c.declared(message.TextPayload) == message.NoPayload {
			return message.Payload{}, nil
		}
		n = message.OfString("")
	case v.IsBinary():
		if kind = message.BytesPayload; c.declared(kind) == message.ObjectPayload {
			kind = message.ObjectPayload
		}
	case v.IsMap():
		kind = message.MapPayload
	case v.IsList():
		kind = message.StreamPayload
	}
	return message.Payload{Kind: kind, Value: n}, nil
}
