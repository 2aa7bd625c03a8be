package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/security"
)

func will(s string, delay time.Duration) *broker.Will {
	m := text(s, true)
	m.Address = topic("will")
	return &broker.Will{Message: m, Delay: delay}
}

// witness is somebody who hears wills, over restarts.
func (n *node) witness() *member {
	m := n.open("witness", broker.SessionOptions{Expiry: broker.Forever})
	if !m.Present() {
		m.bind(to("will", message.AtLeastOnce))
	}
	m.Subscription().Limit(100)
	return m
}

func TestWill(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		expiry time.Duration
		delay  time.Duration
		then   func(n *node, m *member)
		want   []string
	}{
		{"lost", time.Hour, 0, func(_ *node, m *member) { m.hangUp() }, []string{"w"}},
		{"lost, without a session", 0, time.Hour, func(_ *node, m *member) { m.hangUp() }, []string{"w"}},
		{"in order", time.Hour, 0, func(_ *node, m *member) { m.Session.Close(false); m.hangUp() }, nil},
		{"in order, with will", time.Hour, 0, func(_ *node, m *member) { m.Session.Close(true); m.hangUp() }, []string{"w"}},
		{"back in time", time.Hour, time.Hour, func(n *node, m *member) {
			m.hangUp()
			n.open("c", broker.SessionOptions{Expiry: time.Hour}).Session.Close(false)
		}, nil},
		{"back with a new session", time.Hour, time.Hour, func(n *node, m *member) {
			m.hangUp()
			n.open("c", broker.SessionOptions{Clean: true}).Session.Close(false)
		}, []string{"w"}},
		{"the delay is over", time.Hour, 20 * time.Millisecond, func(_ *node, m *member) { m.hangUp() }, []string{"w"}},
		{"the session ends first", time.Second, time.Hour, func(_ *node, m *member) { m.hangUp() }, []string{"w"}},
		{"deleted", time.Hour, time.Hour, func(n *node, _ *member) { _ = n.DeleteSession(context.Background(), "c") }, []string{"w"}},
		{"a crash", time.Hour, 0, func(n *node, _ *member) { n.crash() }, []string{"w"}},
		{"a crash, and the delay", time.Hour, 20 * time.Millisecond, func(n *node, _ *member) { n.crash() }, []string{"w"}},
		{"a crash, and back in time", time.Hour, time.Hour, func(n *node, _ *member) {
			n.crash()
			n.open("c", broker.SessionOptions{Expiry: time.Hour}).Session.Close(false)
		}, nil},
		{"a stop", time.Hour, 0, func(n *node, _ *member) { n.restart() }, []string{"w"}},
		{"a stop, and back in time", time.Hour, time.Hour, func(n *node, _ *member) {
			n.restart()
			n.open("c", broker.SessionOptions{Expiry: time.Hour}).Session.Close(false)
		}, nil},
		{"away over a stop", time.Hour, 200 * time.Millisecond, func(n *node, m *member) { m.hangUp(); n.restart() }, []string{"w"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, broker.Options{})
			n.witness().hangUp()
			c.then(n, n.open("c", broker.SessionOptions{Expiry: c.expiry, Will: will("w", c.delay)}))
			m := n.witness()
			got := m.receive(len(c.want))
			equal(t, got, c.want)
			if len(got) > 0 {
				m.settle(1, 1)
			}
			// Whatever has happened: it does not come again.
			n.restart()
			n.connect("p").publish("will", "end", message.AtLeastOnce, 0)
			equal(t, n.witness().receive(1), []string{"end"})
		})
	}
}

func TestWillIsPublishedAsItsClient(t *testing.T) {
	t.Parallel()
	authority, err := security.New(security.Options{
		Users: []security.User{{Name: "app", Password: "x", Groups: []string{"apps"}}, {Name: "root", Password: "x", Groups: []string{"admins"}}},
		Permissions: []security.Permission{
			{Match: "topic://>", Read: []string{"admins"}, Write: []string{"admins"}, Admin: []string{"admins", "apps"}},
			{Match: "topic://will", Write: []string{"apps"}},
			{Match: "topic://free", Read: []string{"apps"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Security: authority})
	login := func(user, id string, o broker.SessionOptions) *member {
		t.Helper()
		c := &client{t: t, confirmed: make(map[broker.Token]error)}
		c.cond.L = &c.mu
		m := &member{client: c, used: make(map[uint32]bool)}
		o.Tag = m.tag
		var err error
		if c.Connection, err = n.Connect(context.Background(), broker.Login{ClientID: id, User: user, HasUser: true, Password: "x"}, c); err != nil {
			t.Fatal(err)
		}
		tok := m.token()
		if m.Session, err = c.OpenSession(o, sink{c}, tok); err != nil {
			t.Fatal(err)
		}
		m.Flush()
		if err := m.confirm(tok); err != nil {
			t.Fatal(err)
		}
		return m
	}
	root := login("root", "root", broker.SessionOptions{Expiry: broker.Forever})
	root.bind(to(">", message.AtLeastOnce))
	root.hangUp()
	elsewhere := will("refused", 0)
	elsewhere.Message.Address = topic("elsewhere")
	login("app", "a", broker.SessionOptions{Expiry: time.Hour, Will: will("allowed", time.Hour)})
	login("app", "b", broker.SessionOptions{Expiry: time.Hour, Will: elsewhere})
	n.crash()
	for _, id := range []string{"a", "b"} {
		if err := n.DeleteSession(context.Background(), id); err != nil {
			t.Fatal(err)
		}
	}
	root = login("root", "root", broker.SessionOptions{Expiry: broker.Forever})
	root.Subscription().Limit(10)
	root.publish("end", "end", message.AtLeastOnce, 0)
	equal(t, root.receive(2), []string{"allowed", "end"})

	// Bindings need the right to read, then and later.
	app := login("app", "app", broker.SessionOptions{Expiry: time.Hour})
	if errs := app.Bind([]broker.Binding{to("will", 1)}, 0); !fault.Is(errs[0], fault.Forbidden) {
		t.Errorf("bind: %v", errs[0])
	}
	app.bind(to("free", message.AtLeastOnce))
	app.hangUp()
	if err := authority.Reload(security.Options{
		Users:       []security.User{{Name: "app", Password: "x"}},
		Permissions: []security.Permission{{Match: "topic://>", Read: []string{"admins"}}},
	}); err != nil {
		t.Fatal(err)
	}
	n.ReloadPolicies()
	for range 2 {
		n.Sessions(func(i broker.SessionInfo) bool {
			if i.Client == "app" && i.Bindings != 0 {
				t.Error("a binding has survived the loss of its user's right")
			}
			return true
		})
		n.restart()
	}
}
