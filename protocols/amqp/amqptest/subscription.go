package amqptest

import (
	"crypto/rand"
	"fmt"
)

// durable is the source of a durable subscription as Qpid JMS writes it.
func durable(address string, capabilities ...Symbol) Terminus {
	t := JMSSource(address, append([]Symbol{"topic"}, capabilities...)...)
	t.Durable, t.Expiry, t.Mode = 2, "never", "copy"
	return t
}

// subscriptionScenarios prove durable and shared subscriptions, as Qpid JMS makes them.
func subscriptionScenarios() []Scenario {
	lookup := func(s *Session, name string) *Link {
		l := s.newLink(true, name)
		s.Write(l.frame(Terms{Name: name, Source: nil, Target: Terminus{}}))
		l.await()
		return l
	}
	const none = "has no durable subscriptions of its own"
	return []Scenario{
		{Name: "subscription/durable", Ref: "a durable subscription keeps what is sent while its client is away", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			c := e.ConnectJMS(id)
			l := c.Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			l.Credit(5)
			l.Sync()
			snd := e.Session().Sender(e.Topic(""))
			snd.PutTexts("1")
			l.WantTexts("1")[0].Accept()
			l.Detach(false)
			snd.PutTexts("2")
			c.Closes()
			snd.PutTexts("3")
			c.Ends()
			l = e.ConnectJMS(id).Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			l.Credit(5)
			for _, d := range l.WantTexts("2", "3") {
				d.Accept()
			}
			l.Detach(true)
		}},
		{Name: "subscription/durable-cut", Ref: "a durable subscription survives a lost connection, with what was unsettled", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			c := e.ConnectAs(id)
			l := c.Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			l.Credit(1)
			l.Sync()
			snd := e.Session().Sender(e.Topic(""))
			snd.PutTexts("1", "2")
			l.WantTexts("1")
			c.Cut()
			snd.PutTexts("3")
			l = e.ConnectAs(id).Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			l.Credit(5)
			for _, d := range l.WantTexts("1", "2", "3") {
				d.Accept()
			}
			l.Detach(true)
		}},
		{Name: "subscription/unsubscribe", Ref: "an attach by name without a source finds the subscription, and its closing detach ends it", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			s := e.ConnectJMS(id).Session()
			source := durable(e.Topic(""))
			source.Filter = Selector("n = 1")
			s.ReceiverWith(Terms{Name: "sub", Source: source}).Detach(false)
			l := lookup(s, "sub")
			found := Fields(l.Attached.Fields.At(5))
			if found.At(0) != e.Topic("") || Number(found.At(1)) == 0 || found.At(2) != Symbol("never") {
				e.t.Errorf("got %v", l.Attached)
			}
			if filter, _ := found.At(7).(Map); len(filter) == 0 {
				e.t.Errorf("the selector is not told: %v", l.Attached)
			}
			l.Detach(true)
			s.Refused(true, Terms{Name: "sub", Source: Raw{0x40}, Target: Terminus{}}, "amqp:not-found")
		}},
		{Name: "subscription/unsubscribe-active", Ref: "a subscription with a consumer can't be ended by name", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			s := e.ConnectJMS(id).Session()
			held := s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			other := s.Client.Session()
			l := other.newLink(true, "sub")
			other.Write(l.frame(Terms{Name: "sub", Target: Terminus{}}))
			l.await()
			if l.Attached.Fields.At(5) == nil {
				if f := other.next(); f.Code != Detach || Condition(f) == "" {
					e.t.Errorf("got %v", f)
				}
			} else {
				other.Write(P(other.channel, Detach, l.handle, true))
				if f := l.detached(); Condition(f) == "" {
					e.t.Errorf("it was ended: %v", f)
				}
			}
			held.Credit(1)
			s.Sync()
			e.Session().Sender(e.Topic("")).PutTexts("1")
			held.WantTexts("1")
		}},
		{Name: "subscription/closing-ends", Ref: "a closing detach of a durable subscription ends it", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			s := e.ConnectAs(id).Session()
			s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))}).Detach(true)
			e.Session().Sender(e.Topic("")).PutTexts("1")
			l := s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			if list := l.Drain(5); len(list) > 0 {
				e.t.Errorf("%d messages were kept", len(list))
			}
			l.Detach(true)
		}},
		{Name: "subscription/changed-selector", Ref: "another selector makes the subscription anew", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			s := e.ConnectJMS(id).Session()
			source := durable(e.Topic(""))
			source.Filter = Selector("n = 1")
			s.ReceiverWith(Terms{Name: "sub", Source: source}).Detach(false)
			snd := e.Session().Sender(e.Topic(""))
			for n := range 2 {
				m := TextMessage(fmt.Sprint(n)).Durable()
				m.Application = Map{"n", int32(n)}
				snd.Put(m)
			}
			source.Filter = Selector("n = 0")
			l := s.ReceiverWith(Terms{Name: "sub", Source: source})
			if list := l.Drain(5); len(list) > 0 {
				e.t.Errorf("%d messages of the old one", len(list))
			}
			m := TextMessage("new").Durable()
			m.Application = Map{"n", int32(0)}
			snd.Put(m)
			l.Take().Accept()
			l.Detach(true)
		}},
		{Name: "subscription/by-container", Ref: "subscriptions of one name and different clients are apart", Run: func(e *Env) {
			var links []*Link
			for i := range 2 {
				l := e.ConnectJMS(e.Name(fmt.Sprint("client", i))).Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
				l.Credit(5)
				l.Sync()
				links = append(links, l)
			}
			e.Session().Sender(e.Topic("")).PutTexts("1")
			for _, l := range links {
				l.WantTexts("1")[0].Accept()
				l.Detach(true)
			}
		}},
		{Name: "subscription/same-connection", Ref: "a durable subscription has one consumer on a connection", RabbitMQ: none, Run: func(e *Env) {
			c := e.ConnectJMS(e.Name("client"))
			one := c.Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			two := c.Session()
			two.Refused(true, Terms{Name: "sub", Source: durable(e.Topic(""))}, "amqp:resource-locked", "amqp:internal-error", "amqp:not-allowed")
			one.Sync()
		}},
		{Name: "subscription/shared-durable", Ref: "consumers of a shared durable subscription compete, and closing one leaves it to the others", RabbitMQ: none, Run: func(e *Env) {
			c := e.ConnectJMS(e.Name("client"))
			s := c.Session()
			one := s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""), "shared"), Desired: []Symbol{"SHARED-SUBS"}})
			two := s.ReceiverWith(Terms{Name: "sub|2", Source: durable(e.Topic(""), "shared"), Desired: []Symbol{"SHARED-SUBS"}})
			one.Credit(1)
			two.Credit(1)
			s.Sync()
			snd := e.Session().Sender(e.Topic(""))
			snd.PutTexts("1", "2", "3", "4")
			s.until("one each", func() bool { return len(one.deliveries) == 1 && len(two.deliveries) == 1 })
			one.Receive().Accept()
			two.Receive().Accept()
			one.Detach(false)
			two.Credit(1)
			two.WantTexts("3")[0].Accept()
			two.Detach(false)
			three := s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""), "shared"), Desired: []Symbol{"SHARED-SUBS"}})
			three.Credit(1)
			three.WantTexts("4")[0].Accept()
			three.Detach(true)
		}},
		{Name: "subscription/shared-global", Ref: "without a client id a shared subscription is everybody's", RabbitMQ: none, Run: func(e *Env) {
			name := e.Name("sub")
			var links []*Link
			for range 2 {
				l := e.ConnectJMS("amqptest-" + rand.Text()).Session().ReceiverWith(Terms{
					Name: name + "|global", Source: durable(e.Topic(""), "shared", "global"), Desired: []Symbol{"SHARED-SUBS"},
				})
				l.Credit(1)
				l.Sync()
				links = append(links, l)
			}
			e.Session().Sender(e.Topic("")).PutTexts("1", "2")
			got := map[string]bool{}
			for _, l := range links {
				d := l.Receive()
				got[d.Text()] = true
				d.Accept()
				l.Detach(false)
			}
			if !got["1"] || !got["2"] {
				e.t.Errorf("got %v", got)
			}
			s := e.ConnectJMS("amqptest-" + rand.Text()).Session()
			l := s.newLink(true, name+"|global")
			s.Write(l.frame(Terms{Target: Terminus{}, Desired: []Symbol{"shared", "global"}}))
			l.await()
			if l.Attached.Fields.At(5) == nil {
				e.t.Fatalf("it is not found by name")
			}
			l.Detach(true)
			s.Refused(true, Terms{Name: name + "|global", Target: Terminus{}, Desired: []Symbol{"shared", "global"}}, "amqp:not-found")
		}},
		{Name: "subscription/shared-volatile", Ref: "consumers of a shared volatile subscription compete, and it ends with the last of them", RabbitMQ: none, Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			source := JMSSource(e.Topic(""), "topic", "shared")
			one := s.ReceiverWith(Terms{Name: "vol|volatile1", Source: source, Desired: []Symbol{"SHARED-SUBS"}})
			two := s.ReceiverWith(Terms{Name: "vol|volatile2", Source: source, Desired: []Symbol{"SHARED-SUBS"}})
			one.Credit(1)
			two.Credit(1)
			s.Sync()
			snd := e.Session().Sender(e.Topic(""))
			snd.Put(TextMessage("1"), TextMessage("2"), TextMessage("3"))
			s.until("one each", func() bool { return len(one.deliveries) == 1 && len(two.deliveries) == 1 })
			one.Receive().Accept()
			two.Receive().Accept()
			one.Detach(true)
			two.Credit(1)
			two.WantTexts("3")[0].Accept()
			two.Detach(true)
			snd.Put(TextMessage("4"))
			three := s.ReceiverWith(Terms{Name: "vol|volatile1", Source: source, Desired: []Symbol{"SHARED-SUBS"}})
			if list := three.Drain(5); len(list) > 0 {
				e.t.Errorf("%d messages were kept", len(list))
			}
		}},
		{Name: "subscription/selector", Ref: "a durable subscription keeps what its selector picks", RabbitMQ: none, Run: func(e *Env) {
			s := e.ConnectJMS(e.Name("client")).Session()
			source := durable(e.Topic(""))
			source.Filter = Selector("n = 1")
			s.ReceiverWith(Terms{Name: "sub", Source: source}).Detach(false)
			snd := e.Session().Sender(e.Topic(""))
			for n := range 3 {
				m := TextMessage(fmt.Sprint(n)).Durable()
				m.Application = Map{"n", int32(n)}
				snd.Put(m)
			}
			l := s.ReceiverWith(Terms{Name: "sub", Source: source})
			list := l.Drain(5)
			if len(list) != 1 || list[0].Text() != "1" {
				e.t.Errorf("got %d", len(list))
			}
			l.Detach(true)
		}},
		{Name: "subscription/link-detach", Ref: "a durable subscription that is to expire with its link ends with a detach", RabbitMQ: none, Run: func(e *Env) {
			s := e.ConnectAs(e.Name("client")).Session()
			source := durable(e.Topic(""))
			source.Expiry = "link-detach"
			s.ReceiverWith(Terms{Name: "sub", Source: source}).Detach(false)
			s.Refused(true, Terms{Name: "sub", Source: Raw{0x40}, Target: Terminus{}}, "amqp:not-found")
		}},
		{Name: "subscription/expiry", Ref: "a durable subscription that is to expire in another way is kept, as the answer says", RabbitMQ: none, Run: func(e *Env) {
			snd := e.Session().Sender(e.Topic(""))
			for i, end := range []struct {
				expiry  Symbol
				timeout uint32
			}{{"", 0}, {"session-end", 0}, {"connection-close", 0}, {"link-detach", 1}} {
				id := e.Name(fmt.Sprint("client", i))
				source := durable(e.Topic(""))
				source.Expiry, source.Timeout = end.expiry, end.timeout
				c := e.ConnectAs(id)
				s := c.Session()
				l := s.ReceiverWith(Terms{Name: "sub", Source: source})
				if got := Fields(l.Attached.Fields.At(5)); got.At(2) != Symbol("never") || Number(got.At(3)) != 0 {
					e.t.Errorf("%v: the answer says %v", end, l.Attached)
				}
				l.Detach(false)
				s.Ends()
				c.Closes()
				snd.PutTexts("kept")
				l = e.ConnectAs(id).Session().ReceiverWith(Terms{Name: "sub", Source: source})
				l.Credit(1)
				l.WantTexts("kept")[0].Accept()
				l.Detach(true)
			}
		}},
		{Name: "subscription/link-lost", Ref: "a durable subscription that is to expire with its link outlives the loss of its connection", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			source := durable(e.Topic(""))
			source.Expiry = "link-detach"
			c := e.ConnectAs(id)
			l := c.Session().ReceiverWith(Terms{Name: "sub", Source: source})
			if got := Fields(l.Attached.Fields.At(5)); got.At(2) != Symbol("link-detach") {
				e.t.Errorf("the answer says %v", l.Attached)
			}
			c.Cut()
			e.Session().Sender(e.Topic("")).PutTexts("kept")
			l = e.ConnectAs(id).Session().ReceiverWith(Terms{Name: "sub", Source: source})
			l.Credit(1)
			l.WantTexts("kept")[0].Accept()
			l.Detach(true)
		}},
		{Name: "subscription/changed-topic", Ref: "another topic makes the subscription anew", Run: func(e *Env) {
			s := e.ConnectAs(e.Name("client")).Session()
			s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic("one"))}).Detach(false)
			snd := e.Session()
			snd.Sender(e.Topic("one")).PutTexts("old")
			l := s.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic("two"))})
			snd.Sender(e.Topic("one")).PutTexts("old")
			snd.Sender(e.Topic("two")).PutTexts("new")
			l.Credit(5)
			l.WantTexts("new")
			l.Detach(true)
		}},
		{Name: "subscription/stolen", Ref: "another connection of the client takes a durable subscription over, for the first is dead more often than not", RabbitMQ: none, Run: func(e *Env) {
			id := e.Name("client")
			old := e.ConnectAs(id).Session()
			first := old.ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			first.Credit(1)
			snd := e.Session().Sender(e.Topic(""))
			snd.PutTexts("1")
			first.WantTexts("1")
			l := e.ConnectAs(id).Session().ReceiverWith(Terms{Name: "sub", Source: durable(e.Topic(""))})
			first.Failed("amqp:link:stolen")
			snd.PutTexts("2")
			l.Credit(5)
			for _, d := range l.WantTexts("1", "2") {
				d.Accept()
			}
			l.Detach(true)
		}},
	}
}
