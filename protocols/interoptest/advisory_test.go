package interoptest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/server"
)

// TestAdvisoriesAsJSON subscribes to advisory topics by each protocol that has no commands of its own for them.
func TestAdvisoriesAsJSON(t *testing.T) {
	t.Parallel()
	b := manifold(t, brokertest.With(func(o *server.Options) {
		o.Policies = []policy.Entry{{Match: ">", Values: []policy.Value{{Name: "all", Set: func(p *policy.Policy) {
			p.Advisories, p.Limits.Messages, p.FailIfNoSpace, p.AdvisoryBody = ^policy.Advisories(0), 2, true, true
		}}}}}
	}))
	stomp := stomp12()
	put := func(c client, name string) { c.send(queue(name), text("body")) }
	get := func(c client, name string) { take(t, c.consume(queue(name), consuming{})) }
	for _, x := range []struct {
		topic string // what is subscribed to
		cause func(c client)
		is    string   // name of the JSON's only member; empty: it is the message itself
		holds []string // parts of it
	}{
		{"Consumer.Queue.json.a", func(c client) { c.consume(queue("json.a"), consuming{}) }, "ConsumerInfo", []string{`"json.a"`, `"consumerId"`}},
		{"NoConsumer.Queue.json.b", func(c client) { put(c, "json.b") }, "", []string{"body"}},
		{"MessageDelivered.Queue.json.c", func(c client) { put(c, "json.c") }, "ActiveMQMessage", []string{`"text":"body"`, `"messageId"`}},
		{"MessageDispatched.Queue.json.d", func(c client) { put(c, "json.d"); get(c, "json.d") }, "ActiveMQMessage", []string{`"json.d"`}},
		{"MessageConsumed.Queue.json.e", func(c client) { put(c, "json.e"); get(c, "json.e") }, "ActiveMQMessage", []string{`"json.e"`}},
		{"Connection", func(client) { stomp.open(t, b, "newcomer") }, "ConnectionInfo", []string{`"newcomer"`}},
		{"Queue", func(c client) { put(c, "json.created") }, "DestinationInfo", []string{`"json.created"`}},
	} {
		t.Run(x.topic, func(t *testing.T) {
			var listeners []consumer
			protocols := []protocol{stomp, amqp10(), mqtt311(), mqtt5()}
			for _, p := range protocols {
				listeners = append(listeners, p.open(t, b, "").consume(topic("ActiveMQ.Advisory."+x.topic), consuming{}))
			}
			x.cause(stomp.open(t, b, ""))
			for i, p := range protocols {
				r := take(t, listeners[i])
				for !strings.Contains(r.text, x.holds[0]) { // what the broker tells of what was there before may come first
					r = take(t, listeners[i])
				}
				var v map[string]json.RawMessage
				if x.is != "" && (json.Unmarshal([]byte(r.text), &v) != nil || len(v) != 1 || v[x.is] == nil) {
					t.Errorf("%s: %s is not %s", p.name, r.text, x.is)
				}
				for _, part := range x.holds {
					if !strings.Contains(r.text, part) {
						t.Errorf("%s: %s does not hold %s", p.name, r.text, part)
					}
				}
				if p.name == stomp.name && x.is != "" && (r.properties["transformation"] != "jms-advisory-json" || r.properties["type"] != "Advisory") {
					t.Errorf("STOMP: %v", r.properties)
				}
			}
		})
	}
}

// TestConsumersAreAnnounced lets a client of each protocol consume, and end, and cut its connection.
func TestConsumersAreAnnounced(t *testing.T) {
	t.Parallel()
	b := manifold(t)
	for i, p := range protocolList() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprint("announced.", i)
			news := stomp12().open(t, b, "").consume(topic("ActiveMQ.Advisory.Consumer.Topic."+name), consuming{})
			next := func(what, count string) {
				t.Helper()
				r := take(t, news)
				if !strings.HasPrefix(r.text, `{"`+what+`":{`) || fmt.Sprint(r.properties["consumerCount"]) != count {
					t.Fatalf("%s, with %v consumers; want %s with %s", r.text, r.properties["consumerCount"], what, count)
				}
			}
			first, second := p.open(t, b, ""), p.open(t, b, "")
			first.consume(topic(name), consuming{})
			next("ConsumerInfo", "1")
			k := second.consume(topic(name), consuming{})
			next("ConsumerInfo", "2")
			first.cut()
			next("RemoveInfo", "1")
			k.close()
			second.close()
			next("RemoveInfo", "0")
			wantNothing(t, news)
		})
	}
}

// TestProducersOfAMQPAreAnnounced opens links to a queue, as which ActiveMQ has producers, and ends one in each way. The producers
// that other protocols send by are none of their clients'.
func TestProducersOfAMQPAreAnnounced(t *testing.T) {
	t.Parallel()
	b := manifold(t)
	stomp := stomp12()
	news := stomp.open(t, b, "").consume(topic("ActiveMQ.Advisory.Producer.Queue.made"), consuming{})
	next := func(from consumer, what, count string) {
		t.Helper()
		r := take(t, from)
		if !strings.HasPrefix(r.text, `{"`+what+`":{`) || fmt.Sprint(r.properties["producerCount"]) != count {
			t.Fatalf("%s, with %v producers; want %s with %s", r.text, r.properties["producerCount"], what, count)
		}
	}
	stomp.open(t, b, "").send(queue("made"), text("not a producer"))
	first, second := openAMQP(t, b, ""), openAMQP(t, b, "")
	first.send(queue("made"), text("a"))
	next(news, "ProducerInfo", "1")
	second.send(queue("made"), text("b"))
	next(news, "ProducerInfo", "2")
	late := stomp.open(t, b, "").consume(topic("ActiveMQ.Advisory.Producer.Queue.made"), consuming{})
	next(late, "ProducerInfo", "2")
	next(late, "ProducerInfo", "2")
	first.cut()
	next(news, "RemoveInfo", "1")
	second.must(second.senders[queue("made").qualified()].Close(second.ctx()))
	next(news, "RemoveInfo", "0")
	next(late, "RemoveInfo", "1")
	next(late, "RemoveInfo", "0")
	wantNothing(t, news)
}
