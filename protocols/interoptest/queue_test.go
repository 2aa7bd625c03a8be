package interoptest

import (
	"slices"
	"strings"
)

func queueScenarios() []scenario {
	return []scenario{
		{
			name: "queue/order", about: "messages come in the order in which they were sent", needs: []feature{queues},
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), numbers(1, 30)...)
				want(e.T, e.open().consume(e.queue(), consuming{}), numbers(1, 30)...)
			},
		},
		{
			name: "queue/once", about: "what was acknowledged does not come again", needs: []feature{queues},
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2")
				k := c.consume(e.queue(), consuming{unacknowledged: true})
				want(e.T, k, "1", "2")
				e.sync(c, k)
				c.close()
				wantNothing(e.T, e.open().consume(e.queue(), consuming{}))
			},
		},
		{
			name: "queue/waiting", about: "messages wait for a consumer, and come before later ones", needs: []feature{queues},
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2")
				k := e.open().consume(e.queue(), consuming{})
				e.send(c, e.queue(), "3")
				want(e.T, k, "1", "2", "3")
			},
		},
		{
			name: "queue/mixed-persistence", about: "persistent and non-persistent messages of one producer keep one order", needs: []feature{queues},
			activeMQ: "keeps them in two", why: "the order of sending is what a queue promises",
			run: func(e *env) {
				c := e.open()
				for i, s := range numbers(1, 6) {
					c.send(e.queue(), message{text: s, durable: i%2 == 0})
				}
				k := e.open().consume(e.queue(), consuming{})
				if !e.b.activeMQ {
					want(e.T, k, numbers(1, 6)...)
					return
				}
				var odd, even []string
				for range 6 {
					s := take(e.T, k).text
					if strings.Contains("135", s) {
						odd = append(odd, s)
					} else {
						even = append(even, s)
					}
				}
				e.equal("persistent", odd, []string{"1", "3", "5"})
				e.equal("non-persistent", even, []string{"2", "4", "6"})
			},
		},
		{
			name: "queue/browse", about: "a browser sees what waits, in order, and takes nothing", needs: []feature{browsers},
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), numbers(1, 5)...)
				e.equal("browsed", c.browse(e.queue()), numbers(1, 5))
				want(e.T, c.consume(e.queue(), consuming{}), numbers(1, 5)...)
			},
		},
		{
			name: "queue/selector", about: "a consumer with a selector gets what matches, others the rest", needs: []feature{selectors},
			run: func(e *env) {
				c := e.open()
				for i, s := range numbers(1, 6) {
					c.send(e.queue(), message{text: s, durable: true, properties: []pair{{"n", int32(i + 1)}, {"colour", []string{"red", "blue"}[i%2]}}})
				}
				want(e.T, c.consume(e.queue(), consuming{selector: "n > 2 AND colour = 'red'"}), "3", "5")
				want(e.T, e.open().consume(e.queue(), consuming{}), "1", "2", "4", "6")
			},
		},
		{
			name: "queue/deep-selector", about: "a matching message is found behind hundreds of others", needs: []feature{selectors},
			activeMQ: "looks at the first 200 messages only", why: "a consumer must not starve on what others left",
			run: func(e *env) {
				c := e.open()
				for range 300 {
					c.send(e.queue(), message{text: "other", properties: []pair{{"n", int32(0)}}})
				}
				c.send(e.queue(), message{text: "wanted", properties: []pair{{"n", int32(1)}}})
				k := e.open().consume(e.queue(), consuming{selector: "n = 1"})
				if e.b.activeMQ {
					wantNothing(e.T, k)
					return
				}
				want(e.T, k, "wanted")
			},
		},
		{
			name: "queue/wildcard", about: "a consumer of a pattern gets from all queues that match, also from those that come later", only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(".a"), "1")
				k := e.open().consume(e.queue(".>"), consuming{})
				want(e.T, k, "1")
				e.send(c, e.queue(".b"), "2")
				want(e.T, k, "2")
				e.send(c, e.queue(".c.d"), "3")
				want(e.T, k, "3")
			},
		},
		{
			name: "queue/wildcard-level", about: "* stands for one level", only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(".*.x"), consuming{})
				e.send(c, e.queue(".a.b.x"), "too deep")
				e.send(c, e.queue(".a.x"), "1")
				e.send(c, e.queue(".b.x"), "2")
				want(e.T, k, "1", "2")
			},
		},
		{
			name: "queue/composite", about: "a message to a list of destinations goes to each", needs: []feature{composites},
			run: func(e *env) {
				c := e.open()
				t := e.open().consume(e.topic(".t"), consuming{})
				to := e.queue(".a")
				to.name += ",queue://" + e.queue(".b").name + ",topic://" + e.topic(".t").name
				e.send(c, to, "1", "2")
				want(e.T, t, "1", "2")
				want(e.T, e.open().consume(e.queue(".a"), consuming{}), "1", "2")
				want(e.T, e.open().consume(e.queue(".b"), consuming{}), "1", "2")
			},
		},
		{
			name: "queue/prioritized", about: "with prioritizedMessages higher priorities come first, in order of sending among equals",
			needs: []feature{priorities},
			run: func(e *env) {
				c, q := e.open(), queue("prioritized."+e.unique)
				for _, n := range []uint8{4, 9, 1, 5, 7, 4, 3} {
					c.send(q, message{text: numbers(int(n), int(n))[0], priority: n})
				}
				want(e.T, e.open().consume(q, consuming{}), "9", "7", "5", "4", "4", "3", "1")
			},
		},
		{
			name: "queue/priority-carried", about: "without it priorities change nothing of the order, and are told", needs: []feature{priorities},
			run: func(e *env) {
				c := e.open()
				for _, n := range []uint8{1, 9, 5} {
					c.send(e.queue(), message{text: numbers(int(n), int(n))[0], priority: n})
				}
				k := e.open().consume(e.queue(), consuming{})
				for _, n := range []string{"1", "9", "5"} {
					r := take(e.T, k)
					if r.text != n || !slices.ContainsFunc(r.facts, func(f string) bool {
						return strings.HasSuffix(strings.Trim(f, "`"), "priority "+n) || strings.HasSuffix(strings.Trim(f, "`"), "priority:"+n)
					}) {
						e.Errorf("got %q with %q, want priority %s", r.text, r.facts, n)
					}
				}
			},
		},
		{
			name: "queue/large", about: "a message of a megabyte arrives as it was sent", needs: []feature{queues},
			run: func(e *env) {
				body := strings.Repeat("Grüße 😀 ", 80_000)
				k := e.open().consume(e.queue(), consuming{})
				e.send(e.open(), e.queue(), body, "")
				if r := take(e.T, k); r.text != body {
					e.Errorf("%d octets arrived, want %d", len(r.text), len(body))
				}
				want(e.T, k, "")
			},
		},
		{
			name: "queue/shared-work", about: "of several consumers one gets each message", needs: []feature{queues},
			run: func(e *env) {
				var consumers []consumer
				for range 4 {
					consumers = append(consumers, e.open().consume(e.queue(), consuming{}))
				}
				e.send(e.open(), e.queue(), numbers(100, 199)...)
				var got []string
				for _, list := range drain(100, consumers...) {
					if !slices.IsSorted(list) {
						e.Errorf("out of order: %q", list)
					}
					got = append(got, list...)
				}
				slices.Sort(got)
				e.equal("what all got", got, numbers(100, 199))
			},
		},
		{
			name: "queue/paused", about: "a paused queue takes messages and delivers none until it is resumed", needs: []feature{queues}, ours: true,
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1")
				resume := e.pause(e.queue())
				k := e.open().consume(e.queue(), consuming{})
				e.send(c, e.queue(), "2")
				wantNothing(e.T, k)
				resume()
				want(e.T, k, "1", "2")
			},
		},
	}
}

// flagged reports whether a message that comes again to another consumer is flagged: MQTT flags what comes again to the same client.
func (e *env) flagged() bool { return !e.isMQTT() }

// sync makes sure that what a client has acknowledged has reached the broker: acknowledgements of some protocols are not answered,
// but what comes behind them is.
func (e *env) sync(c client, _ consumer) {
	e.Helper()
	if e.p.name == mqtt5().name {
		e.elapse(quiet) // its library sends acknowledgements when it pleases
	}
	c.send(topic("interop.sync"), text(""))
}
