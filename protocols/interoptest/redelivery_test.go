package interoptest

func redeliveryScenarios() []scenario {
	return []scenario{
		{
			name: "redelivery/closed", about: "what a connection that ends has not acknowledged comes again, flagged where the protocol does so; what it has does not",
			needs: []feature{queues},
			run:   func(e *env) { e.unacknowledged(client.close) },
		},
		{
			name: "redelivery/cut", about: "the same where the connection breaks", needs: []feature{queues},
			run: func(e *env) { e.unacknowledged(client.cut) },
		},
		{
			name: "redelivery/consumer", about: "the same where only the consumer ends", needs: []feature{queues}, only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2", "3")
				k := c.consume(e.queue(), consuming{unacknowledged: true})
				k.ack(take(e.T, k))
				take(e.T, k)
				k.close()
				r := take(e.T, c.consume(e.queue(), consuming{}))
				if r.text != "2" || r.redelivered != e.flagged() {
					e.Errorf("got %q, redelivered: %t", r.text, r.redelivered)
				}
			},
		},
		{
			name: "redelivery/unseen", about: "what was prefetched and not seen comes again without a flag", only: "OpenWire",
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2", "3")
				k := c.consume(e.queue(), consuming{unacknowledged: true})
				k.ack(take(e.T, k))
				k.close()
				for _, r := range want(e.T, c.consume(e.queue(), consuming{}), "2", "3") {
					if r.redelivered {
						e.Errorf("%s is flagged", r.text)
					}
				}
			},
		},
		{
			name: "redelivery/order", about: "what is given back comes before what was sent later", needs: []feature{queues}, only: "OpenWire|AMQP|STOMP",
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2")
				k := c.consume(e.queue(), consuming{unacknowledged: true})
				take(e.T, k)
				take(e.T, k)
				e.send(c, e.queue(), "3")
				c.close()
				want(e.T, e.open().consume(e.queue(), consuming{}), "1", "2", "3")
			},
		},
		{
			name: "redelivery/released", about: "a message that its consumer gives back as failed comes again to it, flagged and counted",
			needs: []feature{releases},
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1")
				k := c.consume(e.queue(), consuming{unacknowledged: true})
				for count := range 3 {
					r := take(e.T, k)
					if r.text != "1" || r.count != count+1 || r.redelivered != (count > 0) {
						e.Fatalf("delivery %d: %q, count %d, redelivered %t", count+1, r.text, r.count, r.redelivered)
					}
					if count < 2 {
						k.release(r)
					} else {
						k.ack(r)
					}
				}
				c.close()
				wantNothing(e.T, e.open().consume(e.queue(), consuming{}))
			},
		},
		{
			name: "redelivery/dead-letter", about: "a persistent message that can't be handled goes to ActiveMQ.DLQ, with its properties and where it was",
			needs: []feature{rejections},
			run: func(e *env) {
				c, dead := e.open(), e.dead()
				k := c.consume(e.queue(), consuming{rejecting: true})
				c.send(e.queue(), e.mark(message{text: "1", durable: true, correlation: "c-1"}))
				k.reject(take(e.T, k))
				r := want(e.T, dead, "1")[0]
				if r.correlation != "c-1" || r.properties["originalExpiration"] != "0" {
					e.Errorf("the dead letter is %+v", r)
				}
			},
		},
		{
			name: "redelivery/dead-letter-next", about: "what comes behind a message that is rejected is delivered", needs: []feature{rejections},
			run: func(e *env) {
				c, dead := e.open(), e.dead()
				k := c.consume(e.queue(), consuming{rejecting: true})
				for _, s := range []string{"1", "2"} {
					c.send(e.queue(), e.mark(message{text: s, durable: true}))
				}
				if r := take(e.T, k); r.text != "1" {
					e.Fatalf("got %q", r.text)
				} else {
					k.reject(r)
				}
				want(e.T, dead, "1")
				if r := take(e.T, k); r.text != "2" {
					e.Errorf("got %q", r.text)
				}
			},
		},
		{
			name: "redelivery/individual-dead-letter", about: "with an individual strategy dead letters have a queue of their own", needs: []feature{rejections},
			run: func(e *env) {
				q := queue("individual." + e.unique)
				c := e.open()
				k := c.consume(q, consuming{rejecting: true})
				c.send(q, message{text: "1", durable: true})
				k.reject(take(e.T, k))
				want(e.T, e.open().consume(queue("DLQ."+q.name), consuming{}), "1")
			},
		},
		{
			name: "redelivery/dead-letter-non-persistent", about: "a non-persistent message that can't be handled is dropped", needs: []feature{rejections},
			run: func(e *env) {
				c, dead := e.open(), e.dead()
				k := c.consume(e.queue(), consuming{rejecting: true})
				c.send(e.queue(), e.mark(message{text: "gone"}))
				k.reject(take(e.T, k))
				c.send(e.queue(), e.mark(message{text: "kept", durable: true}))
				k.reject(take(e.T, k))
				want(e.T, dead, "kept")
				k.close()
				wantNothing(e.T, e.open().consume(e.queue(), consuming{}))
			},
		},
		{
			name: "redelivery/maximum", about: "after the client's maximum of redeliveries a message goes to ActiveMQ.DLQ", only: "OpenWire",
			run: func(e *env) {
				c, dead := openJMS(e.T, e.b, "", 2), e.dead()
				k := c.consume(e.queue(), consuming{transacted: true})
				c.send(e.queue(), e.mark(message{text: "1", durable: true}))
				for count := range 3 {
					if r := take(e.T, k); r.count != count+1 {
						e.Errorf("count %d, want %d", r.count, count+1)
					}
					c.rollback()
				}
				want(e.T, dead, "1")
				wantNothing(e.T, k)
			},
		},
		{
			name: "redelivery/durable", about: "a durable subscription gets again what it has not acknowledged, flagged",
			activeMQ: "does not flag it over STOMP", why: "the flag should be true to what happened",
			run: func(e *env) {
				c := e.openAs("")
				k := c.consume(e.topic(), consuming{durable: "d", unacknowledged: true})
				e.send(e.open(), e.topic(), "1", "2")
				k.ack(take(e.T, k))
				take(e.T, k)
				e.sync(c, k)
				c.close()
				r := take(e.T, e.openAs("").consume(e.topic(), consuming{durable: "d"}))
				flagged := !e.b.activeMQ || e.p.name != stomp12().name
				if r.text != "2" || r.redelivered != flagged {
					e.Errorf("got %q, redelivered: %t", r.text, r.redelivered)
				}
			},
		},
	}
}

// unacknowledged has a connection end while one of its messages is acknowledged, one not, and one perhaps not seen.
func (e *env) unacknowledged(end func(client)) {
	e.Helper()
	c := e.open()
	e.send(c, e.queue(), "1", "2", "3")
	k := c.consume(e.queue(), consuming{unacknowledged: true})
	k.ack(take(e.T, k))
	if r := take(e.T, k); r.text != "2" || r.redelivered {
		e.Fatalf("got %q, redelivered: %t", r.text, r.redelivered)
	}
	e.sync(c, k)
	end(c)
	again := e.open().consume(e.queue(), consuming{})
	r := want(e.T, again, "2", "3")[0]
	if r.redelivered != e.flagged() {
		e.Errorf("redelivered: %t", r.redelivered)
	}
	wantNothing(e.T, again)
}
