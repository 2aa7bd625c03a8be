package openwire_test

import (
	"net"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// stomp says something as a client of STOMP.
func stomp(t *testing.T, c net.Conn, frame string) {
	t.Helper()
	if _, err := c.Write([]byte(frame + "\n\n\x00")); err != nil {
		t.Fatal(err)
	}
}

// consumerNews is what an advisory message about a consumer says.
type consumerNews struct {
	topic, destination, selector string
	count                        int64
	gone                         bool
}

func (c *client) consumerNews() consumerNews {
	c.t.Helper()
	d := c.dispatched()
	n := consumerNews{topic: d.Destination.PhysicalName.String()}
	for it := wire.MapIterator(d.Message.MarshalledProperties); it.Next(); {
		if string(it.Key) == "consumerCount" {
			n.count = it.Value.Int()
		}
	}
	switch info := d.Message.DataStructure.(type) {
	case *wire.ConsumerInfo:
		n.destination, n.selector = info.Destination.PhysicalName.String(), info.Selector.String()
	case *wire.RemoveInfo:
		_, n.gone = info.ObjectID.(*wire.ConsumerID)
	}
	return n
}

// TestConsumersOfOtherProtocols shows that consumers of other protocols are told of like those of
// OpenWire: an ActiveMQ's network connector forwards what they ask for.
func TestConsumersOfOtherProtocols(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	other := b.Dial("stomp")
	stomp(t, other, "CONNECT\naccept-version:1.2\nhost:x")
	stomp(t, other, "SUBSCRIBE\nid:1\ndestination:/queue/a.b\nselector:x = 1\nreceipt:1")
	await(t, other, "RECEIPT")
	c := login(t, b, "ID:news")
	c.ask(&wire.ConsumerInfo{
		ConsumerID: consumerID("ID:news", 1), PrefetchSize: 100,
		Destination: &wire.Destination{Kind: wire.TypeTopic, PhysicalName: wire.Text("ActiveMQ.Advisory.Consumer.>")},
	})
	const topic = "ActiveMQ.Advisory.Consumer.Queue.a.b"
	if got, want := c.consumerNews(), (consumerNews{topic: topic, destination: "a.b", selector: "x = 1", count: 1}); got != want {
		t.Errorf("who was there: %+v, want %+v", got, want)
	}
	stomp(t, other, "SUBSCRIBE\nid:2\ndestination:/queue/a.b")
	if got, want := c.consumerNews(), (consumerNews{topic: topic, destination: "a.b", count: 2}); got != want {
		t.Errorf("who came: %+v, want %+v", got, want)
	}
	stomp(t, other, "UNSUBSCRIBE\nid:1")
	_ = other.Close()
	for count := int64(1); count >= 0; count-- {
		if got, want := c.consumerNews(), (consumerNews{topic: topic, count: count, gone: true}); got != want {
			t.Errorf("who went: %+v, want %+v", got, want)
		}
	}
	// A refused one was never there.
	again := b.Dial("stomp")
	stomp(t, again, "CONNECT\naccept-version:1.2\nhost:x")
	stomp(t, again, "SUBSCRIBE\nid:1\ndestination:/queue/c\nselector:(")
	stomp(t, again, "SUBSCRIBE\nid:2\ndestination:/queue/d")
	if got := c.consumerNews(); got.destination != "d" {
		t.Errorf("after a refused one: %+v", got)
	}
}

// await reads until a frame of a kind has begun.
func await(t *testing.T, c net.Conn, what string) {
	t.Helper()
	var text []byte
	for b := make([]byte, 1); ; {
		if _, err := c.Read(b); err != nil {
			t.Fatalf("waiting for %s: %v after %q", what, err, text)
		}
		if text = append(text, b...); len(text) >= len(what) && string(text[len(text)-len(what):]) == what {
			return
		}
	}
}
