package websocket_test

import (
	"crypto/tls"
	"net"
	"testing"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/clienttest"
	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// TestMQTT runs the whole behaviour suite of MQTT through WebSockets, in messages that have nothing
// to do with packets and over TLS in those of one packet and more; and shows that text messages are
// none of MQTT's.
func TestMQTT(t *testing.T) {
	t.Parallel()
	pki, err := clienttest.WritePKI(t.TempDir(), "suite client")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := pki.Client().Config()
	if err != nil {
		t.Fatal(err)
	}
	b := brokertest.Start(t, brokertest.WithTLS(protocols.TLSOptions{
		Certificate: pki.ServerCert, Key: pki.ServerKey, ClientCA: pki.CA, ClientAuth: protocols.ClientAuthRequired,
	}))
	binary := func(url string, config *tls.Config, size int, subprotocols ...string) func() (net.Conn, error) {
		return dialer(url, config, gorilla.BinaryMessage, size, subprotocols...)
	}
	for name, dial := range map[string]func() (net.Conn, error){
		"pieces": binary(b.URL("ws", "ws")+"/mqtt", nil, 1000, "mqtt"),
		"tls":    binary(b.URL("wss", "tls"), secure, 0, "mqttv3.1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mqtttest.Run(t, mqtttest.Target{Address: b.Addr("ws"), Dialer: dial})
		})
	}
	for name, url := range map[string]string{"own port": b.URL("ws", "ws"), "detected": b.URL("ws", "auto")} {
		t.Run("text, "+name, func(t *testing.T) {
			t.Parallel()
			for _, names := range [][]string{{"mqtt"}, nil} {
				c, _, err := (&gorilla.Dialer{Subprotocols: names}).Dial(url, nil)
				if err != nil {
					t.Fatal(err)
				}
				// A CONNECT that is valid UTF-8.
				if err := c.WriteMessage(gorilla.TextMessage, []byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")); err != nil {
					t.Fatal(err)
				}
				if kind, b, err := c.ReadMessage(); !gorilla.IsCloseError(err, gorilla.CloseUnsupportedData) {
					t.Errorf("%v: got %d %x, %v", names, kind, b, err)
				}
				_ = c.Close()
			}
		})
	}
}
