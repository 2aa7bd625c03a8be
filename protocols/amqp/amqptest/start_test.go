package amqptest_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// start starts a broker, with ActiveMQ's limit of redeliveries.
func start(t *testing.T) listener {
	t.Helper()
	limit := brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: "queue://>", Values: []policy.Value{
			{Name: "redelivery.maximum", Set: func(p *policy.Policy) { p.MaxDeliveries = 7 }},
		}}}
	})
	b := brokertest.Start(t, limit)
	return listener{Plain: amqptest.Target{Address: b.Addr("amqp")}}
}
