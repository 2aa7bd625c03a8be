package broker_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/policy"
)

// A destination's limit holds for what goes into a transaction, too. The commit lets what waits go
// first, whatever the limit: it neither overtakes it nor waits for it.
func TestCommitDoesNotOvertakeParkedSends(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) { p.Limits.Messages = 1 })})
	c := n.connect("c")
	c.send(q("Q"), true, "m0")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	m := text("m1", true)
	m.Address = q("Q")
	parked := c.token()
	if err := p.Send(m, nil, parked); err != nil {
		t.Fatal(err)
	}
	tx := c.begin()
	c.sendIn(tx, q("Q"), text("m2", true))
	c.sendIn(tx, q("FREE"), text("free", true))
	c.Flush()
	if reason := c.Blockage().Reason; reason == "" {
		t.Fatal("the sends do not wait")
	}
	committed := c.token()
	if err := tx.Commit(committed); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(committed); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(parked); err != nil {
		t.Fatal(err)
	}
	if reason := c.Blockage().Reason; reason != "" {
		t.Errorf("still blocked: %s", reason)
	}
	c.subscribe(on(q("Q")), 10)
	equal(t, c.receive(3), series("m", 3))
	c.subscribe(on(q("FREE")), 10)
	c.receive(4)
}

// A send that was given up takes its transaction with it.
func TestTransactionThatLacksASendFails(t *testing.T) {
	t.Parallel()
	for _, prepared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) { lackASend(t, prepared) })
	}
}

func lackASend(t *testing.T, prepared bool) {
	n := startNode(t, broker.Options{
		Limits:   broker.Limits{FailAfter: 2 * time.Second},
		Policies: policies(t, "queue://Q", func(p *policy.Policy) { p.Limits.Messages = 1 }),
	})
	c := n.connect("c")
	c.send(q("Q"), true, "m0")
	tx := c.begin()
	c.sendIn(tx, q("FREE"), text("first", true))
	c.sendIn(tx, q("Q"), text("second", true))
	c.Flush()
	<-time.After(5 * time.Second)
	synctest.Wait()
	if reason := c.Blockage().Reason; reason != "" {
		t.Fatalf("still blocked: %s", reason)
	}
	var err error
	if prepared {
		err = tx.Prepare("x", 0)
	} else {
		err = tx.Commit(0)
	}
	if !fault.Is(err, fault.StoreFull) {
		t.Fatalf("the end of the transaction: %v", err)
	}
	if prepared {
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range n.Destinations() {
		want := int64(0)
		if d.Address == q("Q") {
			want = 1
		}
		if got := d.Queue().Counters().Entries.Load(); got != want {
			t.Errorf("%s has %d messages", d.Address, got)
		}
	}
}

// What waits for a transaction that is rolled back goes with it.
func TestRollbackForgetsParkedSends(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: policies(t, "queue://Q", func(p *policy.Policy) { p.Limits.Messages = 1 })})
	c := n.connect("c")
	c.send(q("Q"), true, "m0")
	tx := c.begin()
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	m := text("gone", true)
	m.Address = q("Q")
	if err := p.Send(m, tx, c.token()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Purge(context.Background(), q("Q")); err != nil {
		t.Fatal(err)
	}
	if err := c.confirm(c.next); err != nil {
		t.Error(err)
	}
	c.send(q("Q"), true, "m1")
	c.subscribe(on(q("Q")), 10)
	equal(t, c.receive(1), []string{"m1"})
	if used := n.Usage().Memory; used > 1000 {
		t.Errorf("%d bytes are accounted for", used)
	}
}

// What a transaction holds is nobody else's until it ends, and without an outcome then.
func TestTransactionsHold(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"commit", "rollback", "closed"} {
		n := startNode(t, broker.Options{})
		c := n.connect("c")
		c.send(q("Q"), true, series("m", 4)...)
		s := c.subscribe(on(q("Q")), 10)
		equal(t, c.receive(4), series("m", 4))
		tx, other := c.begin(), c.begin()
		if held, err := tx.Hold(s, 2, 3); held != 2 || err != nil {
			t.Fatalf("%d are held, %v", held, err)
		}
		if settled, err := s.Settle(1, 4, broker.Outcome{}, other, 0); settled != 2 || err != nil {
			t.Fatalf("another transaction decides on %d, %v", settled, err)
		}
		if own, others := tx.Decides(s, 2, 3); !own || others {
			t.Errorf("own %v, others %v", own, others)
		}
		if own, others := other.Decides(s, 1, 2); !own || !others {
			t.Errorf("own %v, others %v", own, others)
		}
		if tx.Empty() || tx.Prepare("x", 0) == nil {
			t.Error("what is held is forgotten")
		}
		switch end {
		case "closed":
			s.Close(4, 0)
			fallthrough
		case "commit":
			done := c.token()
			if err := tx.Commit(done); err != nil {
				t.Fatal(err)
			}
			if err := c.confirm(done); err != nil {
				t.Fatal(err)
			}
		case "rollback":
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
		if end == "closed" {
			c.subscribe(on(q("Q")), 10)
			equal(t, c.receive(6)[4:], []string{"m1", "m2"})
			continue
		}
		if settled, err := s.Settle(1, 4, broker.Outcome{}, nil, 0); settled != 2 || err != nil {
			t.Errorf("%d are unsettled after the %s, %v", settled, end, err)
		}
	}
}
