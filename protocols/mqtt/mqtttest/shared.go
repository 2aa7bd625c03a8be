package mqtttest

import (
	"fmt"
	"testing"
)

func sharedScenarios() []Scenario {
	five := []byte{5}
	return []Scenario{
		{
			Name: "shared/each-once", Versions: five, Clauses: "MQTT-4.8.2-1 MQTT-4.8.2-3",
			Ref: "each message of a shared subscription goes to one member; other groups and plain subscriptions get their own",
			Run: func(t *testing.T, e *Env) {
				group := "$share/g-" + e.unique + "/"
				a, b, other, plain, writer := e.Connect(), e.Connect(), e.Connect(), e.Connect(), e.Connect()
				a.Sub(group+e.Topic("/#"), 1)
				b.Sub(group+e.Topic("/#"), 1)
				other.Sub("$share/h-"+e.unique+"/"+e.Topic("/#"), 1)
				plain.Sub(e.Topic("/+"), 1)
				words := ""
				for i := range 20 {
					writer.Pub(e.Topic("/t"), fmt.Sprint(i))
					words += fmt.Sprint(i, " ")
				}
				plain.Want(words)
				other.Want(words)
				got := map[string]int{}
				for _, c := range []*Client{a, b} {
					c.Sub(e.Topic("end"), 1)
					c.Pub(e.Topic("end"), "end")
					n := 0
					for p := c.Message(); p.Payload != "end"; p = c.Message() {
						got[p.Payload]++
						n++
					}
					c.Unsub(e.Topic("end"))
					if n == 0 {
						t.Error("a member got nothing")
					}
				}
				if len(got) != 20 {
					t.Errorf("%d different messages came: %v", len(got), got)
				}
			},
		},
		{
			Name: "shared/no-retained", Versions: five,
			Ref: "a shared subscription gets no retained messages when it begins",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Put(Message{Topic: e.Topic(""), Payload: "kept", QoS: 1, Retain: true})
				c.Sub("$share/g-"+e.unique+"/"+e.Topic(""), 1)
				c.Quiet()
				c.Pub(e.Topic(""), "live")
				c.Want("live")
				c.Put(Message{Topic: e.Topic(""), QoS: 1, Retain: true})
			},
			Others: map[Peer]string{Mosquitto: "version 2.0.11 sends them"},
			Why:    "the standard says so: a group that shares work would do it once more for each member",
			Skip:   map[Peer]string{Mosquitto: "it sends them"},
		},
		{
			Name: "shared/invalid", Versions: five, Clauses: "MQTT-4.8.2-1 MQTT-4.8.2-2 MQTT-3.8.3-4",
			Ref: "a share without a name or a filter, a name with wildcards, and no local are refused",
			Run: func(t *testing.T, e *Env) {
				for _, f := range []Filter{{"$share/g", 0}, {"$share//a", 0}, {"$share/g/", 0}, {"$share/+/a", 0}, {"$share/g#/a", 0}, {"$share/g/a", 4}} {
					c := e.Connect()
					c.Write(subscribe(5, 1, nil, f))
					p, err := c.read()
					if err == nil && !(p.Type == SUBACK && p.Codes == "\x8f" || p.Type == DISCONNECT && (p.Code == 0x82 || p.Code == 0x8f || p.Code == 0x81)) {
						t.Errorf("%v: got %v", f, p)
					}
				}
			},
			Skip: map[Peer]string{Mosquitto: "it lets some of them pass"},
		},
		{
			Name: "shared/member-leaves", Versions: five,
			Ref: "what a member had not acknowledged goes to another when its session ends",
			Run: func(_ *testing.T, e *Env) {
				filter := "$share/g-" + e.unique + "/" + e.Topic("")
				gone, writer := e.Connect(), e.Connect()
				gone.Sub(filter, 1)
				writer.Pub(e.Topic(""), "one")
				gone.Expect(PUBLISH)
				other := e.Connect()
				other.Sub(filter, 1)
				gone.Close()
				other.Want("one")
			},
			Others: map[Peer]string{Mosquitto: "loses it"},
			Why:    "the standard allows both for QoS 1; a queue that several share must not lose what nobody has handled",
			Skip:   map[Peer]string{Mosquitto: "it is lost"},
		},
	}
}
