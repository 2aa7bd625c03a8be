package broker_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
)

func TestStatisticsDestinations(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("A.1"), true, "m", "m")
	stamped := text("m", true)
	stamped.Timestamp = 12345
	c.post(q("A.2"), stamped)
	c.send(topic("A.3"), true, "m")
	c.subscribe(on(q("REPLY")), 100)
	ask := func(to address.Address, fields ...message.Field) {
		t.Helper()
		m := with("", false, fields...)
		m.ReplyTo, m.CorrelationID = q("REPLY"), to.Name
		c.post(to, m)
	}
	ask(q("ActiveMQ.Statistics.Broker"))
	ask(q("ActiveMQ.Statistics.Destination.A.>"), message.Field{Name: "ActiveMQ.Statistics.Destination.List.End.With.Null", Value: message.OfBool(true)})
	ask(topic("ActiveMQ.Statistics.DestinationA.3"))
	c.receive(5) // what the consumer has had is counted
	ask(q("ActiveMQ.Statistics.Subscription"))
	ask(q("ActiveMQ.Statistics.Destination.nothing"))
	ask(q("ActiveMQ.Statistics.Broker"), message.Field{Name: "ActiveMQ.Statistics.Broker.Reset", Value: message.OfBool(true)})
	ask(q("ActiveMQ.Statistics.Broker"))
	ask(q("ActiveMQ.Statistics.Destination.A.2"), message.Field{Name: "ActiveMQ.Statistics.Destination.Include.First.Message.Timestamp", Value: message.OfBool(true)})
	c.receive(9)
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, want := range []struct {
		about string
		is    map[string]message.Value
	}{
		{"ActiveMQ.Statistics.Broker", map[string]message.Value{"brokerName": message.OfString("localhost"), "size": message.OfLong(3), "consumerCount": message.OfLong(1)}},
		{"ActiveMQ.Statistics.Destination.A.>", map[string]message.Value{"destinationName": message.OfString("queue://A.1"), "size": message.OfLong(2), "enqueueCount": message.OfLong(2)}},
		{"ActiveMQ.Statistics.Destination.A.>", map[string]message.Value{"destinationName": message.OfString("queue://A.2"), "size": message.OfLong(1)}},
		{"ActiveMQ.Statistics.Destination.A.>", nil},
		{"ActiveMQ.Statistics.DestinationA.3", map[string]message.Value{"destinationName": message.OfString("topic://A.3"), "enqueueCount": message.OfLong(1)}},
		{"ActiveMQ.Statistics.Subscription", map[string]message.Value{
			"destinationName": message.OfString("queue://REPLY"), "clientId": message.OfString("c"), "exclusive": message.OfBool(false),
			"retroactive": message.OfBool(false), "enqueueCounter": message.OfLong(5), "dispatchedQueueSize": message.OfLong(5), "slowConsumer": message.OfBool(false),
		}},
		{"ActiveMQ.Statistics.Broker", map[string]message.Value{"size": message.OfLong(9), "enqueueCount": message.OfLong(0)}},
		{"ActiveMQ.Statistics.Broker", map[string]message.Value{"size": message.OfLong(10), "enqueueCount": message.OfLong(1)}},
		{"ActiveMQ.Statistics.Destination.A.2", map[string]message.Value{"firstMessageTimestamp": message.OfLong(12345)}},
	} {
		m := c.deliveries[i].Msg
		p, err := m.Payload()
		if err != nil || p.Kind != message.MapPayload || m.CorrelationID != want.about || m.Type != "Advisory" {
			t.Fatalf("answer %d: kind %d, about %s, type %s, %v", i, p.Kind, m.CorrelationID, m.Type, err)
		}
		got := make(map[string]message.Value)
		for _, f := range p.Value.Fields() {
			got[f.Name] = f.Value
		}
		if want.is == nil && len(got) > 0 {
			t.Errorf("the end has %v", got)
		}
		for name, v := range want.is {
			if got[name].Text() != v.Text() || got[name].Kind() != v.Kind() {
				t.Errorf("answer %d: %s is %v, want %v", i, name, got[name], v)
			}
		}
	}
}
