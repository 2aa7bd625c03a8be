package amqptest

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
)

// everyValue returns a value of each simple type.
func everyValue() Map {
	return Map{
		"null", nil, "true", true, "false", false, "ubyte", uint8(200), "ushort", uint16(60000), "uint", uint32(4000000000), "ulong", uint64(1) << 63,
		"byte", int8(-100), "short", int16(-30000), "int", int32(-2000000000), "long", int64(math.MinInt64), "float", float32(1.25), "double", -2.5e300,
		"char", Char('€'), "timestamp", Timestamp(1700000000123), "uuid", UUID{1, 2, 3, 15: 16}, "binary", []byte{0, 1, 255}, "string", "Grüße 😀",
		"symbol", Symbol("sym"), "decimal32", Decimal("\x22\x50\x00\x01"), "decimal64", Decimal("\x22\x34\x00\x00\x00\x00\x00\x01"),
		"decimal128", Decimal("\x22\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"), "empty", "", "zero", uint32(0), "small", int64(5),
	}
}

// messageScenarios prove that messages arrive as they were sent [AMQP 3.2].
func messageScenarios() []Scenario {
	bodies := []struct {
		name string
		m    Message
	}{
		{"string", Message{Value: "text"}},
		{"null", Message{Null: true}},
		{"binary", Message{Value: []byte{0, 1, 2}}},
		{"number", Message{Value: int64(-7)}},
		{"boolean", Message{Value: true}},
		{"list", Message{Value: List{nil, true, uint8(1), "a", List{int32(1)}, Map{"k", "v"}}}},
		{"map", Message{Value: Map{"a", int32(1), Symbol("b"), List{"x"}, int64(3), Map{"y", nil}}}},
		{"array", Message{Value: Array{int32(1), int32(2)}}},
		{"described", Message{Value: Described{Symbol("x:thing"), List{"a", Described{uint64(77), "b"}}}}},
		{"data", Message{Data: [][]byte{{1, 2, 3}}}},
		{"empty data", Message{Data: [][]byte{{}}}},
		{"two data", Message{Data: [][]byte{{1}, {2, 3}}}},
		{"sequence", Message{Sequences: []List{{"a", int32(1), nil}}}},
		{"two sequences", Message{Sequences: []List{{"a"}, {"b"}}}},
		{"no body", Message{Properties: List{"id"}}},
	}
	same := func(e *Env, what string, got, want any) {
		if !reflect.DeepEqual(got, want) {
			e.t.Errorf("%s is %s, want %s", what, Text(got), Text(want))
		}
	}
	return []Scenario{
		{Name: "message/bodies", Ref: "a body of every kind arrives octet by octet as it was sent", RabbitMQ: "rewrites or refuses some", Run: func(e *Env) {
			s := e.Session()
			snd, rcv := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			for _, b := range bodies {
				for _, m := range []Message{b.m, b.m.Durable()} {
					snd.Put(m)
					d := rcv.Take()
					sent, _ := DecodeMessage(m.Encode())
					if !bytes.Equal(d.Bare, sent.Bare) {
						e.t.Errorf("%s: got %x, want %x", b.name, d.Bare, sent.Bare)
					}
					d.Accept()
				}
			}
		}},
		{Name: "message/application-properties", Ref: "application-properties of every type arrive as they were sent", Run: func(e *Env) {
			s := e.Session()
			m := TextMessage("x").Durable()
			m.Application = everyValue()
			s.Sender(e.Queue("")).Put(m)
			d := s.Receiver(e.Queue("")).Take()
			same(e, "application-properties", d.Application, everyValue())
			d.Accept()
		}},
		{Name: "message/properties", Ref: "every field of the properties arrives as it was sent", RabbitMQ: "overwrites user-id and to", Run: func(e *Env) {
			s := e.Session()
			want := List{"id-7", []byte("somebody"), e.Queue(""), "subject", "queue://reply", "corr-7", Symbol("text/x"), Symbol("gzip"),
				Timestamp(4102444800000), Timestamp(1700000000000), "group", uint32(7), "reply-group"}
			m := TextMessage("x").Durable()
			m.Properties = want
			s.Sender(e.Queue("")).Put(m)
			d := s.Receiver(e.Queue("")).Take()
			same(e, "properties", d.Properties, want)
			d.Accept()
		}},
		{Name: "message/ids", Ref: "ids of all four types arrive as what they are", Run: func(e *Env) {
			s := e.Session()
			snd, rcv := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			for _, id := range []any{"text", "ID:jms", "", uint64(7), uint64(math.MaxUint64), UUID{1, 15: 2}, []byte{0, 1, 2}, []byte{}} {
				snd.Put(TextMessage("x").Durable().With(MessageID, id).With(CorrelationID, id))
				d := rcv.Take()
				same(e, "message-id", d.Properties.At(MessageID), id)
				same(e, "correlation-id", d.Properties.At(CorrelationID), id)
				d.Accept()
			}
		}},
		{Name: "message/annotations", Ref: "message-annotations and the footer arrive, delivery-annotations stay behind", RabbitMQ: "drops the footer", Run: func(e *Env) {
			s := e.Session()
			m := TextMessage("x").Durable()
			m.Delivery = Map{Symbol("x-opt-hop"), "secret"}
			m.Annotations = Map{Symbol("x-opt-a"), "one", Symbol("x-opt-b"), List{int32(1), Map{"k", true}}}
			m.Footer = Map{Symbol("x-sum"), uint32(7)}
			s.Sender(e.Queue("")).Put(m)
			d := s.Receiver(e.Queue("")).Take()
			same(e, "x-opt-a", d.Annotations.Get(Symbol("x-opt-a")), "one")
			same(e, "x-opt-b", d.Annotations.Get(Symbol("x-opt-b")), List{int32(1), Map{"k", true}})
			same(e, "footer", d.Footer, m.Footer)
			if d.Delivery.Get(Symbol("x-opt-hop")) != nil {
				e.t.Errorf("delivery-annotations went through: %s", Text(d.Delivery))
			}
			d.Accept()
		}},
		{Name: "message/header", Ref: "durable and priority arrive", Run: func(e *Env) {
			s := e.Session()
			snd, rcv := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			for _, durable := range []bool{false, true} {
				for _, priority := range []uint8{0, 4, 9} {
					snd.Put(Message{Header: List{durable, priority}, Value: "x"})
					d := rcv.Take()
					if got, _ := d.Header.At(0).(bool); got != durable {
						e.t.Errorf("durable is %v, want %v", got, durable)
					}
					if got := d.Header.At(1); got == nil && priority != 4 || got != nil && got != priority {
						e.t.Errorf("priority is %v, want %d", got, priority)
					}
					d.Accept()
				}
			}
		}},
		{Name: "message/ttl", Ref: "a message is gone when its ttl is over, and before that tells what is left", RabbitMQ: "does not tell", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			snd.Put(Message{Header: List{true, nil, uint32(1)}, Value: "gone"}, Message{Header: List{true, nil, uint32(60000)}, Value: "there"})
			rcv := s.Receiver(e.Queue(""))
			// The first has expired as soon as a whole millisecond has passed, for which a drain may be too quick.
			until := time.Now().Add(5 * time.Millisecond)
			for time.Now().Before(until) {
				s.Sync()
			}
			list := rcv.Drain(5)
			if len(list) != 1 || list[0].Text() != "there" {
				e.t.Fatalf("%d messages", len(list))
			}
			if ttl := Number(list[0].Header.At(2)); ttl == 0 || ttl > 60000 {
				e.t.Errorf("ttl %d", ttl)
			}
			list[0].Accept()
		}},
		{Name: "message/absolute-expiry", Ref: "an absolute-expiry-time that has passed expires a message", RabbitMQ: "ignores it", Run: func(e *Env) {
			s := e.Session()
			snd := s.Sender(e.Queue(""))
			snd.Put(TextMessage("gone").With(ExpiryTime, Timestamp(1000)), TextMessage("there").With(ExpiryTime, Timestamp(4102444800000)))
			list := s.Receiver(e.Queue("")).Drain(5)
			if len(list) != 1 || list[0].Text() != "there" {
				e.t.Fatalf("%d messages", len(list))
			}
			list[0].Accept()
		}},
		{Name: "message/large-ttl", Ref: "a ttl of more than 2^31 milliseconds is no negative one", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).Put(Message{Header: List{true, nil, uint32(4000000000)}, Value: "there"})
			s.Receiver(e.Queue("")).Take().Accept()
		}},
		{Name: "message/big", Ref: "a message of ten megabytes arrives whole", Run: func(e *Env) {
			s := e.Session()
			data := bytes.Repeat([]byte("0123456789abcde\x00"), 10<<16)
			s.Sender(e.Queue("")).Put(Message{Header: List{true}, Data: [][]byte{data}})
			d := s.Receiver(e.Queue("")).Take()
			if len(d.Data) != 1 || !bytes.Equal(d.Data[0], data) {
				e.t.Errorf("got %d sections, %d octets", len(d.Data), len(d.Octets))
			}
			d.Accept()
		}},
		{Name: "message/sizes", Ref: "messages of all sizes around the limits of frames arrive whole", Run: func(e *Env) {
			s := e.ConnectAs("amqptest-"+e.Name(""), e.target.Host(), uint32(1024)).Session()
			snd, rcv := s.Sender(e.Queue("")), s.Receiver(e.Queue(""))
			for n := range 300 {
				text := strings.Repeat("z", 800+n)
				snd.Put(TextMessage(text))
				d := rcv.Take()
				if d.Text() != text {
					e.t.Fatalf("%d octets became %d", len(text), len(d.Text()))
				}
				d.Settle(D(Accepted), true)
			}
		}},
		{Name: "message/group", Ref: "messages of a group go to one consumer", RabbitMQ: "knows no groups", Run: func(e *Env) {
			s := e.Session()
			one, two := s.Receiver(e.Queue("")), s.Receiver(e.Queue(""))
			one.Credit(100)
			two.Credit(100)
			s.Sync()
			snd := s.Sender(e.Queue(""))
			for i := range 20 {
				snd.Put(TextMessage(fmt.Sprint(i)).Durable().With(GroupID, "g"+fmt.Sprint(i%3)))
			}
			s.until("20 messages", func() bool { return len(one.deliveries)+len(two.deliveries) == 20 })
			owner := map[any]*Link{}
			for _, d := range append(one.Arrived(), two.Arrived()...) {
				group := d.Properties.At(GroupID)
				if owner[group] == nil {
					owner[group] = d.Link
				}
				if owner[group] != d.Link {
					e.t.Errorf("group %v went to two consumers", group)
				}
				d.Settle(D(Accepted), true)
			}
		}},
		{Name: "message/no-header", Ref: "a message without a header is not durable and has priority 4", Run: func(e *Env) {
			s := e.Session()
			s.Sender(e.Queue("")).Put(TextMessage("x"))
			d := s.Receiver(e.Queue("")).Take()
			if durable, _ := d.Header.At(0).(bool); durable {
				e.t.Errorf("it is durable")
			}
			if p := d.Header.At(1); p != nil && p != uint8(4) {
				e.t.Errorf("priority %v", p)
			}
			d.Accept()
		}},
		{Name: "message/unusual", Ref: "nested application-properties, and annotations with any keys, go through", Run: func(e *Env) {
			s := e.Session()
			m := TextMessage("a").Durable()
			m.Annotations = Map{Symbol("plain"), "one", uint64(7), "two"}
			m.Application = Map{"list", List{int32(1), Map{"k", true}}, "n", int32(1)}
			s.Sender(e.Queue("")).Put(m)
			d := s.ReceiverWith(Terms{Source: Terminus{Address: e.Queue(""), Filter: Selector("n = 1 AND list IS NULL")}}).Take()
			same(e, "plain", d.Annotations.Get(Symbol("plain")), "one")
			same(e, "7", d.Annotations.Get(uint64(7)), "two")
			same(e, "list", d.Application.Get("list"), List{int32(1), Map{"k", true}})
			d.Accept()
		}},
	}
}
