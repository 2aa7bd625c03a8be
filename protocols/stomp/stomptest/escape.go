package stomptest

import (
	"strings"
	"testing"
)

func escapeScenarios() []Scenario {
	return []Scenario{
		{
			Name: "escape/values", Versions: since11(),
			Ref: `\n, \c, \\ (and in 1.2 \r) in values are decoded on the way in and encoded on the way out`,
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				value := "a:b\\c\nd\\n"
				if e.Version == "1.2" {
					value += "\re"
				}
				c.Put(e.Queue(""), "one", "odd", value)
				e.Header(c.Message(), "odd", value)
			},
		},
		{
			Name: "escape/across-versions",
			Ref:  "an escaped value is kept decoded: 1.0 consumers see the text itself, with a colon and a backslash",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				old := e.at("1.0").Connect()
				old.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", "odd", `a:b\c`)
				e.Header(old.Message(), "odd", `a:b\c`)
			},
		},
		{
			Name:     "escape/names",
			Ref:      "names are decoded and encoded as values are",
			ActiveMQ: `leaves names as they came: a 1.0 consumer of the name a:b sees a\cb`,
			Why:      "the standard escapes both",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				old := e.at("1.0").Connect()
				old.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", `a\b`, "value")
				name := `a\b`
				if e.Differs() {
					name = `a\\b`
				}
				e.Header(old.Message(), name, "value")
				c.Subscribe("1", e.Queue("same"))
				c.Put(e.Queue("same"), "two", "a:b", "value")
				e.Header(c.Message(), "a:b", "value")
			},
		},
		{
			Name: "escape/undefined", Versions: since11(),
			Ref: `undefined escapes (\t, a trailing backslash) are taken literally`,
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.WriteRaw("SEND\ndestination:" + e.Queue("") + "\nodd:a\\tb\ntrail:a\\\n\none\x00")
				got := c.Message()
				e.Header(got, "odd", `a\tb`)
				e.Header(got, "trail", `a\`)
			},
		},
		{
			Name: "escape/raw-colon", Versions: every(),
			Ref: "a raw colon in a value is accepted in every version",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.WriteRaw("SEND\ndestination:" + e.Queue("") + "\nurl:http://x:1/\n\none\x00")
				e.Header(c.Message(), "url", "http://x:1/")
			},
		},
		{
			Name: "escape/none-in-1.0", Versions: []string{"1.0"},
			Ref:      "1.0 has no escapes: a backslash is itself",
			ActiveMQ: "decodes escapes from 1.0 clients too, without encoding on the way out",
			Why:      "the standard; a Windows path from a 1.0 client must not change",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", "odd", `a\cc\\d`)
				want := `a\cc\\d`
				if e.Differs() {
					want = `a:c\d`
				}
				e.Header(c.Message(), "odd", want)
			},
		},
		{
			Name: "escape/trim-1.0", Versions: []string{"1.0"},
			Ref: "1.0 values are trimmed",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.WriteRaw("SEND\ndestination: " + e.Queue("") + "\ncolor:  dark red \n\none\x00")
				e.Header(c.Message(), "color", "dark red")
			},
		},
		{
			Name: "escape/no-trim", Versions: since11(),
			Ref: "from 1.1 on values and names keep their spaces",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""))
				c.Put(e.Queue(""), "one", "color", "  dark red ", "x ", " ")
				got := c.Message()
				e.Header(got, "color", "  dark red ")
				e.Header(got, "x ", " ")
			},
		},
		{
			Name: "escape/echoed-ids", Versions: every(),
			Ref: "receipt-id and subscription return the client's own text, escaped by the session's rules",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				odd := `my:id\x`
				c.Write(F("SUBSCRIBE", "destination", e.Queue(""), "id", odd, "receipt", odd))
				e.Header(c.Expect("RECEIPT"), "receipt-id", odd)
				c.Send(e.Queue(""), "one")
				e.Header(c.Message(), "subscription", odd)
				e.Header(c.Connected, "version", e.Version)
			},
		},
		{
			Name: "escape/message-id", Versions: since11(),
			Ref: `colons in message-id go out as \c; ACK takes it back both escaped and raw`,
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				c.Subscribe("1", e.Queue(""), "ack", "client-individual")
				c.PutAll(e.Queue(""), "one two")
				for _, got := range c.WantBodies("one two") {
					if !strings.Contains(got.Get("message-id"), ":") {
						t.Errorf("message-id %q has no colon", got.Get("message-id"))
					}
					raw := "ACK\nid:" + got.Get("ack") + "\nreceipt:" + got.Body + "\n\n\x00"
					if e.Version == "1.1" {
						raw = "ACK\nsubscription:1\nmessage-id:" + got.Get("message-id") + "\nreceipt:" + got.Body + "\n\n\x00"
					}
					if got.Body == "one" {
						c.WriteRaw(raw)
						c.AwaitReceipt("one")
						continue
					}
					c.Ack(got)
				}
				c.Unsubscribe("1")
				c.Subscribe("2", e.Queue(""))
				c.Quiet()
			},
		},
		{
			Name: "escape/connect-client-id", Versions: every(),
			Ref:      "CONNECT and CONNECTED are never escaped: a client id with a backslash comes back as session untouched",
			ActiveMQ: "decodes escapes in CONNECT, passcodes included",
			Why:      "the standard; a password that holds a backslash must arrive as it is",
			Run: func(_ *testing.T, e *Env) {
				sent := e.Name("") + `a:b\c\\`
				want := sent
				if e.Differs() {
					want = e.Name("") + `a:b:\`
				}
				e.Header(e.Connect("client-id", sent).Connected, "session", want)
			},
		},
	}
}

// at returns the same environment for another protocol version.
func (e *Env) at(version string) *Env {
	other := *e
	other.Version = version
	return &other
}
