package mqtt_test

import (
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

func mortal(id string, delay uint32) *packet.Login {
	l := &packet.Login{ClientID: []byte(id), CleanStart: true, HasWill: true, WillQoS: 1, WillTopic: []byte("will/" + id), WillPayload: []byte("gone")}
	if delay > 0 {
		l.WillProperties = packet.AppendNum(nil, packet.WillDelay, delay)
	}
	return l
}

// TestWill publishes the will of a client whose connection ends without a DISCONNECT, and of no
// other.
func TestWill(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		id := v.String()
		s := connect(t, b, v, "s"+id, true)
		s.subscribe(2, "will/"+id)
		login := func() *client {
			c := dial(t, b, v)
			c.login(mortal(id, 0))
			return c
		}
		login().cut()
		s.expect("will/" + id + "=gone q1")
		login().disconnect(0)
		c := login()
		c.send([]byte{0, 0}) // a malformed packet
		c.closed(packet.MalformedPacket)
		s.expect("will/" + id + "=gone q1")
		// A take-over ends the connection without a DISCONNECT, too.
		login()
		last := login()
		s.expect("will/" + id + "=gone q1")
		if v == packet.V5 {
			last.disconnect(packet.DisconnectWithWill)
			s.expect("will/" + id + "=gone q1")
		} else {
			last.disconnect(0)
		}
		s.nothing()
	})
}

// TestWillRetained keeps a will that asks for it, with its properties.
func TestWillRetained(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "s", true)
	s.subscribe(1, "will/r")
	l := mortal("r", 0)
	l.WillRetain = true
	props := packet.AppendUser(packet.AppendUser(packet.AppendText(nil, packet.ContentType, "t"), "b", "1"), "a", "2")
	l.WillProperties = packet.AppendNum(append([]byte(nil), props...), packet.MessageExpiry, 100)
	c := dial(t, b, packet.V5)
	c.login(l)
	c.cut()
	m := s.receive()
	if show(m) != "PUBLISH will/r=gone q1" || string(m.Properties[:len(props)]) != string(props) || m.Properties.Num(packet.MessageExpiry, 0) == 0 {
		t.Errorf("%s with %x", show(m), []byte(m.Properties))
	}
	later := connect(t, b, packet.V5, "later", true)
	later.subscribe(1, "will/r")
	later.expect("will/r=gone q1 retain")
}

// TestWillDelay waits with the will: it is not published when the client comes back in time, and
// at the latest with the end of the session.
func TestWillDelay(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "s", true)
	s.subscribe(1, "will/#")
	c := dial(t, b, packet.V5)
	c.login(mortal("back", 1), kept()...)
	c.cut()
	again, present := resume(t, b, packet.V5, "back", false)
	if !present {
		t.Error("the session is gone")
	}
	begin := time.Now()
	c = dial(t, b, packet.V5)
	c.login(mortal("late", 1), kept()...)
	c.cut()
	s.expect("will/late=gone q1")
	if d := time.Since(begin); d < 900*time.Millisecond {
		t.Errorf("published after %v", d)
	}
	c = dial(t, b, packet.V5)
	c.login(mortal("ends", 600)) // the session ends with the connection, and the will comes with that
	c.cut()
	s.expect("will/ends=gone q1")
	c = dial(t, b, packet.V5)
	c.login(mortal("clean", 600), kept()...)
	c.cut()
	connect(t, b, packet.V5, "clean", true) // ends the session
	s.expect("will/clean=gone q1")
	again.disconnect(0)
	s.nothing()
}

// TestWillRestart keeps a will whose delay was running over a restart of the broker.
func TestWillRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := brokertest.Start(t, brokertest.WithStore(dir))
	s := connect(t, b, packet.V5, "s", false, kept()...)
	s.subscribe(1, "will/#")
	s.disconnect(0)
	c := dial(t, b, packet.V5)
	c.login(mortal("over", 2), kept()...)
	c.cut()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = brokertest.Start(t, brokertest.WithStore(dir))
	s, _ = resume(t, b, packet.V5, "s", false)
	s.expect("will/over=gone q1")
}
