package amqptest

// attachScenarios prove the attaching and detaching of links [AMQP 2.6].
func attachScenarios() []Scenario {
	return []Scenario{
		{Name: "attach/sender", Ref: "the answer to a sender's attach echoes both termini, names the largest message and is followed by credit", RabbitMQ: "names no largest message", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			f := l.Attached
			if f.Fields.At(5) == nil || Fields(f.Fields.At(6)).At(0) != e.Queue("") || f.Fields.At(10) == nil {
				e.t.Errorf("got %v", f)
			}
			if l.credit < 10 {
				e.t.Errorf("credit %d", l.credit)
			}
			l.Detach(true)
		}},
		{Name: "attach/receiver", RabbitMQ: "echoes no target", Ref: "the answer to a receiver's attach echoes both termini and says where its delivery-count begins", Run: func(e *Env) {
			s := e.Session()
			f := s.Receiver(e.Queue("")).Attached
			if Fields(f.Fields.At(5)).At(0) != e.Queue("") || f.Fields.At(6) == nil || f.Fields.At(9) == nil {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "attach/address-as-asked", Ref: "the answer names the address as the client wrote it", Run: func(e *Env) {
			s := e.Session()
			name := "amqptest." + e.Name("bare")
			if f := s.Receiver(name).Attached; Fields(f.Fields.At(5)).At(0) != name {
				e.t.Errorf("got %v", f)
			}
			if f := s.Sender(name).Attached; Fields(f.Fields.At(6)).At(0) != name {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "attach/modes-echoed", Ref: "the settle modes of the answer are those that were asked for", RabbitMQ: "answers what it likes", Run: func(e *Env) {
			s := e.Session()
			for _, snd := range []uint8{0, 1, 2} {
				for _, rcv := range []uint8{0, 1} {
					f := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue("")}, Snd: snd, Rcv: rcv}).Attached
					if got := f.Fields.At(3); (got == nil && snd != 2 || got != nil && got != snd) && !(snd == 2 && got == uint8(0)) {
						e.t.Errorf("receiver: snd-settle-mode %d became %v", snd, got)
					}
					if got := f.Fields.At(4); got == nil && rcv != 0 || got != nil && got != rcv {
						e.t.Errorf("receiver: rcv-settle-mode %d became %v", rcv, got)
					}
					f = s.SenderWith(Terms{Target: Terminus{Address: e.Queue("")}, Snd: snd, Rcv: rcv}).Attached
					if got := f.Fields.At(3); got == nil && snd != 2 || got != nil && got != snd {
						e.t.Errorf("sender: snd-settle-mode %d became %v", snd, got)
					}
					if got := f.Fields.At(4); got == nil && rcv != 0 || got != nil && got != rcv {
						e.t.Errorf("sender: rcv-settle-mode %d became %v", rcv, got)
					}
				}
			}
		}},
		{Name: "attach/one-name-both-ways", Ref: "a sender and a receiver of a session may have the same name", Run: func(e *Env) {
			s := e.Session()
			snd := s.SenderWith(Terms{Name: "both", Target: Terminus{Address: e.Queue("")}})
			rcv := s.ReceiverWith(Terms{Name: "both", Source: Terminus{Address: e.Queue("")}})
			snd.PutTexts("a")
			rcv.Take().Accept()
			snd.Detach(true)
			snd = s.SenderWith(Terms{Name: "both", Target: Terminus{Address: e.Queue("")}})
			snd.PutTexts("b")
			rcv.Take().Accept()
		}},
		{Name: "attach/handle-in-use", Ref: "an attach with a handle that has a link ends the session", RabbitMQ: "takes it", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue(""))
			l := s.newLink(true, "again")
			l.handle = 0
			s.Write(l.frame(Terms{Source: Terminus{Address: e.Queue("")}}))
			s.Failed("amqp:session:handle-in-use")
		}},
		{Name: "attach/handle-too-high", Ref: "a handle above the broker's handle-max is an error of the connection", RabbitMQ: "takes it", Run: func(e *Env) {
			s := e.Session()
			highest := s.Begun.Num(4)
			if s.Begun.Fields.At(4) == nil || highest == 1<<32-1 {
				e.t.Fatalf("the broker takes every handle")
			}
			l := s.newLink(true, "high")
			l.handle = highest + 1
			s.Write(l.frame(Terms{Source: Terminus{Address: e.Queue("")}}))
			s.Client.Failed("amqp:connection:framing-error", "amqp:not-allowed")
		}},
		{Name: "attach/handle-again", Ref: "a handle can be used again behind its detach", Run: func(e *Env) {
			s := e.Session()
			for range 20 {
				s.handles = 0
				s.links = nil
				l := s.Sender(e.Queue(""))
				l.PutTexts("x")
				l.Detach(true)
			}
		}},
		{Name: "attach/unattached-handle", Ref: "a transfer, flow or detach with a handle that has no link ends the session", RabbitMQ: "ends the connection", Run: func(e *Env) {
			c := e.Connect()
			for _, f := range []Frame{
				P(0, Transfer, uint32(9), uint32(0), []byte{1}, uint32(0)),
				P(0, Flow, uint32(0), uint32(10), uint32(0), uint32(10), uint32(9), uint32(0), uint32(1)),
				P(0, Detach, uint32(9), true),
			} {
				s := c.Session()
				f.Channel = s.channel
				s.Write(f)
				s.Failed("amqp:session:unattached-handle")
			}
		}},
		{Name: "attach/no-name", Ref: "an attach without a name ends the session or the connection with an error", RabbitMQ: "crashes the session", Run: func(e *Env) {
			s := e.Session()
			s.Write(P(s.channel, Attach, nil, uint32(0), true, nil, nil, Terminus{Address: e.Queue("")}.Source(), D(TargetCode)))
			f := s.next()
			if f.Code != End && f.Code != Close {
				e.t.Fatalf("got %v", f)
			}
			s.want(f, []string{"amqp:invalid-field", "amqp:decode-error"})
		}},
		{Name: "attach/closing-detach", Ref: "a closing detach is answered by a closing one", RabbitMQ: "answers with one that does not close", Run: func(e *Env) {
			s := e.Session()
			s.lenient = false
			s.Sender(e.Queue("")).Detach(true)
			s.Receiver(e.Queue("")).Detach(true)
		}},
		{Name: "attach/suspending-detach", Ref: "a detach that does not close is answered by one that does not close, and the link can be attached again", Run: func(e *Env) {
			s := e.Session()
			for range 3 {
				l := s.SenderWith(Terms{Name: "suspended", Target: Terminus{Address: e.Queue("")}})
				l.PutTexts("x")
				l.Detach(false)
			}
			for range 3 {
				l := s.ReceiverWith(Terms{Name: "suspended", Source: Terminus{Address: e.Queue("")}})
				l.Take().Accept()
				l.Detach(false)
			}
		}},
		{Name: "attach/stolen", Ref: "an attach of a link that the container has on another connection takes it over", RabbitMQ: "leaves both", Run: func(e *Env) {
			id := "amqptest-" + e.Name("")
			old := e.ConnectAs(id).Session()
			l := old.ReceiverWith(Terms{Name: "stolen", Source: Terminus{Address: e.Queue("")}})
			s := e.ConnectAs(id).Session()
			s.ReceiverWith(Terms{Name: "stolen", Source: Terminus{Address: e.Queue("")}})
			l.Failed("amqp:link:stolen")
			old.Sync()
		}},
		{Name: "attach/unsettled-map", Ref: "an attach with an unsettled map that is empty, or names what the broker does not know, is answered and usable", RabbitMQ: "refuses it", Run: func(e *Env) {
			s := e.Session()
			for _, unsettled := range []Map{{}, {[]byte{1}, nil}, {[]byte{1}, D(Accepted)}} {
				l := s.SenderWith(Terms{Name: e.Name("map"), Target: Terminus{Address: e.Queue("")}, Unsettled: unsettled})
				l.PutTexts("x")
				l.Detach(true)
			}
		}},
		{Name: "attach/symbolic-descriptors", Ref: "performatives and termini may be described by symbols", Run: func(e *Env) {
			s := e.Session()
			source := Described{Symbol("amqp:source:list"), List{e.Queue("")}}
			body := Described{Symbol("amqp:attach:list"), List{"symbols", uint32(0), true, nil, nil, source, Described{Symbol("amqp:target:list"), List{}}}}
			f := Frame{Channel: s.channel, Payload: Append(nil, body)}
			l := s.newLink(true, "symbols")
			s.Write(f)
			l.await()
			s.Sender(e.Queue("")).PutTexts("a")
			l.Take().Accept()
		}},
		{Name: "attach/properties-and-capabilities", Ref: "properties and capabilities of a link that the broker does not know are of no matter", Run: func(e *Env) {
			s := e.Session()
			s.SenderWith(Terms{
				Target: Terminus{Address: e.Queue(""), Capabilities: []Symbol{"x-unknown", "queue"}}, Desired: []Symbol{"x-unknown"},
				Properties: Map{Symbol("x"), List{Map{"a", int32(1)}}},
			}).PutTexts("a")
		}},
		{Name: "attach/end-of-link-releases", RabbitMQ: "puts what was unsettled behind the rest", Ref: "what a link had unsettled when it closed is available again, in its place", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			l := s.Receiver(e.Queue(""))
			l.Credit(2)
			l.WantTexts("1", "2")
			l.Detach(true)
			l = s.Receiver(e.Queue(""))
			l.Credit(3)
			for _, d := range l.WantTexts("1", "2", "3") {
				d.Accept()
			}
		}},
		{Name: "attach/default-outcome", Ref: "what a link had unsettled when it was lost gets the default outcome of its source", RabbitMQ: "counts it always", Run: func(e *Env) {
			other := e.Session()
			other.Sender(e.Queue("")).PutTexts("a")
			for i, outcome := range []any{D(Released), D(Modified, true), nil, D(Modified, true)} {
				c := e.Connect()
				d := c.Session().ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Default: outcome}}).Take()
				if want := []uint32{0, 0, 1, 1}[i]; d.Failures() != want {
					e.t.Errorf("in turn %d: %d failures, want %d", i, d.Failures(), want)
				}
				c.Cut()
			}
			d := other.Receiver(e.Queue("")).Take()
			if d.Failures() != 2 {
				e.t.Errorf("%d failures at last", d.Failures())
			}
			d.Accept()
		}},
		{Name: "attach/default-modified", RabbitMQ: "delivers nothing of it again", Ref: "a default outcome that is modified, failed and undeliverable here, makes no dead letters: another link gets what was unsettled, with the outcome's annotations", Run: func(e *Env) {
			other := e.Session()
			other.Sender(e.Queue("")).PutTexts("a", "b")
			outcome := D(Modified, true, true, Map{Symbol("x-opt-why"), "lost"})
			for i, end := range []func(*Link){(*Link).closes, func(l *Link) { l.Ends() }, func(l *Link) { l.Cut() }} {
				l := e.Connect().Session().ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Default: outcome}})
				l.Credit(2)
				for _, d := range l.WantTexts("a", "b") {
					if d.Failures() != uint32(i) || i > 0 && d.Annotations.Get(Symbol("x-opt-why")) != "lost" {
						e.t.Errorf("in turn %d: %d failures, %s", i, d.Failures(), Text(d.Annotations))
					}
				}
				end(l)
			}
			l := other.Receiver(e.Queue(""))
			l.Credit(2)
			for _, d := range l.WantTexts("a", "b") {
				d.Accept()
			}
		}},
		{Name: "attach/default-unsaid", RabbitMQ: "ends the session", Ref: "what is settled without an outcome gets the default outcome of its source", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Default: D(Modified, true, true)}})
			l.Take().Settle(nil, true)
			if list := l.Drain(5); len(list) > 0 {
				e.t.Errorf("it came again to where it is undeliverable")
			}
			if d := s.Receiver(e.Queue("")).Take(); d.Failures() != 1 {
				e.t.Errorf("%d failures", d.Failures())
			}
		}},
		{Name: "attach/same-session", RabbitMQ: "leaves both", Ref: "an attach of a link that its own session has already takes it over, and the session lives", Run: func(e *Env) {
			s := e.Session()
			old := s.ReceiverWith(Terms{Name: "twice", Source: Terminus{Address: e.Queue("")}})
			l := s.newLink(true, "twice")
			s.Write(l.frame(Terms{Source: Terminus{Address: e.Queue("")}}))
			old.Failed("amqp:link:stolen")
			l.await()
			s.Sender(e.Queue("")).PutTexts("a")
			l.Take().Accept()
		}},
		{Name: "attach/pipelined-detach", Ref: "a detach may be written together with its attach: both are answered, in order", Run: func(e *Env) {
			s := e.ConnectAs(e.Name("client")).Session()
			for _, source := range []any{Terminus{Address: e.Queue("")}, durable(e.Topic("")), nil} {
				terms := Terms{Source: source}
				if source == nil {
					terms.Target = Terminus{Address: e.Queue("")}
				}
				l := s.newLink(source != nil, "")
				s.Write(l.frame(terms), P(s.channel, Detach, l.handle, true))
				for _, want := range []uint64{Attach, Detach} {
					if f := s.answer(); f.Code != want {
						e.t.Fatalf("%v: got %v, want %v", source, f, Frame{Code: want})
					}
				}
			}
			s.Sync()
		}},
		{Name: "attach/no-target", RabbitMQ: "crashes the session", Ref: "a sender without a target is refused", Run: func(e *Env) {
			s := e.Session()
			s.Refused(false, Terms{}, "amqp:invalid-field", "amqp:not-implemented", "amqp:precondition-failed", "amqp:not-found")
			s.Sender(e.Queue("")).PutTexts("a")
		}},
		{Name: "attach/outcomes", RabbitMQ: "ends the session at an outcome that it does not know", Ref: "the answer to a receiver has those of its outcomes that the broker knows, and its default outcome", Run: func(e *Env) {
			s := e.Session()
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Default: D(Modified, true), Outcomes: append(AllOutcomes(), "x:forgotten:list")}})
			source := Fields(l.Attached.Fields.At(5))
			for _, name := range AllOutcomes() {
				if !Has(source.At(9), name) {
					e.t.Errorf("%s is missing: %v", name, l.Attached)
				}
			}
			if Has(source.At(9), "x:forgotten:list") || Code(source.At(8)) != Modified {
				e.t.Errorf("got %v", l.Attached)
			}
		}},
	}
}
