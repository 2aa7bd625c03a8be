package broker_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// TestPublishToNobody shows that the broker's own messages may go to a topic that is not there, and do not make it.
func TestPublishToNobody(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t).Core()
	a := address.Address{Kind: address.Topic, Name: "nobody.listens"}
	m := text("figures", false)
	m.Address = a
	if err := b.Publish(m); err != nil {
		t.Error(err)
	}
	if b.Lookup(a) != nil {
		t.Error("the topic was made")
	}
}
