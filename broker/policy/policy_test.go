package policy_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
)

func entry(match string, messages int64) policy.Entry {
	return policy.Entry{Match: match, Origin: "from " + match, Values: []policy.Value{{Name: "limits.messages", Set: func(p *policy.Policy) { p.Limits.Messages = messages }}}}
}

func TestMostSpecificWins(t *testing.T) {
	t.Parallel()
	set, err := policy.NewSet([]policy.Entry{
		entry("queue://a.b", 5), entry("queue://>", 1), entry("queue://a.*", 3), entry("queue://a.>", 2), entry("topic://>", 9),
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int64{"queue://x": 1, "queue://a.b.c": 2, "queue://a.c": 3, "queue://a.b": 5, "topic://a.b": 9, "queue://a": 2} {
		a := address.Parse(name, address.Queue)
		p, origins := set.Explain(a)
		if p.Limits.Messages != want || set.Lookup(a).Limits.Messages != want {
			t.Errorf("%s: %d, want %d", name, p.Limits.Messages, want)
		}
		if len(origins) != 1 || origins[0].Name != "limits.messages" {
			t.Errorf("%s: origins %v", name, origins)
		}
	}
}

func TestReplaceIsAllOrNothing(t *testing.T) {
	t.Parallel()
	set, err := policy.NewSet([]policy.Entry{entry("queue://a", 5)})
	if err != nil {
		t.Fatal(err)
	}
	if set.Replace([]policy.Entry{entry("queue://a", 6), {}}) == nil {
		t.Error("a policy without a match was taken")
	}
	if got := set.Lookup(address.Parse("queue://a", address.Queue)).Limits.Messages; got != 5 {
		t.Errorf("%d, want 5", got)
	}
}

func TestSome(t *testing.T) {
	t.Parallel()
	set, err := policy.NewSet([]policy.Entry{entry("queue://a", 5)})
	if err != nil {
		t.Fatal(err)
	}
	for want, is := range map[int64]bool{5: true, 6: false} {
		if set.Some(func(p *policy.Policy) bool { return p.Limits.Messages == want }) != is {
			t.Errorf("%d: not %t", want, is)
		}
	}
	if new(policy.Set).Some(func(*policy.Policy) bool { return true }) {
		t.Error("an empty set has some")
	}
}

func TestPendingOf(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		l        policy.Limits
		prefetch int
		want     int64
	}{{policy.Limits{Pending: -1}, 10, -1}, {policy.Limits{Pending: 7}, 10, 7}, {policy.Limits{Pending: 7, PendingRate: 0.5}, 10, 5}, {policy.Limits{PendingRate: 2}, 0, 0}} {
		if got := x.l.PendingOf(x.prefetch); got != x.want {
			t.Errorf("%+v of %d: %d, want %d", x.l, x.prefetch, got, x.want)
		}
	}
}

// TestEvictionsAreTheQueues holds the two packages' numbers together.
func TestEvictionsAreTheQueues(t *testing.T) {
	t.Parallel()
	if policy.EvictOldest != policy.Eviction(queue.EvictOldest) || policy.EvictLowestPriority != policy.Eviction(queue.EvictLowestPriority) ||
		policy.EvictSameProperty != policy.Eviction(queue.EvictSameProperty) {
		t.Error("policy and queue mean different evictions by the same number")
	}
}
