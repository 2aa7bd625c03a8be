package interoptest

func transactionScenarios() []scenario {
	needs := []feature{transactions}
	return []scenario{
		{
			name: "transaction/commit", about: "what a transaction sends comes with its commit, not before, and in order", needs: needs,
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(), consuming{})
				c.begin()
				for _, s := range numbers(1, 3) {
					c.put(e.queue(), message{text: s, durable: true})
				}
				wantNothing(e.T, k)
				c.commit()
				want(e.T, k, numbers(1, 3)...)
			},
		},
		{
			name: "transaction/rollback", about: "what a transaction sends that is rolled back never comes", needs: needs,
			run: func(e *env) {
				c := e.open()
				k := e.open().consume(e.queue(), consuming{})
				c.begin()
				c.put(e.queue(), message{text: "lost", durable: true})
				c.rollback()
				e.send(c, e.queue(), "1")
				want(e.T, k, "1")
			},
		},
		{
			name: "transaction/destinations", about: "a transaction sends to queues and topics as one", needs: needs,
			run: func(e *env) {
				c := e.open()
				q, t := e.open().consume(e.queue(), consuming{}), e.open().consume(e.topic(), consuming{})
				c.begin()
				c.put(e.queue(), message{text: "q", durable: true})
				c.put(e.topic(), message{text: "t", durable: true})
				wantNothing(e.T, t)
				c.commit()
				want(e.T, q, "q")
				want(e.T, t, "t")
			},
		},
		{
			name: "transaction/acknowledge", about: "acknowledgements count with the commit", needs: needs,
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2")
				k := c.consume(e.queue(), consuming{transacted: true})
				c.begin()
				want(e.T, k, "1", "2")
				c.commit()
				k.close()
				wantNothing(e.T, e.open().consume(e.queue(), consuming{}))
			},
		},
		{
			name: "transaction/acknowledge-rollback", about: "acknowledgements that are rolled back do not: the messages come again, flagged", needs: needs,
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(), "1", "2")
				k := c.consume(e.queue(), consuming{transacted: true})
				c.begin()
				want(e.T, k, "1", "2")
				c.rollback()
				c.close()
				for _, r := range want(e.T, e.open().consume(e.queue(), consuming{}), "1", "2") {
					if !r.redelivered {
						e.Errorf("%s is not flagged", r.text)
					}
				}
			},
		},
		{
			name: "transaction/cut", about: "a connection that breaks rolls its transaction back", needs: needs,
			run: func(e *env) {
				c := e.open()
				e.send(c, e.queue(".in"), "1")
				k := c.consume(e.queue(".in"), consuming{transacted: true})
				c.begin()
				want(e.T, k, "1")
				c.put(e.queue(".out"), message{text: "lost", durable: true})
				c.cut()
				want(e.T, e.open().consume(e.queue(".in"), consuming{}), "1")
				wantNothing(e.T, e.open().consume(e.queue(".out"), consuming{}))
			},
		},
	}
}
