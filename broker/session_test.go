package broker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
)

// member is a client with a session.
type member struct {
	*client
	*broker.Session
	used map[uint32]bool
	last uint32
}

// tag is SessionOptions.Tag: it is called with locks held, by one goroutine at a time for what the
// tests do with it.
func (m *member) tag(t uint32) uint32 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if t == 0 {
		for m.last++; m.used[m.last]; m.last++ {
		}
		t = m.last
	}
	m.used[t] = true
	return t
}

func (n *node) open(id string, o broker.SessionOptions) *member {
	n.t.Helper()
	m := &member{client: n.connect(id), used: make(map[uint32]bool)}
	o.Tag = m.tag
	t := m.token()
	s, err := m.OpenSession(o, sink{m.client}, t)
	if err != nil {
		n.t.Fatal(err)
	}
	m.Session = s
	m.Flush()
	if err := m.confirm(t); err != nil {
		n.t.Fatal(err)
	}
	return m
}

// to is a binding to a topic.
func to(pattern string, a message.Assurance) broker.Binding {
	return broker.Binding{Key: broker.BindingKey{Address: topic(pattern)}, Assurance: a}
}

func (m *member) bind(list ...broker.Binding) {
	m.client.t.Helper()
	t := m.token()
	for i, err := range m.Bind(list, t) {
		if err != nil {
			m.client.t.Fatalf("binding %d: %v", i, err)
		}
	}
	if err := m.confirm(t); err != nil {
		m.client.t.Fatal(err)
	}
}

// at returns a delivery.
func (m *member) at(i int) broker.Delivery {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.deliveries[i]
}

// hangUp ends the connection as a failure does.
func (m *member) hangUp() { m.Connection.Close() }

// settle ends the deliveries numbered up to n and waits until that is on disk.
func (m *member) settle(first, last uint64) {
	m.client.t.Helper()
	t := m.token()
	if _, err := m.Subscription().Settle(first, last, broker.Outcome{}, nil, t); err != nil {
		m.client.t.Fatal(err)
	}
	m.Flush()
	if err := m.confirm(t); err != nil {
		m.client.t.Fatal(err)
	}
}

// publish sends a message with flags to a topic.
func (c *client) publish(name, s string, a message.Assurance, flags message.Flags) {
	c.t.Helper()
	m := text(s, a != message.AtMostOnce)
	m.Flags = flags
	if a == message.ExactlyOnce {
		m.Flags |= message.OnceOnly
	}
	c.post(topic(name), m)
}

func TestSessionCollectsWhileItsClientIsAway(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		n := startNode(t, broker.Options{})
		m := n.open("sleeper", broker.SessionOptions{Expiry: broker.Forever})
		if m.Present() {
			t.Error("a new session was there before")
		}
		m.bind(to("a.>", message.AtLeastOnce), to("b", message.ExactlyOnce))
		m.hangUp()
		p := n.connect("p")
		p.publish("a.x", "0", message.AtLeastOnce, 0)
		p.publish("a.x", "lost", message.AtMostOnce, 0)
		p.publish("b", "1", message.ExactlyOnce, 0)
		p.publish("c", "elsewhere", message.AtLeastOnce, 0)
		p.publish("a", "2", message.ExactlyOnce, 0)
		if restart {
			n.restart()
		}
		m = n.open("sleeper", broker.SessionOptions{Expiry: broker.Forever})
		if !m.Present() || len(m.Bindings()) != 2 {
			t.Fatalf("present %v, bindings %v", m.Present(), m.Bindings())
		}
		m.Subscription().Limit(10)
		equal(t, m.receive(3), []string{"0", "1", "2"})
		for i, want := range []message.Assurance{message.AtLeastOnce, message.ExactlyOnce, message.AtLeastOnce} {
			d := m.at(i)
			if note.Of(d.Note).Assurance() != want || d.Tag != uint32(i+1) || d.Flags&queue.Redelivered != 0 {
				t.Errorf("delivery %d: note %v, tag %d, flags %b", i, d.Note, d.Tag, d.Flags)
			}
		}
		p = n.connect("p2")
		p.publish("a.y", "3", message.AtMostOnce, 0)
		m.receive(4)
		if d := m.at(3); d.Tag != 0 || note.Of(d.Note).Assurance() != message.AtMostOnce {
			t.Errorf("at most once: note %v, tag %d", d.Note, d.Tag)
		}
	}
}

func TestSessionResumesWhatWasNotSettled(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		n := startNode(t, broker.Options{})
		o := broker.SessionOptions{Expiry: broker.Forever}
		m := n.open("c", o)
		m.bind(to(">", message.ExactlyOnce))
		m.Subscription().Limit(3)
		p := n.connect("p")
		for i, a := range []message.Assurance{message.ExactlyOnce, message.AtLeastOnce, message.ExactlyOnce, message.AtLeastOnce, message.ExactlyOnce} {
			p.publish("t", string(rune('a'+i)), a, 0)
		}
		m.receive(3)
		m.settle(1, 1)
		tok := m.token()
		if err := m.Subscription().SetPhase(3, 1, tok); err != nil {
			t.Fatal(err)
		}
		if err := m.confirm(tok); err != nil {
			t.Fatal(err)
		}
		m.hangUp()
		if restart {
			n.restart()
		}
		m = n.open("c", o)
		if !m.used[2] || !m.used[3] || len(m.used) != 2 {
			t.Fatalf("tags in use: %v", m.used)
		}
		m.Subscription().Limit(10)
		equal(t, m.receive(4), []string{"b", "c", "d", "e"})
		for i, want := range []broker.Delivery{
			{Tag: 2, Flags: queue.Redelivered}, {Tag: 3, Phase: 1, Flags: queue.Redelivered}, {Tag: 1}, {Tag: 4},
		} {
			if d := m.at(i); d.Tag != want.Tag || d.Phase != want.Phase || d.Flags&^queue.Acquired != want.Flags {
				t.Errorf("restart %v, delivery %d: tag %d, phase %d, flags %b", restart, i, d.Tag, d.Phase, d.Flags)
			}
		}
	}
}

func TestOverlappingBindingsBringAMessageOnce(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{})
	x, y, z := to("a.*", message.AtLeastOnce), to("a.b", message.ExactlyOnce), to(">", message.AtMostOnce)
	x.Identifier, y.Identifier, y.NoLocal, z.RetainAsPublished = 7, 3, true, true
	m.bind(x, y, z)
	m.Subscription().Limit(10)
	p := n.connect("p")
	p.publish("a.b", "all", message.ExactlyOnce, 0)
	p.publish("a.c", "two", message.ExactlyOnce, message.Retain)
	p.publish("z", "one", message.AtLeastOnce, 0)
	m.publish("a.b", "own", message.ExactlyOnce, 0)
	equal(t, m.receive(4), []string{"all", "two", "one", "own"})
	for i, want := range []struct {
		a      message.Assurance
		ids    []uint32
		retain bool
	}{
		{message.ExactlyOnce, []uint32{3, 7}, false},
		{message.AtLeastOnce, []uint32{7}, true},
		{message.AtMostOnce, nil, false},
		{message.AtLeastOnce, []uint32{7}, false}, // without the binding that is not for its own
	} {
		got := note.Of(m.at(i).Note)
		if ids := slices.Collect(got.Identifiers); got.Assurance() != want.a || !slices.Equal(ids, want.ids) || got.Retain() != want.retain {
			t.Errorf("delivery %d: %d %v %v", i, got.Assurance(), ids, got.Retain())
		}
	}
}

func TestBindingIsReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	o := broker.SessionOptions{Expiry: time.Hour}
	m := n.open("c", o)
	m.bind(to("a", message.AtLeastOnce))
	again := to("a", message.ExactlyOnce)
	again.Identifier = 9
	m.bind(again, to("b", message.AtLeastOnce))
	m.hangUp()
	n.restart()
	m = n.open("c", o)
	m.Subscription().Limit(10)
	p := n.connect("p")
	p.publish("a", "1", message.ExactlyOnce, 0)
	m.receive(1)
	if got := note.Of(m.at(0).Note); got.Assurance() != message.ExactlyOnce || len(slices.Collect(got.Identifiers)) != 1 {
		t.Errorf("note %v", got)
	}
	tok := m.token()
	errs := m.Unbind([]broker.BindingKey{{Address: topic("a")}, {Address: topic("never")}}, tok)
	if errs[0] != nil || !fault.Is(errs[1], fault.NotFound) {
		t.Errorf("unbind: %v", errs)
	}
	if err := m.confirm(tok); err != nil {
		t.Fatal(err)
	}
	p.publish("a", "2", message.AtLeastOnce, 0)
	p.publish("b", "3", message.AtLeastOnce, 0)
	equal(t, m.receive(2), []string{"1", "3"})
	m.settle(1, 2)
	m.hangUp()
	n.restart()
	if m = n.open("c", o); len(m.Bindings()) != 1 {
		t.Errorf("bindings after the restart: %v", m.Bindings())
	}
}

func TestConfirmationOfABindingGoesBeforeItsMessages(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{Expiry: broker.Forever})
	m.bind(to("other", message.AtLeastOnce))
	m.Subscription().Limit(100)
	p := n.connect("p")
	p.publish("t", "kept", message.AtLeastOnce, message.Retain)
	for range 20 {
		tok := m.token()
		m.mu.Lock()
		before := len(m.deliveries)
		m.mu.Unlock()
		m.Bind([]broker.Binding{to("t", message.ExactlyOnce)}, tok)
		m.mu.Lock()
		early := len(m.deliveries) > before && m.confirmed[tok] == nil && !slices.Contains(m.order, tok)
		m.mu.Unlock()
		if early {
			t.Fatal("a message came before the confirmation")
		}
		p.publish("t", "live", message.AtMostOnce, 0)
		if err := m.confirm(tok); err != nil {
			t.Fatal(err)
		}
		m.receive(before + 2)
		first, second := m.at(before), m.at(before+1)
		if body(first.Msg) != "kept" || body(second.Msg) != "live" || !note.Of(first.Note).Retain() || note.Of(second.Note).Retain() {
			t.Fatalf("got %s and %s", body(first.Msg), body(second.Msg))
		}
		m.settle(first.Number, second.Number)
		m.Subscription().Extend(2)
	}
}

func TestCleanSessionEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{})
	m.bind(to("a", message.ExactlyOnce))
	m.Subscription().Limit(1)
	p := n.connect("p")
	p.publish("a", "1", message.ExactlyOnce, 0)
	p.publish("a", "2", message.ExactlyOnce, 0)
	m.receive(1)
	m.hangUp()
	if all, _ := n.SessionCount(); all != 0 {
		t.Errorf("%d sessions are left", all)
	}
	m = n.open("c", broker.SessionOptions{Expiry: time.Hour})
	if m.Present() || len(m.Bindings()) != 0 {
		t.Error("the session was there before")
	}
	m.bind(to("a", message.AtLeastOnce))
	m.hangUp()
	p.publish("a", "3", message.AtLeastOnce, 0)
	m = n.open("c", broker.SessionOptions{Clean: true, Expiry: time.Hour})
	if m.Present() || len(m.Bindings()) != 0 {
		t.Error("a clean start found a session")
	}
	m.bind(to("a", message.AtLeastOnce))
	m.Subscription().Limit(10)
	p.publish("a", "4", message.AtLeastOnce, 0)
	equal(t, m.receive(1), []string{"4"})
	if err := m.SetExpiry(0); err != nil {
		t.Fatal(err)
	}
	m.Session.Close(false)
	m.Connection.Close()
	n.restart()
	if m = n.open("c", broker.SessionOptions{}); m.Present() {
		t.Error("the session outlived its end")
	}
	if err := m.SetExpiry(time.Second); !fault.Is(err, fault.Unsupported) {
		t.Errorf("expiry of a session that ends with its connection: %v", err)
	}
}

func TestSessionIsTakenOver(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	o := broker.SessionOptions{Expiry: time.Hour}
	m := n.open("c", o)
	m.bind(to("a", message.AtLeastOnce))
	m.Subscription().Limit(1)
	p := n.connect("p")
	p.publish("a", "1", message.AtLeastOnce, 0)
	m.receive(1)
	c := &client{t: t, confirmed: make(map[broker.Token]error)}
	c.cond.L = &c.mu
	var err error
	if c.Connection, err = n.Connect(context.Background(), broker.Login{ClientID: "c", TakeOver: true}, c); err != nil {
		t.Fatal(err)
	}
	m.await("the end", func() bool { return m.ended != nil })
	if !fault.Is(m.ended, fault.InUse) {
		t.Errorf("ended: %v", m.ended)
	}
	two := &member{client: c, used: make(map[uint32]bool)}
	o.Tag = two.tag
	if two.Session, err = c.OpenSession(o, sink{c}, 0); err != nil || !two.Present() {
		t.Fatal(err, two.Session)
	}
	two.Subscription().Limit(10)
	equal(t, two.receive(1), []string{"1"})
	if d := two.at(0); d.Tag != m.at(0).Tag || d.Flags&queue.Redelivered == 0 {
		t.Errorf("tag %d, flags %b", d.Tag, d.Flags)
	}
	if errs := m.Bind([]broker.Binding{to("b", 0)}, 0); !fault.Is(errs[0], fault.Closed) {
		t.Errorf("binding of the old connection: %v", errs)
	}
	m.Session.Close(true)
	p.publish("a", "2", message.AtLeastOnce, 0)
	two.receive(2)
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	ended := make(chan string, 10)
	listen := func() {
		n.Listen(func(e broker.Event) {
			if e.Kind == broker.SessionEnded {
				ended <- e.Client
			}
		})
	}
	listen()
	m := n.open("short", broker.SessionOptions{Expiry: time.Second})
	m.bind(to("a", message.AtLeastOnce))
	m.hangUp()
	if got := <-ended; got != "short" {
		t.Errorf("%s ended", got)
	}
	m = n.open("short", broker.SessionOptions{Expiry: time.Second})
	if m.Present() {
		t.Error("the session outlived its expiry")
	}
	m.bind(to("a", message.AtLeastOnce))
	m.Session.Close(false)
	n.restart()
	listen()
	for all, _ := n.SessionCount(); all > 0; all, _ = n.SessionCount() {
		<-ended
	}
	n.restart()
	if all, _ := n.SessionCount(); all != 0 {
		t.Error("the session is back after another restart")
	}
	if d := n.Durables(); len(d) != 0 {
		t.Errorf("subscriptions: %v", d)
	}
}

func TestSessionTakesFromQueues(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{Expiry: time.Hour})
	m.bind(broker.Binding{Key: broker.BindingKey{Address: q("Q")}, Assurance: message.AtLeastOnce, Identifier: 5})
	m.Subscription().Limit(10)
	n.connect("p").send(q("Q"), true, "1", "2")
	equal(t, m.receive(2), []string{"1", "2"})
	if d := m.at(0); d.Tag == 0 || note.Of(d.Note).Assurance() != message.AtLeastOnce || len(slices.Collect(note.Of(d.Note).Identifiers)) != 1 {
		t.Errorf("tag %d, note %v", d.Tag, d.Note)
	}
	m.settle(1, 1)
	m.hangUp()
	o := n.connect("other")
	o.subscribe(on(q("Q")), 10)
	equal(t, o.receive(1), []string{"2"})
	if d := o.deliveries[0]; d.Tag != 0 || len(d.Note) != 0 || d.Flags&queue.Redelivered == 0 {
		t.Errorf("another consumer: tag %d, note %v, flags %b", d.Tag, d.Note, d.Flags)
	}
}

func TestSessionRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Limits: broker.Limits{Subscriptions: 2}})
	m := n.open("c", broker.SessionOptions{})
	bad := func(b broker.Binding, k fault.Kind) {
		t.Helper()
		if errs := m.Bind([]broker.Binding{b}, 0); !fault.Is(errs[0], k) {
			t.Errorf("%+v: %v", b, errs[0])
		}
	}
	bad(broker.Binding{}, fault.InvalidName)
	bad(broker.Binding{Key: broker.BindingKey{Address: address.Address{Kind: address.TempTopic, Name: "t"}}}, fault.InvalidName)
	bad(broker.Binding{Key: broker.BindingKey{Address: q("q.>")}}, fault.Unsupported)
	bad(broker.Binding{Key: broker.BindingKey{Address: topic("t"), Share: "g"}, NoLocal: true}, fault.InvalidName)
	bad(broker.Binding{Key: broker.BindingKey{Address: topic("t")}, Assurance: 3}, fault.Malformed)
	bad(broker.Binding{Key: broker.BindingKey{Address: topic("t")}, Selector: "a ="}, fault.InvalidSelector)
	m.bind(to("1", 0), to("2", 0))
	bad(to("3", 0), fault.LimitReached)
	m.bind(to("2", 1))
	long := to(strings.Repeat("n", broker.MaxName), 1)
	long.Selector = "a = '" + strings.Repeat("x", 4<<20) + "'"
	m.Unbind([]broker.BindingKey{{Address: topic("1")}}, 0)
	bad(long, fault.LimitReached)
	if _, err := m.OpenSession(broker.SessionOptions{}, sink{m.client}, 0); !fault.Is(err, fault.InUse) {
		t.Errorf("a second session: %v", err)
	}
}

func TestSessionLimitsWhatWaits(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{Expiry: time.Hour, MaxQueued: 2})
	m.bind(to("a", message.AtLeastOnce))
	m.hangUp()
	p := n.connect("p")
	for _, s := range series("", 4) {
		p.publish("a", s, message.AtLeastOnce, 0)
	}
	n.Sessions(func(i broker.SessionInfo) bool {
		if i.Client != "c" || i.Connected || i.Dropped != 2 || i.Counters.Entries.Load() != 2 || i.Ended.IsZero() || i.Expiry != time.Hour {
			t.Errorf("%+v", i)
		}
		return true
	})
	m = n.open("c", broker.SessionOptions{Expiry: time.Hour})
	m.Subscription().Limit(10)
	equal(t, m.receive(2), series("", 2))
}

func TestExemptDeliveriesUseNoCredit(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{})
	m.bind(to("a", message.AtLeastOnce))
	m.Subscription().Limit(1)
	p := n.connect("p")
	for _, s := range series("", 5) {
		p.publish("a", s, message.AtMostOnce, 0)
	}
	p.publish("a", "5", message.AtLeastOnce, 0)
	p.publish("a", "6", message.AtLeastOnce, 0)
	equal(t, m.receive(6), series("", 6))
	if limit, last := m.Subscription().Credit(); limit != 6 || last != 6 {
		t.Errorf("credit up to %d, %d delivered", limit, last)
	}
}

func TestSessionsAreAdministered(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	m := n.open("c", broker.SessionOptions{Expiry: time.Hour})
	b := to("a.*", message.AtLeastOnce)
	b.Name = "AT_LEAST_ONCE:a/+"
	m.bind(b, to("quiet", message.AtMostOnce))
	list := n.Durables()
	if len(list) != 1 || list[0].Client != "c" || list[0].Name != b.Name || list[0].Address != topic("a.*") || list[0].Active != 1 {
		t.Errorf("durable subscriptions: %+v", list)
	}
	if err := n.DeleteSession(context.Background(), "nobody"); !fault.Is(err, fault.NotFound) {
		t.Errorf("delete: %v", err)
	}
	if err := n.DeleteSession(context.Background(), "c"); err != nil {
		t.Fatal(err)
	}
	m.await("the end", func() bool { return m.ended != nil })
	if all, connected := n.SessionCount(); all != 0 || connected != 0 {
		t.Errorf("%d sessions, %d connected", all, connected)
	}
	n.restart()
	if all, _ := n.SessionCount(); all != 0 {
		t.Error("the session is back")
	}
}

func TestOnceOfASession(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	for _, expiry := range []time.Duration{0, time.Hour} {
		send := func(m *member, key uint64) {
			t.Helper()
			once, err := m.Once(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			p, err := m.Producer(q("Q"))
			if err != nil {
				t.Fatal(err)
			}
			x := text("x", true)
			x.Address = q("Q")
			tok := m.token()
			if err := p.SendOnce(x, once, key, tok); err != nil {
				t.Fatal(err)
			}
			m.Flush()
			if err := m.confirm(tok); err != nil {
				t.Fatal(err)
			}
			if !once.Known(key) {
				t.Error("the key is not known")
			}
		}
		count := func() int64 { return n.Lookup(q("Q")).Queue().Counters().Entries.Load() }
		m := n.open("c", broker.SessionOptions{Expiry: expiry})
		send(m, 1)
		send(m, 1)
		before := count()
		m.hangUp()
		n.restart()
		m = n.open("c", broker.SessionOptions{Expiry: expiry})
		send(m, 1)
		if again := count() - before; expiry > 0 && again != 0 || expiry == 0 && again != 1 {
			t.Errorf("expiry %v: %d more", expiry, again)
		}
		m.hangUp()
		n.restart()
		m = n.open("c", broker.SessionOptions{Clean: true, Expiry: time.Hour})
		before = count()
		send(m, 1)
		if count() != before+1 {
			t.Error("a clean session knows an old key")
		}
		if err := n.DeleteSession(context.Background(), "c"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSessionThatCannotBeOpenedStaysAsItWas(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	n.witness().hangUp()
	o := broker.SessionOptions{Expiry: time.Hour, Will: will("kept", time.Hour)}
	n.open("c", o).hangUp()
	c := n.connect("c")
	bad := o
	bad.Will = will("", 0)
	bad.Will.Message.Address.Name = ""
	if _, err := c.OpenSession(bad, sink{c}, 0); !fault.Is(err, fault.InvalidName) {
		t.Errorf("a will to nowhere: %v", err)
	}
	c.Connection.Close()
	if _, err := c.OpenSession(o, sink{c}, 0); !fault.Is(err, fault.Closed) {
		t.Errorf("on a closed connection: %v", err)
	}
	gone := n.connect("never there")
	gone.Connection.Close()
	if _, err := gone.OpenSession(o, sink{gone}, 0); !fault.Is(err, fault.Closed) {
		t.Errorf("on a closed connection: %v", err)
	}
	if all, connected := n.SessionCount(); all != 2 || connected != 0 {
		t.Errorf("%d sessions, %d connected", all, connected)
	}
	if err := n.DeleteSession(context.Background(), "c"); err != nil {
		t.Fatal(err)
	}
	equal(t, n.witness().receive(1), []string{"kept"})
}
