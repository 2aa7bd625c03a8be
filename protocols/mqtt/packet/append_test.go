package packet

import (
	"bytes"
	"testing"
)

// TestAppendVectors compares what is written with the octets that the specification asks for.
func TestAppendVectors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		about string
		got   []byte
		want  string
	}{
		{"CONNACK 3.1.1", AppendConnack(nil, V311, true, 0, nil), "20 02 01 00"},
		{"CONNACK 3.1 has no session present", AppendConnack(nil, V31, true, 0, nil), "20 02 00 00"},
		{"CONNACK 5", AppendConnack(nil, V5, false, NotAuthorized, AppendText(nil, ReasonString, "no")), "20 08 00 87 05 1f 0002 6e6f"},
		{"PUBACK 3.1.1 has no reason", AppendAnswer(nil, V311, Puback, 7, QuotaExceeded, nil), "40 02 0007"},
		{"PUBREC 5", AppendAnswer(nil, V5, Pubrec, 7, QuotaExceeded, nil), "50 03 0007 97"},
		{"PUBREL", AppendAnswer(nil, V5, Pubrel, 7, Success, nil), "62 02 0007"},
		{"PUBCOMP with a text", AppendAnswer(nil, V5, Pubcomp, 7, IDNotFound, AppendText(nil, ReasonString, "x")), "70 08 0007 92 04 1f 0001 78"},
		{"SUBACK 3.1.1", AppendCodes(nil, V311, Suback, 1, []byte{0, 1, 0x80}, nil), "90 05 0001 00 01 80"},
		{"SUBACK 5", AppendCodes(nil, V5, Suback, 1, []byte{2}, nil), "90 04 0001 00 02"},
		{"UNSUBACK 3.1.1 has no codes", AppendCodes(nil, V311, Unsuback, 1, []byte{0}, nil), "b0 02 0001"},
		{"UNSUBACK 5", AppendCodes(nil, V5, Unsuback, 1, []byte{0, 0x11}, nil), "b0 05 0001 00 00 11"},
		{"PINGRESP", AppendPing(nil, Pingresp), "d0 00"},
		{"DISCONNECT 3.1.1", AppendFarewell(nil, V311, Disconnect, 0, nil), "e0 00"},
		{"DISCONNECT 5", AppendFarewell(nil, V5, Disconnect, SessionTakenOver, nil), "e0 01 8e"},
		{"PUBLISH QoS 0", AppendPublish(nil, V311, &PublishHead{Topic: []byte("a/b"), Retain: true}, "hi"), "31 07 0003 612f62 6869"},
		{"PUBLISH QoS 2", AppendPublish(nil, V5, &PublishHead{Topic: []byte("a"), QoS: 2, Dup: true, ID: 9, Properties: AppendNum(nil, MessageExpiry, 5)}, []byte("x")),
			"3c 0c 0001 61 0009 05 0200000005 78"},
		{"number properties", AppendNum(AppendNum(AppendNum(nil, SubscriptionID, 300), ReceiveMaximum, 10), PayloadFormat, 1), "0b ac02 21 000a 01 01"},
	} {
		if want := unhex(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: %x, want %x", c.about, c.got, want)
		}
	}
}

// TestAppendDoesNotAllocate holds the hot path to its promise, for both sides of a message.
func TestAppendDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 4096)
	payload := make([]byte, 1024)
	props := Properties(AppendUser(nil, "k", "v"))
	h := PublishHead{QoS: 1, ID: 5, Topic: []byte("a/b/c"), Properties: props}
	if n := testing.AllocsPerRun(100, func() {
		buf = AppendPublish(buf[:0], V5, &h, payload)
		buf = AppendAnswer(buf, V5, Puback, 5, Success, nil)
		buf = AppendNum(buf, TopicAlias, 3)
	}); n != 0 {
		t.Errorf("writing allocates %v times", n)
	}
	r := NewReader(&endless{data: AppendPublish(nil, V5, &h, payload)}, ReaderOptions{Version: V5, Limits: DefaultLimits()})
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("reading a message allocates %v times, want its block only", n)
	}
}
