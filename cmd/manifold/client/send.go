package client

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"
)

// Header is one header of a message.
type Header struct{ Name, Value string }

// Message is what Send sends.
type Message struct {
	Body        []byte
	ContentType string
	Headers     []Header
	Persistent  bool
	// Bytes makes it a bytes message for JMS consumers also where the body is text.
	Bytes bool
	// Confirm waits until the broker has the message safe.
	Confirm bool
}

// Send implements Conn.
func (c *stompConn) Send(m Message) error {
	var options []func(*frame.Frame) error
	if m.Confirm {
		options = append(options, stomp.SendOpt.Receipt)
	}
	if m.Persistent {
		options = append(options, stomp.SendOpt.Header("persistent", "true"))
	}
	// ActiveMQ takes a message with a content-length for a bytes message.
	if !m.Bytes && utf8.Valid(m.Body) && !bytes.ContainsRune(m.Body, 0) {
		options = append(options, stomp.SendOpt.NoContentLength)
	}
	for _, h := range m.Headers {
		options = append(options, stomp.SendOpt.Header(h.Name, h.Value))
	}
	return c.fail(c.stomp.Send(c.target.Destination, m.ContentType, m.Body, options...))
}
