package mapping

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

const now = 1795000000000

// build returns a message of sections that functions append.
func build(sections ...func([]byte) []byte) []byte {
	var b []byte
	for _, f := range sections {
		b = f(b)
	}
	return b
}

func properties(p section.Properties) func([]byte) []byte {
	return func(b []byte) []byte { return p.Append(b) }
}

func header(h section.Header) func([]byte) []byte {
	return func(b []byte) []byte { return h.Append(b) }
}

// mapOf returns a section that is a map of names and encoded values.
func mapOf(code uint8, symbol bool, pairs ...any) func([]byte) []byte {
	return func(b []byte) []byte {
		m := section.OpenMap(b, code)
		for i := 0; i < len(pairs); i += 2 {
			if symbol {
				m.B = wire.AppendSymbol(m.B, pairs[i].(string))
			} else {
				m.B = wire.AppendString(m.B, pairs[i].(string))
			}
			m.B = append(m.B, pairs[i+1].([]byte)...)
			m.Count += 2
		}
		return m.Close()
	}
}

func value(v []byte) func([]byte) []byte {
	return func(b []byte) []byte { return append(append(b, 0, 0x53, section.ValueCode), v...) }
}

func data(s string) func([]byte) []byte {
	return func(b []byte) []byte { return wire.AppendBinary(append(b, 0, 0x53, section.DataCode), s) }
}

func receive(t testing.TB, b []byte, how Transformer) *message.Message {
	t.Helper()
	r, err := Receive(b, 0, how, now)
	if err != nil {
		t.Fatalf("%x: %v", b, err)
	}
	return r.Message
}

// stored returns the message as it is after a restart.
func stored(t testing.TB, m *message.Message) *message.Message {
	t.Helper()
	out, err := message.Decode(message.AppendHead(nil, m), m.Content.Body(), message.NewFormats(Formats()...))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func encode(m *message.Message) []byte {
	p := Encode(nil, &Delivery{Msg: m, Now: now})
	return p.Take(nil, p.Size())
}

func TestHeaderFields(t *testing.T) {
	t.Parallel()
	b := build(header(section.Header{Durable: true, Priority: 200, TTL: 5000, HasTTL: true}), properties(section.Properties{
		MessageID: wire.AppendString(nil, "ID:host-1:1"), UserID: []byte("user"), To: []byte("queue://a"), Subject: []byte("kind"), ReplyTo: []byte("temp-queue://r"),
		CorrelationID: wire.AppendString(nil, "corr"), Creation: 7, HasCreation: true, GroupID: []byte("g"), GroupSequence: 3, HasSequence: true,
	}), value(wire.AppendString(nil, "x")))
	r, err := Receive(b, 0, JMS, now)
	if err != nil {
		t.Fatal(err)
	}
	want := message.Header{
		ID: message.ID{Origin: "ID:host-1:1"}, ReplyTo: address.Address{Kind: address.TempQueue, Name: "r"}, Durable: true, Priority: 9,
		Timestamp: 7, Expiry: now + 5000, CorrelationID: "corr", Type: "kind", GroupID: "g", GroupSeq: 3, UserID: "user",
	}
	if !reflect.DeepEqual(r.Header, want) {
		t.Errorf("%+v", r.Header)
	}
	if want := (address.Address{Kind: address.Queue, Name: "a"}); r.To != want {
		t.Errorf("to %v", r.To)
	}
	bare := receive(t, build(value([]byte{0x40})), JMS)
	if bare.Durable || bare.Priority != 4 || bare.Expiry != 0 || bare.ID.Origin != "" || bare.Timestamp != now {
		t.Errorf("%+v", bare.Header)
	}
	for _, c := range []struct {
		p    section.Properties
		want int64
	}{{section.Properties{Expiry: 99, HasExpiry: true}, 99}, {section.Properties{HasExpiry: true}, now + math.MaxUint32}} {
		m := receive(t, build(header(section.Header{Priority: 4, TTL: math.MaxUint32, HasTTL: true}), properties(c.p), value([]byte{0x40})), JMS)
		if m.Expiry != c.want {
			t.Errorf("expiry %d, want %d", m.Expiry, c.want)
		}
	}
}

func TestKindsOfReplies(t *testing.T) {
	t.Parallel()
	for i, want := range []address.Kind{address.Queue, address.Topic, address.TempQueue, address.TempTopic} {
		m := receive(t, build(mapOf(section.AnnotationsCode, true, ReplyToAnnotation, wire.AppendByte(nil, int8(i))),
			properties(section.Properties{ReplyTo: []byte("name")}), value([]byte{0x40})), JMS)
		if m.ReplyTo.Kind != want || m.ReplyTo.Name != "name" {
			t.Errorf("%d: %v", i, m.ReplyTo)
		}
	}
	m := receive(t, build(mapOf(section.AnnotationsCode, true, "x-opt-reply-type", wire.AppendString(nil, "topic,temporary")),
		properties(section.Properties{ReplyTo: []byte("name")}), value([]byte{0x40})), JMS)
	if m.ReplyTo.Kind != address.TempTopic {
		t.Errorf("%v", m.ReplyTo)
	}
}

func TestIdentifiersKeepTheirTypes(t *testing.T) {
	t.Parallel()
	uuid := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}
	for _, c := range []struct {
		raw      []byte
		id, corr string
	}{
		{wire.AppendString(nil, "ID:a"), "ID:a", "ID:a"},
		{wire.AppendString(nil, "mid"), "ID:mid", "mid"},
		{wire.AppendString(nil, strings.Repeat("x", 300)), "ID:" + strings.Repeat("x", 300), strings.Repeat("x", 300)},
		{wire.AppendUUID(nil, uuid), "ID:AMQP_UUID:00010203-0405-0607-0809-0a0b0c0d0eff", ""},
		{wire.AppendUlong(nil, math.MaxUint64), "ID:AMQP_ULONG:18446744073709551615", ""},
		{wire.AppendUlong(nil, 0), "ID:AMQP_ULONG:0", ""},
		{wire.AppendBinary(nil, []byte{0xab, 1}), "ID:AMQP_BINARY:AB01", ""},
	} {
		if c.corr == "" {
			c.corr = c.id
		}
		m := receive(t, build(properties(section.Properties{MessageID: c.raw, CorrelationID: c.raw}), value([]byte{0x40})), JMS)
		for _, m := range []*message.Message{m, stored(t, m)} {
			if m.ID.String() != c.id || m.CorrelationID != c.corr {
				t.Errorf("%x: id %q, correlation-id %q", c.raw, m.ID, m.CorrelationID)
			}
		}
		if strings.HasPrefix(c.corr, "ID:AMQP_") {
			if got := appendID(nil, c.corr); !bytes.Equal(got, c.raw) {
				t.Errorf("%s became %x, want %x", c.corr, got, c.raw)
			}
		}
	}
	for _, text := range []string{"ID:AMQP_UUID:nonsense", "ID:AMQP_ULONG:-1", "ID:AMQP_BINARY:xyz", "plain"} {
		if v, _, err := wire.Parse(appendID(nil, text)); err != nil || !v.IsString() || string(v.Data) != text {
			t.Errorf("%s is not kept as a text", text)
		}
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	list := wire.Open(nil, wire.List8)
	list.Bool(true)
	list.String("x")
	items := list.Close()
	m := wire.Open(nil, wire.Map8)
	m.B = wire.AppendInt(wire.AppendString(m.B, "k"), 5)
	m.Count = 2
	entries := m.Close()
	typed := func(n int8) func([]byte) []byte {
		return mapOf(section.AnnotationsCode, true, TypeAnnotation, wire.AppendByte(nil, n))
	}
	content := func(s string) func([]byte) []byte { return properties(section.Properties{ContentType: []byte(s)}) }
	sequence := func(b []byte) []byte { return append(append(b, 0, 0x53, section.SequenceCode), items...) }
	for name, c := range map[string]struct {
		b    []byte
		kind message.PayloadKind
		text string
	}{
		"string":                   {build(value(wire.AppendString(nil, "hällo"))), message.TextPayload, "hällo"},
		"null":                     {build(value([]byte{0x40})), message.TextPayload, ""},
		"null of a plain message":  {build(typed(0), value([]byte{0x40})), message.NoPayload, ""},
		"binary":                   {build(value(wire.AppendBinary(nil, "b"))), message.BytesPayload, "b"},
		"list":                     {build(value(items)), message.StreamPayload, "2"},
		"map":                      {build(value(entries)), message.MapPayload, "1"},
		"sequences":                {build(sequence, sequence), message.StreamPayload, "4"},
		"data":                     {build(data("d")), message.BytesPayload, "d"},
		"data in parts":            {build(data("d"), data("e")), message.BytesPayload, "de"},
		"data that is text":        {build(content("text/plain; charset=utf-8"), data("ü")), message.TextPayload, "ü"},
		"data of another charset":  {build(content("text/plain; charset=latin1"), data("x")), message.BytesPayload, "x"},
		"data that is no text":     {build(content("text/plain"), data("\xff")), message.BytesPayload, "\xff"},
		"JSON":                     {build(content("application/vnd.x+json"), data("{}")), message.TextPayload, "{}"},
		"an object":                {build(content(ObjectType), data("o")), message.ObjectPayload, "o"},
		"data of a text message":   {build(typed(5), data("t")), message.TextPayload, "t"},
		"no body":                  {build(content("application/octet-stream")), message.BytesPayload, ""},
		"no body of a text":        {build(content("text/plain")), message.TextPayload, ""},
		"a number":                 {build(value(wire.AppendInt(nil, 5))), message.BytesPayload, string(build(value(wire.AppendInt(nil, 5))))},
		"something that is named":  {build(value([]byte{0, 0x53, 9, 0x40})), message.BytesPayload, string(build(value([]byte{0, 0x53, 9, 0x40})))},
		"data with a footer":       {build(data("d"), mapOf(section.FooterCode, true, "x", []byte{0x41})), message.BytesPayload, "d"},
		"no body of another thing": {build(content("application/x-other"), mapOf(section.FooterCode, true)), message.BytesPayload, ""},
	} {
		m := receive(t, c.b, JMS)
		for _, m := range []*message.Message{m, stored(t, m)} {
			p, err := m.Payload()
			got := p.Value.Str()
			switch p.Kind {
			case message.StreamPayload:
				got = fmt.Sprint(len(p.Value.List()))
			case message.MapPayload:
				got = fmt.Sprint(len(p.Value.Fields()))
			}
			if err != nil || p.Kind != c.kind || got != c.text {
				t.Errorf("%s: kind %d, %q, %v", name, p.Kind, got, err)
			}
			_, native := m.Property(nativeProperty)
			if native != strings.HasPrefix(c.text, "\x00S") {
				t.Errorf("%s: native is %v", name, native)
			}
		}
	}
}

func TestPropertiesOfEveryType(t *testing.T) {
	t.Parallel()
	types := []struct {
		raw  []byte
		want message.Value
	}{
		{[]byte{0x41}, message.OfBool(true)}, {wire.AppendUbyte(nil, 127), message.OfByte(127)}, {wire.AppendUbyte(nil, 200), message.OfShort(200)},
		{wire.AppendUshort(nil, 100), message.OfShort(100)}, {wire.AppendUshort(nil, 60000), message.OfInt(60000)}, {wire.AppendUint(nil, 5), message.OfInt(5)},
		{wire.AppendUint(nil, math.MaxUint32), message.OfLong(math.MaxUint32)}, {wire.AppendUlong(nil, 5), message.OfLong(5)},
		{wire.AppendUlong(nil, math.MaxUint64), message.OfDouble(math.MaxUint64)}, {wire.AppendByte(nil, -5), message.OfByte(-5)},
		{wire.AppendShort(nil, -5), message.OfShort(-5)}, {wire.AppendInt(nil, -5), message.OfInt(-5)}, {wire.AppendLong(nil, math.MinInt64), message.OfLong(math.MinInt64)},
		{wire.AppendFloat(nil, 1.5), message.OfFloat(1.5)}, {wire.AppendDouble(nil, 2.5), message.OfDouble(2.5)}, {wire.AppendChar(nil, 'ß'), message.OfChar('ß')},
		{wire.AppendTime(nil, 9), message.OfTime(9)}, {wire.AppendString(nil, "s"), message.OfString("s")}, {wire.AppendSymbol(nil, "y"), message.OfString("y")},
		{wire.AppendBinary(nil, "b"), message.OfBytes("b")}, {wire.AppendUUID(nil, "0123456789abcdef"), message.OfUUID([16]byte([]byte("0123456789abcdef")))},
	}
	var pairs []any
	for i, c := range types {
		pairs = append(pairs, fmt.Sprint("p", i), c.raw)
	}
	pairs = append(pairs, "nested", []byte{0x45})
	m := receive(t, build(header(section.Header{Durable: true, Priority: 4, FirstAcquirer: true}),
		mapOf(section.DeliveryAnnotationsCode, true, "d", []byte{0x41}), mapOf(section.AnnotationsCode, true, "x-a", wire.AppendInt(nil, 3)),
		properties(section.Properties{ContentType: []byte("t"), ContentEncoding: []byte("e"), ReplyToGroup: []byte("r")}),
		mapOf(section.ApplicationCode, false, pairs...), data(""), mapOf(section.FooterCode, true, "f", []byte{0x42})), JMS)
	for _, m := range []*message.Message{m, stored(t, m)} {
		for i, c := range types {
			if got, ok := m.Property(fmt.Sprint("p", i)); !ok || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%x is %v, want %v", c.raw, got, c.want)
			}
		}
		seen := make(map[string]string)
		m.Properties(func(f message.Field) bool { seen[f.Name] = f.Value.Text(); return true })
		for name, want := range map[string]string{
			"JMS_AMQP_HEADER": "true", "JMS_AMQP_PROPERTIES": "true", "JMS_AMQP_FirstAcquirer": "true", "JMS_AMQP_ContentType": "t",
			"JMS_AMQP_ContentEncoding": "e", "JMS_AMQP_ReplyToGroupID": "r", "JMS_AMQP_ORIGINAL_ENCODING": "2", "JMS_AMQP_MA_x-a": "3",
			"JMS_AMQP_DA_d": "true", "JMS_AMQP_FT_f": "false", "p0": "true",
		} {
			if seen[name] != want {
				t.Errorf("%s is %q, want %q", name, seen[name], want)
			}
			if v, ok := m.Property(name); !ok || v.Text() != want {
				t.Errorf("%s asked for is %q", name, v.Text())
			}
		}
		if _, ok := seen["nested"]; ok || len(seen) != len(types)+10 {
			t.Errorf("%d properties: %v", len(seen), seen)
		}
	}
}

func TestTransformers(t *testing.T) {
	t.Parallel()
	b := build(header(section.Header{Priority: 7}), mapOf(section.ApplicationCode, false, "k", wire.AppendString(nil, "v")), value(wire.AppendString(nil, "x")))
	native, raw := receive(t, b, Native), receive(t, b, Raw)
	for _, m := range []*message.Message{native, raw, stored(t, native), stored(t, raw)} {
		if p, err := m.Payload(); err != nil || p.Kind != message.BytesPayload || p.Value.Str() != string(b) {
			t.Errorf("%v, %v", p, err)
		}
		if !bytes.Equal(encode(m)[bytes.Index(encode(m), []byte{0, 0x53, 0x74}):], b[bytes.Index(b, []byte{0, 0x53, 0x74}):]) {
			t.Errorf("an AMQP client gets %x", encode(m))
		}
	}
	if v, ok := native.Property("k"); !ok || v.Str() != "v" || native.Priority != 7 || native.Durable {
		t.Error("native keeps properties and header")
	}
	if _, ok := raw.Property("k"); ok || raw.Priority != 4 || !raw.Durable {
		t.Error("raw keeps nothing, and is persistent")
	}
	for name, want := range map[string]Transformer{"": JMS, "jms": JMS, "native": Native, "raw": Raw} {
		if got, ok := ParseTransformer(name); !ok || got != want {
			t.Error(name, got, ok)
		}
	}
	if _, ok := ParseTransformer("other"); ok {
		t.Error("another transformer is accepted")
	}
}

func TestMessageFormat(t *testing.T) {
	t.Parallel()
	r, err := Receive([]byte("anything"), 0x80013700, JMS, now)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*message.Message{r.Message, stored(t, r.Message)} {
		p := Encode(nil, &Delivery{Msg: m, Now: now})
		if p.Format != 0x80013700 || string(p.Take(nil, p.Size())) != "anything" {
			t.Errorf("%+v", p)
		}
		if v, ok := m.Property(formatProperty); !ok || v.Int64() != 0x80013700 {
			t.Error(v, ok)
		}
		if p, err := m.Payload(); err != nil || p.Value.Str() != "anything" {
			t.Error(p, err)
		}
	}
}

// foreigner is a message of another protocol.
func foreigner(p message.Payload, fields ...message.Field) *message.Message {
	m := &message.Message{Content: message.NewNative(fields, p)}
	m.Header = message.Header{
		ID: message.ID{Origin: "ID:c:1", Seq: 5}, Address: address.Address{Kind: address.Topic, Name: "t"}, ReplyTo: address.Address{Kind: address.TempQueue, Name: "r"},
		Durable: true, Priority: 7, Timestamp: 8, Expiry: now + 60000, CorrelationID: "ID:AMQP_ULONG:7", Type: "kind", GroupID: "g", GroupSeq: 3, UserID: "u",
	}
	return m
}

func TestForeignMessages(t *testing.T) {
	t.Parallel()
	for _, p := range []message.Payload{
		{}, {Kind: message.TextPayload, Value: message.OfString("text ü")}, {Kind: message.TextPayload, Value: message.OfString(strings.Repeat("x", 300))},
		{Kind: message.BytesPayload, Value: message.OfBytes("\x00\xff")}, {Kind: message.ObjectPayload, Value: message.OfBytes("object")},
		{Kind: message.MapPayload, Value: message.OfMap([]message.Field{{Name: "k", Value: message.OfInt(5)}})},
		{Kind: message.StreamPayload, Value: message.OfList([]message.Value{message.OfBool(true), message.OfString("x")})},
	} {
		sent := foreigner(p, message.Field{Name: "color", Value: message.OfString("red")}, message.Field{Name: "n", Value: message.OfLong(-5)},
			message.Field{Name: "JMS_AMQP_MA_x-opt-note", Value: message.OfInt(1)}, message.Field{Name: "AMQ_SCHEDULED_DELAY", Value: message.OfInt(1)})
		b := encode(sent)
		if _, err := section.Scan(b); err != nil {
			t.Fatalf("%v: %x: %v", p.Kind, b, err)
		}
		r, err := Receive(b, 0, JMS, now)
		if err != nil {
			t.Fatal(err)
		}
		back := *r.Message
		back.Address, back.ID = r.To, message.ID{Origin: sent.ID.Origin, Seq: sent.ID.Seq}
		if r.ID.String() != sent.ID.String() || !reflect.DeepEqual(back.Header, sent.Header) {
			t.Errorf("%v: %+v\n%+v", p.Kind, back.Header, sent.Header)
		}
		got, err := r.Payload()
		if err != nil || got.Kind != p.Kind || !reflect.DeepEqual(got.Value, p.Value) {
			t.Errorf("%v became %v: %v", p, got, err)
		}
		for name, want := range map[string]string{"color": "red", "n": "-5", "JMS_AMQP_MA_x-opt-note": "1", "AMQ_SCHEDULED_DELAY": ""} {
			if v, _ := r.Property(name); v.Text() != want {
				t.Errorf("%s is %q", name, v.Text())
			}
		}
	}
	bad := foreigner(message.Payload{Kind: message.TextPayload, Value: message.OfString("a\xffb")})
	if p, err := receive(t, encode(bad), JMS).Payload(); err != nil || p.Value.Str() != "a\uFFFDb" {
		t.Error("a text that is no UTF-8 must become one:", p, err)
	}
}

func TestWhatTheBrokerAdds(t *testing.T) {
	t.Parallel()
	sent := build(mapOf(section.AnnotationsCode, true, "x-a", wire.AppendString(nil, "old"), "x-b", wire.AppendInt(nil, 2)),
		properties(section.Properties{MessageID: wire.AppendString(nil, "ID:1"), Expiry: 5, HasExpiry: true}),
		mapOf(section.ApplicationCode, false, "kept", []byte{0x41}, "gone", []byte{0x41}), value(wire.AppendString(nil, "body")))
	m := receive(t, sent, JMS).With(message.Field{Name: "originalExpiration", Value: message.OfLong(5)}, message.Field{Name: "gone"},
		message.Field{Name: "JMS_AMQP_MA_x-a", Value: message.OfString("new")}, message.Field{Name: "JMS_AMQP_MA_x-c", Value: message.OfInt(3)})
	m.Expiry = 0
	b := encode(m)
	l, err := section.Scan(b)
	if err != nil {
		t.Fatal(err)
	}
	p, err := section.ParseProperties(l.Properties.Of(b))
	if err != nil || p.HasExpiry || p.MessageID == nil {
		t.Errorf("%+v, %v: the expiry is over", p, err)
	}
	got := receive(t, b, JMS)
	for name, want := range map[string]string{
		"kept": "true", "gone": "", "originalExpiration": "5", "JMS_AMQP_MA_x-a": "new", "JMS_AMQP_MA_x-b": "2", "JMS_AMQP_MA_x-c": "3",
	} {
		if v, _ := got.Property(name); v.Text() != want {
			t.Errorf("%s is %q, want %q", name, v.Text(), want)
		}
	}
	if again := receive(t, sent, JMS); !bytes.HasSuffix(encode(again), sent) {
		t.Error("without additions the bytes are the sender's")
	}
}

// A property that says the same as the broker is in the map once: its keys are unique. [AMQP 1.6.23]
func TestRetainedIsSaidOnce(t *testing.T) {
	t.Parallel()
	m := foreigner(message.Payload{}, message.Field{Name: retainedProperty, Value: message.OfString("before")})
	for _, retained := range []bool{false, true} {
		p := Encode(nil, &Delivery{Msg: m, Retained: retained})
		b := p.Take(nil, p.Size())
		if n := bytes.Count(b, []byte(retainedProperty)); n != 1 {
			t.Errorf("retained %v: it is there %d times", retained, n)
		}
		if said := bytes.Contains(b, []byte("before")); said == retained {
			t.Errorf("retained %v: the sender's is said: %v", retained, said)
		}
	}
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw      []byte
		property string
		want     string
	}{
		DeliveryDelay: {wire.AppendLong(nil, 700), "AMQ_SCHEDULED_DELAY", "700"}, DeliveryTime: {wire.AppendTime(nil, now+900), "AMQ_SCHEDULED_DELAY", "900"},
		DeliveryRepeat: {wire.AppendInt(nil, 3), "AMQ_SCHEDULED_REPEAT", "3"}, DeliveryPeriod: {wire.AppendLong(nil, 10), "AMQ_SCHEDULED_PERIOD", "10"},
		DeliveryCron: {wire.AppendString(nil, "* * * * *"), "AMQ_SCHEDULED_CRON", "* * * * *"},
	} {
		m := receive(t, build(mapOf(section.AnnotationsCode, true, name, c.raw), value([]byte{0x40})), JMS)
		if v, _ := m.Property(c.property); v.Text() != c.want || m.Flags&message.Scheduled == 0 {
			t.Errorf("%s: %s is %q", name, c.property, v.Text())
		}
	}
	past := receive(t, build(mapOf(section.AnnotationsCode, true, DeliveryTime, wire.AppendTime(nil, now-1)), value([]byte{0x40})), JMS)
	if past.Flags&message.Scheduled != 0 {
		t.Error("a time that is over delays nothing")
	}
}

// FuzzBareMessage holds the promise that matters most: the bare message, the message-annotations
// and the footer leave as they came, at once and from the store.
func FuzzBareMessage(f *testing.F) {
	f.Add(build(header(section.Header{Durable: true, Priority: 4}), mapOf(section.DeliveryAnnotationsCode, true, "d", []byte{0x41}),
		mapOf(section.AnnotationsCode, true, "x", []byte{0x41}), properties(section.Properties{MessageID: wire.AppendString(nil, "m"), Subject: []byte("s")}),
		mapOf(section.ApplicationCode, false, "k", wire.AppendUlong(nil, 9)), data("a"), data("b"), mapOf(section.FooterCode, true, "f", []byte{0x42})))
	f.Add(build(value([]byte{0, 0xa3, 1, 'x', 0xe0, 2, 9, 0x41})))
	f.Add([]byte{0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x77, 0xb1, 0, 0, 0, 1, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Receive(b, 0, JMS, now)
		if err != nil {
			return
		}
		l, err := section.Scan(b)
		if err != nil {
			t.Fatal("it was received, and can't be scanned")
		}
		from := max(l.Header.To, l.DeliveryAnnotations.To)
		for _, m := range []*message.Message{r.Message, stored(t, &message.Message{Header: r.Header, Content: r.Content})} {
			m.Overlay = nil
			out := encode(m)
			if !bytes.HasSuffix(out, b[from:]) {
				t.Fatalf("%x\nbecame\n%x", b[from:], out)
			}
			if _, err := section.Scan(out); err != nil {
				t.Fatalf("what is sent can't be read: %v", err)
			}
			m.Properties(func(f message.Field) bool { return f.Value.Text() != "stop" })
			_, _ = m.Property("JMS_AMQP_MA_x")
			if _, err := m.Payload(); err != nil {
				t.Fatalf("what was checked has no payload: %v", err)
			}
			if _, err := section.Scan(encode(m.With(message.Field{Name: "new", Value: message.OfInt(1)}, message.Field{Name: "JMS_AMQP_MA_n", Value: message.OfInt(1)}))); err != nil {
				t.Fatalf("with additions it can't be read: %v", err)
			}
		}
	})
}

func TestReceivingTakesTwoAllocations(t *testing.T) {
	b := build(header(section.Header{Durable: true, Priority: 4}), properties(section.Properties{
		MessageID: wire.AppendString(nil, "mid"), Subject: []byte("s"), CorrelationID: wire.AppendString(nil, "c"),
	}), mapOf(section.ApplicationCode, false, "k", wire.AppendString(nil, "v")), data("body"))
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Receive(b, 0, JMS, now); err != nil {
			t.Error(err)
		}
	}); n > 2 {
		t.Errorf("%v allocations", n)
	}
	m := receive(t, b, JMS)
	scratch, out := make([]byte, 0, 256), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() {
		p := Encode(scratch, &Delivery{Msg: m, Now: now})
		p.Take(out, p.Size())
	}); n != 0 {
		t.Errorf("%v allocations per delivery", n)
	}
}

func BenchmarkReceive(b *testing.B) {
	m := build(header(section.Header{Durable: true, Priority: 4}), data(strings.Repeat("x", 1024)))
	b.SetBytes(int64(len(m)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Receive(m, 0, JMS, now); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	m := receive(b, build(header(section.Header{Durable: true, Priority: 4}), data(strings.Repeat("x", 1024))), JMS)
	scratch, out := make([]byte, 0, 256), make([]byte, 0, 2048)
	b.ReportAllocs()
	for b.Loop() {
		p := Encode(scratch, &Delivery{Msg: m, Now: now})
		p.Take(out, p.Size())
	}
}
