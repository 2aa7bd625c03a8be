package broker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// with returns a text message with properties.
func with(s string, durable bool, fields ...message.Field) *message.Message {
	m := text(s, durable)
	m.Content = message.NewNative(fields, message.Payload{Kind: message.TextPayload, Value: message.OfString(s)})
	return m
}

// post sends messages and waits for the last one's confirmation.
func (c *client) post(a address.Address, list ...*message.Message) {
	c.t.Helper()
	p, err := c.Producer(a)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, m := range list {
		m.Address = a
		if err := p.Send(m, nil, c.token()); err != nil {
			c.t.Fatal(err)
		}
	}
	c.Flush()
	if err := c.confirm(c.next); err != nil {
		c.t.Fatal(err)
	}
}

func policies(t *testing.T, match string, set func(*policy.Policy)) *policy.Set {
	t.Helper()
	s, err := policy.NewSet([]policy.Entry{{Match: match, Values: []policy.Value{{Name: "test", Set: set}}}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTopicFansOutToSubscribers(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	pub := n.connect("pub")
	var subs []*client
	for i, pattern := range []string{"a.b", "a.*", "a.>", ">", "a.c"} {
		c := n.connect(fmt.Sprint("c", i))
		c.subscribe(on(topic(pattern)), 100)
		subs = append(subs, c)
	}
	pub.send(topic("a.b"), true, series("m", 20)...)
	pub.send(topic("a.c"), false, "last")
	for i, c := range subs {
		switch i {
		case 0:
			equal(t, c.receive(20), series("m", 20))
		case 4:
			equal(t, c.receive(1), []string{"last"})
		default:
			equal(t, c.receive(21), append(series("m", 20), "last"))
		}
	}
}

func TestDurableSubscriptionCollectsWhileAway(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	pub := n.connect("pub")
	o := on(topic("news"))
	o.Name = "S"
	c := n.connect("c")
	sub := c.subscribe(o, 0)
	if _, err := n.connect("other").Subscribe(o, sink{c}, 0); err != nil {
		t.Fatalf("another client's subscription of the same name: %v", err)
	}
	if _, err := c.Subscribe(o, sink{c}, 0); !fault.Is(err, fault.InUse) {
		t.Fatalf("a second active consumer: %v", err)
	}
	sub.Close(0, 0)
	c.Connection.Close()
	pub.send(topic("news"), true, series("m", 5)...)
	n.restart()
	c = n.connect("c")
	sub = c.subscribe(o, 100)
	equal(t, c.receive(5), series("m", 5))
	if err := c.Unsubscribe("S", 0); !fault.Is(err, fault.InUse) {
		t.Fatalf("deleting an active subscription: %v", err)
	}
	sub.Close(5, 0)
	tok := c.token()
	if err := c.Unsubscribe("S", tok); err != nil {
		t.Fatal(err)
	}
	c.Flush()
	if err := c.confirm(tok); err != nil {
		t.Fatal(err)
	}
	n.restart()
	if list := n.Durables(); len(list) != 1 || list[0].Client != "other" {
		t.Fatalf("durable subscriptions after the deletion: %+v", list)
	}
}

func TestChangedDurableSubscriptionStartsEmpty(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	pub := n.connect("pub")
	o := on(topic("news"))
	o.Name = "S"
	c := n.connect("c")
	c.subscribe(o, 0).Close(0, 0)
	pub.send(topic("news"), true, "old")
	o.Selector = "color = 'red'"
	s := c.subscribe(o, 10)
	pub.post(topic("news"), with("blue", true, message.Field{Name: "color", Value: message.OfString("blue")}),
		with("red", true, message.Field{Name: "color", Value: message.OfString("red")}))
	equal(t, c.receive(1), []string{"red"})
	if s.Unsettled() != 1 {
		t.Errorf("%d unsettled", s.Unsettled())
	}
}

func TestWildcardConsumerGetsQueuesToCome(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("a.1"), true, "first")
	s := c.subscribe(on(q("a.*")), 10)
	equal(t, c.receive(1), []string{"first"})
	c.send(q("a.2"), true, "second")
	c.send(q("b.2"), true, "elsewhere")
	equal(t, c.receive(2), []string{"first", "second"})
	if k, err := s.Settle(1, 2, broker.Outcome{}, nil, 0); k != 2 || err != nil {
		t.Fatal(k, err)
	}
	for _, a := range []address.Address{q("a.1"), q("a.2")} {
		counters := n.Lookup(a).Queue().Counters()
		c.await(a.String()+" to be empty", func() bool { return counters.Entries.Load() == 0 })
	}
}

func TestSelectorConsumerIsNotStarvedByABacklog(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { p.Limits.Window = 4 << 10 })})
	c := n.connect("c")
	var list []*message.Message
	for i := range 2000 {
		list = append(list, with(fmt.Sprint("m", i), true, message.Field{Name: "n", Value: message.OfInt(int32(i))}))
	}
	c.post(q("Q"), list...)
	o := on(q("Q"))
	o.Selector = "n = 1500 OR n = 1900"
	s := c.subscribe(o, 10)
	equal(t, c.receive(2), []string{"m1500", "m1900"})
	c.post(q("Q"), with("later", true, message.Field{Name: "n", Value: message.OfInt(1500)}))
	equal(t, c.receive(3), []string{"m1500", "m1900", "later"})
	s.Close(0, 0) // it saw nothing: all goes back to its place
	d := n.connect("d")
	d.subscribe(on(q("Q")), 5000)
	want := series("m", 2000)
	equal(t, d.receive(2001), append(want, "later"))
}

func TestPriorities(t *testing.T) {
	t.Parallel()
	for _, window := range []int64{0, 1 << 10} {
		n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { p.Prioritized, p.Limits.Window = true, window })})
		c := n.connect("c")
		var list []*message.Message
		for i, p := range []uint8{4, 9, 0, 5, 7, 1, 3, 4, 9, 0} {
			m := text(fmt.Sprintf("p%d-%d", p, i), i%2 == 0)
			m.Priority = p
			list = append(list, m)
		}
		c.post(q("Q"), list...)
		c.subscribe(on(q("Q")), 100)
		equal(t, c.receive(10), []string{"p9-1", "p9-8", "p7-4", "p5-3", "p4-0", "p4-7", "p3-6", "p1-5", "p0-2", "p0-9"})
	}
}

func TestRoundRobinAndConsumerPriority(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b, low := n.connect("a"), n.connect("b"), n.connect("low")
	a.subscribe(on(q("Q")), 100)
	b.subscribe(on(q("Q")), 100)
	o := on(q("Q"))
	o.Priority = -1
	low.subscribe(o, 100)
	a.send(q("Q"), false, series("m", 6)...)
	equal(t, a.receive(3), []string{"m0", "m2", "m4"})
	equal(t, b.receive(3), []string{"m1", "m3", "m5"})
	if len(low.deliveries) != 0 {
		t.Error("a consumer of lower priority was served")
	}
}

func TestExclusiveConsumer(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	a.subscribe(on(q("Q")), 100)
	o := on(q("Q"))
	o.Exclusive = true
	s := b.subscribe(o, 100)
	a.send(q("Q"), false, series("m", 4)...)
	equal(t, b.receive(4), series("m", 4))
	s.Close(0, 0)
	equal(t, a.receive(4), series("m", 4))
}

func TestMessageGroups(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	a.subscribe(on(q("Q")), 100)
	b.subscribe(on(q("Q")), 100)
	var list []*message.Message
	for i := range 12 {
		m := text(fmt.Sprintf("g%d-%d", i%3, i), true)
		m.GroupID, m.GroupSeq = fmt.Sprint("G", i%3), int32(i+2)
		list = append(list, m)
	}
	end := text("g0-end", true)
	end.GroupID, end.GroupSeq = "G0", -1
	again := text("g0-again", true)
	again.GroupID = "G0"
	a.post(q("Q"), append(list, end, again)...)
	total := func() int { return len(a.deliveries) + len(b.deliveries) }
	a.await("all deliveries", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return total() == 14 })
	owner := make(map[string]string)
	for _, c := range []*client{a, b} {
		for _, d := range c.deliveries {
			g := d.Msg.GroupID
			first := d.Flags&queue.FirstInGroup != 0
			if body(d.Msg) == "g0-again" {
				if !first {
					t.Error("the message after the group's end is not its first")
				}
				continue
			}
			if o, ok := owner[g]; ok && (o != c.ClientID() || first) || !ok && !first {
				t.Errorf("%s went to %s, owner %q, first %v", body(d.Msg), c.ClientID(), o, first)
			}
			owner[g] = c.ClientID()
		}
	}
}

func TestExpiredMessagesAreDeadLettered(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	dead := text("dead", true)
	dead.Expiry = 1000
	gone := text("gone", false)
	gone.Expiry = 1000
	c.post(q("Q"), dead, gone, text("alive", true))
	c.subscribe(on(q("Q")), 10)
	equal(t, c.receive(1), []string{"alive"})
	c.subscribe(on(q("ActiveMQ.DLQ")), 10)
	equal(t, c.receive(2), []string{"alive", "dead"})
	m := c.deliveries[1].Msg
	if v, _ := m.Property("dlqDeliveryFailureCause"); v.Str() != "java.lang.Throwable: Message Expired. Expiration:1000" {
		t.Errorf("cause %q", v.Str())
	}
	if m.Expiry != 0 {
		t.Errorf("the dead letter expires at %d", m.Expiry)
	}
}

func TestTemporaryQueueBelongsToItsConnection(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	tmp, err := a.CreateTemporary(address.TempQueue)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Subscribe(on(tmp), sink{b}, 0); !fault.Is(err, fault.Forbidden) {
		t.Fatalf("another connection's consumer: %v", err)
	}
	a.subscribe(on(tmp), 10)
	b.send(tmp, true, "reply")
	equal(t, a.receive(1), []string{"reply"})
	p, err := b.Producer(tmp)
	if err != nil {
		t.Fatal(err)
	}
	a.Connection.Close()
	if err := p.Send(text("late", false), nil, 0); !fault.Is(err, fault.NotFound) {
		t.Fatalf("a send to a temporary queue that is gone: %v", err)
	}
}

func TestCompositeSendCopies(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.subscribe(on(topic("T")), 10)
	p, err := c.Producer(q("A"), q("B"), topic("T"))
	if err != nil {
		t.Fatal(err)
	}
	m := text("copy", true)
	m.Address = q("A,B,topic://T")
	tok := c.token()
	if err := p.Send(m, nil, tok); err != nil {
		t.Fatal(err)
	}
	c.Flush()
	if err := c.confirm(tok); err != nil {
		t.Fatal(err)
	}
	c.subscribe(on(q("A")), 10)
	c.subscribe(on(q("B")), 10)
	equal(t, c.receive(3), []string{"copy", "copy", "copy"})
	for _, d := range c.deliveries {
		if d.Msg.Origin != q("A,B,topic://T") {
			t.Errorf("origin %s", d.Msg.Origin)
		}
	}
}

func TestProducerWaitsAtALimitAndGoesOn(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { p.Limits.Messages = 10 })})
	c := n.connect("c")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 15 {
		if err := p.Send(text(fmt.Sprint("m", i), true), nil, c.token()); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if i < 10 {
			if err := c.confirm(c.next); err != nil {
				t.Fatal(err)
			}
		}
	}
	if b := c.Blockage(); b.Limit != "destination" || b.Reason == "" || b.WayOut == "" || b.Since.IsZero() {
		t.Fatalf("blocked: %+v", b)
	}
	d := n.connect("d")
	s := d.subscribe(on(q("Q")), 10)
	for i := 1; i <= 15; i++ {
		d.receive(i)
		if _, err := s.Settle(uint64(i), uint64(i), broker.Outcome{}, nil, 0); err != nil {
			t.Fatal(err)
		}
		s.Extend(1)
	}
	equal(t, d.receive(15), series("m", 15))
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
}

func TestBrowseSeesEverythingAndTakesNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { p.Limits.Window = 8 << 10 })})
	c := n.connect("c")
	c.send(q("Q"), true, series("m", 100)...)
	c.send(q("Q"), false, series("n", 5)...)
	s := c.subscribe(on(q("Q")), 3)
	c.receive(3)
	b := n.connect("b")
	o := on(q("Q"))
	o.Browse = true
	bs := b.subscribe(o, 60)
	b.receive(60)
	bs.Extend(100)
	equal(t, b.receive(105), append(series("m", 100), series("n", 5)...))
	b.await("the end", func() bool { return b.drained == 1 })
	if s.Unsettled() != 3 || n.Lookup(q("Q")).Queue().Counters().Entries.Load() != 105 {
		t.Error("browsing has changed the queue")
	}
}

func TestAdministration(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { p.Limits.Window = 8 << 10 })})
	c := n.connect("c")
	c.send(q("A"), true, series("m", 100)...)
	count := func(a address.Address) int64 { return n.Lookup(a).Queue().Counters().Entries.Load() }
	if k, err := n.Move(ctx, q("A"), q("B"), broker.Selection{Limit: 30}); k != 30 || err != nil {
		t.Fatal(k, err)
	}
	if k, err := n.Copy(ctx, q("B"), q("C"), broker.Selection{}); k != 30 || err != nil {
		t.Fatal(k, err)
	}
	if k, err := n.Purge(ctx, q("A")); k != 70 || err != nil {
		t.Fatal(k, err)
	}
	if k, err := n.Remove(ctx, q("C"), broker.Selection{Limit: 10}); k != 10 || err != nil {
		t.Fatal(k, err)
	}
	for a, want := range map[address.Address]int64{q("A"): 0, q("B"): 30, q("C"): 20} {
		if got := count(a); got != want {
			t.Errorf("%s holds %d, not %d", a, got, want)
		}
	}
	n.restart()
	for a, want := range map[address.Address]int64{q("A"): 0, q("B"): 30, q("C"): 20} {
		if got := count(a); got != want {
			t.Errorf("after a restart %s holds %d, not %d", a, got, want)
		}
	}
	c = n.connect("c")
	s := c.subscribe(on(q("B")), 5)
	c.receive(5)
	if _, err := s.Settle(1, 5, broker.Outcome{Kind: broker.Rejected}, nil, c.token()); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
	s.Close(0, 0)
	if k, err := n.Retry(ctx, q("ActiveMQ.DLQ"), broker.Selection{}); k != 5 || err != nil {
		t.Fatal(k, err)
	}
	// They died on B, where they had been moved to.
	if count(q("B")) != 30 || count(q("ActiveMQ.DLQ")) != 0 {
		t.Errorf("B holds %d, the dead-letter queue %d", count(q("B")), count(q("ActiveMQ.DLQ")))
	}
	if err := n.Delete(ctx, q("B")); err != nil {
		t.Fatal(err)
	}
	n.restart()
	if n.Lookup(q("B")) != nil {
		t.Error("a deleted queue is back")
	}
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	large := make([]byte, 3<<20+17)
	for i := range large {
		large[i] = byte('a' + i%23)
	}
	c.send(q("Q"), true, string(large), "small")
	n.restart()
	c = n.connect("c")
	c.subscribe(on(q("Q")), 10)
	equal(t, c.receive(2), []string{string(large), "small"})
}

func TestLimitsOfAConnection(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Limits: broker.Limits{Subscriptions: 1, Transactions: 1, TempQueues: 1, Connections: 2}})
	c := n.connect("c")
	c.subscribe(on(q("Q")), 1)
	_, subErr := c.Subscribe(on(q("Q")), sink{c}, 0)
	_, err := c.Begin()
	_, txErr := c.Begin()
	_, err2 := c.CreateTemporary(address.TempQueue)
	_, tempErr := c.CreateTemporary(address.TempQueue)
	n.connect("d")
	_, connErr := n.Connect(context.Background(), broker.Login{}, c)
	_, idErr := n.Connect(context.Background(), broker.Login{ClientID: "c"}, c)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for i, got := range []error{subErr, txErr, tempErr, connErr} {
		if !fault.Is(got, fault.LimitReached) {
			t.Errorf("limit %d: %v", i, got)
		}
	}
	if !fault.Is(idErr, fault.InUse) {
		t.Errorf("a client identifier in use: %v", idErr)
	}
}

func TestRejectInATransactionByAWildcardConsumer(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("Q"), true, "bad")
	s := c.subscribe(on(q(">")), 10)
	c.receive(1)
	tx, err := c.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Settle(1, 1, broker.Outcome{Kind: broker.Rejected}, tx, 0); err != nil {
		t.Fatal(err)
	}
	// The commit makes the dead-letter queue, which the same consumer gets at once.
	if err := tx.Commit(c.token()); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
	equal(t, c.receive(2), []string{"bad", "bad"})
}

func TestVirtualTopics(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	for _, name := range []string{"Consumer.A.VirtualTopic.X", "Consumer.B.VirtualTopic.>", "Consumer.A.VirtualTopic.Y", "Consumer.A.Topic.X"} {
		if err := n.Create(context.Background(), q(name)); err != nil {
			t.Fatal(err)
		}
	}
	c.subscribe(on(topic("VirtualTopic.X")), 10)
	c.send(topic("VirtualTopic.X"), true, "durable")
	c.send(topic("VirtualTopic.X"), false, "volatile")
	equal(t, c.receive(2), []string{"durable", "volatile"})
	count := func(name string) int64 { return n.Lookup(q(name)).Queue().Counters().Entries.Load() }
	if count("Consumer.A.VirtualTopic.Y") != 0 || count("Consumer.A.Topic.X") != 0 {
		t.Error("a queue of another name got a copy")
	}
	n.restart()
	c = n.connect("c")
	c.send(topic("VirtualTopic.X"), false, "later")
	c.subscribe(on(q("Consumer.A.VirtualTopic.X")), 10)
	equal(t, c.receive(2), []string{"durable", "later"})
	c.subscribe(on(q("Consumer.B.VirtualTopic.>")), 10)
	equal(t, c.receive(4)[2:], []string{"durable", "later"})
	for i, d := range c.deliveries {
		want := q([]string{"Consumer.A.VirtualTopic.X", "Consumer.B.VirtualTopic.>"}[i/2])
		if d.Msg.Address != want || d.Msg.Origin != topic("VirtualTopic.X") {
			t.Errorf("delivery %d: address %s, origin %s", i, d.Msg.Address, d.Msg.Origin)
		}
	}
}

// A queue may be deleted while a transaction has sends for it. They make it anew, as other
// sends do: what a commit confirms is there.
func TestTransactionSendsToAQueueThatWasDeleted(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"local", "prepared", "recovered"} {
		prepared := how != "local"
		n := startNode(t, broker.Options{})
		c := n.connect("c")
		p, err := c.Producer(q("Q"))
		if err != nil {
			t.Fatal(err)
		}
		tx, err := c.Begin()
		if err != nil {
			t.Fatal(err)
		}
		m := text("kept", true)
		m.Address = q("Q")
		if err := p.Send(m, tx, 0); err != nil {
			t.Fatal(err)
		}
		if prepared {
			if err := tx.Prepare("x", c.token()); err != nil {
				t.Fatal(err)
			}
			if err := c.confirm(c.next); err != nil {
				t.Fatal(err)
			}
		}
		if how == "recovered" {
			n.restart()
		}
		if err := n.Delete(context.Background(), q("Q")); err != nil {
			t.Fatal(err)
		}
		if prepared {
			done := make(chan error, 1)
			if err := n.CommitPrepared("x", func(err error) { done <- err }); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		} else {
			if err := tx.Commit(c.token()); err != nil {
				t.Fatal(err)
			}
			if err := c.confirm(c.next); err != nil {
				t.Fatal(err)
			}
		}
		n.restart()
		d := n.Lookup(q("Q"))
		if d == nil || d.Queue().Counters().Entries.Load() != 1 {
			t.Errorf("%s: the message of a confirmed commit is lost", how)
			continue
		}
		r := n.connect("r")
		r.subscribe(on(q("Q")), 1)
		equal(t, r.receive(1), []string{"kept"})
	}
}

// What was sent to a temporary queue ends with it; the rest of the transaction does not.
func TestTransactionOutlivesATemporaryQueue(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	tmp, err := a.CreateTemporary(address.TempQueue)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := b.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []address.Address{tmp, q("Q")} {
		p, err := b.Producer(to)
		if err != nil {
			t.Fatal(err)
		}
		m := text("m", true)
		m.Address = to
		if err := p.Send(m, tx, 0); err != nil {
			t.Fatal(err)
		}
	}
	a.Connection.Close()
	if err := tx.Commit(b.token()); err != nil {
		t.Fatal(err)
	}
	if err := b.confirm(b.next); err != nil {
		t.Fatal(err)
	}
	if got := n.Lookup(q("Q")).Queue().Counters().Entries.Load(); got != 1 {
		t.Errorf("%d messages", got)
	}
	if used := n.Usage().Memory; used > 4096 {
		t.Errorf("%d bytes are still accounted for", used)
	}
}

func TestTakingSomeBeginsAtTheHighestPriority(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://>", func(p *policy.Policy) { p.Prioritized, p.Limits.Window = true, 1<<10 })})
	c := n.connect("c")
	var list []*message.Message
	for i := range 12 {
		m := text(fmt.Sprintf("p%d-%d", i%3, i), true)
		m.Priority = uint8(i % 3)
		list = append(list, m)
	}
	c.post(q("Q"), list...)
	if k, err := n.Move(context.Background(), q("Q"), q("TO"), broker.Selection{Limit: 5}); k != 5 || err != nil {
		t.Fatal(k, err)
	}
	c.subscribe(on(q("TO")), 100)
	equal(t, c.receive(5), []string{"p2-2", "p2-5", "p2-8", "p2-11", "p1-1"})
}

// A subscriber that may be only so far behind keeps the newest, also when they are more than fit
// into its share of memory. The others go, from the disk as well: they would hold the producer up.
func TestEvictionKeepsTheNewest(t *testing.T) {
	t.Parallel()
	for _, keep := range []int{3, 150} {
		t.Run(fmt.Sprint(keep), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { evictAllBut(t, keep) })
		})
	}
}

func evictAllBut(t *testing.T, keep int) {
	n := startNode(t, broker.Options{Limits: broker.Limits{Memory: 256 << 10}})
	c, pub := n.connect("c"), n.connect("pub")
	o := on(topic("T"))
	o.MaxPending = keep
	s := c.subscribe(o, 0)
	var list []string
	for i := range 300 {
		list = append(list, fmt.Sprint(i, strings.Repeat("x", 2000)))
	}
	for len(list) > 0 {
		pub.send(topic("T"), false, list[:50]...)
		list = list[50:]
	}
	synctest.Wait()
	s.Limit(uint64(keep))
	got := c.receive(keep)
	for i := range got {
		got[i] = strings.TrimRight(got[i], "x")
		if want := fmt.Sprint(300 - keep + i); got[i] != want {
			t.Fatalf("message %d is %s, not %s", i, got[i], want)
		}
	}
	if _, err := s.Settle(1, uint64(keep), broker.Outcome{}, nil, 0); err != nil {
		t.Fatal(err)
	}
	st := n.Store()
	if err := st.Sync(context.Background()); err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := st.Lists(context.Background(), func(store.ListInfo) error { left++; return nil }); err != nil {
		t.Fatal(err)
	}
	if left != 0 || n.Usage().Memory != 0 || n.Usage().Temp != 0 {
		t.Errorf("%d lists have entries, %+v", left, n.Usage())
	}
}

// A consumer that takes what stands in the middle leaves holes behind the last message, which
// another one takes while the queue walks over them.
func TestLastMessageBeforeManyHoles(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c, d := n.connect("c"), n.connect("d")
	var list []*message.Message
	for i := range 3000 {
		list = append(list, with(fmt.Sprint("m", i), false, message.Field{Name: "n", Value: message.OfInt(int32(i))}))
	}
	c.post(q("Q"), list...)
	o := on(q("Q"))
	o.Selector = "n > 0"
	c.subscribe(o, 5000)
	c.receive(2999)
	d.subscribe(on(q("Q")), 10)
	equal(t, d.receive(1), []string{"m0"})
	c.send(q("Q"), false, "after")
	equal(t, d.receive(2), []string{"m0", "after"})
}

// A consumer of several queues is drained when each has given what it has, not when the first of
// them has nothing.
func TestDrainOfSeveralQueues(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	if err := n.Create(context.Background(), q("A")); err != nil {
		t.Fatal(err)
	}
	c.send(q("B"), true, series("m", 5)...)
	n.restart() // what it holds has to be read first
	c = n.connect("c")
	o := on(q("A"))
	o.Addresses = append(o.Addresses, q("B"), q("C"))
	s := c.subscribe(o, 10)
	s.Drain()
	c.await("the end of the drain", func() bool { return c.drained > 0 })
	equal(t, c.receive(5), series("m", 5))
	if limit, last := s.Credit(); limit != 5 || last != 5 || c.drained != 1 {
		t.Errorf("credit %d, last %d, drained %d times", limit, last, c.drained)
	}
	s.Drain()
	c.await("the end of an empty drain", func() bool { return c.drained > 1 })
}

// There may be nothing to drain: no queue at all, or one that is paused.
func TestDrainOfNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("B"), true, "m")
	if err := n.Pause(q("B")); err != nil {
		t.Fatal(err)
	}
	c.subscribe(on(q("A.*")), 1).Drain()
	c.await("the end of the drain", func() bool { return c.drained == 1 })
	c.subscribe(on(q("B")), 1).Drain()
	c.await("the end of the drain of a paused queue", func() bool { return c.drained == 2 })
}

// Browsing a pattern, or a list, shows one queue after the other.
func TestBrowserOfSeveralQueues(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("A.1"), true, series("a", 3)...)
	c.send(q("B"), true, series("b", 3)...)
	o := on(q("A.*"))
	o.Addresses, o.Browse = append(o.Addresses, q("B")), true
	s := c.subscribe(o, 4)
	equal(t, c.receive(4), []string{"a0", "a1", "a2", "b0"})
	s.Drain() // its credit is used up
	c.await("the drain", func() bool { return c.drained == 1 })
	s.Limit(100)
	equal(t, c.receive(6)[4:], []string{"b1", "b2"})
	c.await("the end", func() bool { return c.drained == 2 })
	s.Drain()
	c.await("a drain after the end", func() bool { return c.drained == 3 })
}

// The limit of deliveries without an outcome holds for a connection's consumers together.
func TestUnsettledDeliveriesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, broker.Options{Limits: broker.Limits{Unsettled: 20}})
		c, d := n.connect("c"), n.connect("d")
		c.send(q("A"), true, series("a", 30)...)
		c.send(q("B"), false, series("b", 30)...)
		var subs []*broker.Subscription
		for _, name := range []string{"A", "B"} {
			subs = append(subs, c.subscribe(on(q(name)), 100))
		}
		d.subscribe(on(q("B")), 5)
		total := 0
		for round := 0; total < 55; round++ {
			synctest.Wait()
			unsettled := subs[0].Unsettled() + subs[1].Unsettled()
			if want := min(20, 55-total); unsettled != want {
				t.Fatalf("round %d: %d deliveries are unsettled instead of %d, %d were before", round, unsettled, want, total)
			}
			for _, s := range subs {
				_, last := s.Credit()
				k, err := s.Settle(1, last, broker.Outcome{}, nil, 0)
				if err != nil {
					t.Fatal(err)
				}
				total += k
			}
		}
	})
}

// What a connection's end gives back counts as failed once, however many consumers it had.
func TestLostConnectionCountsOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		n := startNode(t, broker.Options{})
		c, d := n.connect("c"), n.connect("d")
		for range 5 {
			c.subscribe(on(q("Q")), 10)
		}
		d.send(q("Q"), true, series("m", 10)...)
		c.receive(10)
		c.Connection.Close()
		d.subscribe(on(q("Q")), 10)
		d.receive(10)
		for _, k := range d.deliveries {
			if k.Count != 1 {
				t.Fatalf("%s has failed %d times", body(k.Msg), k.Count)
			}
		}
	}
}
