package stomptest

import (
	"strings"
	"testing"
)

func temporaryScenarios() []Scenario {
	return []Scenario{
		{
			Name: "temporary/request-reply", Versions: every(),
			Ref: "/temp-queue/N in reply-to reaches another connection as /remote-temp-queue/ID…, to which it can send",
			Run: func(t *testing.T, e *Env) {
				for _, kind := range []string{"queue", "topic"} {
					asker, server := e.Connect(), e.Connect()
					asker.Subscribe("r", "/temp-"+kind+"/replies")
					server.Subscribe("1", e.Queue(kind))
					asker.Put(e.Queue(kind), "question", "reply-to", "/temp-"+kind+"/replies")
					reply := server.Message().Get("reply-to")
					if !strings.HasPrefix(reply, "/remote-temp-"+kind+"/ID:") {
						t.Fatalf("reply-to is %q", reply)
					}
					server.Put(reply, "answer")
					got := asker.Message()
					e.Equal("body", got.Body, "answer")
					e.Header(got, "subscription", "r")
					e.Header(got, "destination", "/temp-"+kind+"/replies")
				}
			},
		},
		{
			Name: "temporary/own-view",
			Ref:  "the owner sees its own name in destination and reply-to, also on messages to itself",
			Run: func(_ *testing.T, e *Env) {
				for _, kind := range []string{"queue", "topic"} {
					c := e.Connect()
					own := "/temp-" + kind + "/mine"
					c.Subscribe("1", own)
					c.Put(own, "one", "reply-to", own)
					got := c.Message()
					e.Header(got, "destination", own)
					e.Header(got, "reply-to", own)
				}
			},
		},
		{
			Name: "temporary/reply-to-first",
			Ref:  "a temporary queue exists from its first mention, be it in reply-to before SUBSCRIBE",
			Run: func(_ *testing.T, e *Env) {
				asker, server := e.Connect(), e.Connect()
				server.Subscribe("1", e.Queue(""))
				asker.Put(e.Queue(""), "question", "reply-to", "/temp-queue/late")
				server.Put(server.Message().Get("reply-to"), "answer")
				asker.Subscribe("r", "/temp-queue/late")
				asker.WantBodies("answer")
			},
		},
		{
			Name: "temporary/per-connection",
			Ref:  "the same temporary name on two connections means two queues",
			Run: func(_ *testing.T, e *Env) {
				a, b := e.Connect(), e.Connect()
				a.Subscribe("1", "/temp-queue/same")
				b.Subscribe("1", "/temp-queue/same")
				a.Put("/temp-queue/same", "for-a")
				b.Put("/temp-queue/same", "for-b")
				a.WantBodies("for-a")
				b.WantBodies("for-b")
				a.Quiet()
				b.Quiet()
			},
		},
		{
			Name: "temporary/send-to-gone",
			Ref:  "a send to a temporary queue whose connection has ended is an ERROR that says so; the connection stays open",
			Run: func(t *testing.T, e *Env) {
				asker, server := e.Connect(), e.Connect()
				server.Subscribe("1", e.Queue(""))
				asker.Put(e.Queue(""), "question", "reply-to", "/temp-queue/gone")
				reply := server.Message().Get("reply-to")
				asker.Disconnect()
				for range 1000 { // the queue goes with the connection, which ends a little after its receipt
					server.Write(F("SEND", "destination", reply, "receipt", "r", "answer"))
					got := server.Next()
					if got.Command == "RECEIPT" {
						continue
					}
					e.Equal("command", got.Command, "ERROR")
					e.Header(got, "receipt-id", "r")
					if !strings.Contains(got.Body, "does not exist") {
						t.Errorf("body %q", got.Body)
					}
					server.Quiet()
					return
				}
				t.Error("sends to a temporary queue of an ended connection go on succeeding")
			},
		},
	}
}
