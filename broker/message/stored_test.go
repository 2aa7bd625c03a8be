package message

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
)

func everyValue() []Field {
	return []Field{
		{"null", Value{}}, {"true", OfBool(true)}, {"false", OfBool(false)}, {"byte", OfByte(-5)},
		{"short", OfShort(-300)}, {"int", OfInt(1 << 30)}, {"long", OfLong(-1 << 60)}, {"float", OfFloat(1.5)},
		{"double", OfDouble(-2.25e-9)}, {"string", OfString("héllo\x00")}, {"bytes", OfBytes("\xff\x00")},
		{"char", OfChar('ß')}, {"time", OfTime(1795000000000)}, {"uuid", OfUUID([16]byte{1, 2, 15: 9})},
		{"list", OfList([]Value{OfInt(1), OfString("x"), OfList([]Value{OfBool(true)})})},
		{"map", OfMap([]Field{{"a", OfInt(1)}, {"b", OfMap([]Field{{"c", Value{}}})}})},
	}
}

func full() *Message {
	return &Message{
		Header: Header{
			ID: ID{"ID:host-1:1", 42}, Address: address.Address{Kind: address.Queue, Name: "a.b"},
			Origin: address.Address{Kind: address.Topic, Name: "t"}, ReplyTo: address.Address{Kind: address.TempQueue, Name: "r"},
			Durable: true, Priority: 9, Timestamp: 1795000000000, Expiry: -7, CorrelationID: "c\x00", Type: "type",
			GroupID: "g", GroupSeq: -1, UserID: "u", Flags: Retain | BinaryCorrelation,
		},
		Content: NewNative(everyValue(), Payload{Kind: MapPayload, Value: OfMap(everyValue())}),
		Overlay: everyValue(),
	}
}

func TestStoredRoundTrip(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*Message{
		"full":  full(),
		"empty": {Content: NewNative(nil, Payload{})},
		"text":  {Content: NewNative(nil, Payload{TextPayload, OfString("hello")})},
		"bytes": {Content: NewNative(nil, Payload{BytesPayload, OfBytes("\x00\xff")})},
		"list":  {Content: NewNative(nil, Payload{StreamPayload, OfList([]Value{OfInt(1)})})},
	} {
		head := AppendHead(nil, m)
		got, err := Decode(head, m.Content.Body(), NewFormats())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.Header, m.Header) || !reflect.DeepEqual(got.Overlay, m.Overlay) {
			t.Errorf("%s: header or overlay differ\n%+v\n%+v", name, got, m)
		}
		want, err1 := m.Payload()
		have, err2 := got.Payload()
		if err1 != nil || err2 != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%s: payload %+v, want %+v (%v, %v)", name, have, want, err1, err2)
		}
		if again := AppendHead(nil, got); !bytes.Equal(again, head) {
			t.Errorf("%s: encoded again it differs", name)
		}
	}
}

func TestUnknownFormatOpensAsBytes(t *testing.T) {
	t.Parallel()
	m := &Message{Content: &opaque{id: 200, head: []byte("head"), body: []byte("body")}}
	got, err := Decode(AppendHead(nil, m), []byte("body"), NewFormats())
	if err != nil {
		t.Fatal(err)
	}
	if p, err := got.Payload(); err != nil || p.Kind != BytesPayload || p.Value.Str() != "body" {
		t.Errorf("payload %+v, %v", p, err)
	}
	if got.Content.Format() != 200 || string(got.Content.Head()) != "head" {
		t.Errorf("format %d, head %q", got.Content.Format(), got.Content.Head())
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	t.Parallel()
	head := AppendHead(nil, full())
	contentAt := len(head) - len(full().Content.Head())
	for n := range contentAt {
		if _, err := Decode(head[:n:n], nil, NewFormats()); err == nil {
			t.Errorf("cut to %d bytes, it decodes", n)
		}
	}
	newer := append([]byte(nil), head...)
	newer[0]++
	if _, err := Decode(newer, nil, NewFormats()); err == nil {
		t.Error("a newer version decodes")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(AppendHead(nil, full()), full().Content.Body())
	f.Add([]byte{1, 1, 0, 4, 0}, []byte{2, 'x'})
	f.Add([]byte{1, 1, 0, 4, 0xff, 0xff, 0xff, 0xff, 0x0f}, []byte{4, 14, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, head, body []byte) {
		m, err := Decode(head, body, NewFormats())
		if err != nil {
			return
		}
		m.Properties(func(Field) bool { return true })
		if _, err := m.Payload(); err != nil {
			return
		}
		again, err := Decode(AppendHead(nil, m), body, NewFormats())
		if err != nil || !reflect.DeepEqual(again.Header, m.Header) {
			t.Fatalf("what was decoded does not decode again: %v", err)
		}
	})
}
