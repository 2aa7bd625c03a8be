package mqtt

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestNames maps names and filters and back.
func TestNames(t *testing.T) {
	t.Parallel()
	plain, queues := names{}, names{queues: "q/"}
	for _, c := range []struct {
		names   *names
		name    string
		target  bool
		want    address.Address
		oneWay  bool
		because string
	}{
		{&plain, "a/b/c", false, address.Address{Kind: address.Topic, Name: "a.b.c"}, false, ""},
		{&plain, "a/b.c", false, address.Address{Kind: address.Topic, Name: "a.b/c"}, false, "dots are slashes there"},
		{&plain, "+/x/#", false, address.Address{Kind: address.Topic, Name: "*.x.>"}, false, "wildcards"},
		{&plain, "a*b>", false, address.Address{Kind: address.Topic, Name: "a+b#"}, false, "no wildcards here"},
		{&plain, "/", false, address.Address{Kind: address.Topic, Name: "."}, false, "empty levels"},
		{&plain, "$SYS/#", false, address.Address{Kind: address.Topic, Name: "$SYS.>"}, false, ""},
		{&plain, "日本/ß", false, address.Address{Kind: address.Topic, Name: "日本.ß"}, false, ""},
		{&plain, "q/a/b", false, address.Address{Kind: address.Topic, Name: "q.a.b"}, false, "no prefix is set"},
		{&plain, "$queue/a/b", true, address.Address{Kind: address.Queue, Name: "a.b"}, false, "a queue to reply to"},
		{&plain, "$queue/a/b", false, address.Address{Kind: address.Topic, Name: "$queue.a.b"}, true, "not to consume from"},
		{&plain, "$temp-queue/ID:x-1:1", true, address.Address{Kind: address.TempQueue, Name: "ID:x-1:1"}, false, ""},
		{&plain, "$temp-topic/a/b", true, address.Address{Kind: address.TempTopic, Name: "a.b"}, false, ""},
		{&queues, "q/a/b", false, address.Address{Kind: address.Queue, Name: "a.b"}, false, ""},
		{&queues, "q/", false, address.Address{Kind: address.Topic, Name: "q."}, false, "a queue needs a name"},
		{&queues, "qa", false, address.Address{Kind: address.Topic, Name: "qa"}, false, ""},
	} {
		a := c.names.address(c.name)
		if c.target {
			a = c.names.target(c.name)
		}
		if a != c.want {
			t.Errorf("%s is %v, want %v: %s", c.name, a, c.want, c.because)
		}
		if back := string(c.names.append(nil, a)); back != c.name && !c.oneWay {
			t.Errorf("%v is %s, want %s", a, back, c.name)
		}
	}
}

// FuzzNames checks that every name comes back as it was.
func FuzzNames(f *testing.F) {
	f.Add("a/b.c+*#>", "q/")
	f.Add("$queue/x", "")
	f.Fuzz(func(t *testing.T, name, queues string) {
		n := names{queues: queues}
		if back := string(n.append(nil, n.address(name))); back != name && queues != "" {
			t.Errorf("%q came back as %q with prefix %q", name, back, queues)
		}
	})
}

// TestPayloads renders bodies of other protocols.
func TestPayloads(t *testing.T) {
	t.Parallel()
	fields := []message.Field{
		{Name: "k", Value: message.OfString("v")}, {Name: "n", Value: message.OfInt(5)}, {Name: "z", Value: message.Value{}},
		{Name: "m", Value: message.OfMap([]message.Field{{Name: "a", Value: message.OfBool(true)}})},
		{Name: "l", Value: message.OfList([]message.Value{message.OfDouble(1), message.OfLong(2)})},
	}
	list := []message.Value{
		message.OfBool(true), message.OfByte(-1), message.OfChar('A'), message.OfShort(2), message.OfInt(3), message.OfLong(4),
		message.OfFloat(1), message.OfDouble(2), message.OfString("hi"), message.OfBytes("\x00\xff"), {},
	}
	for _, c := range []struct {
		payload message.Payload
		want    string
		text    bool
	}{
		{message.Payload{}, "", false},
		{message.Payload{Kind: message.TextPayload, Value: message.OfString("héllo")}, "héllo", true},
		{message.Payload{Kind: message.BytesPayload, Value: message.OfBytes("\x00\xff")}, "\x00\xff", false},
		{message.Payload{Kind: message.ObjectPayload, Value: message.OfBytes("\xac\xed")}, "\xac\xed", false},
		{message.Payload{Kind: message.MapPayload, Value: message.OfMap(fields)}, "{k=v, n=5, z=null, m={a=true}, l=[1.0, 2]}", true},
		{message.Payload{Kind: message.StreamPayload, Value: message.OfList(list)},
			"\x01\x01\x02\xff\x03\x00A\x04\x00\x02\x05\x00\x00\x00\x03\x06\x00\x00\x00\x00\x00\x00\x00\x04\x08\x3f\x80\x00\x00\x07\x40\x00\x00\x00\x00\x00\x00\x00\x09\x00\x02hi\x0a\x00\x00\x00\x02\x00\xff\x00", false},
	} {
		got, isText := payloadOf(&message.Message{Content: message.NewNative(nil, c.payload)})
		if got != c.want || isText != c.text {
			t.Errorf("%v: %s (%t), want %s", c.payload.Kind, hex.EncodeToString([]byte(got)), isText, hex.EncodeToString([]byte(c.want)))
		}
	}
}

// TestContent stores a received message and opens it again.
func TestContent(t *testing.T) {
	t.Parallel()
	props := packet.AppendUser(packet.AppendUser(packet.AppendText(nil, packet.ContentType, "text/plain"), "k", "1"), "k", "2")
	props = packet.AppendUser(props, "JMSXGroupID", "g")
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		for qos := range byte(3) {
			h := packet.PublishHead{QoS: qos, ID: 7, Retain: true, Topic: []byte("t"), Properties: props}
			r := packet.NewReader(bytes.NewReader(packet.AppendPublish(nil, v, &h, "body")), packet.ReaderOptions{Version: v})
			p, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			k := new(content)
			k.setContent(p)
			c := &connection{now: 1000}
			c.setHeader(&k.Message, k, p.QoS, p.Retain)
			head := message.AppendHead(nil, &k.Message)
			m, err := message.Decode(head, []byte("body"), message.NewFormats(Formats()...))
			if err != nil {
				t.Fatal(err)
			}
			if m.Durable != (qos > 0) || byte(m.Assurance()) != qos || m.Flags&message.Retain == 0 {
				t.Errorf("%v QoS %d: %+v", v, qos, m.Header)
			}
			got := make(map[string]string)
			m.Properties(func(f message.Field) bool { got[f.Name] = f.Value.Text(); return true })
			want := map[string]string{"ActiveMQ.MQTT.QoS": string('0' + rune(qos)), "ActiveMQ.Retain": "true"}
			if v == packet.V5 {
				want["content-type"], want["k"] = "text/plain", "1"
				if m.GroupID != "g" {
					t.Errorf("group %q", m.GroupID)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%v", got)
			}
			for name, value := range want {
				if v, ok := m.Property(name); !ok || v.Text() != value || got[name] != value {
					t.Errorf("%s is %q", name, got[name])
				}
			}
			if p, _ := m.Payload(); p.Kind != message.BytesPayload || p.Value.Str() != "body" {
				t.Errorf("payload %v", p)
			}
		}
	}
	// Damage in the store is no reason to fall over.
	for _, head := range [][]byte{nil, {}, {0}, {3, 0x26}, {8, 0xff, 0xff}} {
		c := open(head, nil)
		c.Properties(func(message.Field) bool { return true })
		c.Property("x")
	}
}

// TestOverlay encodes a message that the broker has changed: of each property what holds now, once.
func TestOverlay(t *testing.T) {
	t.Parallel()
	props := packet.AppendUser(packet.AppendUser(nil, "k", "sent"), "other", "sent")
	h := packet.PublishHead{Topic: []byte("t"), Properties: props}
	p, err := packet.NewReader(bytes.NewReader(packet.AppendPublish(nil, packet.V5, &h, "")), packet.ReaderOptions{Version: packet.V5}).Next()
	if err != nil {
		t.Fatal(err)
	}
	k := new(content)
	k.setContent(p)
	c := &connection{now: 1000}
	c.setHeader(&k.Message, k, p.QoS, p.Retain)
	m := k.Message.With(
		message.Field{Name: "k", Value: message.OfString("old")}, message.Field{Name: "gone", Value: message.OfString("old")},
		message.Field{Name: "k", Value: message.OfString("new")}, message.Field{Name: "gone", Value: message.Value{}},
	)
	want := packet.AppendUser(packet.AppendUser(nil, "other", "sent"), "k", "new")
	if got := c.appendProperties(nil, m, k, false, nil); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
