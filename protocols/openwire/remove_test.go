package openwire_test

import (
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// TestLastDeliveredMayBeSettled removes a consumer that has acknowledged what it saw last: what was
// sent before that has been seen, and what was sent behind it has not.
func TestLastDeliveredMayBeSettled(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := login(t, b, "ID:remove")
	to := queueNamed("REMOVE")
	for n := range int64(3) {
		c.ask(text("ID:remove", n+1, to, "m"))
	}
	consume := func(n int64) {
		c.ask(&wire.ConsumerInfo{ConsumerID: consumerID("ID:remove", n), Destination: to, PrefetchSize: 10})
	}
	consume(1)
	var second wire.MessageID
	for n := range 3 {
		if m := c.dispatched().Message; n == 1 {
			second = wire.MessageID{ProducerID: producerID("ID:remove"), ProducerSequenceID: 2, BrokerSequenceID: m.MessageID.BrokerSequenceID}
		}
	}
	c.ask(&wire.MessageAck{Destination: to, ConsumerID: consumerID("ID:remove", 1), AckType: 4, LastMessageID: &second, MessageCount: 1})
	c.ask(&wire.RemoveInfo{ObjectID: consumerID("ID:remove", 1), LastDeliveredSequenceID: second.BrokerSequenceID})
	consume(2)
	for _, want := range []struct {
		sequence int64
		counter  int32
	}{{1, 1}, {3, 0}} {
		d := c.dispatched()
		if got := d.Message.MessageID.ProducerSequenceID; got != want.sequence || d.RedeliveryCounter != want.counter {
			t.Errorf("message %d came, redelivered %d times, instead of %d and %d times", got, d.RedeliveryCounter, want.sequence, want.counter)
		}
	}
}
