// Package mapping has what AMQP messages are to the rest of the broker, and what the messages of
// others are to AMQP clients: ActiveMQ's and Qpid's JMS mapping, both ways. The bytes of an AMQP
// message are kept as they came.
package mapping

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Transformer says how other protocols see AMQP messages, as ActiveMQ's listener option does.
type Transformer uint8

// The transformers.
const (
	JMS    Transformer = iota // bodies and properties in JMS's terms
	Native                    // properties in JMS's terms, the whole encoded message as bytes
	Raw                       // the whole encoded message as bytes, and nothing else
)

// ParseTransformer reads a transformer's name.
func ParseTransformer(name string) (Transformer, bool) {
	switch name {
	case "", "jms":
		return JMS, true
	case "native":
		return Native, true
	case "raw":
		return Raw, true
	}
	return JMS, false
}

// content is an AMQP message as it was received. What is stored as its head is a prefix of ours
// and the sections before the body; the body is the rest, the footer included.
type content struct {
	message.Message // of a received one: one allocation serves both
	transformer     Transformer
	format          uint32         // message-format (AMQP 3.2.16); of any but 0 nothing is known
	layout          section.Layout // of the sections in head, without the prefix
	prefix          uint8          // bytes
	head            []byte
	body            []byte
}

// The prefix of the stored head: an octet with the transformer, and with hasFormat four more with
// the message-format.
const hasFormat = 0x80

// Formats returns the format of stored AMQP messages.
func Formats() []message.Format {
	return []message.Format{{ID: message.AMQPFormat, Name: "amqp 1.0", Open: open}}
}

func open(head, body []byte) message.Content {
	c := &content{head: head, body: body}
	switch {
	case len(head) == 0:
		c.transformer, c.format = Raw, 1 // damaged: bytes
		return c
	case head[0]&hasFormat == 0:
		c.prefix = 1
	case len(head) >= 5:
		c.prefix = 5
		c.format = binary.BigEndian.Uint32(head[1:])
	default:
		c.transformer, c.format = Raw, 1
		return c
	}
	c.transformer = Transformer(head[0] &^ hasFormat)
	if len(head) > int(c.prefix) {
		c.layout, _ = section.Scan(head[c.prefix:]) // it was accepted once
	}
	return c
}

// Format implements message.Content.
func (c *content) Format() message.FormatID { return message.AMQPFormat }

// Head implements message.Content.
func (c *content) Head() []byte { return c.head }

// Body implements message.Content.
func (c *content) Body() []byte { return c.body }

// sections returns the encoded sections before the body.
func (c *content) sections() []byte { return c.head[c.prefix:] }

// whole returns the encoded message.
func (c *content) whole() []byte {
	out := make([]byte, 0, len(c.head)+len(c.body))
	return append(append(out, c.sections()...), c.body...)
}

// opaque reports whether nothing is known of what is in the message.
func (c *content) opaque() bool { return c.format != 0 || c.transformer == Raw }

// bodyCode returns what kind of section the body is, and its first value; 0 if there is none.
func (c *content) bodyCode() (code uint8, value []byte) {
	_ = section.Parts(c.body, func(k uint8, v []byte) bool {
		if k != section.FooterCode {
			code, value = k, v
		}
		return false
	})
	return code, value
}

// isNative reports whether other protocols get the whole encoded message as bytes: by option, or
// because the body is nothing that JMS has.
func (c *content) isNative() bool {
	if c.transformer != JMS || c.format != 0 {
		return true
	}
	code, value := c.bodyCode()
	if code != section.ValueCode {
		return false
	}
	v, _, err := wire.Parse(value)
	if err != nil || v.Descriptor != nil {
		return true
	}
	return !(v.IsNull() || v.IsString() || v.IsBinary() || v.IsList() || v.IsMap())
}
