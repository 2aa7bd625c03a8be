package config

import (
	"strings"
	"testing"
)

func TestPoliciesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ policies, want string }{
		{`{match: "queue://a.>.b"}`, `matches nothing: > stands for all further levels`},
		{`{match: "queue://"}`, `names nothing`},
		{`{match: "orders"}`, `does not start with one of`},
		{`{match: "queue://a", prioritized: true}, {match: "queue://a", prioritized: false}`, "destinations.policies[1].prioritized: is set for queue://a by destinations.policies[0] already"},
		{`{match: "queue://a", limits: {pending: 5}}`, "destinations.policies[0].limits.pending: has no effect on queues"},
		{`{match: "queue://a", recovery: {messages: 5}}`, "has no effect on queues"},
		{`{match: "topic://a", limits: {messages: 5}}`, "destinations.policies[0].limits.messages: has no effect on topics"},
		{`{match: "topic://a", prefetch: {queue: 5}}`, "has no effect on topics"},
		{`{match: "queue://a", limits: {overflow: discard_oldest}}`, "limits.overflow: discard_oldest never happens"},
		{`{match: "queue://a", limits: {messages: 5, overflow: discard_new}, send_fail_if_no_space: true}`, "discard_new contradicts send_fail_if_no_space: true"},
		{`{match: "queue://a", limits: {messages: 5, overflow: block}, producer_flow_control: false}`, "block contradicts producer_flow_control: false"},
		{`{match: "queue://a", limits: {messages: 5, overflow: dead_letter_oldest}, dead_letter: {discard: true}}`, "dead_letter_oldest contradicts dead_letter.discard"},
		{`{match: "topic://a", limits: {pending: 5, pending_multiplier: 2}}`, "contradicts limits.pending"},
		{`{match: "topic://a", limits: {pending: 5, eviction: unique_property}}`, "unique_property needs limits.eviction_property"},
		{`{match: "topic://a", limits: {pending: 5, eviction: oldest, eviction_property: p}}`, "is for limits.eviction: unique_property"},
		{`{match: "topic://a", limits: {eviction: lowest_priority}}`, "limits.eviction: never happens"},
		{`{match: "queue://a", dead_letter: {discard: true, queue: D}}`, "contradicts the dead-letter queue that is named"},
		{`{match: "queue://a", dead_letter: {individual: false, prefix: D}}`, "false contradicts dead_letter.prefix"},
		{`{match: "queue://a", dead_letter: {per_durable_subscriber: true}}`, "per_durable_subscriber: has no effect on queues"},
		{`{match: "topic://a", dead_letter: {per_durable_subscriber: true, individual: false}}`, "needs queues of their own"},
		{`{match: "queue://a", redelivery: {use_collision_avoidance: false, collision_avoidance_percent: 5}}`, "has no effect with redelivery.use_collision_avoidance: false"},
		{`{match: "queue://a", redelivery: {collision_avoidance_percent: 101}}`, "collision_avoidance_percent"},
		{`{match: "queue://a", max_destinations: -2}`, "max_destinations"},
		{`{match: "queue://a", sending: {default_ttl: 2m, maximum_ttl: 1m}}`, "2m0s is more than sending.maximum_ttl (1m0s)"},
		{`{match: "queue://a", duplicates: {window: 0, age: 1m}}`, "bounds nothing"},
		{`{match: "queue://a", dispatch: {start_consumers: 0, start_after: 1m}}`, "waits for nothing"},
		{`{match: "queue://a", limits: {messages: -1}}`, "limits.messages"},
		{`{match: "queue://a", expire_period: -1s}`, "expire_period"},
		{`{match: "queue://a", limits: {overflow: drop}}`, "limits.overflow"},
	} {
		_, err := Parse("c.yaml", []byte("destinations:\n  policies: ["+c.policies+"]\n"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", c.policies, err, c.want)
		}
	}
	for text, want := range map[string]string{
		`composites: [{match: "queue://a", to: []}]`:         "destinations.composites[0].to: names no destination",
		`virtual_topics: [{match: "a.>.b", prefix: "C.*."}]`: "matches nothing",
		`mirrored_queues: [{match: ">.b"}]`:                  "matches nothing",
	} {
		_, err := Parse("c.yaml", []byte("destinations: {"+text+"}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestPoliciesThatComplementEachOther(t *testing.T) {
	t.Parallel()
	_, err := Parse("c.yaml", []byte(`destinations:
  policies:
    - {match: "queue://>", limits: {messages: 100}, prioritized: true}
    - {match: "queue://a.>", limits: {overflow: dead_letter_oldest}, prioritized: false}
    - {match: "topic://>", limits: {pending_multiplier: 2}}
    - {match: "topic://prices.>", limits: {eviction: unique_property, eviction_property: symbol}}
    - {match: "queue://a.>", duplicates: {window: 10, age: 1m}}
`))
	if err != nil {
		t.Error(err)
	}
}
