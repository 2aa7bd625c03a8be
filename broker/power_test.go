package broker_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/broker"
)

// What was confirmed to a consumer outlives the loss of power, whatever it was.
func TestConfirmedOutcomesSurvivePowerLoss(t *testing.T) {
	t.Parallel()
	settle := func(k broker.OutcomeKind) func(*client, *broker.Subscription, broker.Token) error {
		return func(c *client, s *broker.Subscription, tok broker.Token) error {
			_, err := s.Settle(1, 1, broker.Outcome{Kind: k, Cause: "why"}, nil, tok)
			c.Flush()
			return err
		}
	}
	in := func(k broker.OutcomeKind) func(*client, *broker.Subscription, broker.Token) error {
		return func(c *client, s *broker.Subscription, tok broker.Token) error {
			tx := c.begin()
			if _, err := s.Settle(1, 1, broker.Outcome{Kind: k, Cause: "why"}, tx, 0); err != nil {
				return err
			}
			return tx.Commit(tok)
		}
	}
	for _, x := range []struct {
		name, queue string
		do          func(*client, *broker.Subscription, broker.Token) error
		left        int64  // on the queue
		count       uint16 // of what is left
	}{
		{"accepted", "Q", settle(broker.Accepted), 0, 0},
		{"rejected", "Q", settle(broker.Rejected), 0, 0},
		{"rejected dead letter", "ActiveMQ.DLQ", settle(broker.Rejected), 0, 0},
		{"failed", "Q", settle(broker.Failed), 1, 1},
		{"accepted in a transaction", "Q", in(broker.Accepted), 0, 0},
		{"rejected in a transaction", "Q", in(broker.Rejected), 0, 0},
		{"rejected dead letter in a transaction", "ActiveMQ.DLQ", in(broker.Rejected), 0, 0},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(1, 1))
			d := &crashable{fs: vfs.NewCrashableMem(), rng: rng}
			n := &node{t: t, Broker: broker.New(broker.Options{OpenStore: d.open})}
			if err := n.Activate(context.Background()); err != nil {
				t.Fatal(err)
			}
			c := n.connect("c")
			c.send(q(x.queue), true, "m")
			s := c.subscribe(on(q(x.queue)), 1)
			c.receive(1)
			s.Limit(0)
			tok := c.token()
			if err := x.do(c, s, tok); err != nil {
				t.Fatal(err)
			}
			if err := c.confirm(tok); err != nil {
				t.Fatal(err)
			}
			d.fs = d.fs.CrashClone(vfs.CrashCloneCfg{})
			if err := n.Deactivate(context.Background(), nil); err != nil {
				t.Fatal(err)
			}
			n.Broker = broker.New(broker.Options{OpenStore: d.open})
			if err := n.Activate(context.Background()); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = n.Deactivate(context.Background(), nil) }()
			if left := n.Lookup(q(x.queue)).Queue().Counters().Entries.Load(); left != x.left {
				t.Fatalf("%d messages are left instead of %d", left, x.left)
			}
			if x.left > 0 {
				c = n.connect("c")
				c.subscribe(on(q(x.queue)), 1)
				c.receive(1)
				if got := c.deliveries[0].Count; got != x.count {
					t.Errorf("%d failed deliveries instead of %d", got, x.count)
				}
			}
		})
	}
}
