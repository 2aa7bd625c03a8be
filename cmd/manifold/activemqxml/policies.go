package activemqxml

import (
	"slices"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
)

// setting is one value of a policy.
type setting struct {
	key   string
	value string // as YAML has it
	line  int
	note  string
}

// policy is what is set for the destinations of one pattern.
type policy struct {
	match    string
	line     int
	settings []setting
	entry    bool // of a policyEntry, which counts as a whole
	fallback bool // of the defaultEntry
}

// maxPolicies bounds the policies of a file, which are compared with each other.
const maxPolicies = 5000

// policies are those of the file.
type policies struct {
	list    []*policy
	current []*policy // of the policyEntry that is being read
}

// add sets a value for a pattern that is none of a policyEntry.
func (p *policies) add(match string, s setting) {
	i := slices.IndexFunc(p.list, func(x *policy) bool { return x.match == match && !x.entry })
	if i < 0 {
		p.list = append(p.list, &policy{match: match, line: s.line})
		i = len(p.list) - 1
	}
	p.list[i].put(s)
}

// everywhere sets a value for all destinations.
func (p *policies) everywhere(s setting) {
	p.add("queue://>", s)
	p.add("topic://>", s)
}

func (x *policy) put(s setting) {
	if i := slices.IndexFunc(x.settings, func(o setting) bool { return o.key == s.key }); i >= 0 {
		x.settings[i] = s
		return
	}
	x.settings = append(x.settings, s)
}

func (x *policy) has(key string) bool {
	return slices.ContainsFunc(x.settings, func(s setting) bool { return s.key == key })
}

func (x *policy) topic() bool { return strings.HasPrefix(x.match, "topic://") }

// queueOnly and topicOnly are values that mean nothing to the other kind.
var (
	queueOnly = []string{"limits.memory", "limits.window", "prefetch.queue", "prefetch.browser"}
	topicOnly = []string{"limits.pending", "limits.pending_multiplier", "limits.eviction", "limits.eviction_property", "prefetch.topic", "prefetch.durable", "recovery.messages", "recovery.bytes", "recovery.age", "recovery.always", "offline_durable_timeout"}
)

// put sets a value in the policyEntry that is being read, where it means something, and tells of the
// other places.
func (c *converter) put(key, v string, line int) {
	c.putNoted(key, v, "", line)
}

func (c *converter) putNoted(key, v, note string, line int) {
	placed := false
	for _, x := range c.policies.current {
		if x.topic() && slices.Contains(queueOnly, key) || !x.topic() && slices.Contains(topicOnly, key) {
			continue
		}
		x.put(setting{key, v, line, note})
		placed = true
	}
	if placed || len(c.policies.current) == 0 {
		return
	}
	switch e := &c.entries[len(c.entries)-1]; key {
	case "limits.memory", "limits.window":
		e.Note, e.Changes = "publishers do not wait for slow subscribers of a topic, whose backlog a pendingMessageLimitStrategy and the limits of the broker bound", true
		e.Fate, e.Option = Dropped, ""
	default:
		e.Fate, e.Option, e.Note, e.Changes = Dropped, "", "means nothing to this kind of destination", false
	}
}

// defaultPolicy reads the entry that holds where no other does.
func (c *converter) defaultPolicy(n *node) {
	k := c.classes["defaultEntry"]
	for _, child := range n.children {
		if child.name != "policyEntry" {
			c.unknown(child, k)
			continue
		}
		entry := c.class(child, k)
		c.policyEntry(child, []string{"queue://>", "topic://>"})
		c.rest(child, entry)
	}
}

// policyEntry reads a policy. matches are its patterns if it has none of its own.
func (c *converter) policyEntry(n *node, matches []string) {
	fallback := matches != nil
	for _, kind := range []string{"queue", "topic"} {
		v, a := c.text(n, kind)
		if a == nil {
			continue
		}
		for _, name := range names(v) {
			matches = append(matches, kind+"://"+name)
		}
	}
	if len(matches) == 0 {
		c.entries[len(c.entries)-1].Note = "it names no queue and no topic"
	}
	c.policies.current = nil
	if len(matches)+len(c.policies.list) > maxPolicies {
		c.fail(n.where(), n.path, "more than %d policies", maxPolicies)
		return
	}
	for _, m := range matches {
		x := &policy{match: m, line: n.line, entry: true, fallback: fallback}
		if i := slices.IndexFunc(c.policies.list, func(o *policy) bool { return o.entry && o.match == m }); i >= 0 {
			if fallback || c.policies.list[i].fallback {
				if fallback { // an entry for everything leaves nothing to it
					continue
				}
				c.policies.list[i] = x
			} else {
				c.report(n, Dropped, "", "another entry for "+m+" is there already; which of them holds, ActiveMQ leaves open", true)
				continue
			}
		} else {
			c.policies.list = append(c.policies.list, x)
		}
		c.policies.current = append(c.policies.current, x)
	}
	c.policyValues(n)
	c.inside(n, c.classes["policyEntry"])
	c.policies.current = nil
}

// names splits a composite name: A,B.
func names(v string) []string {
	var list []string
	for name := range strings.SplitSeq(v, ",") {
		name = strings.TrimSpace(name)
		for _, scheme := range []string{"queue://", "topic://"} {
			name = strings.TrimPrefix(name, scheme)
		}
		name, _, _ = strings.Cut(name, "?")
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// policyValues reads a policyEntry's attributes.
func (c *converter) policyValues(n *node) {
	for _, x := range []struct{ attribute, key string }{
		{"producerFlowControl", "producer_flow_control"}, {"prioritizedMessages", "prioritized"}, {"strictOrderDispatch", "dispatch.strict_order"},
		{"allConsumersExclusiveByDefault", "dispatch.all_exclusive"}, {"alwaysRetroactive", "recovery.always"}, {"sendFailIfNoSpace", "send_fail_if_no_space"},
		{"sendAdvisoryIfNoConsumers", "send_advisory_if_no_consumers"}, {"advisoryForSlowConsumers", "advisory_for_slow_consumers"},
		{"advisoryForFastProducers", "advisory_for_fast_producers"}, {"advisoryForDiscardingMessages", "advisory_for_discarding_messages"},
		{"advisoryWhenFull", "advisory_when_full"}, {"advisoryForDelivery", "advisory_for_delivery"}, {"advisoryForConsumed", "advisory_for_consumed"},
		{"advisoryForDispatched", "advisory_for_dispatched"}, {"includeBodyForAdvisory", "include_body_for_advisory"},
	} {
		if v, a := c.boolean(n, x.attribute); a != nil {
			c.put(x.key, yesNo(v), a.line)
		}
	}
	for _, x := range []struct{ attribute, key string }{
		{"queuePrefetch", "prefetch.queue"}, {"topicPrefetch", "prefetch.topic"}, {"durableTopicPrefetch", "prefetch.durable"}, {"queueBrowserPrefetch", "prefetch.browser"},
	} {
		if v, a := c.integer(n, x.attribute); a != nil {
			c.put(x.key, count(max(v, 0)), a.line)
		}
	}
	for _, x := range []struct{ attribute, key string }{
		{"expireMessagesPeriod", "expire_period"}, {"sendFailIfNoSpaceAfterTimeout", "send_fail_if_no_space_after"}, {"blockedProducerWarningInterval", "limits.blocked_warning"},
	} {
		if v, a := c.millis(n, x.attribute); a != nil {
			c.put(x.key, period(v), a.line)
		}
	}
	if v, a := c.integer(n, "maxDestinations"); a != nil {
		c.put("max_destinations", count(max(v, -1)), a.line)
	}
	c.memoryLimit(n)
	c.inactive(n)
	c.dispatchStart(n)
	c.groupFactory(n)
}

// memoryLimit reads how much of a queue is in memory. Where its cursor has a store to write to, that
// is all it means: nobody waits. Without one, producers do.
func (c *converter) memoryLimit(n *node) {
	v, a := c.size(n, "memoryLimit")
	if a == nil || v == 0 {
		return
	}
	cursor := n.child("pendingQueuePolicy")
	if c.store.memory || cursor != nil && cursor.child("vmQueueCursor") != nil {
		e := &c.entries[len(c.entries)-1]
		e.Option, e.Note = "destinations.policies.limits.memory", "producers wait at it, as all of the queue is in memory"
		c.put("limits.memory", v.String(), a.line)
		return
	}
	c.put("limits.window", v.String(), a.line)
}

// inactive reads when inactive destinations are deleted.
func (c *converter) inactive(n *node) {
	after, line := time.Minute, 0
	for _, name := range []string{"inactiveTimeoutBeforeGC", "inactiveTimoutBeforeGC"} {
		if v, a := c.millis(n, name); a != nil {
			after, line = v, a.line
		}
	}
	on, a := c.boolean(n, "gcInactiveDestinations")
	switch {
	case a == nil && line == 0, a != nil && !on:
	case a == nil:
		c.drop(false, "ActiveMQ does nothing without gcInactiveDestinations")
	case !c.purges:
		c.drop(false, "ActiveMQ does nothing without schedulePeriodForDestinationPurge of the broker")
	default:
		c.put("delete_inactive", period(max(after, time.Millisecond)), a.line)
	}
}

// dispatchStart reads when a queue begins to deliver.
func (c *converter) dispatchStart(n *node) {
	consumers, a := c.integer(n, "consumersBeforeDispatchStarts")
	if a != nil && consumers > 0 {
		c.put("dispatch.start_consumers", count(consumers), a.line)
	}
	wait, b := c.millis(n, "timeBeforeDispatchStarts")
	if b == nil || wait <= 0 {
		return
	}
	c.put("dispatch.start_after", period(wait), b.line)
	if consumers <= 0 { // the time alone counts
		c.put("dispatch.start_consumers", count(1<<31), b.line)
	}
}

// groupFactory reads how message groups are remembered: cached, simple, bucket?bucketCount=64.
func (c *converter) groupFactory(n *node) {
	v, a := c.text(n, "messageGroupMapFactoryType")
	if a == nil {
		return
	}
	kind, option, _ := strings.Cut(v, "?")
	_, number, _ := strings.Cut(option, "=")
	switch strings.ToLower(kind) {
	case "simple":
		c.everyGroup(a.line)
	case "cached", "bucket":
		if number == "" {
			return // 1024, as here
		}
		if !digits(number) || number == "0" {
			c.bad(n, a, "cached, simple or bucket, with a number")
			return
		}
		c.put("dispatch.groups", number, a.line)
	default:
		c.bad(n, a, "cached, simple or bucket")
	}
}

func digits(s string) bool {
	return s != "" && len(s) < 10 && strings.Trim(s, "0123456789") == ""
}

// everyGroup remembers all groups.
func (c *converter) everyGroup(line int) { c.put("dispatch.groups", count(1<<31), line) }

func (c *converter) groups(n *node, name string) {
	if v, a := c.integer(n, name); a != nil && v > 0 {
		c.put("dispatch.groups", count(v), a.line)
	}
}

// defaults are the values that a policyEntry has where it says nothing, of those that another may
// set.
func defaults(topic bool) map[string]string {
	m := map[string]string{"dead_letter.individual": "false", "dead_letter.queue": "ActiveMQ.DLQ"}
	for _, s := range policyDefaults() {
		if _, own := m[s.Path]; !own && s.Path != "dead_letter.prefix" {
			m[s.Path] = s.Value
		}
	}
	for _, key := range queueOnly {
		if topic {
			delete(m, key)
		}
	}
	for _, key := range topicOnly {
		if !topic {
			delete(m, key)
		}
	}
	return m
}

// complete writes out what a policyEntry leaves at its default and a wider one sets: of ActiveMQ's
// entries the most specific one counts as a whole, and here each value does.
func (c *converter) complete() {
	for _, x := range c.policies.list {
		if !x.entry {
			continue
		}
		standard := defaults(x.topic())
		for _, wider := range c.policies.list {
			if !wider.entry || wider == x || wider.topic() != x.topic() || !covers(wider.match, x.match) {
				continue
			}
			for _, s := range wider.settings {
				if def, ok := standard[s.key]; ok && !x.has(s.key) {
					x.put(setting{s.key, def, x.line, ""})
				}
			}
		}
	}
}

// covers reports whether a pattern that is less specific than another may match the same names.
func covers(wider, x string) bool {
	a, b := address.Parse(wider, address.None).Name, address.Parse(x, address.None).Name
	return address.Overlap(a, b) && address.Compare(a, b) > 0
}
