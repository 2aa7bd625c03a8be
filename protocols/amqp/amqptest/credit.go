package amqptest

// creditScenarios prove flow control [AMQP 2.6.7].
func creditScenarios() []Scenario {
	return []Scenario{
		{Name: "credit/none", Ref: "nothing is sent without credit", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a", "b")
			l := s.Receiver(e.Queue(""))
			s.Sync()
			if len(l.Arrived()) > 0 {
				e.t.Errorf("a message came without credit")
			}
		}},
		{Name: "credit/exact", Ref: "no more is sent than there is credit for, and settling gives none", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3", "4", "5")
			l := s.Receiver(e.Queue(""))
			l.Credit(2)
			for _, d := range l.WantTexts("1", "2") {
				d.Accept()
			}
			s.Sync()
			if len(l.Arrived()) > 0 {
				e.t.Errorf("more came than there was credit for")
			}
			l.Credit(3)
			for _, d := range l.WantTexts("3", "4", "5") {
				d.Accept()
			}
		}},
		{Name: "credit/replaced", Ref: "credit is what the last flow says, not added to what was there", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			for range 5 {
				l.Credit(1)
			}
			s.Sync()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			l.WantTexts("1")
			s.Sync()
			if len(l.Arrived()) > 0 {
				e.t.Errorf("more came than there was credit for")
			}
		}},
		{Name: "credit/taken-back", Ref: "a flow with a credit of zero stops deliveries, which others then get", Run: func(e *Env) {
			s := e.Session()
			one, two := s.Receiver(e.Queue("")), s.Receiver(e.Queue(""))
			one.Credit(10)
			s.Sync()
			one.Credit(0)
			s.Sync()
			s.Sender(e.Queue("")).PutTexts("a", "b")
			two.Credit(2)
			for _, d := range two.WantTexts("a", "b") {
				d.Accept()
			}
			if len(one.Arrived()) > 0 {
				e.t.Errorf("a message came after the credit was taken back")
			}
		}},
		{Name: "credit/count-advances", RabbitMQ: "adds credit up", Ref: "credit counts from the receiver's delivery-count, also while deliveries are on their way", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			snd.PutTexts("1", "2", "3", "4")
			l := s.Receiver(e.Queue(""))
			l.Flow(l.handle, l.count, uint32(2))
			l.Flow(l.handle, l.count, uint32(3)) // counted from the same place: one more
			l.WantTexts("1", "2", "3")
			s.Sync()
			if len(l.Arrived()) > 0 {
				e.t.Errorf("credit was added up")
			}
		}},
		{Name: "credit/drain-empty", RabbitMQ: "ends the session with an internal error", Ref: "a drain of an empty queue is answered at once: the credit is used up", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			if list := l.Drain(10); len(list) != 0 || l.count != 10 {
				e.t.Errorf("%d messages, delivery-count %d", len(list), l.count)
			}
			s.Sender(e.Queue("")).PutTexts("a")
			s.Sync()
			if len(l.Arrived()) > 0 {
				e.t.Errorf("a message came although the credit was used up")
			}
			l.Take().Accept()
		}},
		{Name: "credit/drain-some", RabbitMQ: "ends the session with an internal error", Ref: "a drain sends what is there, and then its answer", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			l := s.Receiver(e.Queue(""))
			list := l.Drain(10)
			if len(list) != 3 || l.count != 10 {
				e.t.Fatalf("%d messages, delivery-count %d", len(list), l.count)
			}
			for _, d := range list {
				d.Accept()
			}
		}},
		{Name: "credit/drain-limited", RabbitMQ: "answers with credit that is left", Ref: "a drain with less credit than messages sends as many as the credit", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			l := s.Receiver(e.Queue(""))
			if list := l.Drain(2); len(list) != 2 {
				e.t.Errorf("%d messages", len(list))
			}
		}},
		{Name: "credit/drain-without-credit", Ref: "a drain is answered also when there is no credit", RabbitMQ: "does not answer", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			for range 3 {
				l.Drain(0)
			}
			if l.count != 0 {
				e.t.Errorf("delivery-count %d", l.count)
			}
		}},
		{Name: "credit/drain-again", RabbitMQ: "ends the session with an internal error", Ref: "drains can follow each other, and normal credit them", Run: func(e *Env) {
			s := e.Session()
			snd, l := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			for range 5 {
				snd.PutTexts("x")
				for _, d := range l.Drain(3) {
					d.Accept()
				}
			}
			snd.PutTexts("y")
			l.Take().Accept()
		}},
		{Name: "credit/link-echo", Ref: "a flow of a link with echo is answered by one of the link", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			s.forgetFlows()
			l.Flow(l.handle, l.count, uint32(7), nil, false, true)
			f := l.Await("an answer", func(f Frame) bool { return f.Code == Flow && f.Fields.At(4) != nil && f.Num(4) == l.remote })
			if f.Num(6) != 7 || f.Bool(9) || f.Fields.At(0) == nil {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "credit/sender-refilled", Ref: "a sender's credit is refilled as its messages are confirmed", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			for range 2500 {
				l.Post(TextMessage("x"), false, nil)
			}
			f := l.outcome(l.deliveryID - 1)
			if Code(f.Fields.At(4)) != Accepted {
				e.t.Errorf("got %v", f)
			}
		}},
		{Name: "credit/overrun", Ref: "a transfer beyond the credit detaches the link", RabbitMQ: "takes it", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			// The broker may be so quick that it gives new credit before it has read all.
			for range 100 {
				var b []byte
				for n := l.credit + 2000; n > 0 && int32(l.window) > 0; n-- {
					for _, f := range l.Transfers([]byte{0, 0x53, 0x77, 0x40}, true, nil) {
						b = append(b, f.Encode()...)
					}
				}
				l.WriteRaw(b)
				for again := false; !again; {
					switch f := l.next(); f.Code {
					case Detach:
						l.want(f, []string{"amqp:link:transfer-limit-exceeded"})
						return
					case End, Close:
						e.t.Fatalf("got %v", f)
					case Flow:
						again = int32(l.credit) > 0 && int32(l.window) > 0
					}
				}
			}
			e.t.Errorf("the broker took whatever came")
		}},
		{Name: "credit/null", RabbitMQ: "crashes the session", Ref: "a flow of a link without a credit leaves it as it is", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			l.Credit(2)
			s.Flow(l.handle, l.count)
			s.Sync()
			s.Sender(e.Queue("")).PutTexts("a", "b")
			l.WantTexts("a", "b")
		}},
		{Name: "credit/drain-large", RabbitMQ: "ends the session with an internal error", Ref: "a drain is answered behind a message of many frames that is on its way", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).Put(Message{Data: [][]byte{make([]byte, 3<<20)}})
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) != 1 || list[0].Frames < 2 {
				e.t.Errorf("%d messages", len(list))
			}
		}},
	}
}
