package main

import (
	"fmt"
	"time"

	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

// policyEntries maps the configured policies to those of the core.
func policyEntries(c *config.Config) []policy.Entry {
	var list []policy.Entry
	for i, p := range c.Destinations.Policies {
		e := policy.Entry{Match: p.Match, Origin: fmt.Sprintf("destinations.policies[%d]", i)}
		values := values{&e.Values}
		set(values, "dead_letter.queue", p.DeadLetter.Queue, func(p *policy.Policy, v string) { p.DeadLetter.Queue = v })
		set(values, "dead_letter.prefix", p.DeadLetter.Prefix, func(p *policy.Policy, v string) {
			// Whoever names a prefix wants queues of their own, as ActiveMQ's individual strategy.
			p.DeadLetter.Prefix, p.DeadLetter.Individual = v, true
		})
		set(values, "dead_letter.suffix", p.DeadLetter.Suffix, func(p *policy.Policy, v string) { p.DeadLetter.Suffix = v })
		set(values, "dead_letter.per_durable_subscriber", p.DeadLetter.PerDurableSubscriber, func(p *policy.Policy, v bool) { p.DeadLetter.PerSubscription = v })
		set(values, "dead_letter.individual", p.DeadLetter.Individual, func(p *policy.Policy, v bool) { p.DeadLetter.Individual = v })
		set(values, "dead_letter.process_expired", p.DeadLetter.ProcessExpired, func(p *policy.Policy, v bool) { p.DeadLetter.ProcessExpired = v })
		set(values, "dead_letter.process_non_persistent", p.DeadLetter.ProcessNonPersistent, func(p *policy.Policy, v bool) { p.DeadLetter.ProcessNonPersistent = v })
		set(values, "dead_letter.discard", p.DeadLetter.Discard, func(p *policy.Policy, v bool) { p.DeadLetter.Discard = v })
		set(values, "prioritized", p.Prioritized, func(p *policy.Policy, v bool) { p.Prioritized = v })
		set(values, "redelivery.maximum", p.Redelivery.Maximum, func(p *policy.Policy, v int) {
			p.MaxDeliveries = max(v+1, 0) // the first delivery is none
		})
		set(values, "redelivery.delay", p.Redelivery.Delay, func(p *policy.Policy, v time.Duration) { p.Redelivery.Delay = v })
		set(values, "redelivery.backoff_multiplier", p.Redelivery.BackoffMultiplier, func(p *policy.Policy, v float64) { p.Redelivery.Multiplier = v })
		set(values, "redelivery.maximum_delay", p.Redelivery.MaximumDelay, func(p *policy.Policy, v time.Duration) { p.Redelivery.MaxDelay = v })
		set(values, "redelivery.use_collision_avoidance", p.Redelivery.UseCollisionAvoidance, func(p *policy.Policy, v bool) { p.Redelivery.Spreads = v })
		set(values, "redelivery.collision_avoidance_percent", p.Redelivery.CollisionAvoidancePercent, func(p *policy.Policy, v int) { p.Redelivery.Spread = v })
		set(values, "max_destinations", p.MaxDestinations, func(o *policy.Policy, v int) { o.Destinations = policy.Destinations{Max: v, Match: p.Match} })
		set(values, "prefetch.queue", p.Prefetch.Queue, func(p *policy.Policy, v int) { p.Prefetch.Queue = v })
		set(values, "prefetch.topic", p.Prefetch.Topic, func(p *policy.Policy, v int) { p.Prefetch.Topic = v })
		set(values, "prefetch.durable", p.Prefetch.Durable, func(p *policy.Policy, v int) { p.Prefetch.Durable = v })
		set(values, "prefetch.browser", p.Prefetch.Browser, func(p *policy.Policy, v int) { p.Prefetch.Browser = v })
		set(values, "limits.memory", p.Limits.Memory, func(p *policy.Policy, v config.Size) { p.Limits.Memory = int64(v) })
		set(values, "limits.messages", p.Limits.Messages, func(p *policy.Policy, v int) { p.Limits.Messages = int64(v) })
		set(values, "limits.pending", p.Limits.Pending, func(p *policy.Policy, v int) { p.Limits.Pending = int64(v) })
		set(values, "producer_flow_control", p.ProducerFlowControl, func(p *policy.Policy, v bool) { p.FlowControl = v })
		set(values, "send_fail_if_no_space", p.SendFailIfNoSpace, func(p *policy.Policy, v bool) { p.FailIfNoSpace = v })
		set(values, "dead_letter.ttl", p.DeadLetter.TTL, func(p *policy.Policy, v time.Duration) { p.DeadLetter.TTL = v })
		set(values, "redelivery.rejected", p.Redelivery.Rejected, func(p *policy.Policy, v bool) { p.Redelivery.Rejected = v })
		set(values, "recovery.messages", p.Recovery.Messages, func(p *policy.Policy, v int) { p.Recovery.Count = v })
		set(values, "recovery.bytes", p.Recovery.Bytes, func(p *policy.Policy, v config.Size) { p.Recovery.Bytes = int64(v) })
		set(values, "recovery.age", p.Recovery.Age, func(p *policy.Policy, v time.Duration) { p.Recovery.Age = v })
		set(values, "recovery.always", p.Recovery.Always, func(p *policy.Policy, v bool) { p.AlwaysRetroactive = v })
		set(values, "sending.delivery_mode", p.Sending.DeliveryMode, func(p *policy.Policy, v string) {
			p.Sending.Mode = map[string]policy.DeliveryMode{"persistent": policy.Persistent, "non_persistent": policy.NonPersistent}[v]
		})
		set(values, "sending.timestamp", p.Sending.Timestamp, func(p *policy.Policy, v string) { p.Sending.Stamp = v == "broker" })
		set(values, "sending.default_ttl", p.Sending.DefaultTTL, func(p *policy.Policy, v time.Duration) { p.Sending.DefaultTTL = v })
		set(values, "sending.maximum_ttl", p.Sending.MaximumTTL, func(p *policy.Policy, v time.Duration) { p.Sending.MaxTTL = v })
		set(values, "dispatch.strict_order", p.Dispatch.StrictOrder, func(p *policy.Policy, v bool) { p.StrictOrder = v })
		set(values, "dispatch.all_exclusive", p.Dispatch.AllExclusive, func(p *policy.Policy, v bool) { p.AllExclusive = v })
		set(values, "dispatch.groups", p.Dispatch.Groups, func(p *policy.Policy, v int) { p.GroupLimit = v })
		set(values, "dispatch.start_consumers", p.Dispatch.StartConsumers, func(p *policy.Policy, v int) { p.Start.Consumers = v })
		set(values, "dispatch.start_after", p.Dispatch.StartAfter, func(p *policy.Policy, v time.Duration) { p.Start.After = v })
		set(values, "delete_inactive", p.DeleteInactive, func(p *policy.Policy, v time.Duration) { p.Inactive = v })
		set(values, "expire_period", p.ExpirePeriod, func(p *policy.Policy, v time.Duration) { p.ExpirePeriod = v })
		limitValues(values, &p.Limits)
		set(values, "send_fail_if_no_space_after", p.FailAfter, func(p *policy.Policy, v time.Duration) { p.FailAfter = v })
		set(values, "duplicates.window", p.Duplicates.Window, func(p *policy.Policy, v int) { p.Duplicates.Window = v })
		set(values, "duplicates.age", p.Duplicates.Age, func(p *policy.Policy, v time.Duration) { p.Duplicates.Age = v })
		set(values, "duplicates.property", p.Duplicates.Property, func(p *policy.Policy, v string) { p.Duplicates.Property = v })
		set(values, "slow_consumers.abort_after", p.SlowConsumers.AbortAfter, func(p *policy.Policy, v time.Duration) { p.Slow.After = v })
		set(values, "slow_consumers.maximum_count", p.SlowConsumers.MaximumCount, func(p *policy.Policy, v int) { p.Slow.Count = v + 1 })
		set(values, "slow_consumers.acknowledge_within", p.SlowConsumers.AcknowledgeWithin, func(p *policy.Policy, v time.Duration) { p.Slow.AckWithin = v })
		set(values, "slow_consumers.ignore_idle", p.SlowConsumers.IgnoreIdle, func(p *policy.Policy, v bool) { p.Slow.Idle = !v })
		set(values, "slow_consumers.abort_connection", p.SlowConsumers.AbortConnection, func(p *policy.Policy, v bool) { p.Slow.Whole = v })
		set(values, "offline_durable_timeout", p.OfflineDurable, func(p *policy.Policy, v time.Duration) { p.OfflineDurable = v })
		advisoryValues(values, &p.Advisories)
		list = append(list, e)
	}
	return list
}

// limitValues adds what is configured of a destination's limits beside those with ActiveMQ's names.
func limitValues(values values, l *config.DestinationLimits) {
	set(values, "limits.overflow", l.Overflow, func(p *policy.Policy, v string) {
		p.Limits.Overflow = map[string]policy.Overflow{
			"fail": policy.Fail, "discard_new": policy.DiscardNew,
			"discard_oldest": policy.DiscardOldest, "dead_letter_oldest": policy.DeadLetterOldest,
		}[v]
	})
	set(values, "limits.window", l.Window, func(p *policy.Policy, v config.Size) { p.Limits.Window = int64(v) })
	set(values, "limits.pending_multiplier", l.PendingMultiplier, func(p *policy.Policy, v float64) { p.Limits.PendingRate = v })
	set(values, "limits.eviction", l.Eviction, func(p *policy.Policy, v string) {
		p.Limits.Eviction = map[string]policy.Eviction{
			"oldest": policy.EvictOldest, "lowest_priority": policy.EvictLowestPriority, "unique_property": policy.EvictSameProperty,
		}[v]
	})
	set(values, "limits.eviction_property", l.EvictionProperty, func(p *policy.Policy, v string) { p.Limits.EvictionProperty = v })
	set(values, "limits.blocked_warning", l.BlockedWarning, func(p *policy.Policy, v time.Duration) { p.Warning = v })
}

// advisoryValues adds what is configured of a destination's advisories.
func advisoryValues(values values, a *config.Advisories) {
	for _, x := range []struct {
		name string
		v    *bool
		bit  policy.Advisories
	}{
		{"send_advisory_if_no_consumers", a.NoConsumers, policy.NoConsumer},
		{"advisory_for_slow_consumers", a.SlowConsumers, policy.SlowConsumer},
		{"advisory_for_fast_producers", a.FastProducers, policy.FastProducer},
		{"advisory_for_discarding_messages", a.Discarding, policy.MessageDiscarded},
		{"advisory_when_full", a.Full, policy.Full},
		{"advisory_for_delivery", a.Delivery, policy.MessageDelivered},
		{"advisory_for_consumed", a.Consumed, policy.MessageConsumed},
		{"advisory_for_dispatched", a.Dispatched, policy.MessageDispatched},
	} {
		set(values, x.name, x.v, func(p *policy.Policy, on bool) {
			if p.Advisories &^= x.bit; on {
				p.Advisories |= x.bit
			}
		})
	}
	set(values, "include_body_for_advisory", a.Body, func(p *policy.Policy, v bool) { p.AdvisoryBody = v })
}

type values struct{ list *[]policy.Value }

// set adds a value to an entry if it is configured.
func set[T any](to values, name string, v *T, apply func(*policy.Policy, T)) {
	if v != nil {
		*to.list = append(*to.list, policy.Value{Name: name, Set: func(p *policy.Policy) { apply(p, *v) }})
	}
}
