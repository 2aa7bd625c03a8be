package amqptest_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/amqp/amqptest"
	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// TestBareMessageIdentity sends random messages through the store, with a restart of the broker between, and compares the
// bare message octet by octet. MANIFOLD_AMQP_SEED repeats a run.
func TestBareMessageIdentity(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("MANIFOLD_AMQP_SEED"); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("MANIFOLD_AMQP_SEED=%d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	dir := t.TempDir()
	messages := make([][]byte, 300)
	for i := range messages {
		messages[i] = g.message()
	}
	t.Run("send", func(t *testing.T) {
		target := amqptest.Target{Address: brokertest.Start(t, brokertest.WithStore(dir)).Addr("amqp")}
		s := open(t, target).Session()
		snd := s.Sender("queue://identity")
		for i, octets := range messages {
			s.Write(snd.Transfers(octets, false, nil)...)
			if i%50 == 0 {
				s.Sync()
			}
		}
		// What is alive: half is received by this broker, half by the one after a restart.
		snd.PutTexts("end")
		check(t, s.Receiver("queue://identity"), messages[:150])
	})
	t.Run("receive", func(t *testing.T) {
		target := amqptest.Target{Address: brokertest.Start(t, brokertest.WithStore(dir)).Addr("amqp")}
		check(t, open(t, target).Session().Receiver("queue://identity"), messages[150:])
	})
}

func check(t *testing.T, rcv interface {
	Credit(uint32)
	Receive() *amqptest.Delivery
}, messages [][]byte) {
	t.Helper()
	rcv.Credit(uint32(len(messages)))
	for i, octets := range messages {
		d := rcv.Receive()
		sent, err := amqptest.DecodeMessage(octets)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(d.Bare, sent.Bare) {
			t.Fatalf("message %d: %x\nbecame %x", i, sent.Bare, d.Bare)
		}
		d.Accept()
	}
}

// generator makes random messages, with encodings that are legal and not the shortest.
type generator struct{ *rand.Rand }

func (g generator) message() []byte {
	b := amqptest.Append(nil, amqptest.D(amqptest.HeaderSection, true))
	section := func(code uint64, value amqptest.Raw) {
		descriptor := amqptest.Append(nil, code)
		if g.IntN(4) == 0 {
			descriptor = []byte{0x80, 0, 0, 0, 0, 0, 0, 0, byte(code)}
		}
		b = append(append(append(b, 0), descriptor...), value...)
	}
	if g.IntN(2) == 0 {
		section(amqptest.AnnotationSection, g.maps(func() []byte { return amqptest.Append(nil, amqptest.Symbol("x-opt-"+g.word())) }, 3))
	}
	if g.IntN(3) > 0 {
		section(amqptest.PropertiesSection, g.properties())
	}
	if g.IntN(3) > 0 {
		section(amqptest.ApplicationSection, g.maps(g.text, 0))
	}
	switch g.IntN(6) {
	case 0:
		for range 1 + g.IntN(3) {
			section(amqptest.DataSection, g.binary())
		}
	case 1:
		for range 1 + g.IntN(3) {
			section(amqptest.SequenceSection, g.list(3))
		}
	default:
		section(amqptest.ValueSection, g.value(4))
	}
	if g.IntN(4) == 0 {
		section(amqptest.Footer, g.maps(func() []byte { return amqptest.Append(nil, amqptest.Symbol("x-"+g.word())) }, 2))
	}
	return b
}

func (g generator) word() string { return fmt.Sprintf("%x", g.Uint64()) }

// text returns a string in either form.
func (g generator) text() []byte {
	s := g.word() + []string{"", "ü", "😀", "\x00"}[g.IntN(4)]
	if g.IntN(3) == 0 {
		return append([]byte{0xb1, 0, 0, 0, byte(len(s))}, s...)
	}
	return append([]byte{0xa1, byte(len(s))}, s...)
}

func (g generator) binary() []byte {
	n := []int{0, 1, 10, 255, 256, 5000, 200000}[g.IntN(7)]
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(g.Uint32())
	}
	return amqptest.Append(nil, b)
}

// properties returns the section's list with random fields, in one of the forms of lists.
func (g generator) properties() []byte {
	id := func() any {
		return []any{nil, "id-" + g.word(), "ID:" + g.word(), g.Uint64(), amqptest.UUID{1, byte(g.Uint32())}, []byte(g.word())}[g.IntN(6)]
	}
	text := func() any { return []any{nil, g.word()}[g.IntN(2)] }
	list := amqptest.List{id(), []byte(g.word()), text(), text(), []any{nil, "queue://r"}[g.IntN(2)], id(), []any{nil, amqptest.Symbol("text/plain")}[g.IntN(2)], nil,
		[]any{nil, amqptest.Timestamp(4102444800000)}[g.IntN(2)], amqptest.Timestamp(g.Int64N(1 << 40)), nil, []any{nil, g.Uint32() >> 1}[g.IntN(2)], text()}
	return g.compound(0xc0, list[:g.IntN(len(list)+1)])
}

// compound encodes items, in the long form sometimes where the short one would do.
func (g generator) compound(code byte, items []any) []byte {
	var body []byte
	for _, item := range items {
		body = amqptest.Append(body, item)
	}
	if len(items) > 255 || len(body) > 254 || g.IntN(3) == 0 {
		n := len(body) + 4
		b := []byte{code + 0x10, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 0, byte(len(items) >> 8), byte(len(items))}
		return append(b, body...)
	}
	return append([]byte{code, byte(len(body) + 1), byte(len(items))}, body...)
}

func (g generator) maps(key func() []byte, depth int) []byte {
	var items []any
	for range g.IntN(6) {
		items = append(items, amqptest.Raw(key()), amqptest.Raw(g.value(depth)))
	}
	return g.compound(0xc1, items)
}

func (g generator) list(depth int) []byte {
	var items []any
	for range g.IntN(6) {
		items = append(items, amqptest.Raw(g.value(depth)))
	}
	return g.compound(0xc0, items)
}

// value returns an encoded value; only simple ones at depth 0.
func (g generator) value(depth int) []byte {
	if depth > 0 {
		switch g.IntN(8) {
		case 0:
			return g.list(depth - 1)
		case 1:
			return g.maps(g.text, depth-1)
		case 2:
			return append([]byte{0, 0x53, byte(g.IntN(100))}, g.value(depth-1)...)
		case 3:
			return amqptest.Append(nil, amqptest.Array{int32(1), int32(2)})
		}
	}
	wide := [][]byte{
		{0x56, 1}, {0x56, 0}, {0x70, 0, 0, 0, 1}, {0x80, 0, 0, 0, 0, 0, 0, 0, 0}, {0x71, 0, 0, 0, 5}, {0x81, 0, 0, 0, 0, 0, 0, 0, 7}, {0x43}, {0x44}, {0x45}, {0x40},
	}
	simple := []any{
		nil, true, uint8(3), uint16(4), g.Uint32(), g.Uint64(), int8(-1), int16(-2), int32(g.Uint32()), int64(g.Uint64()), float32(g.Float64()), g.Float64(),
		amqptest.Char('ß'), amqptest.Timestamp(g.Int64()), amqptest.UUID{7}, amqptest.Decimal("abcd"), amqptest.Decimal("abcdefgh"), amqptest.Decimal("abcdefghabcdefgh"),
		[]byte(g.word()), g.word(), amqptest.Symbol(g.word()),
	}
	if n := g.IntN(len(wide) + len(simple)); n < len(wide) {
		if depth == 0 && wide[n][0] == 0x45 {
			return []byte{0x40}
		}
		return wide[n]
	} else {
		return amqptest.Append(nil, simple[n-len(wide)])
	}
}
