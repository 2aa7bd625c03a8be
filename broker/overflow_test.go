package broker_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/schedule"
)

// holds waits until a queue holds so many messages.
func (n *node) holds(name string, want int64) {
	n.t.Helper()
	for range 5000 {
		if d := n.Lookup(q(name)); d != nil && d.Queue().Counters().Entries.Load() == want || d == nil && want == 0 {
			return
		}
		if err := n.Store().Sync(context.Background()); err != nil {
			n.t.Fatal(err)
		}
	}
	n.t.Fatalf("%s does not come to hold %d messages", name, want)
}

func TestOverflowPolicies(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		overflow policy.Overflow
		kept     []string // of ten, by a limit of four
		dead     int
	}{
		{policy.DiscardNew, []string{"m0", "m1", "m2", "m3"}, 0},
		{policy.DiscardOldest, []string{"m6", "m7", "m8", "m9"}, 0},
		{policy.DeadLetterOldest, []string{"m6", "m7", "m8", "m9"}, 6},
	} {
		for _, durable := range []bool{true, false} {
			n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) {
				p.Limits.Messages, p.Limits.Overflow, p.DeadLetter.ProcessNonPersistent = 4, x.overflow, true
			})})
			c := n.connect("c")
			for _, s := range series("m", 10) {
				c.send(q("Q"), durable, s)
			}
			n.holds("Q", 4)
			n.holds("ActiveMQ.DLQ", int64(x.dead))
			if durable {
				n.restart()
				n.holds("Q", 4)
				c = n.connect("c")
			}
			c.subscribe(on(q("Q")), 100)
			equal(t, c.receive(4), x.kept)
		}
	}
}

func TestOverflowByBytesLeavesOutWhatIsWithConsumers(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) {
		p.Limits.Memory, p.Limits.Overflow = 3*(message.Overhead+1000), policy.DiscardOldest
	})})
	c := n.connect("c")
	s := c.subscribe(on(q("Q")), 2)
	large := func(i int) string { return fmt.Sprint("m", i) + strings.Repeat(".", 900) }
	for i := range 10 {
		c.send(q("Q"), true, large(i))
	}
	c.receive(2)
	n.holds("Q", 5)
	s.Limit(100)
	got := c.receive(5)
	if want := []string{large(0), large(1), large(7), large(8), large(9)}; !slices.Equal(got, want) {
		t.Errorf("got %.3s, want %.3s", got, want)
	}
}

func TestOverflowFails(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) {
		p.Limits.Messages, p.Limits.Overflow = 1, policy.Fail
	})})
	c := n.connect("c")
	c.send(q("Q"), true, "m")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	m := text("more", true)
	m.Address = q("Q")
	if err := p.Send(m, nil, c.token()); !fault.Is(err, fault.StoreFull) {
		t.Errorf("the send at the limit: %v", err)
	}
}

func TestSendsFailAfterTheirPolicysTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) {
			p.Limits.Messages, p.FailAfter = 1, 5*time.Second
		})})
		c := n.connect("c")
		c.send(q("Q"), true, "m")
		p, err := c.Producer(q("Q"))
		if err != nil {
			t.Fatal(err)
		}
		m := text("more", true)
		m.Address = q("Q")
		since := time.Now()
		if err := p.Send(m, nil, c.token()); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if err := c.confirm(c.next); !fault.Is(err, fault.StoreFull) {
			t.Errorf("the send that waited: %v", err)
		}
		if waited := time.Since(since); waited < 5*time.Second || waited > 7*time.Second {
			t.Errorf("it failed after %v", waited)
		}
	})
}

func TestScheduledMessagesAreLimited(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Limits: broker.Limits{Scheduled: 2, FailIfNoSpace: true}})
	c := n.connect("c")
	later := func(s string) *message.Message {
		m := with(s, true, message.Field{Name: schedule.PropDelay, Value: message.OfLong(3600000)})
		m.Flags |= message.Scheduled
		m.Address = q("Q")
		return m
	}
	c.post(q("Q"), later("a"), later("b"))
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Send(later("c"), nil, c.token()); !fault.Is(err, fault.StoreFull) {
		t.Errorf("one too many: %v", err)
	}
	c.send(q("Q"), true, "at once")
	if k, err := n.Scheduler().RemoveBetween(t.Context(), 0, 1<<62, nil); k != 2 || err != nil {
		t.Fatal(k, err)
	}
	c.post(q("Q"), later("d"))
}

func TestSlowSubscribersLoseByTheirPolicy(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "topic://T.>", func(p *policy.Policy) {
		p.Limits.Pending, p.Limits.Eviction = 3, policy.Eviction(queue.EvictLowestPriority)
	})})
	multiple := startNode(t, broker.Options{Policies: policies(t, "topic://T.>", func(p *policy.Policy) {
		p.Limits.PendingRate = 1.5
	})})
	for _, x := range []struct {
		n    *node
		want []string
	}{
		{n, []string{"0", "1", "7", "8", "9"}},        // the highest priorities
		{multiple, []string{"0", "1", "7", "8", "9"}}, // 1.5 times a prefetch of 2: the last three
	} {
		c, pub := x.n.connect("c"), x.n.connect("pub")
		o := on(topic("T.1"))
		o.Prefetch = 2
		s := c.subscribe(o, 2)
		for i := range 10 {
			m := text(fmt.Sprint(i), false)
			m.Priority = uint8(i)
			pub.post(topic("T.1"), m)
		}
		c.receive(2)
		s.Limit(100)
		equal(t, c.receive(5), x.want)
	}
}

func TestEvictionIsReloaded(t *testing.T) {
	t.Parallel()
	set := policies(t, "topic://T", func(p *policy.Policy) { p.Limits.Pending = 5 })
	n := startNode(t, broker.Options{Policies: set})
	c, pub := n.connect("c"), n.connect("pub")
	s := c.subscribe(on(topic("T")), 1)
	pub.send(topic("T"), false, series("m", 10)...)
	c.receive(1)
	err := set.Replace([]policy.Entry{{Match: "topic://T", Values: []policy.Value{{Name: "pending", Set: func(p *policy.Policy) { p.Limits.Pending = 2 }}}}})
	if err != nil {
		t.Fatal(err)
	}
	n.ReloadPolicies()
	pub.send(topic("T"), false, "last")
	s.Limit(100)
	equal(t, c.receive(3), []string{"m0", "m9", "last"})
}

func TestSlowConsumersAreClosed(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		slow   policy.Slow
		settle bool // something now and then
		idle   bool // nothing is sent
		closed bool
	}{
		"slow for too long":           {policy.Slow{After: 10 * time.Second}, false, false, true},
		"slow, but without a policy":  {policy.Slow{}, false, false, false},
		"idle is not slow":            {policy.Slow{After: 10 * time.Second, AckWithin: 10 * time.Second}, false, true, false},
		"no acknowledgement":          {policy.Slow{AckWithin: 10 * time.Second}, false, false, true},
		"acknowledges":                {policy.Slow{AckWithin: 10 * time.Second}, true, false, false},
		"idle counts":                 {policy.Slow{AckWithin: 10 * time.Second, Idle: true}, false, true, true},
		"the whole connection":        {policy.Slow{After: 10 * time.Second, Whole: true}, false, false, true},
		"became slow again and again": {policy.Slow{Count: 1}, false, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) { p.Slow = x.slow })})
				c, pub := n.connect("c"), n.connect("pub")
				o := on(q("Q"))
				o.Prefetch = 2
				s := c.subscribe(o, 2)
				if !x.idle {
					pub.send(q("Q"), true, series("m", 100)...)
				}
				for i := range uint64(15) {
					timer := time.NewTimer(2 * time.Second)
					<-timer.C
					if x.settle {
						if _, err := s.Settle(i+1, i+1, broker.Outcome{}, nil, 0); err != nil {
							t.Fatal(err)
						}
						s.Extend(1)
					}
				}
				c.mu.Lock()
				ended := c.ended
				c.mu.Unlock()
				if (ended != nil) != x.closed {
					t.Errorf("ended with %v", ended)
				}
				gone := false
				n.Connections(func(k *broker.Connection) { gone = gone || k == c.Connection })
				if gone == x.slow.Whole {
					t.Errorf("the connection is there: %t", gone)
				}
				if x.closed && !x.idle {
					pub.subscribe(on(q("Q")), 1000)
					pub.receive(100) // nothing is lost with it
				}
			})
		})
	}
}

func TestOfflineDurablesAreDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := startNode(t, broker.Options{Policies: policies(t, "topic://T", func(p *policy.Policy) { p.OfflineDurable = 10 * time.Second })})
		c := n.connect("c")
		for _, x := range []struct{ name, topic string }{{"goes", "T"}, {"stays", "OTHER"}, {"used", "T"}} {
			o := on(topic(x.topic))
			o.Name = x.name
			s := c.subscribe(o, 1)
			if x.name != "used" {
				s.Close(0, 0)
			}
		}
		timer := time.NewTimer(15 * time.Second)
		<-timer.C
		var left []string
		for _, d := range n.Durables() {
			left = append(left, d.Name)
		}
		slices.Sort(left)
		equal(t, left, []string{"stays", "used"})
		n.restart()
		if got := len(n.Durables()); got != 2 {
			t.Errorf("%d subscriptions after a restart", got)
		}
	})
}

// heard collects events.
type heard struct {
	mu   sync.Mutex
	cond *sync.Cond
	list []string
}

func (h *heard) wait(t *testing.T, want ...string) {
	t.Helper()
	timer := time.AfterFunc(20*time.Second, func() { h.cond.Broadcast() })
	defer timer.Stop()
	until := time.Now().Add(20 * time.Second)
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.list) < len(want) {
		if time.Now().After(until) {
			t.Fatalf("heard %q, want %q", h.list, want)
		}
		h.cond.Wait()
	}
	equal(t, h.list, want)
}

func TestEventsThatPoliciesAskFor(t *testing.T) {
	t.Parallel()
	listen := func(n *node) *heard {
		h := new(heard)
		h.cond = sync.NewCond(&h.mu)
		names := map[broker.EventKind]string{
			broker.LimitReached: "full", broker.ProducerFast: "fast", broker.ConsumerSlow: "slow", broker.MessageUnheard: "unheard",
			broker.MessageTaken: "taken", broker.MessageDispatched: "dispatched", broker.MessageConsumed: "consumed", broker.MessageDiscarded: "discarded",
		}
		t.Cleanup(n.Listen(func(e broker.Event) {
			if names[e.Kind] == "" {
				return
			}
			line := names[e.Kind] + " " + e.Address.String()
			if e.Message != nil {
				line += " " + body(e.Message)
			}
			h.mu.Lock()
			h.list = append(h.list, line)
			h.cond.Broadcast()
			h.mu.Unlock()
		}))
		return h
	}
	start := func(match string, set func(*policy.Policy)) (*node, *heard, *client) {
		n := startNode(t, broker.Options{Policies: policies(t, match, set)})
		return n, listen(n), n.connect("c")
	}

	_, h, c := start("queue://Q", func(p *policy.Policy) {
		p.Advisories = policy.MessageDelivered | policy.MessageDispatched | policy.MessageConsumed | policy.NoConsumer
	})
	c.send(q("Q"), false, "a")
	h.wait(t, "taken queue://Q a", "unheard queue://Q a")
	s := c.subscribe(on(q("Q")), 10)
	c.receive(1)
	if _, err := s.Settle(1, 1, broker.Outcome{}, nil, 0); err != nil {
		t.Fatal(err)
	}
	c.send(q("OTHER"), false, "nobody asks")
	h.wait(t, "taken queue://Q a", "unheard queue://Q a", "dispatched queue://Q a", "consumed queue://Q a")

	_, h, c = start("topic://T.>", func(p *policy.Policy) {
		p.Limits.Pending = 1
		p.Advisories = policy.MessageDiscarded | policy.NoConsumer | policy.SlowConsumer
	})
	c.send(topic("T.1"), false, "nobody")
	h.wait(t, "unheard topic://T.1 nobody")
	o := on(topic("T.>"))
	o.Prefetch = 1
	c.subscribe(o, 1)
	c.send(topic("T.2"), false, "a", "b", "c")
	h.wait(t, "unheard topic://T.1 nobody", "discarded topic://T.2 b", "slow topic://T.>")

	_, h, c = start("queue://Q", func(p *policy.Policy) {
		p.Limits.Messages, p.Advisories = 1, policy.Full|policy.FastProducer
	})
	c.send(q("Q"), true, "a")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	m := text("b", true)
	m.Address = q("Q")
	if err := p.Send(m, nil, c.token()); err != nil {
		t.Fatal(err)
	}
	h.wait(t, "full queue://Q", "fast queue://Q")
	if b := c.Blockage(); b.Limit != "destination" || !strings.Contains(b.WayOut, "limits.messages") {
		t.Errorf("blocked: %+v", b)
	}
}

// TestEventsComeWithoutLocks shows that an event which comes of dispatch does not
// stop whoever announces it on another subscription.
func TestEventsComeWithoutLocks(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.subscribe(on(topic(">")), 1000)
	done := make(chan struct{}, 1)
	var mu sync.Mutex // as a listener has
	defer n.Listen(func(e broker.Event) {
		if e.Kind != broker.MessageExpired {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		m := text("told", false)
		m.Address = topic("told")
		n.Announce(m)
		select {
		case done <- struct{}{}:
		default:
		}
	})()
	for i := range 20 {
		m := text(fmt.Sprint(i), false)
		m.Expiry = 1
		c.post(topic("T"), m)
	}
	<-done
}

// TestCommitLetsOnlyItsOwnOverALimit shows that a client that goes on while its sends wait can't get them in by the commit
// of something else.
func TestCommitLetsOnlyItsOwnOverALimit(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) { p.Limits.Messages = 3 })})
	c := &client{t: t, confirmed: make(map[broker.Token]error)}
	c.cond.L = &c.mu
	conn, err := n.Connect(context.Background(), broker.Login{Protocol: "test", ClientID: "c", Overtaking: true}, c)
	if err != nil {
		t.Fatal(err)
	}
	c.Connection = conn
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	send := func(s string, tx *broker.Transaction) {
		t.Helper()
		m := text(s, false)
		m.Address = q("Q")
		if err := p.Send(m, tx, c.token()); err != nil {
			t.Fatal(err)
		}
		c.Flush()
	}
	commit := func(tx *broker.Transaction) {
		t.Helper()
		k := c.token()
		if err := tx.Commit(k); err != nil {
			t.Fatal(err)
		}
		if err := c.confirm(k); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 10 {
		send(fmt.Sprint(i), nil)
	}
	entries := func() int64 { return n.Lookup(q("Q")).Queue().Counters().Entries.Load() }
	for range 3 {
		commit(c.begin())
	}
	if got := entries(); got != 3 {
		t.Errorf("after commits of nothing, the queue holds %d messages, want its limit of 3", got)
	}
	tx := c.begin()
	send("in a transaction", tx)
	send("after it", nil)
	commit(tx)
	if got := entries(); got != 11 { // what came before it goes first
		t.Errorf("after the commit of one, the queue holds %d messages, want 11", got)
	}
}
