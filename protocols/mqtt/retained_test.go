package mqtt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestRetained keeps the last message of a topic for later subscribers, over a restart too.
func TestRetained(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, v packet.Version) {
		dir := t.TempDir()
		noFigures := brokertest.WithMQTT(mqtt.Options{SysInterval: -1})
		b := brokertest.Start(t, brokertest.WithStore(dir), noFigures)
		live := connect(t, b, v, "live", true)
		live.subscribe(2, "r/#")
		p := connect(t, b, v, "p", true)
		for i := range 3 {
			p.publish(fmt.Sprintf("r/%d", i), "old", byte(i), true)
			p.publish(fmt.Sprintf("r/%d", i), "new", byte(i), true)
			p.publish(fmt.Sprintf("r/%d", i), "passing", 0, false)
			live.expect(fmt.Sprintf("r/%d=old q%d", i, i), fmt.Sprintf("r/%d=new q%d", i, i), fmt.Sprintf("r/%d=passing q0", i))
		}
		p.publish("r/gone", "x", 1, true)
		p.publish("r/gone", "", 1, true)
		live.expect("r/gone=x q1", "r/gone= q1")
		for round := range 2 {
			s := connect(t, b, v, "s", true)
			s.subscribe(1, "r/+")
			got := make(map[string]bool)
			for range 3 {
				got[show(s.receive())] = true
			}
			for i := range 3 {
				if want := fmt.Sprintf("PUBLISH r/%d=new q%d retain", i, min(i, 1)); !got[want] {
					t.Errorf("round %d: %v, want %s", round, got, want)
				}
			}
			s.nothing()
			s.subscribe(1, "r/1") // also where it was matched before
			s.expect("r/1=new q1 retain")
			s.subscribe(1, "r/1")
			s.expect("r/1=new q1 retain")
			s.nothing()
			s.disconnect(0)
			if round == 0 {
				if err := b.Close(); err != nil {
					t.Fatal(err)
				}
				b = brokertest.Start(t, brokertest.WithStore(dir), noFigures)
			}
		}
	})
}

// TestRetainHandling sends retained messages as the subscription asks for.
func TestRetainHandling(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	p := connect(t, b, packet.V5, "p", true)
	p.publish("rh", "x", 1, true)
	for _, c := range []struct {
		options     packet.Options
		first, then int
	}{{0, 1, 1}, {onlyIfNew, 1, 0}, {noRetained, 0, 0}} {
		s := connect(t, b, packet.V5, fmt.Sprint(c.options), true)
		for _, n := range []int{c.first, c.then} {
			s.subscribe(c.options|1, "rh")
			for range n {
				s.expect("rh=x q1 retain")
			}
			s.nothing()
		}
		s.unsubscribe("rh")
		s.subscribe(c.options|1, "rh")
		for range c.first {
			s.expect("rh=x q1 retain")
		}
		s.nothing()
	}
	s := connect(t, b, packet.V5, "shares", true)
	s.subscribe(1, "$share/g/rh")
	s.nothing()
}

// TestRetainAsPublished keeps the flag of live messages where that is asked for.
func TestRetainAsPublished(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	s := connect(t, b, packet.V5, "rap", true)
	s.subscribe(retainAsPublished|1, "rap/a")
	s.subscribe(1, "rap/b")
	p := connect(t, b, packet.V5, "p", true)
	for _, retain := range []bool{true, false} {
		p.publish("rap/a", "x", 1, retain)
		p.publish("rap/b", "x", 1, retain)
		if retain {
			s.expect("rap/a=x q1 retain", "rap/b=x q1")
		} else {
			s.expect("rap/a=x q1", "rap/b=x q1")
		}
	}
}

// TestRetainedExpiry ends retained messages, and sends what is left of their life.
func TestRetainedExpiry(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	p := connect(t, b, packet.V5, "p", true)
	p.publish("re/short", "x", 1, true, packet.AppendNum(nil, packet.MessageExpiry, 1)...)
	p.publish("re/long", "x", 1, true, packet.AppendNum(nil, packet.MessageExpiry, 100)...)
	<-time.After(1100 * time.Millisecond) // the time itself is what is tested
	s := connect(t, b, packet.V5, "s", true)
	s.subscribe(1, "re/#")
	m := s.receive()
	if n := m.Properties.Num(packet.MessageExpiry, 0); show(m) != "PUBLISH re/long=x q1 retain" || n < 80 || n > 99 {
		t.Errorf("%s, expiry %d", show(m), n)
	}
	s.nothing()
}

// TestFigures reads the broker's figures.
func TestFigures(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{Version: "1.2.3", SysInterval: 20 * time.Millisecond}))
	c := connect(t, b, packet.V311, "figures", true)
	c.subscribe(0, "#")
	c.nothing()
	c.subscribe(0, "$SYS/broker/version", "$SYS/broker/clients/connected", "$SYS/broker/publish/messages/received")
	c.publish("x", "y", 0, false)
	want := map[string]string{"$SYS/broker/version": "manifold version 1.2.3", "$SYS/broker/clients/connected": "1", "$SYS/broker/publish/messages/received": "1"}
	for len(want) > 0 {
		m := c.receive()
		if want[string(m.Topic)] == string(m.Payload) {
			delete(want, string(m.Topic))
		}
	}
}
