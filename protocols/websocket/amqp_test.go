package websocket_test

import (
	"bytes"
	"io"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// TestAMQPMessagesAreAStream shows that the borders of messages mean nothing to AMQP: headers and frames may be cut
// anywhere, and come together.
func TestAMQPMessagesAreAStream(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	const (
		header = "AMQP\x00\x01\x00\x00"
		hello  = "\x00\x00\x00\x12\x02\x00\x00\x00\x00\x53\x10\xc0\x05\x01\xa1\x02ws"
		begin  = "\x00\x00\x00\x1a\x02\x00\x00\x00\x00\x53\x11\xc0\x0d\x04\x40\x43\x70\x00\x00\x00\x64\x70\x00\x00\x00\x64"
		goodby = "\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x18\x45"
	)
	for _, c := range []struct {
		about, subprotocol string
		size               int // of messages
	}{
		{"one by one", "amqp", 1}, {"in threes", "amqp", 3}, {"all together", "amqp", 0}, {"by the name of the draft", "AMQPWSB10", 0},
	} {
		t.Run(c.about, func(t *testing.T) {
			t.Parallel()
			conn := openNamed(t, b.URL("ws", "ws"), c.subprotocol)
			s := &stream{Conn: conn, kind: gorilla.BinaryMessage, size: c.size}
			if _, err := s.Write([]byte(header + hello + begin + goodby)); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetReadDeadline(time.Now().Add(patience))
			got, err := io.ReadAll(s)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []string{header, "\x00\x53\x10", "\x00\x53\x11", "\x00\x53\x18"} {
				_, rest, ok := bytes.Cut(got, []byte(part))
				if !ok {
					t.Fatalf("no %x in %x", part, got)
				}
				got = rest
			}
			if len(got) > 3 {
				t.Errorf("%x in and behind the close", got)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		t.Parallel()
		c := openRaw(t, b.Addr("ws"), "amqp")
		c.say(frame(0x80|gorilla.TextMessage, header))
		c.closedWith(gorilla.CloseUnsupportedData)
	})
}

// openNamed connects with a sub-protocol, which must be taken.
func openNamed(t *testing.T, url, subprotocol string) *gorilla.Conn {
	t.Helper()
	conn := open(t, url, nil, subprotocol)
	if got := conn.Subprotocol(); got != subprotocol {
		t.Errorf("the sub-protocol is %q, want %q", got, subprotocol)
	}
	return conn
}
