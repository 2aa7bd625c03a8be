package mqtt_test

import (
	"bytes"
	"testing"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// secured returns a broker's options with two users: "reader", who has the rights that are given,
// and "writer", who may do everything.
func secured(readable ...string) brokertest.Option {
	all := []string{"writers"}
	o := security.Options{
		Users:       []security.User{{Name: "reader", Password: "p", Groups: []string{"readers"}}, {Name: "writer", Password: "p", Groups: all}},
		Permissions: []security.Permission{{Match: "topic://>", Read: all, Write: all, Admin: all}},
	}
	for _, match := range readable {
		o.Permissions = append(o.Permissions, security.Permission{Match: "topic://" + match, Read: []string{"readers"}, Admin: []string{"readers"}})
	}
	return brokertest.WithSecurity(o)
}

func connectAs(t testing.TB, b *brokertest.Broker, v packet.Version, user string, clean bool, props ...byte) *client {
	t.Helper()
	c := dial(t, b, v)
	c.login(&packet.Login{ClientID: []byte(user), CleanStart: clean, HasUser: true, User: []byte(user), HasPassword: true, Password: []byte("p")}, props...)
	return c
}

// TestSharesNeedRights shows that the right on a shared subscription is the one on its filter,
// whatever the share is called.
func TestSharesNeedRights(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, secured("open.>"))
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		c := connectAs(t, b, v, "reader", true)
		no := byte(0x80)
		if v == packet.V5 {
			no = byte(packet.NotAuthorized)
		}
		got := c.subscribe(1, "$share/open/open/x", "$share/open/secret/x", "$share/open/#", "$share/open/+/x", "$share/open/open/#", "#", "open/#")
		if want := []byte{1, no, no, no, 1, no, 1}; !bytes.Equal(got, want) {
			t.Errorf("%v: SUBACK %x, want %x", v, got, want)
		}
		c.disconnect(0)
	}
}

// TestRevokedRights shows that a right that is taken away is gone at once: for the subscriptions
// that are there, for those of kept sessions whose clients are away, and for retained messages.
func TestRevokedRights(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, secured("a.>", "b.>"))
	w := connectAs(t, b, packet.V5, "writer", true)
	w.publish("a/kept", "old", 1, true)
	c := connectAs(t, b, packet.V5, "reader", false, kept()...)
	c.subscribe(1, "a/live", "b/live")
	w.publish("a/live", "1", 1, false)
	c.expect("a/live=1 q1")
	b.Reload(secured("b.>"))
	w.publish("a/live", "2", 1, false)
	w.publish("b/live", "3", 1, false)
	c.acks = false
	c.expect("b/live=3 q1")
	_ = c.conn.Close()
	w.publish("a/live", "4", 1, false)
	c = dial(t, b, packet.V5)
	c.login(&packet.Login{ClientID: []byte("reader"), HasUser: true, User: []byte("reader"), HasPassword: true, Password: []byte("p")}, kept()...)
	c.expect("b/live=3 q1 dup")
	if codes := c.subscribe(1, "a/kept", "b/end"); codes[0] != byte(packet.NotAuthorized) || codes[1] != 1 {
		t.Errorf("SUBACK %x", codes)
	}
	w.publish("b/end", "5", 1, false)
	c.expect("b/end=5 q1")
	c.nothing()
}
