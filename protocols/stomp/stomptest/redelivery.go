package stomptest

import (
	"testing"
)

func redeliveryScenarios() []Scenario {
	return []Scenario{
		{
			Name: "redelivery/unsubscribe", Versions: every(),
			Ref: "UNSUBSCRIBE gives back what wasn't acknowledged; the next consumer sees it as redelivered, in order",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.PutAll(e.Queue(""), "one two three")
				got := c.WantBodies("one two three")
				for _, f := range got {
					e.NoHeader(f, "redelivered")
				}
				c.Ack(got[1])
				c.Unsubscribe("1")
				c.Subscribe("2", e.Queue(""))
				for _, f := range c.WantBodies("one three") {
					e.Header(f, "redelivered", "true")
					e.Header(f, "subscription", "2")
				}
			},
		},
		{
			Name: "redelivery/lost-connection", Versions: every(),
			Ref: "so does the end of a connection, with DISCONNECT or without",
			Run: func(_ *testing.T, e *Env) {
				for name, end := range map[string]func(*Client){"disconnect": (*Client).Disconnect, "close": (*Client).Close} {
					c := e.Connect()
					c.Subscribe("1", e.Queue(name), "ack", "client")
					c.PutAll(e.Queue(name), "one two", "persistent", "true")
					c.WantBodies("one two")
					end(c)
					other := e.Connect()
					other.Subscribe("1", e.Queue(name))
					for _, f := range other.WantBodies("one two") {
						e.Header(f, "redelivered", "true")
					}
				}
			},
		},
		{
			Name: "redelivery/message-id-kept",
			Ref:  "a redelivered message keeps its message-id; its ack header is new",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.Put(e.Queue(""), "one")
				first := c.Message()
				c.Unsubscribe("1")
				c.Subscribe("1", e.Queue(""), "ack", "client")
				second := c.Message()
				e.Header(second, "message-id", first.Get("message-id"))
				if first.Get("ack") == second.Get("ack") {
					t.Errorf("ack %q came twice", first.Get("ack"))
				}
				c.Ack(second)
			},
		},
		{
			Name: "redelivery/before-later-messages",
			Ref:  "what comes back goes out before later messages of the queue",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client", "activemq.prefetchSize", "2")
				c.PutAll(e.Queue(""), "one two three four")
				c.WantBodies("one two")
				c.Unsubscribe("1")
				c.Subscribe("2", e.Queue(""))
				c.WantBodies("one two three four")
			},
		},
		{
			Name: "redelivery/ack-after-unsubscribe", Versions: every(),
			Ref:      "an ACK after UNSUBSCRIBE is an ERROR; the message is back in the queue",
			ActiveMQ: "accepts such an ACK in 1.0 and 1.2, without any effect",
			Why:      "a client must not believe that the message is gone",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.Put(e.Queue(""), "one")
				got := c.Message()
				c.Unsubscribe("1")
				if e.Differs() && e.Version != "1.1" {
					c.Ack(got)
				} else {
					c.Fails(c.settle("ACK", got))
				}
				c.Subscribe("2", e.Queue(""))
				c.WantBodies("one")
			},
		},
		{
			Name: "redelivery/unsubscribe-by-destination", Versions: []string{"1.0"},
			Ref: "UNSUBSCRIBE in 1.0 may name the destination instead",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Do(F("SUBSCRIBE", "destination", e.Queue("")))
				c.Do(F("UNSUBSCRIBE", "destination", e.Queue("")))
				c.Put(e.Queue(""), "one")
				c.Quiet()
			},
		},
		{
			Name: "redelivery/resubscribe-same-id", Versions: every(),
			Ref: "after UNSUBSCRIBE the id is free again",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for _, queue := range []string{"a", "b"} {
					c.Subscribe("1", e.Queue(queue))
					c.Put(e.Queue(queue), queue)
					c.WantBodies(queue)
					c.Unsubscribe("1")
				}
				c.Put(e.Queue("a"), "later")
				c.Quiet()
			},
		},
	}
}

func prefetchScenarios() []Scenario {
	return []Scenario{
		{
			Name: "prefetch/window", Versions: every(),
			Ref: "activemq.prefetchSize N stops dispatch at N unacknowledged messages; each ACK opens the window by what it took",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual", "activemq.prefetchSize", "2")
				c.PutAll(e.Queue(""), "one two three four")
				got := c.WantBodies("one two")
				c.Quiet()
				c.Ack(got[1])
				c.WantBodies("three")
				c.Quiet()
				c.Ack(got[0])
				c.WantBodies("four")
			},
		},
		{
			Name: "prefetch/cumulative", Versions: every(),
			Ref: "a cumulative ACK opens the window by all messages it took",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client", "activemq.prefetchSize", "3")
				c.PutAll(e.Queue(""), "a b c d e f g")
				got := c.WantBodies("a b c")
				c.Quiet()
				c.Ack(got[2])
				got = c.WantBodies("d e f")
				c.Quiet()
				c.Ack(got[1])
				c.WantBodies("g")
			},
		},
		{
			Name: "prefetch/nack", Versions: since11(),
			Ref: "NACK opens the window too",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual", "activemq.prefetchSize", "1")
				c.PutAll(e.Queue(""), "one two")
				c.Nack(c.WantBodies("one")[0])
				c.WantBodies("two")
			},
		},
		{
			Name: "prefetch/auto", Versions: every(),
			Ref: "in mode auto the window never closes",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "activemq.prefetchSize", "1")
				c.PutAll(e.Queue(""), "one two three four five")
				c.WantBodies("one two three four five")
			},
		},
		{
			Name: "prefetch/per-subscription", Versions: every(),
			Ref: "a full subscription doesn't hold up others of the same connection or queue",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("full", e.Queue(""), "ack", "client", "activemq.prefetchSize", "1")
				c.Put(e.Queue(""), "one")
				c.WantBodies("one")
				c.Subscribe("free", e.Queue(""))
				c.PutAll(e.Queue(""), "two three")
				for _, f := range c.WantBodies("two three") {
					e.Header(f, "subscription", "free")
				}
			},
		},
		{
			Name: "prefetch/transacted-acks",
			Ref:  "ACKs in a transaction let messages beyond the window through, so that large transactions don't stall",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual", "activemq.prefetchSize", "1")
				c.PutAll(e.Queue(""), "one two")
				c.Do(F("BEGIN", "transaction", "t"))
				c.Ack(c.WantBodies("one")[0], "transaction", "t")
				c.Ack(c.WantBodies("two")[0], "transaction", "t")
				c.Do(F("COMMIT", "transaction", "t"))
			},
		},
		{
			Name:     "prefetch/default",
			Ref:      "the default window of a queue consumer is 1000 messages",
			ActiveMQ: "pages in 200 messages and stalls there until some are acknowledged",
			Why:      "a client that gathers a batch before it acknowledges would wait for ever",
			Run: func(t *testing.T, e *Env) {
				c, consumer := e.Connect(), e.Connect()
				for range 1001 {
					c.Send(e.Queue(""), "x")
				}
				c.Sync()
				consumer.Subscribe("1", e.Queue(""), "ack", "client")
				if e.Differs() {
					consumer.Messages(200)
					return
				}
				got := consumer.Messages(1000)
				consumer.Quiet()
				consumer.Ack(got[0])
				consumer.Message()
			},
		},
		{
			Name:     "prefetch/zero",
			Ref:      "a prefetch size of zero or less stands for the default window",
			ActiveMQ: "delivers nothing to such a subscription, since STOMP has no way to ask for a message",
			Why:      "a subscription that never gets a message helps nobody",
			Run: func(_ *testing.T, e *Env) {
				for _, size := range []string{"0", "-1"} {
					c := e.Connect()
					c.Subscribe("1", e.Queue(size), "activemq.prefetchSize", size)
					c.PutAll(e.Queue(size), "a b")
					if e.Differs() {
						c.Quiet()
						continue
					}
					c.WantBodies("a b")
				}
			},
		},
		{
			Name: "prefetch/malformed",
			Ref:  "a prefetch size that is no number is ignored",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "activemq.prefetchSize", "zz", "activemq.nonsense", "x")
				c.Put(e.Queue(""), "one")
				c.Sync()
			},
		},
	}
}
