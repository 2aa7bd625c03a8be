package interoptest

func topicScenarios() []scenario {
	return []scenario{
		{
			name: "topic/fan-out", about: "every subscriber gets every message, in order",
			run: func(e *env) {
				a, b := e.open().consume(e.topic(), consuming{}), e.open().consume(e.topic(), consuming{})
				e.send(e.open(), e.topic(), numbers(1, 20)...)
				want(e.T, a, numbers(1, 20)...)
				want(e.T, b, numbers(1, 20)...)
			},
		},
		{
			name: "topic/present", about: "a subscriber gets what is sent while it is there",
			run: func(e *env) {
				c := e.open()
				e.send(c, e.topic(), "before")
				k := e.open().consume(e.topic(), consuming{})
				e.send(c, e.topic(), "1")
				want(e.T, k, "1")
				k.close()
				e.send(c, e.topic(), "between")
				k = e.open().consume(e.topic(), consuming{})
				e.send(c, e.topic(), "2")
				want(e.T, k, "2")
			},
		},
		{
			name: "topic/kind", about: "a topic and a queue of one name have nothing to do with each other", needs: []feature{queues},
			run: func(e *env) {
				t, q := e.open().consume(e.topic(), consuming{}), e.open().consume(e.queue(), consuming{})
				c := e.open()
				e.send(c, e.topic(), "t")
				e.send(c, e.queue(), "q")
				want(e.T, t, "t")
				want(e.T, q, "q")
				wantNothing(e.T, q)
			},
		},
		{
			name: "topic/wildcards", about: "* stands for one level, > for all that follow, none included",
			run: func(e *env) {
				one, all := e.open().consume(e.topic(".*"), consuming{}), e.open().consume(e.topic(".>"), consuming{})
				c := e.open()
				for _, name := range []string{"", ".a", ".a.b", ".c"} {
					e.send(c, e.topic(name), "to"+name)
				}
				want(e.T, one, "to.a", "to.c")
				want(e.T, all, "to", "to.a", "to.a.b", "to.c")
			},
		},
		{
			name: "topic/selector", about: "a subscriber with a selector gets what matches", needs: []feature{selectors},
			run: func(e *env) {
				k := e.open().consume(e.topic(), consuming{selector: "n >= 2"})
				c := e.open()
				for i, s := range numbers(1, 3) {
					c.send(e.topic(), message{text: s, properties: []pair{{"n", int32(i + 1)}}})
				}
				want(e.T, k, "2", "3")
			},
		},
		{
			name: "topic/no-local", about: "with no-local a subscriber gets nothing that its own connection sends", needs: []feature{noLocals},
			run: func(e *env) {
				c := e.open()
				k := c.consume(e.topic(), consuming{noLocal: true})
				e.send(c, e.topic(), "own")
				e.send(e.open(), e.topic(), "another's")
				want(e.T, k, "another's")
			},
		},
		{
			name: "topic/durable", about: "a durable subscription keeps what comes while its client is away, in order, and gives it once",
			run: func(e *env) {
				c := e.openAs("")
				k := c.consume(e.topic(), consuming{durable: "d"})
				s := e.open()
				e.send(s, e.topic(), "1", "2")
				want(e.T, k, "1", "2")
				e.sync(c, k)
				c.close()
				e.send(s, e.topic(), numbers(3, 12)...)
				c = e.openAs("")
				k = c.consume(e.topic(), consuming{durable: "d"})
				want(e.T, k, numbers(3, 12)...)
				e.sync(c, k)
				c.close()
				e.send(s, e.topic(), "13")
				want(e.T, e.openAs("").consume(e.topic(), consuming{durable: "d"}), "13")
			},
		},
		{
			name: "topic/durable-cut", about: "the same when its connection breaks",
			run: func(e *env) {
				c := e.openAs("")
				c.consume(e.topic(), consuming{durable: "d"})
				c.cut()
				s := e.open()
				e.send(s, e.topic(), "1", "2")
				want(e.T, e.openAs("").consume(e.topic(), consuming{durable: "d"}), "1", "2")
			},
		},
		{
			name: "topic/durable-selector", about: "a durable subscription with a selector keeps what matches", needs: []feature{selectors},
			run: func(e *env) {
				o := consuming{durable: "d", selector: "n = 1"}
				c := e.openAs("")
				c.consume(e.topic(), o)
				c.close()
				s := e.open()
				for i, text := range numbers(1, 6) {
					s.send(e.topic(), message{text: text, durable: true, properties: []pair{{"n", int32(i % 2)}}})
				}
				want(e.T, e.openAs("").consume(e.topic(), o), "2", "4", "6")
			},
		},
		{
			name: "topic/durable-wildcard", about: "a durable subscription may be of a pattern",
			run: func(e *env) {
				c := e.openAs("")
				c.consume(e.topic(".>"), consuming{durable: "d"})
				c.close()
				s := e.open()
				e.send(s, e.topic(".a"), "1")
				e.send(s, e.topic(".b.c"), "2")
				want(e.T, e.openAs("").consume(e.topic(".>"), consuming{durable: "d"}), "1", "2")
			},
		},
		{
			name: "topic/unsubscribe", about: "a durable subscription that was ended keeps nothing",
			run: func(e *env) {
				c := e.openAs("")
				k := c.consume(e.topic(), consuming{durable: "d"})
				k.close()
				c.unsubscribe(e.topic(), "d")
				c.close()
				s := e.open()
				e.send(s, e.topic(), "lost")
				k = e.openAs("").consume(e.topic(), consuming{durable: "d"})
				e.send(s, e.topic(), "1")
				want(e.T, k, "1")
			},
		},
		{
			name: "topic/virtual", about: "a message to a virtual topic goes to each queue that is there, once, and to the topic's subscribers",
			needs: []feature{queues},
			run: func(e *env) {
				t := topic("VirtualTopic." + e.unique)
				a := []consumer{
					e.open().consume(queue("Consumer.A."+t.name), consuming{}), e.open().consume(queue("Consumer.A."+t.name), consuming{}),
				}
				b, plain := e.open().consume(queue("Consumer.B."+t.name), consuming{}), e.open().consume(t, consuming{})
				e.send(e.open(), t, numbers(1, 4)...)
				want(e.T, b, numbers(1, 4)...)
				want(e.T, plain, numbers(1, 4)...)
				want(e.T, a[0], "1", "3")
				want(e.T, a[1], "2", "4")
			},
		},
		{
			name: "topic/virtual-publisher", about: "who sends to a virtual topic needs to know nothing of its queues", only: "MQTT",
			run: func(e *env) {
				// A consumer of the queue by another protocol, as MQTT clients have none without a prefix.
				t := topic("VirtualTopic." + e.unique)
				k := stomp12().open(e.T, e.b, "").consume(queue("Consumer.A."+t.name), consuming{})
				e.send(e.open(), t, "1", "2")
				want(e.T, k, "1", "2")
			},
		},
		{
			name: "topic/durable-non-persistent", about: "non-persistent messages wait for a durable subscriber too, as long as the broker runs",
			only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				c := e.openAs("")
				c.consume(e.topic(), consuming{durable: "d"})
				c.close()
				s := e.open()
				s.send(e.topic(), text("1"))
				s.send(e.topic(), text("2"))
				want(e.T, e.openAs("").consume(e.topic(), consuming{durable: "d"}), "1", "2")
			},
		},
		{
			name: "topic/recovery", about: "a topic that remembers its last messages gives them to a retroactive subscriber, and to no other", needs: []feature{options},
			run: func(e *env) {
				t := topic("remembering." + e.unique)
				c := e.open()
				e.send(c, t, "1", "2", "3")
				plain := e.open().consume(t, consuming{})
				k := e.open().consume(t, consuming{retroactive: true})
				e.send(c, t, "4")
				want(e.T, k, "2", "3", "4")
				want(e.T, plain, "4")
			},
		},
		{
			name: "topic/pending-limit", about: "beyond its prefetch and the limit of what may be pending, a slow subscriber loses the oldest messages",
			needs: []feature{prefetches}, only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				t := topic("limited." + e.unique)
				k := e.open().consume(t, consuming{prefetch: 2, unacknowledged: true})
				c := e.open()
				for _, s := range numbers(1, 20) {
					c.send(t, text(s))
				}
				want(e.T, k, "1", "2", "16", "17", "18", "19", "20")
			},
		},
		{
			name: "topic/retained", about: "the last message that was to be retained comes to who subscribes later",
			run: func(e *env) {
				c := e.open()
				for _, s := range []string{"old", "new"} {
					c.send(e.topic(), message{text: s, retain: true, durable: true})
				}
				k := e.open().consume(e.topic(), consuming{retroactive: true})
				want(e.T, k, "new")
				e.send(c, e.topic(), "later")
				want(e.T, k, "later")
			},
		},
	}
}
