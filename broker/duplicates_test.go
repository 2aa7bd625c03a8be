package broker_test

import (
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/store"
)

// identified returns messages with identifiers.
func identified(durable bool, ids ...int) []*message.Message {
	var list []*message.Message
	for _, id := range ids {
		m := text(fmt.Sprint("m", id), durable)
		m.ID = message.ID{Origin: "ID:sender", Seq: uint64(id)}
		list = append(list, m)
	}
	return list
}

func remembering(t *testing.T, match string, window int) *policy.Set {
	return policies(t, match, func(p *policy.Policy) { p.Duplicates.Window = window })
}

func TestDuplicatesAreTakenOnceOverRestarts(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: remembering(t, "queue://ONCE", 100)})
	holds := func(a address.Address, want int64, when string) {
		t.Helper()
		if got := n.Lookup(a).Queue().Counters().Entries.Load(); got != want {
			t.Fatalf("%s: %s holds %d messages, want %d", when, a, got, want)
		}
	}
	c := n.connect("c")
	c.post(q("ONCE"), identified(true, 1, 2, 3)...)
	c.post(q("ONCE"), identified(true, 2, 3, 4)...)
	c.post(q("OTHER"), identified(true, 1, 1)...)
	holds(q("ONCE"), 4, "at first")
	holds(q("OTHER"), 2, "where nothing is remembered")
	if d := n.Lookup(q("ONCE")); d.Duplicates() != 2 {
		t.Errorf("%d duplicates counted", d.Duplicates())
	}
	n.restart()
	c = n.connect("c")
	c.post(q("ONCE"), identified(true, 1, 4, 5)...)
	holds(q("ONCE"), 5, "after a restart")
	c.post(q("ONCE"), identified(false, 5, 6, 6)...)
	holds(q("ONCE"), 6, "non-durable ones")
	for id := range 200 {
		c.post(q("ONCE"), identified(true, 1000+id)...)
	}
	c.post(q("ONCE"), identified(true, 1100, 1199, 1)...)
	holds(q("ONCE"), 207, "beyond the window")
	n.restart()
	c = n.connect("c")
	c.post(q("ONCE"), identified(true, 1, 1101, 1199, 1100)...)
	holds(q("ONCE"), 206+1, "after another restart, without what is not durable, and with one that was too old")
}

func TestDuplicatesByAProperty(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: remembering(t, ">", 10)})
	c := n.connect("c")
	id := func(s string) message.Field { return message.Field{Name: "_AMQ_DUPL_ID", Value: message.OfString(s)} }
	c.subscribe(on(topic("T")), 10)
	c.post(topic("T"), with("a", false, id("1")), with("b", false, id("1")), with("c", false, id("2")), with("none", false), with("none", false))
	equal(t, c.receive(4), []string{"a", "c", "none", "none"})
}

func TestDuplicatesInTransactions(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: remembering(t, "queue://>", 100)})
	c := n.connect("c")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	transact := func(commit bool, ids ...int) {
		t.Helper()
		tx, err := c.Begin()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range identified(true, ids...) {
			m.Address = q("Q")
			if err := p.Send(m, tx, 0); err != nil {
				t.Fatal(err)
			}
		}
		if !commit {
			err = tx.Rollback()
		} else if err = tx.Commit(c.token()); err == nil {
			err = c.confirm(c.next)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	transact(false, 1, 2)
	transact(true, 1, 2, 2)
	transact(true, 2, 3)
	n.restart()
	c = n.connect("c")
	c.subscribe(on(q("Q")), 10)
	equal(t, c.receive(3), []string{"m1", "m2", "m3"})
}

func TestDuplicateWindowIsReloadedAndForgotten(t *testing.T) {
	t.Parallel()
	set := remembering(t, "queue://Q", 100)
	n := startNode(t, broker.Options{Policies: set})
	c := n.connect("c")
	c.post(q("Q"), identified(true, 1, 2, 3, 4, 5, 6)...)
	reload := func(window int) {
		t.Helper()
		err := set.Replace([]policy.Entry{{Match: "queue://Q", Values: []policy.Value{{Name: "window", Set: func(p *policy.Policy) { p.Duplicates.Window = window }}}}})
		if err != nil {
			t.Fatal(err)
		}
		n.ReloadPolicies()
	}
	count := func() (records int) {
		t.Helper()
		if err := n.Store().Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := n.Store().Records(t.Context(), store.Sessions, nil, nil, func([]byte, []byte) error { records++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return records
	}
	reload(3)
	if got := count(); got != 3 {
		t.Errorf("%d records of a window of 3", got)
	}
	n.restart()
	c = n.connect("c")
	c.post(q("Q"), identified(true, 4, 6, 3)...)
	if got := n.Lookup(q("Q")).Queue().Counters().Entries.Load(); got != 7 {
		t.Errorf("the queue holds %d messages, want 7", got)
	}
	reload(0)
	if got := count(); got != 0 {
		t.Errorf("%d records are left of a window that is turned off", got)
	}
	c.post(q("Q"), identified(true, 4)...)
	reload(5)
	c.post(q("Q"), identified(true, 8, 9)...)
	if err := n.Delete(t.Context(), q("Q")); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 0 {
		t.Errorf("%d records are left of a queue that was deleted", got)
	}
}

// TestDuplicatesInARecoveredBranch prepares a branch, sends some of its messages otherwise, and commits
// it after a restart.
func TestDuplicatesInARecoveredBranch(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Policies: remembering(t, ">", 100)})
	c := n.connect("c")
	for _, name := range []string{"A", "B"} {
		o := on(topic("T"))
		o.Name = name
		c.subscribe(o, 0).Close(0, 0)
	}
	tx := c.begin()
	for _, to := range []address.Address{q("Q"), topic("T"), q("DELETED")} {
		for _, m := range identified(true, 1, 2, 2, 3) {
			c.sendIn(tx, to, m)
		}
	}
	c.prepare(tx, "x")
	n.restart()
	c = n.connect("c")
	c.post(q("Q"), identified(true, 2)...)
	c.post(topic("T"), identified(true, 3)...)
	if err := n.Delete(t.Context(), q("DELETED")); err != nil {
		t.Fatal(err)
	}
	n.decide("x", true)
	check := func(when string) {
		t.Helper()
		for _, to := range []address.Address{q("Q"), topic("T"), q("DELETED")} {
			c.post(to, identified(true, 1, 2, 3)...)
		}
		for name, want := range map[string]int64{"Q": 3, "DELETED": 3} {
			if got := n.Lookup(q(name)).Queue().Counters().Entries.Load(); got != want {
				t.Errorf("%s: %s holds %d messages, want %d", when, name, got, want)
			}
		}
		list := n.Durables()
		if len(list) != 2 {
			t.Errorf("%s: %d subscriptions", when, len(list))
		}
		for _, d := range list {
			if got := d.Counters.Entries.Load(); got != 3 {
				t.Errorf("%s: the subscription %s holds %d messages", when, d.Name, got)
			}
		}
	}
	check("after the commit")
	n.restart()
	c = n.connect("c")
	check("after another restart")
}
