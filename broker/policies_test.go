package broker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
)

func TestPoliciesChangeWhatIsSent(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		set   func(*policy.Sending)
		check func(m *message.Message, now int64) bool
	}{
		"nothing":         {func(*policy.Sending) {}, func(m *message.Message, _ int64) bool { return m.Timestamp == 1000 && m.Expiry == 0 && !m.Durable }},
		"persistent":      {func(s *policy.Sending) { s.Mode = policy.Persistent }, func(m *message.Message, _ int64) bool { return m.Durable }},
		"stamp":           {func(s *policy.Sending) { s.Stamp = true }, func(m *message.Message, now int64) bool { return m.Timestamp >= now-10000 && m.Expiry == 0 }},
		"default to live": {func(s *policy.Sending) { s.DefaultTTL = time.Hour }, func(m *message.Message, now int64) bool { return m.Expiry > now+hour-10000 && m.Expiry <= now+hour }},
		"longest to live": {func(s *policy.Sending) { s.MaxTTL = time.Minute }, func(m *message.Message, now int64) bool { return m.Expiry > now && m.Expiry <= now+60000 }},
	} {
		n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { x.set(&p.Sending) })})
		c := n.connect("c")
		c.subscribe(on(q("Q")), 10)
		m := text("m", false)
		m.Timestamp = 1000
		c.post(q("Q"), m)
		c.receive(1)
		c.mu.Lock()
		if got := c.deliveries[0].Msg; !x.check(got, time.Now().UnixMilli()) {
			t.Errorf("%s: durable %t, sent %d, ends %d", name, got.Durable, got.Timestamp, got.Expiry)
		}
		c.mu.Unlock()
	}
}

func TestRejectedMessagesComeAgain(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) {
		p.Redelivery.Rejected, p.MaxDeliveries = true, 3
		p.DeadLetter.TTL = time.Hour
	})})
	c, dead := n.connect("c"), n.connect("dead")
	dead.subscribe(on(q("ActiveMQ.DLQ")), 10)
	s := c.subscribe(on(q("Q")), 100)
	c.send(q("Q"), true, "m")
	for i := range 3 {
		c.receive(i + 1)
		tok := c.token()
		if k, err := s.Settle(uint64(i+1), uint64(i+1), broker.Outcome{Kind: broker.Rejected, Cause: "bad"}, nil, tok); k != 1 || err != nil {
			t.Fatal(k, err)
		}
		c.Flush()
		if err := c.confirm(tok); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, dead.receive(1), []string{"m"})
	dead.mu.Lock()
	defer dead.mu.Unlock()
	if m := dead.deliveries[0].Msg; m.Expiry < time.Now().UnixMilli() || m.Expiry > time.Now().UnixMilli()+hour {
		t.Errorf("the dead letter ends at %d", m.Expiry)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if d := c.deliveries[2]; d.Count != 2 {
		t.Errorf("the third delivery has count %d", d.Count)
	}
}

func TestDispatchWaitsForConsumers(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://TWO", func(p *policy.Policy) { p.Start.Consumers = 2 })})
	c, d := n.connect("c"), n.connect("d")
	c.send(q("TWO"), true, series("m", 4)...)
	c.subscribe(on(q("TWO")), 10)
	c.send(q("OTHER"), true, "other")
	c.subscribe(on(q("OTHER")), 1)
	equal(t, c.receive(1), []string{"other"})
	d.subscribe(on(q("TWO")), 10)
	equal(t, c.receive(3), []string{"other", "m0", "m2"})
	equal(t, d.receive(2), []string{"m1", "m3"})
	late := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) {
		p.Start = policy.Start{Consumers: 100, After: 50 * time.Millisecond}
	})})
	e := late.connect("e")
	e.subscribe(on(q("Q")), 10)
	e.send(q("Q"), true, "m")
	equal(t, e.receive(1), []string{"m"})
}

func TestInactiveDestinationsAreDeleted(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://IDLE.>", func(p *policy.Policy) { p.Inactive = time.Nanosecond })})
	c := n.connect("c")
	c.send(q("IDLE.full"), true, "m")
	c.subscribe(on(q("IDLE.consumed")), 1)
	for _, name := range []string{"IDLE.1", "KEPT"} {
		if err := n.Create(t.Context(), q(name)); err != nil {
			t.Fatal(err)
		}
	}
	gone := make(chan struct{}, 10)
	stop := n.Listen(func(e broker.Event) {
		if e.Kind == broker.DestinationDeleted && e.Address == q("IDLE.1") {
			gone <- struct{}{}
		}
	})
	defer stop()
	<-gone
	for _, name := range []string{"IDLE.full", "IDLE.consumed", "KEPT"} {
		if n.Lookup(q(name)) == nil {
			t.Errorf("%s is gone", name)
		}
	}
}

func TestIndividualDeadLetterQueues(t *testing.T) {
	t.Parallel()
	set, err := policy.NewSet([]policy.Entry{
		{Match: ">", Values: []policy.Value{{Name: "individual", Set: func(p *policy.Policy) { p.DeadLetter.Individual = true }}}},
		{Match: "queue://own", Values: []policy.Value{{Name: "prefix", Set: func(p *policy.Policy) { p.DeadLetter.Prefix, p.DeadLetter.ProcessNonPersistent = "DLQ.", true }}}},
		{Match: "queue://gone", Values: []policy.Value{{Name: "discard", Set: func(p *policy.Policy) { p.DeadLetter.Discard = true }}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Policies: set})
	c, dead := n.connect("c"), n.connect("dead")
	dead.subscribe(on(q("ActiveMQ.DLQ.Queue.plain"), q("ActiveMQ.DLQ.Topic.T"), q("DLQ.own"), q("ActiveMQ.DLQ"), q("ActiveMQ.DLQ.Queue.gone")), 100)
	o := on(topic("T"))
	o.Name = "durable"
	reject := map[string]*broker.Subscription{"T": c.subscribe(o, 10)}
	for _, name := range []string{"plain", "own", "gone"} {
		reject[name] = c.subscribe(on(q(name)), 10)
	}
	received := 0
	for _, x := range []struct {
		to      string
		durable bool
		want    string // the dead-letter queue
	}{
		{"plain", true, "ActiveMQ.DLQ.Queue.plain"}, {"plain", false, ""}, {"own", true, "DLQ.own"}, {"own", false, "DLQ.own"},
		{"gone", true, ""}, {"T", true, "ActiveMQ.DLQ.Topic.T"},
	} {
		a := q(x.to)
		if x.to == "T" {
			a = topic("T")
		}
		c.mu.Lock()
		before := len(c.deliveries)
		c.mu.Unlock()
		c.send(a, x.durable, "m")
		c.receive(before + 1)
		c.mu.Lock()
		number := c.deliveries[before].Number
		c.mu.Unlock()
		tok := c.token()
		if _, err := reject[x.to].Settle(number, number, broker.Outcome{Kind: broker.Rejected, Cause: "bad"}, nil, tok); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if err := c.confirm(tok); err != nil {
			t.Fatal(err)
		}
		if x.want == "" {
			continue
		}
		received++
		dead.receive(received)
		dead.mu.Lock()
		if m := dead.deliveries[received-1].Msg; m.Address != q(x.want) || m.Origin != a || !m.Durable {
			t.Errorf("from %s: to %s, from %s, durable %t", x.to, m.Address, m.Origin, m.Durable)
		}
		dead.mu.Unlock()
	}
}

// TestDeadLetterQueuesPerSubscription rejects a topic's message by two durable subscriptions and one that
// is shared.
func TestDeadLetterQueuesPerSubscription(t *testing.T) {
	t.Parallel()
	set := func(p *policy.Policy) {
		p.DeadLetter.Individual, p.DeadLetter.PerSubscription, p.DeadLetter.Suffix = true, true, ".dead"
	}
	n := startNode(t, broker.Options{Policies: policies(t, "topic://>", set)})
	reject := func() {
		t.Helper()
		subs := make(map[*client]*broker.Subscription)
		for client, name := range map[string]string{"one": "A", "two": "A", "three": "B"} {
			c := n.connect(client)
			o := on(topic("T"))
			o.Name, o.Shared = name, client == "three"
			subs[c] = c.subscribe(o, 10)
		}
		n.connect("producer").send(topic("T"), true, "m")
		for c, s := range subs {
			c.receive(1)
			if _, err := s.Settle(1, 1, broker.Outcome{Kind: broker.Rejected}, nil, c.token()); err != nil {
				t.Fatal(err)
			}
			if err := c.confirm(c.next); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := func(messages int64) {
		t.Helper()
		for _, name := range []string{"one:A", "two:A", "B"} {
			d := n.Lookup(q("ActiveMQ.DLQ.Topic.T." + name + ".dead"))
			if d == nil || d.Queue().Counters().Entries.Load() != messages {
				t.Errorf("no %d dead letters of %s", messages, name)
			}
		}
	}
	reject()
	want(1)
	n.restart()
	reject()
	want(2)
}

// TestMaxDestinations bounds the queues of one pattern, by a policy that is changed meanwhile.
func TestMaxDestinations(t *testing.T) {
	t.Parallel()
	entries := func(max int) []policy.Entry {
		return []policy.Entry{{Match: "queue://few.>", Values: []policy.Value{{Name: "max", Set: func(p *policy.Policy) {
			p.Destinations = policy.Destinations{Max: max, Match: "queue://few.>"}
			p.DeadLetter.Individual, p.DeadLetter.Prefix = true, "few.dead."
		}}}}}
	}
	set, err := policy.NewSet(entries(2))
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Policies: set})
	c := n.connect("c")
	s := c.subscribe(on(q("few.1")), 10)
	c.send(q("few.2"), true, "m")
	c.send(q("many.1"), true, "m")
	c.subscribe(on(topic("few.3")), 10)
	const words = "The maxmimum number of destinations allowed (2) for the policy queue://few.> has already been reached."
	refused := func(err error) {
		t.Helper()
		if !fault.Is(err, fault.LimitReached) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v", err)
		}
	}
	_, err = c.Producer(q("few.3"))
	refused(err)
	_, err = c.Subscribe(on(q("few.3")), sink{c}, 0)
	refused(err)
	refused(n.Create(t.Context(), q("few.3")))
	// What the broker needs itself is made: a dead letter must not be lost.
	c.send(q("few.1"), true, "dead")
	c.receive(1)
	if _, err := s.Settle(1, 1, broker.Outcome{Kind: broker.Rejected}, nil, c.token()); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
	if d := n.Lookup(q("few.dead.few.1")); d == nil || d.Queue().Counters().Entries.Load() != 1 {
		t.Error("no dead letter")
	}
	if err := set.Replace(entries(4)); err != nil {
		t.Fatal(err)
	}
	n.ReloadPolicies()
	c.send(q("few.3"), true, "m")
	_, err = c.Producer(q("few.4"))
	if !fault.Is(err, fault.LimitReached) {
		t.Errorf("beyond the new limit: %v", err)
	}
	if err := n.Delete(t.Context(), q("few.2")); err != nil {
		t.Fatal(err)
	}
	c.send(q("few.4"), true, "m")
}

func TestStrictOrder(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, ">", func(p *policy.Policy) { p.StrictOrder = true })})
	a, b, pub := n.connect("a"), n.connect("b"), n.connect("pub")
	a.subscribe(on(q("Q")), 3)
	b.subscribe(on(q("Q")), 3)
	pub.send(q("Q"), true, series("m", 5)...)
	equal(t, a.receive(3), []string{"m0", "m1", "m2"})
	equal(t, b.receive(2), []string{"m3", "m4"})
}

func TestAllConsumersExclusive(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, ">", func(p *policy.Policy) { p.AllExclusive = true })})
	a, b, pub := n.connect("a"), n.connect("b"), n.connect("pub")
	s := a.subscribe(on(q("Q")), 10)
	b.subscribe(on(q("Q")), 10)
	pub.send(q("Q"), true, series("m", 3)...)
	equal(t, a.receive(3), series("m", 3))
	s.Close(0, 0)
	equal(t, b.receive(3), series("m", 3))
}

func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, ">", func(p *policy.Policy) { p.GroupLimit = 10 })})
	a, pub := n.connect("a"), n.connect("pub")
	a.subscribe(on(q("Q")), 10000)
	huge := strings.Repeat("g", 1<<20)
	for i := range 100 {
		m := text("m", false)
		m.GroupID = fmt.Sprint(i)
		if i%10 == 0 {
			m.GroupID = huge + m.GroupID
		}
		pub.post(q("Q"), m)
	}
	a.receive(100)
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, d := range a.deliveries {
		if d.Flags&queue.FirstInGroup == 0 {
			t.Errorf("message %d is not the first of its group", i)
		}
	}
}
