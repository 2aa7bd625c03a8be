package mqtttest

import (
	"slices"
	"testing"
)

// sameProperties compares what came with what was sent; the order counts among user properties.
func sameProperties(t *testing.T, p Packet, sent []Property) {
	t.Helper()
	for _, s := range sent {
		var wanted []Property
		for _, x := range sent {
			if x.ID == s.ID {
				wanted = append(wanted, x)
			}
		}
		if got := p.All(s.ID); !slices.Equal(got, wanted) {
			t.Errorf("property %#x: got %v, want %v", s.ID, got, wanted)
		}
	}
}

func propertyScenarios() []Scenario {
	five := []byte{5}
	return []Scenario{
		{
			Name: "property/forwarded", Versions: five, Clauses: "MQTT-3.3.2-4 MQTT-3.3.2-15 MQTT-3.3.2-16 MQTT-3.3.2-17 MQTT-3.3.2-18 MQTT-3.3.2-20",
			Ref: "payload format, content type, response topic, correlation data and user properties are forwarded unaltered",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic(""), 2)
				sent := []Property{
					{ID: 0x01, Number: 1}, {ID: 0x03, Text: "text/ü"}, {ID: 0x08, Text: "answer/here"}, {ID: 0x09, Text: "\x00\xff"},
					{ID: 0x26, Text: "b", Value: "1"}, {ID: 0x26, Text: "a", Value: ""}, {ID: 0x26, Text: "b", Value: "2"}, {ID: 0x26, Text: "", Value: "x"},
				}
				for qos := range byte(3) {
					c.Put(Message{Topic: e.Topic(""), Payload: "x", QoS: qos, Properties: sent})
					sameProperties(t, c.Message(), sent)
				}
			},
		},
		{
			Name: "property/expiry", Versions: five, Clauses: "MQTT-3.3.2-5 MQTT-3.3.2-6",
			Ref: "what has expired for an absent client is not delivered; the interval that is left comes with the others",
			Run: func(t *testing.T, e *Env) {
				e.ConnectWith(e.Kept("s")).Sub2Leave(e.Topic(""), 1)
				writer := e.Connect()
				for _, m := range []struct {
					word   string
					expiry uint32
				}{{"short", 1}, {"long", 100}} {
					writer.Put(Message{Topic: e.Topic(""), Payload: m.word, QoS: 1, Properties: []Property{{ID: 2, Number: m.expiry}}})
				}
				writer.Pub(e.Topic(""), "for-ever")
				e.Pass(2000)
				c := e.ConnectWith(e.Kept("s"))
				list := c.Want("long for-ever")
				if left := list[0].Number(2); left < 90 || left > 99 || list[1].Number(2) != -1 {
					t.Errorf("got %v", list)
				}
				c.Disconnect()
				e.Clear("s")
			},
		},
		{
			Name: "property/subscription-identifier", Versions: five, Clauses: "MQTT-3.3.4-3 MQTT-3.3.4-4",
			Ref: "the identifiers of all subscriptions that match come with a message",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.SubscribeWith([]Property{{ID: 0x0b, Number: 456789}}, Filter{e.Topic("/a"), 1})
				c.Pub(e.Topic("/a"), "x")
				if p := c.Message(); p.Number(0x0b) != 456789 {
					t.Errorf("got %v", p)
				}
				c.SubscribeWith([]Property{{ID: 0x0b, Number: 2}}, Filter{e.Topic("/+"), 1})
				c.Pub(e.Topic("/a"), "y")
				var got []uint32
				for len(got) < 2 {
					for _, x := range c.Message().All(0x0b) {
						got = append(got, x.Number)
					}
				}
				slices.Sort(got)
				if !slices.Equal(got, []uint32{2, 456789}) {
					t.Errorf("got %v", got)
				}
				c.Sub(e.Topic("/a"), 1)
				c.Unsub(e.Topic("/+"))
				c.Pub(e.Topic("/a"), "z")
				if p := c.Message(); p.Number(0x0b) != -1 {
					t.Errorf("after a SUBSCRIBE without one: got %v", p)
				}
			},
		},
		{
			Name: "property/no-local", Versions: five, Clauses: "MQTT-3.8.3-3",
			Ref: "with no local a client does not get what it has published itself",
			Run: func(_ *testing.T, e *Env) {
				c, other := e.Connect(), e.Connect()
				c.Sub(e.Topic(""), 1|4)
				c.Pub(e.Topic(""), "own")
				other.Pub(e.Topic(""), "others")
				c.Want("others")
				c.Quiet()
			},
		},
		{
			Name: "property/alias", Versions: five, Clauses: "MQTT-3.3.2-7 MQTT-3.3.2-12",
			Ref: "a topic alias stands for its topic, may be given another, and ends with the connection",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				if c.Connack.Number(0x22) < 1 {
					t.Fatalf("no aliases: %v", c.Connack)
				}
				alias := []Property{{ID: 0x23, Number: 1}}
				for _, topic := range []string{e.Topic("/a"), "", e.Topic("/b"), ""} {
					c.Put(Message{Topic: topic, Payload: "x", QoS: 1, Properties: alias})
				}
				for _, want := range []string{"/a", "/a", "/b", "/b"} {
					if p := c.Message(); p.Topic != e.Topic(want) || p.Number(0x23) != -1 {
						t.Errorf("got %v, want %s", p, want)
					}
				}
				other := e.Connect()
				other.Write(Message{Properties: alias}.encode(5))
				other.Refused(0x82, 0x94)
			},
		},
		{
			Name: "property/alias-out", Versions: five, Clauses: "MQTT-3.1.2-26 MQTT-3.1.2-27 MQTT-3.3.2-11",
			Ref:    "a client that offers topic aliases gets topics by them from the second message on",
			Others: map[Peer]string{Mosquitto: "uses none"},
			Why:    "it saves what a client has asked to be saved",
			Run: func(t *testing.T, e *Env) {
				c := e.ConnectWith(Connect{ClientID: e.ClientID(""), Properties: []Property{{ID: 0x22, Number: 1}}})
				c.Sub(e.Topic(""), 1)
				for i := range 3 {
					c.Pub(e.Topic(""), "x")
					p := c.Message()
					switch {
					case e.Differs():
						if p.Topic != e.Topic("") {
							t.Errorf("got %v", p)
						}
					case i == 0 && (p.Topic != e.Topic("") || p.Number(0x23) != 1), i > 0 && (p.Topic != "" || p.Number(0x23) != 1):
						t.Errorf("message %d: got %v", i, p)
					}
				}
			},
		},
		{
			Name: "property/malformed", Versions: five, Clauses: "MQTT-3.3.2-8 MQTT-3.3.2-9 MQTT-3.3.4-6 MQTT-3.3.2-14 MQTT-1.5.5-1 MQTT-4.13.1-1",
			Ref:    "properties that are unknown, out of place, repeated or out of range close the connection with their code",
			Others: map[Peer]string{Mosquitto: "accepts a subscription identifier from a client, a response topic with a wildcard, and any payload format"},
			Why:    "the standard demands it; strict clients would stumble over what is let pass",
			Skip:   map[Peer]string{Mosquitto: "there is nothing to wait for"},
			Run: func(t *testing.T, e *Env) {
				publish := func(list ...Property) []byte { return Message{Topic: e.Topic(""), Properties: list}.encode(5) }
				for what, p := range map[string][]byte{
					"alias 0":               publish(Property{ID: 0x23}),
					"alias too high":        publish(Property{ID: 0x23, Number: 65535}),
					"out of place":          publish(Property{ID: 0x21, Number: 1}),
					"identifier from us":    publish(Property{ID: 0x0b, Number: 1}),
					"response wildcard":     publish(Property{ID: 0x08, Text: "a/#"}),
					"repeated expiry":       publish(Property{ID: 2, Number: 1}, Property{ID: 2, Number: 1}),
					"repeated content type": publish(Property{ID: 3, Text: "a"}, Property{ID: 3, Text: "a"}),
					"format 2":              publish(Property{ID: 1, Number: 2}),
					"unknown":               {PUBLISH << 4, 6, 0, 1, 'a', 2, 0x7e, 0},
					"block too long":        {PUBLISH << 4, 6, 0, 1, 'a', 9, 1, 0},
					"length not minimal":    {PUBLISH << 4, 5, 0, 1, 'a', 0x80, 0},
					"identifier 0":          subscribe(5, 1, []Property{{ID: 0x0b, Number: 0}}, Filter{"a", 0}),
					"retain handling 3":     subscribe(5, 1, nil, Filter{"a", 0x30}),
					"AUTH without a method": Raw(AUTH<<4, nil),
				} {
					e.Case(t, what, func(t *testing.T, e *Env) {
						c := e.Connect()
						_ = c.TryWrite(p)
						list := c.Closed()
						if len(list) > 1 || len(list) == 1 && (list[0].Type != DISCONNECT || list[0].Code != 0x81 && list[0].Code != 0x82 && list[0].Code != 0x94 && list[0].Code != 0x90) {
							t.Errorf("got %v", list)
						}
						if len(list) == 0 {
							t.Error("closed without DISCONNECT")
						}
					})
				}
			},
		},
		{
			Name: "property/authentication", Versions: five, Clauses: "MQTT-4.12.0-1",
			Ref: "an authentication method that is not offered is refused with 0x8C",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID(""), Properties: []Property{{ID: 0x15, Text: "NONE-SUCH"}}}))
				if p := c.Expect(CONNACK); p.Code != 0x8c {
					t.Errorf("got %v", p)
				}
				c.Closed()
			},
		},
		{
			Name: "property/disconnect-reasons", Versions: five,
			Ref: "DISCONNECT comes in all its forms: empty, with a reason, with an empty block of properties",
			Run: func(t *testing.T, e *Env) {
				for _, body := range [][]byte{nil, {0}, {0, 0}, append([]byte{0}, appendProperties(nil, 5, []Property{{ID: 0x1f, Text: "bye"}, {ID: 0x26, Text: "a", Value: "b"}})...)} {
					c := e.Connect()
					c.Write(Raw(DISCONNECT<<4, body))
					if list := c.Closed(); len(list) > 0 {
						t.Errorf("%x: got %v", body, list)
					}
				}
			},
		},
	}
}
