package mqtttest

import (
	"fmt"
	"testing"
)

func sessionScenarios() []Scenario {
	return []Scenario{
		{
			Name: "session/offline", Clauses: "MQTT-3.1.2-4 MQTT-3.1.2-5 MQTT-4.1.0-1 MQTT-4.5.0-1 MQTT-4.6.0-1",
			Ref: "a kept session gets what was published with QoS 1 and 2 while it was away, in order",
			Run: func(t *testing.T, e *Env) {
				e.ConnectWith(e.Kept("s")).Sub2Leave(e.Topic(""), 2)
				writer := e.Connect()
				words := ""
				for i := range 30 {
					writer.Put(Message{Topic: e.Topic(""), Payload: fmt.Sprint(i), QoS: byte(1 + i%2)})
					words += fmt.Sprint(i, " ")
				}
				c := e.ConnectWith(e.Kept("s"))
				for i, p := range c.Want(words) {
					if p.QoS() != byte(1+i%2) || p.Dup() {
						t.Errorf("got %v", p)
					}
				}
				c.Quiet()
				e.Clear("s")
			},
		},
		{
			Name: "session/present", Versions: []byte{4, 5}, Clauses: "MQTT-3.2.2-2 MQTT-3.2.2-3",
			Ref:    "CONNACK says whether there is a session",
			Others: map[Peer]string{ActiveMQ: "never says so"},
			Why:    "3.1.1 demands it; clients without it subscribe again each time",
			Run: func(t *testing.T, e *Env) {
				c := e.ConnectWith(e.Kept("s"))
				if c.Connack.Present {
					t.Error("there is one before")
				}
				c.Sub2Leave(e.Topic(""), 1)
				c = e.ConnectWith(e.Kept("s"))
				if c.Connack.Present == e.Differs() {
					t.Errorf("got %v", c.Connack)
				}
				c.Disconnect()
				e.Clear("s")
				if c = e.ConnectWith(e.Kept("s")); c.Connack.Present {
					t.Error("a cleared session is there")
				}
				c.Disconnect()
				e.Clear("s")
			},
		},
		{
			Name: "session/subscriptions",
			Ref:  "the subscriptions of a kept session hold without a new SUBSCRIBE, and end by UNSUBSCRIBE",
			Run: func(_ *testing.T, e *Env) {
				e.ConnectWith(e.Kept("s")).Sub2Leave(e.Topic("/#"), 1)
				c, writer := e.ConnectWith(e.Kept("s")), e.Connect()
				writer.Pub(e.Topic("/a"), "live")
				c.Want("live")
				c.Unsub(e.Topic("/#"))
				c.Disconnect()
				writer.Pub(e.Topic("/a"), "lost")
				c = e.ConnectWith(e.Kept("s"))
				c.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
		},
		{
			Name: "session/clean", Clauses: "MQTT-3.1.2-6 MQTT-3.2.2-1",
			Ref: "a clean start discards the session, its messages included",
			Run: func(t *testing.T, e *Env) {
				e.ConnectWith(e.Kept("s")).Sub2Leave(e.Topic(""), 1)
				e.Connect().Pub(e.Topic(""), "lost")
				c := e.ConnectWith(Connect{ClientID: e.ClientID("s")})
				if c.Connack.Present {
					t.Errorf("got %v", c.Connack)
				}
				c.Quiet()
				c.Disconnect()
				c = e.ConnectWith(e.Kept("s"))
				c.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
		},
		{
			Name: "session/ends", Clauses: "MQTT-3.1.2-6 MQTT-4.1.0-2",
			Ref: "a clean session ends with its connection",
			Run: func(t *testing.T, e *Env) {
				c := e.ConnectWith(Connect{ClientID: e.ClientID("s")})
				c.Sub(e.Topic(""), 1)
				c.Disconnect()
				e.Connect().Pub(e.Topic(""), "lost")
				c = e.ConnectWith(e.Kept("s"))
				if c.Connack.Present {
					t.Errorf("got %v", c.Connack)
				}
				c.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
		},
		{
			Name: "session/unacknowledged", Clauses: "MQTT-4.4.0-1 MQTT-3.3.1-1 MQTT-4.6.0-1",
			Ref: "what was not acknowledged comes again when the client returns: with DUP, the same identifiers, in order",
			Run: func(t *testing.T, e *Env) {
				c := e.ConnectWith(e.Kept("s"))
				c.Sub(e.Topic(""), 2)
				writer := e.Connect()
				writer.Put(Message{Topic: e.Topic(""), Payload: "one", QoS: 1})
				writer.Put(Message{Topic: e.Topic(""), Payload: "two", QoS: 2})
				first, second := c.Expect(PUBLISH), c.Expect(PUBLISH)
				c.Close()
				c = e.ConnectWith(e.Kept("s"))
				again := []Packet{c.Expect(PUBLISH), c.Expect(PUBLISH)}
				for i, p := range again {
					want := []Packet{first, second}[i]
					if p.Payload != want.Payload || p.ID != want.ID && !e.Differs() || !p.Dup() {
						t.Errorf("got %v, want %v again", p, want)
					}
				}
				c.Write(ack(PUBACK, again[0].ID), ack(PUBREC, again[1].ID))
				c.await(PUBREL, again[1].ID)
				c.Write(ack(PUBCOMP, again[1].ID))
				c.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
			Others: map[Peer]string{ActiveMQ: "gives them new identifiers"},
			Why:    "the standard demands the same ones: only so a client can recognise what it has",
		},
		{
			Name: "session/pubrel", Clauses: "MQTT-4.4.0-1 MQTT-4.3.3-1",
			Ref: "after PUBREC only the PUBREL comes again",
			Run: func(t *testing.T, e *Env) {
				c := e.ConnectWith(e.Kept("s"))
				c.Sub(e.Topic(""), 2)
				e.Connect().Put(Message{Topic: e.Topic(""), Payload: "once", QoS: 2})
				p := c.Expect(PUBLISH)
				c.Write(ack(PUBREC, p.ID))
				c.await(PUBREL, p.ID)
				c.Close()
				c = e.ConnectWith(e.Kept("s"))
				if again := c.Expect(PUBREL); again.ID != p.ID {
					t.Errorf("got %v", again)
				}
				c.Write(ack(PUBCOMP, p.ID))
				c.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
			Others: map[Peer]string{ActiveMQ: "forgets the PUBREC and sends the message again"},
			Why:    "exactly once is what QoS 2 is for",
			Skip:   map[Peer]string{ActiveMQ: "there the message comes twice"},
		},
		{
			Name: "session/qos2-inbound", Clauses: "MQTT-4.3.3-2 MQTT-4.4.0-1",
			Ref: "a message of QoS 2 that is sent again after a reconnect, before its PUBREL, is delivered once",
			Run: func(_ *testing.T, e *Env) {
				reader := e.Connect()
				reader.Sub(e.Topic(""), 2)
				c := e.ConnectWith(e.Kept("s"))
				m := Message{Topic: e.Topic(""), Payload: "once", QoS: 2, ID: 5}
				c.Write(m.encode(e.Version))
				c.await(PUBREC, 5)
				c.Close()
				c = e.ConnectWith(e.Kept("s"))
				m.Dup = true
				c.Write(m.encode(e.Version))
				c.await(PUBREC, 5)
				c.Write(ack(PUBREL, 5))
				c.await(PUBCOMP, 5)
				reader.Want("once")
				reader.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
			Others: map[Peer]string{ActiveMQ: "delivers it twice"},
			Why:    "exactly once is what QoS 2 is for",
			Skip:   map[Peer]string{ActiveMQ: "there the message comes twice"},
		},
		{
			Name: "session/expiry", Clauses: "MQTT-3.1.2-23 MQTT-4.1.0-2", Versions: []byte{5},
			Ref: "a session ends when its expiry interval has passed, which DISCONNECT may change",
			Run: func(t *testing.T, e *Env) {
				open := func(suffix string, expiry uint32) *Client {
					return e.ConnectWith(Connect{ClientID: e.ClientID(suffix), Keep: true, Properties: []Property{{ID: 0x11, Number: expiry}}})
				}
				open("short", 1).Disconnect()
				open("long", 100).Disconnect()
				c := open("ended", 100)
				c.Write(Raw(DISCONNECT<<4, append([]byte{0}, appendProperties(nil, 5, []Property{{ID: 0x11, Number: 0}})...)))
				c.Closed()
				c = open("raised", 1)
				c.Write(Raw(DISCONNECT<<4, append([]byte{0}, appendProperties(nil, 5, []Property{{ID: 0x11, Number: 100}})...)))
				c.Closed()
				e.Pass(2500)
				for suffix, want := range map[string]bool{"short": false, "long": true, "ended": false, "raised": true} {
					if c := open(suffix, 0); c.Connack.Present != want {
						t.Errorf("%s: session present: %t", suffix, c.Connack.Present)
					}
				}
			},
		},
		{
			Name: "session/expiry-raised-from-0", Versions: []byte{5},
			Ref: "DISCONNECT must not keep a session that was to end: protocol error",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Write(Raw(DISCONNECT<<4, append([]byte{0}, appendProperties(nil, 5, []Property{{ID: 0x11, Number: 100}})...)))
				c.Refused(0x82)
			},
		},
		{
			Name: "session/return", Clauses: "MQTT-3.1.2-10 MQTT-4.3.2-2",
			Ref: "a client that acknowledges, says goodbye and comes back at once takes nothing over from itself: nothing comes again, and no will is published",
			Run: func(_ *testing.T, e *Env) {
				watcher, writer := e.Connect(), e.Connect()
				watcher.Sub(e.Topic("/will"), 1)
				o := e.Kept("s")
				o.Will = &Message{Topic: e.Topic("/will"), Payload: "gone", QoS: 1}
				c := e.ConnectWith(o)
				c.Sub(e.Topic(""), 1)
				for range 20 {
					writer.Pub(e.Topic(""), "once")
					p := c.Expect(PUBLISH)
					if p.Dup() {
						e.t.Fatalf("got %v again", p)
					}
					c.Write(ack(PUBACK, p.ID), Raw(DISCONNECT<<4, nil))
					c.Close()
					c = e.ConnectWith(o)
				}
				c.Quiet()
				watcher.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
			Others: map[Peer]string{ActiveMQ: "may send again what was acknowledged a moment ago"},
			Why:    "a client that has said that it has a message must not get it again",
			Skip:   map[Peer]string{ActiveMQ: "it does so now and then"},
		},
		{
			Name: "session/many-offline",
			Ref:  "thousands of messages wait for a session and come in order",
			Run: func(t *testing.T, e *Env) {
				e.ConnectWith(e.Kept("s")).Sub2Leave(e.Topic(""), 1)
				writer := e.Connect()
				const count = 3000
				for i := 0; i < count; {
					var packets []byte
					for range 500 { // below any receive maximum
						i++
						packets = append(packets, Message{Topic: e.Topic(""), Payload: fmt.Sprint(i), QoS: 1, ID: uint16(i)}.encode(e.Version)...)
					}
					writer.Write(packets)
					for range 500 {
						writer.Expect(PUBACK)
					}
				}
				c := e.ConnectWith(e.Kept("s"))
				for i := range count {
					if p := c.Message(); p.Payload != fmt.Sprint(i+1) {
						t.Fatalf("got %v, want %d", p, i)
					}
				}
				c.Disconnect()
				e.Clear("s")
			},
		},
	}
}

// Sub2Leave subscribes to one filter and says goodbye.
func (c *Client) Sub2Leave(filter string, qos byte) {
	c.t.Helper()
	c.Sub(filter, qos)
	c.Disconnect()
}

// Clear discards a session.
func (e *Env) Clear(suffix string) { e.ConnectWith(Connect{ClientID: e.ClientID(suffix)}).Disconnect() }
