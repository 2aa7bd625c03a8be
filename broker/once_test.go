package broker_test

import (
	"context"
	"testing"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
)

// The keys of a session may go over to another, also on the disk.
func TestSessionsInheritKeys(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	session := func(name string) *broker.Once {
		o, err := n.Once(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	c := n.connect("c")
	p, err := c.Producer(q("Q"))
	if err != nil {
		t.Fatal(err)
	}
	for key, name := range []string{"new", "old", "old"} {
		m := text("once", true)
		m.Address = q("Q")
		if err := p.SendOnce(m, session(name), uint64(key), c.token()); err != nil {
			t.Fatal(err)
		}
	}
	c.Flush()
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
	session("new").Inherit(session("old"))
	if got := len(session("new").Keys()); got != 3 {
		t.Errorf("%d keys", got)
	}
	n.restart()
	if got, left := len(session("new").Keys()), len(session("old").Keys()); got != 3 || left != 0 {
		t.Errorf("%d keys were inherited, %d are left", got, left)
	}
}

func TestSendOnceIsTakenOnceOverRestarts(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	send := func(key uint64) {
		c := n.connect("c")
		defer c.Connection.Close()
		once, err := n.Once(context.Background(), "session")
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Producer(q("Q"))
		if err != nil {
			t.Fatal(err)
		}
		m := text("once", true)
		m.Address = q("Q")
		if err := p.SendOnce(m, once, key, c.token()); err != nil {
			t.Fatal(err)
		}
		c.Flush()
		if err := c.confirm(c.next); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int64 { return n.Lookup(q("Q")).Queue().Counters().Entries.Load() }
	send(7)
	send(7)
	n.restart()
	send(7)
	if count() != 1 {
		t.Fatalf("%d messages", count())
	}
	c := n.connect("releaser")
	once, err := n.Once(context.Background(), "session")
	if err != nil {
		t.Fatal(err)
	}
	once.Forget(c.Connection, 7, c.token())
	c.Flush()
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
	n.restart()
	send(7)
	if count() != 2 {
		t.Fatalf("%d messages after the release", count())
	}
}

func TestTrackedDeliveriesKeepTagAndPhase(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("Q"), true, series("m", 3)...)
	next := uint32(100)
	o := on(q("Q"))
	o.Track = func(_ *message.Message, _ []byte, tag uint32) (uint32, bool) {
		if tag != 0 {
			return tag, true
		}
		next++
		return next, true
	}
	s := c.subscribe(o, 2)
	c.receive(2)
	if c.deliveries[0].Tag != 101 || c.deliveries[1].Tag != 102 {
		t.Fatalf("tags %d, %d", c.deliveries[0].Tag, c.deliveries[1].Tag)
	}
	if err := s.SetPhase(1, 2, c.token()); err != nil {
		t.Fatal(err)
	}
	c.Flush()
	if err := c.confirm(c.next); err != nil {
		t.Fatal(err)
	}
	if err := s.SetPhase(9, 2, 0); !fault.Is(err, fault.NotFound) {
		t.Errorf("phase of a delivery that is not there: %v", err)
	}
	n.restart()
	d := n.connect("d")
	next = 200
	d.subscribe(o, 10)
	equal(t, d.receive(3), series("m", 3))
	for i, want := range []struct {
		tag   uint32
		phase uint8
	}{{101, 2}, {102, 0}, {201, 0}} {
		if got := d.deliveries[i]; got.Tag != want.tag || got.Phase != want.phase {
			t.Errorf("delivery %d: tag %d, phase %d", i, got.Tag, got.Phase)
		}
	}
}

// elsewhere is a locator that serves no destination of a name.
type elsewhere string

func (e elsewhere) Locate(a address.Address) error {
	if a.Name != string(e) {
		return nil
	}
	err := fault.New(fault.Moved, "locate", a.String(), "%s is served by another broker", a)
	err.Where = "other:61616"
	return err
}

func TestLocatorSendsClientsAway(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{Locator: elsewhere("THERE")})
	c := n.connect("c")
	c.send(q("HERE"), true, "m")
	if _, err := c.Producer(q("THERE")); !fault.Is(err, fault.Moved) {
		t.Errorf("producer: %v", err)
	}
	if _, err := c.Subscribe(on(q("THERE")), sink{c}, 0); !fault.Is(err, fault.Moved) {
		t.Errorf("consumer: %v", err)
	}
}

// The end of a drain comes after the deliveries, also when these wait for their tags.
func TestDrainOfTrackedDeliveries(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	c := n.connect("c")
	c.send(q("Q"), true, series("m", 3)...)
	n.restart() // what it holds has to be read first
	c = n.connect("c")
	tag := uint32(0)
	o := on(q("Q"))
	o.Track = func(*message.Message, []byte, uint32) (uint32, bool) { tag++; return tag, true }
	s := c.subscribe(o, 10)
	s.Drain()
	c.await("the end of the drain", func() bool {
		if c.drained > 0 && len(c.deliveries) != 3 {
			t.Errorf("%d deliveries before it", len(c.deliveries))
		}
		return c.drained > 0
	})
}

// A temporary destination that is gone does not come back by what an administrator does.
func TestRetryDoesNotMakeTemporaryQueues(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNode(t, broker.Options{})
	a, c := n.connect("a"), n.connect("c")
	tmp, err := a.CreateTemporary(address.TempQueue)
	if err != nil {
		t.Fatal(err)
	}
	c.send(tmp, true, "m")
	if k, err := n.Move(ctx, tmp, q("DEAD"), broker.Selection{}); k != 1 || err != nil {
		t.Fatal(k, err)
	}
	a.Connection.Close()
	if k, err := n.Retry(ctx, q("DEAD"), broker.Selection{}); k != 1 || err != nil {
		t.Fatal(k, err)
	}
	if n.Lookup(tmp) != nil || n.Lookup(q("DEAD")).Queue().Counters().Entries.Load() != 1 {
		t.Error("the message is not where it was")
	}
	if _, err := n.Move(ctx, q("DEAD"), tmp, broker.Selection{}); !fault.Is(err, fault.NotFound) {
		t.Errorf("move to a temporary queue that is gone: %v", err)
	}
}
