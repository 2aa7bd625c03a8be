package stomptest

import (
	"strconv"
	"testing"
	"time"
)

func sendScenarios() []Scenario {
	return []Scenario{
		{
			Name: "send/minimal-headers", Versions: every(),
			Ref: "a plain message arrives with message-id, destination, subscription, timestamp, expires:0 and priority:4 and nothing else",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("sub 1", e.Queue(""))
				before := time.Now().Add(-time.Minute).UnixMilli()
				c.Put(e.Queue(""), "one")
				got := c.Message()
				for name, want := range map[string]string{"destination": e.Queue(""), "subscription": "sub 1", "expires": "0", "priority": "4"} {
					e.Header(got, name, want)
				}
				if stamp, err := strconv.ParseInt(got.Get("timestamp"), 10, 64); err != nil || stamp < before {
					t.Errorf("timestamp %q", got.Get("timestamp"))
				}
				if id := got.Get("message-id"); len(id) < 4 || id[:3] != "ID:" {
					t.Errorf("message-id %q", id)
				}
				if len(got.Header) != 6 {
					t.Errorf("%d headers in %v, want 6", len(got.Header), got)
				}
			},
		},
		{
			Name: "send/standard-headers", Versions: every(),
			Ref: "correlation-id, reply-to, type, priority, timestamp, expires and persistent come back as they were sent",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				header := []string{"correlation-id", "c-7", "reply-to", e.Queue("back"), "type", "order", "priority", "7",
					"timestamp", "1234567", "expires", "9999999999999", "persistent", "true"}
				c.Put(e.Queue(""), "one", header...)
				got := c.Message()
				for i := 0; i < len(header); i += 2 {
					e.Header(got, header[i], header[i+1])
				}
			},
		},
		{
			Name: "send/user-headers", Versions: every(),
			Ref: "all other headers, content-type and empty values included, arrive as they were",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				header := []string{"color", "red", "content-type", "application/json;charset=utf-8", "empty", "", "Color", "RED",
					"x-with-dash", "1", "null-word", "null", "ünï", "cöde €", "transformation", "jms-none"}
				c.Put(e.Queue(""), "one", header...)
				got := c.Message()
				for i := 0; i < len(header); i += 2 {
					e.Header(got, header[i], header[i+1])
				}
			},
		},
		{
			Name: "send/dropped-headers", Versions: every(),
			Ref: "receipt, message-id, redelivered, subscription, JMSXUserID and transaction of a SEND aren't forwarded",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Do(F("BEGIN", "transaction", "t"))
				c.Put(e.Queue(""), "one", "message-id", "mine", "redelivered", "true", "subscription", "zz", "JMSXUserID", "forged", "transaction", "t")
				c.Do(F("COMMIT", "transaction", "t"))
				got := c.Message()
				e.NoHeader(got, "receipt", "redelivered", "transaction")
				e.Header(got, "subscription", "1")
				if got.Get("message-id") == "mine" || got.Get("JMSXUserID") == "forged" {
					t.Errorf("forged header in %v", got)
				}
			},
		},
		{
			Name:     "send/credentials-not-forwarded",
			Ref:      "login, passcode, id and ack of a SEND aren't forwarded",
			ActiveMQ: "forwards login, passcode and id as properties",
			Why:      "a client that repeats its credentials on each frame must not hand them to every consumer",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", "login", "l", "passcode", "p", "id", "i", "ack", "a")
				got := c.Message()
				if e.Differs() {
					e.Header(got, "passcode", "p")
					return
				}
				e.NoHeader(got, "login", "passcode", "id", "ack")
			},
		},
		{
			Name: "send/repeated-header", Versions: every(),
			Ref: "of a repeated header the first counts",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", "color", "red", "color", "blue", "destination", e.Queue("other"))
				got := c.Message()
				e.Header(got, "color", "red")
				e.Header(got, "destination", e.Queue(""))
			},
		},
		{
			Name: "send/persistent", Versions: every(),
			Ref: "messages are non-persistent unless persistent is exactly true; only then MESSAGE has the header",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				for _, value := range []string{"false", "TRUE", "yes", "1", ""} {
					c.Put(e.Queue(""), "one", "persistent", value)
					e.NoHeader(c.Message(), "persistent")
				}
				c.Put(e.Queue(""), "one", "persistent", "true")
				e.Header(c.Message(), "persistent", "true")
			},
		},
		{
			Name: "send/priority-range", Versions: every(),
			Ref: "a priority outside 0..9 is moved to the nearer end",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				for value, want := range map[string]string{"-3": "0", "0": "0", "9": "9", "99": "9"} {
					c.Put(e.Queue(""), "one", "priority", value)
					e.Header(c.Message(), "priority", want)
				}
			},
		},
		{
			Name: "send/malformed-number", Versions: every(),
			Ref:      "a standard header that must be a number and isn't is an ERROR; the message isn't sent and the connection stays open",
			ActiveMQ: "drops the connection without an ERROR",
			Why:      "a client deserves a reason",
			Run: func(_ *testing.T, e *Env) {
				for _, name := range []string{"priority", "expires", "timestamp", "JMSXGroupSeq"} {
					c := e.Connect()
					f := F("SEND", "destination", e.Queue(""), name, "zz", "one")
					if e.Differs() {
						c.Write(f)
						c.awaitEnd()
						continue
					}
					c.Fails(f)
					c.Subscribe("1", e.Queue(""))
					c.Quiet()
				}
			},
		},
		{
			Name: "send/odd-reply-to", Versions: every(),
			Ref: "a reply-to that is no destination is forwarded as it is",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				for _, value := range []string{"/nonsense/x", "plain", "mailto:someone@example.org"} {
					c.Put(e.Queue(""), "one", "reply-to", value)
					e.Header(c.Message(), "reply-to", value)
				}
			},
		},
		{
			Name: "send/scheduled",
			Ref:  "AMQ_SCHEDULED_DELAY holds a message back, and AMQ_SCHEDULED_REPEAT n sends it n times more, with scheduledJobId and without the schedule",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "late", "AMQ_SCHEDULED_DELAY", "700", "AMQ_SCHEDULED_PERIOD", "100", "AMQ_SCHEDULED_REPEAT", "1", "color", "red")
				c.Put(e.Queue(""), "soon")
				got := c.WantBodies("soon late late")[1:]
				for _, f := range got {
					e.Header(f, "color", "red")
					e.Header(f, "scheduledJobId", got[0].Get("scheduledJobId"))
					e.NoHeader(f, "AMQ_SCHEDULED_DELAY", "AMQ_SCHEDULED_PERIOD", "AMQ_SCHEDULED_REPEAT")
				}
				if got[0].Get("message-id") == got[1].Get("message-id") {
					t.Errorf("message-id %q came twice", got[0].Get("message-id"))
				}
				c.Quiet()
			},
		},
		{
			Name: "send/order",
			Ref:  "messages of one producer to one queue arrive in the order of sending",
			Run: func(t *testing.T, e *Env) {
				const count = 500
				producer, consumer := e.Connect(), e.Connect()
				consumer.Subscribe("1", e.Queue(""))
				for i := range count {
					producer.Send(e.Queue(""), strconv.Itoa(i), "persistent", strconv.FormatBool(true))
				}
				for i := range count {
					if got := consumer.Message().Body; got != strconv.Itoa(i) {
						t.Fatalf("message %d is %s", i, got)
					}
				}
			},
		},
		{
			Name:     "send/order-mixed-persistence",
			Ref:      "persistent and non-persistent messages of one producer keep one order",
			ActiveMQ: "keeps them in two, and waiting ones may come out as 1p 3p 5p 2n 4n",
			Why:      "the order of sending is what a queue promises",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				for i, persistent := range []string{"true", "false", "true", "false", "true"} {
					c.Put(e.Queue(""), strconv.Itoa(i+1), "persistent", persistent)
				}
				c.Subscribe("1", e.Queue(""))
				if e.Differs() {
					c.Messages(5)
					return
				}
				c.WantBodies("1 2 3 4 5")
			},
		},
	}
}
