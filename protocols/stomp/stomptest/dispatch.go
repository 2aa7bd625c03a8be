package stomptest

import (
	"testing"
)

func dispatchScenarios() []Scenario {
	return []Scenario{
		{
			Name: "dispatch/round-robin",
			Ref:  "messages of a queue go to its consumers in turn",
			Run: func(_ *testing.T, e *Env) {
				c, a, b := e.Connect(), e.Connect(), e.Connect()
				a.Subscribe("1", e.Queue(""))
				b.Subscribe("1", e.Queue(""))
				c.PutAll(e.Queue(""), "0 1 2 3 4 5")
				a.WantBodies("0 2 4")
				b.WantBodies("1 3 5")
			},
		},
		{
			Name: "dispatch/full-consumer-skipped",
			Ref:  "a consumer whose window is full is passed over",
			Run: func(_ *testing.T, e *Env) {
				c, slow, fast := e.Connect(), e.Connect(), e.Connect()
				slow.Subscribe("1", e.Queue(""), "ack", "client", "activemq.prefetchSize", "1")
				fast.Subscribe("1", e.Queue(""))
				c.PutAll(e.Queue(""), "0 1 2 3 4")
				slow.WantBodies("0")
				fast.WantBodies("1 2 3 4")
			},
		},
		{
			Name: "dispatch/priority",
			Ref:  "a consumer with a higher activemq.priority gets everything while it has room; only then those below do",
			Run: func(_ *testing.T, e *Env) {
				c, low, high := e.Connect(), e.Connect(), e.Connect()
				low.Subscribe("1", e.Queue(""))
				high.Subscribe("1", e.Queue(""), "activemq.priority", "5", "ack", "client", "activemq.prefetchSize", "3")
				c.PutAll(e.Queue(""), "0 1 2 3")
				high.WantBodies("0 1 2")
				low.WantBodies("3")
			},
		},
		{
			Name: "dispatch/exclusive",
			Ref:  "with activemq.exclusive the first exclusive consumer gets everything; when it leaves the next one does",
			Run: func(_ *testing.T, e *Env) {
				c, first, second := e.Connect(), e.Connect(), e.Connect()
				first.Subscribe("1", e.Queue(""), "activemq.exclusive", "true")
				second.Subscribe("1", e.Queue(""), "activemq.exclusive", "true")
				c.PutAll(e.Queue(""), "0 1 2")
				first.WantBodies("0 1 2")
				second.Quiet()
				first.Unsubscribe("1")
				c.PutAll(e.Queue(""), "3 4")
				second.WantBodies("3 4")
			},
		},
		{
			Name: "dispatch/exclusive-takes-over",
			Ref:  "an exclusive consumer takes over from ones that aren't exclusive",
			Run: func(_ *testing.T, e *Env) {
				c, plain, exclusive := e.Connect(), e.Connect(), e.Connect()
				plain.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "0")
				plain.WantBodies("0")
				exclusive.Subscribe("1", e.Queue(""), "activemq.exclusive", "true")
				c.PutAll(e.Queue(""), "1 2")
				exclusive.WantBodies("1 2")
				plain.Quiet()
				exclusive.Unsubscribe("1")
				c.Put(e.Queue(""), "3")
				plain.WantBodies("3")
			},
		},
		{
			Name: "dispatch/exclusive-by-priority",
			Ref:  "of several exclusive consumers the one with the highest priority gets the messages",
			Run: func(_ *testing.T, e *Env) {
				c, first, higher := e.Connect(), e.Connect(), e.Connect()
				first.Subscribe("1", e.Queue(""), "activemq.exclusive", "true")
				higher.Subscribe("1", e.Queue(""), "activemq.exclusive", "true", "activemq.priority", "5")
				c.PutAll(e.Queue(""), "0 1")
				higher.WantBodies("0 1")
				first.Quiet()
			},
		},
		{
			Name: "dispatch/message-priority-carried",
			Ref:  "without a policy the priority of messages is carried and doesn't change their order",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for _, priority := range []string{"1", "9", "4"} {
					c.Put(e.Queue(""), priority, "priority", priority)
				}
				c.Subscribe("1", e.Queue(""))
				for _, f := range c.WantBodies("1 9 4") {
					e.Header(f, "priority", f.Body)
				}
			},
		},
		{
			Name: "dispatch/same-connection",
			Ref:  "two subscriptions of one connection to one queue share it",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Subscribe("2", e.Queue(""))
				c.PutAll(e.Queue(""), "0 1 2 3")
				got := map[string]string{}
				for _, f := range c.Messages(4) {
					got[f.Get("subscription")] += f.Body
				}
				e.Equal("first", got["1"], "02")
				e.Equal("second", got["2"], "13")
				c.Quiet()
			},
		},
		{
			Name: "dispatch/virtual-topic",
			Ref:  "a message to topic VirtualTopic.N goes to each existing queue Consumer.*.VirtualTopic.N and to plain subscribers",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				topic := "VirtualTopic." + e.Name("")
				c.Subscribe("a", "/queue/Consumer.A."+topic)
				c.Subscribe("b", "/queue/Consumer.B."+topic)
				c.Subscribe("b2", "/queue/Consumer.B."+topic)
				c.Subscribe("t", "/topic/"+topic)
				c.PutAll("/topic/"+topic, "one two")
				got := map[string]string{}
				for _, f := range c.Messages(6) {
					got[f.Get("subscription")] += f.Body + " "
					if f.Get("subscription") == "a" {
						e.Header(f, "destination", "/queue/Consumer.A."+topic)
						e.Header(f, "original-destination", "/topic/"+topic)
					}
				}
				e.Equal("queue a", got["a"], "one two ")
				e.Equal("topic", got["t"], "one two ")
				e.Equal("queue b", got["b"]+got["b2"], "one two ")
				c.Quiet()
			},
		},
	}
}
