package mqtttest

import "testing"

func retainScenarios() []Scenario {
	return []Scenario{
		{
			Name: "retain/kept", Clauses: "MQTT-3.3.1-5 MQTT-3.3.1-6 MQTT-3.3.1-8 MQTT-3.3.1-9",
			Ref: "the newest retained message comes to new subscribers with the flag, to others without",
			Run: func(t *testing.T, e *Env) {
				writer, old := e.Connect(), e.Connect()
				old.Sub(e.Topic(""), 2)
				for qos, word := range []string{"zero", "one", "two"} {
					writer.Put(Message{Topic: e.Topic(""), Payload: word, QoS: byte(qos), Retain: true})
				}
				for _, p := range old.Want("zero one two") {
					if p.Retain() {
						t.Errorf("got %v", p)
					}
				}
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				if p := c.Want("two")[0]; !p.Retain() || p.QoS() != 1 || p.Topic != e.Topic("") {
					t.Errorf("got %v", p)
				}
				c.Quiet()
				writer.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
		},
		{
			Name: "retain/cleared", Clauses: "MQTT-3.3.1-10 MQTT-3.3.1-11 MQTT-3.3.1-12",
			Ref: "an empty retained message clears and is delivered; a message without the flag leaves things alone",
			Run: func(t *testing.T, e *Env) {
				writer, old := e.Connect(), e.Connect()
				writer.Put(Message{Topic: e.Topic(""), Payload: "kept", QoS: 1, Retain: true})
				writer.Put(Message{Topic: e.Topic(""), Payload: "passing", QoS: 1})
				writer.Put(Message{Topic: e.Topic(""), QoS: 1})
				old.Sub(e.Topic(""), 1)
				old.Want("kept")
				writer.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
				if p := old.Message(); p.Payload != "" || p.Retain() {
					t.Errorf("got %v", p)
				}
				c := e.Connect()
				c.Sub(e.Topic(""), 1)
				c.Quiet()
			},
		},
		{
			Name: "retain/again", Clauses: "MQTT-3.8.4-3", Versions: []byte{3, 4},
			Ref: "subscribing again sends retained messages again",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Put(Message{Topic: e.Topic(""), Payload: "kept", QoS: 1, Retain: true})
				for range 3 {
					c.Sub(e.Topic(""), 1)
					c.Want("kept")
				}
				c.Quiet()
				c.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
		},
		{
			Name: "retain/handling", Clauses: "MQTT-3.3.1-9 MQTT-3.3.1-10 MQTT-3.3.1-11 MQTT-3.8.4-4", Versions: []byte{5},
			Ref: "retain handling 0 sends retained messages, 1 for new subscriptions only, 2 never",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Put(Message{Topic: e.Topic(""), Payload: "kept", QoS: 1, Retain: true})
				for _, step := range []struct {
					handling byte
					comes    bool
				}{{2, false}, {1, false}, {0, true}, {1, false}} {
					c.Sub(e.Topic(""), 1|step.handling<<4)
					if step.comes {
						c.Want("kept")
					}
					c.Quiet()
				}
				c.Unsub(e.Topic(""))
				c.Sub(e.Topic(""), 1|1<<4)
				c.Want("kept")
				c.Quiet()
				c.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
		},
		{
			Name: "retain/as-published", Clauses: "MQTT-3.3.1-12 MQTT-3.3.1-13", Versions: []byte{5},
			Ref: "with retain as published the flag of messages is kept",
			Run: func(t *testing.T, e *Env) {
				c, plain := e.Connect(), e.Connect()
				c.Sub(e.Topic(""), 1|8)
				plain.Sub(e.Topic(""), 1)
				c.Put(Message{Topic: e.Topic(""), Payload: "a", QoS: 1, Retain: true})
				c.Put(Message{Topic: e.Topic(""), Payload: "b", QoS: 1})
				got, other := c.Want("a b"), plain.Want("a b")
				if !got[0].Retain() || got[1].Retain() || other[0].Retain() || other[1].Retain() {
					t.Errorf("got %v and %v", got, other)
				}
				c.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
		},
		{
			Name: "retain/expiry", Clauses: "MQTT-3.3.2-5 MQTT-3.3.2-6", Versions: []byte{5},
			Ref: "a retained message that has expired is gone",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Put(Message{Topic: e.Topic("/short"), Payload: "x", QoS: 1, Retain: true, Properties: []Property{{ID: 2, Number: 1}}})
				c.Put(Message{Topic: e.Topic("/long"), Payload: "y", QoS: 1, Retain: true, Properties: []Property{{ID: 2, Number: 100}}})
				e.Pass(1500)
				c.Sub(e.Topic("/#"), 1)
				if p := c.Want("y")[0]; p.Number(2) > 99 || p.Number(2) < 90 {
					t.Errorf("got %v", p)
				}
				c.Quiet()
				c.Put(Message{Topic: e.Topic("/long"), QoS: 1, Retain: true})
			},
		},
	}
}
