package amqptest_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp"
	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// hostileTarget starts a broker of the test's own, on which clients that say nothing for long stay.
func hostileTarget(t *testing.T, options ...brokertest.Option) amqptest.Target {
	t.Helper()
	options = append(options, brokertest.WithAMQP(amqp.Options{IdleTimeout: time.Hour}))
	return amqptest.Target{Address: brokertest.Start(t, options...).Addr("amqp")}
}

// open returns a client with an open connection.
func open(t testing.TB, target amqptest.Target) *amqptest.Client {
	t.Helper()
	c := amqptest.Dial(t, target)
	c.Login()
	c.Open("hostile-" + rand.Text())
	return c
}

// canary is a client that others must not hurt. The function that it returns shows that it still works.
func canary(t testing.TB, target amqptest.Target) (sings func()) {
	t.Helper()
	s := open(t, target).Session()
	snd, rcv := s.Sender("queue://canary"), s.Receiver("queue://canary")
	return func() {
		t.Helper()
		snd.PutTexts("tweet")
		rcv.Credit(1)
		rcv.WantTexts("tweet")[0].Accept()
	}
}

// header returns the eight octets of a frame's header.
func header(size uint32, doff, kind byte, channel uint16) []byte {
	b := binary.BigEndian.AppendUint32(nil, size)
	return binary.BigEndian.AppendUint16(append(b, doff, kind), channel)
}

// framed returns a frame with a body as it is.
func framed(body []byte) []byte { return append(header(uint32(len(body)+8), 2, 0, 0), body...) }

// performative returns a frame of a code, with encoded fields as they are.
func performative(code byte, list ...byte) []byte {
	return framed(append([]byte{0, 0x53, code}, list...))
}

// nested returns a value in a value, and so on: lists, maps, arrays or described values.
func nested(kind string, depth int) []byte {
	value := []byte{0x40}
	for range depth {
		switch kind {
		case "list":
			value = append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{0xd0}, uint32(len(value)+4)), 1), value...)
		case "map":
			body := append([]byte{0x40}, value...)
			value = append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32([]byte{0xd1}, uint32(len(body)+4)), 2), body...)
		case "described":
			value = append([]byte{0, 0x53, 0x70}, value...)
		case "descriptor":
			value = append(append([]byte{0}, value...), 0x40)
		}
	}
	return value
}

// malformed are octets after which an open connection is closed with an error.
func malformed() map[string][]byte {
	list := map[string][]byte{
		"size 0":                    header(0, 2, 0, 0),
		"size 1":                    header(1, 2, 0, 0),
		"size 7":                    header(7, 2, 0, 0),
		"size of the limit and one": header(128<<10+1, 2, 0, 0),
		"size 2^31-1":               header(1<<31-1, 2, 0, 0),
		"size -1":                   header(1<<32-1, 2, 0, 0),
		"size -8":                   header(1<<32-8, 2, 0, 0),
		"text of another protocol":  []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
		"doff 0":                    header(8, 0, 0, 0),
		"doff 1":                    header(8, 1, 0, 0),
		"doff outside":              header(8, 3, 0, 0),
		"doff far outside":          append(header(16, 255, 0, 0), make([]byte, 8)...),
		"frame of SASL":             append(header(11, 2, 1, 0), 0, 0x53, 0x41),
		"unknown type":              header(8, 2, 7, 0),
		"unknown performative":      performative(0x99, 0x45),
		"unknown symbol":            framed([]byte("\x00\xa3\x06x:what\x45")),
		"no performative":           framed([]byte{0x40}),
		"a string":                  framed([]byte("\xa1\x05hello")),
		"performative of a map":     performative(0x11, 0xc1, 1, 0),
		"performative cut off":      framed([]byte{0, 0x53}),
		"list longer than frame":    performative(0x11, 0xc0, 200, 4, 0x40),
		"list32 longer than frame":  performative(0x11, 0xd0, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 4),
		"list32 of 2^32-1":          performative(0x11, 0xd0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		"more items than octets":    performative(0x11, 0xd0, 0, 0, 0, 8, 0x7f, 0xff, 0xff, 0xff, 0x40, 0x40, 0x40, 0x40),
		"size below its count":      performative(0x11, 0xd0, 0, 0, 0, 2, 0, 0, 0, 4),
		"fields of wrong types":     performative(0x11, 0xc0, 13, 4, 0xa1, 1, 'x', 0xa1, 1, 'x', 0xa1, 1, 'x', 0xa1, 1, 'x'),
		"zero-width array":          performative(0x10, 0xc0, 24, 8, 0xa1, 1, 'x', 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0xf0, 0, 0, 0, 5, 0x7f, 0xff, 0xff, 0xff, 0x41, 0x40),
		"unknown channel":           append(header(11, 2, 0, 77), 0, 0x53, 0x13),
		"begin without fields":      performative(0x11, 0x45),
		"odd map":                   performative(0x11, 0xc0, 14, 8, 0x40, 0x43, 0x43, 0x43, 0x43, 0x40, 0x40, 0xc1, 3, 1, 0xa3, 0),
		"a header":                  []byte(amqptest.ProtocolHeader),
		"a header of SASL":          []byte(amqptest.SASLHeader),
	}
	for _, kind := range []string{"list", "map", "described", "descriptor"} {
		list["deep "+kind] = framed(nested(kind, 5000))
		list["deep "+kind+" in a begin"] = performative(0x11, amqptest.Append(nil, amqptest.List{nil, uint32(0), uint32(1), uint32(1), nil, nil, nil, amqptest.Raw(nested(kind, 5000))})...)
	}
	return list
}

// TestMalformedInput sends what can't be a frame, or a performative, in a connection and before it is open: the connection
// is closed, with a reason once it is open, and others don't notice.
func TestMalformedInput(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	t.Run("all", func(t *testing.T) {
		for name, octets := range malformed() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := open(t, target)
				_ = c.TryWrite(octets)
				for {
					f, err := c.Read()
					if err != nil {
						t.Fatalf("no close: %v", err)
					}
					if f.Code == amqptest.Close {
						if amqptest.Condition(f) == "" || len(amqptest.Text(f.Fields)) > 600 {
							t.Errorf("got %v", f)
						}
						break
					}
				}
				_ = c.TryWrite(amqptest.P(0, amqptest.Close).Encode())
				c.Ends()

				before := amqptest.Dial(t, target)
				before.Login()
				_ = before.TryWrite(octets)
				before.EndsWrites()
				before.Ends()

				early := amqptest.Dial(t, target)
				early.WriteRaw([]byte(amqptest.SASLHeader))
				_ = early.TryWrite(octets)
				early.EndsWrites()
				early.Ends()
			})
		}
	})
	sings()
}

// TestBeforeLogin shows that before the login nothing works, and little is taken.
func TestBeforeLogin(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	frame := func(kind byte, code uint64, fields ...any) string {
		f := amqptest.P(0, code, fields...)
		f.Type = kind
		return string(f.Encode())
	}
	for name, octets := range map[string]string{
		"open inside of SASL":         amqptest.SASLHeader + frame(0, amqptest.Open, "x"),
		"server's frames":             amqptest.SASLHeader + frame(1, amqptest.Mechanisms, amqptest.Symbol("PLAIN")),
		"an outcome":                  amqptest.SASLHeader + frame(1, amqptest.Outcome, uint8(0)),
		"a response":                  amqptest.SASLHeader + frame(1, amqptest.Response, []byte("x")),
		"an empty frame":              amqptest.SASLHeader + frame(1, 0),
		"an init without a mechanism": amqptest.SASLHeader + frame(1, amqptest.Init),
		"a long response":             amqptest.SASLHeader + frame(1, amqptest.Init, amqptest.Symbol("PLAIN"), bytes.Repeat([]byte{1}, 100<<10)),
		"a long mechanism":            amqptest.SASLHeader + frame(1, amqptest.Init, amqptest.Symbol(strings.Repeat("X", 60<<10))),
		"two headers":                 amqptest.SASLHeader + amqptest.SASLHeader,
		"a flood":                     amqptest.SASLHeader + strings.Repeat(frame(1, amqptest.Response, []byte("x")), 20000),
		"a flood of empty frames":     amqptest.ProtocolHeader + strings.Repeat(frame(0, 0), 200000),
		"a flood of begins":           amqptest.ProtocolHeader + strings.Repeat(frame(0, amqptest.Begin, nil, uint32(0), uint32(1), uint32(1)), 5000),
	} {
		t.Run(name, func(t *testing.T) {
			c := amqptest.Dial(t, target)
			_ = c.TryWrite([]byte(octets))
			c.Ends()
		})
	}
	sings()
}

// TestRepetition sends what changes nothing thousands of times: the broker keeps nothing of it, and goes on.
func TestRepetition(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	s := open(t, target).Session()
	snd, rcv := s.Sender("queue://again"), s.Receiver("queue://again")
	disposition := func(first, last uint32, state any) amqptest.Frame {
		return amqptest.P(0, amqptest.Disposition, true, first, last, true, state)
	}
	frames := []amqptest.Frame{
		{}, disposition(0, 0, amqptest.D(amqptest.Accepted)), disposition(5, 1<<31, amqptest.D(amqptest.Released)),
		disposition(1, 1<<30, amqptest.D(amqptest.Modified, true, true)), amqptest.P(0, amqptest.Disposition, false, uint32(0), uint32(1<<30), true),
		amqptest.P(0, amqptest.Flow, uint32(0), uint32(1000), uint32(0), uint32(1000)),
	}
	for _, f := range frames {
		s.WriteRaw(bytes.Repeat(f.Encode(), 3000))
		s.Sync()
	}
	snd.PutTexts("after all")
	rcv.Credit(1)
	rcv.WantTexts("after all")[0].Accept()
	sings()
}

// TestDispositionsOfNobody shows that outcomes for deliveries of others, or of none, are of no matter.
func TestDispositionsOfNobody(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	one, two := open(t, target).Session(), open(t, target).Session()
	one.Sender("queue://nobody").PutTexts("a")
	rcv := one.Receiver("queue://nobody")
	rcv.Credit(1)
	d := rcv.Receive()
	two.Write(amqptest.P(0, amqptest.Disposition, true, d.ID, uint32(1000), true, amqptest.D(amqptest.Accepted)))
	two.Sync()
	rcv.Detach(true)
	again := two.Receiver("queue://nobody")
	again.Credit(1)
	again.WantTexts("a")[0].Accept()
}

// TestLengthsThatLie shows that what a length claims is not allocated before it comes. It runs alone, since it measures the
// process's memory.
func TestLengthsThatLie(t *testing.T) {
	target := hostileTarget(t)
	sings := canary(t, target)
	const count = 64
	var clients []*amqptest.Client
	for range count {
		clients = append(clients, open(t, target))
	}
	before := heap()
	for i, c := range clients {
		s := c.Session()
		l := s.Sender(fmt.Sprint("queue://lies.", i))
		// A message that claims 100 MiB, in a first frame of few octets; and the begin of a frame of the largest size.
		f := l.Transfers([]byte{0, 0x53, 0x75, 0xb0, 0x06, 0x40, 0, 0, 1, 2, 3}, false, nil)[0]
		f.Fields[5] = true
		s.Write(f)
		s.Sync()
		c.WriteRaw(header(128<<10, 2, 0, 0))
	}
	sings()
	if grown := heap() - before; grown > count<<20 {
		t.Errorf("%d claims took %d KiB", count, grown>>10)
	}
	for _, c := range clients {
		c.Cut()
	}
	sings()
}

// heap returns the bytes in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestHostileMessages shows that sections which lie are rejected, or stored and delivered as they are, and harm nobody.
func TestHostileMessages(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	s := open(t, target).Session()
	selecting := s.ReceiverWith(amqptest.Terms{Source: amqptest.Terminus{Address: "queue://messages", Filter: amqptest.Selector("nothing = 'x' OR JMSType = 'y'")}})
	selecting.Credit(1000)
	text := amqptest.TextMessage("x").Encode()
	section := func(code byte, value ...byte) []byte { return append(append([]byte{0, 0x53, code}, value...), text...) }
	var bodies [][]byte
	for _, kind := range []string{"list", "map", "described", "descriptor"} {
		for _, code := range []byte{0x70, 0x71, 0x72, 0x73, 0x74, 0x76, 0x77} {
			bodies = append(bodies, append([]byte{0, 0x53, code}, nested(kind, 3000)...))
		}
	}
	for _, code := range []byte{0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78} {
		bodies = append(bodies, section(code, 0xd1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2), section(code, 0xd1, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff),
			section(code, 0xf0, 0, 0, 0, 5, 0x7f, 0xff, 0xff, 0xff, 0x40), section(code, 0xe0, 2, 255, 0x41), section(code, 0xc0, 1, 255),
			section(code, 0xa1, 255, 'x'), section(code, 0x40), section(code, 0xc1, 4, 3, 0x40, 0x40, 0x40), section(code))
	}
	bodies = append(bodies, append(append([]byte{}, text...), text...), append(append([]byte{}, text...), 0), bytes.Repeat([]byte{0}, 5000))
	for i, octets := range bodies {
		l := s.Sender("queue://messages")
		id := l.Post(amqptest.Message{}, false, nil) // rejected: it has no sections
		_ = id
		s.Write(l.Transfers(octets, false, nil)...)
		s.Sync()
		l.Detach(true)
		if i%20 == 0 {
			sings()
		}
	}
	all := s.Receiver("queue://messages")
	n := 0
	for more := all.Drain(500); len(more) > 0; more = all.Drain(500) {
		for _, d := range more {
			d.Settle(amqptest.D(amqptest.Accepted), true)
			n++
		}
	}
	t.Logf("%d of %d were taken", n, len(bodies))
	sings()
}

// TestCaps shows that what a connection may hold is bounded, and that it stays usable at the bound.
func TestCaps(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t, brokertest.WithLimits(brokertest.Limits{Subscriptions: 20, Transactions: 10, TempQueues: 5, Memory: 64 << 20}))
	sings := canary(t, target)
	t.Run("subscriptions", func(t *testing.T) {
		s := open(t, target).Session()
		for range 20 {
			s.Receiver("queue://cap")
		}
		s.Refused(true, amqptest.Terms{Source: amqptest.Terminus{Address: "queue://cap"}}, "amqp:resource-limit-exceeded")
		s.Refused(true, amqptest.Terms{Source: amqptest.Terminus{Address: "topic://cap"}}, "amqp:resource-limit-exceeded")
		s.Sync()
	})
	t.Run("temporary queues", func(t *testing.T) {
		s := open(t, target).Session()
		for range 5 {
			s.SenderWith(amqptest.Terms{Target: amqptest.Terminus{Dynamic: true}})
		}
		s.Refused(false, amqptest.Terms{Target: amqptest.Terminus{Dynamic: true}}, "amqp:resource-limit-exceeded")
		s.Sync()
	})
	t.Run("transactions", func(t *testing.T) {
		s := open(t, target).Session()
		tx := s.SenderWith(amqptest.Terms{Target: amqptest.D(amqptest.CoordinatorCode)})
		declare := func() any { return tx.Send(amqptest.Message{Value: amqptest.D(amqptest.Declare)}) }
		var first []byte
		for i := range 10 {
			state := declare()
			if amqptest.Code(state) != amqptest.Declared {
				t.Fatalf("transaction %d: %s", i, amqptest.Text(state))
			}
			if i == 0 {
				first, _ = amqptest.Fields(state).At(0).([]byte)
			}
		}
		if state := declare(); amqptest.Condition(state) != "amqp:resource-limit-exceeded" {
			t.Errorf("one more: %s", amqptest.Text(state))
		}
		tx.Put(amqptest.Message{Value: amqptest.D(amqptest.Discharge, first, true)})
		if state := declare(); amqptest.Code(state) != amqptest.Declared {
			t.Errorf("in place of one that is over: %s", amqptest.Text(state))
		}
	})
	t.Run("sessions", func(t *testing.T) {
		c := open(t, target)
		for range 200 {
			c.Session()
		}
		c.Closes()
	})
	sings()
}

// TestHostileAddresses shows that names which mean nothing, or too much, are refused or harmless.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	c := open(t, target)
	for _, address := range []string{
		"", "queue://", "topic://", "queue://a\x00b", "queue://" + strings.Repeat("a", 100000), "queue://" + strings.Repeat("a.", 40000), strings.Repeat("queue://a,", 5000),
		"temp-queue://a,b,c", "temp-queue://", "temp-topic://x", "topic://>.>.>", "queue://\xff\xfe", "unknown://a", "queue://a?consumer.nothing=1", "?", ",", "queue://a,topic://",
	} {
		s := c.Session()
		for _, f := range []amqptest.Frame{
			amqptest.P(0, amqptest.Attach, "r", uint32(0), true, nil, nil, amqptest.Terminus{Address: address}.Source(), amqptest.D(amqptest.TargetCode)),
			amqptest.P(0, amqptest.Attach, "s", uint32(1), false, nil, nil, amqptest.D(amqptest.SourceCode), amqptest.Terminus{Address: address}.Target(), nil, nil, uint32(0)),
		} {
			s.WriteOn(f)
		}
		s.Ends()
	}
	c.Session().Sync()
	sings()
}
