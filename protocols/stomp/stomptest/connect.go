package stomptest

import (
	"strings"
	"testing"
)

func connectScenarios() []Scenario {
	return []Scenario{
		{
			Name: "connect/reply", Versions: every(),
			Ref: "CONNECTED names the version, a session, the server and the agreed heart-beat; without accept-version the version is 1.0",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				e.Header(c.Connected, "version", e.Version)
				e.Header(c.Connected, "heart-beat", "0,0")
				if session := c.Connected.Get("session"); session == "" {
					t.Errorf("no session in %v", c.Connected)
				}
				if server := c.Connected.Get("server"); server == "" {
					t.Errorf("no server in %v", c.Connected)
				}
				e.NoHeader(c.Connected, "response-id", "receipt-id", "login", "passcode")
				c.Disconnect()
			},
		},
		{
			Name: "connect/server-token",
			Ref:  "the server header starts with the product token ActiveMQ/, by which clients choose header names",
			Run: func(t *testing.T, e *Env) {
				c := e.Connect()
				if server := c.Connected.Get("server"); !strings.HasPrefix(server, "ActiveMQ/") {
					t.Errorf("server is %q", server)
				}
			},
		},
		{
			Name: "connect/stomp-command", Versions: since11(),
			Ref: "the command STOMP opens a session as CONNECT does",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				f := e.ConnectFrame()
				f.Command = "STOMP"
				c.Write(f)
				e.Header(c.Expect("CONNECTED"), "version", e.Version)
			},
		},
		{
			Name: "connect/no-host", Versions: since11(),
			Ref: "a missing host header is forgiven, as is any value",
			Run: func(_ *testing.T, e *Env) {
				for _, host := range [][]string{nil, {"host", "127.0.0.1"}, {"host", "no.such.virtual.host"}, {"host", "/"}} {
					c := e.Dial()
					f := F("CONNECT", "accept-version", e.Version).With(host...)
					if e.target.User != "" {
						f = f.With("login", e.target.User, "passcode", e.target.Pass)
					}
					c.Write(f)
					c.Expect("CONNECTED")
				}
			},
		},
		{
			Name: "connect/highest-common-version",
			Ref:  "the highest version of the list that both know is chosen, whatever its order",
			Run: func(_ *testing.T, e *Env) {
				for offer, want := range map[string]string{
					"1.0,1.1,1.2": "1.2", "1.2,1.1,1.0": "1.2", "1.1,1.0": "1.1", "1.0,1.1,9.9": "1.1", "1.0": "1.0",
				} {
					e.Header(e.offer(offer).Expect("CONNECTED"), "version", want)
				}
			},
		},
		{
			Name:     "connect/version-list-with-spaces",
			Ref:      "spaces in accept-version are ignored",
			ActiveMQ: "doesn't trim the entries, so `1.0, 1.1` gives 1.0",
			Why:      "a client that writes the list with spaces should get the version it asked for",
			Run: func(_ *testing.T, e *Env) {
				want := "1.1"
				if e.Differs() {
					want = "1.0"
				}
				e.Header(e.offer("1.0, 1.1").Expect("CONNECTED"), "version", want)
			},
		},
		{
			Name: "connect/unknown-version",
			Ref:  "a version list without a known version is answered by an ERROR, whose header isn't escaped, and the connection closes",
			Run: func(t *testing.T, e *Env) {
				c := e.Dial()
				c.Write(F("CONNECT", "accept-version", "9", "host", "x", "receipt", "r:1"))
				got := c.Expect("ERROR")
				e.Header(got, "message", "Invalid Protocol version[9], supported versions are: [1.2, 1.1, 1.0]")
				e.Header(got, "content-type", "text/plain")
				e.Header(got, "receipt-id", "r:1")
				if !strings.Contains(got.Body, "Invalid Protocol version[9]") {
					t.Errorf("body %q", got.Body)
				}
				c.Closed()
			},
		},
		{
			Name: "connect/request-id", Versions: every(),
			Ref: "CONNECTED echoes request-id as response-id",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect("request-id", "q-7")
				e.Header(c.Connected, "response-id", "q-7")
			},
		},
		{
			Name: "connect/receipt", Versions: every(),
			Ref: "a receipt header on CONNECT is answered inside CONNECTED, as receipt-id and response-id",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect("receipt", "r-7")
				e.Header(c.Connected, "receipt-id", "r-7")
				e.Header(c.Connected, "response-id", "r-7")
				c.Quiet()
			},
		},
		{
			Name: "connect/client-id-is-session", Versions: every(),
			Ref: "session is the client id; without one it is generated and unique",
			Run: func(t *testing.T, e *Env) {
				e.Header(e.Connect("client-id", e.Name("me")).Connected, "session", e.Name("me"))
				first, second := e.Connect().Connected.Get("session"), e.Connect().Connected.Get("session")
				if first == second {
					t.Errorf("two sessions are called %q", first)
				}
				if !strings.HasPrefix(first, "ID:") {
					t.Errorf("generated session %q doesn't start with ID:", first)
				}
			},
		},
		{
			Name: "connect/client-id-in-use",
			Ref:  "a client id that another connection holds is refused with an ERROR and a close; the holder isn't disturbed, and the id is free after it left",
			Run: func(t *testing.T, e *Env) {
				holder := e.Connect("client-id", e.Name("me"))
				second := e.Dial()
				second.Write(e.ConnectFrame("client-id", e.Name("me"), "receipt", "r"))
				got := second.Expect("ERROR")
				if m := got.Get("message"); !strings.Contains(m, "Client: "+e.Name("me")+" already connected") {
					t.Errorf("message %q", m)
				}
				e.Header(got, "receipt-id", "r")
				second.Closed()
				holder.Quiet()
				holder.Disconnect()
				e.Connect("client-id", e.Name("me")).Quiet()
			},
		},
		{
			Name: "connect/unknown-headers",
			Ref:  "unknown CONNECT headers, activemq.* ones included, are ignored",
			Run: func(_ *testing.T, e *Env) {
				e.Connect("activemq.clientMaster", "true", "activemq.nonsense", "x", "color", "red").Quiet()
			},
		},
		{
			Name: "connect/crlf", Versions: []string{"1.0", "1.2"},
			Ref: "lines may end in CR LF on CONNECT and, in 1.0 and 1.2, later",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.WriteRaw(strings.ReplaceAll(e.ConnectFrame().encode(""), "\n", "\r\n"))
				e.Header(c.Expect("CONNECTED"), "version", e.Version)
				c.version = e.Version
				c.WriteRaw("\r\nSUBSCRIBE\r\nid:1\r\ndestination:" + e.Queue("") + "\r\nreceipt:a\r\n\r\n\x00")
				c.AwaitReceipt("a")
				c.WriteRaw("\r\nSEND\r\ndestination:" + e.Queue("") + "\r\ncolor:red\r\n\r\none\r\n\x00\r\n")
				got := c.Message()
				e.Equal("body", got.Body, "one\r\n")
				e.Header(got, "color", "red")
			},
		},
		{
			Name: "connect/leading-line-feeds",
			Ref:  "line feeds in front of any frame, CONNECT included, are skipped",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.WriteRaw("\n\n\n" + e.ConnectFrame().encode("") + "\n\n")
				c.Expect("CONNECTED")
				c.version = e.Version
				c.WriteRaw("\n\n")
				c.Quiet()
			},
		},
		{
			Name: "connect/second-connect",
			Ref:  "a second CONNECT is an ERROR; the session stays usable",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect()
				e.checkError(c.Fails(e.ConnectFrame()), "Already connected.")
				c.Quiet()
			},
		},
		{
			Name: "connect/other-frame-first",
			Ref:  "a frame before CONNECT is an ERROR and has no effect; CONNECT may follow",
			Run: func(_ *testing.T, e *Env) {
				for _, command := range []string{"SEND", "SUBSCRIBE", "ACK", "BEGIN"} {
					c := e.Dial()
					c.Write(F(command, "destination", e.Queue(""), "id", "1", "transaction", "t"))
					e.Header(c.Expect("ERROR"), "message", "Not connected.")
					c.Write(e.ConnectFrame())
					c.Expect("CONNECTED")
					c.version = e.Version
					c.Subscribe("1", e.Queue(""))
					c.Quiet()
					c.Disconnect()
				}
			},
		},
	}
}

// offer sends a CONNECT with the given accept-version.
func (e *Env) offer(versions string) *Client {
	c := e.Dial()
	f := F("CONNECT", "accept-version", versions, "host", "localhost")
	if e.target.User != "" {
		f = f.With("login", e.target.User, "passcode", e.target.Pass)
	}
	c.Write(f)
	return c
}
