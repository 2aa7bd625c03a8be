package amqptest

import (
	"bytes"
	"strings"
	"time"
)

// jmsMessage returns a message of a kind as Qpid JMS encodes it. Kinds are those of x-opt-jms-msg-type.
func jmsMessage(e *Env, kind int8) Message {
	m := Message{Header: List{true}, Annotations: Map{Symbol("x-opt-jms-dest"), int8(0), Symbol("x-opt-jms-msg-type"), kind}}
	m.Properties = List{"ID:" + e.Name("") + ":1:1:1-1", nil, e.Queue(""), nil, nil, nil, nil, nil, nil, Timestamp(1700000000000)}
	switch kind {
	case 0:
		m.Null = true
	case 1:
		m.Data, m.Properties[ContentType] = [][]byte{{0xac, 0xed, 0, 5, 0x70}}, Symbol("application/x-java-serialized-object")
	case 2:
		m.Value = Map{"int", int32(7), "text", "a", "bytes", []byte{1, 2}}
	case 3:
		m.Data, m.Properties[ContentType] = [][]byte{{1, 2, 3}}, Symbol("application/octet-stream")
	case 4:
		m.Sequences = []List{{"a", int32(1), []byte{7}, nil}}
	case 5:
		m.Value = "text"
	}
	return m
}

// jmsScenarios prove what JMS clients need besides, with frames as Qpid JMS sends them.
func jmsScenarios() []Scenario {
	return []Scenario{
		{Name: "jms/kinds", Ref: "messages of every JMS kind arrive as Qpid JMS sent them, with its annotations, of type byte", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			snd := s.SenderWith(Terms{
				Source: Terminus{Outcomes: AllOutcomes()}, Target: Terminus{Address: e.Queue(""), Capabilities: []Symbol{"queue"}}, Snd: uint8(0), Rcv: uint8(0),
				Desired: []Symbol{"DELAYED_DELIVERY"},
			})
			rcv := s.ReceiverWith(Terms{Source: JMSSource(e.Queue(""), "queue"), Snd: uint8(0), Rcv: uint8(0)})
			for kind := range int8(6) {
				m := jmsMessage(e, kind)
				snd.Put(m)
				d := rcv.Take()
				sent, _ := DecodeMessage(m.Encode())
				if !bytes.Equal(d.Bare, sent.Bare) || d.Annotations.Get(Symbol("x-opt-jms-msg-type")) != kind || d.Annotations.Get(Symbol("x-opt-jms-dest")) != int8(0) {
					e.t.Errorf("kind %d: got %s %x, want %x", kind, Text(d.Annotations), d.Bare, sent.Bare)
				}
				d.Accept()
			}
		}},
		{Name: "jms/link-capabilities", Ref: "capabilities that a JMS client asks for of a link are offered", RabbitMQ: "offers none", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			l := s.SenderWith(Terms{Target: Terminus{Address: e.Queue(""), Capabilities: []Symbol{"queue"}}, Desired: []Symbol{"DELAYED_DELIVERY"}})
			if !Has(l.Attached.Fields.At(11), "DELAYED_DELIVERY") {
				e.t.Errorf("got %v", l.Attached)
			}
			l = s.ReceiverWith(Terms{Name: "sub|volatile1", Source: JMSSource(e.Topic(""), "topic", "shared"), Desired: []Symbol{"SHARED-SUBS"}})
			if !Has(l.Attached.Fields.At(11), "SHARED-SUBS") {
				e.t.Errorf("got %v", l.Attached)
			}
		}},
		{Name: "jms/delivery-time", Ref: "a message with a delivery time, as a JMS 2.0 client sets it, comes at that time and not before", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			snd, rcv := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			due := time.Now().Add(time.Second)
			m := jmsMessage(e, 5)
			m.Annotations = append(m.Annotations, Symbol("x-opt-delivery-time"), due.UnixMilli())
			snd.Put(m)
			if early := rcv.Drain(5); len(early) > 0 {
				e.t.Fatalf("it came at once")
			}
			d := rcv.Take()
			if now := time.Now(); now.Before(due.Add(-50 * time.Millisecond)) {
				e.t.Errorf("it came %v early", due.Sub(now))
			}
			d.Accept()
		}},
		{Name: "jms/delivery-delay", Ref: "a message with a delay comes after it", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			snd, rcv := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			sent := time.Now()
			m := TextMessage("later").Durable()
			m.Annotations = Map{Symbol("x-opt-delivery-delay"), int64(700)}
			snd.Put(m)
			if early := rcv.Drain(5); len(early) > 0 {
				e.t.Fatalf("it came at once")
			}
			rcv.Take().Accept()
			if took := time.Since(sent); took < 650*time.Millisecond {
				e.t.Errorf("it came after %v", took)
			}
		}},
		{Name: "jms/receive-no-wait", RabbitMQ: "ends the session with an internal error at a drain", Ref: "a consumer without prefetch gets what is there by a credit of one and a drain", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			s.Sender(e.Queue("")).PutTexts("a")
			rcv := s.ReceiverWith(Terms{Source: JMSSource(e.Queue(""), "queue"), Snd: uint8(0), Rcv: uint8(0)})
			for _, want := range []int{1, 0, 0} {
				list := rcv.Drain(1)
				if len(list) != want {
					e.t.Errorf("%d messages, want %d", len(list), want)
				}
				for _, d := range list {
					d.Accept()
				}
			}
		}},
		{Name: "jms/session-recover", Ref: "what a closing JMS consumer gives back comes again: failed what it saw, released what it did not", RabbitMQ: "counts both", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			s.Sender(e.Queue("")).PutTexts("seen", "unseen")
			rcv := s.ReceiverWith(Terms{Source: JMSSource(e.Queue(""), "queue")})
			rcv.Credit(2)
			list := rcv.WantTexts("seen", "unseen")
			list[1].Settle(D(Released), true)
			list[0].Settle(D(Modified, true), true)
			rcv.Detach(true)
			rcv = s.ReceiverWith(Terms{Source: JMSSource(e.Queue(""), "queue")})
			rcv.Credit(2)
			list = rcv.WantTexts("seen", "unseen")
			if list[0].Failures() != 1 || list[1].Failures() != 0 {
				e.t.Errorf("%d and %d failures", list[0].Failures(), list[1].Failures())
			}
			for _, d := range list {
				d.Accept()
			}
		}},
		{Name: "jms/statistics", Plain: true, RabbitMQ: "has none", Ref: "a message to ActiveMQ.Statistics is answered by a map of figures", Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			s.Sender(e.Queue("")).PutTexts("1", "2")
			replies := s.ReceiverWith(Terms{Source: Terminus{Dynamic: true}})
			to, _ := Fields(replies.Attached.Fields.At(5)).At(0).(string)
			s.Sender("queue://ActiveMQ.Statistics.Destination." + strings.TrimPrefix(e.Queue(""), "queue://")).Put(Message{Null: true}.With(ReplyTo, to).With(CorrelationID, "c-1"))
			d := replies.Take()
			figures, _ := d.Value.(Map)
			if d.Properties.At(CorrelationID) != "c-1" || figures.Get("size") != int64(2) || figures.Get("destinationName") != e.Queue("") {
				e.t.Errorf("got %s, %s", Text(d.Properties), Text(d.Value))
			}
			d.Accept()
		}},
		{Name: "jms/advisory", Plain: true, RabbitMQ: "has none", Ref: "an advisory is a text of JSON, as STOMP clients get it", Run: func(e *Env) {
			s := e.Session()
			rcv := s.Receiver("topic://ActiveMQ.Advisory.Connection")
			rcv.Credit(1000)
			s.Sync()
			e.ConnectAs(e.Name("other"))
			for {
				d := rcv.Receive()
				if strings.Contains(d.Text(), e.Name("other")) {
					if !strings.HasPrefix(d.Text(), `{"ConnectionInfo":{`) || d.Properties.At(Subject) != "Advisory" || d.Application.Get("originBrokerName") == nil {
						e.t.Errorf("got %s, %s, %s", Text(d.Properties), Text(d.Application), d.Text())
					}
					return
				}
			}
		}},
	}
}

// errorScenarios prove what clients are told of what they may not do.
func errorScenarios() []Scenario {
	return []Scenario{
		{Name: "error/refused-receiver", Ref: "a receiver that is refused leaves the other links of its session alone", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			s.Refused(true, Terms{Source: Terminus{Address: "temp-queue://amqptest-nowhere"}}, "amqp:not-found", "amqp:invalid-field", "amqp:precondition-failed")
			s.Sender(e.Queue("")).PutTexts("a")
			l.Take().Accept()
		}},
		{Name: "error/refused-sender", Ref: "a sender that is refused leaves the other links of its session alone", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			s.Refused(false, Terms{Target: Terminus{Address: "temp-queue://amqptest-nowhere"}}, "amqp:not-found", "amqp:invalid-field", "amqp:precondition-failed")
			l.PutTexts("a")
		}},
		{Name: "error/bad-address", Ref: "an address that is none refuses the link", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			for _, address := range []string{"queue://", "topic://"} {
				s.Refused(true, Terms{Source: Terminus{Address: address}}, "amqp:invalid-field", "amqp:not-found")
				s.Refused(false, Terms{Target: Terminus{Address: address}}, "amqp:invalid-field", "amqp:not-found")
			}
			s.Sync()
		}},
		{Name: "error/frame-after-close", RabbitMQ: "leaves the socket open after the close", Ref: "what comes behind a close is of no matter", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(0, Close), P(0, Begin, nil, uint32(0), uint32(10), uint32(10)), P(0, 0x99))
			c.Expect(Close)
			c.Ends()
		}},
		{Name: "error/unknown-performative", Ref: "a performative that is not known closes the connection", RabbitMQ: "closes without a reason", Run: func(e *Env) {
			c := e.Connect()
			c.Write(P(0, 0x99, "x"))
			c.Failed("amqp:decode-error", "amqp:connection:framing-error", "amqp:not-implemented", "amqp:not-allowed")
		}},
		{Name: "error/no-right", Login: true, RabbitMQ: "has other rules", Ref: "who may not send to or receive from an address is refused, however the address is written", Run: func(e *Env) {
			s := e.Session()
			name := "forbidden." + e.Name("")
			for _, address := range []string{
				"queue://" + name, name, "topic://" + name, name + "?consumer.priority=1", "queue://amqptest." + e.Name("") + ",queue://" + name,
				"queue://forbidden.>", "queue://>", "queue:///" + name,
			} {
				s.Refused(true, Terms{Source: Terminus{Address: address}}, "amqp:unauthorized-access")
				s.Refused(false, Terms{Target: Terminus{Address: address}}, "amqp:unauthorized-access")
			}
			s.Refused(true, Terms{Source: Terminus{Address: name, Capabilities: []Symbol{"topic"}}}, "amqp:unauthorized-access")
			s.Refused(true, Terms{Name: "sub", Source: Terminus{Address: "topic://" + name, Durable: 2, Expiry: "never"}}, "amqp:unauthorized-access")
			s.Refused(true, Terms{Source: Terminus{Address: "queue://" + name, Mode: "copy"}}, "amqp:unauthorized-access")
			l := s.Sender(nil)
			if state := l.Send(TextMessage("x").With(To, "queue://"+name)); Condition(state) != "amqp:unauthorized-access" {
				e.t.Errorf("got %s", Text(state))
			}
			l.Put(TextMessage("x").With(To, e.Queue("")))
		}},
	}
}
