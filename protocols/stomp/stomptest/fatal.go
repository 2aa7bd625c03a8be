package stomptest

import (
	"fmt"
	"strings"
	"testing"
)

// breach is input that is answered by an ERROR, if one is sent at all, and a close.
type breach struct {
	name    string
	input   string // what is sent inside a session
	message string // the ERROR's message; empty accepts any
	silent  bool   // ActiveMQ closes without an ERROR
}

func breaches() []breach {
	const send = "SEND\ndestination:/topic/stomptest.none\n"
	return []breach{
		{"unknown-command", "FOO\n\n\x00", "Unknown STOMP action: FOO", false},
		{"lower-case-command", "send\ndestination:/topic/stomptest.none\n\n\x00", "Unknown STOMP action: send", false},
		{"server-command", "MESSAGE\n\n\x00", "Unknown STOMP action: MESSAGE", false},
		{"content-length-text", send + "content-length:zz\n\nabcd\x00", "Specified content-length is not a valid integer", false},
		{"content-length-too-short", send + "content-length:2\n\nabcd\x00", "content-length bytes were read and there was no trailing null byte", false},
		{"content-length-huge", send + "content-length:2147483647\n\n", "The maximum data length was exceeded", false},
		{"header-too-long", send + "a:" + strings.Repeat("x", 10240) + "\n\n\x00", "The maximum header length was exceeded", false},
		{"too-many-headers", send + many(1001) + "\n\x00", "The maximum number of headers was exceeded", false},
		{"content-length-negative", send + "content-length:-4\n\nabcd\x00", "Specified content-length is not a valid integer", true},
		{"content-length-beyond-64-bits", send + "content-length:99999999999999999999\n\n", "Specified content-length is not a valid integer", false},
		{"empty-header-name", send + ":value\n\n\x00", "", true},
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "h%d:v\n", i)
	}
	return b.String()
}

func fatalScenarios() []Scenario {
	var list []Scenario
	for _, b := range breaches() {
		s := Scenario{
			Name: "fatal/" + b.name, Versions: every(),
			Ref: "input that can't be a frame (" + strings.ReplaceAll(b.name, "-", " ") + ") is answered by an ERROR and a close",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				_ = c.tryWrite(b.input)
				if b.silent && e.Differs() {
					c.Closed()
					return
				}
				f := c.Expect("ERROR")
				e.Header(f, "content-type", "text/plain")
				if b.message != "" {
					e.checkError(f, b.message)
				}
				c.Closed()
			},
		}
		if b.silent {
			s.ActiveMQ, s.Why = "closes without an ERROR", "a client deserves a reason"
		}
		list = append(list, s)
	}
	return append(list, []Scenario{
		{
			Name: "fatal/unknown-command-receipt", Versions: every(),
			Ref: "the ERROR for an unknown command names the receipt that was asked for",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Fails(F("FOO"))
				c.Closed()
			},
		},
		{
			Name: "fatal/command-prefix", Versions: every(),
			Ref:      "a command is known by its whole name",
			ActiveMQ: "matches by prefix, so that SENDx works as SEND",
			Why:      "the standard knows no such commands",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				f := F("SENDx", "destination", e.Topic(""))
				if e.Differs() {
					c.Do(f)
					return
				}
				e.checkError(c.Fails(f), "Unknown STOMP action: SENDx")
				c.Closed()
			},
		},
		{
			Name: "fatal/header-without-colon", Versions: every(),
			Ref:      "a header line without a colon is malformed: ERROR and close",
			ActiveMQ: "ignores the line",
			Why:      "it is most often the sign of a lost blank line, and the body would vanish unseen",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.WriteRaw("SEND\ndestination:" + e.Topic("") + "\nnonsense\nreceipt:a\n\nx\x00")
				if e.Differs() {
					c.AwaitReceipt("a")
					return
				}
				c.Expect("ERROR")
				c.Closed()
			},
		},
		{
			Name:     "fatal/command-too-long",
			Ref:      "a command line above 1024 bytes is answered by an ERROR that doesn't repeat it, and a close",
			ActiveMQ: "counts one byte more and repeats the line as an unknown action",
			Why:      "an ERROR frame that echoes kilobytes of what may be binary noise helps nobody",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				_ = c.tryWrite(strings.Repeat("X", 1025) + "\n\n\x00")
				f := c.Expect("ERROR")
				if !e.Differs() && len(f.Get("message")) > 200 {
					t.Errorf("message of %d bytes", len(f.Get("message")))
				}
				c.Closed()
			},
		},
		{
			Name: "fatal/limits-inclusive", Versions: every(),
			Ref: "1000 headers and a header line of 10,000 bytes are within the limits",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.WriteRaw("SEND\ndestination:" + e.Queue("") + "\n" + many(990) + "\nmany\x00")
				e.Header(c.Message(), "h989", "v")
				long := strings.Repeat("x", 10000)
				c.Send(e.Queue(""), "long", "long", long)
				e.Header(c.Message(), "long", long)
			},
		},
	}...)
}
