package mqtt_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// The subscription options of version 5.
const (
	noLocal           packet.Options = 1 << 2
	retainAsPublished packet.Options = 1 << 3
	onlyIfNew         packet.Options = 1 << 4
	noRetained        packet.Options = 2 << 4
)

// TestFilters compares which topics which filters match.
func TestFilters(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		p := connect(t, b, v, "p"+v.String(), true)
		root := "f" + v.String()[:1] + v.String()[len(v.String())-1:]
		for i, c := range []struct {
			filter, topic string
			matches       bool
		}{
			{"a/b", "a/b", true}, {"a/b", "a/B", false}, {"a/+", "a/b", true}, {"a/+", "a/", true}, {"a/+", "a", false}, {"a/+", "a/b/c", false},
			{"a/#", "a", true}, {"a/#", "a/", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"+/+", "/x", true}, {"+", "a", true},
			{"+", "/a", false}, {"/+", "/a", true}, {"a//b", "a//b", true}, {"a/+/b", "a//b", true}, {"a.b", "a.b", true}, {"a.b", "a/b", false},
			{"a.+", "a.x", false}, {"a/*", "a/*", true}, {"a/*", "a/b", false}, {"a/>", "a/>", true}, {"a/>", "a/b/c", false}, {"a/+/#", "a/b", true},
		} {
			prefix := fmt.Sprintf("%s%d/", root, i)
			s := connect(t, b, v, "s"+prefix, true)
			if c.filter == "a.+" { // no filter at all
				if v != packet.V31 {
					if codes := s.subscribe(0, prefix+c.filter); codes[0] < 0x80 {
						t.Errorf("%s is granted", c.filter)
					}
				}
				continue
			}
			s.subscribe(0, prefix+c.filter)
			p.publish(prefix+c.topic, "x", 0, false)
			p.nothing()
			if c.matches {
				s.expect(prefix + c.topic + "=x q0")
			} else {
				s.nothing()
			}
			s.disconnect(0)
		}
	})
}

// TestSubscribeCodes answers each filter of a SUBSCRIBE and of an UNSUBSCRIBE in its place.
func TestSubscribeCodes(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	filters := []string{"a", "a#", "b/+", "", "c/#/d", "$share/g", "$share//x", "$share/g/x", "e"}
	bad := map[packet.Version]byte{packet.V31: 1, packet.V311: 0x80, packet.V5: 0x8f}
	versions(t, func(t *testing.T, v packet.Version) {
		c := connect(t, b, v, "codes"+v.String(), true)
		x := bad[v]
		if got, want := c.subscribe(1, filters...), []byte{1, x, 1, x, x, x, x, 1, 1}; !bytes.Equal(got, want) {
			t.Errorf("SUBACK %x, want %x", got, want)
		}
		got := c.unsubscribe("a", "a", "b/+", "unknown", "$share/g/x", "$share/h/x", "a#")
		if want := []byte{0, 0x11, 0, 0x11, 0, 0x11, 0x8f}; v == packet.V5 && !bytes.Equal(got, want) {
			t.Errorf("UNSUBACK %x, want %x", got, want)
		}
		p := connect(t, b, v, "p"+v.String(), true)
		p.publish("a", "x", 1, false)
		p.publish("e", "x", 1, false)
		c.expect("e=x q1")
		c.nothing()
	})
}

// TestReplace lets a later subscription with the same filter take the place of the first.
func TestReplace(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "replace/" + v.String()
		c := connect(t, b, v, "c"+topic, true)
		p := connect(t, b, v, "p"+topic, true)
		for qos := range byte(3) {
			c.subscribe(packet.Options(2-qos), topic)
			p.publish(topic, "x", 2, false)
			c.expect(fmt.Sprintf("%s=x q%d", topic, 2-qos))
			c.nothing()
		}
	})
}

// TestOverlap sends one copy where several filters match: with the best QoS, and with all
// identifiers.
func TestOverlap(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := connect(t, b, packet.V5, "overlap", true)
	sub := func(id uint32, qos packet.Options, filter string) {
		var props []byte
		if id != 0 {
			props = packet.AppendNum(nil, packet.SubscriptionID, id)
		}
		c.subscribeWith(props, qos, filter)
	}
	sub(7, 0, "o/+")
	sub(268435455, 2, "o/#")
	sub(0, 1, "o/x")
	p := connect(t, b, packet.V5, "p", true)
	p.publish("o/x", "1", 2, false)
	m := c.receive()
	var ids []uint32
	for props := m.Properties; ; {
		v, ok := props.Next()
		if !ok {
			break
		}
		if v.ID == packet.SubscriptionID {
			ids = append(ids, v.Num)
		}
	}
	if slices.Sort(ids); show(m) != "PUBLISH o/x=1 q2" || !slices.Equal(ids, []uint32{7, 268435455}) {
		t.Errorf("%s with %v", show(m), ids)
	}
	sub(0, 0, "o/+") // without one the identifier is gone
	c.unsubscribe("o/#")
	p.publish("o/x", "2", 2, false)
	if m := c.receive(); show(m) != "PUBLISH o/x=2 q1" || len(m.Properties) != 0 {
		t.Errorf("%s with %x", show(m), []byte(m.Properties))
	}
	c.nothing()
}

// TestNoLocal leaves out what the client itself publishes.
func TestNoLocal(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := connect(t, b, packet.V5, "me", true)
	c.subscribe(noLocal|1, "nl/a")
	c.subscribe(1, "nl/b")
	p := connect(t, b, packet.V5, "other", true)
	c.publish("nl/a", "mine", 0, false)
	c.publish("nl/b", "mine", 0, false)
	c.expect("nl/b=mine q0")
	p.publish("nl/a", "theirs", 1, false)
	c.expect("nl/a=theirs q1")
	c.nothing()
}

// TestShared gives each message to one member, and all that are away to those that are not.
func TestShared(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "shared/" + v.String()
		var members []*client
		for i := range 3 {
			c := connect(t, b, v, fmt.Sprint(i, topic), true)
			if codes := c.subscribe(1, "$share/g/"+topic); codes[0] != 1 {
				t.Fatalf("%x", codes)
			}
			members = append(members, c)
		}
		all := connect(t, b, v, "all"+topic, true)
		all.subscribe(1, topic)
		p := connect(t, b, v, "p"+topic, true)
		const n = 30
		for i := range n {
			p.publish(topic, fmt.Sprint(i), 1, false)
		}
		seen := make(map[string]int)
		for range n {
			all.receive()
		}
		for _, c := range members {
			c.send(packet.AppendPing(nil, packet.Pingreq))
			count := 0
			for {
				m := c.read()
				if m == nil {
					t.Fatal("closed")
				}
				if m.Type == packet.Pingresp {
					break
				}
				seen[string(m.Payload)]++
				count++
				c.send(packet.AppendAnswer(nil, v, packet.Puback, m.ID, 0, nil))
			}
			if count == 0 {
				t.Error("a member got nothing")
			}
		}
		if len(seen) != n {
			t.Errorf("%d different messages of %d: %v", len(seen), n, seen)
		}
		members[0].unsubscribe("$share/g/" + topic)
		members[1].disconnect(0)
		p.publish(topic, "last", 1, false)
		members[2].expect(topic + "=last q1")
		members[0].nothing()
	})
}

// TestQueues lets clients send to and receive from queues by a prefix.
func TestQueues(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{QueuePrefix: "$queue/"}))
	versions(t, func(t *testing.T, v packet.Version) {
		name := "$queue/orders/" + v.String()
		p := connect(t, b, v, "p"+name, true)
		for i := range 4 {
			p.publish(name, fmt.Sprint(i), 1, false)
		}
		c := connect(t, b, v, "c"+name, true)
		c.subscribe(1, name)
		for i := range 4 {
			c.expect(fmt.Sprintf("%s=%d q1", name, i))
		}
		d := connect(t, b, v, "d"+name, true)
		d.subscribe(1, name)
		c.unsubscribe(name)
		p.publish(name, "x", 2, false)
		d.expect(name + "=x q1")
		c.nothing()
	})
}
