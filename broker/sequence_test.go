package broker_test

import (
	"context"
	"testing"

	"github.com/manifoldmq/manifold/broker"
)

// TestSendNumberedIsTakenOnceOverRestarts repeats messages as a client does that has not got an
// answer: over another connection, and over a restart.
func TestSendNumberedIsTakenOnceOverRestarts(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	send := func(before bool, numbers ...uint64) {
		t.Helper()
		c := n.connect("c")
		defer c.Connection.Close()
		sequence, err := n.Sequence(context.Background(), "producer", before)
		if err != nil {
			t.Fatal(err)
		}
		p, err := c.Producer(q("Q"))
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range numbers {
			m := text("numbered", true)
			m.Address = q("Q")
			if err := p.SendNumbered(m, sequence, number, c.token()); err != nil {
				t.Fatal(err)
			}
			c.Flush()
			if err := c.confirm(c.next); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect := func(want int64, when string) {
		t.Helper()
		if got := n.Lookup(q("Q")).Queue().Counters().Entries.Load(); got != want {
			t.Fatalf("%s: %d messages, want %d", when, got, want)
		}
	}
	send(false, 1, 2, 3)
	send(true, 3, 4)
	expect(4, "over another connection")
	n.restart()
	send(true, 2, 4, 5)
	expect(5, "after a restart")
	sequence, err := n.Sequence(context.Background(), "producer", true)
	if err != nil || sequence.Last() != 5 {
		t.Fatalf("the last is %d, %v", sequence.Last(), err)
	}
	sequence.End()
	n.restart()
	send(true, 5)
	expect(6, "after its end")
}
