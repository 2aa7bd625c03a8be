package amqptest

import "fmt"

// coordinator attaches a link to the coordinator.
func (s *Session) coordinator() *Link {
	s.t.Helper()
	return s.SenderWith(Terms{
		Source: Terminus{Outcomes: AllOutcomes()}, Target: D(CoordinatorCode, Array{Symbol("amqp:local-transactions")}), Snd: uint8(0), Rcv: uint8(0),
	})
}

// declare begins a transaction and returns its id.
func (l *Link) declare() []byte {
	l.t.Helper()
	state := l.Send(Message{Value: D(Declare)})
	id, _ := Fields(state).At(0).([]byte)
	if Code(state) != Declared || len(id) == 0 || len(id) > 32 {
		l.t.Fatalf("a declare gave %s", Text(state))
	}
	return id
}

// discharge ends a transaction and returns the outcome.
func (l *Link) discharge(id []byte, fail bool) any {
	l.t.Helper()
	return l.Send(Message{Value: D(Discharge, id, fail)})
}

// commit ends a transaction with effect.
func (l *Link) commit(id []byte) {
	l.t.Helper()
	if state := l.discharge(id, false); Code(state) != Accepted {
		l.t.Fatalf("a commit gave %s", Text(state))
	}
}

// rollback ends a transaction without effect.
func (l *Link) rollback(id []byte) {
	l.t.Helper()
	if state := l.discharge(id, true); Code(state) != Accepted {
		l.t.Fatalf("a rollback gave %s", Text(state))
	}
}

// enlist sends a message in a transaction.
func (l *Link) enlist(id []byte, text string) {
	l.t.Helper()
	f := l.outcome(l.Post(TextMessage(text).Durable(), false, D(Transactional, id)))
	state := f.Fields.At(4)
	if !f.Bool(3) || Code(state) != Transactional || string(Fields(state).At(0).([]byte)) != string(id) || Code(Fields(state).At(1)) != Accepted {
		l.t.Fatalf("a message in a transaction gave %v", f)
	}
}

// transactionScenarios prove transactions [AMQP 4].
func transactionScenarios() []Scenario {
	const none = "has no transactions"
	all := []Scenario{
		{Name: "transaction/coordinator", Ref: "the coordinator's answer says what it can, and gives credit", Run: func(e *Env) {
			l := e.Session().coordinator()
			target := l.Attached.Fields.At(6)
			if Code(target) != CoordinatorCode || !Has(Fields(target).At(0), "amqp:local-transactions") {
				e.t.Errorf("got %v", l.Attached)
			}
		}},
		{Name: "transaction/commit", Ref: "messages of a transaction are there after its commit, and not before", Run: func(e *Env) {
			s := e.Session()
			tx, snd, rcv := s.coordinator(), s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			id := tx.declare()
			for _, text := range []string{"1", "2", "3"} {
				snd.enlist(id, text)
			}
			if list := rcv.Drain(5); len(list) > 0 {
				e.t.Fatalf("%d came before the commit", len(list))
			}
			tx.commit(id)
			rcv.Credit(3)
			for _, d := range rcv.WantTexts("1", "2", "3") {
				d.Accept()
			}
		}},
		{Name: "transaction/rollback", Ref: "messages of a transaction that is rolled back are never there", Run: func(e *Env) {
			s := e.Session()
			tx, snd := s.coordinator(), s.Sender(e.Queue(""))
			id := tx.declare()
			snd.enlist(id, "1")
			tx.rollback(id)
			snd.PutTexts("2")
			list := s.Receiver(e.Queue("")).Drain(5)
			if len(list) != 1 || list[0].Text() != "2" {
				e.t.Errorf("got %d", len(list))
			}
		}},
		{Name: "transaction/settle-commit", Ref: "outcomes in a transaction take effect with its commit", Run: func(e *Env) {
			for _, settled := range []bool{true, false} {
				s := e.Session()
				queue := e.Queue(fmt.Sprint(settled))
				s.Sender(queue).PutTexts("1", "2")
				tx, rcv := s.coordinator(), s.Receiver(queue)
				rcv.Credit(2)
				list := rcv.WantTexts("1", "2")
				id := tx.declare()
				for _, d := range list {
					d.Settle(D(Transactional, id, D(Accepted)), settled)
				}
				tx.commit(id)
				rcv.Detach(true)
				if left := s.Receiver(queue).Drain(5); len(left) > 0 {
					e.t.Errorf("settled %v: %d are left", settled, len(left))
				}
			}
		}},
		{Name: "transaction/settle-rollback", Ref: "what was settled in a transaction that is rolled back comes again, in order", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			tx, rcv := s.coordinator(), s.ReceiverWith(Terms{Source: JMSSource(e.Queue(""), "queue")})
			rcv.Credit(2)
			list := rcv.WantTexts("1", "2")
			id := tx.declare()
			for _, d := range list {
				d.Settle(D(Transactional, id, D(Accepted)), true)
			}
			tx.rollback(id)
			rcv.Credit(3)
			for i, d := range rcv.WantTexts("1", "2", "3") {
				if want := []uint32{1, 1, 0}[i]; d.Failures() != want {
					e.t.Errorf("%q has %d failures, want %d", d.Text(), d.Failures(), want)
				}
				d.Accept()
			}
		}},
		{Name: "transaction/unsettled-rollback", Ref: "what was given an outcome unsettled in a transaction that is rolled back stays with its consumer", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1")
			tx, rcv := s.coordinator(), s.Receiver(e.Queue(""))
			d := rcv.Take()
			id := tx.declare()
			d.Settle(D(Transactional, id, D(Accepted)), false)
			tx.rollback(id)
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) > 0 {
				e.t.Fatalf("another got it")
			}
			d.Accept()
			rcv.Detach(true)
			if left := s.Receiver(e.Queue("")).Drain(5); len(left) > 0 {
				e.t.Errorf("%d are left", len(left))
			}
		}},
		{Name: "transaction/move", Ref: "a message settled and another sent in one transaction: both or none", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("from")).PutTexts("1")
			tx, from, to := s.coordinator(), s.ReceiverWith(Terms{Source: JMSSource(e.Queue("from"), "queue")}), s.Sender(e.Queue("to"))
			for _, fail := range []bool{true, false} {
				d := from.Take()
				id := tx.declare()
				to.enlist(id, "moved")
				d.Settle(D(Transactional, id, D(Accepted)), true)
				if state := tx.discharge(id, fail); Code(state) != Accepted {
					e.t.Fatalf("got %s", Text(state))
				}
			}
			if list := s.Receiver(e.Queue("to")).Drain(5); len(list) != 1 {
				e.t.Errorf("%d moved", len(list))
			}
			if list := from.Drain(5); len(list) != 0 {
				e.t.Errorf("%d left", len(list))
			}
		}},
		{Name: "transaction/several", Ref: "several transactions of a session are apart", Run: func(e *Env) {
			s := e.Session()
			tx, snd := s.coordinator(), s.Sender(e.Queue(""))
			one, two, three := tx.declare(), tx.declare(), tx.declare()
			snd.enlist(one, "1")
			snd.enlist(two, "2")
			snd.enlist(three, "3")
			tx.rollback(two)
			tx.commit(three)
			tx.commit(one)
			rcv := s.Receiver(e.Queue(""))
			rcv.Credit(2)
			rcv.WantTexts("3", "1")
		}},
		{Name: "transaction/other-session", Ref: "a transaction may take work of another session of its connection", Run: func(e *Env) {
			c := e.Connect()
			s, other := c.Session(), c.Session()
			tx, snd := s.coordinator(), other.Sender(e.Queue(""))
			id := tx.declare()
			snd.enlist(id, "1")
			tx.commit(id)
			other.Receiver(e.Queue("")).Take().Accept()
		}},
		{Name: "transaction/unknown-id", Ref: "a discharge of an unknown transaction is rejected", Run: func(e *Env) {
			s := e.Session()
			tx := s.coordinator()
			for _, fail := range []bool{false, true} {
				if state := tx.discharge([]byte("nothing"), fail); Condition(state) != "amqp:transaction:unknown-id" {
					e.t.Errorf("got %s", Text(state))
				}
			}
			id := tx.declare()
			tx.commit(id)
			if state := tx.discharge(id, false); Condition(state) != "amqp:transaction:unknown-id" {
				e.t.Errorf("a second commit gave %s", Text(state))
			}
		}},
		{Name: "transaction/unknown-id-send", Ref: "a message in an unknown transaction is rejected and is nowhere", Run: func(e *Env) {
			s := e.Session()
			snd := s.SenderWith(Terms{Source: Terminus{Outcomes: AllOutcomes()}, Target: Terminus{Address: e.Queue("")}})
			snd.Post(TextMessage("x"), false, D(Transactional, []byte("nothing")))
			f := Frame{}
			s.until("an answer", func() bool {
				if len(s.dispositions) > 0 {
					f = s.dispositions[0]
				}
				return f.Code != 0
			})
			if Condition(f.Fields.At(4)) != "amqp:transaction:unknown-id" {
				e.t.Errorf("got %v", f)
			}
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) > 0 {
				e.t.Errorf("%d came", len(list))
			}
		}},
		{Name: "transaction/unknown-id-settle", Ref: "an outcome in an unknown transaction detaches the link, and the message is not lost", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.Receiver(e.Queue(""))
			l.Take().Settle(D(Transactional, []byte("nothing"), D(Accepted)), true)
			l.Failed("amqp:transaction:unknown-id")
			s.Receiver(e.Queue("")).Take().Accept()
		}},
		{Name: "transaction/global", Ref: "a declare with a global id is rejected", Run: func(e *Env) {
			l := e.Session().coordinator()
			if state := l.Send(Message{Value: D(Declare, []byte("xid"))}); Condition(state) != "amqp:not-implemented" {
				e.t.Errorf("got %s", Text(state))
			}
			l.declare()
		}},
		{Name: "transaction/coordinator-nonsense", Ref: "a message to the coordinator that is no declare or discharge is rejected or detaches the link", Run: func(e *Env) {
			s := e.Session()
			for _, m := range []Message{TextMessage("x"), {Value: D(0x39)}, {Value: D(Discharge)}, {Data: [][]byte{{1}}}} {
				l := s.coordinator()
				id := l.Post(m, false, nil)
				for {
					if f, err := s.Client.Read(); err != nil {
						e.t.Fatalf("%v", err)
					} else if f.Code == Detach {
						if Condition(f) == "" {
							e.t.Errorf("got %v", f)
						}
						s.Write(P(s.channel, Detach, l.handle, true))
						l.attached = false
						break
					} else if f.Code == Disposition && f.Num(1) == id {
						if Condition(f.Fields.At(4)) == "" {
							e.t.Errorf("got %v", f)
						}
						break
					}
				}
			}
			s.Sync()
		}},
		{Name: "transaction/coordinator-settled", Ref: "a settled declare detaches the coordinator link", Run: func(e *Env) {
			l := e.Session().SenderWith(Terms{Source: Terminus{Outcomes: AllOutcomes()}, Target: D(CoordinatorCode, Symbol("amqp:local-transactions"))})
			l.Post(Message{Value: D(Declare)}, true, nil)
			l.Failed("amqp:illegal-state", "amqp:not-allowed", "amqp:invalid-field")
		}},
		{Name: "transaction/coordinator-closed", Ref: "closing the coordinator link rolls back what is open", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("in")).PutTexts("1")
			tx, snd, rcv := s.coordinator(), s.Sender(e.Queue("out")), s.ReceiverWith(Terms{Source: JMSSource(e.Queue("in"), "queue")})
			d := rcv.Take()
			id := tx.declare()
			snd.enlist(id, "x")
			d.Settle(D(Transactional, id, D(Accepted)), true)
			tx.Detach(true)
			rcv.Take().Accept()
			if list := s.Receiver(e.Queue("out")).Drain(5); len(list) > 0 {
				e.t.Errorf("%d came", len(list))
			}
		}},
		{Name: "transaction/connection-lost", Ref: "the loss of the connection rolls back what is open", Run: func(e *Env) {
			c := e.Connect()
			s := c.Session()
			s.Sender(e.Queue("in")).PutTexts("1")
			tx, snd, rcv := s.coordinator(), s.Sender(e.Queue("out")), s.Receiver(e.Queue("in"))
			d := rcv.Take()
			id := tx.declare()
			snd.enlist(id, "x")
			d.Settle(D(Transactional, id, D(Accepted)), true)
			s.Sync()
			c.Cut()
			s = e.Session()
			s.Receiver(e.Queue("in")).Take().Accept()
			if list := s.Receiver(e.Queue("out")).Drain(5); len(list) > 0 {
				e.t.Errorf("%d came", len(list))
			}
		}},
		{Name: "transaction/failed-send", Ref: "a message that fails in a transaction makes its commit fail, and nothing of it takes effect", Run: func(e *Env) {
			s := e.Session()
			tx, relay, snd := s.coordinator(), s.Sender(nil), s.Sender(e.Queue(""))
			id := tx.declare()
			snd.enlist(id, "good")
			relay.Post(TextMessage("to nowhere"), true, D(Transactional, id))
			var f Frame
			state := tx.dischargeLeniently(id, &f)
			if Condition(state) != "amqp:transaction:rollback" {
				e.t.Errorf("the commit gave %s", Text(state))
			}
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) > 0 {
				e.t.Errorf("%d came", len(list))
			}
		}},
		{Name: "transaction/pipelined", Ref: "a discharge and the next declare may be written together, and are answered in order", Run: func(e *Env) {
			s := e.Session()
			tx, snd := s.coordinator(), s.Sender(e.Queue(""))
			id := tx.declare()
			for i := range 20 {
				snd.enlist(id, fmt.Sprint(i))
				one := tx.Post(Message{Value: D(Discharge, id, false)}, false, nil)
				two := tx.Post(Message{Value: D(Declare)}, false, nil)
				if f := s.outcome(one); Code(f.Fields.At(4)) != Accepted {
					e.t.Fatalf("got %v", f)
				}
				id, _ = Fields(s.outcome(two).Fields.At(4)).At(0).([]byte)
			}
			tx.rollback(id)
			if list := s.Receiver(e.Queue("")).Drain(50); len(list) != 20 {
				e.t.Errorf("%d came", len(list))
			}
		}},
		{Name: "transaction/many", Ref: "the coordinator's credit does not run out", Run: func(e *Env) {
			s := e.Session()
			tx, snd := s.coordinator(), s.Sender(e.Queue(""))
			for range 1500 {
				tx.rollback(tx.declare())
			}
			id := tx.declare()
			snd.enlist(id, "x")
			tx.commit(id)
		}},
		{Name: "transaction/settled-sends", Ref: "settled messages of a transaction take part in it", Run: func(e *Env) {
			s := e.Session()
			tx, snd, rcv := s.coordinator(), s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			for i, fail := range []bool{true, false} {
				id := tx.declare()
				snd.Post(TextMessage(fmt.Sprint(i)).Durable(), true, D(Transactional, id))
				if state := tx.discharge(id, fail); Code(state) != Accepted {
					e.t.Fatalf("got %s", Text(state))
				}
			}
			rcv.Credit(2)
			rcv.WantTexts("1")[0].Accept()
			if list := rcv.Drain(5); len(list) > 0 {
				e.t.Errorf("%d more came", len(list))
			}
		}},
		{Name: "transaction/acquire", Ref: "messages are not acquired in transactions, which detaches the link that asks for it", Run: func(e *Env) {
			s := e.Session()
			tx, l := s.coordinator(), s.Receiver(e.Queue(""))
			id := tx.declare()
			s.Flow(l.handle, l.count, uint32(1), nil, false, false, Map{Symbol("txn-id"), id})
			l.Failed("amqp:not-implemented")
			tx.rollback(id)
		}},
		{Name: "transaction/released", Ref: "a message that is released in a transaction is available again when that commits, and is settled as released", Run: func(e *Env) {
			for _, settled := range []bool{true, false} {
				s := e.Session()
				queue := e.Queue(fmt.Sprint(settled))
				s.Sender(queue).PutTexts("1")
				tx, l := s.coordinator(), s.Receiver(queue)
				d := l.Take()
				id := tx.declare()
				d.Settle(D(Transactional, id, D(Released)), settled)
				if list := s.Receiver(queue).Drain(5); len(list) > 0 {
					e.t.Errorf("settled %v: it is available before the commit", settled)
				}
				tx.commit(id)
				if !settled {
					if f := s.settledByBroker(d.ID); !f.Bool(3) || Code(f.Fields.At(4)) != Released {
						e.t.Errorf("got %v", f)
					}
				}
				l.Detach(true)
				again := s.Receiver(queue).Take()
				if again.Text() != "1" || again.Failures() != 0 {
					e.t.Errorf("settled %v: %q with %d failures", settled, again.Text(), again.Failures())
				}
				again.Accept()
			}
		}},
		{Name: "transaction/outcomes", Ref: "the settled outcome that follows a commit is all of what the client has said", Run: func(e *Env) {
			s := e.Session()
			why := Map{Symbol("x-opt-why"), "busy"}
			for i, outcome := range []Described{
				D(Accepted), D(Rejected, D(Error, Symbol("x:poison"), "it is bad")), D(Modified, true, nil, why), D(Modified, nil, true, why), D(Released),
			} {
				queue := e.Queue(fmt.Sprint(i))
				s.Sender(queue).PutTexts("1")
				tx, l := s.coordinator(), s.Receiver(queue)
				d := l.Take()
				id := tx.declare()
				d.Settle(D(Transactional, id, outcome), false)
				tx.commit(id)
				if f := s.settledByBroker(d.ID); !f.Bool(3) || !same(f.Fields.At(4), outcome) {
					e.t.Errorf("%s became %v", Text(outcome), f)
				}
				l.Detach(true)
				tx.Detach(true)
			}
		}},
		{Name: "transaction/poison", Ref: "a message that is given up in a transaction is a dead letter with the outcome's annotations when that commits", Run: func(e *Env) {
			s := e.Session()
			m := TextMessage("poison").Durable()
			m.Application = Map{"k", e.Name("")}
			s.Sender(e.Queue("")).Put(m)
			dead := s.ReceiverWith(Terms{Source: Terminus{Address: "queue://ActiveMQ.DLQ", Filter: Selector("k = '" + e.Name("") + "'")}})
			tx, l := s.coordinator(), s.Receiver(e.Queue(""))
			id := tx.declare()
			l.Take().Settle(D(Transactional, id, D(Modified, true, true, Map{Symbol("x-opt-why"), "tried"})), true)
			tx.commit(id)
			d := dead.Take()
			if d.Text() != "poison" || d.Annotations.Get(Symbol("x-opt-why")) != "tried" {
				e.t.Errorf("got %q with %s", d.Text(), Text(d.Annotations))
			}
			d.Accept()
		}},
		{Name: "transaction/taken", Ref: "what has an outcome in one transaction can't have one in another: the coordinator's link is detached", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1")
			one, two, l := s.coordinator(), s.coordinator(), s.Receiver(e.Queue(""))
			d := l.Take()
			a, b := one.declare(), two.declare()
			d.Settle(D(Transactional, a, D(Accepted)), false)
			d.Settle(D(Transactional, b, D(Accepted)), false)
			two.Failed("amqp:illegal-state")
			one.commit(a)
			l.Detach(true)
			if left := s.Receiver(e.Queue("")).Drain(5); len(left) > 0 {
				e.t.Errorf("%d are left", len(left))
			}
		}},
	}
	for i := range all {
		all[i].RabbitMQ = none
	}
	return all
}

// same reports whether two outcomes say the same; null stands for false.
func same(got any, want Described) bool {
	if Code(got) != Code(want) {
		return false
	}
	a, b := Fields(got), Fields(want)
	for i := range max(len(a), len(b)) {
		x, y := a.At(i), b.At(i)
		if Text(x) != Text(y) && !(x == nil && y == false || x == false && y == nil) {
			return false
		}
	}
	return true
}

// dischargeLeniently commits although another link may be detached meanwhile.
func (l *Link) dischargeLeniently(id []byte, detached *Frame) any {
	l.t.Helper()
	delivery := l.Post(Message{Value: D(Discharge, id, false)}, false, nil)
	for {
		f, err := l.Client.Read()
		switch {
		case err != nil:
			l.t.Fatalf("waiting for the discharge: %v", err)
		case f.Code == Detach:
			*detached = f
		case f.Code == Disposition && f.Num(1) <= delivery && f.Bool(0) && (f.Num(1) == delivery || f.Num(2) >= delivery):
			return f.Fields.At(4)
		}
	}
}
