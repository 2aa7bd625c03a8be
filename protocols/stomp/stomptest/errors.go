package stomptest

import (
	"strings"
	"testing"
)

// refusal is a frame that is answered by an ERROR after which the session goes on.
type refusal struct {
	name     string
	versions []string
	frame    Frame
	message  string
}

func refusals() []refusal {
	return []refusal{
		{"send-without-destination", every(), F("SEND"), "SEND received without a Destination specified!"},
		{"subscribe-without-destination", every(), F("SUBSCRIBE", "id", "1"), "Invalid empty or 'null' Destination header"},
		{"subscribe-without-id", since11(), F("SUBSCRIBE", "destination", "/queue/stomptest.none"), "SUBSCRIBE received without a subscription id!"},
		{"subscribe-bad-selector", every(), F("SUBSCRIBE", "id", "1", "destination", "/queue/stomptest.none", "selector", "a ==== 3"), "a ==== 3"},
		{"unsubscribe-without-id", since11(), F("UNSUBSCRIBE"), "UNSUBSCRIBE received without a subscription id!"},
		{"unsubscribe-without-destination", []string{"1.0"}, F("UNSUBSCRIBE"), "Must specify the subscriptionId or the destination you are unsubscribing from"},
		{"unsubscribe-unknown", every(), F("UNSUBSCRIBE", "id", "99"), "No subscription matched."},
		{"ack-without-id", []string{"1.2"}, F("ACK"), "ACK received without a ack id for acknowledge!"},
		{"ack-without-message", []string{"1.0"}, F("ACK"), "ACK received without a message-id to acknowledge!"},
		{"ack-without-message", []string{"1.1"}, F("ACK", "subscription", "1"), "ACK received without a message-id to acknowledge!"},
		{"ack-without-subscription", []string{"1.1"}, F("ACK", "message-id", "1"), "ACK received without a subscription id for acknowledge!"},
		{"ack-unknown", []string{"1.0"}, F("ACK", "message-id", "77"), "Unexpected ACK received for message-id [77]"},
		{"ack-unknown", []string{"1.1"}, F("ACK", "message-id", "77", "subscription", "1"), "Unexpected ACK received for message-id [77]"},
		{"nack-without-id", []string{"1.2"}, F("NACK"), "NACK received without an ack header to acknowledge!"},
		{"nack-without-message", []string{"1.1"}, F("NACK", "subscription", "1"), "NACK received without a message-id to acknowledge!"},
		{"nack-without-subscription", []string{"1.1"}, F("NACK", "message-id", "1"), "NACK received without a subscription id for acknowledge!"},
		{"nack-unknown", []string{"1.1"}, F("NACK", "message-id", "77", "subscription", "1"), "Unexpected NACK received for message-id [77]"},
		{"nack-in-1.0", []string{"1.0"}, F("NACK", "message-id", "77"), "NACK received but connection is in v1.0 mode."},
		{"begin-without-transaction", every(), F("BEGIN"), "Must specify the transaction you are beginning"},
		{"commit-without-transaction", every(), F("COMMIT"), "Must specify the transaction you are committing"},
		{"abort-without-transaction", every(), F("ABORT"), "Must specify the transaction you are committing"},
		{"commit-unknown", every(), F("COMMIT", "transaction", "t"), "Invalid transaction id: t"},
		{"abort-unknown", every(), F("ABORT", "transaction", "t"), "Invalid transaction id: t"},
		{"send-unknown-transaction", every(), F("SEND", "destination", "/topic/stomptest.none", "transaction", "t"), "Invalid transaction id: t"},
	}
}

func errorScenarios() []Scenario {
	var list []Scenario
	for _, r := range refusals() {
		list = append(list, Scenario{
			Name: "error/" + r.name, Versions: r.versions,
			Ref: "ERROR \"" + r.message + "\"; the connection stays open",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				e.checkError(c.Fails(r.frame), r.message)
				c.Quiet()
				c.Write(r.frame)
				e.NoHeader(c.Expect("ERROR"), "receipt-id")
				c.Quiet()
			},
		})
	}
	return append(list, []Scenario{
		{
			Name:     "error/ack-unknown",
			Ref:      "ACK or NACK of an unknown id in 1.2 is an ERROR that names it; the connection stays open",
			ActiveMQ: "says `Unexpected ACK received for message-id [null]`",
			Why:      "an error should name what is wrong",
			Run: func(_ *testing.T, e *Env) {
				for _, command := range []string{"ACK", "NACK"} {
					c := e.Connect()
					id := "77"
					if e.Differs() {
						id = "null"
					}
					e.checkError(c.Fails(F(command, "id", "77")), "Unexpected "+command+" received for message-id ["+id+"]")
					c.Quiet()
				}
			},
		},
		{
			Name: "error/empty-destination", Versions: every(),
			Ref:      "an empty destination, also behind a prefix, is an ERROR; the connection stays open",
			ActiveMQ: "drops the connection without an ERROR",
			Why:      "a client deserves a reason",
			Run: func(_ *testing.T, e *Env) {
				for _, command := range []string{"SEND", "SUBSCRIBE"} {
					for _, destination := range []string{"", " ", "/queue/", "/topic/", "/queue/ "} {
						if command == "SUBSCRIBE" && strings.TrimSpace(destination) == "" {
							continue // subscribe-without-destination has it; ActiveMQ's answer depends on the version
						}
						c := e.Connect()
						f := F(command, "destination", destination, "id", "1")
						if !e.Differs() {
							e.checkError(c.Fails(f), "Invalid empty or 'null' Destination header")
							c.Quiet()
							continue
						}
						c.Write(f)
						c.awaitEnd()
					}
				}
			},
		},
		{
			Name: "error/duplicate-subscription", Versions: since11(),
			Ref:      "a subscription id that is in use is refused with an ERROR; the first subscription goes on",
			ActiveMQ: "accepts it silently, and the first can't be unsubscribed any more",
			Why:      "both would get the same subscription header, which no client can tell apart",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				f := F("SUBSCRIBE", "id", "1", "destination", e.Queue("second"))
				if e.Differs() {
					c.Do(f)
					return
				}
				c.Fails(f)
				c.Send(e.Queue(""), "one")
				c.WantBodies("one")
			},
		},
		{
			Name: "error/receipt-or-error", Versions: every(),
			Ref: "a frame gets either a RECEIPT or an ERROR, never both",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				for range 3 {
					c.Fails(F("COMMIT", "transaction", "none"))
					c.Quiet()
				}
			},
		},
	}...)
}

// checkError asserts the message of an ERROR frame and the parts that all ERROR frames share.
func (e *Env) checkError(f Frame, message string) {
	e.t.Helper()
	e.Header(f, "message", message)
	e.Header(f, "content-type", "text/plain")
	if first, _, _ := strings.Cut(f.Body, "\n"); !strings.HasSuffix(first, message) {
		e.t.Errorf("the first line of the body is %q, want it to end in %q", first, message)
	}
}
