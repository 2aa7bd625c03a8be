package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// webSocketPath is where the HTTP address of a broker has WebSockets; ports of their own have them
// at any path.
const webSocketPath = "/ws"

// upgrade turns a connection into a WebSocket of the target's protocol.
func upgrade(ctx context.Context, raw net.Conn, t Target) (net.Conn, error) {
	subprotocols := []string{"v12.stomp", "v11.stomp", "v10.stomp", "stomp"}
	switch {
	case t.MQTT:
		subprotocols = []string{"mqtt"}
	case t.AMQP:
		subprotocols = []string{"amqp"}
	}
	d := websocket.Dialer{
		NetDialContext: func(context.Context, string, string) (net.Conn, error) { return raw, nil }, // TLS included
		Subprotocols:   subprotocols,
	}
	u := url.URL{Scheme: "ws", Host: t.Address, Path: webSocketPath}
	c, answer, err := d.DialContext(ctx, u.String(), nil)
	switch {
	case err != nil && answer != nil:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return nil, fmt.Errorf("%w: %s %s", err, answer.Status, bytes.TrimSpace(text))
	case err != nil:
		return nil, err
	}
	return &stream{Conn: c, text: !t.MQTT && !t.AMQP}, nil
}

// stream is a WebSocket as a connection.
type stream struct {
	*websocket.Conn
	text    bool // messages are text where they can be
	message io.Reader
}

// Read implements net.Conn.
func (s *stream) Read(b []byte) (int, error) {
	for {
		if s.message == nil {
			var err error
			if _, s.message, err = s.NextReader(); err != nil {
				var closed *websocket.CloseError
				if errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure {
					err = io.EOF
				}
				return 0, err
			}
		}
		n, err := s.message.Read(b)
		if err != nil {
			s.message = nil // the next one follows, or tells the error again
		}
		if n > 0 {
			return n, nil
		}
	}
}

// Write implements net.Conn.
func (s *stream) Write(b []byte) (int, error) {
	kind := websocket.BinaryMessage
	if s.text && utf8.Valid(b) {
		kind = websocket.TextMessage
	}
	if err := s.WriteMessage(kind, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// SetDeadline implements net.Conn.
func (s *stream) SetDeadline(t time.Time) error {
	return errors.Join(s.SetReadDeadline(t), s.SetWriteDeadline(t))
}
