package stomptest

import (
	"testing"
)

func heartbeatScenarios() []Scenario {
	return []Scenario{
		{
			Name: "heartbeat/reply", Versions: every(),
			Ref: "the broker accepts what the client proposes: heart-beat cx,cy is answered by cy,cx",
			Run: func(_ *testing.T, e *Env) {
				for proposal, want := range map[string]string{
					"0,0": "0,0", "5000,6000": "6000,5000", "0,10000": "10000,0", "10000,0": "0,10000",
				} {
					e.Header(e.Connect("heart-beat", proposal).Connected, "heart-beat", want)
				}
			},
		},
		{
			Name: "heartbeat/malformed",
			Ref:  "a heart-beat header that isn't two numbers is an ERROR and a close",
			Run: func(_ *testing.T, e *Env) {
				for _, text := range []string{"a,b", "5", "", "1,x"} {
					c := e.Dial()
					c.Write(e.ConnectFrame("heart-beat", text))
					e.Header(c.Expect("ERROR"), "message", "Invalid heart-beat header:"+text)
					c.Closed()
				}
			},
		},
		{
			Name:     "heartbeat/negative",
			Ref:      "negative intervals are malformed",
			ActiveMQ: "accepts `-1,5` and answers `5,-1`",
			Why:      "a negative interval means nothing and hides a client's mistake",
			Run: func(_ *testing.T, e *Env) {
				c := e.Dial()
				c.Write(e.ConnectFrame("heart-beat", "-1,5000"))
				if e.Differs() {
					e.Header(c.Expect("CONNECTED"), "heart-beat", "5000,-1")
					return
				}
				e.Header(c.Expect("ERROR"), "message", "Invalid heart-beat header:-1,5000")
				c.Closed()
			},
		},
		{
			Name:     "heartbeat/lower-bound",
			Ref:      "intervals below 100 ms are raised to 100 ms",
			ActiveMQ: "agrees to any interval, 1 ms included",
			Why:      "thousands of connections with a 1 ms interval would be a cheap way to keep a broker busy",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect("heart-beat", "0,1")
				want := "100,0"
				if e.Differs() {
					want = "1,0"
				}
				e.Header(c.Connected, "heart-beat", want)
			},
		},
		{
			Name: "heartbeat/from-broker", Versions: since11(),
			Ref: "a broker that agreed to send heart-beats sends line feeds between frames while it has nothing else to say",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect("heart-beat", "0,200")
				c.awaitBeats(3)
				c.Quiet()
			},
		},
		{
			Name: "heartbeat/client-alive", Versions: since11(),
			Ref: "any received byte counts as life, so a client that sends line feeds stays connected",
			Run: func(_ *testing.T, e *Env) {
				c := e.Connect("heart-beat", "1500,150")
				for range 24 { // well over two intervals
					c.awaitBeats(1)
					c.WriteRaw("\n")
				}
				c.Quiet()
			},
		},
		{
			Name: "heartbeat/client-dead", Versions: since11(),
			Ref: "a client that agreed to send heart-beats and is silent is closed, and what it didn't acknowledge goes to others as redelivered",
			Run: func(_ *testing.T, e *Env) {
				dead := e.Connect("heart-beat", "300,0")
				dead.Subscribe("1", e.Queue(""), "ack", "client")
				dead.Put(e.Queue(""), "one")
				dead.WantBodies("one")
				alive := e.Connect()
				alive.Subscribe("1", e.Queue(""))
				got := alive.Message()
				e.Equal("body", got.Body, "one")
				e.Header(got, "redelivered", "true")
				dead.awaitEnd()
			},
		},
	}
}

// awaitBeats reads line feeds until n more have come. Frames fail.
func (c *Client) awaitBeats(n int) {
	c.t.Helper()
	if err := c.extendRead(); err != nil {
		c.t.Fatalf("deadline: %v", err)
	}
	for range n {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatalf("waiting for a heart-beat: %v", err)
		}
		if b != '\n' {
			c.t.Fatalf("got byte %q, want a line feed", b)
		}
	}
}

// awaitEnd reads whatever comes until the broker closes the connection.
func (c *Client) awaitEnd() {
	c.t.Helper()
	for {
		if _, err := c.next(); err != nil {
			if !isClosed(err) {
				c.t.Fatalf("got %v, want a closed connection", err)
			}
			return
		}
	}
}
