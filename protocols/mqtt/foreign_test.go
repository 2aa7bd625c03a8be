package mqtt_test

import (
	"bufio"
	"fmt"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestForeignQoS shows with which QoS messages of another protocol arrive: as a property says, else
// by their delivery mode, or the other way round as with ActiveMQ where that is asked for.
func TestForeignQoS(t *testing.T) {
	t.Parallel()
	for _, inverted := range []bool{false, true} {
		b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{ActiveMQQoS: inverted}))
		sender := b.Dial("stomp")
		answers := bufio.NewReader(sender)
		say := func(frame string) {
			if _, err := sender.Write([]byte(frame + "\x00")); err != nil {
				t.Fatal(err)
			}
			if _, err := answers.ReadString(0); err != nil {
				t.Fatal(err)
			}
		}
		say("CONNECT\naccept-version:1.2\nhost:x\n\n")
		for granted := range 3 {
			c := connect(t, b, packet.V311, fmt.Sprint("c", granted), true)
			topic := fmt.Sprint("f/", granted)
			c.subscribe(packet.Options(granted), topic)
			for _, m := range []struct {
				headers string
				qos     int // with a grant of 2
				other   int // with the option
			}{
				{"", 0, 1},
				{"persistent:true\n", 1, 0},
				{"persistent:true\nActiveMQ.MQTT.QoS:0\n", 0, 0},
				{"persistent:true\nActiveMQ.MQTT.QoS:1\n", 1, 1},
			} {
				say("SEND\nreceipt:r\ndestination:/topic/" + strings.ReplaceAll(topic, "/", ".") + "\n" + m.headers + "\nx")
				want := m.qos
				if inverted {
					want = m.other
				}
				if got, want := show(c.receive()), fmt.Sprintf("PUBLISH %s=x q%d", topic, min(want, granted)); got != want {
					t.Errorf("inverted %t, granted %d, %q: %s, want %s", inverted, granted, m.headers, got, want)
				}
			}
		}
	}
}

// TestRetainedVirtualTopic shows that a retained message of a virtual topic reaches its queues, and
// those who subscribe to the topic later.
func TestRetainedVirtualTopic(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{QueuePrefix: "$queue/"}))
	worker := connect(t, b, packet.V311, "worker", true)
	worker.subscribe(1, "$queue/Consumer/A/VirtualTopic/orders")
	p := connect(t, b, packet.V311, "p", true)
	p.publish("VirtualTopic/orders", "x", 1, true)
	if m := worker.receive(); string(m.Payload) != "x" || m.Retain {
		t.Errorf("the queue has %s", show(m))
	}
	late := connect(t, b, packet.V311, "late", true)
	late.subscribe(1, "VirtualTopic/orders")
	late.expect("VirtualTopic/orders=x q1 retain")
	worker.nothing()
	late.nothing()
}

// TestCleanSessionsEndWithTheBroker shows that what a clean session had does not come back.
func TestCleanSessionsEndWithTheBroker(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := brokertest.Start(t, brokertest.WithStore(dir))
	c := connect(t, b, packet.V311, "c", true)
	c.subscribe(1, "clean")
	c.acks = false
	p := connect(t, b, packet.V311, "p", true)
	p.publish("clean", "x", 1, false)
	c.expect("clean=x q1")
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = brokertest.Start(t, brokertest.WithStore(dir))
	p = connect(t, b, packet.V311, "p", true)
	p.publish("clean", "y", 1, false)
	c = dial(t, b, packet.V311)
	if c.login(&packet.Login{ClientID: []byte("c")}) {
		t.Error("the session is there")
	}
	c.nothing()
}
