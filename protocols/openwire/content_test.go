package openwire

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// fields are properties and map entries of every type.
func fields() []message.Field {
	return []message.Field{
		{Name: "bool", Value: message.OfBool(true)}, {Name: "byte", Value: message.OfByte(-1)}, {Name: "short", Value: message.OfShort(-300)},
		{Name: "char", Value: message.OfChar('ß')}, {Name: "int", Value: message.OfInt(-70000)}, {Name: "long", Value: message.OfLong(1 << 40)},
		{Name: "float", Value: message.OfFloat(1.5)}, {Name: "double", Value: message.OfDouble(-2.25)}, {Name: "string", Value: message.OfString("a😀b")},
		{Name: "bytes", Value: message.OfBytes("\x00\xff")}, {Name: "null", Value: message.Value{}},
		{Name: "list", Value: message.OfList([]message.Value{message.OfInt(1), message.OfString("x")})},
		{Name: "map", Value: message.OfMap([]message.Field{{Name: "k", Value: message.OfLong(2)}})},
	}
}

// TestForeignMessages makes wire messages of what came over other protocols, and reads them again.
func TestForeignMessages(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]message.Payload{
		"none":   {},
		"text":   {Kind: message.TextPayload, Value: message.OfString("a\x00😀")},
		"bytes":  {Kind: message.BytesPayload, Value: message.OfBytes("\x00\x01")},
		"map":    {Kind: message.MapPayload, Value: message.OfMap(fields())},
		"stream": {Kind: message.StreamPayload, Value: message.OfList([]message.Value{message.OfInt(1), message.OfString("s"), {}})},
		"object": {Kind: message.ObjectPayload, Value: message.OfBytes("\xac\xed\x00\x05")},
	} {
		props := fields()[:9]
		m := &message.Message{
			Header:  message.Header{ID: message.ID{Origin: "ID:x-1:1:1", Seq: 5}, Address: address.Address{Kind: address.Queue, Name: "q"}},
			Content: message.NewNative(props, p),
		}
		var x dispatch
		w := x.toMessage(m, 9)
		k := &content{limit: 1 << 20}
		k.body = w.Content
		k.appendHead(nil, w, nil, 77)
		got, err := k.Payload()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got, p) {
			t.Errorf("%s: the body is %+v, want %+v", name, got, p)
		}
		var seen []message.Field
		k.Properties(func(f message.Field) bool { seen = append(seen, f); return true })
		if !reflect.DeepEqual(seen, props) {
			t.Errorf("%s: properties %+v", name, seen)
		}
		for _, f := range props {
			if v, ok := k.Property(f.Name); !ok || !reflect.DeepEqual(v, f.Value) {
				t.Errorf("%s: property %s is %+v", name, f.Name, v)
			}
		}
		if w.MessageID.ProducerSequenceID != 5 || w.ProducerID.ConnectionID.String() != "ID:x-1" || w.MessageID.BrokerSequenceID != 9 {
			t.Errorf("%s: identifier %+v of %+v", name, w.MessageID, w.ProducerID)
		}
	}
}

// TestIdentifiersOfOthers keeps the text of identifiers that other protocols make.
func TestIdentifiersOfOthers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ID:host-1-2:1:1:7": "ID:host-1-2:1:1:7", "my own id": "my own id", "ID:a:b": "ID:a:b", "": "",
	} {
		var x dispatch
		x.identify(message.ID{Origin: text}, 3)
		got := x.id.TextView.String()
		if got == "" && text != "" {
			got = producerText(x.id.ProducerID) + ":" + fmt.Sprint(x.id.ProducerSequenceID)
		}
		if got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// FuzzOpen opens heads that are cut and changed, which must not do more than lose content.
func FuzzOpen(f *testing.F) {
	w := &wire.Message{Kind: wire.TypeMapMessage, Compressed: true, Content: wire.Deflate(appendMap(nil, fields(), 0), false), MarshalledProperties: appendMap(nil, fields(), 0)}
	k := &content{}
	k.appendHead(nil, w, wire.AppendPlain(nil, &wire.Message{Kind: wire.TypeMessage, DataStructure: &wire.KeepAliveInfo{}}), 5)
	f.Add(k.head, w.Content)
	w = &wire.Message{Kind: wire.TypeTextMessage, Content: []byte{0, 0, 0, 1, 'x'}, TransactionID: &wire.TransactionID{Kind: wire.TypeXATransactionID, GlobalTransactionID: []byte{1}, BranchQualifier: []byte{2}}}
	k = &content{}
	k.appendHead(nil, w, nil, 5)
	f.Add(k.head, w.Content)
	open := Formats(1 << 20)[0].Open
	f.Fuzz(func(t *testing.T, head, body []byte) {
		c := open(head, body)
		c.Properties(func(f message.Field) bool { return f.Value.Text() != "\x00never" })
		_, _ = c.Property("x")
		_, _ = c.Payload()
		var x dispatch
		w := x.toMessage(&message.Message{Header: message.Header{Origin: address.Address{Kind: address.Queue, Name: "o"}}, Content: c, Overlay: fields()}, 1)
		out := wire.NewWriter()
		out.SetFormat(wire.Format{Version: 12, Tight: true})
		out.Append(nil, w)
	})
}

// TestBombs inflates bodies that claim to be small or to be nothing but large.
func TestBombs(t *testing.T) {
	t.Parallel()
	bomb := wire.Deflate(make([]byte, 64<<20), false)
	for _, kind := range []wire.Type{wire.TypeTextMessage, wire.TypeBytesMessage, wire.TypeMapMessage, wire.TypeStreamMessage, wire.TypeObjectMessage} {
		w := &wire.Message{Kind: kind, Compressed: true, Content: bomb}
		if kind == wire.TypeBytesMessage {
			w.Content = append([]byte{0x7f, 0xff, 0xff, 0xff}, bomb...)
		}
		k := &content{limit: 1 << 20, body: w.Content}
		k.appendHead(nil, w, nil, 0)
		if p, err := k.Payload(); err == nil {
			t.Errorf("kind %d: a body of %d octets", kind, len(p.Value.Str()))
		}
	}
	w := &wire.Message{Kind: wire.TypeBytesMessage, Compressed: true, Content: wire.Deflate(bytes.Repeat([]byte("ab"), 1000), true)}
	k := &content{limit: 1 << 20, body: w.Content}
	k.appendHead(nil, w, nil, 0)
	if p, err := k.Payload(); err != nil || len(p.Value.Str()) != 2000 {
		t.Errorf("an honest body: %d octets, %v", len(p.Value.Str()), err)
	}
}

// TestEveryFaultHasAnAnswer walks the kinds through the table.
func TestEveryFaultHasAnAnswer(t *testing.T) {
	t.Parallel()
	for i := range fault.Kinds {
		kind := fault.Kind(i)
		bare, told := throwable(fault.New(kind, "", "", "")), throwable(fault.New(kind, "send", "queue://q", "what %s", "happened"))
		if len(bare.Class) == 0 || len(bare.Message) == 0 {
			t.Errorf("%s: %q, %q", kind, bare.Class, bare.Message)
		}
		if told.Message.String() != "what happened" {
			t.Errorf("%s: the text became %q", kind, told.Message)
		}
	}
	if x := throwable(fault.New(fault.InUse, "connect", "c", "taken")); x.Class.String() != invalidClientID {
		t.Errorf("a client identifier in use: %s", x.Class)
	}
	if x := throwable(fmt.Errorf("disk on fire")); x.Message.String() == "disk on fire" {
		t.Error("an internal error is told to clients")
	}
}

// TestTokens packs and unpacks.
func TestTokens(t *testing.T) {
	t.Parallel()
	for _, n := range []int32{0, 1, -1, 1 << 30} {
		if k, i, m := untoken(token(acknowledge, maxIndex, n)); k != acknowledge || i != maxIndex || m != n {
			t.Errorf("%d became %d %d %d", n, k, i, m)
		}
	}
}

// TestDispatchCostsNothing makes deliveries of a received message.
func TestDispatchCostsNothing(t *testing.T) {
	c := &connection{o: &Options{MaxInflated: 1 << 20}, writer: wire.NewWriter(), reader: wire.NewReader(bytes.NewReader(nil))}
	c.writer.SetFormat(wire.Format{Version: 12, Tight: true, CacheSize: 1024})
	p := &producer{id: wire.ProducerID{ConnectionID: wire.Text("ID:a-1:1"), SessionID: 1, Value: 1}, text: "ID:a-1:1:1:1"}
	id := &wire.ProducerID{ConnectionID: wire.Text("ID:a-1:1"), SessionID: 1, Value: 1}
	w := &wire.Message{
		Kind: wire.TypeTextMessage, ProducerID: id, Destination: &wire.Destination{Kind: wire.TypeQueue, PhysicalName: wire.Text("q")},
		MessageID: &wire.MessageID{ProducerID: id, ProducerSequenceID: 3}, Content: make([]byte, 1024), CorrelationID: wire.Text("c"),
		MarshalledProperties: appendMap(nil, fields(), 0),
	}
	var m *message.Message
	if n := testing.AllocsPerRun(100, func() { m = c.receive(w, p) }); n > 2 {
		t.Errorf("%v allocations for a received message", n)
	}
	m.Address = address.Address{Kind: address.Queue, Name: "q"}
	s := &consumer{conn: c, id: wire.ConsumerID{ConnectionID: wire.Text("ID:b"), SessionID: 1, Value: 1}}
	d := broker.Delivery{Msg: m, ID: 7}
	buf := make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { buf = s.encode(buf[:0], &d) }); n > 0 {
		t.Errorf("%v allocations for a delivery", n)
	}
}
