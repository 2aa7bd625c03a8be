package amqptest

import (
	"reflect"
	"strings"
	"testing"
)

// TestValues encodes and decodes every type of value.
func TestValues(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		nil, true, false, uint8(7), uint16(7), uint32(0), uint32(7), uint32(70000), uint64(0), uint64(9), uint64(1 << 40),
		int8(-7), int16(-7), int32(-7), int32(-70000), int64(-7), int64(-1 << 40), float32(1.5), float64(-2.5), Char('€'),
		Timestamp(-1), UUID{1, 2, 15: 3}, Decimal("abcd"), Decimal("abcdefgh"), Decimal("abcdefghabcdefgh"),
		[]byte{}, []byte{1, 0, 2}, []byte(strings.Repeat("x", 300)), "", "Grüße", strings.Repeat("y", 70000), Symbol("amqp:x"),
		List{}, List{nil, "a", List{uint32(1)}}, Map{}, Map{Symbol("k"), "v", int32(3), nil}, List{strings.Repeat("z", 300)},
		Array{Symbol("a"), Symbol("bc")}, Array{int32(1), int32(-2)}, Array{true, false}, Array{"x"}, Array{uint64(1)}, Array{int64(1)}, Array{uint8(1)},
		Described{uint64(0x24), List{}}, D(0x25, D(0x1d, Symbol("amqp:not-found"), "what")), Described{Symbol("amqp:accepted:list"), List{}},
	} {
		b := Append(nil, v)
		got, rest, err := Decode(append(b, 0xee))
		if err != nil || len(rest) != 1 || !reflect.DeepEqual(got, v) {
			t.Errorf("%s became %s (%x): %v, rest %x", Text(v), Text(got), b, err, rest)
		}
		for i := range b {
			if len(b) > 1000 && i > 10 {
				break
			}
			if _, _, err := Decode(b[:i]); err == nil {
				t.Errorf("%x, which is cut off, is %s", b[:i], Text(v))
			}
		}
	}
}
