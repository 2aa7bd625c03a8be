package broker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/store"
)

// sendIn sends a message in a transaction.
func (c *client) sendIn(tx *broker.Transaction, a address.Address, m *message.Message) {
	c.t.Helper()
	p, err := c.Producer(a)
	if err != nil {
		c.t.Fatal(err)
	}
	m.Address = a
	if err := p.Send(m, tx, 0); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) begin() *broker.Transaction {
	c.t.Helper()
	tx, err := c.Begin()
	if err != nil {
		c.t.Fatal(err)
	}
	return tx
}

// prepare prepares a transaction and waits until that is on disk.
func (c *client) prepare(tx *broker.Transaction, xid string) {
	c.t.Helper()
	if err := tx.Prepare(xid, c.token()); err != nil {
		c.t.Fatal(err)
	}
	if err := c.confirm(c.next); err != nil {
		c.t.Fatal(err)
	}
}

// decide ends a prepared branch and waits until that is on disk.
func (n *node) decide(xid string, commit bool) {
	n.t.Helper()
	end, done := n.RollbackPrepared, make(chan error, 1)
	if commit {
		end = n.CommitPrepared
	}
	if err := end(xid, func(err error) { done <- err }); err != nil {
		n.t.Fatal(err)
	}
	if err := <-done; err != nil {
		n.t.Fatal(err)
	}
}

// branch reads what is kept of a prepared branch.
func (n *node) branch(xid string) *store.Batch {
	n.t.Helper()
	value, err := n.Store().Record(context.Background(), store.Prepared, []byte(xid))
	if err != nil {
		n.t.Fatal(err)
	}
	batch := new(store.Batch)
	if err := batch.Unmarshal(value); err != nil {
		n.t.Fatal(err)
	}
	return batch
}

// A prepared branch is a promise: its non-durable messages are part of it. Once committed, they
// are as any others.
func TestPreparedBranchKeepsNonDurableMessages(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{true, false} {
		n := startNode(t, broker.Options{})
		c := n.connect("c")
		o := on(topic("T"))
		o.Name = "S"
		c.subscribe(o, 0).Close(0, 0)
		c.subscribe(on(topic("T")), 0) // does not outlive the broker
		tx := c.begin()
		for i, name := range series("m", 4) {
			c.sendIn(tx, q("Q"), text(name, i%2 == 0))
			c.sendIn(tx, topic("T"), text(name, i%2 == 1))
		}
		tmp, err := c.CreateTemporary(address.TempQueue)
		if err != nil {
			t.Fatal(err)
		}
		c.sendIn(tx, tmp, text("gone", false))
		c.prepare(tx, "x")
		if restart {
			n.restart()
			c = n.connect("c")
		}
		n.decide("x", true)
		c.subscribe(on(q("Q")), 10)
		equal(t, c.receive(4), series("m", 4))
		c.subscribe(o, 10)
		equal(t, c.receive(8)[4:], series("m", 4))
		for i, d := range c.deliveries {
			if want := i%2 == 0 == (i < 4); d.Msg.Durable != want {
				t.Errorf("delivery %d is durable: %v", i, d.Msg.Durable)
			}
		}
	}
}

// What a branch keeps for its commit must not bring marks back that are lower than those of its
// time.
func TestPreparedBranchKeepsNoMarks(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	tx := c.begin()
	c.sendIn(tx, q("Q"), text("m", true))
	c.prepare(tx, "x")
	for i, op := range n.branch("x").Ops() {
		if op.Kind != store.OpAppend {
			t.Errorf("operation %d of the branch is of kind %d", i, op.Kind)
		}
	}
}

// Large bodies, which stand apart, live as long as their branch or their message.
func TestPreparedBranchWithALargeBody(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("large", 1<<19)
	for _, restart := range []bool{true, false} {
		for _, commit := range []bool{true, false} {
			n := startNode(t, broker.Options{})
			c := n.connect("c")
			tx := c.begin()
			c.sendIn(tx, q("Q"), text(large, true))
			c.prepare(tx, "x")
			if restart {
				n.restart()
			}
			id := n.branch("x").Ops()[0].PartsID
			n.decide("x", commit)
			_, err := n.Store().ReadPart(context.Background(), id, 0, nil)
			if kept := commit && restart; kept != (err == nil) {
				t.Errorf("restart %v, commit %v: the body that the branch named: %v", restart, commit, err)
			}
			if commit {
				n.restart()
				c = n.connect("c")
				c.subscribe(on(q("Q")), 1)
				equal(t, c.receive(1), []string{large})
			}
		}
	}
}

// What a prepared branch has acknowledged is not shown as waiting, wherever its consumer is.
func TestBrowseShowsWhatABranchLocks(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("Q"), true, series("m", 5)...)
	s := c.subscribe(on(q("Q")), 3)
	c.receive(3)
	tx := c.begin()
	if _, err := s.Settle(2, 3, broker.Outcome{}, tx, 0); err != nil {
		t.Fatal(err)
	}
	c.prepare(tx, "x")
	check := func(when, want string) {
		t.Helper()
		got := ""
		err := n.Browse(context.Background(), q("Q"), "", func(v queue.View) bool {
			got += " " + body(v.Msg)
			if v.Unsettled {
				got += "!"
			}
			return true
		})
		if err != nil || got != want {
			t.Errorf("%s: %q instead of %q: %v", when, got, want, err)
		}
	}
	check("with its consumer", " m0! m1! m2! m3 m4")
	c.Connection.Close()
	check("when its consumer is gone", " m0 m1! m2! m3 m4")
	n.restart()
	check("after a restart", " m1! m2! m0 m3 m4")
	d := n.connect("d")
	d.subscribe(on(q("Q")), 1)
	d.receive(1)
	check("when the queue was read", " m0! m1! m2! m3 m4")
	n.decide("x", false)
	check("after its rollback", " m0! m1 m2 m3 m4")
}

// TestPreparedBranchOfAQueueThatIsMadeAnew commits a branch after a restart whose queue was deleted, and
// is there again: its messages are no duplicates of themselves.
func TestPreparedBranchOfAQueueThatIsMadeAnew(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: remembering(t, "queue://>", 100)})
	c := n.connect("c")
	c.send(q("Q"), true, "before")
	tx := c.begin()
	for _, m := range identified(true, 1, 2) {
		c.sendIn(tx, q("Q"), m)
	}
	c.prepare(tx, "x")
	n.restart()
	if err := n.Delete(context.Background(), q("Q")); err != nil {
		t.Fatal(err)
	}
	c = n.connect("c")
	c.post(q("Q"), identified(true, 1)...)
	n.decide("x", true)
	c.subscribe(on(q("Q")), 10)
	equal(t, c.receive(2), []string{"m1", "m2"})
}
