package stomptest

import (
	"testing"
)

func transactionScenarios() []Scenario {
	begin := func(id string) Frame { return F("BEGIN", "transaction", id) }
	commit := func(id string) Frame { return F("COMMIT", "transaction", id) }
	abort := func(id string) Frame { return F("ABORT", "transaction", id) }
	return []Scenario{
		{
			Name: "transaction/commit-sends", Versions: every(),
			Ref: "messages sent in a transaction appear at COMMIT, in order, over several destinations",
			Run: func(_ *testing.T, e *Env) {
				c, reader := e.Connect(), e.Connect()
				reader.Subscribe("a", e.Queue("a"))
				reader.Subscribe("b", e.Topic("b"))
				c.Do(begin("t"))
				c.Put(e.Queue("a"), "one", "transaction", "t")
				c.Put(e.Topic("b"), "two", "transaction", "t")
				c.Put(e.Queue("a"), "three", "transaction", "t", "persistent", "true")
				c.Put(e.Queue("a"), "outside")
				reader.WantBodies("outside")
				reader.Quiet()
				c.Do(commit("t"))
				got := map[string]string{}
				for _, f := range reader.Messages(3) {
					got[f.Get("subscription")] += f.Body + " "
				}
				e.Equal("queue", got["a"], "one three ")
				e.Equal("topic", got["b"], "two ")
			},
		},
		{
			Name: "transaction/abort-sends", Versions: every(),
			Ref: "ABORT forgets what was sent",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Do(begin("t"))
				c.Put(e.Queue(""), "one", "transaction", "t", "persistent", "true")
				c.Do(abort("t"))
				c.Put(e.Queue(""), "two")
				c.WantBodies("two")
				c.Quiet()
			},
		},
		{
			Name: "transaction/lost-connection", Versions: every(),
			Ref: "DISCONNECT and the loss of the connection abort open transactions",
			Run: func(_ *testing.T, e *Env) {
				reader := e.Connect()
				reader.Subscribe("1", e.Queue(""))
				for _, end := range []func(*Client){(*Client).Disconnect, (*Client).Close} {
					c := e.Connect()
					c.Do(begin("t"))
					c.Put(e.Queue(""), "lost", "transaction", "t")
					end(c)
				}
				e.Connect().Put(e.Queue(""), "sentinel")
				reader.WantBodies("sentinel")
				reader.Quiet()
			},
		},
		{
			Name: "transaction/commit-acks", Versions: every(),
			Ref: "an ACK in a transaction counts from COMMIT on",
			Run: func(_ *testing.T, e *Env) {
				for _, mode := range []string{"client", "client-individual"} {
					c := e.Connect()
					c.Subscribe("1", e.Queue(mode), "ack", mode)
					c.PutAll(e.Queue(mode), "one two")
					got := c.WantBodies("one two")
					c.Do(begin("t"))
					c.Ack(got[0], "transaction", "t")
					c.Ack(got[1], "transaction", "t")
					c.Do(commit("t"))
					c.Disconnect()
					other := e.Connect()
					other.Subscribe("1", e.Queue(mode))
					other.Quiet()
				}
			},
		},
		{
			Name: "transaction/abort-acks", Versions: every(),
			Ref: "after ABORT the acknowledged messages are still with the client, which isn't sent them again, and can be acknowledged anew",
			Run: func(_ *testing.T, e *Env) {
				for _, mode := range []string{"client", "client-individual"} {
					c := e.Connect()
					c.Subscribe("1", e.Queue(mode), "ack", mode)
					c.Put(e.Queue(mode), "one")
					got := c.Message()
					c.Do(begin("t"))
					c.Ack(got, "transaction", "t")
					c.Do(abort("t"))
					c.Quiet()
					c.Ack(got)
					c.Disconnect()
					other := e.Connect()
					other.Subscribe("1", e.Queue(mode))
					other.Quiet()
				}
			},
		},
		{
			Name: "transaction/abort-acks-then-leave", Versions: every(),
			Ref: "messages whose ACK was aborted go to others, redelivered, when the client leaves",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.PutAll(e.Queue(""), "one two")
				got := c.WantBodies("one two")
				c.Do(begin("t"))
				c.Ack(got[1], "transaction", "t")
				c.Do(abort("t"))
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				for _, f := range other.WantBodies("one two") {
					e.Header(f, "redelivered", "true")
				}
			},
		},
		{
			Name: "transaction/leave-with-open-acks", Versions: every(),
			Ref: "ACKs in a transaction that never commits are void",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.PutAll(e.Queue(""), "one two")
				got := c.WantBodies("one two")
				c.Do(begin("t"))
				c.Ack(got[0], "transaction", "t")
				c.Ack(got[1])
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				e.Header(other.WantBodies("one")[0], "redelivered", "true")
				other.Quiet()
			},
		},
		{
			Name: "transaction/consume-and-send", Versions: every(),
			Ref: "ACK and SEND in one transaction happen together",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue("in"), "ack", "client-individual")
				c.Put(e.Queue("in"), "job", "persistent", "true")
				job := c.Message()
				c.Do(begin("t"))
				c.Put(e.Queue("out"), "result", "transaction", "t", "persistent", "true")
				c.Ack(job, "transaction", "t")
				c.Do(commit("t"))
				c.Unsubscribe("1")
				c.Subscribe("2", e.Queue("out"))
				c.Subscribe("3", e.Queue("in"))
				c.WantBodies("result")
				c.Quiet()
			},
		},
		{
			Name: "transaction/begin-twice", Versions: every(),
			Ref: "BEGIN of an open transaction is an ERROR; the transaction goes on",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Do(begin("t"))
				c.Put(e.Queue(""), "one", "transaction", "t")
				e.checkError(c.Fails(begin("t")), "The transaction was already started: t")
				c.Do(commit("t"))
				c.WantBodies("one")
			},
		},
		{
			Name: "transaction/name-again", Versions: every(),
			Ref: "an ended transaction's name is unknown, and free for a new one",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for range 2 {
					c.Do(begin("t"))
					c.Do(commit("t"))
					e.checkError(c.Fails(commit("t")), "Invalid transaction id: t")
					c.Do(begin("t"))
					c.Do(abort("t"))
					e.checkError(c.Fails(F("SEND", "destination", e.Queue(""), "transaction", "t")), "Invalid transaction id: t")
				}
			},
		},
		{
			Name: "transaction/scope", Versions: every(),
			Ref: "transaction names belong to the connection, which can have several open",
			Run: func(_ *testing.T, e *Env) {
				a, b := e.Connect(), e.Connect()
				a.Subscribe("1", e.Queue(""))
				a.Do(begin("t"))
				a.Do(begin("u"))
				b.Do(begin("t"))
				a.Put(e.Queue(""), "a-t", "transaction", "t")
				a.Put(e.Queue(""), "a-u", "transaction", "u")
				b.Put(e.Queue(""), "b-t", "transaction", "t")
				a.Do(commit("u"))
				a.WantBodies("a-u")
				b.Do(abort("t"))
				a.Do(commit("t"))
				a.WantBodies("a-t")
				a.Quiet()
			},
		},
		{
			Name: "transaction/ack-unknown-transaction", Versions: every(),
			Ref: "an ACK in an unknown transaction is an ERROR and leaves the message unacknowledged",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.Put(e.Queue(""), "one")
				got := c.Message()
				e.checkError(c.Fails(c.settle("ACK", got).With("transaction", "none")), "Invalid transaction id: none")
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				other.WantBodies("one")
			},
		},
		{
			Name:     "transaction/empty",
			Ref:      "an empty transaction can be committed and aborted",
			Versions: every(),
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Do(begin("t"))
				c.Do(abort("t"))
				c.Do(begin("t"))
				c.Do(commit("t"))
				c.Quiet()
			},
		},
	}
}
