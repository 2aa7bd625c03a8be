package websocket_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/server"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
	"github.com/manifoldmq/manifold/protocols/websocket"
)

// dialer returns a dialer of WebSockets for a client of STOMP.
func dialer(url string, config *tls.Config, kind, size int, subprotocols ...string) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		d := gorilla.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience, TLSClientConfig: config}
		c, _, err := d.Dial(url, nil)
		if err != nil {
			return nil, err
		}
		return &stream{Conn: c, kind: kind, size: size}, nil
	}
}

// TestSTOMP runs the whole behaviour suite of STOMP through WebSockets, in text messages as browsers
// do, and over TLS in small binary ones that have nothing to do with frames; and one session by
// every other way there is.
func TestSTOMP(t *testing.T) {
	t.Parallel()
	pki, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := pki.Client().Config()
	if err != nil {
		t.Fatal(err)
	}
	b := brokertest.Start(t,
		brokertest.WithTLS(protocols.TLSOptions{Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthRequired}),
		brokertest.With(func(o *server.Options) { o.HTTP.Address = "127.0.0.1:0" }),
	)
	for name, dial := range map[string]func() (net.Conn, error){
		"text":      dialer(b.URL("ws", "ws"), nil, gorilla.TextMessage, 0, "v12.stomp", "v11.stomp", "v10.stomp"),
		"small tls": dialer(b.URL("wss", "tls"), secure, gorilla.BinaryMessage, 7, "stomp"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stomptest.Run(t, stomptest.Target{Address: b.Addr("ws"), Dialer: dial})
		})
	}
	for name, dial := range map[string]func() (net.Conn, error){
		"without sub-protocol": dialer(b.URL("ws", "ws")+"/stomp", nil, gorilla.TextMessage, 0),
		"detected":             dialer(b.URL("ws", "auto")+"/any/path", nil, gorilla.BinaryMessage, 0, "v12.stomp"),
		"detected twice":       dialer(b.URL("ws", "auto"), nil, gorilla.TextMessage, 1),
		"http port":            dialer(b.URL("ws", "http")+"/ws", nil, gorilla.TextMessage, 0, "v11.stomp"),
		"http port, below":     dialer(b.URL("ws", "http")+"/ws/stomp", nil, gorilla.TextMessage, 0, "v11.stomp"),
		"own port with tls":    dialer(b.URL("wss", "wss"), secure, gorilla.TextMessage, 0, "v12.stomp"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := stomptest.Open(t, stomptest.Target{Dialer: dial})
			c.Login("1.2")
			queue := "/queue/websocket." + strings.NewReplacer(" ", "-", ",", "").Replace(name)
			c.Subscribe("1", queue)
			for _, body := range []string{"text", "Grüße", "\xff\xfe\x00"} {
				c.Put(queue, body, "content-length", strconv.Itoa(len(body)))
				if f := c.Message(); f.Body != body {
					t.Errorf("got %q, want %q", f.Body, body)
				}
			}
			c.Disconnect()
		})
	}
	t.Run("other paths of the http port", func(t *testing.T) {
		t.Parallel()
		_, answer, err := gorilla.DefaultDialer.Dial(b.URL("ws", "http")+"/wsx", nil)
		if err == nil || answer == nil || answer.StatusCode != http.StatusNotFound {
			t.Errorf("got %v, %v", answer, err)
		}
	})
}

// TestMessageKinds shows that clients get the kind of message that they began with, and binary
// where the bytes are no text.
func TestMessageKinds(t *testing.T) {
	t.Parallel()
	address := start(t, websocket.Options{}, protocols.Limits{})
	for _, c := range []struct {
		first, then int
		body        string
		want        int
	}{
		{gorilla.TextMessage, gorilla.TextMessage, "Grüße", gorilla.TextMessage},
		{gorilla.TextMessage, gorilla.BinaryMessage, "Grüße", gorilla.TextMessage},
		{gorilla.TextMessage, gorilla.BinaryMessage, "\xff", gorilla.BinaryMessage},
		{gorilla.BinaryMessage, gorilla.TextMessage, "Grüße", gorilla.BinaryMessage},
	} {
		ws := open(t, "ws://"+address, nil, "stomp")
		for i, m := range []struct {
			kind int
			body string
		}{{c.first, "CONNECT"}, {c.then, c.body}} {
			if err := ws.WriteMessage(m.kind, []byte(m.body)); err != nil {
				t.Fatal(err)
			}
			kind, body, err := ws.ReadMessage()
			want := c.first
			if i == 1 {
				want = c.want
			}
			if err != nil || string(body) != m.body || kind != want {
				t.Errorf("%+v: got %d, %q, %v", c, kind, body, err)
			}
		}
	}
}
