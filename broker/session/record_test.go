package session_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/session"
)

func testWill() *session.Will {
	m := &message.Message{Content: message.NewNative(
		[]message.Field{{Name: "n", Value: message.OfInt(1)}},
		message.Payload{Kind: message.BytesPayload, Value: message.OfBytes("gone")},
	)}
	m.Address, m.Durable, m.Priority = address.Address{Kind: address.Topic, Name: "last.words"}, true, 4
	return &session.Will{Message: m, Delay: 3 * time.Second, Expiry: time.Minute}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, client := range []string{"", "c", string(bytes.Repeat([]byte("x"), 300)), "s\x00"} {
		for _, rest := range []string{"", "topic://a\x00g"} {
			got, part, r, ok := session.ParseKey(session.RecordKey(client, session.Bound, rest))
			if !ok || got != client || part != session.Bound || r != rest {
				t.Errorf("%q %q: %q %c %q %v", client, rest, got, part, r, ok)
			}
		}
	}
	// What one client has does not lie among what another one has.
	if a, b := session.RecordKey("a", session.WillOf, "9"), session.RecordKey("as", session.Settings, ""); bytes.HasPrefix(b, a[:2]) {
		t.Error("keys of two clients mix")
	}
}

func TestBindingIsReadAsWritten(t *testing.T) {
	t.Parallel()
	want := session.Binding{
		Key:  session.Key{Address: address.Address{Kind: address.Topic, Name: "a.*.>"}, Share: "g"},
		Name: "n", Assurance: message.ExactlyOnce, Identifier: 7, NoLocal: true, RetainAsPublished: true,
		Selector: "a = 1", ConvertStrings: true,
	}
	value, err := session.EncodeBinding(&want, "u", []string{"g1", "g2"})
	if err != nil {
		t.Fatal(err)
	}
	got, user, groups, err := session.DecodeBinding(value)
	if err != nil || got != want || user != "u" || len(groups) != 2 {
		t.Errorf("%+v %s %v %v", got, user, groups, err)
	}
}

func TestWillIsReadAsWritten(t *testing.T) {
	t.Parallel()
	w := testWill()
	value, err := session.EncodeWill(w, "u", []string{"g"})
	if err != nil {
		t.Fatal(err)
	}
	got, user, groups, err := session.DecodeWill(value, message.NewFormats())
	if err != nil || user != "u" || len(groups) != 1 || got.Delay != w.Delay || got.Expiry != w.Expiry {
		t.Fatalf("%+v %s %v %v", got, user, groups, err)
	}
	if got.Message.Address != w.Message.Address || !got.Message.Durable || !bytes.Equal(got.Message.Content.Body(), w.Message.Content.Body()) {
		t.Errorf("%+v", got.Message)
	}
	for n := range value {
		if w, _, _, err := session.DecodeWill(value[:n], message.NewFormats()); err == nil && bytes.Equal(w.Message.Content.Body(), got.Message.Content.Body()) {
			t.Errorf("%d of %d bytes were taken for the whole", n, len(value))
		}
	}
}

func TestExpiryIsInWholeSeconds(t *testing.T) {
	t.Parallel()
	for give, want := range map[time.Duration]time.Duration{
		0: 0, 1: time.Second, time.Second: time.Second, session.Forever: session.Forever, 1<<32*time.Second - 1: 1 << 32 * time.Second,
	} {
		var r session.Record
		r.SetExpiry(give)
		if got := r.Lifetime(); got != want {
			t.Errorf("%v: %v", give, got)
		}
	}
}

// FuzzRecords reads what may be in a damaged store: an error, and no panic.
func FuzzRecords(f *testing.F) {
	b := session.Binding{Key: session.Key{Address: address.Address{Kind: address.Queue, Name: "q"}}}
	value, err := session.EncodeBinding(&b, "u", nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	if value, err = session.EncodeWill(testWill(), "u", nil); err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add(session.RecordKey("client", session.MovedTo, ""))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, p []byte) {
		if b, _, _, err := session.DecodeBinding(p); err == nil && b.Address.Name == "" {
			t.Error("a binding to nothing")
		}
		if w, _, _, err := session.DecodeWill(p, message.NewFormats()); err == nil && w.Message == nil {
			t.Error("a will without words")
		}
		if client, part, rest, ok := session.ParseKey(p); ok && len(client)+len(rest)+2 > len(p) {
			t.Errorf("%q %c %q", client, part, rest)
		}
	})
}
