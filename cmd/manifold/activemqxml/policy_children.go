package activemqxml

import (
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
)

func policyDefaults() []config.Setting { return config.PolicyDefaults() }

// deadLetters reads what all strategies have.
func (c *converter) deadLetters(n *node) {
	if v, a := c.boolean(n, "processExpired"); a != nil {
		c.put("dead_letter.process_expired", yesNo(v), a.line)
	}
	if v, a := c.boolean(n, "processNonPersistent"); a != nil {
		c.put("dead_letter.process_non_persistent", yesNo(v), a.line)
	}
	if v, a := c.millis(n, "expiration"); a != nil && v > 0 {
		c.put("dead_letter.ttl", period(v), a.line)
	}
}

func (c *converter) sharedDeadLetter(n *node) {
	c.deadLetters(n)
	if v, a := c.text(n, "deadLetterQueue"); a != nil {
		c.deadLetterName(v, a.line)
	}
}

// deadLetterName sets the shared dead-letter queue.
func (c *converter) deadLetterName(v string, line int) {
	list := names(v)
	if strings.HasPrefix(v, "topic://") || len(list) != 1 {
		c.drop(true, "dead letters are in one queue, not in %s", v)
		return
	}
	c.put("dead_letter.queue", quote(list[0]), line)
}

// deadLetterQueue reads the element that has the dead-letter queue in it.
func (c *converter) deadLetterQueue(n *node) {
	for _, child := range n.children {
		name := child.value("physicalName")
		switch {
		case child.name == "queue" && name != "":
			c.report(child, Kept, "destinations.policies.dead_letter.queue", "", false)
			c.deadLetterName(name, child.line)
		case child.name == "topic":
			c.report(child, Dropped, "", "dead letters are in a queue", true)
		default:
			c.unknown(child, c.classes["deadLetterQueue"])
		}
	}
}

func (c *converter) individualDeadLetter(n *node) {
	c.deadLetters(n)
	perSubscriber, each := c.boolean(n, "destinationPerDurableSubscriber")
	topics := slices.ContainsFunc(c.policies.current, (*policy).topic)
	queues := slices.ContainsFunc(c.policies.current, func(x *policy) bool { return !x.topic() })
	for _, x := range []struct {
		name     string
		relevant bool
		topic    bool
		standard string
	}{{"queue", queues, false, "ActiveMQ.DLQ.Queue."}, {"topic", topics, true, "ActiveMQ.DLQ.Topic."}} {
		line := n.line
		read := func(name, standard string) string {
			v, a := c.text(n, name)
			switch {
			case a == nil:
				return standard
			case !x.relevant:
				c.drop(false, "means nothing to this kind of destination")
			default:
				line = a.line
			}
			return v
		}
		prefix, suffix := read(x.name+"Prefix", x.standard), read(x.name+"Suffix", "")
		for _, p := range c.policies.current {
			if p.topic() != x.topic {
				continue
			}
			p.put(setting{key: "dead_letter.individual", value: "true", line: line})
			p.put(setting{key: "dead_letter.prefix", value: quote(prefix), line: line})
			if suffix != "" {
				p.put(setting{key: "dead_letter.suffix", value: quote(suffix), line: line})
			}
			if x.topic && each != nil {
				p.put(setting{key: "dead_letter.per_durable_subscriber", value: yesNo(perSubscriber), line: each.line})
			}
		}
	}
}

func (c *converter) discarding(n *node) {
	c.put("dead_letter.discard", "true", n.line)
	c.deadLetters(n)
	for _, child := range n.children {
		c.report(child, Dropped, "", "nothing would come to it", false)
	}
}

func (c *converter) pendingLimit(n *node) {
	if v, a := c.integer(n, "limit"); a != nil {
		c.put("limits.pending", count(max(v, -1)), a.line)
	}
}

func (c *converter) pendingRate(n *node) {
	v, a := c.decimal(n, "multiplier")
	if a == nil {
		c.put("limits.pending_multiplier", "0.5", n.line)
		return
	}
	c.put("limits.pending_multiplier", decimalText(min(max(v, 0), 1000000)), a.line)
}

func (c *converter) eviction(n *node, kind string) {
	if kind == "unique_property" {
		name, a := c.text(n, "propertyName")
		if a == nil {
			c.drop(true, "it names no property")
			return
		}
		c.put("limits.eviction_property", quote(name), a.line)
	}
	c.put("limits.eviction", kind, n.line)
}

func (c *converter) abortSlow(n *node) {
	v, a := c.millis(n, "maxSlowDuration")
	switch {
	case a == nil:
		c.put("slow_consumers.abort_after", "30s", n.line)
	default:
		c.put("slow_consumers.abort_after", period(v), a.line)
	}
	if v, a := c.integer(n, "maxSlowCount"); a != nil {
		c.put("slow_consumers.maximum_count", count(max(v, -1)), a.line)
	}
	c.abortConnection(n)
}

func (c *converter) abortSlowAck(n *node) {
	v, a := c.millis(n, "maxTimeSinceLastAck")
	switch {
	case a == nil:
		c.put("slow_consumers.acknowledge_within", "30s", n.line)
	default:
		c.put("slow_consumers.acknowledge_within", period(v), a.line)
	}
	if v, a := c.boolean(n, "ignoreIdleConsumers"); a != nil {
		c.put("slow_consumers.ignore_idle", yesNo(v), a.line)
	}
	c.abortConnection(n)
}

func (c *converter) abortConnection(n *node) {
	if v, a := c.boolean(n, "abortConnection"); a != nil {
		c.put("slow_consumers.abort_connection", yesNo(v), a.line)
	}
}

// recovery reads what a topic remembers: a number, a size or a time.
func (c *converter) recovery(n *node, key, name, standard string) {
	v, line := standard, n.line
	switch key {
	case "recovery.messages":
		if x, a := c.integer(n, name); a != nil {
			v, line = count(max(x, 0)), a.line
		}
	case "recovery.bytes":
		if x, a := c.size(n, name); a != nil {
			v, line = x.String(), a.line
		}
	case "recovery.age":
		if x, a := c.millis(n, name); a != nil {
			v, line = period(x), a.line
		}
	}
	c.put(key, v, line)
}

func (c *converter) lastImage(n *node) { c.put("recovery.messages", "1", n.line) }

// finishPolicies writes the policies, those of one pattern together.
func (c *converter) finishPolicies() {
	c.complete()
	c.evictions()
	var order []string
	merged := make(map[string]*policy)
	for _, x := range c.policies.list {
		if len(x.settings) == 0 {
			continue
		}
		m, ok := merged[x.match]
		if !ok {
			m = &policy{match: x.match, line: x.line}
			merged[x.match] = m
			order = append(order, x.match)
		}
		for _, s := range x.settings {
			m.put(s)
		}
	}
	for _, match := range order {
		m := merged[match]
		v := c.out.grow("destinations.policies", m.line)
		v.text("match", match, m.line)
		for _, s := range m.settings {
			set := v.set(s.key, s.value, s.line)
			if s.note != "" {
				set.comment("%s", s.note)
			}
		}
	}
}

// evictions takes out those that never happen, as nothing bounds what waits for subscribers.
func (c *converter) evictions() {
	for _, x := range c.policies.list {
		for _, s := range x.settings {
			if s.key == "limits.pending" && s.value != "-1" || s.key == "limits.pending_multiplier" && s.value != "0" {
				return
			}
		}
	}
	for _, x := range c.policies.list {
		x.settings = slices.DeleteFunc(x.settings, func(s setting) bool { return strings.HasPrefix(s.key, "limits.eviction") })
	}
}
