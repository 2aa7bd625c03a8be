package amqptest

import (
	"fmt"
	"strings"
)

// nodeScenarios prove addresses, dynamic nodes and the anonymous terminus [AMQP 3.5].
func nodeScenarios() []Scenario {
	dynamic := func(capabilities ...Symbol) Terminus {
		return Terminus{Dynamic: true, NodeProperties: Map{Symbol("lifetime-policy"), D(DeleteOnClose)}, Capabilities: capabilities}
	}
	address := func(field any) string {
		s, _ := Fields(field).At(0).(string)
		return s
	}
	return []Scenario{
		{Name: "node/bare-name", Ref: "a name without a prefix is a queue", Run: func(e *Env) {
			s := e.Session()
			s.Sender("amqptest." + e.Name("")).PutTexts("a")
			name := "queue://amqptest." + e.Name("")
			if e.target.Peer == RabbitMQ {
				name = "/queue/amqptest." + e.Name("")
			}
			s.Receiver(name).Take().Accept()
		}},
		{Name: "node/topic-capability", Ref: "a name without a prefix and with the capability topic is a topic", RabbitMQ: "ignores it",
			ActiveMQ: "ignores the capability of a node that has a name", Why: "clients of other brokers say it so, and mean it", Run: func(e *Env) {
				s := e.Session()
				name := "amqptest." + e.Name("")
				one := s.ReceiverWith(Terms{Source: Terminus{Address: name, Capabilities: []Symbol{"topic"}}})
				two := s.ReceiverWith(Terms{Source: Terminus{Address: "topic://" + name}})
				one.Credit(5)
				two.Credit(5)
				s.Sync()
				s.SenderWith(Terms{Target: Terminus{Address: name, Capabilities: []Symbol{"topic"}}}).Put(TextMessage("a"))
				one.WantTexts("a")
				two.WantTexts("a")
			}},
		{Name: "node/topic", RabbitMQ: "ends the session with an internal error at the drain of the late receiver", Ref: "a topic brings each message to all receivers that are there, and to no later one", Run: func(e *Env) {
			s := e.Session()
			one, two := s.Receiver(e.Topic("")), s.Receiver(e.Topic(""))
			one.Credit(5)
			two.Credit(5)
			s.Sync()
			s.Sender(e.Topic("")).PutTexts("a", "b")
			one.WantTexts("a", "b")
			two.WantTexts("a", "b")
			if late := s.Receiver(e.Topic("")).Drain(5); len(late) > 0 {
				e.t.Errorf("a late receiver got %d", len(late))
			}
		}},
		{Name: "node/topic-without-receivers", Ref: "a topic without receivers accepts what is sent", Run: func(e *Env) {
			e.Session().Sender(e.Topic("")).PutTexts("a")
		}},
		{Name: "node/wildcard", Ref: "a receiver of a topic pattern gets what any topic under it gets", RabbitMQ: "has other patterns", Run: func(e *Env) {
			s := e.Session()
			many, one := s.Receiver(e.Topic("")+".>"), s.Receiver(e.Topic("")+".*.b")
			many.Credit(9)
			one.Credit(9)
			s.Sync()
			s.Sender(e.Topic("") + ".a.b").PutTexts("1")
			s.Sender(e.Topic("") + ".a.c").PutTexts("2")
			s.Sender(e.Topic("") + ".d.b").PutTexts("3")
			many.WantTexts("1", "2", "3")
			one.WantTexts("1", "3")
		}},
		{Name: "node/composite", Ref: "a message to several destinations goes to each", RabbitMQ: "has none", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("a") + "," + e.Queue("b")).PutTexts("x")
			s.Receiver(e.Queue("a")).Take().Accept()
			s.Receiver(e.Queue("b")).Take().Accept()
		}},
		{Name: "node/options", Ref: "options of the consumer in an address are heeded, and the address is echoed with them", RabbitMQ: "has none", Run: func(e *Env) {
			s := e.Session()
			name := e.Queue("") + "?consumer.exclusive=true"
			one, two := s.Receiver(name), s.Receiver(e.Queue(""))
			if got := address(one.Attached.Fields.At(5)); got != name {
				e.t.Errorf("echoed %q", got)
			}
			two.Credit(5)
			one.Credit(5)
			s.Sync()
			s.Sender(e.Queue("")).PutTexts("a", "b")
			one.WantTexts("a", "b")
		}},
		{Name: "node/dynamic-source", Ref: "a dynamic source is a queue of its own, whose name the answer tells; others can send to it", RabbitMQ: "ends the session", Run: func(e *Env) {
			c := e.Connect()
			s := c.Session()
			rcv := s.ReceiverWith(Terms{Source: dynamic()})
			name := address(rcv.Attached.Fields.At(5))
			if !strings.HasPrefix(name, "temp-queue://") || !Fields(rcv.Attached.Fields.At(5)).At(4).(bool) {
				e.t.Fatalf("got %v", rcv.Attached)
			}
			e.Session().Sender(name).PutTexts("a")
			rcv.Take().Accept()
		}},
		{Name: "node/dynamic-target", Ref: "a dynamic target is a queue that lives as long as its link, as JMS clients make their temporary queues", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			anchor := s.SenderWith(Terms{Target: dynamic("temporary-queue")})
			name := address(anchor.Attached.Fields.At(6))
			if !strings.HasPrefix(name, "temp-queue://") {
				e.t.Fatalf("got %v", anchor.Attached)
			}
			rcv := s.ReceiverWith(Terms{Source: Terminus{Address: name, Capabilities: []Symbol{"temporary-queue"}}})
			other := e.Session()
			other.Sender(name).PutTexts("a")
			rcv.Take().Accept()
			rcv.Detach(true)
			anchor.Detach(true)
			other.Refused(false, Terms{Target: Terminus{Address: name}}, "amqp:not-found", "amqp:precondition-failed", "amqp:resource-deleted")
		}},
		{Name: "node/dynamic-topic", Ref: "a dynamic node with the capability temporary-topic is a topic", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			anchor := s.SenderWith(Terms{Target: dynamic("temporary-topic")})
			name := address(anchor.Attached.Fields.At(6))
			if !strings.HasPrefix(name, "temp-topic://") {
				e.t.Fatalf("got %v", anchor.Attached)
			}
			one, two := s.Receiver(name), s.Receiver(name)
			one.Credit(5)
			two.Credit(5)
			s.Sync()
			anchor.PutTexts("a")
			one.WantTexts("a")
			two.WantTexts("a")
		}},
		{Name: "node/dynamic-foreign", Ref: "a temporary queue can be received from on its own connection only", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			rcv := s.ReceiverWith(Terms{Source: dynamic()})
			e.Session().Refused(true, Terms{Source: Terminus{Address: address(rcv.Attached.Fields.At(5))}},
				"amqp:unauthorized-access", "amqp:not-allowed", "amqp:resource-locked", "amqp:invalid-field")
		}},
		{Name: "node/dynamic-gone", Ref: "a temporary queue ends with its connection", RabbitMQ: "ends the session", Run: func(e *Env) {
			c := e.Connect()
			name := address(c.Session().ReceiverWith(Terms{Source: dynamic()}).Attached.Fields.At(5))
			c.Closes()
			c.Ends()
			e.Session().Refused(false, Terms{Target: Terminus{Address: name}}, "amqp:not-found", "amqp:precondition-failed", "amqp:resource-deleted")
		}},
		{Name: "node/request-reply", Ref: "request and reply over a dynamic queue and an anonymous sender", RabbitMQ: "ends the session", Run: func(e *Env) {
			client, service := e.Session(), e.Session()
			replies := client.ReceiverWith(Terms{Source: dynamic()})
			requests := client.Sender(e.Queue(""))
			work, answers := service.Receiver(e.Queue("")), service.Sender(nil)
			for i := range 10 {
				id := fmt.Sprint("request-", i)
				requests.Put(TextMessage("ping").With(MessageID, id).With(ReplyTo, address(replies.Attached.Fields.At(5))))
				d := work.Take()
				to, _ := d.Properties.At(ReplyTo).(string)
				answers.Put(TextMessage("pong").With(To, to).With(CorrelationID, d.Properties.At(MessageID)))
				d.Accept()
				got := replies.Take()
				if got.Text() != "pong" || got.Properties.At(CorrelationID) != id {
					e.t.Fatalf("got %q, %s", got.Text(), Text(got.Properties))
				}
				got.Accept()
			}
		}},
		{Name: "node/anonymous", Ref: "a sender without an address sends each message to where its properties say", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(nil)
			for _, name := range []string{"a", "b", "a"} {
				l.Put(TextMessage(name).Durable().With(To, e.Queue(name)))
			}
			r := s.Receiver(e.Queue("a"))
			r.Credit(2)
			r.WantTexts("a", "a")
			s.Receiver(e.Queue("b")).Take().Accept()
		}},
		{Name: "node/anonymous-without-to", Ref: "a message of an anonymous sender that says not where to is rejected, and the link lives", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(nil)
			for _, m := range []Message{TextMessage("x"), TextMessage("x").With(To, ""), TextMessage("x").With(MessageID, "m")} {
				if state := l.Send(m); Code(state) != Rejected || Condition(state) == "" {
					e.t.Errorf("got %s", Text(state))
				}
			}
			l.Put(TextMessage("x").With(To, e.Queue("")))
		}},
		{Name: "node/anonymous-settled", Ref: "a settled message of an anonymous sender that says not where to detaches it", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(nil)
			l.Post(TextMessage("x"), true, nil)
			f := l.detached()
			if Condition(f) == "" || !f.Bool(1) {
				e.t.Errorf("got %v", f)
			}
		}},
	}
}

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
	}
}
