package mqtttest

import "testing"

func willScenarios() []Scenario {
	return []Scenario{
		{
			Name: "will/socket", Clauses: "MQTT-3.1.2-8 MQTT-3.1.2-16 MQTT-3.1.2-17",
			Ref: "the will is published when the socket closes without DISCONNECT, with its quality of service and flag",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 2)
				for qos, retain := range []bool{false, true, false} {
					e.ConnectWith(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: byte(qos), Retain: retain}}).Close()
					if p := c.Want("gone")[0]; p.QoS() != byte(qos) || p.Retain() {
						t.Errorf("got %v", p)
					}
				}
				late := e.Connect()
				late.Sub(e.Topic("/w"), 1)
				if p := late.Want("gone")[0]; !p.Retain() {
					t.Errorf("got %v", p)
				}
				late.Put(Message{Topic: e.Topic("/w"), QoS: 1, Retain: true})
			},
		},
		{
			Name: "will/disconnect", Clauses: "MQTT-3.1.2-10 MQTT-3.14.4-3",
			Ref: "DISCONNECT discards the will",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				e.ConnectWith(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}}).Disconnect()
				c.Quiet()
			},
		},
		{
			Name: "will/protocol-error", Clauses: "MQTT-3.1.2-8",
			Ref: "the will is published when the broker closes the connection for an error",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				w := e.ConnectWith(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}})
				w.Write(Message{Topic: "#"}.encode(e.Version))
				w.Closed()
				c.Want("gone")
			},
		},
		{
			Name: "will/keep-alive", Clauses: "MQTT-3.1.2-24",
			Ref: "the will is published when the keep-alive time has passed",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				e.ConnectWith(Connect{ClientID: e.ClientID("w"), KeepAlive: 1, Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}})
				c.Want("gone")
			},
		},
		{
			Name: "will/take-over", Clauses: "MQTT-3.1.4-2",
			Ref: "the will is published when another connection takes over",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				e.ConnectWith(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}})
				e.ConnectWith(Connect{ClientID: e.ClientID("w")})
				c.Want("gone")
			},
			Others: map[Peer]string{ActiveMQ: "publishes none"},
			Why:    "the first connection has ended without DISCONNECT, and whoever watches it should know",
			Skip:   map[Peer]string{ActiveMQ: "there is nothing to wait for"},
		},
		{
			Name: "will/asked-for", Versions: []byte{5},
			Ref: "DISCONNECT with 0x04 publishes the will",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				w := e.ConnectWith(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}})
				w.Write(Raw(DISCONNECT<<4, []byte{4}))
				c.Want("gone")
			},
		},
		{
			Name: "will/properties", Clauses: "MQTT-3.1.3-10", Versions: []byte{5},
			Ref: "the will's properties come with it, user properties in their order",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				sent := []Property{{ID: 0x26, Text: "b", Value: "1"}, {ID: 0x26, Text: "a", Value: "2"}, {ID: 0x03, Text: "text/plain"}, {ID: 0x08, Text: "r"}, {ID: 0x09, Text: "\x00"}}
				e.ConnectWith(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}, WillProperties: sent}).Close()
				sameProperties(t, c.Want("gone")[0], sent)
			},
		},
		{
			Name: "will/delay", Clauses: "MQTT-3.1.2-8", Versions: []byte{5},
			Ref: "the will waits for its delay, and not longer than the session",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				delayed := func(suffix string, delay, expiry uint32) Connect {
					return Connect{ClientID: e.ClientID(suffix), Keep: true, Properties: []Property{{ID: 0x11, Number: expiry}},
						Will: &Message{Topic: e.Topic("/w"), Payload: suffix, QoS: 1}, WillProperties: []Property{{ID: 0x18, Number: delay}}}
				}
				e.ConnectWith(delayed("later", 2, 100)).Close()
				e.ConnectWith(delayed("session", 100, 1)).Close()
				if !e.Differs() {
					e.ConnectWith(delayed("once", 100, 0)).Close()
					c.Want("once")
				}
				c.Want("session later")
			},
			Others: map[Peer]string{Mosquitto: "waits for the delay also where the session has ended at once"},
			Why:    "the standard says whichever happens first",
		},
		{
			Name: "will/delay-returned", Clauses: "MQTT-3.1.3-9", Versions: []byte{5},
			Ref: "a client that resumes its session in time has its delayed will discarded",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				o := Connect{ClientID: e.ClientID("w"), Keep: true, Properties: []Property{{ID: 0x11, Number: 100}},
					Will: &Message{Topic: e.Topic("/w"), Payload: "gone", QoS: 1}, WillProperties: []Property{{ID: 0x18, Number: 1}}}
				e.ConnectWith(o).Close()
				o.Will = nil
				back := e.ConnectWith(o)
				e.Pass(1500)
				c.Quiet()
				back.Disconnect()
			},
		},
	}
}
