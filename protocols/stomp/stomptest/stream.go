package stomptest

import (
	"strings"
	"testing"
)

func streamScenarios() []Scenario {
	return []Scenario{
		{
			Name: "stream/pipelined-session", Versions: every(),
			Ref: "frames pipelined behind CONNECT are handled in order, up to DISCONNECT and its receipt",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.WriteRaw(e.ConnectFrame().encode("") +
					F("SEND", "destination", e.Queue(""), "receipt", "a", "one").encode(e.Version) +
					F("SEND", "destination", e.Queue(""), "receipt", "b", "two").encode(e.Version) +
					F("DISCONNECT", "receipt", "c").encode(e.Version))
				e.Header(c.Expect("CONNECTED"), "version", e.Version)
				c.version = e.Version
				for _, id := range []string{"a", "b", "c"} {
					e.Header(c.Expect("RECEIPT"), "receipt-id", id)
				}
				c.Closed()
				reader := e.Connect()
				reader.Subscribe("1", e.Queue(""))
				reader.WantBodies("one two")
			},
		},
		{
			Name: "stream/byte-by-byte",
			Ref:  "a frame may arrive in segments of any size",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				for _, b := range []byte(F("SEND", "destination", e.Queue(""), "a:b", "c\nd", "content-length", "4", "x\x00y\n").encode("1.2")) {
					c.WriteRaw(string([]byte{b}))
				}
				e.Equal("body", c.Message().Body, "x\x00y\n")
			},
		},
		{
			Name: "stream/burst",
			Ref:  "thousands of small frames in a few segments are all handled, in order",
			Run: func(t *testing.T, e *Env) {
				const count = 2000
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				var b strings.Builder
				for range count {
					b.WriteString(F("SEND", "destination", e.Queue(""), "tick").encode("1.2"))
				}
				c.WriteRaw(b.String())
				c.Send(e.Queue(""), "last")
				for i, f := range c.Messages(count + 1) {
					if want := "tick"; i < count && f.Body != want {
						t.Fatalf("message %d is %q", i, f.Body)
					} else if i == count {
						e.Equal("last body", f.Body, "last")
					}
				}
			},
		},
		{
			Name: "stream/half-close", Versions: every(),
			Ref: "a client may half-close right after its last frame: everything is handled, and its answers are flushed before the broker closes",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				c.WriteRaw(e.ConnectFrame().encode("") +
					F("SEND", "destination", e.Queue(""), "receipt", "a", "one").encode(e.Version) +
					F("DISCONNECT", "receipt", "b").encode(e.Version))
				if !c.CloseWrite() {
					t.Skip("the transport has no half close")
				}
				c.Expect("CONNECTED")
				e.Header(c.Expect("RECEIPT"), "receipt-id", "a")
				e.Header(c.Expect("RECEIPT"), "receipt-id", "b")
				c.Closed()
				reader := e.Connect()
				reader.Subscribe("1", e.Queue(""))
				reader.WantBodies("one")
			},
		},
		{
			Name: "stream/nul-line-feed",
			Ref:  "the broker ends each frame with NUL and a line feed, for which old clients wait",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.awaitBeats(1)
				c.Do(F("SEND", "destination", e.Topic(""), "x"))
				c.awaitBeats(1)
			},
		},
		{
			Name: "stream/disconnect-receipt", Versions: every(),
			Ref: "DISCONNECT with a receipt is answered by exactly one RECEIPT, after all earlier frames were handled, and a close",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Send(e.Queue(""), "one")
				c.Do(F("DISCONNECT"))
				c.Closed()
				reader := e.Connect()
				reader.Subscribe("1", e.Queue(""))
				reader.WantBodies("one")
			},
		},
		{
			Name: "stream/disconnect", Versions: every(),
			Ref: "DISCONNECT without a receipt just closes",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Write(F("DISCONNECT"))
				c.Closed()
			},
		},
	}
}
