package mqtttest

import (
	"fmt"
	"strings"
	"testing"
)

func publishScenarios() []Scenario {
	return []Scenario{
		{
			Name: "publish/qos", Clauses: "MQTT-3.3.4-1 MQTT-3.8.4-6 MQTT-4.3.1-1 MQTT-4.3.2-2 MQTT-4.3.3-2",
			Ref: "a message is delivered with the lower of its quality of service and what was granted",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				for granted := range byte(3) {
					for sent := range byte(3) {
						topic := e.Topic(fmt.Sprint("/", granted, sent))
						c.Sub(topic, granted)
						c.Put(Message{Topic: topic, Payload: "x", QoS: sent})
						if p := c.Message(); p.QoS() != min(granted, sent) || p.Topic != topic || p.Dup() || p.Retain() {
							t.Errorf("sent %d, granted %d: got %v", sent, granted, p)
						}
					}
				}
				c.Quiet()
			},
		},
		{
			Name: "publish/payloads",
			Ref:  "payloads are bytes: empty ones, every byte, and a MiB",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic(""), 1)
				all := make([]byte, 256)
				for i := range all {
					all[i] = byte(i)
				}
				for _, payload := range []string{"", string(all), strings.Repeat("x", 1<<20), strings.Repeat("x", 127), strings.Repeat("y", 16384)} {
					c.Pub(e.Topic(""), payload)
					if p := c.Message(); p.Payload != payload {
						t.Errorf("got %d bytes, want %d", len(p.Payload), len(payload))
					}
				}
			},
		},
		{
			Name: "publish/qos2-again", Clauses: "MQTT-4.3.3-2 MQTT-3.3.1-3",
			Ref:    "the same packet identifier before PUBREL is the same message of QoS 2: it is delivered once, and without DUP",
			Others: map[Peer]string{ActiveMQ: "delivers it twice"},
			Why:    "exactly once is what QoS 2 is for",
			Run: func(t *testing.T, e *Env) {
				reader, c := e.Connect(), e.Connect()
				reader.Sub(e.Topic(""), 2)
				words := "once next"
				if e.Differs() {
					words = "once once next"
				}
				m := Message{Topic: e.Topic(""), Payload: "once", QoS: 2, ID: 7}
				c.Write(m.encode(e.Version))
				c.await(PUBREC, 7)
				m.Dup = true
				c.Write(m.encode(e.Version))
				c.await(PUBREC, 7)
				c.Write(ack(PUBREL, 7))
				c.await(PUBCOMP, 7)
				m.Dup, m.Payload = false, "next"
				c.Write(m.encode(e.Version))
				c.await(PUBREC, 7)
				c.Write(ack(PUBREL, 7))
				c.await(PUBCOMP, 7)
				for _, p := range reader.Want(words) {
					if p.Dup() {
						t.Errorf("got %v", p)
					}
				}
				reader.Quiet()
			},
		},
		{
			Name: "publish/pubrel-unknown", Clauses: "MQTT-4.3.3-2",
			Ref: "a PUBREL of an unknown identifier is answered by PUBCOMP, in version 5 with 0x92",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Write(ack(PUBREL, 99))
				if p := c.await(PUBCOMP, 99); e.Version == 5 && p.Code != 0x92 && p.Code != 0 {
					t.Errorf("got %v", p)
				}
				c.Ping()
			},
			Others: map[Peer]string{Mosquitto: "answers 0 in version 5 too"},
			Why:    "0x92 tells the client that its state and the broker's have come apart; it goes on either way",
		},
		{
			Name: "publish/order", Clauses: "MQTT-4.6.0-5 MQTT-4.6.0-6",
			Ref: "messages of one topic and quality of service arrive in the order of sending, whatever their number",
			Run: func(t *testing.T, e *Env) {
				for qos := range byte(3) {
					reader, c := e.Connect(), e.Connect()
					reader.Sub(e.Topic("/#"), qos)
					var packets [][]byte
					for i := range 200 {
						packets = append(packets, Message{Topic: e.Topic(fmt.Sprint("/", qos)), Payload: fmt.Sprint(i), QoS: qos, ID: uint16(i + 1)}.encode(e.Version))
					}
					c.Write(packets...)
					for i := range 200 {
						if p := reader.Message(); p.Payload != fmt.Sprint(i) {
							t.Fatalf("QoS %d: got %v, want %d", qos, p, i)
						}
					}
				}
			},
			Skip: map[Peer]string{Mosquitto: "its limit of messages in flight drops some"},
		},
		{
			Name: "publish/wildcard", Clauses: "MQTT-3.3.2-2 MQTT-4.7.1-1",
			Ref: "a topic with a wildcard closes the connection",
			Run: func(_ *testing.T, e *Env) {
				for _, topic := range []string{e.Topic("/+"), e.Topic("/#"), "#", "+"} {
					c := e.Connect()
					c.Write(Message{Topic: topic}.encode(e.Version))
					c.Refused(0x90, 0x82, 0x81)
				}
			},
		},
		{
			Name: "publish/empty-topic", Clauses: "MQTT-4.7.3-1",
			Ref: "an empty topic closes the connection",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Write(Message{Payload: "x"}.encode(e.Version))
				c.Refused(0x90, 0x82, 0x81)
			},
		},
		{
			Name: "publish/dollar", Clauses: "MQTT-4.7.2-1",
			Ref: "wildcards at the beginning of a filter don't match topics that begin with $",
			Run: func(t *testing.T, e *Env) {
				if e.target.User != "" {
					t.Skip("it needs rights on every topic")
				}
				c := e.Connect()
				c.Subscribe(Filter{"#", 0})
				c.Unsub("#")
				c.Sub("+/"+e.unique, 1)
				c.Put(Message{Topic: "$" + e.unique + "/" + e.unique, Payload: "x"})
				c.Put(Message{Topic: "y/" + e.unique, Payload: "y", QoS: 1})
				for p := c.Message(); p.Payload != "y"; p = c.Message() {
					if strings.HasPrefix(p.Topic, "$") {
						e.t.Fatalf("got %v", p)
					}
				}
			},
		},
		{
			Name: "publish/malformed", Versions: []byte{4, 5}, Clauses: "MQTT-2.2.2-2 MQTT-2.3.1-1 MQTT-3.3.1-4 MQTT-1.5.3-1 MQTT-1.5.3-2 MQTT-3.3.1-2",
			Ref: "what no packet can be closes the connection: QoS 3, the identifier 0, text that is no UTF-8 or holds NUL, lengths that don't fit",
			Others: map[Peer]string{
				ActiveMQ:  "accepts the identifier 0, DUP with QoS 0, NUL and some text that is no UTF-8",
				Mosquitto: "ignores packets that only servers send, flags of acknowledgements, and DUP with QoS 0",
			},
			Why:  "the standards demand it; what one broker lets pass breaks strict clients",
			Skip: map[Peer]string{ActiveMQ: "there is nothing to wait for", Mosquitto: "there is nothing to wait for"},
			Run: func(t *testing.T, e *Env) {
				for what, p := range map[string][]byte{
					"QoS 3":               {PUBLISH<<4 | 6, 5, 0, 1, 'a', 0, 1},
					"identifier 0":        Message{Topic: "a", QoS: 1}.encode(e.Version),
					"DUP with QoS 0":      {PUBLISH<<4 | 8, 4, 0, 1, 'a', 0},
					"NUL":                 Message{Topic: "a\x00b"}.encode(e.Version),
					"no UTF-8":            Message{Topic: "a\xff"}.encode(e.Version),
					"surrogate":           Message{Topic: "a\xed\xa0\x80"}.encode(e.Version),
					"overlong":            Message{Topic: "a\xc0\x80"}.encode(e.Version),
					"topic without end":   {PUBLISH << 4, 3, 0, 9, 'a'},
					"no identifier":       {PUBLISH<<4 | 2, 3, 0, 1, 'a'},
					"length of 5 bytes":   {PUBLISH << 4, 0x80, 0x80, 0x80, 0x80, 1},
					"type 0":              {0, 0},
					"CONNACK":             {CONNACK << 4, 2, 0, 0},
					"SUBACK":              {SUBACK << 4, 3, 0, 1, 0},
					"UNSUBACK":            {UNSUBACK << 4, 2, 0, 1},
					"PINGRESP":            {PINGRESP << 4, 0},
					"PUBREL without 0010": {PUBREL << 4, 2, 0, 1},
					"PUBACK with flags":   {PUBACK<<4 | 2, 2, 0, 1},
					"PINGREQ with flags":  {PINGREQ<<4 | 1, 0},
				} {
					e.Case(t, what, func(t *testing.T, e *Env) {
						c := e.Connect()
						_ = c.TryWrite(p)
						for _, p := range c.Closed() {
							if p.Type != DISCONNECT || e.Version < 5 {
								t.Errorf("got %v", p)
							}
						}
					})
				}
			},
		},
	}
}
