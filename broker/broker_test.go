package broker_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
)

// client is a connection that keeps what it is told.
type client struct {
	*broker.Connection
	t *testing.T

	mu         sync.Mutex
	cond       sync.Cond
	deliveries []broker.Delivery
	confirmed  map[broker.Token]error
	order      []broker.Token
	drained    int
	blocked    string
	ended      error
	next       broker.Token
}

func (c *client) Confirmed(t broker.Token, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.confirmed[t] = err
	c.order = append(c.order, t)
	c.cond.Broadcast()
}

func (c *client) Blocked(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocked = reason
	c.cond.Broadcast()
}

func (c *client) Closed(reason error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = reason
	c.cond.Broadcast()
}

func (c *client) Wake() {}

// sink is a subscription's end of the client.
type sink struct{ *client }

func (s sink) Deliver(ds []broker.Delivery) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deliveries = append(s.deliveries, ds...)
	s.cond.Broadcast()
	return true
}

func (s sink) Drained(*queue.Consumer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drained++
	s.cond.Broadcast()
}

func (s sink) Closed(_ *queue.Consumer, err error) { s.client.Closed(err) }

// await waits until ok, with the client's lock held, or fails the test.
func (c *client) await(what string, ok func() bool) {
	c.t.Helper()
	timer := time.AfterFunc(20*time.Second, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.cond.Broadcast()
	})
	defer timer.Stop()
	deadline := time.Now().Add(20 * time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !ok() {
		if time.Now().After(deadline) {
			c.t.Fatalf("waited in vain for %s; %d deliveries", what, len(c.deliveries))
		}
		c.cond.Wait()
	}
}

// token returns a new token.
func (c *client) token() broker.Token {
	c.next++
	return c.next
}

// confirm waits for the outcome of a token.
func (c *client) confirm(t broker.Token) error {
	c.t.Helper()
	c.await("a confirmation", func() bool { _, ok := c.confirmed[t]; return ok })
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.confirmed[t]
}

// receive waits until n deliveries came in all, and returns the bodies of those not yet
// returned.
func (c *client) receive(n int) []string {
	c.t.Helper()
	c.await(fmt.Sprintf("%d deliveries", n), func() bool { return len(c.deliveries) >= n })
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, d := range c.deliveries {
		out = append(out, body(d.Msg))
	}
	return out
}

func body(m *message.Message) string {
	p, err := m.Payload()
	if err != nil {
		return "error: " + err.Error()
	}
	return p.Value.Str()
}

// node is a broker on a memory disk that can be restarted.
type node struct {
	*broker.Broker
	t    *testing.T
	disk *memory.Disk
	o    broker.Options
}

func startNode(t *testing.T, o broker.Options) *node {
	t.Helper()
	n := &node{t: t, disk: memory.NewDisk(), o: o}
	n.start()
	t.Cleanup(func() { _ = n.Deactivate(context.Background(), nil) })
	return n
}

func (n *node) start() {
	n.t.Helper()
	o := n.o
	o.OpenStore = func(_ context.Context, hooks store.Hooks) (store.Store, error) {
		return memory.Open(memory.Options{Hooks: hooks, Disk: n.disk})
	}
	n.Broker = broker.New(o)
	if err := n.Activate(context.Background()); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) restart() {
	n.t.Helper()
	if err := n.Deactivate(context.Background(), nil); err != nil {
		n.t.Fatal(err)
	}
	n.start()
}

func (n *node) connect(id string) *client {
	n.t.Helper()
	c := &client{t: n.t, confirmed: make(map[broker.Token]error)}
	c.cond.L = &c.mu
	conn, err := n.Connect(context.Background(), broker.Login{Protocol: "test", ClientID: id}, c)
	if err != nil {
		n.t.Fatal(err)
	}
	c.Connection = conn
	return c
}

func text(s string, durable bool) *message.Message {
	m := &message.Message{Content: message.NewNative(nil, message.Payload{Kind: message.TextPayload, Value: message.OfString(s)})}
	m.Priority = message.DefaultPriority
	m.Durable = durable
	return m
}

// send sends texts to an address and waits for their confirmations.
func (c *client) send(a address.Address, durable bool, texts ...string) {
	c.t.Helper()
	p, err := c.Producer(a)
	if err != nil {
		c.t.Fatal(err)
	}
	var last broker.Token
	for _, s := range texts {
		m := text(s, durable)
		m.Address = a
		last = c.token()
		if err := p.Send(m, nil, last); err != nil {
			c.t.Fatal(err)
		}
	}
	c.Flush()
	if err := c.confirm(last); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) subscribe(o broker.SubscribeOptions, credit uint64) *broker.Subscription {
	c.t.Helper()
	t := c.token()
	s, err := c.Subscribe(o, sink{c}, t)
	if err != nil {
		c.t.Fatal(err)
	}
	c.Flush()
	if err := c.confirm(t); err != nil {
		c.t.Fatal(err)
	}
	s.Limit(credit)
	return s
}

func q(name string) address.Address     { return address.Address{Kind: address.Queue, Name: name} }
func topic(name string) address.Address { return address.Address{Kind: address.Topic, Name: name} }

func on(a ...address.Address) broker.SubscribeOptions { return broker.SubscribeOptions{Addresses: a} }

func series(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s%d", prefix, i)
	}
	return out
}

func equal(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Fatalf("item %d of %d: got %s, want %s", i, len(want), g, w)
		}
	}
}

func TestQueueOrder(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{false, true} {
		n := startNode(t, broker.Options{})
		a := n.connect("a")
		want := series("m", 1000)
		a.send(q("Q"), durable, want...)
		b := n.connect("b")
		b.subscribe(on(q("Q")), 5000)
		equal(t, b.receive(1000), want)
	}
}

func TestCreditLimitsDeliveries(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a := n.connect("a")
	a.send(q("Q"), true, series("m", 10)...)
	s := a.subscribe(on(q("Q")), 3)
	equal(t, a.receive(3), series("m", 3))
	if k, err := s.Settle(1, 2, broker.Outcome{}, nil, 0); k != 2 || err != nil {
		t.Fatal(k, err)
	}
	s.Extend(2)
	equal(t, a.receive(5), series("m", 5))
}

func TestRestartKeepsDurableMessages(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a := n.connect("a")
	a.send(q("Q"), true, series("m", 300)...)
	a.send(q("Q"), false, "volatile")
	s := a.subscribe(on(q("Q")), 10)
	a.receive(10)
	tok := a.token()
	if _, err := s.Settle(1, 10, broker.Outcome{}, nil, tok); err != nil {
		t.Fatal(err)
	}
	if err := a.confirm(tok); err != nil {
		t.Fatal(err)
	}
	n.restart()
	if got := n.Lookup(q("Q")).Queue().Counters().Entries.Load(); got != 290 {
		t.Fatalf("%d entries after the restart", got)
	}
	b := n.connect("b")
	b.subscribe(on(q("Q")), 5000)
	equal(t, b.receive(290), series("m", 300)[10:])
}

func TestReturnedMessagesComeFirstAndFlagged(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a := n.connect("a")
	a.send(q("Q"), true, series("m", 6)...)
	s := a.subscribe(on(q("Q")), 4)
	a.receive(4)
	s.Close(2, 0) // the client saw two of the four
	b := n.connect("b")
	b.subscribe(on(q("Q")), 100)
	equal(t, b.receive(6), series("m", 6))
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, d := range b.deliveries {
		if flagged := d.Flags&queue.Redelivered != 0; flagged != (i < 2) || int(d.Count) != map[bool]int{true: 1}[flagged] {
			t.Errorf("delivery %d: count %d, redelivered %v", i, d.Count, flagged)
		}
	}
}

func TestBacklogPagesThroughTheStore(t *testing.T) {
	t.Parallel()
	set, err := policy.NewSet([]policy.Entry{{Match: "queue://>", Values: []policy.Value{
		{Name: "window", Set: func(p *policy.Policy) { p.Limits.Window = 8 << 10 }},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	n := startNode(t, broker.Options{Policies: set})
	a := n.connect("a")
	var want []string
	for i := range 3000 {
		s := fmt.Sprintf("m%d", i)
		want = append(want, s)
		a.send(q("Q"), i%3 != 0, s)
	}
	b := n.connect("b")
	s := b.subscribe(on(q("Q")), 10)
	for i := 1; i <= 3000; i++ {
		b.receive(i)
		if _, err := s.Settle(uint64(i), uint64(i), broker.Outcome{}, nil, 0); err != nil {
			t.Fatal(err)
		}
		s.Extend(1)
	}
	equal(t, b.receive(3000), want)
	c := n.Lookup(q("Q")).Queue().Counters()
	b.await("an empty queue", func() bool { return c.Entries.Load() == 0 })
	if c.Bytes.Load() != 0 || c.InFlight.Load() != 0 || n.Usage().Memory != 0 {
		t.Errorf("left: %d bytes, %d in flight, memory %d", c.Bytes.Load(), c.InFlight.Load(), n.Usage().Memory)
	}
}

func TestTransactionCommitAndRollback(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a := n.connect("a")
	a.send(q("IN"), true, series("m", 4)...)
	s := a.subscribe(on(q("IN")), 100)
	a.receive(4)
	out, err := a.Producer(q("OUT"))
	if err != nil {
		t.Fatal(err)
	}
	run := func(first, last uint64, body string) *broker.Transaction {
		tx, err := a.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Settle(first, last, broker.Outcome{}, tx, 0); err != nil {
			t.Fatal(err)
		}
		if err := out.Send(text(body, true), tx, 0); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	tx := run(1, 2, "committed")
	tok := a.token()
	if err := tx.Commit(tok); err != nil {
		t.Fatal(err)
	}
	if err := a.confirm(tok); err != nil {
		t.Fatal(err)
	}
	if err := run(3, 4, "rolled back").Rollback(); err != nil {
		t.Fatal(err)
	}
	if !s.IsUnsettled(3) || s.IsUnsettled(1) {
		t.Error("wrong deliveries are unsettled")
	}
	n.restart()
	b := n.connect("b")
	b.subscribe(on(q("OUT")), 10)
	equal(t, b.receive(1), []string{"committed"})
	b.subscribe(on(q("IN")), 10)
	equal(t, b.receive(3)[1:], []string{"m2", "m3"})
}

func TestPreparedBranchSurvivesRestart(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{true, false} {
		n := startNode(t, broker.Options{})
		a := n.connect("a")
		a.send(q("IN"), true, "m0", "m1")
		s := a.subscribe(on(q("IN")), 1)
		a.receive(1)
		out, err := a.Producer(q("OUT"))
		if err != nil {
			t.Fatal(err)
		}
		tx, err := a.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Settle(1, 1, broker.Outcome{}, tx, 0); err != nil {
			t.Fatal(err)
		}
		m := text("prepared", true)
		m.Address = q("OUT")
		if err := out.Send(m, tx, 0); err != nil {
			t.Fatal(err)
		}
		tok := a.token()
		if err := tx.Prepare("x1", tok); err != nil {
			t.Fatal(err)
		}
		if err := a.confirm(tok); err != nil {
			t.Fatal(err)
		}
		n.restart()
		equal(t, n.Prepared(), []string{"x1"})
		b := n.connect("b")
		b.subscribe(on(q("IN")), 10)
		equal(t, b.receive(1), []string{"m1"}) // m0 is locked
		done := make(chan error, 1)
		end := n.RollbackPrepared
		if commit {
			end = n.CommitPrepared
		}
		if err := end("x1", func(err error) { done <- err }); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if commit {
			b.subscribe(on(q("OUT")), 10)
			equal(t, b.receive(2)[1:], []string{"prepared"})
		} else {
			equal(t, b.receive(2)[1:], []string{"m0"})
		}
		if len(n.Prepared()) != 0 {
			t.Error("the branch is still listed")
		}
	}
}

func TestRejectedGoesToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a := n.connect("a")
	a.send(q("Q"), true, "bad")
	a.send(q("Q"), false, "dropped")
	s := a.subscribe(on(q("Q")), 10)
	a.receive(2)
	tok := a.token()
	if _, err := s.Settle(1, 2, broker.Outcome{Kind: broker.Rejected, Cause: "why"}, nil, tok); err != nil {
		t.Fatal(err)
	}
	if err := a.confirm(tok); err != nil {
		t.Fatal(err)
	}
	n.restart()
	b := n.connect("b")
	b.subscribe(on(q("ActiveMQ.DLQ")), 10)
	equal(t, b.receive(1), []string{"bad"})
	m := b.deliveries[0].Msg
	if v, _ := m.Property("dlqDeliveryFailureCause"); v.Str() != "why" {
		t.Errorf("cause %q", v.Str())
	}
	if v, ok := m.Property("originalExpiration"); !ok || v.Int64() != 0 {
		t.Errorf("originalExpiration %v %v", v, ok)
	}
	if m.Origin != q("Q") {
		t.Errorf("origin %s", m.Origin)
	}
}
