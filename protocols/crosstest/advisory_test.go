package crosstest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
	"github.com/manifoldmq/manifold/protocols/server"
)

// TestAdvisoriesAsJSON subscribes to advisory topics by each protocol that has no commands of its own
// for them.
func TestAdvisoriesAsJSON(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{SysInterval: -1}), brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: ">", Values: []policy.Value{{Name: "all", Set: func(p *policy.Policy) {
			p.Advisories, p.Limits.Messages, p.FailIfNoSpace, p.AdvisoryBody = ^policy.Advisories(0), 2, true, true
		}}}}}
	}))
	w := &world{t, b, newMQTT(t, b, "sender"), newSTOMP(t, b), newAMQP(t, b)}
	for _, x := range []struct {
		topic string // what is subscribed to
		cause func(consumer stompPeer)
		is    string   // name of the JSON's only member; empty: it is the message itself
		holds []string // parts of it
	}{
		{"Consumer.Queue.json.a", func(c stompPeer) { c.Subscribe("1", "/queue/json.a") }, "ConsumerInfo", []string{`"json.a"`, `"consumerId"`}},
		{"NoConsumer.Queue.json.b", func(c stompPeer) { c.Put("/queue/json.b", "body") }, "", []string{"body"}},
		{"MessageDelivered.Queue.json.c", func(c stompPeer) { c.Put("/queue/json.c", "body") }, "ActiveMQMessage", []string{`"text":"body"`, `"messageId"`}},
		{"MessageDispatched.Queue.json.d", func(c stompPeer) { c.Put("/queue/json.d", "body"); c.Subscribe("2", "/queue/json.d"); c.Message() }, "ActiveMQMessage", []string{`"json.d"`}},
		{"MessageConsumed.Queue.json.e", func(c stompPeer) { c.Put("/queue/json.e", "body"); c.Subscribe("3", "/queue/json.e"); c.Message() }, "ActiveMQMessage", []string{`"json.e"`}},
		{"Connection", func(stompPeer) { newSTOMPAs(t, b, "newcomer") }, "ConnectionInfo", []string{`"newcomer"`}},
		{"Queue", func(c stompPeer) { c.Put("/queue/json.created", "m") }, "DestinationInfo", []string{`"json.created"`}},
	} {
		t.Run(x.topic, func(t *testing.T) {
			name := "ActiveMQ.Advisory." + x.topic
			w.mqtt = newMQTT(t, b, "listener "+x.topic)
			w.mqtt.subscribe(slashes(name))
			stomp, amqp := newSTOMP(t, b), newAMQP(t, b)
			stomp.Subscribe("listener", "/topic/"+name)
			receiver := amqp.receiver("topic://" + name)
			x.cause(newSTOMP(t, b))
			check := func(protocol, text string) {
				t.Helper()
				var v map[string]json.RawMessage
				switch {
				case x.is == "":
				case json.Unmarshal([]byte(text), &v) != nil || len(v) != 1 || v[x.is] == nil:
					t.Errorf("%s: %s is not %s", protocol, text, x.is)
				}
				for _, part := range x.holds {
					if !strings.Contains(text, part) {
						t.Errorf("%s: %s does not hold %s", protocol, text, part)
					}
				}
			}
			// What the broker tells of what was there before may come first.
			fits := func(text string) bool { return strings.Contains(text, x.holds[0]) }
			for {
				f := stomp.Message()
				if !fits(f.Body) {
					continue
				}
				check("STOMP", f.Body)
				if x.is != "" && (f.Get("transformation") != "jms-advisory-json" || f.Get("type") != "Advisory") {
					t.Errorf("STOMP: %v", f.Header)
				}
				break
			}
			for {
				p := w.mqtt.next(packet.Publish)
				if fits(string(p.Payload)) {
					check("MQTT", string(p.Payload))
					break
				}
			}
			for {
				m, err := receiver.Receive(deadline(t), nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := receiver.AcceptMessage(deadline(t), m); err != nil {
					t.Fatal(err)
				}
				text, _ := m.Value.(string)
				if fits(text) {
					check("AMQP", text)
					break
				}
			}
		})
	}
}
