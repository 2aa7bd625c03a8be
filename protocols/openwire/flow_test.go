package openwire_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
	"github.com/manifoldmq/manifold/protocols/server"
)

// bounded starts a broker whose queue "full" holds three messages.
func bounded(t *testing.T, set func(*policy.Policy)) *brokertest.Broker {
	t.Helper()
	return brokertest.Start(t, brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: "queue://full", Values: []policy.Value{{Name: "limits.messages", Set: func(p *policy.Policy) {
			p.Limits.Messages = 3
			set(p)
		}}}}}
	}))
}

// TestProducersWait holds back the answers to sends that find no room, or their ProducerAcks, and goes
// on reading: the consumer on the same connection makes the room.
func TestProducersWait(t *testing.T) {
	t.Parallel()
	for name, windowed := range map[string]bool{"answers": false, "producer acks": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const count = 8
			b := bounded(t, func(*policy.Policy) {})
			c := login(t, b, "ID:flow")
			producer := producerID("ID:flow")
			producer.Value = 2
			info := &wire.ProducerInfo{ProducerID: producer, Destination: queueNamed("full")}
			if windowed {
				info.WindowSize = 1 << 20
			}
			c.ask(info)
			const room = 3
			for n := range int64(count) {
				m := text("ID:flow", n+1, queueNamed("full"), "m")
				m.ProducerID, m.MessageID.ProducerID = producer, producer
				if n < room {
					c.ask(m)
					continue
				}
				m.ResponseRequired, m.CommandID = !windowed, 1000+int32(n)
				c.write(m)
			}
			for deadline := time.Now().Add(20 * time.Second); !blocked(b); runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Fatal("the producer does not wait")
				}
			}
			c.write(&wire.ConsumerInfo{Base: wire.Base{CommandID: 2000}, ConsumerID: consumerID("ID:flow", 1), Destination: queueNamed("full"), PrefetchSize: 2})
			confirmed := room
			for came := int64(0); came < count || confirmed < count; {
				switch r := c.read().(type) {
				case *wire.MessageDispatch:
					if came++; r.Message.MessageID.ProducerSequenceID != came {
						t.Fatalf("message %d came, want %d", r.Message.MessageID.ProducerSequenceID, came)
					}
					c.write(&wire.MessageAck{
						ConsumerID: consumerID("ID:flow", 1), Destination: queueNamed("full"), AckType: 2, LastMessageID: r.Message.MessageID, MessageCount: 1,
					})
				case *wire.Response:
					if r.CorrelationID != 1000+int32(confirmed) || windowed {
						t.Errorf("an answer to %d after %d", r.CorrelationID, confirmed)
					}
					confirmed++
				case *wire.ProducerAck:
					if r.Size != 1024+5 || r.ProducerID.Value != 2 {
						t.Errorf("a ProducerAck over %d octets to producer %d", r.Size, r.ProducerID.Value)
					}
					confirmed++
				}
			}
		})
	}
}

func blocked(b *brokertest.Broker) (is bool) {
	b.Core().Connections(func(c *broker.Connection) {
		is = is || c.Blockage().Limit != ""
	})
	return is
}

// TestSendFailIfNoSpace answers a send that finds no room with an error where that is asked for, and
// one that was to have no answer with a ConnectionError.
func TestSendFailIfNoSpace(t *testing.T) {
	t.Parallel()
	c := login(t, bounded(t, func(p *policy.Policy) { p.FailIfNoSpace = true }), "ID:fail")
	for n := range int64(3) {
		c.ask(text("ID:fail", n+1, queueNamed("full"), "m"))
	}
	if x := c.try(text("ID:fail", 4, queueNamed("full"), "m")); x == nil || x.Class.String() != "javax.jms.ResourceAllocationException" {
		t.Errorf("got %+v", x)
	}
	c.write(text("ID:fail", 5, queueNamed("full"), "m"))
	for {
		if x, ok := c.read().(*wire.ConnectionError); ok {
			if x.Exception.Class.String() != "javax.jms.ResourceAllocationException" {
				t.Errorf("got %s", x.Exception.Class)
			}
			break
		}
	}
	c.ask(text("ID:fail", 6, queueNamed("other"), "m"))
}
