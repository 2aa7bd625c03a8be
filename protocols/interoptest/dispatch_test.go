package interoptest

import (
	"slices"
)

func dispatchScenarios() []scenario {
	return []scenario{
		{
			name: "dispatch/round-robin", about: "consumers of a queue take turns", needs: []feature{queues},
			run: func(e *env) {
				a, b := e.open().consume(e.queue(), consuming{}), e.open().consume(e.queue(), consuming{})
				e.send(e.open(), e.queue(), numbers(1, 6)...)
				want(e.T, a, "1", "3", "5")
				want(e.T, b, "2", "4", "6")
			},
		},
		{
			name: "dispatch/consumer-priority", about: "a consumer of higher priority gets all as long as it has room", needs: []feature{options},
			run: func(e *env) {
				low := e.open().consume(e.queue(), consuming{})
				high := e.open().consume(e.queue(), consuming{priority: 5})
				e.send(e.open(), e.queue(), numbers(1, 4)...)
				want(e.T, high, numbers(1, 4)...)
				wantNothing(e.T, low)
			},
		},
		{
			name: "dispatch/priority-full", about: "what a consumer of higher priority has no room for goes to others", needs: []feature{options, prefetches},
			run: func(e *env) {
				low := e.open().consume(e.queue(), consuming{})
				e.open().consume(e.queue(), consuming{priority: 5, prefetch: 2, unacknowledged: true})
				e.send(e.open(), e.queue(), numbers(1, 4)...)
				want(e.T, low, "3", "4")
			},
		},
		{
			name: "dispatch/exclusive", about: "of exclusive consumers the first gets all, and the next when it has gone", needs: []feature{options},
			run: func(e *env) {
				first := e.open()
				a := first.consume(e.queue(), consuming{exclusive: true})
				b := e.open().consume(e.queue(), consuming{exclusive: true})
				c := e.open()
				e.send(c, e.queue(), "1", "2")
				want(e.T, a, "1", "2")
				wantNothing(e.T, b)
				a.close()
				e.send(c, e.queue(), "3")
				want(e.T, b, "3")
			},
		},
		{
			name: "dispatch/exclusive-takes-over", about: "an exclusive consumer takes over from others", needs: []feature{options},
			run: func(e *env) {
				others := e.open().consume(e.queue(), consuming{})
				c := e.open()
				e.send(c, e.queue(), "1")
				want(e.T, others, "1")
				exclusive := e.open().consume(e.queue(), consuming{exclusive: true})
				e.send(c, e.queue(), "2", "3")
				want(e.T, exclusive, "2", "3")
				wantNothing(e.T, others)
			},
		},
		{
			name: "dispatch/groups", about: "the messages of a group go to one consumer, in order, and groups spread over consumers",
			needs: []feature{queues, types},
			run: func(e *env) {
				a, b := e.open().consume(e.queue(), consuming{}), e.open().consume(e.queue(), consuming{})
				c := e.open()
				for i, s := range numbers(1, 12) {
					c.send(e.queue(), message{text: s, group: []string{"x", "y", "y", "x"}[i%4], durable: true})
				}
				x, y := []string{"1", "4", "5", "8", "9", "12"}, []string{"2", "3", "6", "7", "10", "11"}
				want(e.T, a, x...)
				want(e.T, b, y...)
			},
		},
		{
			name: "dispatch/group-owner-leaves", about: "when a group's consumer leaves, another takes it over", needs: []feature{queues, types},
			run: func(e *env) {
				first := e.open()
				a := first.consume(e.queue(), consuming{})
				c := e.open()
				c.send(e.queue(), message{text: "1", group: "g", durable: true})
				want(e.T, a, "1")
				b := e.open().consume(e.queue(), consuming{})
				c.send(e.queue(), message{text: "2", group: "g", durable: true})
				want(e.T, a, "2")
				e.sync(first, a)
				a.close()
				c.send(e.queue(), message{text: "3", group: "g", durable: true})
				want(e.T, b, "3")
			},
		},
		{
			name: "dispatch/group-closed", about: "a negative sequence number closes a group: its next message may go to another consumer",
			needs: []feature{queues, types},
			run: func(e *env) {
				a, b := e.open().consume(e.queue(), consuming{}), e.open().consume(e.queue(), consuming{})
				c := e.open()
				for _, m := range []message{{text: "1"}, {text: "2", seq: -1}, {text: "3"}} {
					m.group, m.durable = "g", true
					c.send(e.queue(), m)
				}
				want(e.T, a, "1", "2")
				want(e.T, b, "3")
			},
		},
		{
			name: "dispatch/prefetch", about: "a consumer has no more messages under way than its prefetch allows", needs: []feature{queues, prefetches},
			only: "OpenWire|AMQP|STOMP", // Paho's client gives no limit for itself
			run: func(e *env) {
				first := e.open()
				a := first.consume(e.queue(), consuming{prefetch: 2, unacknowledged: true})
				c := e.open()
				e.send(c, e.queue(), numbers(1, 6)...)
				b := e.open().consume(e.queue(), consuming{})
				want(e.T, b, "3", "4", "5", "6")
				want(e.T, a, "1", "2")
			},
		},
		{
			name: "dispatch/prefetch-goes-on", about: "acknowledgements make room for more", needs: []feature{queues, prefetches},
			only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				e.send(e.open(), e.queue(), numbers(1, 10)...)
				want(e.T, e.open().consume(e.queue(), consuming{prefetch: 2, unacknowledged: true}), numbers(1, 10)...)
			},
		},
		{
			name: "dispatch/many-unacknowledged", about: "a consumer may gather hundreds of messages before it acknowledges", needs: []feature{queues, releases},
			activeMQ: "pages in 200 messages and stalls there until some are acknowledged",
			why:      "a consumer that gathers a batch before it acknowledges would wait for ever",
			only:     "OpenWire",
			run: func(e *env) {
				c := e.open()
				for _, s := range numbers(1, 300) {
					c.send(e.queue(), message{text: s})
				}
				k := e.open().consume(e.queue(), consuming{unacknowledged: true, prefetch: 1000})
				n := 300
				if e.b.activeMQ {
					n = 200
				}
				var got []string
				for range n {
					got = append(got, take(e.T, k).text)
				}
				wantNothing(e.T, k)
				if !slices.Equal(got, numbers(1, n)) {
					e.Errorf("got %q", got)
				}
			},
		},
	}
}
