package mqtttest

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// historyScenarios show what other brokers once did wrong, under the names of their faults.
func historyScenarios() []Scenario {
	five := []byte{5}
	return []Scenario{
		{
			Name: "connect/half-close",
			Ref:  "a client that has closed its own side gets the answers that it is owed",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				half, ok := c.conn.(interface{ CloseWrite() error })
				if !ok {
					t.Skip("the transport has no such thing")
				}
				c.Write(c.connect(Connect{ClientID: e.ClientID("")}), Message{Topic: e.Topic(""), Payload: "x", QoS: 1, ID: 7}.encode(e.Version))
				if err := half.CloseWrite(); err != nil {
					t.Fatal(err)
				}
				if list := c.Closed(); len(list) != 2 || list[0].Type != CONNACK || list[1].Type != PUBACK || list[1].ID != 7 {
					t.Errorf("got %v", list)
				}
			},
			Skip: map[Peer]string{ActiveMQ: "it may see the end first", Mosquitto: "it may see the end first"},
		},
		{
			Name: "connect/auth-first", Versions: five, Clauses: "MQTT-3.1.0-1",
			Ref: "AUTH before CONNECT closes the connection without a word",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				_ = c.TryWrite(Raw(AUTH<<4, []byte{0x18, 0}))
				if list := c.Closed(); len(list) > 0 {
					t.Errorf("got %v", list)
				}
			},
		},
		{
			Name: "connect/take-over-crowd", Clauses: "MQTT-3.1.4-2",
			Ref: "many connections with one client identifier at once end with one (ARTEMIS-3622, ARTEMIS-5575)",
			Run: func(t *testing.T, e *Env) {
				const n = 20
				var list []*Client
				for range n {
					c := e.Dial()
					c.Write(c.connect(Connect{ClientID: e.ClientID("")}))
					list = append(list, c)
				}
				// Some may end before they are accepted, and others after they have answered once.
				for end := time.Now().Add(e.target.patience()); len(list) > 1; {
					if time.Now().After(end) {
						t.Fatalf("%d connections are left", len(list))
					}
					list = slices.DeleteFunc(list, func(c *Client) bool {
						_ = c.TryWrite(Raw(PINGREQ<<4, nil))
						for {
							p, err := c.read()
							if err != nil || p.Type == PINGRESP {
								return err != nil
							}
							if p.Type == CONNACK && p.Code != 0 {
								t.Errorf("got %v", p)
							}
						}
					})
				}
				if len(list) == 0 {
					t.Error("no connection is left")
				}
				e.ConnectWith(Connect{ClientID: e.ClientID("")}).Quiet()
			},
			Skip: map[Peer]string{ActiveMQ: "some are refused while others are being ended"},
		},
		{
			Name: "session/acks-in-any-order", Clauses: "MQTT-4.4.0-1",
			Ref: "messages may be acknowledged in any order, and each acknowledgement counts (AMQ-5399)",
			Run: func(_ *testing.T, e *Env) {
				c := e.ConnectWith(e.Kept("s"))
				c.Sub(e.Topic(""), 1)
				writer := e.Connect()
				ids := map[string]uint16{}
				for _, word := range []string{"a", "b", "c", "d", "e"} {
					writer.Pub(e.Topic(""), word)
				}
				for range 5 {
					p := c.Expect(PUBLISH)
					ids[p.Payload] = p.ID
				}
				for _, word := range []string{"d", "a", "e", "c"} {
					c.Write(ack(PUBACK, ids[word]))
				}
				c.Disconnect()
				c = e.ConnectWith(e.Kept("s"))
				c.Want("b")
				c.Quiet()
				c.Disconnect()
				e.Clear("s")
			},
		},
		{
			Name: "session/identifiers", Versions: []byte{4}, Clauses: "MQTT-2.3.1-4 MQTT-2.2.1-4",
			Ref: "the identifier of a message that is not acknowledged is not given to another, however many follow (AMQ-5092, ARTEMIS-4646)",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				writer := e.Connect()
				writer.Pub(e.Topic("/held"), "held")
				held := c.Expect(PUBLISH)
				const rounds, burst = 140, 500 // more than there are identifiers
				for range rounds {
					var out, in []byte
					for i := range burst {
						out = append(out, Message{Topic: e.Topic("/t"), Payload: "x", QoS: 1, ID: uint16(i + 1)}.encode(e.Version)...)
					}
					writer.Write(out)
					for range burst {
						p := c.Expect(PUBLISH)
						if p.ID == held.ID || p.ID == 0 {
							t.Fatalf("got %v while %v is held", p, held)
						}
						in = append(in, ack(PUBACK, p.ID)...)
					}
					c.Write(in)
					for range burst {
						writer.Expect(PUBACK)
					}
				}
				c.Write(ack(PUBACK, held.ID))
				c.Quiet()
			},
			Skip: map[Peer]string{ActiveMQ: "it takes minutes", Mosquitto: "it drops what is beyond its queue"},
		},
		{
			Name: "will/again", Clauses: "MQTT-3.1.2-8",
			Ref: "each connection of a kept session has its own will (ARTEMIS-5522)",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				for _, word := range []string{"first", "second", "third"} {
					o := e.Kept("w")
					o.Will = &Message{Topic: e.Topic("/w"), Payload: word, QoS: 1}
					e.ConnectWith(o).Close()
					c.Want(word)
				}
				e.ConnectWith(e.Kept("w")).Close() // without one
				c.Quiet()
				e.Clear("w")
			},
		},
		{
			Name: "will/denied", Login: true,
			Ref: "a will to a topic that its client has no right to reaches nobody, and hurts nobody",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(c.connect(Connect{ClientID: e.ClientID("w"), Will: &Message{Topic: "forbidden/" + e.unique, Payload: "gone", QoS: 1, Retain: true}}))
				c.Expect(CONNACK) // it may be refused, or be told later by silence
				c.Close()
				e.Connect().Quiet()
			},
		},
		{
			Name: "retain/no-local", Versions: five, Clauses: "MQTT-3.8.3-3",
			Ref: "with no local a client does not get the retained message that it has published either",
			Run: func(_ *testing.T, e *Env) {
				c, other := e.Connect(), e.Connect()
				c.Put(Message{Topic: e.Topic(""), Payload: "own", QoS: 1, Retain: true})
				c.Sub(e.Topic(""), 1|4)
				c.Quiet()
				other.Sub(e.Topic(""), 1|4)
				other.Want("own")
				c.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
			Others: map[Peer]string{Mosquitto: "version 2.0.11 sends it"},
			Why:    "who asks not to be told what it has said itself means that also of what it said before",
			Skip:   map[Peer]string{Mosquitto: "it sends it"},
		},
		{
			Name: "shared/identifiers", Versions: five, Clauses: "MQTT-3.3.4-3",
			Ref: "subscription identifiers come with messages of shared subscriptions too (ARTEMIS-5783)",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.SubscribeWith([]Property{{ID: 0x0b, Number: 7}}, Filter{"$share/g-" + e.unique + "/" + e.Topic(""), 1})
				c.Pub(e.Topic(""), "x")
				if p := c.Message(); len(p.All(0x0b)) != 1 || p.Number(0x0b) != 7 {
					t.Errorf("got %v", p)
				}
			},
		},
		{
			Name: "limit/packet-size-exact", Versions: five, Clauses: "MQTT-3.1.2-24",
			Ref: "a client's maximum packet size counts the whole packet, and is reached by what is just as large",
			Run: func(t *testing.T, e *Env) {
				fits := strings.Repeat("x", 300)
				size := len(Message{Topic: e.Topic(""), Payload: fits}.encode(5))
				c := e.ConnectWith(Connect{ClientID: e.ClientID(""), Properties: []Property{{ID: 0x27, Number: uint32(size)}}})
				c.Sub(e.Topic(""), 0)
				writer := e.Connect()
				for _, payload := range []string{fits + "x", fits, fits + "x"} {
					writer.Put(Message{Topic: e.Topic(""), Payload: payload})
				}
				writer.Pub(e.Topic(""), "end")
				if p := c.Message(); p.Payload != fits {
					t.Errorf("got %v", p)
				}
				c.Want("end")
			},
			Others: map[Peer]string{Mosquitto: "version 2.0.11 sends packets that are an octet larger"},
			Why:    "a client that says how much it takes has no room for more",
			Skip:   map[Peer]string{Mosquitto: "it sends larger ones"},
		},
		{
			Name: "subscribe/denied-3.1", Login: true, Versions: []byte{3},
			Ref: "3.1 has no word for a subscription that is refused: it seems granted, and nothing comes (AMQ-5734)",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				if got := c.Subscribe(Filter{e.Topic(""), 1}, Filter{"forbidden/" + e.unique, 1}); got != "\x01\x01" {
					t.Errorf("got %x", got)
				}
				c.Pub(e.Topic(""), "x")
				c.Want("x")
			},
			Skip: map[Peer]string{Mosquitto: "it answers 0x80, which 3.1 does not have"},
		},
	}
}
