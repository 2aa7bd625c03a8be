package mqtt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// resume connects a client again that was there before, and says whether its session was.
func resume(t testing.TB, b *brokertest.Broker, v packet.Version, id string, clean bool) (*client, bool) {
	t.Helper()
	c := dial(t, b, v)
	return c, c.login(&packet.Login{ClientID: []byte(id), CleanStart: clean}, keptFor(v)...)
}

// TestSessionPresent tells whether there was a session, and ends it when a clean one is asked for.
func TestSessionPresent(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		id := "present" + v.String()
		for i, step := range []struct{ clean, present bool }{{false, false}, {false, true}, {true, false}, {false, v == packet.V5}} {
			c, present := resume(t, b, v, id, step.clean)
			if v == packet.V31 {
				present = step.present // 3.1 does not say
			}
			if present != step.present {
				t.Errorf("step %d: present %t", i, present)
			}
			c.disconnect(0)
		}
	})
}

// TestOffline keeps messages with QoS 1 and 2 for a client that is away, in their order, and
// those with QoS 0 not.
func TestOffline(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "offline/" + v.String()
		c := connect(t, b, v, "s"+topic, false, keptFor(v)...)
		c.subscribe(2, topic)
		c.disconnect(0)
		p := connect(t, b, v, "p"+topic, true)
		for i := range 9 {
			p.publish(topic, fmt.Sprint(i), byte(i%3), false)
		}
		c, _ = resume(t, b, v, "s"+topic, false)
		for i := range 9 {
			if i%3 > 0 {
				c.expect(fmt.Sprintf("%s=%d q%d", topic, i, i%3))
			}
		}
		c.nothing()
		p.publish(topic, "live", 0, false)
		c.expect(topic + "=live q0")
	})
}

// TestResume sends again what was not acknowledged: the same identifiers, in the same order, and
// of what the client has received only PUBREL.
func TestResume(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		topic := "resume/" + v.String()
		c := connect(t, b, v, "s"+topic, false, keptFor(v)...)
		c.acks = false
		c.subscribe(2, topic)
		p := connect(t, b, v, "p"+topic, true)
		var ids []uint16
		for i := range 5 {
			p.publish(topic, fmt.Sprint(i), byte(1+i%2), false)
			ids = append(ids, c.receive().ID)
		}
		c.send(packet.AppendAnswer(nil, v, packet.Pubrec, ids[3], 0, nil))
		if r := c.want(packet.Pubrel); r.ID != ids[3] {
			t.Errorf("PUBREL for %d", r.ID)
		}
		c.send(packet.AppendAnswer(nil, v, packet.Puback, ids[0], 0, nil))
		c.nothing()
		c.cut()
		p.publish(topic, "new", 1, false)
		for range 2 {
			c, _ = resume(t, b, v, "s"+topic, false)
			c.acks = false
			for i := 1; i < 5; i++ {
				if i == 3 {
					if r := c.want(packet.Pubrel); r.ID != ids[3] {
						t.Errorf("PUBREL for %d, want %d", r.ID, ids[3])
					}
					continue
				}
				m := c.receive()
				if got, want := show(m), fmt.Sprintf("PUBLISH %s=%d q%d dup", topic, i, 1+i%2); got != want || m.ID != ids[i] {
					t.Errorf("%s with %d, want %s with %d", got, m.ID, want, ids[i])
				}
			}
			if m := c.receive(); string(m.Payload) != "new" {
				t.Errorf("%s", show(m))
			}
			c.cut()
		}
		c, _ = resume(t, b, v, "s"+topic, false)
		for done := 0; done < 5; {
			m := c.read()
			switch {
			case m == nil:
				t.Fatal("the connection was closed")
			case m.Type == packet.Pubrel:
				c.send(packet.AppendAnswer(nil, v, packet.Pubcomp, m.ID, 0, nil))
				done++
			case m.QoS == 1:
				c.send(packet.AppendAnswer(nil, v, packet.Puback, m.ID, 0, nil))
				done++
			case v == packet.V5:
				c.send(packet.AppendAnswer(nil, v, packet.Pubrec, m.ID, packet.QuotaExceeded, nil))
				done++
			default: // which has no way to refuse
				c.send(packet.AppendAnswer(nil, v, packet.Pubrec, m.ID, 0, nil))
			}
		}
		c.nothing()
	})
}

// TestRestart takes a session over a restart of the broker: subscriptions, what waits, what is
// under way in both directions, and the identifiers of both.
func TestRestart(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v packet.Version) {
		dir := t.TempDir()
		b := brokertest.Start(t, brokertest.WithStore(dir))
		c := connect(t, b, v, "s", false, keptFor(v)...)
		c.acks = false
		c.subscribe(2, "r/+")
		p := connect(t, b, v, "p", false, keptFor(v)...)
		p.publish("r/1", "released", 2, false)
		p.publish("r/2", "received", 2, false)
		p.publish("r/3", "acknowledged", 1, false)
		p.publish("r/4", "sent", 1, false)
		released, received, acknowledged, sent := c.receive().ID, c.receive().ID, c.receive().ID, c.receive().ID
		c.send(packet.AppendAnswer(nil, v, packet.Pubrec, released, 0, nil))
		c.want(packet.Pubrel)
		c.send(packet.AppendAnswer(nil, v, packet.Puback, acknowledged, 0, nil))
		c.nothing()
		p.send(packet.AppendPublish(nil, v, &packet.PublishHead{QoS: 2, ID: 77, Topic: []byte("r/5")}, "unreleased"))
		p.want(packet.Pubrec)
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		b = brokertest.Start(t, brokertest.WithStore(dir))
		c, present := resume(t, b, v, "s", false)
		if !present && v != packet.V31 {
			t.Error("the session is gone")
		}
		c.acks = false
		if r := c.want(packet.Pubrel); r.ID != released {
			t.Errorf("PUBREL for %d, want %d", r.ID, released)
		}
		for _, want := range []struct {
			text string
			id   uint16
		}{{"PUBLISH r/2=received q2 dup", received}, {"PUBLISH r/4=sent q1 dup", sent}, {"PUBLISH r/5=unreleased q2", 0}} {
			m := c.receive()
			if got := show(m); got != want.text && got != want.text+" dup" || want.id != 0 && m.ID != want.id {
				t.Errorf("%s with %d, want %s with %d", got, m.ID, want.text, want.id)
			}
		}
		c.nothing()
		p, _ = resume(t, b, v, "p", false)
		p.send(packet.AppendPublish(nil, v, &packet.PublishHead{QoS: 2, ID: 77, Dup: true, Topic: []byte("r/5")}, "unreleased"))
		p.want(packet.Pubrec)
		c.nothing()
		p.send(packet.AppendAnswer(nil, v, packet.Pubrel, 77, 0, nil))
		if a := p.want(packet.Pubcomp); a.Reason != 0 {
			t.Errorf("%v", a.Reason)
		}
		p.publish("r/6", "new", 1, false)
		if got := show(c.receive()); got != "PUBLISH r/6=new q1" {
			t.Errorf("%s", got)
		}
	})
}

// TestSessionExpiry ends sessions when their time is over, which DISCONNECT may change.
func TestSessionExpiry(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	expiry := func(n uint32) []byte { return packet.AppendNum(nil, packet.SessionExpiry, n) }
	// Zero ends with the connection.
	connect(t, b, packet.V5, "zero", false, expiry(0)...).disconnect(0)
	if _, present := resume(t, b, packet.V5, "zero", false); present {
		t.Error("a session without life is still there")
	}
	connect(t, b, packet.V5, "lowered", false, kept()...).disconnect(0, expiry(0)...)
	if _, present := resume(t, b, packet.V5, "lowered", false); present {
		t.Error("a session whose life was lowered to nothing is still there")
	}
	connect(t, b, packet.V5, "raised", false, expiry(1)...).disconnect(0, expiry(600)...)
	connect(t, b, packet.V5, "ends", false, expiry(1)...).disconnect(0)
	<-time.After(1500 * time.Millisecond) // the time itself is what is tested
	if _, present := resume(t, b, packet.V5, "raised", false); !present {
		t.Error("a session whose life was raised is gone")
	}
	if _, present := resume(t, b, packet.V5, "ends", false); present {
		t.Error("a session of one second is still there")
	}
	c := connect(t, b, packet.V5, "illegal", false)
	c.send(packet.AppendFarewell(nil, c.v, packet.Disconnect, 0, expiry(10)))
	c.closed(packet.ProtocolError)
}
