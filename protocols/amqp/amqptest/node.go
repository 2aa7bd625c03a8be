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
		{Name: "node/existing-topic", ActiveMQ: "takes it for a queue", Why: "clients of other protocols may have made a topic of the name, and a queue of the same name would be nobody's; a queue that is there comes first", Ref: "a name without a prefix is what there is of that name", Run: func(e *Env) {
			s := e.Session()
			rcv := s.Receiver(e.Topic(""))
			rcv.Credit(1)
			s.Sync()
			s.Sender(strings.TrimPrefix(e.Topic(""), "topic://")).PutTexts("a")
			rcv.WantTexts("a")
		}},
		{Name: "node/dynamic-suspended", RabbitMQ: "ends the session", Ref: "a dynamic node outlives a detach that does not close", Run: func(e *Env) {
			s := e.Session()
			rcv := s.ReceiverWith(Terms{Source: dynamic()})
			name := address(rcv.Attached.Fields.At(5))
			rcv.Detach(false)
			e.Session().Sender(name).PutTexts("a")
			s.Receiver(name).Take().Accept()
		}},
		{Name: "node/management", Ref: "nodes of the management that the broker has not are refused, so that nobody waits for an answer", RabbitMQ: "takes them for queues, or ends the session", Run: func(e *Env) {
			s := e.Session()
			for _, address := range []string{"$management", "/management", "$cbs"} {
				s.Refused(true, Terms{Source: Terminus{Address: address}}, "amqp:not-found")
				s.Refused(false, Terms{Target: Terminus{Address: address}}, "amqp:not-found")
			}
			s.Sync()
		}},
	}
}
