package interoptest

import (
	"fmt"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
)

// policyScenarios are what policies make of messages; see policies and activeMQPolicies.
func policyScenarios() []scenario {
	return []scenario{
		{
			name: "policy/lowest-priority", about: "a slow subscriber loses the oldest messages of the lowest priority, where the policy says so",
			needs: []feature{prefetches, priorities}, only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				t := topic("lowest." + e.unique)
				k := e.open().consume(t, consuming{prefetch: 2, unacknowledged: true})
				c := e.open()
				for i, s := range numbers(1, 10) {
					m := text(s)
					m.priority = uint8([]int{4, 4, 9, 1, 9, 1, 9, 1, 4, 1}[i])
					c.send(t, m)
				}
				want(e.T, k, "1", "2", "3", "5", "7")
			},
		},
		{
			name: "policy/unique-property", about: "of messages with the same value of a property a slow subscriber gets the latest",
			needs: []feature{prefetches, properties}, only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				t := topic("unique." + e.unique)
				k := e.open().consume(t, consuming{prefetch: 2, unacknowledged: true})
				c := e.open()
				for i, s := range numbers(1, 10) {
					m := text(s)
					m.properties = []pair{{"symbol", []string{"a", "b", "c"}[i%3]}}
					c.send(t, m)
				}
				list := want(e.T, k, "1", "2")
				last := map[string]string{}
				for range 3 {
					r := take(e.T, k)
					k.ack(r)
					list = append(list, r)
					last[r.text] = r.text
				}
				for _, s := range numbers(8, 10) {
					if last[s] == "" {
						e.Errorf("%s did not come: %v", s, last)
					}
				}
				wantNothing(e.T, k)
			},
		},
		{
			name: "policy/duplicates", about: "a message whose identifier the destination remembers is confirmed and dropped", ours: true,
			needs: []feature{queues, properties},
			run: func(e *env) {
				q := queue("once." + e.unique)
				c, other := e.open(), e.open()
				for _, s := range []string{"1", "2", "1", "3", "2"} {
					c.send(q, message{text: s, durable: true, properties: []pair{{"_AMQ_DUPL_ID", e.unique + s}}})
				}
				other.send(q, message{text: "1", durable: true, properties: []pair{{"_AMQ_DUPL_ID", e.unique + "1"}}})
				want(e.T, other.consume(q, consuming{}), "1", "2", "3")
			},
		},
		{
			name: "policy/discard-oldest", about: "a queue beyond its limit drops the messages that wait longest", ours: true, needs: []feature{queues},
			run: func(e *env) {
				q := queue("dropping." + e.unique)
				c := e.open()
				e.send(c, q, numbers(1, 9)...)
				want(e.T, c.consume(q, consuming{}), "7", "8", "9")
			},
		},
		{
			name: "policy/discard-new", about: "a queue at its limit confirms and drops what comes", ours: true, needs: []feature{queues},
			run: func(e *env) {
				q := queue("refusing." + e.unique)
				c := e.open()
				e.send(c, q, numbers(1, 9)...)
				want(e.T, c.consume(q, consuming{}), "1", "2", "3")
			},
		},
		{
			name: "policy/blocked", about: "a producer waits at a queue's limit, its connection says why and how to go on, and it goes on when there is space", ours: true,
			needs: []feature{queues},
			run: func(e *env) {
				q := queue("full." + e.unique)
				c := e.open()
				done := make(chan struct{})
				go func() {
					defer close(done)
					e.send(c, q, numbers(1, 8)...)
				}()
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for timeout := time.After(patience); !e.waits("full." + e.unique); {
					select {
					case <-tick.C:
					case <-timeout:
						e.Fatal("nobody waits")
					}
				}
				want(e.T, e.open().consume(q, consuming{}), numbers(1, 8)...)
				<-done
			},
		},
		{
			name: "policy/long-groups", about: "a group with a name as long as the protocol takes is a group like others", ours: true,
			needs: []feature{queues, types},
			run: func(e *env) {
				q := e.queue()
				c := e.open()
				group := strings.Repeat("g", 8000) // STOMP bounds a header's line
				if e.p.name == "AMQP 1.0" {
					group = strings.Repeat("g", 1<<20)
				}
				for i := range 6 {
					c.send(q, message{text: fmt.Sprint(i), durable: true, group: group + fmt.Sprint(i%2)})
				}
				first, second := e.open().consume(q, consuming{}), e.open().consume(q, consuming{})
				if got := drain(6, first, second); len(got[0])+len(got[1]) != 6 {
					e.Errorf("got %q", got)
				}
			},
		},
	}
}

// waits reports whether a producer waits for a queue, with its reason and the way out.
func (e *env) waits(name string) bool {
	found := false
	e.broker.Core().Connections(func(c *broker.Connection) {
		b := c.Blockage()
		found = found || b.Limit == "destination" && strings.Contains(b.Reason, name) && strings.Contains(b.WayOut, "limits.messages")
	})
	return found
}
