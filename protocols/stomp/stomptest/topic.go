package stomptest

import (
	"testing"
)

func topicScenarios() []Scenario {
	return []Scenario{
		{
			Name: "topic/fan-out", Versions: every(),
			Ref: "each active subscription gets a copy; what was sent before it isn't kept for it",
			Run: func(_ *testing.T, e *Env) {
				producer, a, b := e.Connect(), e.Connect(), e.Connect()
				producer.Put(e.Topic(""), "early")
				a.Subscribe("1", e.Topic(""))
				b.Subscribe("1", e.Topic(""))
				producer.PutAll(e.Topic(""), "one two", "persistent", "true")
				for _, reader := range []*Client{a, b} {
					got := reader.WantBodies("one two")
					e.Header(got[0], "destination", e.Topic(""))
					e.Header(got[0], "persistent", "true")
				}
			},
		},
		{
			Name: "topic/own-messages", Versions: every(),
			Ref: "a connection gets what it published itself",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Topic(""))
				c.Put(e.Topic(""), "own")
				c.WantBodies("own")
			},
		},
		{
			Name: "topic/no-local", Versions: every(),
			Ref: "activemq.noLocal leaves out what the same connection published, and only that",
			Run: func(_ *testing.T, e *Env) {
				c, other := e.Connect(), e.Connect()
				c.Subscribe("1", e.Topic(""), "activemq.noLocal", "true")
				c.Put(e.Topic(""), "own")
				other.Put(e.Topic(""), "foreign")
				c.WantBodies("foreign")
				c.Quiet()
			},
		},
		{
			Name: "topic/no-local-with-selector",
			Ref:  "noLocal and a selector both apply",
			Run: func(_ *testing.T, e *Env) {
				c, other := e.Connect(), e.Connect()
				c.Subscribe("1", e.Topic(""), "activemq.noLocal", "true", "selector", "color = 'red'")
				c.Put(e.Topic(""), "own", "color", "red")
				other.Put(e.Topic(""), "blue", "color", "blue")
				other.Put(e.Topic(""), "red", "color", "red")
				c.WantBodies("red")
				c.Quiet()
			},
		},
		{
			Name: "topic/unsubscribe", Versions: every(),
			Ref: "after the RECEIPT of UNSUBSCRIBE nothing more comes",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Topic(""))
				c.Put(e.Topic(""), "one")
				c.WantBodies("one")
				c.Unsubscribe("1")
				c.Put(e.Topic(""), "two")
				c.Quiet()
			},
		},
		{
			Name: "topic/retroactive-retained",
			Ref:  "a message with ActiveMQ.Retain:true is kept and comes to later retroactive consumers with ActiveMQ.Retained:true, and to no others",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("live", e.Topic(""))
				c.Put(e.Topic(""), "kept", "ActiveMQ.Retain", "true")
				live := c.Message()
				e.NoHeader(live, "ActiveMQ.Retained")
				c.Unsubscribe("live")
				c.Subscribe("plain", e.Topic(""))
				c.Quiet()
				c.Subscribe("back", e.Topic(""), "activemq.retroactive", "true")
				got := c.Message()
				e.Equal("body", got.Body, "kept")
				e.Header(got, "ActiveMQ.Retained", "true")
				e.Header(got, "subscription", "back")
			},
		},
		{
			Name: "topic/order",
			Ref:  "a topic keeps the order of each producer",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Topic(""))
				const words = "a b c d e f g h i j k l m n o p"
				c.PutAll(e.Topic(""), words)
				c.WantBodies(words)
			},
		},
	}
}
