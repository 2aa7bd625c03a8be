package amqptest

// settleScenarios prove settlement in all modes [AMQP 2.6.12, 2.7.6].
func settleScenarios() []Scenario {
	return []Scenario{
		{Name: "settle/settled-sends", Ref: "a settled message gets no disposition and arrives", Run: func(e *Env) {
			s := e.Session()
			l := s.SenderWith(Terms{Target: Terminus{Address: e.Queue("")}, Snd: uint8(1)})
			l.Post(TextMessage("a"), true, nil)
			l.Post(TextMessage("b"), true, nil)
			r := s.Receiver(e.Queue(""))
			r.Credit(2)
			r.WantTexts("a", "b")
			if len(s.dispositions) > 0 {
				e.t.Errorf("got %v", s.dispositions)
			}
		}},
		{Name: "settle/range", RabbitMQ: "ends the session with an internal error at the drain that looks for it", Ref: "one disposition may settle a range, of several links, and ids in it that are settled or unknown are of no matter", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("a")).PutTexts("1", "2", "3")
			s.Sender(e.Queue("b")).PutTexts("1", "2", "3")
			a, b := s.Receiver(e.Queue("a")), s.Receiver(e.Queue("b"))
			a.Credit(3)
			b.Credit(3)
			list := append(a.WantTexts("1", "2", "3"), b.WantTexts("1", "2", "3")...)
			list[1].Accept()
			s.Write(P(s.channel, Disposition, true, uint32(0), uint32(50), true, D(Accepted)))
			s.Sync()
			a.Detach(true)
			b.Detach(true)
			for _, name := range []string{"a", "b"} {
				if left := s.Receiver(e.Queue(name)).Drain(5); len(left) > 0 {
					e.t.Errorf("%d messages are left on %s", len(left), name)
				}
			}
		}},
		{Name: "settle/second", Ref: "a receiver of mode second says accepted unsettled, and the broker settles", RabbitMQ: "does not settle", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a", "b")
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue("")}, Rcv: uint8(1)})
			l.Credit(2)
			list := l.WantTexts("a", "b")
			list[0].Settle(D(Accepted), false)
			f := s.settledByBroker(list[0].ID)
			if !f.Bool(3) || Code(f.Fields.At(4)) != Accepted {
				e.t.Errorf("got %v", f)
			}
			list[1].Settle(D(Accepted), false)
			s.settledByBroker(list[1].ID)
			l.Detach(true)
			if left := s.Receiver(e.Queue("")).Drain(5); len(left) > 0 {
				e.t.Errorf("%d messages are left", len(left))
			}
		}},
		{Name: "settle/unsettled-outcome-on-first", Ref: "an unsettled outcome is settled by the broker also in mode first", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			d := s.Receiver(e.Queue("")).Take()
			d.Settle(D(Accepted), false)
			if f := s.settledByBroker(d.ID); !f.Bool(3) {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "settle/second-sender", Ref: "a sender of mode second whose link lasts gets its outcome unsettled, and settles it", RabbitMQ: "settles at once", Run: func(e *Env) {
			s := e.Session()
			l := s.SenderWith(Terms{Target: Terminus{Address: e.Queue(""), Expiry: "never"}, Snd: uint8(0), Rcv: uint8(1)})
			id := l.Post(TextMessage("a").Durable(), false, nil)
			f := l.outcome(id)
			if f.Bool(3) || Code(f.Fields.At(4)) != Accepted {
				e.t.Errorf("got %v", f)
			}
			s.Write(P(s.channel, Disposition, false, id, nil, true, D(Accepted)))
			s.Sync()
			s.Receiver(e.Queue("")).Take().Accept()
		}},
		{Name: "settle/no-state", Ref: "settling without a state applies the default outcome, and here it is to release", RabbitMQ: "takes it for accepted", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Default: D(Released)}})
			d := l.Take()
			d.Settle(nil, true)
			s.Sync()
			d = l.Take()
			if d.Text() != "a" || d.Failures() != 0 {
				e.t.Errorf("got %q with %d failures", d.Text(), d.Failures())
			}
			d.Accept()
		}},
		{Name: "settle/pre-settled", RabbitMQ: "ends the session with an internal error at the drain that looks for it", Ref: "what a receiver of mode settled got is gone", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue("")}, Snd: uint8(1)})
			if d := l.Take(); !d.Settled {
				e.t.Errorf("it came unsettled")
			}
			s.Sync()
			l.Detach(true)
			if left := s.Receiver(e.Queue("")).Drain(5); len(left) > 0 {
				e.t.Errorf("%d messages are left", len(left))
			}
		}},
		{Name: "settle/unsettled-sender-settles", Ref: "on a link of mode settled an unsettled transfer is an error, and on one of mode unsettled a settled one", RabbitMQ: "takes both",
			ActiveMQ: "takes both", Why: "the standard forbids it, and a client that was promised a disposition would wait for one", Run: func(e *Env) {
				s := e.Session()
				for _, mode := range []uint8{0, 1} {
					l := s.SenderWith(Terms{Target: Terminus{Address: e.Queue("")}, Snd: mode})
					l.Post(TextMessage("x"), mode == 0, nil)
					l.Failed("amqp:invalid-field", "amqp:not-allowed", "amqp:illegal-state")
				}
			}},
		{Name: "settle/batches", Ref: "every message of a burst is confirmed, in ranges or one by one", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			for range 300 {
				l.Post(TextMessage("x").Durable(), false, nil)
			}
			for id := range uint32(300) {
				if f := l.outcome(id); Code(f.Fields.At(4)) != Accepted || !f.Bool(3) {
					e.t.Fatalf("delivery %d: %v", id, f)
				}
			}
		}},
		{Name: "settle/settled-later", RabbitMQ: "crashes the session", Ref: "a message is settled if any of its frames says so", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			octets := TextMessage("whole").Encode()
			f := l.Transfers(octets[:3], false, nil)[0]
			f.Fields[4], f.Fields[5] = nil, true
			g := P(s.channel, Transfer, l.handle, nil, nil, nil, true)
			g.Payload = octets[3:]
			s.Write(f, g)
			l.nextOutgoing++
			l.window--
			r := s.Receiver(e.Queue(""))
			r.Take().Settle(D(Accepted), true)
			s.Sync()
			for _, d := range s.dispositions {
				if d.Bool(0) {
					e.t.Errorf("it got an outcome: %v", d)
				}
			}
		}},
		{Name: "settle/nothing", RabbitMQ: "ends the session", Ref: "a disposition that neither settles nor has a state changes nothing", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.Receiver(e.Queue(""))
			d := l.Take()
			d.Settle(nil, false)
			s.Sync()
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) > 0 {
				e.t.Errorf("another got it")
			}
			d.Accept()
		}},
		{Name: "settle/closed-link", RabbitMQ: "lets the message go", Ref: "an outcome for a delivery of a link that is closed is of no matter", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.Receiver(e.Queue(""))
			d := l.Take()
			l.Detach(true)
			d.Settle(D(Accepted), true)
			s.Sync()
			s.Receiver(e.Queue("")).Take().Accept()
		}},
	}
}
