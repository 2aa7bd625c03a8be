package console

import (
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/policy"
)

// setting is one value of a destination's policy, and where it comes from.
type setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Match  string `json:"match,omitempty"` // the pattern of the policy that sets it; empty: a default
	Origin string `json:"origin,omitempty"`
}

// values are the settings by their names in the configuration.
func values() []struct {
	name string
	get  func(p *policy.Policy) string
} {
	type v = struct {
		name string
		get  func(p *policy.Policy) string
	}
	text := func(name string, get func(p *policy.Policy) string) v { return v{name, get} }
	flag := func(name string, get func(p *policy.Policy) bool) v {
		return v{name, func(p *policy.Policy) string { return strconv.FormatBool(get(p)) }}
	}
	number := func(name string, get func(p *policy.Policy) int64) v {
		return v{name, func(p *policy.Policy) string { return strconv.FormatInt(get(p), 10) }}
	}
	span := func(name string, get func(p *policy.Policy) time.Duration) v {
		return v{name, func(p *policy.Policy) string { return get(p).String() }}
	}
	return []v{
		text("dead_letter.queue", func(p *policy.Policy) string { return p.DeadLetter.Queue }),
		flag("dead_letter.individual", func(p *policy.Policy) bool { return p.DeadLetter.Individual }),
		text("dead_letter.prefix", func(p *policy.Policy) string { return p.DeadLetter.Prefix }),
		flag("dead_letter.process_expired", func(p *policy.Policy) bool { return p.DeadLetter.ProcessExpired }),
		flag("dead_letter.process_non_persistent", func(p *policy.Policy) bool { return p.DeadLetter.ProcessNonPersistent }),
		flag("dead_letter.discard", func(p *policy.Policy) bool { return p.DeadLetter.Discard }),
		span("dead_letter.ttl", func(p *policy.Policy) time.Duration { return p.DeadLetter.TTL }),
		number("redelivery.maximum", func(p *policy.Policy) int64 { return int64(p.MaxDeliveries) - 1 }),
		span("redelivery.delay", func(p *policy.Policy) time.Duration { return p.Redelivery.Delay }),
		text("redelivery.backoff_multiplier", func(p *policy.Policy) string { return strconv.FormatFloat(p.Redelivery.Multiplier, 'g', -1, 64) }),
		span("redelivery.maximum_delay", func(p *policy.Policy) time.Duration { return p.Redelivery.MaxDelay }),
		flag("redelivery.rejected", func(p *policy.Policy) bool { return p.Redelivery.Rejected }),
		number("prefetch.queue", func(p *policy.Policy) int64 { return int64(p.Prefetch.Queue) }),
		number("prefetch.topic", func(p *policy.Policy) int64 { return int64(p.Prefetch.Topic) }),
		number("prefetch.durable", func(p *policy.Policy) int64 { return int64(p.Prefetch.Durable) }),
		number("prefetch.browser", func(p *policy.Policy) int64 { return int64(p.Prefetch.Browser) }),
		number("limits.memory", func(p *policy.Policy) int64 { return p.Limits.Memory }),
		number("limits.messages", func(p *policy.Policy) int64 { return p.Limits.Messages }),
		text("limits.overflow", func(p *policy.Policy) string {
			return [...]string{"block", "fail", "discard_new", "discard_oldest", "dead_letter_oldest"}[p.Limits.Overflow]
		}),
		number("limits.pending", func(p *policy.Policy) int64 { return p.Limits.Pending }),
		flag("prioritized", func(p *policy.Policy) bool { return p.Prioritized }),
		flag("producer_flow_control", func(p *policy.Policy) bool { return p.FlowControl }),
		flag("send_fail_if_no_space", func(p *policy.Policy) bool { return p.FailIfNoSpace }),
		span("send_fail_if_no_space_after", func(p *policy.Policy) time.Duration { return p.FailAfter }),
		span("expire_period", func(p *policy.Policy) time.Duration { return p.ExpirePeriod }),
		span("delete_inactive", func(p *policy.Policy) time.Duration { return p.Inactive }),
		span("offline_durable_timeout", func(p *policy.Policy) time.Duration { return p.OfflineDurable }),
		number("recovery.messages", func(p *policy.Policy) int64 { return int64(p.Recovery.Count) }),
		number("recovery.bytes", func(p *policy.Policy) int64 { return p.Recovery.Bytes }),
		span("recovery.age", func(p *policy.Policy) time.Duration { return p.Recovery.Age }),
		flag("recovery.always", func(p *policy.Policy) bool { return p.AlwaysRetroactive }),
		text("sending.delivery_mode", func(p *policy.Policy) string {
			return [...]string{"as_sent", "persistent", "non_persistent"}[p.Sending.Mode]
		}),
		span("sending.default_ttl", func(p *policy.Policy) time.Duration { return p.Sending.DefaultTTL }),
		span("sending.maximum_ttl", func(p *policy.Policy) time.Duration { return p.Sending.MaxTTL }),
		flag("dispatch.strict_order", func(p *policy.Policy) bool { return p.StrictOrder }),
		flag("dispatch.all_exclusive", func(p *policy.Policy) bool { return p.AllExclusive }),
		number("dispatch.groups", func(p *policy.Policy) int64 { return int64(p.GroupLimit) }),
		number("dispatch.start_consumers", func(p *policy.Policy) int64 { return int64(p.Start.Consumers) }),
		span("dispatch.start_after", func(p *policy.Policy) time.Duration { return p.Start.After }),
		number("duplicates.window", func(p *policy.Policy) int64 { return int64(p.Duplicates.Window) }),
		span("duplicates.age", func(p *policy.Policy) time.Duration { return p.Duplicates.Age }),
		span("slow_consumers.abort_after", func(p *policy.Policy) time.Duration { return p.Slow.After }),
		span("slow_consumers.acknowledge_within", func(p *policy.Policy) time.Duration { return p.Slow.AckWithin }),
	}
}

// policyOf returns the settings that hold for a destination: those that a policy sets first. What
// is set and has no line here, such as an advisory, is named without its value.
func (x *exchange) policyOf(a address.Address) []setting {
	p, origins := x.b.Policies.Explain(a)
	list := []setting{}
	shown := make(map[string]bool)
	rest := []setting{}
	for _, v := range values() {
		s := setting{Name: v.name, Value: v.get(&p)}
		shown[v.name] = true
		for _, o := range origins {
			if o.Name == v.name || o.Name == "dead_letter.prefix" && v.name == "dead_letter.individual" {
				s.Match, s.Origin = o.Match, o.Where
			}
		}
		if s.Match != "" {
			list = append(list, s)
		} else {
			rest = append(rest, s)
		}
	}
	for _, o := range origins {
		if !shown[o.Name] {
			list = append(list, setting{Name: o.Name, Value: "set", Match: o.Match, Origin: o.Where})
		}
	}
	return append(list, rest...)
}

// pathOf returns a queue's segment in paths of the API.
func pathOf(a address.Address) string { return strings.ReplaceAll(escape(nameOf(a)), "+", "%20") }
