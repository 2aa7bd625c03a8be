package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store/memory"
)

// crash stops the broker as a power failure does, and starts it again.
func (n *node) crash() {
	n.t.Helper()
	n.Store().(*memory.Store).Fail(errors.New("power failure"))
	_ = n.Deactivate(context.Background(), nil)
	n.start()
}

func share(name, pattern string, a message.Assurance) broker.Binding {
	return broker.Binding{Key: broker.BindingKey{Address: topic(pattern), Share: name}, Assurance: a}
}

func sharedOn(name, pattern string) broker.SubscribeOptions {
	o := on(topic(pattern))
	o.Name, o.Shared = name, true
	return o
}

func TestSharedSubscriptionHasOneMembershipForAllClients(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.open("a", broker.SessionOptions{Expiry: time.Hour}), n.open("b", broker.SessionOptions{})
	x := share("g", "t.*", message.AtLeastOnce)
	x.Identifier = 3
	a.bind(x, to("t.1", message.AtLeastOnce))
	b.bind(share("g", "t.*", message.AtMostOnce))
	j := n.connect("jms")
	s := j.subscribe(sharedOn("g", "t.*"), 100)
	a.Subscription().Limit(100)
	b.Subscription().Limit(100)
	p := n.connect("p")
	for i := range 30 {
		p.publish("t.2", fmt.Sprint(i), message.AtLeastOnce, 0)
	}
	p.publish("t.1", "own", message.AtLeastOnce, 0)
	var all []string
	for _, c := range []*client{a.client, b.client, j} {
		c.receive(10)
	}
	a.await("the other binding's copy", func() bool {
		return slices.ContainsFunc(a.deliveries, func(d broker.Delivery) bool { return body(d.Msg) == "own" && len(note.Of(d.Note)) == 1 })
	})
	a.await("all", func() bool { return true })
	for _, c := range []*client{a.client, b.client, j} {
		c.mu.Lock()
		for _, d := range c.deliveries {
			all = append(all, body(d.Msg))
			wantNote := map[*client]int{a.client: 2, b.client: 1}[c]
			if body(d.Msg) != "own" && len(d.Note) != wantNote {
				t.Errorf("note %v", d.Note)
			}
		}
		c.mu.Unlock()
	}
	if len(all) < 31 {
		t.Errorf("%d deliveries", len(all))
	}
	// Other topics under the name are other subscriptions for sessions, and an error for others.
	if errs := a.Bind([]broker.Binding{share("g", "other", 1)}, 0); errs[0] != nil {
		t.Errorf("another topic for a session: %v", errs[0])
	}
	if _, err := j.Subscribe(sharedOn("g", "third"), sink{j}, 0); !fault.Is(err, fault.InUse) {
		t.Errorf("another topic for a consumer: %v", err)
	}
	selective := sharedOn("g", "t.*")
	selective.Selector = "a = 1"
	if _, err := j.Subscribe(selective, sink{j}, 0); !fault.Is(err, fault.InUse) {
		t.Errorf("another selector for a consumer: %v", err)
	}
	y := share("g", "t.*", 1)
	y.Selector = "a = 1"
	if errs := b.Bind([]broker.Binding{y}, 0); !fault.Is(errs[0], fault.InUse) {
		t.Errorf("another selector for a session: %v", errs[0])
	}
	// It is durable by its consumer, so it stays when all have gone.
	if err := j.UnsubscribeClient("", "g", 0); !fault.Is(err, fault.InUse) {
		t.Errorf("unsubscribe while it is in use: %v", err)
	}
	s.Close(^uint64(0), 0)
	for _, m := range []*member{a, b} {
		m.Unbind([]broker.BindingKey{{Address: topic("t.*"), Share: "g"}, {Address: topic("other"), Share: "g"}}, 0)
	}
	n.restart()
	if list := n.Durables(); !slices.ContainsFunc(list, func(i broker.DurableInfo) bool { return i.Shared && i.Name == "g" && i.Address == topic("t.*") }) {
		t.Errorf("after the restart: %+v", list)
	}
}

func TestSharedSubscriptionOfSessionsEndsWithThem(t *testing.T) {
	t.Parallel()
	for _, expiry := range []time.Duration{0, time.Hour} {
		n := startNode(t, broker.Options{})
		o := broker.SessionOptions{Expiry: expiry}
		m := n.open("m", o)
		m.bind(share("g", "t", message.AtLeastOnce))
		p := n.connect("p")
		p.publish("t", "1", message.AtLeastOnce, 0)
		again := share("g", "t", message.ExactlyOnce)
		m.bind(again) // what waits is not lost by a replacement
		m.hangUp()
		p.publish("t", "2", message.AtLeastOnce, 0)
		p.publish("t", "nobody is there", message.AtMostOnce, 0)
		n.restart()
		m = n.open("m", o)
		if expiry == 0 {
			m.bind(again)
		}
		m.Subscription().Limit(10)
		p = n.connect("p")
		p.publish("t", "3", message.AtLeastOnce, 0)
		if expiry > 0 {
			equal(t, m.receive(3), []string{"1", "2", "3"})
		} else {
			equal(t, m.receive(1), []string{"3"})
		}
		if err := n.DeleteSession(context.Background(), "m"); err != nil {
			t.Fatal(err)
		}
		if list := n.Durables(); len(list) != 0 {
			t.Errorf("left: %+v", list)
		}
		n.restart()
		if list := n.Durables(); len(list) != 0 {
			t.Errorf("left after a restart: %+v", list)
		}
	}
}

func TestTransientSharedSubscription(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	o := sharedOn("g", "t")
	o.Transient = true
	a, b, p := n.connect("a"), n.connect("b"), n.connect("p")
	x, y := a.subscribe(o, 100), b.subscribe(o, 100)
	for i := range 10 {
		p.publish("t", fmt.Sprint(i), message.AtLeastOnce, 0)
	}
	a.receive(5)
	b.receive(5)
	if len(n.Durables()) != 0 {
		t.Error("it is listed as durable")
	}
	x.Close(^uint64(0), 0)
	b.receive(10) // what a had goes on
	y.Close(^uint64(0), 0)
	p.publish("t", "nobody", message.AtLeastOnce, 0)
	b.subscribe(o, 100)
	p.publish("t", "new", message.AtLeastOnce, 0)
	if got := b.receive(11); got[10] != "new" {
		t.Errorf("the subscription outlived its consumers: %v", got)
	}
	// A session that outlives its connection makes it so that it is kept, with what comes then.
	m := n.open("m", broker.SessionOptions{Expiry: time.Hour})
	m.bind(share("g", "t", message.AtLeastOnce))
	b.Connection.Close()
	p.publish("t", "kept", message.AtLeastOnce, 0)
	n.crash()
	m = n.open("m", broker.SessionOptions{Expiry: time.Hour})
	m.Subscription().Limit(10)
	if got := m.receive(1); got[len(got)-1] != "kept" && got[0] != "kept" {
		t.Errorf("after a crash: %v", got)
	}
}

// TestSharedExactlyOnceStaysWithItsMember: a message that is on its way to a member exactly once is
// nobody else's any more, over the member's absence and a crash.
func TestSharedExactlyOnceStaysWithItsMember(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		n := startNode(t, broker.Options{})
		o := broker.SessionOptions{Expiry: time.Hour}
		a, b := n.open("a", o), n.open("b", o)
		for _, m := range []*member{a, b} {
			m.bind(share("g", "t", message.ExactlyOnce), to("own", message.ExactlyOnce))
		}
		a.Subscription().Limit(3)
		p := n.connect("p")
		p.publish("t", "0", message.ExactlyOnce, 0)
		p.publish("t", "1", message.ExactlyOnce, 0)
		p.publish("t", "2", message.AtLeastOnce, 0)
		a.receive(3)
		p.publish("own", "3", message.ExactlyOnce, 0)
		p.publish("t", "4", message.ExactlyOnce, 0)
		a.settle(1, 1)
		tok := a.token()
		if err := a.Subscription().SetPhase(2, 1, tok); err != nil {
			t.Fatal(err)
		}
		if err := a.confirm(tok); err != nil {
			t.Fatal(err)
		}
		if crash {
			n.crash()
			b = n.open("b", o)
		} else {
			a.hangUp()
		}
		b.Subscription().Limit(100)
		equal(t, b.receive(3)[:0], nil)
		got := b.receive(3)
		slices.Sort(got)
		equal(t, got, []string{"2", "3", "4"})
		if d := b.at(0); !crash && d.Flags&queue.Redelivered != 0 {
			t.Errorf("crash %v: %s comes as a repetition to one who has not seen it", crash, body(d.Msg))
		}
		a = n.open("a", o)
		if len(a.used) != 1 || !a.used[2] {
			t.Fatalf("crash %v: tags in use %v", crash, a.used)
		}
		a.Subscription().Limit(100)
		equal(t, a.receive(2), []string{"1", "3"})
		if d := a.at(0); d.Tag != 2 || d.Phase != 1 || d.Flags&queue.Redelivered == 0 {
			t.Errorf("crash %v: tag %d, phase %d, flags %b", crash, d.Tag, d.Phase, d.Flags)
		}
		a.settle(1, 2)
		b.settle(1, 3)
		n.restart()
		for _, id := range []string{"a", "b"} {
			m := n.open(id, o)
			m.Subscription().Limit(100)
			m.publish("own", "end", message.AtLeastOnce, 0)
			if got := m.receive(1); got[0] != "end" {
				t.Errorf("crash %v: %s comes again to %s", crash, got[0], id)
			}
			m.hangUp()
		}
	}
}

// TestExactlyOnceSurvivesACrash: tags are on disk before deliveries, and the rest of a backlog comes
// behind them.
func TestExactlyOnceSurvivesACrash(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	o := broker.SessionOptions{Expiry: time.Hour}
	m := n.open("c", o)
	m.bind(to("t", message.ExactlyOnce))
	m.Subscription().Limit(3)
	p := n.connect("p")
	for _, s := range series("", 6) {
		p.publish("t", s, message.ExactlyOnce, 0)
	}
	m.receive(3)
	m.settle(1, 1)
	n.crash()
	m = n.open("c", o)
	if len(m.used) != 2 || !m.used[2] || !m.used[3] {
		t.Fatalf("tags in use: %v", m.used)
	}
	m.Subscription().Limit(10)
	equal(t, m.receive(5), series("", 6)[1:])
	for i, tag := range []uint32{2, 3, 1, 4, 5} {
		d := m.at(i)
		if d.Tag != tag || (d.Flags&queue.Redelivered != 0) != (i < 2) {
			t.Errorf("delivery %d: tag %d, flags %b", i, d.Tag, d.Flags)
		}
	}
}
