package stomptest

import (
	"testing"
)

func receiptScenarios() []Scenario {
	return []Scenario{
		{
			Name: "receipt/every-frame", Versions: every(),
			Ref: "every client frame but CONNECT can ask for a RECEIPT, which has the receipt-id and nothing else",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				step := func(f Frame) {
					c.Write(f.With("receipt", f.Command))
					got := c.Expect("RECEIPT")
					e.Header(got, "receipt-id", f.Command)
					if len(got.Header) != 1 || got.Body != "" {
						t.Errorf("more than a receipt-id in %v", got)
					}
				}
				step(F("SUBSCRIBE", "id", "1", "destination", e.Queue(""), "ack", "client-individual"))
				step(F("SEND", "destination", e.Topic(""), "one"))
				step(F("BEGIN", "transaction", "t"))
				step(F("ABORT", "transaction", "t"))
				step(F("BEGIN", "transaction", "u"))
				step(F("COMMIT", "transaction", "u"))
				c.Send(e.Queue(""), "one")
				step(c.settle("ACK", c.Message()))
				if e.Version != "1.0" {
					c.Send(e.Queue(""), "two")
					step(c.settle("NACK", c.Message()))
				}
				step(F("UNSUBSCRIBE", "id", "1"))
				step(F("DISCONNECT"))
				c.Closed()
			},
		},
		{
			Name: "receipt/before-first-message", Versions: every(),
			Ref: "the RECEIPT of a SUBSCRIBE comes before the first MESSAGE of that subscription",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.PutAll(e.Queue(""), "one two three")
				for range 10 {
					reader := e.Connect()
					reader.Write(F("SUBSCRIBE", "id", "1", "destination", e.Queue(""), "receipt", "s", "ack", "client"))
					e.Header(reader.Expect("RECEIPT"), "receipt-id", "s")
					reader.WantBodies("one two three")
					reader.Disconnect()
				}
			},
		},
		{
			Name: "receipt/order", Versions: every(),
			Ref: "receipts of pipelined frames come in the order of the frames",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				ids := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
				var frames []Frame
				for i, id := range ids {
					f := F("SEND", "destination", e.Queue(""), "receipt", id, id)
					if i%2 == 0 {
						f = f.With("persistent", "true")
					}
					frames = append(frames, f)
				}
				c.Write(frames...)
				for _, id := range ids {
					e.Header(c.Expect("RECEIPT"), "receipt-id", id)
				}
			},
		},
		{
			Name: "receipt/same-id-again",
			Ref:  "receipt ids are the client's affair: the same one may be used for several frames",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Write(F("SEND", "destination", e.Topic(""), "receipt", "r"), F("SEND", "destination", e.Topic(""), "receipt", "r"))
				c.AwaitReceipt("r")
				c.AwaitReceipt("r")
				c.Quiet()
			},
		},
		{
			Name: "receipt/means-queued",
			Ref:  "once a persistent SEND has its RECEIPT, any new consumer gets the message",
			Run: func(_ *testing.T, e *Env) {
				producer := e.Connect()
				producer.Put(e.Queue(""), "one", "persistent", "true")
				producer.Close()
				consumer := e.Connect()
				consumer.Subscribe("1", e.Queue(""))
				consumer.WantBodies("one")
			},
		},
	}
}
