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
		{Name: "transfer/changed-frame", RabbitMQ: "ends the session with an internal error", Ref: "a frame that names another delivery, tag or format than the first of its message detaches the link", Run: func(e *Env) {
			s := e.Session()
			for _, fields := range [][]any{{uint32(77)}, {nil, []byte("other")}, {nil, nil, uint32(9)}} {
				l := s.Sender(e.Queue(""))
				f := l.Transfers(TextMessage("x").Encode(), false, nil)[0]
				f.Fields[5] = true
				s.Write(f, P(s.channel, Transfer, append([]any{l.handle}, fields...)...))
				l.nextOutgoing++
				l.Failed("amqp:invalid-field", "amqp:not-allowed", "amqp:decode-error")
			}
		}},
		{Name: "transfer/interleaved", RabbitMQ: "crashes the session", Ref: "frames of two messages may not alternate on one link, which is detached", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			one := l.Transfers(TextMessage("1").Encode(), false, nil)[0]
			one.Fields[5] = true
			s.Write(one, l.Transfers(TextMessage("2").Encode(), false, nil)[0])
			l.Failed("amqp:invalid-field", "amqp:not-allowed", "amqp:decode-error")
			s.Sender(e.Queue("")).PutTexts("3")
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) != 1 || list[0].Text() != "3" {
				e.t.Errorf("%d messages", len(list))
			}
		}},
		{Name: "transfer/second-on-first", RabbitMQ: "ends the session", Ref: "a delivery to be settled second detaches a link that settles first", Run: func(e *Env) {
			s := e.Session()
			l := s.SenderWith(Terms{Target: Terminus{Address: e.Queue("")}, Rcv: uint8(0)})
			f := l.Transfers(TextMessage("x").Encode(), false, nil)[0]
			f.Fields[6] = uint8(1)
			s.Write(f)
			l.Failed("amqp:invalid-field", "amqp:not-allowed")
		}},
		{Name: "transfer/tags", Ref: "a tag may be used again when it is settled, on two links at a time, and be longer than it should", Run: func(e *Env) {
			s := e.Session()
			one, two := s.Sender(e.Queue("")), s.Sender(e.Queue(""))
			for i, tag := range [][]byte{{1}, {1}, {1}, {1}, []byte("a tag of more than thirty-two octets, which no receiver has to take")} {
				l := []*Link{one, two}[i%2]
				id := l.deliveryID
				f := l.Transfers(TextMessage("x").Encode(), false, nil)[0]
				f.Fields[2] = tag
				s.Write(f)
				if f := l.outcome(id); Code(f.Fields.At(4)) != Accepted {
					e.t.Errorf("tag %q: %v", tag, f)
				}
			}
		}},
		{Name: "transfer/ids", RabbitMQ: "wraps its dispositions around, which some clients never see the end of", Ref: "delivery-ids may begin anywhere, have gaps and wrap around, and no disposition does", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			s.deliveryID = 1<<32 - 4
			var ids []uint32
			for i := range 8 {
				if i == 6 {
					s.deliveryID += 5
				}
				ids = append(ids, l.Post(TextMessage("x"), false, nil))
			}
			for _, id := range ids {
				if f := l.outcome(id); Code(f.Fields.At(4)) != Accepted || f.Fields.At(2) != nil && f.Num(2) < f.Num(1) {
					e.t.Errorf("delivery %d: %v", id, f)
				}
			}
		}},
		{Name: "transfer/resume-unknown", RabbitMQ: "takes it", Ref: "a delivery that is resumed and that the broker does not know is no message", Run: func(e *Env) {
			s := e.Session()
			l := s.Sender(e.Queue(""))
			f := l.Transfers(TextMessage("resumed").Encode(), false, nil)[0]
			f.Fields = append(f.Fields, true)
			s.Write(f)
			l.PutTexts("kept")
			if list := s.Receiver(e.Queue("")).Drain(5); len(list) != 1 || list[0].Text() != "kept" {
				e.t.Errorf("%d messages", len(list))
			}
		}},
		{Name: "transfer/against-the-stream", RabbitMQ: "ends it with an internal error", Ref: "a transfer on a link on which the broker sends ends the session", Run: func(e *Env) {
			s := e.Session()
			l := s.Receiver(e.Queue(""))
			s.Write(P(s.channel, Transfer, l.handle, uint32(0), []byte{1}, uint32(0)))
			s.Failed("amqp:not-allowed", "amqp:session:errant-link", "amqp:illegal-state")
		}},
		{Name: "transfer/rejected-not-listed", RabbitMQ: "crashes the session", Ref: "where a client does not know the outcome rejected, or waits for none, the error detaches the link", Run: func(e *Env) {
			s := e.Session()
			for _, settled := range []bool{false, true} {
				terms := Terms{Target: Terminus{Address: e.Queue("")}}
				if !settled {
					terms.Source = Terminus{Outcomes: []Symbol{"amqp:accepted:list"}}
				}
				l := s.SenderWith(terms)
				s.Write(l.Transfers([]byte("no message"), settled, nil)...)
				l.Failed("amqp:decode-error")
			}
			s.Sender(e.Queue("")).PutTexts("a")
		}},
	}
}

func (d Described) encode() []byte { return Append(nil, d) }
