package mqtttest

import (
	"strings"
	"testing"
)

func limitScenarios() []Scenario {
	five := []byte{5}
	return []Scenario{
		{
			Name: "limit/receive-maximum", Versions: five, Clauses: "MQTT-3.3.4-9 MQTT-4.9.0-1 MQTT-4.9.0-2 MQTT-4.9.0-3",
			Ref: "no more messages of QoS 1 and 2 are in flight than the client's receive maximum; everything else goes on",
			Run: func(_ *testing.T, e *Env) {
				c := e.ConnectWith(Connect{ClientID: e.ClientID(""), Properties: []Property{{ID: 0x21, Number: 2}}})
				c.Sub(e.Topic(""), 1)
				writer := e.Connect()
				for _, word := range []string{"a", "b", "c", "d"} {
					writer.Pub(e.Topic(""), word)
				}
				first, second := c.Expect(PUBLISH), c.Expect(PUBLISH)
				c.Ping()
				if len(c.inbox) > 0 {
					e.t.Fatalf("unexpected %v", c.inbox)
				}
				c.Write(ack(PUBACK, first.ID))
				c.Want("c")
				c.Write(ack(PUBACK, second.ID))
				c.Want("d")
			},
		},
		{
			Name: "limit/receive-maximum-ours", Versions: five, Clauses: "MQTT-3.3.4-7",
			Ref: "a client that has more messages of QoS 2 in flight than the broker's receive maximum is closed with 0x93",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				limit := c.Connack.Number(0x21)
				if limit < 0 || limit > 10000 {
					t.Skipf("the limit is %d", limit)
				}
				for i := range limit + 1 {
					if c.TryWrite(Message{Topic: e.Topic(""), QoS: 2, ID: uint16(i + 1)}.encode(5)) != nil {
						break
					}
				}
				list := c.Closed()
				if len(list) == 0 || list[len(list)-1].Type != DISCONNECT || list[len(list)-1].Code != 0x93 {
					t.Errorf("%d packets, the last of which are %v", len(list), list[max(0, len(list)-2):])
				}
			},
			Skip: map[Peer]string{Mosquitto: "it allows one more"},
		},
		{
			Name: "limit/packet-size", Versions: five, Clauses: "MQTT-3.1.2-24 MQTT-3.1.2-25",
			Ref: "a message that is larger than the client's maximum packet size is left out, and others come",
			Run: func(_ *testing.T, e *Env) {
				c := e.ConnectWith(Connect{ClientID: e.ClientID(""), Properties: []Property{{ID: 0x27, Number: 500}}})
				c.Sub(e.Topic(""), 2)
				writer := e.Connect()
				for qos := range byte(3) {
					writer.Put(Message{Topic: e.Topic(""), Payload: strings.Repeat("x", 600), QoS: qos})
					writer.Put(Message{Topic: e.Topic(""), Payload: "small", QoS: qos})
				}
				c.Want("small small small")
				c.Quiet()
			},
		},
		{
			Name: "limit/connack", Versions: five, Clauses: "MQTT-3.2.2-21",
			Ref: "CONNACK leaves out what is available in full",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				for id, least := range map[byte]int64{0x24: 2, 0x25: 1, 0x28: 1, 0x29: 1, 0x2a: 1} {
					if got := c.Connack.Number(id); got >= 0 && got < least {
						t.Errorf("property %#x is %d", id, got)
					}
				}
			},
		},
	}
}
