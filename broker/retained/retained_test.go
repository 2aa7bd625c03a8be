package retained_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/retained"
)

func kept(name, body string, expiry int64) *retained.Kept {
	m := &message.Message{Content: message.NewNative(nil, message.Payload{Kind: message.TextPayload, Value: message.OfString(body)})}
	m.Address, m.Expiry = address.Address{Kind: address.Topic, Name: name}, expiry
	return &retained.Kept{Msg: m, Publisher: "p"}
}

func names(list []*retained.Kept) (out []string) {
	for _, k := range list {
		out = append(out, k.Msg.Address.Name)
	}
	return out
}

func TestTable(t *testing.T) {
	t.Parallel()
	x := retained.New()
	bytes := int64(0)
	put := func(name string, k *retained.Kept) { bytes += x.Put(name, k) }
	put("b", kept("b", "1", 0))
	put("a.1", kept("a.1", "2", 100))
	put("a.2", kept("a.2", "3", 0))
	put("b", kept("b", "longer than before", 200)) // it is the youngest now
	put("a.2", nil)
	put("never", nil)
	for pattern, want := range map[string]string{
		">": "[a.1 b]", "*": "[b]", "a.>": "[a.1]", "a.1": "[a.1]", "a.2": "[]", "a": "[]", "*.*": "[a.1]",
	} {
		if got := fmt.Sprint(names(x.Match(pattern))); got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
	if count, used := x.Used(); count != 2 || used != bytes || !x.Has("b") || x.Has("a.2") {
		t.Errorf("%d messages, %d bytes, counted %d", count, used, bytes)
	}
	var gone []string
	bytes += x.Sweep(150, func(name string) { gone = append(gone, name) })
	if fmt.Sprint(gone) != "[a.1]" {
		t.Errorf("swept %v", gone)
	}
	bytes += x.Sweep(1000, func(string) {})
	if count, used := x.Used(); count != 0 || used != 0 || bytes != 0 {
		t.Errorf("in the end: %d messages, %d bytes, counted %d", count, used, bytes)
	}
}

func TestRecordIsReadAsWritten(t *testing.T) {
	t.Parallel()
	k := kept("a.b", "body", 77)
	value := retained.Append([]byte("x"), k.Msg, "publisher")[1:]
	m, publisher, err := retained.Decode(value, message.NewFormats())
	if err != nil || publisher != "publisher" || m.Address != k.Msg.Address || m.Expiry != 77 || !bytes.Equal(m.Content.Body(), k.Msg.Content.Body()) {
		t.Errorf("%+v %s %v", m, publisher, err)
	}
	for i := range value {
		value[i] ^= 0xff
	}
	if body := string(m.Content.Body()); body[1:] != "body" {
		t.Error("the message changes with the record")
	}
}

// FuzzRecord reads what may be in a damaged store: an error, and no panic.
func FuzzRecord(f *testing.F) {
	f.Add(retained.Append(nil, kept("t", "b", 0).Msg, "p"))
	f.Add(retained.Append(nil, kept("", "", 1).Msg, ""))
	f.Add([]byte{1, 'p', 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, p []byte) {
		if m, _, err := retained.Decode(p, message.NewFormats()); err == nil && m.Size() > len(p) {
			t.Errorf("%d bytes out of %d", m.Size(), len(p))
		}
	})
}
