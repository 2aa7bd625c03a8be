package amqptest

import (
	"crypto/rand"
	"strings"
)

// headerScenarios prove how a connection begins [AMQP 2.2].
func headerScenarios() []Scenario {
	// answered sends a header, and wants the broker to answer with one that it knows and to close.
	answered := func(sent string) func(*Env) {
		return func(e *Env) {
			c := e.Dial()
			c.WriteRaw([]byte(sent))
			if h := c.Header(); h != SASLHeader && h != ProtocolHeader {
				e.t.Errorf("got %q, want a header of AMQP 1.0", h)
			}
			c.Ends()
		}
	}
	return []Scenario{
		{
			Name: "header/wrong-version", RabbitMQ: "answers with the header of 0-9-1", ActiveMQ: "closes with amqp:decode-error",
			Why: "the standard has it so: the header tells a client what it could speak", Ref: "a version that is not known is answered with the header of 1.0, and closed",
			Run: answered("AMQP\x00\x02\x00\x00"),
		},
		{
			Name: "header/amqp-0-9-1", Ref: "a client of AMQP 0-9-1 gets the header of 1.0 and a closed connection",
			RabbitMQ: "speaks 0-9-1, too", Run: answered("AMQP\x00\x00\x09\x01"),
		},
		{Name: "header/tls-in-band", Ref: "TLS inside the connection is not offered: the header of SASL comes, and a close", Run: answered("AMQP\x02\x01\x00\x00")},
		{
			Name: "header/sasl-required", Login: true, Bare: true, Ref: "where a password is needed, the plain header is answered with that of SASL, and closed",
			RabbitMQ: "answers the plain header, takes the open and refuses then", Run: func(e *Env) {
				c := e.Dial()
				c.WriteRaw([]byte(ProtocolHeader))
				if h := c.Header(); h != SASLHeader {
					e.t.Errorf("got %q", h)
				}
				c.Ends()
			},
		},
		{Name: "header/split", Ref: "headers and frames may come octet by octet", Run: func(e *Env) {
			c := e.Dial()
			mechanism, response := c.target.credentials()
			for i := range SASLHeader {
				c.WriteRaw([]byte(SASLHeader[i : i+1]))
			}
			c.Header()
			c.Expect(Mechanisms)
			f := P(0, Init, Symbol(mechanism), response)
			f.Type = 1
			octets := f.Encode()
			for i := range octets {
				c.WriteRaw(octets[i : i+1])
			}
			if code := c.Expect(Outcome).Num(0); code != 0 {
				e.t.Fatalf("outcome %d", code)
			}
			octets = append([]byte(ProtocolHeader), P(0, Open, "split").Encode()...)
			for i := range octets {
				c.WriteRaw(octets[i : i+1])
			}
			c.Header()
			c.Expect(Open)
			c.Closes()
		}},
		{Name: "header/pipelined", Ref: "a client may write header, SASL, open, begin and attach in one segment, and is answered in order", Run: func(e *Env) {
			c := e.Dial()
			mechanism, response := c.target.credentials()
			init := P(0, Init, Symbol(mechanism), response)
			init.Type = 1
			octets := append([]byte(SASLHeader), init.Encode()...)
			octets = append(octets, ProtocolHeader...)
			octets = append(octets, P(0, Open, "pipelined-"+rand.Text()).Encode()...)
			octets = append(octets, P(0, Begin, nil, uint32(0), uint32(100), uint32(100)).Encode()...)
			octets = append(octets, P(0, Attach, "l", uint32(0), false, nil, nil, D(SourceCode), Terminus{Address: e.Queue("")}.Target(), nil, nil, uint32(0)).Encode()...)
			c.WriteRaw(octets)
			c.Header()
			c.Expect(Mechanisms)
			c.Expect(Outcome)
			c.Header()
			c.Expect(Open)
			c.Expect(Begin)
			if f := c.Expect(Attach); f.Fields.At(6) == nil {
				e.t.Errorf("refused: %v", f)
			}
			if f := c.Expect(Flow); f.Num(6) == 0 {
				e.t.Errorf("no credit: %v", f)
			}
		}},
		{Name: "header/after-login", RabbitMQ: "begins the login anew", Ref: "behind the login comes the header of AMQP: another one is answered with that, and closed", Run: func(e *Env) {
			c := e.Dial()
			if code := c.SASL(c.target.credentials()); code != 0 {
				e.t.Fatalf("outcome %d", code)
			}
			c.WriteRaw([]byte(SASLHeader))
			if h := c.Header(); h != ProtocolHeader {
				e.t.Errorf("got %q", h)
			}
			c.Ends()
		}},
		{Name: "header/without-sasl", Plain: true, Ref: "where anybody is let in, a client may leave the security layer out", Run: func(e *Env) {
			c := e.Dial()
			c.WriteRaw([]byte(ProtocolHeader))
			if h := c.Header(); h != ProtocolHeader {
				e.t.Fatalf("got %q", h)
			}
			c.Open("amqptest-" + rand.Text())
			c.Session().Sync()
		}},
	}
}

// saslScenarios prove the security layer [AMQP 5.3].
func saslScenarios() []Scenario {
	refused := func(mechanism func(*Env) (string, any)) func(*Env) {
		return func(e *Env) {
			c := e.Dial()
			if code := c.SASL(mechanism(e)); code != 1 {
				e.t.Errorf("outcome %d, want 1", code)
			}
			c.Ends()
		}
	}
	return []Scenario{
		{Name: "sasl/mechanisms", Ref: "the mechanisms are an array of symbols, PLAIN among them", Login: true, Run: func(e *Env) {
			c := e.Dial()
			c.WriteRaw([]byte(SASLHeader))
			c.Header()
			f := c.Expect(Mechanisms)
			if _, ok := f.Fields.At(0).(Array); !ok || !Has(f.Fields.At(0), "PLAIN") {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "sasl/anonymous", Ref: "ANONYMOUS is offered where no password is needed, and its trace text is of no matter", Plain: true, Run: func(e *Env) {
			c := e.Dial()
			if code := c.SASL("ANONYMOUS", []byte(strings.Repeat("x", 200))); code != 0 {
				e.t.Errorf("outcome %d", code)
			}
		}},
		{Name: "sasl/plain", RabbitMQ: "ends the connection at an identity to act for", Ref: "PLAIN takes user and password, with or without the user as the identity to act for", Login: true, Run: func(e *Env) {
			for _, identity := range []string{"", e.target.User} {
				c := e.Dial()
				if code := c.SASL("PLAIN", []byte(identity+"\x00"+e.target.User+"\x00"+e.target.Pass)); code != 0 {
					e.t.Errorf("identity %q: outcome %d", identity, code)
				}
			}
		}},
		{Name: "sasl/plain-challenge", Ref: "PLAIN without an initial response is asked for it by an empty challenge", Login: true,
			RabbitMQ: "ends the connection", Run: func(e *Env) {
				c := e.Dial()
				c.WriteRaw([]byte(SASLHeader))
				c.Header()
				c.Expect(Mechanisms)
				f := P(0, Init, Symbol("PLAIN"))
				f.Type = 1
				c.Write(f)
				c.Expect(Challenge)
				f = P(0, Response, []byte("\x00"+e.target.User+"\x00"+e.target.Pass))
				f.Type = 1
				c.Write(f)
				if code := c.Expect(Outcome).Num(0); code != 0 {
					e.t.Errorf("outcome %d", code)
				}
			}},
		{Name: "sasl/wrong-password", Ref: "a wrong password gives outcome 1 and the end of the connection", Login: true, Run: refused(func(e *Env) (string, any) {
			return "PLAIN", []byte("\x00" + e.target.User + "\x00" + e.target.Pass + "x")
		})},
		{Name: "sasl/wrong-user", Ref: "an unknown user gives outcome 1, as a wrong password does", Login: true, Run: refused(func(e *Env) (string, any) {
			return "PLAIN", []byte("\x00nobody\x00" + e.target.Pass)
		})},
		{Name: "sasl/empty-password", Ref: "an empty password is refused", Login: true, Bare: true, Run: refused(func(e *Env) (string, any) {
			return "PLAIN", []byte("\x00" + e.target.User + "\x00")
		})},
		{Name: "sasl/other-identity", Ref: "a user may not act for another one", Login: true, RabbitMQ: "ignores the identity", Run: refused(func(e *Env) (string, any) {
			return "PLAIN", []byte("root\x00" + e.target.User + "\x00" + e.target.Pass)
		})},
		{Name: "sasl/malformed-plain", Ref: "a response of PLAIN without its three parts is refused", Login: true,
			RabbitMQ: "ends the connection without an outcome", Run: refused(func(e *Env) (string, any) {
				return "PLAIN", []byte(e.target.User)
			})},
		{Name: "sasl/unknown-mechanism", Ref: "a mechanism that is not offered gives outcome 1", RabbitMQ: "gives outcome 2", Run: refused(func(*Env) (string, any) {
			return "X-UNKNOWN", []byte("x")
		})},
		{Name: "sasl/anonymous-refused", Ref: "ANONYMOUS is refused where a password is needed", Login: true, Run: func(e *Env) {
			c := e.Dial()
			c.WriteRaw([]byte(SASLHeader))
			c.Header()
			if f := c.Expect(Mechanisms); Has(f.Fields.At(0), "ANONYMOUS") && e.target.Peer != RabbitMQ {
				e.t.Errorf("ANONYMOUS is offered: %v", f)
			} else if e.target.Peer == RabbitMQ {
				return // its default user may be used so
			}
			if code := c.init("ANONYMOUS", []byte("x")); code != 1 {
				e.t.Errorf("outcome %d", code)
			}
			c.Ends()
		}},
		{Name: "sasl/external", Certified: true, Ref: "EXTERNAL is offered first to a client with a certificate, and takes it with or without its user's name", Run: func(e *Env) {
			for _, name := range []string{"", e.target.User} {
				c := e.Dial()
				c.WriteRaw([]byte(SASLHeader))
				c.Header()
				f := c.Expect(Mechanisms)
				if list, _ := f.Fields.At(0).(Array); len(list) == 0 || list[0] != Symbol("EXTERNAL") {
					e.t.Errorf("got %v", f)
				}
				if code := c.init("EXTERNAL", []byte(name)); code != 0 {
					e.t.Errorf("%q: outcome %d", name, code)
				}
			}
		}},
		{Name: "sasl/external-challenge", Certified: true, Ref: "EXTERNAL without an initial response is asked for it by an empty challenge", Run: func(e *Env) {
			c := e.Dial()
			c.WriteRaw([]byte(SASLHeader))
			c.Header()
			c.Expect(Mechanisms)
			f := P(0, Init, Symbol("EXTERNAL"))
			f.Type = 1
			c.Write(f)
			c.Expect(Challenge)
			f = P(0, Response, []byte{})
			f.Type = 1
			c.Write(f)
			if code := c.Expect(Outcome).Num(0); code != 0 {
				e.t.Errorf("outcome %d", code)
			}
		}},
		{Name: "sasl/external-other", Certified: true, Ref: "a certificate is good for its own user only", Run: refused(func(*Env) (string, any) {
			return "EXTERNAL", []byte("other")
		})},
		{Name: "sasl/certificate-without-password", Certified: true, Ref: "PLAIN without a password is the certificate's user, and nobody else", Run: func(e *Env) {
			for user, want := range map[string]uint32{e.target.User: 0, "other": 1} {
				if code := e.Dial().SASL("PLAIN", []byte("\x00"+user+"\x00")); code != want {
					e.t.Errorf("%s: outcome %d, want %d", user, code, want)
				}
			}
		}},
		{Name: "sasl/certificate-and-wrong-password", Certified: true, Ref: "a password that is given counts, whatever the certificate", Run: refused(func(e *Env) (string, any) {
			return "PLAIN", []byte("\x00" + e.target.User + "\x00" + e.target.Pass + "x")
		})},
	}
}

// sessionScenarios prove sessions [AMQP 2.5].
func sessionScenarios() []Scenario {
	return []Scenario{
		{Name: "session/begin", Ref: "a begin is answered with the channel that it came on, and with windows", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(7, Begin, nil, uint32(0), uint32(10), uint32(10)))
			f := c.Expect(Begin)
			if f.Fields.At(0) != uint16(7) || f.Num(2) == 0 || f.Num(3) == 0 {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "session/several", Ref: "sessions of a connection are apart: the end of one leaves the others", Run: func(e *Env) {
			c := e.Connect()
			one, two := c.Session(), c.Session()
			two.Sender(e.Queue("")).PutTexts("a")
			one.Ends()
			two.Sync()
			three := c.Session()
			d := three.Receiver(e.Queue("")).Take()
			d.Accept()
			two.Ends()
			three.Ends()
		}},
		{Name: "session/channel-again", Ref: "a channel can be used again at once behind its end", Run: func(e *Env) {
			c := e.Connect()
			begin := P(0, Begin, nil, uint32(0), uint32(10), uint32(10))
			for range 5 {
				c.Write(begin, P(0, End), begin)
				c.Expect(Begin)
				c.Expect(End)
				c.Expect(Begin)
				c.Write(P(0, End))
				c.Expect(End)
			}
		}},
		{Name: "session/channel-in-use", Ref: "a begin on a channel that has a session is an error of the connection", RabbitMQ: "takes it", Run: func(e *Env) {
			c := e.Connect()
			begin := P(0, Begin, nil, uint32(0), uint32(10), uint32(10))
			c.Write(begin, begin)
			c.Expect(Begin)
			c.Failed("amqp:illegal-state", "amqp:connection:framing-error", "amqp:not-allowed")
		}},
		{Name: "session/channel-too-high", Ref: "a begin on a channel above the broker's channel-max is an error of the connection", RabbitMQ: "takes it", Run: func(e *Env) {
			c := e.Connect()
			highest := uint16(65535)
			if n, ok := c.Opened.Fields.At(3).(uint16); ok {
				highest = n
			}
			if highest == 65535 {
				e.t.Fatalf("the broker takes every channel")
			}
			c.Write(P(highest+1, Begin, nil, uint32(0), uint32(10), uint32(10)))
			c.Failed("amqp:connection:framing-error", "amqp:not-allowed")
		}},
		{Name: "session/no-session", Ref: "a frame on a channel without a session is an error of the connection", RabbitMQ: "ignores it", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(3, Flow, uint32(0), uint32(10), uint32(0), uint32(10)))
			c.Failed("amqp:connection:framing-error", "amqp:not-allowed", "amqp:illegal-state")
		}},
		{Name: "session/empty-frames", Ref: "empty frames may come on any channel", Run: func(e *Env) {
			c := e.Connect()
			c.Write(Frame{}, Frame{Channel: 9})
			c.Session().Sync()
		}},
		{Name: "session/echo", RabbitMQ: "does not answer", Ref: "a flow with echo is answered at once, and its answer asks for none", Run: func(e *Env) {
			s := e.Session()
			s.Flow(nil, nil, nil, nil, false, true)
			f := s.Await("a flow", func(f Frame) bool { return f.Code == Flow })
			if f.Bool(9) || f.Fields.At(0) == nil || f.Num(1) == 0 {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "session/outgoing-window", Ref: "a session sends no more transfers than the client's window takes, and goes on when it opens", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			snd.PutTexts("1", "2", "3", "4", "5", "6")
			narrow := s.Client.narrowSession(2)
			l := narrow.Receiver(e.Queue(""))
			narrow.Write(P(narrow.channel, Flow, narrow.nextIncoming, uint32(2), uint32(0), uint32(100), l.handle, l.count, uint32(10)))
			list := l.WantTexts("1", "2")
			narrow.Write(P(narrow.channel, Flow, narrow.nextIncoming, uint32(0), uint32(0), uint32(100), nil, nil, nil, nil, false, true))
			narrow.Await("an answer", func(f Frame) bool { return f.Code == Flow && f.Channel == narrow.remote })
			if more := l.Arrived(); len(more) > 0 {
				e.t.Fatalf("beyond the window came %q", more[0].Text())
			}
			narrow.Write(P(narrow.channel, Flow, narrow.nextIncoming, uint32(3), uint32(0), uint32(100)))
			list = append(list, l.WantTexts("3", "4", "5")...)
			narrow.Write(P(narrow.channel, Flow, narrow.nextIncoming, uint32(10), uint32(0), uint32(100)))
			list = append(list, l.WantTexts("6")...)
			for _, d := range list {
				d.Settle(D(Accepted), true)
			}
		}},
		{Name: "session/end-releases", Ref: "what a session had unsettled when it ended is available again", Run: func(e *Env) {
			c := e.Connect()
			one, two := c.Session(), c.Session()
			two.Sender(e.Queue("")).PutTexts("a", "b")
			l := one.Receiver(e.Queue(""))
			l.Credit(2)
			l.WantTexts("a", "b")
			one.Ends()
			l = two.Receiver(e.Queue(""))
			l.Credit(2)
			for _, d := range l.WantTexts("a", "b") {
				d.Accept()
			}
		}},
		{Name: "session/first-flow", RabbitMQ: "does not answer an echo", Ref: "a flow that a client sends before it has seen the begin has no next-incoming-id", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(0, Begin, nil, uint32(0), uint32(100), uint32(100)), P(0, Flow, nil, uint32(100), uint32(0), uint32(100), nil, nil, nil, nil, false, true))
			c.Expect(Begin)
			c.Expect(Flow)
		}},
		{Name: "session/flow-out-of-step", RabbitMQ: "goes on", Ref: "a flow that counts other transfers than have come ends the session", Run: func(e *Env) {
			c := e.Connect()
			for _, next := range []uint32{7, 1<<32 - 1} {
				s := c.Session()
				s.Write(P(s.channel, Flow, uint32(0), uint32(100), next, uint32(100)))
				s.Failed("amqp:session:window-violation")
			}
		}},
		{Name: "session/begin-answers-none", RabbitMQ: "stays silent", Ref: "a begin that answers one which the broker has not sent is an error of the connection", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(0, Begin, uint16(3), uint32(0), uint32(100), uint32(100)))
			c.Failed("amqp:not-allowed", "amqp:connection:framing-error", "amqp:invalid-field", "amqp:illegal-state")
		}},
	}
}

// narrowSession begins a session with an incoming-window.
func (c *Client) narrowSession(window uint32) *Session {
	c.t.Helper()
	s := &Session{Client: c, channel: uint16(len(c.sessions))}
	c.Write(P(s.channel, Begin, nil, uint32(0), window, uint32(ourWindow), uint32(1000)))
	s.Begun = c.Await("a begin", func(f Frame) bool { return f.Code == Begin && f.Fields.At(0) == s.channel })
	s.remote, s.begun = s.Begun.Channel, true
	s.nextIncoming, s.window = s.Begun.Num(1), s.Begun.Num(2)
	c.sessions = append(c.sessions, s)
	return s
}
