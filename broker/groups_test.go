package broker_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
)

// inGroup returns a durable message of a group.
func inGroup(s, group string, seq int32) *message.Message {
	m := text(s, true)
	m.GroupID, m.GroupSeq = group, seq
	return m
}

// TestGroupWaitsForATransaction has a consumer leave messages of a group to a transaction, and go:
// what stands behind them goes to nobody before that is over.
func TestGroupWaitsForATransaction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*broker.Transaction) error
		want []string
	}{
		"commit":   {func(tx *broker.Transaction) error { return tx.Commit(0) }, []string{"free", "2", "3"}},
		"rollback": {(*broker.Transaction).Rollback, []string{"free", "1", "2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, broker.Options{})
			a, b := n.connect("a"), n.connect("b")
			s := a.subscribe(on(q("Q")), 10)
			a.post(q("Q"), inGroup("1", "G", 0), inGroup("2", "G", 0), inGroup("3", "G", -1))
			a.receive(3)
			tx, err := a.Begin()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Settle(1, 1, broker.Outcome{}, tx, 0); err != nil {
				t.Fatal(err)
			}
			s.Close(^uint64(0), 0)
			b.subscribe(on(q("Q")), 10)
			a.post(q("Q"), text("free", true))
			equal(t, b.receive(1), []string{"free"})
			if err := c.end(tx); err != nil {
				t.Fatal(err)
			}
			equal(t, b.receive(len(c.want)), c.want)
		})
	}
}

// TestGroupThatBeginsAnewOvertakesNothing has a group begin anew while messages of it wait for its
// owner, which is full.
func TestGroupThatBeginsAnewOvertakesNothing(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	s := a.subscribe(on(q("Q")), 1)
	a.post(q("Q"), inGroup("1", "G", 0))
	a.receive(1)
	b.subscribe(on(q("Q")), 10)
	a.post(q("Q"), inGroup("2", "G", 0), inGroup("3", "G", 1), text("free", true))
	equal(t, b.receive(1), []string{"free"})
	s.Limit(2)
	equal(t, a.receive(2), []string{"1", "2"})
	// Now that nothing waits before it, the third message is anybody's.
	equal(t, b.receive(2), []string{"free", "3"})
	a.post(q("Q"), inGroup("4", "G", 0))
	equal(t, b.receive(3), []string{"free", "3", "4"})
}

// TestGroupBeginsAnewWithoutWhatIsGone has messages of a group wait for its owner, which is full, and go
// otherwise, or never be wanted by it: what begins the group anew, before that or after it, waits for
// them no more.
func TestGroupBeginsAnewWithoutWhatIsGone(t *testing.T) {
	t.Parallel()
	window := policies(t, "queue://Q", func(p *policy.Policy) { p.ExpirePeriod = time.Second })
	tail := policies(t, "queue://Q", func(p *policy.Policy) { p.ExpirePeriod, p.Limits.Window = time.Second, 1<<10 })
	two := broker.Selection{Selector: "JMSXGroupSeq = 2"}
	for name, c := range map[string]struct {
		selector string // the owner's
		ttl      time.Duration
		remove   func(ctx context.Context, n *node) (int64, error)
		waits    bool // what does not go
	}{
		"removed":  {remove: func(ctx context.Context, n *node) (int64, error) { return n.Remove(ctx, q("Q"), two) }},
		"moved":    {remove: func(ctx context.Context, n *node) (int64, error) { return n.Move(ctx, q("Q"), q("R"), two) }},
		"expired":  {ttl: 200 * time.Millisecond},
		"purged":   {remove: func(ctx context.Context, n *node) (int64, error) { return n.Purge(ctx, q("Q")) }},
		"unwanted": {selector: "JMSXGroupSeq <> 2", waits: true},
	} {
		for i := range 4 {
			late, set := i%2 == 1, window
			if i > 1 {
				set = tail
			}
			if name == "purged" && i != 1 || name == "unwanted" && i > 1 {
				continue
			}
			t.Run(fmt.Sprint(name, ", late ", late, ", in the tail ", i > 1), func(t *testing.T) {
				t.Parallel()
				n := startNode(t, broker.Options{Policies: set})
				a, b, dead := n.connect("a"), n.connect("b"), n.connect("dead")
				dead.subscribe(on(q("ActiveMQ.DLQ")), 10)
				o := on(q("Q"))
				o.Selector = c.selector
				a.subscribe(o, 2)
				a.post(q("Q"), inGroup("1", "G", 0), inGroup("filler", "H", 0))
				a.receive(2)
				b.subscribe(on(q("Q")), 10)
				for range 50 {
					a.post(q("Q"), inGroup("filler", "H", 0))
				}
				var waiting []*message.Message
				for i := range 3 {
					m := inGroup(fmt.Sprint("2.", i), "G", 2)
					if c.ttl > 0 {
						m.Expiry = time.Now().Add(c.ttl).UnixMilli()
					}
					waiting = append(waiting, m)
				}
				a.post(q("Q"), waiting...)
				if !late {
					a.post(q("Q"), inGroup("3", "G", 1))
				}
				a.post(q("Q"), text("free", true))
				if !late && c.waits {
					// 3 begins the group; what its former owner did not want is the new one's.
					equal(t, b.receive(5), []string{"3", "2.0", "2.1", "2.2", "free"})
					return
				}
				equal(t, b.receive(1), []string{"free"})
				if c.remove != nil {
					if _, err := c.remove(t.Context(), n); err != nil {
						t.Error(err)
					}
				}
				if late {
					if c.ttl > 0 {
						dead.receive(3)
					}
					a.post(q("Q"), inGroup("3", "G", 1))
				}
				equal(t, b.receive(2)[:2], []string{"free", "3"})
			})
		}
	}
}

// TestGroupBeginsWithWhatItsOwnerPassedOver has a consumer own a group by a message behind the one that
// begins it, which its selector does not want: that is anybody's.
func TestGroupBeginsWithWhatItsOwnerPassedOver(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	a.post(q("Q"), inGroup("begin", "G", 1), inGroup("wanted", "G", 2))
	o := on(q("Q"))
	o.Selector = "JMSXGroupSeq = 2"
	a.subscribe(o, 10)
	equal(t, a.receive(1), []string{"wanted"})
	b.subscribe(on(q("Q")), 10)
	equal(t, b.receive(1), []string{"begin"})
}

// TestGroupIsClosedOnce has the last message of a part of a group come again when the next part is under
// way: it does not close that too.
func TestGroupIsClosedOnce(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b, c := n.connect("a"), n.connect("b"), n.connect("c")
	a.subscribe(on(q("Q")), 2)
	a.post(q("Q"), inGroup("1", "G", 0), inGroup("2", "G", -1))
	a.receive(2)
	b.subscribe(on(q("Q")), 10)
	b.post(q("Q"), inGroup("3", "G", 0))
	equal(t, b.receive(1), []string{"3"})
	a.Close()
	equal(t, b.receive(3), []string{"3", "1", "2"})
	c.subscribe(on(q("Q")), 10)
	b.post(q("Q"), inGroup("4", "G", 0))
	equal(t, b.receive(4), []string{"3", "1", "2", "4"})
}

// TestNewGroupsGoToWhoHasFewest lets a second consumer come when the first has some groups.
func TestNewGroupsGoToWhoHasFewest(t *testing.T) {
	t.Parallel()
	n := startNode(t, broker.Options{})
	a, b := n.connect("a"), n.connect("b")
	a.subscribe(on(q("Q")), 100)
	for i := range 4 {
		a.post(q("Q"), inGroup("a", fmt.Sprint("old", i), 0))
	}
	a.receive(4)
	b.subscribe(on(q("Q")), 100)
	for i := range 4 {
		a.post(q("Q"), inGroup("b", fmt.Sprint("new", i), 0))
	}
	equal(t, b.receive(4), []string{"b", "b", "b", "b"})
}
