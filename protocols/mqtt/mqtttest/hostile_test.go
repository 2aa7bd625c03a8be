package mqtttest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/mqtttest"
)

// canary is a client that others must not hurt. The function that it returns shows that it still
// works.
func canary(t testing.TB, target mqtttest.Target) (sings func()) {
	t.Helper()
	c := mqtttest.Open(t, target, 4)
	c.Login(mqtttest.Connect{ClientID: "canary"})
	c.Sub("mqtttest/canary", 2)
	return func() {
		t.Helper()
		c.Put(mqtttest.Message{Topic: "mqtttest/canary", Payload: "tweet", QoS: 2})
		c.Want("tweet")
		c.Quiet()
	}
}

func hostileTarget(t testing.TB) mqtttest.Target {
	return mqtttest.Target{Address: brokertest.Start(t).Addr("mqtt")}
}

// TestHostileLengths claims lengths that nothing follows, of every packet, before the login and
// after it: nothing is allocated for them, and what can't be is refused at once.
func TestHostileLengths(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for kind := range byte(16) {
		for _, length := range [][]byte{{0xff, 0xff, 0xff, 0x7f}, {0xff, 0xff, 0xff, 0xff, 0x7f}, {0x80, 0x80, 0x80, 0x80, 0x01}, {0x80, 0x80, 0x80, 0x00}} {
			for _, login := range []bool{false, true} {
				c := mqtttest.Open(t, target, 5)
				if login {
					c.Login(mqtttest.Connect{ClientID: fmt.Sprint("hostile", kind, length)})
				}
				_ = c.TryWrite(append([]byte{kind << 4}, length...), []byte("x"))
				if kind == mqtttest.PUBLISH && length[3] == 0x7f && len(length) == 4 {
					c.Close() // a packet of 256 MiB may be within limits: then the rest is awaited
					continue
				}
				if kind == mqtttest.CONNECT && !login && len(length) == 4 {
					c.Close() // likewise until the limit before the login
					continue
				}
				c.Refused()
			}
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.TotalAlloc-before.TotalAlloc) >> 20; grown > 64 {
		t.Errorf("%d MiB were allocated", grown)
	}
	sings()
}

// TestHostileInnerLengths claims lengths within packets, each two bytes of every valid packet
// replaced by great ones, and each packet cut off at every byte.
func TestHostileInnerLengths(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	connect := mqtttest.Raw(mqtttest.CONNECT<<4, append([]byte("\x00\x04MQTT\x05\xc6\x00\x3c\x05\x11\x00\x00\x00\x01"), "\x00\x01a\x03\x18\x00\x00\x00\x00\x01w\x00\x01p\x00\x01u\x00\x01p"...))
	for what, p := range map[string][]byte{
		"connect":     connect,
		"publish":     mqtttest.Raw(mqtttest.PUBLISH<<4|2, []byte("\x00\x01a\x00\x01\x0a\x26\x00\x01k\x00\x01v\x09\x00\x00x")),
		"subscribe":   mqtttest.Raw(mqtttest.SUBSCRIBE<<4|2, []byte("\x00\x01\x02\x0b\x01\x00\x01a\x00")),
		"unsubscribe": mqtttest.Raw(mqtttest.UNSUBSCRIBE<<4|2, []byte("\x00\x01\x00\x00\x01a")),
		"disconnect":  mqtttest.Raw(mqtttest.DISCONNECT<<4, []byte("\x00\x05\x11\x00\x00\x00\x00")),
		"puback":      mqtttest.Raw(mqtttest.PUBACK<<4, []byte("\x00\x01\x00\x04\x1f\x00\x01a")),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			for i := 2; i < len(p); i++ {
				wrong := bytes.Clone(p)
				if i+1 < len(p) {
					binary.BigEndian.PutUint16(wrong[i:], 0xffff)
				}
				cut := mqtttest.Raw(p[0], p[2:i])
				for _, b := range [][]byte{wrong, cut} {
					c := mqtttest.Open(t, target, 5)
					if what != "connect" {
						c.Login(mqtttest.Connect{ClientID: fmt.Sprint(what, i, len(b))})
					}
					// Some are right by chance: the connection is ended either way.
					_ = c.TryWrite(b, mqtttest.Raw(mqtttest.DISCONNECT<<4, nil))
					c.Closed()
				}
			}
		})
	}
	t.Run("canary", func(*testing.T) { sings() })
}

// TestHostileNoise sends noise and mutated sessions, the seeds of which are printed on a failure.
func TestHostileNoise(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	session := bytes.Join([][]byte{
		mqtttest.Raw(mqtttest.CONNECT<<4, []byte("\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x05noise")),
		mqtttest.Raw(mqtttest.SUBSCRIBE<<4|2, []byte("\x00\x01\x00\x00\x0cmqtttest/n/#\x02")),
		mqtttest.Raw(mqtttest.PUBLISH<<4|4, []byte("\x00\x0cmqtttest/n/a\x00\x02\x00payload")),
		mqtttest.Raw(mqtttest.PUBREL<<4|2, []byte("\x00\x02")),
		mqtttest.Raw(mqtttest.PUBREC<<4, []byte("\x00\x01")),
		mqtttest.Raw(mqtttest.PINGREQ<<4, nil),
		mqtttest.Raw(mqtttest.UNSUBSCRIBE<<4|2, []byte("\x00\x03\x00\x00\x0cmqtttest/n/#")),
		mqtttest.Raw(mqtttest.DISCONNECT<<4, []byte("\x00")),
	}, nil)
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		b := bytes.Clone(session)
		for range 1 + r.IntN(6) {
			i := r.IntN(len(b))
			switch r.IntN(4) {
			case 0:
				b[i] ^= 1 << r.IntN(8)
			case 1:
				b[i] = byte(r.Uint32())
			case 2:
				b = append(b[:i:i], b[min(len(b), i+1+r.IntN(4)):]...)
			default:
				b = append(b[:i:i], append([]byte{byte(r.Uint32()), byte(r.Uint32())}, b[i:]...)...)
			}
			if len(b) == 0 {
				b = []byte{0}
			}
		}
		c := mqtttest.Open(t, target, 5)
		_ = c.TryWrite(b)
		c.Close()
	}
	sings()
}

// TestHostileNames uses names that mean something elsewhere as client identifiers, topics and
// filters. They are text and nothing else.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	names := []string{
		"#", "+", ">", "*", "../../../etc/passwd", "a,b,topic://c", "queue://x", "temp-queue://a", "$SYS/broker", "$share/g/t", "$CONTROL/dynamic-security/v1",
		"ActiveMQ.Advisory.Connection", "Consumer.a.VirtualTopic.b", "' OR 1=1 --", "<script>alert(1)</script>", "\u202egnp", strings.Repeat("x", 65535), strings.Repeat("a/", 30000), "a\r\nb",
	}
	for i, name := range names {
		for _, version := range []byte{4, 5} {
			c := mqtttest.Open(t, target, version)
			_ = c.TryWrite(mqttConnect(version, name))
			c.Close()
			c = mqtttest.Open(t, target, version)
			c.Login(mqtttest.Connect{ClientID: fmt.Sprint("names", i, version)})
			_ = c.TryWrite(mqttSubscribe(version, name))
			c.Close()
			c = mqtttest.Open(t, target, version)
			c.Login(mqtttest.Connect{ClientID: fmt.Sprint("names", i, version)})
			_ = c.TryWrite(mqttPublish(version, name))
			c.Close()
		}
	}
	sings()
}

func text(s string) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(s))), s...) }

func block(version byte) []byte {
	if version == 5 {
		return []byte{0}
	}
	return nil
}

func mqttConnect(version byte, id string) []byte {
	return mqtttest.Raw(mqtttest.CONNECT<<4, bytes.Join([][]byte{text("MQTT"), {version, 2, 0, 60}, block(version), text(id)}, nil))
}

func mqttSubscribe(version byte, filter string) []byte {
	return mqtttest.Raw(mqtttest.SUBSCRIBE<<4|2, bytes.Join([][]byte{{0, 1}, block(version), text(filter), {1}}, nil))
}

func mqttPublish(version byte, topic string) []byte {
	return mqtttest.Raw(mqtttest.PUBLISH<<4|2, bytes.Join([][]byte{text(topic), {0, 1}, block(version), []byte("x")}, nil))
}

// TestHostileUnreleased leaves identifiers of QoS 2 without their PUBREL: their number is bounded,
// in version 5 by the receive maximum, and otherwise by the identifiers there are.
func TestHostileUnreleased(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	c := mqtttest.Open(t, target, 5)
	c.Login(mqtttest.Connect{ClientID: "unreleased"})
	for i := range 5000 {
		p := mqtttest.Raw(mqtttest.PUBLISH<<4|4, append(append(text("mqtttest/u"), byte((i+1)>>8), byte(i+1)), 0))
		if c.TryWrite(p) != nil {
			break
		}
	}
	last := c.Closed()
	if len(last) > 1100 {
		t.Errorf("%d identifiers were taken", len(last))
	}
	sings()
}

// TestHostileFlood sends many packets that cost more to answer than to send, and reads nothing.
func TestHostileFlood(t *testing.T) {
	t.Parallel()
	target := hostileTarget(t)
	sings := canary(t, target)
	for what, p := range map[string][]byte{
		"ping":        mqtttest.Raw(mqtttest.PINGREQ<<4, nil),
		"pubrel":      mqtttest.Raw(mqtttest.PUBREL<<4|2, []byte{0, 9}),
		"unsubscribe": mqtttest.Raw(mqtttest.UNSUBSCRIBE<<4|2, []byte("\x00\x01\x00\x01a")),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			c := mqtttest.Open(t, target, 4)
			c.Login(mqtttest.Connect{ClientID: "flood" + what})
			all := bytes.Repeat(p, 20000)
			_ = c.TryWrite(all)
			c.Close()
		})
	}
	t.Run("canary", func(*testing.T) { sings() })
}
