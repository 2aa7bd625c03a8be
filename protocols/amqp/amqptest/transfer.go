package amqptest

import (
	"bytes"
	"fmt"
	"strings"
)

// transferScenarios prove transfers [AMQP 2.6.12, 2.6.14].
func transferScenarios() []Scenario {
	return []Scenario{
		{Name: "transfer/first-frame", Ref: "deliveries have consecutive ids, a tag and a format, also settled ones, over all links of a session", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("a")).PutTexts("1", "2", "3")
			s.Sender(e.Queue("b")).PutTexts("1", "2", "3")
			a := s.Receiver(e.Queue("a"))
			b := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue("b")}, Snd: uint8(1)})
			seen := map[uint32]bool{}
			for range 3 {
				d := a.Take()
				seen[d.ID] = true
				d.Accept()
				seen[b.Take().ID] = true
			}
			for i := range 6 {
				if !seen[uint32(i)] {
					e.t.Errorf("no delivery %d: %v", i, seen)
				}
			}
		}},
		{Name: "transfer/many-frames", Ref: "a message of many frames arrives whole, and leaves in frames that the client takes", Run: func(e *Env) {
			c := e.ConnectAs("amqptest-"+e.Name(""), e.target.Host(), uint32(4096))
			s := c.Session()
			text := strings.Repeat("x", 300000) + "end"
			s.Sender(e.Queue("")).PutTexts(text)
			d := s.Receiver(e.Queue("")).Take()
			if d.Text() != text || d.Frames < 70 {
				e.t.Errorf("%d octets in %d frames", len(d.Text()), d.Frames)
			}
			d.Accept()
		}},
		{Name: "transfer/tiny-frames", RabbitMQ: "ends the session at a frame without id and tag", Ref: "a message may come in frames of few octets, and empty ones", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			octets := TextMessage("in pieces").Encode()
			id := l.deliveryID
			l.deliveryID++
			l.count++
			for i := range octets {
				f := P(s.channel, Transfer, l.handle, nil, nil, nil, nil, true)
				if i == 0 {
					f = P(s.channel, Transfer, l.handle, id, []byte{1}, uint32(0), false, true)
				}
				f.Payload = octets[i : i+1]
				empty := P(s.channel, Transfer, l.handle, nil, nil, nil, nil, true)
				s.Write(f, empty)
				l.nextOutgoing += 2
				l.window -= 2
			}
			s.Write(P(s.channel, Transfer, l.handle, id, []byte{1}, uint32(0)))
			l.nextOutgoing++
			l.window--
			if f := l.outcome(id); Code(f.Fields.At(4)) != Accepted {
				e.t.Errorf("got %v", f)
			}
			if d := s.Receiver(e.Queue("")).Take(); d.Text() != "in pieces" {
				e.t.Errorf("got %q", d.Text())
			}
		}},
		{Name: "transfer/interleaved-links", Ref: "frames of messages on different links may alternate", Run: func(e *Env) {
			s := e.Session()
			a, b := s.Sender(e.Queue("a")), s.Sender(e.Queue("b"))
			text := strings.Repeat("y", 3<<17)
			one := a.Transfers(TextMessage("a"+text).Encode(), false, nil)
			two := b.Transfers(TextMessage("b"+text).Encode(), false, nil)
			for i := range max(len(one), len(two)) {
				s.Write(one[min(i, len(one)-1)])
				if i < len(two) {
					s.Write(two[i])
				}
			}
			l := s.Receiver(e.Queue("a"))
			if d := l.Take(); d.Text() != "a"+text {
				e.t.Errorf("got %d octets", len(d.Text()))
			}
			l = s.Receiver(e.Queue("b"))
			if d := l.Take(); d.Text() != "b"+text {
				e.t.Errorf("got %d octets", len(d.Text()))
			}
		}},
		{Name: "transfer/aborted", Ref: "an aborted message is dropped, and the next one arrives", RabbitMQ: "takes what came of it", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			id := l.deliveryID
			l.deliveryID++
			l.count++
			l.credit--
			f := P(s.channel, Transfer, l.handle, id, []byte{9}, uint32(0), false, true)
			f.Payload = TextMessage("lost").Encode()
			s.Write(f, P(s.channel, Transfer, l.handle, nil, nil, nil, nil, false, nil, nil, nil, true))
			l.nextOutgoing += 2
			l.window -= 2
			l.PutTexts("kept")
			r := s.Receiver(e.Queue(""))
			if list := r.Drain(5); len(list) != 1 || list[0].Text() != "kept" {
				e.t.Errorf("got %d messages", len(list))
			}
		}},
		{Name: "transfer/without-id", Ref: "a first transfer without a delivery-id is an error", RabbitMQ: "ends the connection", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			f := P(s.channel, Transfer, l.handle, nil, []byte{9}, uint32(0))
			f.Payload = TextMessage("x").Encode()
			s.Write(f)
			got := s.answer()
			if got.Code != Detach && got.Code != End {
				e.t.Fatalf("got %v", got)
			}
			s.want(got, []string{"amqp:invalid-field", "amqp:not-allowed", "amqp:decode-error"})
		}},
		{Name: "transfer/without-tag", Ref: "a first transfer without a delivery-tag is an error of the link", RabbitMQ: "takes it", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			f := P(s.channel, Transfer, l.handle, uint32(0), nil, uint32(0))
			f.Payload = TextMessage("x").Encode()
			s.Write(f)
			got := s.answer()
			if got.Code != Detach && got.Code != End {
				e.t.Fatalf("got %v", got)
			}
			s.want(got, []string{"amqp:invalid-field", "amqp:not-allowed", "amqp:decode-error"})
		}},
		{Name: "transfer/no-payload", Ref: "a message of no octets at all is rejected, and the link lives", RabbitMQ: "accepts it", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			id := l.Post(Message{}, false, nil)
			if f := l.outcome(id); Condition(f.Fields.At(4)) != "amqp:decode-error" {
				e.t.Errorf("got %v", f)
			}
			l.PutTexts("x")
		}},
		{Name: "transfer/undecodable", Ref: "octets that are no message are rejected, and the link lives", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			for _, octets := range [][]byte{
				{0}, {0, 0x53}, {0, 0x53, 0x77}, {0x40}, {0, 0x53, 0x77, 0xff}, {0, 0x53, 0x75, 0xa0, 9, 1}, {0, 0x53, 0x79, 0x40}, []byte("hello, world"),
				append(TextMessage("a").Encode(), Described{uint64(PropertiesSection), List{}}.encode()...),
			} {
				id := l.deliveryID
				l.Write(l.Transfers(octets, false, nil)...)
				if f := l.outcome(id); Condition(f.Fields.At(4)) != "amqp:decode-error" {
					e.t.Errorf("%x: got %v", octets, f)
				}
			}
			l.PutTexts("x")
		}},
		{Name: "transfer/format", Ref: "a message-format that is not zero is kept, and its octets are left alone", RabbitMQ: "ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			f := l.Transfers([]byte("not of AMQP"), false, nil)[0]
			f.Fields[3] = uint32(0x80131700)
			s.Write(f)
			if f := l.outcome(0); Code(f.Fields.At(4)) != Accepted {
				e.t.Fatalf("got %v", f)
			}
			r := s.Receiver(e.Queue(""))
			r.Credit(1)
			var got Frame
			s.Client.until("a transfer", func() bool { return len(r.deliveries) > 0 })
			_ = got
			if d := r.deliveries[0]; !bytes.Equal(d.Octets, []byte("not of AMQP")) {
				e.t.Errorf("got %q", d.Octets)
			}
		}},
		{Name: "transfer/too-large", Ref: "a message larger than the link takes detaches it as soon as that shows", RabbitMQ: "has no limit", Plain: true, Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			largest, _ := l.Attached.Fields.At(10).(uint64)
			if largest == 0 || largest > 200<<20 {
				e.t.Fatalf("the largest message has %d octets", largest)
			}
			id := l.deliveryID
			f := P(s.channel, Transfer, l.handle, id, []byte{9}, uint32(0), false, true)
			f.Payload = make([]byte, l.maxFrame()-100)
			copy(f.Payload, []byte{0, 0x53, 0x75, 0xb0, 0x7f, 0xff, 0xff, 0xff})
			octets := f.Encode()
			failed := make(chan Frame, 1)
			go func() {
				for {
					f, err := s.Client.Read()
					if err != nil || f.Code == Detach || f.Code == End || f.Code == Close {
						failed <- f
						return
					}
				}
			}()
			for {
				select {
				case f := <-failed:
					l.want(f, []string{"amqp:link:message-size-exceeded"})
					return
				default:
					if err := s.TryWrite(octets); err != nil {
						e.t.Fatalf("write: %v", err)
					}
				}
			}
		}},
		{Name: "transfer/unsettled-id-again", Ref: "a delivery-id that is still unsettled ends the session", RabbitMQ: "takes it", Run: func(e *Env) {
			s := e.Session()
			l := s.SenderWith(Terms{Target: Terminus{Address: e.Queue("")}, Rcv: uint8(1)})
			f := l.Transfers(TextMessage("x").Encode(), false, nil)[0]
			s.Write(f)
			s.outcome(0)
			g := l.Transfers(TextMessage("y").Encode(), false, nil)[0]
			g.Fields[1] = uint32(0)
			s.Write(g)
			got := s.answer()
			if got.Code != End && got.Code != Detach {
				e.t.Fatalf("got %v", got)
			}
			s.want(got, []string{"amqp:invalid-field", "amqp:not-allowed"})
		}},
		{Name: "transfer/order", Ref: "messages of a sender come in the order in which they were sent, durable and others together", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			var want []string
			for i := range 200 {
				text := fmt.Sprint(i)
				want = append(want, text)
				m := TextMessage(text)
				if i%3 == 0 {
					m = m.Durable()
				}
				l.Post(m, i%5 == 0, nil)
			}
			r := s.Receiver(e.Queue(""))
			r.Credit(200)
			r.WantTexts(want...)
		}},
	}
}

func (d Described) encode() []byte { return Append(nil, d) }

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
	}
}
