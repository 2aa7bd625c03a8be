package broker_test

import (
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
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
