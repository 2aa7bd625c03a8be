package config

import (
	"fmt"
	"strings"
	"time"
)

// policies refuses what contradicts itself and what could have no effect.
func (v *validator) policies() {
	list := v.Config.Destinations.Policies
	var bounded, evicting bool // by any policy: they are added up
	for i := range list {
		p := &list[i]
		bounded = bounded || p.Limits.Messages != nil && *p.Limits.Messages > 0 || p.Limits.Memory != nil && *p.Limits.Memory > 0
		evicting = evicting || p.Limits.Pending != nil && *p.Limits.Pending >= 0 || p.Limits.PendingMultiplier != nil && *p.Limits.PendingMultiplier > 0
	}
	for i := range list {
		p := &list[i]
		at := fmt.Sprintf("destinations.policies[%d].", i)
		v.twice(i, at)
		v.idle(p, at)
		v.overflow(p, at, bounded)
		v.eviction(p, at, evicting)
		v.deadLetter(p, at)
		if r := &p.Redelivery; r.CollisionAvoidancePercent != nil && r.UseCollisionAvoidance != nil && !*r.UseCollisionAvoidance {
			v.fail(at+"redelivery.collision_avoidance_percent", "has no effect with redelivery.use_collision_avoidance: false")
		}
		if s := &p.Sending; s.DefaultTTL != nil && s.MaximumTTL != nil && *s.MaximumTTL > 0 && *s.DefaultTTL > *s.MaximumTTL {
			v.fail(at+"sending.default_ttl", "%s is more than sending.maximum_ttl (%s)", *s.DefaultTTL, *s.MaximumTTL)
		}
		if d := &p.Duplicates; set(d.Age) && d.Window != nil && *d.Window == 0 {
			v.fail(at+"duplicates.age", "bounds nothing, as duplicates.window is 0")
		}
		if d := &p.Dispatch; set(d.StartAfter) && d.StartConsumers != nil && *d.StartConsumers == 0 {
			v.fail(at+"dispatch.start_after", "waits for nothing, as dispatch.start_consumers is 0")
		}
	}
	for i, c := range v.Config.Destinations.Composites {
		if len(c.To) == 0 && c.ForwardOnly {
			v.fail(fmt.Sprintf("destinations.composites[%d].to", i), "names no destination, so that what is sent to %s would be lost", c.Match)
		}
	}
}

func set(d *time.Duration) bool { return d != nil && *d > 0 }

// twice refuses a value that an earlier policy gives to the same destinations: neither would be the
// more specific one.
func (v *validator) twice(i int, at string) {
	list := v.Config.Destinations.Policies
	for j := range i {
		if list[j].Match != list[i].Match {
			continue
		}
		before := fmt.Sprintf("destinations.policies[%d].", j)
		for _, o := range policyFields() {
			path := o.Path
			if _, first := v.Origins[before+path]; !first || path == "match" {
				continue
			}
			if _, again := v.Origins[at+path]; again {
				v.fail(at+path, "is set for %s by destinations.policies[%d] already; put it into one of them", list[i].Match, j)
			}
		}
	}
}

// Values that do something for one kind of destination only.
var (
	topicValues = []string{
		"limits.pending", "limits.pending_multiplier", "limits.eviction", "limits.eviction_property",
		"dead_letter.per_durable_subscriber", "prefetch.topic", "prefetch.durable", "recovery.messages", "recovery.bytes", "recovery.age", "recovery.always", "offline_durable_timeout",
	}
	queueValues = []string{
		"limits.messages", "limits.memory", "limits.window", "limits.overflow", "prefetch.queue", "prefetch.browser",
	}
)

// idle refuses values that have no effect on the kind of destination that the policy is for.
func (v *validator) idle(p *Policy, at string) {
	kind, without := "queues", topicValues
	if strings.HasPrefix(p.Match, "topic://") {
		kind, without = "topics", queueValues
	}
	for _, path := range without {
		if _, given := v.Origins[at+path]; given {
			v.fail(at+path, "has no effect on %s, and %s are %s", kind, p.Match, kind)
		}
	}
}

func (v *validator) overflow(p *Policy, at string, bounded bool) {
	o := p.Limits.Overflow
	if o == nil {
		return
	}
	switch fails, control := p.SendFailIfNoSpace, p.ProducerFlowControl; {
	case *o != "block" && !bounded:
		v.fail(at+"limits.overflow", "%s never happens: no policy has limits.messages or limits.memory", *o)
	case *o != "fail" && fails != nil && *fails:
		v.fail(at+"limits.overflow", "%s contradicts send_fail_if_no_space: true", *o)
	case *o == "block" && control != nil && !*control:
		v.fail(at+"limits.overflow", "block contradicts producer_flow_control: false")
	case *o == "dead_letter_oldest" && p.DeadLetter.Discard != nil && *p.DeadLetter.Discard:
		v.fail(at+"limits.overflow", "dead_letter_oldest contradicts dead_letter.discard: true; discard_oldest means that")
	}
}

func (v *validator) eviction(p *Policy, at string, evicting bool) {
	l := &p.Limits
	if l.Pending != nil && *l.Pending >= 0 && l.PendingMultiplier != nil && *l.PendingMultiplier > 0 {
		v.fail(at+"limits.pending_multiplier", "contradicts limits.pending: give one of them")
	}
	unique := l.Eviction != nil && *l.Eviction == "unique_property"
	named := l.EvictionProperty != nil && *l.EvictionProperty != ""
	switch {
	case unique && !named:
		v.fail(at+"limits.eviction", "unique_property needs limits.eviction_property")
	case named && l.Eviction != nil && !unique:
		v.fail(at+"limits.eviction_property", "is for limits.eviction: unique_property, not %s", *l.Eviction)
	case l.Eviction != nil && !evicting:
		v.fail(at+"limits.eviction", "never happens: no policy has limits.pending or limits.pending_multiplier")
	}
}

func (v *validator) deadLetter(p *Policy, at string) {
	d := &p.DeadLetter
	switch {
	case d.Discard != nil && *d.Discard && (d.Queue != nil || d.Prefix != nil):
		v.fail(at+"dead_letter.discard", "contradicts the dead-letter queue that is named: nothing would reach it")
	case d.Prefix != nil && d.Individual != nil && !*d.Individual:
		v.fail(at+"dead_letter.individual", "false contradicts dead_letter.prefix, which is for queues of their own")
	case d.PerDurableSubscriber != nil && *d.PerDurableSubscriber && d.Individual != nil && !*d.Individual:
		v.fail(at+"dead_letter.per_durable_subscriber", "needs queues of their own, which dead_letter.individual: false forbids")
	}
}
