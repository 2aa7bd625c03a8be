package amqptest

import "fmt"

// filterScenarios prove selectors and the like [AMQP 3.5.8].
func filterScenarios() []Scenario {
	filtered := func(e *Env, s *Session, selector string) *Link {
		return s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Filter: Selector(selector)}})
	}
	return []Scenario{
		{Name: "filter/selector", Ref: "a selector picks by application-properties, and the answer to the attach has it", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			for i := range 6 {
				m := TextMessage(fmt.Sprint(i)).Durable()
				m.Application = Map{"n", int32(i), "color", []string{"red", "blue"}[i%2]}
				snd.Put(m)
			}
			l := filtered(e, s, "color = 'red' AND n > 1")
			filter, _ := Fields(l.Attached.Fields.At(5)).At(7).(Map)
			if d, _ := filter.Get(Symbol("jms-selector")).(Described); d.Value != "color = 'red' AND n > 1" {
				e.t.Errorf("the answer has %s", Text(filter))
			}
			list := l.Drain(9)
			if len(list) != 2 || list[0].Text() != "2" || list[1].Text() != "4" {
				e.t.Errorf("got %d", len(list))
			}
		}},
		{Name: "filter/selector-types", Ref: "properties of every numeric type, unsigned ones too, compare as numbers", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			snd, l := s.Sender(e.Queue("")), filtered(e, s, "n BETWEEN 6 AND 8 AND b = TRUE AND s LIKE 'a%'")
			for _, n := range []any{uint8(7), uint16(7), uint32(7), uint64(7), int8(7), int16(7), int32(7), int64(7), float32(7), float64(7)} {
				m := TextMessage(fmt.Sprintf("%T", n))
				m.Application = Map{"n", n, "b", true, "s", "abc"}
				snd.Put(m)
				list := l.Drain(1)
				if len(list) != 1 {
					e.t.Errorf("%T does not match", n)
					continue
				}
				list[0].Accept()
			}
		}},
		{Name: "filter/selector-fields", Ref: "the fields of header and properties can be selected by their JMS names", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			m := Message{Header: List{true, uint8(7)}, Value: "x"}.With(Subject, "kind").With(CorrelationID, "c-1").With(GroupID, "g").With(MessageID, "ID:m-1").With(CreationTime, Timestamp(1000))
			s.Sender(e.Queue("")).Put(m)
			for _, selector := range []string{
				"JMSPriority = 7", "JMSType = 'kind'", "JMSCorrelationID = 'c-1'", "JMSXGroupID = 'g'", "JMSDeliveryMode = 'PERSISTENT'", "JMSTimestamp = 1000", "JMSMessageID = 'ID:m-1'",
			} {
				l := filtered(e, s, selector)
				list := l.Drain(1)
				if len(list) != 1 {
					e.t.Errorf("%s does not match", selector)
					continue
				}
				list[0].Settle(D(Released), true)
				l.Detach(true)
			}
		}},
		{Name: "filter/symbolic", Ref: "filters are known by descriptor, a code or a symbol, whatever their key", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			for i, filter := range []Map{
				{Symbol("apache.org:selector-filter:string"), Described{Symbol("apache.org:selector-filter:string"), "n = 1"}},
				{Symbol("mine"), Described{uint64(SelectorFilter), "n = 1"}},
				{"text-key", Described{uint64(SelectorFilter), "n = 1"}},
			} {
				for n := range 2 {
					m := TextMessage(fmt.Sprint(n))
					m.Application = Map{"n", int64(n)}
					snd.Put(m)
				}
				l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Filter: filter}})
				list := l.Drain(5)
				if len(list) != 1 || list[0].Text() != "1" {
					e.t.Errorf("filter %d: got %d", i, len(list))
				}
				for _, d := range list {
					d.Accept()
				}
				l.Detach(true)
			}
		}},
		{Name: "filter/unknown", Ref: "a filter that is not known is left out of the answer, and all messages come", RabbitMQ: "echoes nothing and everything alike", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("a")
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Filter: Map{
				Symbol("x:unknown"), Described{Symbol("x:unknown"), "what"}, Symbol("jms-selector"), Described{uint64(SelectorFilter), "TRUE"},
			}}})
			filter, _ := Fields(l.Attached.Fields.At(5)).At(7).(Map)
			if filter.Get(Symbol("x:unknown")) != nil || filter.Get(Symbol("jms-selector")) == nil {
				e.t.Errorf("the answer has %s", Text(filter))
			}
			l.Take().Accept()
		}},
		{Name: "filter/bad-selector", Ref: "a selector that can't be read refuses the link", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			for _, selector := range []string{"a = ", "((", "LIKE", "a IN ("} {
				s.Refused(true, Terms{Source: Terminus{Address: e.Queue(""), Filter: Selector(selector)}}, "amqp:invalid-field")
			}
			s.Sync()
		}},
		{Name: "filter/no-local", Ref: "with no-local a topic brings nothing that the own connection sent", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Topic(""), Filter: NoLocal()}})
			if filter, _ := Fields(l.Attached.Fields.At(5)).At(7).(Map); filter.Get(Symbol("no-local")) == nil {
				e.t.Errorf("the answer has no filter: %v", l.Attached)
			}
			l.Credit(5)
			s.Sync()
			s.Sender(e.Topic("")).PutTexts("mine")
			e.Session().Sender(e.Topic("")).PutTexts("other")
			l.WantTexts("other")
		}},
	}
}

// browseScenarios prove distribution by copy [AMQP 3.5.9].
func browseScenarios() []Scenario {
	browser := func(e *Env, s *Session) *Link {
		return s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Mode: "copy", Capabilities: []Symbol{"queue"}}, Snd: uint8(1)})
	}
	return []Scenario{
		{Name: "browse/copies", Ref: "a source of mode copy looks at a queue: each message once, in order, and all stay", RabbitMQ: "takes them", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			l := browser(e, s)
			if mode := Fields(l.Attached.Fields.At(5)).At(6); mode != Symbol("copy") {
				e.t.Errorf("the answer's mode is %v", mode)
			}
			list := l.Drain(10)
			if len(list) != 3 || list[0].Text() != "1" || list[2].Text() != "3" {
				e.t.Errorf("got %d", len(list))
			}
			if again := l.Drain(10); len(again) > 0 {
				e.t.Errorf("%d came twice", len(again))
			}
			l.Detach(true)
			c := s.Receiver(e.Queue(""))
			c.Credit(3)
			for _, d := range c.WantTexts("1", "2", "3") {
				if d.Failures() != 0 {
					e.t.Errorf("browsing counts as a failure")
				}
				d.Accept()
			}
		}},
		{Name: "browse/unsettled", Ref: "outcomes of a browser change nothing", RabbitMQ: "takes them", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1")
			for _, state := range []any{D(Accepted), D(Rejected), D(Released), D(Modified, true)} {
				l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Mode: "copy"}})
				list := l.Drain(5)
				if len(list) != 1 || list[0].Failures() != 0 {
					e.t.Fatalf("before %s: %d messages", Text(state), len(list))
				}
				list[0].Settle(state, true)
				s.Sync()
				l.Detach(true)
			}
			s.Receiver(e.Queue("")).Take().Accept()
		}},
		{Name: "browse/selector", Ref: "a browser may have a selector", RabbitMQ: "takes them", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			for n := range 4 {
				m := TextMessage(fmt.Sprint(n)).Durable()
				m.Application = Map{"n", int32(n)}
				snd.Put(m)
			}
			l := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Mode: "copy", Filter: Selector("n > 1")}})
			if list := l.Drain(10); len(list) != 2 {
				e.t.Errorf("got %d", len(list))
			}
		}},
		{Name: "browse/others-unsettled", Ref: "a browser sees what others have unsettled no less than ActiveMQ's does", RabbitMQ: "takes them", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2")
			d := s.Receiver(e.Queue("")).Take()
			if list := browser(e, s).Drain(10); len(list) == 0 || list[len(list)-1].Text() != "2" {
				e.t.Errorf("got %d", len(list))
			}
			d.Accept()
		}},
		{Name: "browse/settled", RabbitMQ: "takes them", Ref: "a browser as Qpid JMS makes it gets everything settled, and the end by a drain", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).PutTexts("1", "2", "3")
			source := JMSSource(e.Queue(""), "queue")
			source.Mode = "copy"
			browser := s.ReceiverWith(Terms{Source: source, Snd: uint8(1)})
			list := browser.Drain(1000)
			if len(list) != 3 || !list[0].Settled {
				e.t.Errorf("%d messages", len(list))
			}
			if list := browser.Drain(1000); len(list) > 0 {
				e.t.Errorf("%d come again", len(list))
			}
			browser.Detach(true)
			r := s.Receiver(e.Queue(""))
			r.Credit(3)
			r.WantTexts("1", "2", "3")
		}},
	}
}
