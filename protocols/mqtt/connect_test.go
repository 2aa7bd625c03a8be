package mqtt_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestConnectOctets compares answers to CONNECT octet by octet.
func TestConnectOctets(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{MaxPacket: 1 << 20, TopicAliasMaximum: -1}))
	for _, c := range []struct {
		about, send, want string
		end               bool
	}{
		{"3.1.1", "100d 0004 4d515454 04 02 003c 0001 61", "20 02 00 00", false},
		{"3.1", "100f 0006 4d5149736470 03 02 003c 0001 62", "20 02 00 00", false},
		{"a bridge", "100d 0004 4d515454 84 02 003c 0001 63", "20 02 00 00", false},
		{"5", "100e 0004 4d515454 05 02 003c 00 0001 64", "20 0b 00 00 08 21 0400 27 00100000", false},
		{"empty identifier", "100c 0004 4d515454 04 02 003c 0000", "20 02 00 00", false},
		{"empty identifier and a kept session", "100c 0004 4d515454 04 00 003c 0000", "20 02 00 02", true},
		{"the same in 3.1", "100e 0006 4d5149736470 03 00 003c 0000", "20 02 00 02", true},
		{"level 6", "100c 0004 4d515454 06 02 003c 0000", "20 02 00 01", true},
		{"level 2", "100c 0004 4d515454 02 02 003c 0000", "20 02 00 01", true},
		{"level of 5 by the name of 3.1", "100e 0006 4d5149736470 05 02 003c 0000", "20 02 00 01", true},
		{"another name", "100c 0004 4d515458 04 02 003c 0000", "", true},
		{"malformed in 3.1.1", "100c 0004 4d515454 04 03 003c 0000", "", true},
		{"malformed in 5", "100d 0004 4d515454 05 03 003c 00 0000", "20 1b 00 81 18 1f 0015 " + hexOf("reserved connect flag"), true},
		{"authentication method", "1013 0004 4d515454 05 02 003c 06 15 0003 585858 0000", "20 29 00 8c 26 1f 0023 " + hexOf("no authentication method is offered"), true},
		{"another packet first", "c0 00", "", true},
		{"PUBLISH first", "3004 0001 61 78", "", true},
		{"an endless length", "10 ff ff ff ff 01", "", true},
		{"a CONNECT of 1 MiB", "10 80 80 40 0004 4d515454 04", "", true},
	} {
		exchange(t, b, c.about, c.send, c.want, c.end)
	}
}

func hexOf(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(digits[s[i]>>4])
		b.WriteByte(digits[s[i]&15])
	}
	return b.String()
}

// TestSecondConnect ends the connection.
func TestSecondConnect(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		c := connect(t, b, v, "second", true)
		c.send(packet.AppendConnect(nil, v, &packet.Login{ClientID: []byte("second"), CleanStart: true}, nil))
		c.closed(packet.ProtocolError)
	})
}

// TestAssignedClientID gives a client without an identifier one that is its own.
func TestAssignedClientID(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	seen := make(map[string]bool)
	for _, clean := range []bool{true, false} {
		c := dial(t, b, packet.V5)
		c.send(packet.AppendConnect(nil, c.v, &packet.Login{CleanStart: clean}, nil))
		id := text(c.want(packet.Connack), packet.AssignedClientID)
		if id == "" || seen[id] {
			t.Errorf("assigned %q", id)
		}
		seen[id] = true
	}
}

// TestKeepAlive ends connections that are silent for one and a half times their interval, and
// tells clients of version 5 of the interval that holds.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithMQTT(mqtt.Options{MaxKeepAlive: time.Second}))
	versions(t, func(t *testing.T, v packet.Version) {
		c := dial(t, b, v)
		c.send(packet.AppendConnect(nil, v, &packet.Login{ClientID: []byte("silent" + v.String()), CleanStart: true, KeepAlive: 60}, nil))
		p := c.want(packet.Connack)
		if n := p.Properties.Num(packet.ServerKeepAlive, 0); v == packet.V5 && n != 1 {
			t.Errorf("server keep alive %d", n)
		}
		begin := time.Now()
		c.closed(packet.KeepAliveTimeout)
		if d := time.Since(begin); d < time.Second {
			t.Errorf("closed after %v", d)
		}
	})
}

// TestTakeOver ends the older connection of a client.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		old := connect(t, b, v, "same"+v.String(), true)
		young := connect(t, b, v, "same"+v.String(), true)
		old.closed(packet.SessionTakenOver)
		young.nothing()
	})
}

// TestLogin checks that only who proves who it is gets in, and what the others are told.
func TestLogin(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, brokertest.WithSecurity(security.Options{Users: []security.User{{Name: "u", Password: "p"}}}))
	for _, v := range []packet.Version{packet.V31, packet.V311, packet.V5} {
		for _, c := range []struct {
			user, password string
			has            bool
			code           packet.Reason
		}{{"u", "p", true, 0}, {"u", "q", true, 5}, {"x", "p", true, 5}, {"", "", false, 5}} {
			k := dial(t, b, v)
			k.send(packet.AppendConnect(nil, v, &packet.Login{
				ClientID: []byte("c"), CleanStart: true, HasUser: c.has, HasPassword: c.has, User: []byte(c.user), Password: []byte(c.password),
			}, nil))
			want := c.code
			if v == packet.V5 && want != 0 {
				want = packet.BadUserOrPassword
			}
			if p := k.want(packet.Connack); p.Reason != want || p.SessionPresent {
				t.Errorf("%v, %q %q: %v, want %v", v, c.user, c.password, p.Reason, want)
			}
			if c.code != 0 && k.read() != nil {
				t.Errorf("%v, %q %q: the connection goes on", v, c.user, c.password)
			}
		}
	}
}

// TestPipelined sends everything at once, without waiting for CONNACK, which comes first all the
// same.
func TestPipelined(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	versions(t, func(t *testing.T, v packet.Version) {
		c := dial(t, b, v)
		topic := "pipelined/" + v.String()
		wire := packet.AppendConnect(nil, v, &packet.Login{ClientID: []byte("hasty" + v.String()), CleanStart: true}, nil)
		wire = packet.AppendFilters(wire, v, packet.Subscribe, 1, []packet.Filter{{Filter: []byte(topic), Options: 1}}, nil)
		wire = packet.AppendPublish(wire, v, &packet.PublishHead{QoS: 1, ID: 2, Topic: []byte(topic)}, "x")
		c.send(wire)
		c.want(packet.Connack)
		var got []string
		for range 3 {
			got = append(got, show(c.read()))
		}
		// The PUBACK may stand anywhere, the message only behind the SUBACK.
		message := slices.Index(got, "PUBLISH "+topic+"=x q1")
		if message < slices.Index(got, "SUBACK 01") || !slices.Contains(got, "PUBACK 0") || !slices.Contains(got, "SUBACK 01") {
			t.Errorf("%v", got)
		}
	})
}

// TestHostileClientIDs lets strange identifiers be, and refuses those that are too long.
func TestHostileClientIDs(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	for _, id := range []string{"#", "+", "a/b", "$share", "a.b>*", "日本", "\ufeff", " ", strings.Repeat("x", 4096), "AT_LEAST_ONCE:a", "queue://x"} {
		for range 2 {
			c := connect(t, b, packet.V311, id, false)
			c.subscribe(1, "hostile")
			c.publish("hostile", "x", 1, false)
			if got := show(c.receive()); got != "PUBLISH hostile=x q1" {
				t.Errorf("%q: %s", id, got)
			}
			c.disconnect(0)
		}
	}
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		c := dial(t, b, v)
		c.send(packet.AppendConnect(nil, v, &packet.Login{ClientID: []byte(strings.Repeat("x", 60000)), CleanStart: true}, nil))
		if p := c.want(packet.Connack); p.Reason != 2 && p.Reason != packet.ClientIDNotValid {
			t.Errorf("%v: %v", v, p.Reason)
		}
	}
}
