package amqptest

// outcomeScenarios prove what outcomes do to messages [AMQP 3.4].
func outcomeScenarios() []Scenario {
	return []Scenario{
		{Name: "outcome/accepted", RabbitMQ: "ends the session with an internal error at the drain that looks for it", Ref: "an accepted message is gone", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a", "b")
			l := s.Receiver(e.Queue(""))
			l.Take().Accept()
			l.Detach(true)
			if left := s.Receiver(e.Queue("")).Drain(5); len(left) != 1 || left[0].Text() != "b" {
				e.t.Errorf("%d messages are left", len(left))
			}
		}},
		{Name: "outcome/released", Ref: "a released message is available again, in its place, and not counted as a failure, but no first acquirer's", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			l := s.Receiver(e.Queue(""))
			d := l.Take()
			if first, _ := d.Header.At(3).(bool); !first {
				e.t.Errorf("a new message does not say that nobody had it before")
			}
			d.Settle(D(Released), true)
			s.Sync()
			l.Credit(3)
			for _, d := range l.WantTexts("1", "2", "3") {
				if d.Failures() != 0 {
					e.t.Errorf("%q has %d failures", d.Text(), d.Failures())
				}
				if first, _ := d.Header.At(3).(bool); first != (d.Text() != "1") {
					e.t.Errorf("%q says first acquirer: %v", d.Text(), first)
				}
				d.Accept()
			}
		}},
		{Name: "outcome/modified-failed", Ref: "a message modified as failed is available again, in its place, with a delivery-count that tells of it", RabbitMQ: "does not count them", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2")
			l := s.Receiver(e.Queue(""))
			for i := range uint32(3) {
				d := l.Take()
				if d.Text() != "1" || d.Failures() != i {
					e.t.Fatalf("got %q with %d failures, want 1 with %d", d.Text(), d.Failures(), i)
				}
				if first, _ := d.Header.At(3).(bool); first && i > 0 {
					e.t.Errorf("a message delivered before claims its first acquirer")
				}
				d.Settle(D(Modified, true), true)
				s.Sync()
			}
			l.Take().Accept()
			l.Take().Accept()
		}},
		{Name: "outcome/modified-plain", Ref: "modified without a flag is as released", RabbitMQ: "counts it", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1")
			l := s.Receiver(e.Queue(""))
			for _, state := range []any{D(Modified), D(Modified, false, false), D(Modified, nil, nil, Map{})} {
				d := l.Take()
				if d.Failures() != 0 {
					e.t.Errorf("%d failures", d.Failures())
				}
				d.Settle(state, true)
				s.Sync()
			}
			l.Take().Accept()
		}},
		{Name: "outcome/modified-annotations", Ref: "annotations of a modified outcome are on the next delivery", RabbitMQ: "drops them", ActiveMQ: "drops them",
			Why: "the standard says so, and applications leave notes with it", Run: func(e *Env) {
				s := e.Session()
				l := s.Sender(e.Queue(""))
				m := TextMessage("1").Durable()
				m.Annotations = Map{Symbol("x-opt-a"), "sent", Symbol("x-opt-b"), "kept"}
				l.Put(m)
				r := s.Receiver(e.Queue(""))
				r.Take().Settle(D(Modified, true, nil, Map{Symbol("x-opt-a"), "changed", Symbol("x-opt-c"), int32(7)}), true)
				s.Sync()
				d := r.Take()
				if d.Annotations.Get(Symbol("x-opt-a")) != "changed" || d.Annotations.Get(Symbol("x-opt-b")) != "kept" || d.Annotations.Get(Symbol("x-opt-c")) != int32(7) {
					e.t.Errorf("got %s", Text(d.Annotations))
				}
				d.Accept()
			}},
		{Name: "outcome/modified-undeliverable-here", Ref: "a message modified as undeliverable here, and not as failed, does not come to that link again, and to another one", RabbitMQ: "rejects it",
			ActiveMQ: "sends it to the dead-letter queue", Why: "the standard says that others may get it", Run: func(e *Env) {
				s := e.Session()
				s.Sender(e.Queue("")).PutTexts("1", "2")
				l := s.Receiver(e.Queue(""))
				l.Take().Settle(D(Modified, false, true), true)
				s.Sync()
				l.Credit(5)
				l.WantTexts("2")[0].Accept()
				if list := l.Drain(5); len(list) > 0 {
					e.t.Fatalf("%q came again", list[0].Text())
				}
				other := s.Receiver(e.Queue(""))
				if d := other.Take(); d.Text() != "1" {
					e.t.Errorf("got %q", d.Text())
				}
			}},
		{Name: "outcome/poison", RabbitMQ: "drops it", Ref: "a message modified as failed and undeliverable here, as Qpid JMS gives its poison up, goes to the dead-letter queue, with the outcome's annotations", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			m := TextMessage("poison").Durable()
			m.Application = Map{"k", e.Name("")}
			s.Sender(e.Queue("")).Put(m)
			dead := s.ReceiverWith(Terms{Source: Terminus{Address: "queue://ActiveMQ.DLQ", Filter: Selector("k = '" + e.Name("") + "'")}})
			l := s.ReceiverWith(Terms{Source: JMSSource(e.Queue(""), "queue")})
			l.Take().Settle(D(Modified, true, true, Map{Symbol("x-opt-why"), "tried"}), true)
			if d := dead.Take(); d.Text() != "poison" || d.Annotations.Get(Symbol("x-opt-why")) != "tried" {
				e.t.Errorf("got %q with %s", d.Text(), Text(d.Annotations))
			} else {
				d.Accept()
			}
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) > 0 {
				e.t.Errorf("another got it")
			}
		}},
		{Name: "outcome/rejected", Ref: "a rejected message goes to the dead-letter queue at once, and keeps what it was", RabbitMQ: "drops it", Run: func(e *Env) {
			s := e.Session()
			m := TextMessage("poison").Durable().With(MessageID, "id-1").With(CorrelationID, "c-1")
			m.Application = Map{"k", e.Name("")}
			s.Sender(e.Queue("")).Put(m)
			dead := s.ReceiverWith(Terms{Source: Terminus{Address: "queue://ActiveMQ.DLQ", Filter: Selector("k = '" + e.Name("") + "'")}})
			s.Receiver(e.Queue("")).Take().Settle(D(Rejected, D(Error, Symbol("x:poison"), "it is bad")), true)
			d := dead.Take()
			if d.Text() != "poison" || d.Properties.At(MessageID) != "id-1" || d.Properties.At(CorrelationID) != "c-1" || d.Application.Get("k") != e.Name("") {
				e.t.Errorf("got %s %s %q", Text(d.Properties), Text(d.Application), d.Text())
			}
			d.Accept()
		}},
		{Name: "outcome/redelivery-limit", Ref: "a message that failed too often goes to the dead-letter queue", RabbitMQ: "has no limit", Run: func(e *Env) {
			s := e.Session()
			m := TextMessage("failing").Durable()
			m.Application = Map{"k", e.Name("")}
			s.Sender(e.Queue("")).Put(m)
			dead := s.ReceiverWith(Terms{Source: Terminus{Address: "queue://ActiveMQ.DLQ", Filter: Selector("k = '" + e.Name("") + "'")}})
			l := s.Receiver(e.Queue(""))
			for range 7 {
				l.Take().Settle(D(Modified, true), true)
				s.Sync()
			}
			dead.Take().Accept()
			if list := l.Drain(1); len(list) > 0 {
				e.t.Errorf("it came again")
			}
		}},
		{Name: "outcome/received", Ref: "the state received settles nothing", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			d := s.Receiver(e.Queue("")).Take()
			d.Settle(D(Received, uint32(0), uint64(0)), false)
			s.Sync()
			d.Accept()
		}},
		{Name: "outcome/unsettled-kept", RabbitMQ: "ends the session with an internal error at a drain", Ref: "an unsettled message comes to nobody else", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			d := s.Receiver(e.Queue("")).Take()
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) > 0 {
				e.t.Errorf("%d came", len(list))
			}
			d.Accept()
		}},
	}
}
