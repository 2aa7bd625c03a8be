package websocket_test

import (
	"io"
	"runtime"
	"testing"
	"time"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/websocket"
)

// TestPings shows that the server's pings come, and that a client that answers them is kept.
func TestPings(t *testing.T) {
	t.Parallel()
	address := start(t, websocket.Options{PingInterval: 400 * time.Millisecond}, protocols.Limits{})
	c := openRaw(t, address, "stomp")
	for range 3 {
		first, payload, err := c.next()
		if err != nil || first != 0x80|gorilla.PingMessage {
			t.Fatalf("got %x, %q, %v", first, payload, err)
		}
		c.say(frame(0x80|gorilla.PongMessage, payload))
	}
	c.say(frame(0x80|gorilla.TextMessage, "alive"))
	for {
		first, payload, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if first == 0x80|gorilla.TextMessage && payload == "alive" {
			return
		}
	}
}

// TestDeadClient shows that who does not answer pings is let go.
func TestDeadClient(t *testing.T) {
	t.Parallel()
	address := start(t, websocket.Options{PingInterval: 20 * time.Millisecond}, protocols.Limits{})
	c := openRaw(t, address, "stomp")
	if _, err := io.Copy(io.Discard, c.r); err != nil {
		t.Error(err)
	}
}

// TestPongs shows that pings are answered, by the newest where there are many, also in the middle
// of a message.
func TestPongs(t *testing.T) {
	t.Parallel()
	c := openRaw(t, start(t, websocket.Options{}, protocols.Limits{}), "stomp")
	c.say(frame(gorilla.TextMessage, "be"))
	for _, data := range []string{"a", "b", "c"} {
		c.say(frame(0x80|gorilla.PingMessage, data))
	}
	c.say(frame(0x80, "gun"))
	echoed, newest := "", ""
	for newest != "c" || echoed != "begun" {
		first, payload, err := c.next()
		if err != nil {
			t.Fatalf("%v, after %q and %q", err, echoed, newest)
		}
		if first&0xf == gorilla.PongMessage {
			newest = payload
		} else {
			echoed += payload
		}
	}
}

// TestPingFlood shows that a client that pings and does not read holds nothing up but itself.
func TestPingFlood(t *testing.T) {
	t.Parallel()
	served := make(chan *protocols.Conn, 1)
	address := start(t, websocket.Options{Protocols: []protocols.Protocol{echo{name: "stomp", served: served}}}, protocols.Limits{})
	c := openRaw(t, address, "stomp")
	<-served
	ping := frame(0x80|gorilla.PingMessage, string(make([]byte, 125)))
	before := runtime.NumGoroutine()
	for range 20000 {
		c.say(ping)
	}
	c.say(frame(0x80|gorilla.BinaryMessage, "read"))
	if after := runtime.NumGoroutine(); after > before+1000 {
		t.Errorf("%d goroutines more", after-before)
	}
	for {
		first, payload, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if first == 0x80|gorilla.BinaryMessage && payload == "read" {
			return
		}
	}
}
