package stomptest

import (
	"strconv"
	"testing"
)

func ackScenarios() []Scenario {
	return []Scenario{
		{
			Name: "ack/auto", Versions: every(),
			Ref: "ack auto, the default, consumes a message by handing it over; unknown modes mean auto too",
			Run: func(_ *testing.T, e *Env) {
				for i, header := range [][]string{nil, {"ack", "auto"}, {"ack", "nonsense"}} {
					queue := e.Queue(strconv.Itoa(i))
					c := e.Connect()
					c.Subscribe("1", queue, header...)
					c.Put(queue, "one")
					e.NoHeader(c.Message(), "ack")
					c.Disconnect()
					other := e.Connect()
					other.Subscribe("1", queue)
					other.Quiet()
				}
			},
		},
		{
			Name: "ack/header",
			Ref:  "in 1.2 a MESSAGE of an acknowledged subscription has an ack header, unique on the connection",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Topic(""), "ack", "client")
				c.Subscribe("2", e.Topic(""), "ack", "client-individual")
				c.PutAll(e.Topic(""), "one two")
				seen := map[string]bool{}
				for _, f := range c.Messages(4) {
					seen[f.Get("ack")] = true
				}
				if seen[""] || len(seen) != 4 {
					t.Errorf("ack headers: %v", seen)
				}
			},
		},
		{
			Name: "ack/no-header-before-1.2", Versions: []string{"1.0", "1.1"},
			Ref: "1.0 and 1.1 know no ack header",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.Put(e.Queue(""), "one")
				e.NoHeader(c.Message(), "ack")
			},
		},
		{
			Name: "ack/client-cumulative", Versions: every(),
			Ref: "ack client is cumulative: ACK takes all messages handed to the subscription up to that one",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.PutAll(e.Queue(""), "one two three four")
				got := c.WantBodies("one two three four")
				c.Ack(got[2])
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				other.WantBodies("four")
				other.Quiet()
			},
		},
		{
			Name: "ack/individual", Versions: every(),
			Ref: "ack client-individual takes the one message",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.PutAll(e.Queue(""), "one two three four")
				got := c.WantBodies("one two three four")
				c.Ack(got[2])
				c.Ack(got[0])
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				other.WantBodies("two four")
				other.Quiet()
			},
		},
		{
			Name: "ack/cumulative-per-subscription", Versions: since11(),
			Ref: "a cumulative ACK counts only what was handed to the same subscription",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("a", e.Queue("a"), "ack", "client")
				c.Subscribe("b", e.Queue("b"), "ack", "client")
				c.Put(e.Queue("a"), "a1")
				c.Put(e.Queue("b"), "b1")
				c.Put(e.Queue("a"), "a2")
				c.Put(e.Queue("b"), "b2")
				var last Frame // of b; the two queues aren't in one order
				for _, f := range c.Messages(4) {
					if f.Get("subscription") == "b" {
						last = f
					}
				}
				e.Equal("last of b", last.Body, "b2")
				c.Ack(last)
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue("b"))
				other.Quiet()
				other.Subscribe("2", e.Queue("a"))
				other.WantBodies("a1 a2")
			},
		},
		{
			Name: "ack/twice", Versions: every(),
			Ref: "a second ACK of the same message is an ERROR; the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for _, mode := range []string{"client", "client-individual"} {
					c.Subscribe(mode, e.Queue(mode), "ack", mode)
					c.Put(e.Queue(mode), "one")
					got := c.Message()
					c.Ack(got)
					c.Fails(c.settle("ACK", got))
					c.Quiet()
				}
			},
		},
		{
			Name: "ack/on-auto", Versions: []string{"1.0", "1.1"},
			Ref: "an ACK for a subscription in mode auto is an ERROR; the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one")
				got := c.Message()
				e.checkError(c.Fails(c.settle("ACK", got)), "Unexpected ACK received for message-id ["+got.Get("message-id")+"]")
				c.Quiet()
			},
		},
		{
			Name: "ack/1.0-finds-subscription", Versions: []string{"1.0"},
			Ref: "ACK in 1.0 names the message alone and finds its subscription, also one without id",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Do(F("SUBSCRIBE", "destination", e.Queue("a"), "ack", "client-individual"))
				c.Do(F("SUBSCRIBE", "destination", e.Queue("b"), "ack", "client-individual"))
				c.Put(e.Queue("a"), "a")
				a := c.Message()
				c.Put(e.Queue("b"), "b")
				b := c.Message()
				e.NoHeader(a, "subscription")
				c.Ack(b)
				c.Ack(a)
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue("a"))
				other.Subscribe("2", e.Queue("b"))
				other.Quiet()
			},
		},
		{
			Name: "ack/wrong-subscription", Versions: []string{"1.1"},
			Ref: "ACK in 1.1 with another subscription's id is an ERROR",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue("a"), "ack", "client")
				c.Subscribe("2", e.Queue("b"), "ack", "client")
				c.Put(e.Queue("a"), "one")
				got := c.Message()
				c.Fails(F("ACK", "message-id", got.Get("message-id"), "subscription", "2"))
				c.Ack(got)
			},
		},
		{
			Name: "ack/topic", Versions: every(),
			Ref: "a topic subscription takes ACKs as a queue's does",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Topic(""), "ack", "client")
				c.PutAll(e.Topic(""), "one two")
				got := c.WantBodies("one two")
				c.Ack(got[1])
				c.Fails(c.settle("ACK", got[0]))
			},
		},
		{
			Name: "ack/other-connection", Versions: since11(),
			Ref: "a message can be acknowledged only on the connection that received it",
			Run: func(_ *testing.T, e *Env) {
				c, other := e.Connect(), e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.Put(e.Queue(""), "one")
				got := c.Message()
				other.Fails(other.settle("ACK", got))
				c.Ack(got)
			},
		},
	}
}

func nackScenarios() []Scenario {
	return []Scenario{
		{
			Name: "nack/dead-letter", Versions: since11(),
			Ref: "NACK moves a persistent message to ActiveMQ.DLQ at once, with original-destination and originalExpiration, without a cause and not redelivered",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				dlq := e.deadLetters()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.Put(e.Queue(""), "one", "persistent", "true", "correlation-id", "c-7", "run", e.Name(""), "reply-to", e.Queue("back"))
				got := c.Message()
				c.Nack(got)
				dead := dlq.Message()
				e.Equal("body", dead.Body, "one")
				for name, want := range map[string]string{
					"destination": "/queue/ActiveMQ.DLQ", "original-destination": e.Queue(""), "originalExpiration": "0", "expires": "0",
					"persistent": "true", "correlation-id": "c-7", "message-id": got.Get("message-id"), "timestamp": got.Get("timestamp"),
					"reply-to": e.Queue("back"), "priority": "4",
				} {
					e.Header(dead, name, want)
				}
				e.NoHeader(dead, "dlqDeliveryFailureCause", "redelivered", "originalDeliveryMode")
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				other.Quiet()
			},
		},
		{
			Name: "nack/keeps-expiry-note",
			Ref:  "a dead letter never expires; originalExpiration tells when it would have",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				dlq := e.deadLetters()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.Put(e.Queue(""), "one", "persistent", "true", "run", e.Name(""), "expires", "9999999999999")
				c.Nack(c.Message())
				dead := dlq.Message()
				e.Header(dead, "originalExpiration", "9999999999999")
				e.Header(dead, "expires", "0")
			},
		},
		{
			Name: "nack/non-persistent", Versions: since11(),
			Ref: "NACK of a non-persistent message drops it",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				dlq := e.deadLetters()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.Put(e.Queue(""), "gone", "run", e.Name(""))
				c.Put(e.Queue(""), "kept", "run", e.Name(""), "persistent", "true")
				for _, f := range c.WantBodies("gone kept") {
					c.Nack(f)
				}
				dlq.WantBodies("kept")
				dlq.Quiet()
			},
		},
		{
			Name: "nack/single-in-client-mode", Versions: since11(),
			Ref: "NACK takes a single message, also in the cumulative mode",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				dlq := e.deadLetters()
				c.Subscribe("1", e.Queue(""), "ack", "client")
				c.PutAll(e.Queue(""), "one two three", "persistent", "true", "run", e.Name(""))
				got := c.WantBodies("one two three")
				c.Nack(got[1])
				dlq.WantBodies("two")
				c.Disconnect()
				other := e.Connect()
				other.Subscribe("1", e.Queue(""))
				other.WantBodies("one three")
				other.Quiet()
				dlq.Quiet()
			},
		},
		{
			Name: "nack/twice", Versions: since11(),
			Ref: "a second NACK, or an ACK after a NACK, is an ERROR; the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.Put(e.Queue(""), "one")
				got := c.Message()
				c.Nack(got)
				c.Fails(c.settle("NACK", got))
				c.Fails(c.settle("ACK", got))
				c.Quiet()
			},
		},
		{
			Name: "nack/on-auto", Versions: []string{"1.1"},
			Ref: "a NACK for a subscription in mode auto is an ERROR; the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one")
				got := c.Message()
				e.checkError(c.Fails(c.settle("NACK", got)), "Unexpected NACK received for message-id ["+got.Get("message-id")+"]")
				c.Quiet()
			},
		},
	}
}

// deadLetters opens a connection that consumes the dead letters which carry this scenario's name in the header run, and
// no others, as the dead-letter queue is shared.
func (e *Env) deadLetters() *Client {
	e.t.Helper()
	c := e.Connect()
	c.Subscribe("dlq", "/queue/ActiveMQ.DLQ", "selector", "run = '"+e.Name("")+"'")
	return c
}
