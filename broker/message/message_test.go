package message

import (
	"fmt"
	"math"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
)

func TestOverlayMerges(t *testing.T) {
	t.Parallel()
	m := &Message{Content: NewNative([]Field{{"a", OfInt(1)}, {"b", OfInt(2)}, {"c", OfInt(3)}}, Payload{})}
	changed := m.With(Field{"b", OfInt(20)}, Field{"c", Value{}}, Field{"d", OfInt(4)}).With(Field{"d", OfInt(5)}, Field{"e", Value{}})
	var got []string
	changed.Properties(func(f Field) bool { got = append(got, fmt.Sprint(f.Name, "=", f.Value.Text())); return true })
	if fmt.Sprint(got) != "[a=1 b=20 d=5]" {
		t.Errorf("properties %v", got)
	}
	for name, want := range map[string]string{"a": "1", "b": "20", "c": "none", "d": "5", "e": "none", "x": "none"} {
		have := "none"
		if v, ok := changed.Property(name); ok {
			have = v.Text()
		}
		if have != want {
			t.Errorf("%s is %s, want %s", name, have, want)
		}
	}
	if len(m.Overlay) != 0 {
		t.Error("With has changed its receiver")
	}
	n := 0
	changed.Properties(func(Field) bool { n++; return n < 2 })
	if n != 2 {
		t.Errorf("%d properties after the stop", n)
	}
}

func TestTextIsJavas(t *testing.T) {
	t.Parallel()
	for want, v := range map[string]Value{
		"true": OfBool(true), "-128": OfByte(math.MinInt8), "9223372036854775807": OfLong(math.MaxInt64),
		"1.0": OfDouble(1), "0.001": OfDouble(0.001), "1.0E-4": OfDouble(0.0001), "1.0E7": OfDouble(1e7),
		"9999999.0": OfDouble(9999999), "1.234E10": OfDouble(1.234e10), "NaN": OfDouble(math.NaN()),
		"-Infinity": OfDouble(math.Inf(-1)), "3.4": OfFloat(3.4), "-0.0": OfDouble(math.Copysign(0, -1)), "0.0": OfFloat(0),
		"x": OfString("x"), "ß": OfChar('ß'), "00010203-0405-0607-0809-0a0b0c0d0e0f": OfUUID([16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}),
		"": {},
	} {
		if got := v.Text(); got != want {
			t.Errorf("%v has the text %q, want %q", v, got, want)
		}
	}
}

func TestViewAnswersHeaderIdentifiers(t *testing.T) {
	t.Parallel()
	v := &View{Message: full(), Deliveries: 2, Redelivered: true}
	for name, want := range map[string]string{
		"JMSDestination": "topic://t", "JMSReplyTo": "temp-queue://r", "JMSType": "type", "JMSCorrelationID": "c\x00",
		"JMSMessageID": "ID:host-1:1:42", "JMSDeliveryMode": "PERSISTENT", "JMSPriority": "9", "JMSTimestamp": "1795000000000",
		"JMSExpiration": "-7", "JMSRedelivered": "true", "JMSXDeliveryCount": "3", "JMSXGroupID": "g", "JMSXGroupSeq": "-1",
		"JMSXUserID": "u", "string": "héllo\x00",
	} {
		if got, ok := v.Property(name); !ok || got.Text() != want {
			t.Errorf("%s is %q (%v), want %q", name, got.Text(), ok, want)
		}
	}
	bare := &View{Message: &Message{Header: Header{Address: address.Address{Kind: address.Queue, Name: "q"}}}}
	for _, name := range []string{"JMSReplyTo", "JMSType", "JMSCorrelationID", "JMSMessageID", "JMSXGroupID", "JMSXGroupSeq", "JMSXUserID", "JMSother", "other"} {
		if got, ok := bare.Property(name); ok {
			t.Errorf("%s is %q of a message without it", name, got.Text())
		}
	}
	if got, _ := bare.Property("JMSDestination"); got.Str() != "queue://q" {
		t.Errorf("JMSDestination is %q", got.Str())
	}
}
