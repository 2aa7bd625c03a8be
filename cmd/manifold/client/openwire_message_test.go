package client

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// TestOpenWireBodies shows what receive prints of each kind of message.
func TestOpenWireBodies(t *testing.T) {
	t.Parallel()
	text := append(binary.BigEndian.AppendUint32(nil, 4), "t\xc0\x80x"...)
	values := []byte{}
	for _, v := range []wire.Value{
		{Kind: wire.BoolValue, Num: 1}, {Kind: wire.ByteValue, Num: -1}, {Kind: wire.CharValue, Num: 'ü'}, {Kind: wire.LongValue, Num: 1 << 40},
		{Kind: wire.FloatValue, Num: int64(math.Float32bits(1.1))}, {Kind: wire.DoubleValue, Num: int64(math.Float64bits(math.Inf(1)))},
		{Kind: wire.BytesValue, Bytes: []byte("b")}, {Kind: wire.NullValue},
	} {
		values = wire.AppendValue(values, v)
	}
	inner := wire.AppendString(wire.AppendKey([]byte{0, 0, 0, 1}, "<k>"), "😀")
	outer := wire.AppendValue(wire.AppendKey([]byte{0, 0, 0, 1}, "m"), wire.Value{Kind: wire.MapValue, Bytes: inner})
	for _, c := range []struct {
		name    string
		message wire.Message
		want    string
	}{
		{"text", wire.Message{Kind: wire.TypeTextMessage, Content: text}, "t\x00x"},
		{"no text", wire.Message{Kind: wire.TypeTextMessage}, ""},
		{"compressed text", wire.Message{Kind: wire.TypeTextMessage, Compressed: true, Content: wire.Deflate(text, false)}, "t\x00x"},
		{"bytes", wire.Message{Kind: wire.TypeBytesMessage, Content: []byte("\xff")}, "\xff"},
		{"compressed bytes", wire.Message{Kind: wire.TypeBytesMessage, Compressed: true, Content: wire.Deflate([]byte("\xff"), true)}, "\xff"},
		{"object", wire.Message{Kind: wire.TypeObjectMessage, Content: []byte("\xac\xed")}, "\xac\xed"},
		{"map", wire.Message{Kind: wire.TypeMapMessage, Content: outer}, `{"m":{"<k>":"😀"}}`},
		{"no map", wire.Message{Kind: wire.TypeMapMessage}, `{}`},
		{"stream", wire.Message{Kind: wire.TypeStreamMessage, Content: values}, `[true,-1,"ü",1099511627776,1.1,"+Inf","Yg==",null]`},
		{"nothing", wire.Message{Kind: wire.TypeMessage}, ""},
	} {
		if got := bodyOf(&c.message); string(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	m := wire.Message{MarshalledProperties: append(binary.BigEndian.AppendUint32(nil, 8), keyed(values)...)}
	got := headersOf(&m, "id")
	for _, want := range []Header{{"message-id", "id"}, {"a", "true"}, {"b", "-1"}, {"e", "1.1"}, {"f", "+Inf"}, {"g", "b"}} {
		if !slices.Contains(got, want) {
			t.Errorf("%v is not among %v", want, got)
		}
	}
}

// keyed gives values the keys a, b, c and so on.
func keyed(values []byte) (out []byte) {
	key := 'a'
	for it := wire.StreamIterator(values); it.Next(); key++ {
		out = wire.AppendValue(wire.AppendKey(out, string(key)), it.Value)
	}
	return out
}
