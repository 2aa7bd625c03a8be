package stomptest

import (
	"strconv"
	"strings"
	"testing"
)

func bodyScenarios() []Scenario {
	return []Scenario{
		{
			Name: "body/text-or-bytes", Versions: every(),
			Ref: "content-length makes a bytes message, its absence a text message; amq-msg-type overrides; MESSAGE has content-length for bytes only",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				const body = "héllo"
				for _, mode := range []struct {
					header []string
					bytes  bool
				}{
					{nil, false},
					{[]string{"content-length", strconv.Itoa(len(body))}, true},
					{[]string{"content-length", strconv.Itoa(len(body)), "amq-msg-type", "bytes"}, true},
					{[]string{"amq-msg-type", "bytes"}, true},
					{[]string{"amq-msg-type", "text"}, false},
				} {
					c.Put(e.Queue(""), body, mode.header...)
					got := c.Message()
					e.Equal("body", got.Body, body)
					if mode.bytes {
						e.Header(got, "content-length", strconv.Itoa(len(body)))
					} else {
						e.NoHeader(got, "content-length")
					}
				}
			},
		},
		{
			Name: "body/text-by-type", Versions: every(),
			Ref:      "amq-msg-type:text makes a text of a body with content-length, and MESSAGE has none",
			ActiveMQ: "keeps the header as a property, so that MESSAGE has a content-length though it is a text",
			Why:      "the absence of content-length is how STOMP clients recognise a text",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "text", "content-length", "4", "amq-msg-type", "text")
				got := c.Message()
				e.Equal("body", got.Body, "text")
				if e.Differs() {
					e.Header(got, "content-length", "4")
					return
				}
				e.NoHeader(got, "content-length")
			},
		},
		{
			Name: "body/unknown-type",
			Ref:  "any other amq-msg-type is an ERROR; the connection stays open",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				e.checkError(c.Fails(F("SEND", "destination", e.Queue(""), "amq-msg-type", "zz")), "Unsupported message type 'zz'")
				c.Quiet()
			},
		},
		{
			Name: "body/empty", Versions: every(),
			Ref: "an empty body stays empty, as text and as bytes",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "")
				got := c.Message()
				e.Equal("body", got.Body, "")
				e.NoHeader(got, "content-length")
				c.Put(e.Queue(""), "", "content-length", "0")
				got = c.Message()
				e.Equal("body", got.Body, "")
				e.Header(got, "content-length", "0")
			},
		},
		{
			Name: "body/nul", Versions: every(),
			Ref: "bytes may hold NULs; so may a text, which then gets a content-length",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				for _, header := range [][]string{{"content-length", "5"}, {"content-length", "5", "amq-msg-type", "text"}} {
					c.Put(e.Queue(""), "a\x00b\x00\n", header...)
					got := c.Message()
					e.Equal("body", got.Body, "a\x00b\x00\n")
					e.Header(got, "content-length", "5")
				}
			},
		},
		{
			Name: "body/all-bytes",
			Ref:  "a bytes message carries any octet unchanged",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				all := make([]byte, 256)
				for i := range all {
					all[i] = byte(i)
				}
				c.Put(e.Queue(""), string(all), "content-length", "256")
				e.Equal("body", c.Message().Body, string(all))
			},
		},
		{
			Name: "body/utf-8", Versions: every(),
			Ref: "text is UTF-8, code points beyond the basic plane included, and line ends are kept",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				const text = "ü€😀 日本語 \r\n\t\u0001 𝄞 end\n"
				c.Put(e.Queue(""), text)
				e.Equal("body", c.Message().Body, text)
			},
		},
		{
			Name: "body/content-length-with-spaces",
			Ref:  "spaces around a content-length are ignored",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "ab", "content-length", " 2 ")
				got := c.Message()
				e.Equal("body", got.Body, "ab")
				e.Header(got, "content-length", "2")
			},
		},
		{
			Name: "body/large",
			Ref:  "a body of megabytes passes, as text and as bytes",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				body := strings.Repeat("0123456789abcdef", 3<<20/16)
				for _, header := range [][]string{nil, {"content-length", strconv.Itoa(len(body))}} {
					c.Put(e.Queue(""), body, header...)
					if got := c.Message().Body; got != body {
						t.Errorf("%d bytes came back, want %d equal ones", len(got), len(body))
					}
				}
			},
		},
		{
			Name: "body/looks-like-frames",
			Ref:  "a body that looks like frames is still a body",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				body := "x\x00\nSEND\ndestination:" + e.Queue("") + "\n\ninner\x00\n"
				c.Put(e.Queue(""), body, "content-length", strconv.Itoa(len(body)))
				e.Equal("body", c.Message().Body, body)
				c.Quiet()
			},
		},
	}
}
