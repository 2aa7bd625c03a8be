package mqtttest

import (
	"fmt"
	"strings"
	"testing"
)

func subscribeScenarios() []Scenario {
	return []Scenario{
		{
			Name: "subscribe/codes", Clauses: "MQTT-3.8.4-4 MQTT-3.8.4-5 MQTT-3.9.3-1",
			Ref: "one SUBACK has a code for each filter, in their order",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				if got := c.Subscribe(Filter{e.Topic("/a"), 2}, Filter{e.Topic("/b"), 0}, Filter{e.Topic("/c"), 1}); got != "\x02\x00\x01" {
					t.Errorf("got %x", got)
				}
			},
		},
		{
			Name: "subscribe/suback-first",
			Ref:  "SUBACK comes before the first message of the subscription",
			Run: func(_ *testing.T, e *Env) {
				writer := e.Connect()
				writer.Put(Message{Topic: e.Topic(""), Payload: "kept", QoS: 1, Retain: true})
				for range 5 {
					c := e.Connect()
					c.Write(subscribe(e.Version, 1, nil, Filter{e.Topic(""), 1}))
					c.Expect(SUBACK)
					c.Want("kept")
				}
				writer.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
			Others: map[Peer]string{ActiveMQ: "may send a retained message first"},
			Why:    "clients register what takes messages when the subscription is confirmed",
			Skip:   map[Peer]string{ActiveMQ: "it does so by chance"},
		},
		{
			Name: "subscribe/again", Clauses: "MQTT-3.8.4-3",
			Ref: "the same filter again replaces the subscription: one copy, with the new quality of service",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic(""), 2)
				c.Sub(e.Topic(""), 0)
				c.Put(Message{Topic: e.Topic(""), Payload: "x", QoS: 2})
				if p := c.Message(); p.QoS() != 0 {
					t.Errorf("got %v", p)
				}
				c.Quiet()
			},
		},
		{
			Name: "subscribe/overlapping", Clauses: "MQTT-3.3.5-1",
			Ref: "of filters that overlap a client gets one copy, with the highest quality of service",
			Others: map[Peer]string{
				ActiveMQ:  "sends a copy for each filter",
				Mosquitto: "sends a copy for each filter in version 5, one otherwise",
			},
			Why: "a client that subscribes twice does not want to be told twice; MQTT 5 has identifiers for telling why",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Sub(e.Topic("/#"), 1)
				c.Sub(e.Topic("/+"), 2)
				c.Put(Message{Topic: e.Topic("/a"), Payload: "x", QoS: 2})
				p := c.Message()
				if e.Differs() {
					other := c.Message()
					if p.QoS()+other.QoS() != 3 && e.Version == 5 {
						t.Errorf("got %v and %v", p, other)
					}
					return
				}
				if p.QoS() != 2 {
					t.Errorf("got %v", p)
				}
				c.Quiet()
			},
			Skip: map[Peer]string{Mosquitto: "it depends on the version"},
		},
		{
			Name: "subscribe/malformed", Clauses: "MQTT-3.8.1-1 MQTT-3.8.3-3 MQTT-3.8.3-4 MQTT-3.10.1-1 MQTT-3.10.3-2", Versions: []byte{4, 5},
			Ref:    "no filter at all, wrong flags and options that don't exist close the connection",
			Others: map[Peer]string{ActiveMQ: "accepts some of them"},
			Why:    "the standards demand it",
			Skip:   map[Peer]string{ActiveMQ: "there is nothing to wait for"},
			Run: func(t *testing.T, e *Env) {
				wrong := subscribe(e.Version, 1, nil, Filter{"a", 0})
				wrong[0] = SUBSCRIBE << 4
				wrongUnsubscribe := unsubscribe(e.Version, 1, "a")
				wrongUnsubscribe[0] = UNSUBSCRIBE << 4
				for what, p := range map[string][]byte{
					"no filter":         subscribe(e.Version, 1, nil),
					"no filter to end":  unsubscribe(e.Version, 1),
					"flags":             wrong,
					"flags to end":      wrongUnsubscribe,
					"QoS 3":             subscribe(e.Version, 1, nil, Filter{"a", 3}),
					"reserved options":  subscribe(e.Version, 1, nil, Filter{"a", 0xc0}),
					"identifier 0":      subscribe(e.Version, 0, nil, Filter{"a", 0}),
					"identifier 0, end": unsubscribe(e.Version, 0, "a"),
				} {
					c := e.Connect()
					_ = c.TryWrite(p)
					for _, p := range c.Closed() {
						if p.Type != DISCONNECT || e.Version < 5 {
							t.Errorf("%s: got %v", what, p)
						}
					}
				}
			},
		},
		{
			Name: "subscribe/unsubscribe", Clauses: "MQTT-3.10.4-1 MQTT-3.10.4-2 MQTT-3.10.4-4 MQTT-3.10.4-5 MQTT-3.10.4-6 MQTT-3.11.3-1",
			Ref: "UNSUBSCRIBE ends exactly the filters that it names, and is answered also where there were none",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe(Filter{e.Topic("/a"), 1}, Filter{e.Topic("/b"), 1}, Filter{e.Topic("/+/x"), 1})
				codes := c.Unsub(e.Topic("/a"), e.Topic("/none"), e.Topic("/+"))
				if e.Version == 5 && codes != "\x00\x11\x11" {
					t.Errorf("got %x", codes)
				}
				c.Pub(e.Topic("/a"), "a")
				c.Pub(e.Topic("/b"), "b")
				c.Pub(e.Topic("/c/x"), "c")
				c.Want("b c")
				c.Quiet()
			},
		},
		{
			Name: "subscribe/denied", Login: true, Clauses: "MQTT-3.9.3-2", Versions: []byte{4, 5},
			Ref: "a subscription without the right is refused: 0x80, in version 5 0x87; the others of the packet hold",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				want := "\x01\x80"
				if e.Version == 5 {
					want = "\x01\x87"
				}
				if got := c.Subscribe(Filter{e.Topic(""), 1}, Filter{"forbidden/" + e.unique, 1}); got != want {
					t.Errorf("got %x, want %x", got, want)
				}
				c.Pub(e.Topic(""), "x")
				c.Want("x")
			},
		},
		{
			Name: "subscribe/denied-publish", Login: true, Clauses: "MQTT-3.3.5-2",
			Ref: "a PUBLISH without the right reaches nobody; version 5 says so with 0x87, the others acknowledge it",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				code := c.Put(Message{Topic: "forbidden/" + e.unique, Payload: "x", QoS: 1})
				if e.Version == 5 && code != 0x87 || e.Version < 5 && code != 0 {
					t.Errorf("got %#x", code)
				}
				code = c.Put(Message{Topic: "forbidden/" + e.unique, Payload: "x", QoS: 2})
				if e.Version == 5 && code != 0x87 || e.Version < 5 && code != 0 {
					t.Errorf("got %#x", code)
				}
				c.Quiet()
			},
		},
	}
}

func filterScenarios() []Scenario {
	matching := []struct{ filter, matched, not string }{
		{"/a", "/a", "/A /a/ //a /a/b"},
		{"/+", "/a /", "/a/b /a/"},
		{"/+/b", "/a/b //b", "/b /a/b/c /a/c"},
		{"/#", " / /a /a/b //", ""},
		{"/a/#", "/a /a/ /a/b /a/b/c", "/ab /b"},
		{"/+/#", "/ /a /a/b", ""},
		{"/a/+/c/#", "/a/b/c /a//c/d", "/a/c /a/b/d"},
		{"/a.b/+", "/a.b/c", "/a/b/c /a.b.c"},
		{"/a b/ü", "/a b/ü", "/ab/ü"},
	}
	var list []Scenario
	for i, m := range matching {
		list = append(list, Scenario{
			Name: fmt.Sprintf("filter/matches-%d", i+1), Versions: []byte{4}, Clauses: "MQTT-4.7.1-2 MQTT-4.7.1-3 MQTT-4.7.3-4",
			Ref: "the filter t" + m.filter + " matches t" + strings.ReplaceAll(m.matched, " /", ", t/") + " and not t" + strings.ReplaceAll(m.not, " /", ", t/"),
			Run: func(t *testing.T, e *Env) {
				c, writer := e.Connect(), e.Connect()
				c.Sub(e.Topic(m.filter), 1)
				split := func(list string) []string {
					list = strings.ReplaceAll(list, "a b", "a\x01b")
					parts := strings.Split(list, " ")
					for i := range parts {
						parts[i] = strings.ReplaceAll(parts[i], "\x01", " ")
					}
					return parts
				}
				if m.not != "" {
					for _, name := range split(m.not) {
						writer.Pub(e.Topic(name), "no")
					}
				}
				for _, name := range split(m.matched) {
					writer.Pub(e.Topic(name), "yes")
					if p := c.Message(); p.Topic != e.Topic(name) || p.Payload != "yes" {
						t.Errorf("got %v for %s", p, name)
					}
				}
				c.Quiet()
			},
		})
	}
	return append(list, Scenario{
		Name: "filter/invalid", Clauses: "MQTT-4.7.1-2 MQTT-4.7.1-3 MQTT-4.7.3-1", Versions: []byte{4, 5},
		Ref: "a filter that can't be is refused: 0x80, in version 5 0x8F, or closes the connection",
		Run: func(t *testing.T, e *Env) {
			for _, filter := range []string{"", "a#", "a/#/b", "a+", "+a/b", "#/a", "a/b#"} {
				c := e.Connect()
				c.Write(subscribe(e.Version, 1, nil, Filter{filter, 0}))
				p, err := c.read()
				if err != nil || p.Type == DISCONNECT {
					continue
				}
				if p.Type != SUBACK || p.Codes != "\x80" && p.Codes != "\x8f" {
					t.Errorf("%q: got %v", filter, p)
				}
			}
		},
	})
}
