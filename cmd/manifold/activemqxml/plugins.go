package activemqxml

import (
	"regexp"
	"strings"
	"time"
)

// pluginClasses are the broker's other plugins.
func pluginClasses() []class {
	const (
		p    = "destinations.policies."
		self = "the broker knows itself"
	)
	own := idle(self, "adminConnectionContext", "next")
	policyEntry := all(
		keep("queue", p+"match"), keep("topic", p+"match"), lose("tempQueue", "", "policies are for lasting destinations"), lose("tempTopic", "", "policies are for lasting destinations"),
		lose("destination", "", "name the destination with queue or topic"),
		become("maximumRedeliveries", p+"redelivery.maximum", "one count of failed deliveries and rejections"), become("initialRedeliveryDelay", p+"redelivery.delay", "the first delay is that of all, times the multiplier"),
		become("redeliveryDelay", p+"redelivery.delay", "initialRedeliveryDelay counts where both are given"),
		keep("useExponentialBackOff", p+"redelivery.backoff_multiplier"), keep("backOffMultiplier", p+"redelivery.backoff_multiplier"),
		keep("maximumRedeliveryDelay", p+"redelivery.maximum_delay"),
		keep("useCollisionAvoidance", p+"redelivery.use_collision_avoidance"),
		keep("collisionAvoidancePercent", p+"redelivery.collision_avoidance_percent"),
		idle("the broker counts deliveries", "preDispatchCheck"),
	)
	return []class{
		wrap("plugins", "simpleAuthenticationPlugin", "jaasAuthenticationPlugin", "jaasCertificateAuthenticationPlugin", "jaasDualAuthenticationPlugin", "authorizationPlugin",
			"redeliveryPlugin", "timeStampingBrokerPlugin", "forcePersistencyModeBrokerPlugin", "forcePersistencyModeBroker", "discardingDLQBrokerPlugin", "statisticsBrokerPlugin",
			"loggingBrokerPlugin", "traceBrokerPathPlugin", "destinationsPlugin", "destinationPathSeparatorPlugin", "runtimeConfigurationPlugin", "virtualSelectorCacheBrokerPlugin",
			"connectionDotFilePlugin", "destinationDotFilePlugin", "multicastTraceBrokerPlugin", "udpTraceBrokerPlugin", "partitionBrokerPlugin"),
		{
			name: "redeliveryPlugin", option: p + "redelivery.rejected",
			attributes: all(
				same("fallbackToDeadLetter", "what no policy speaks of is dead-lettered at once"),
				lose("sendToDlqIfMaxRetriesExceeded", "true", "what has been tried often enough is dead-lettered"),
				idle("the policies stand in the plugin", "redeliveryPolicyMap"), own),
			children: []string{"redeliveryPolicyMap"},
		},
		{name: "redeliveryPolicyMap", attributes: idle("the entry stands in the map", "defaultEntry"), children: []string{"redeliveryPolicyMap", "redeliveryPolicyEntries", "defaultEntry", "entries"},
			whole: func(c *converter, n *node) { c.redeliveryMap(n) }},
		wrap("redeliveryPolicyEntries", "redeliveryPolicy"),
		{name: "redeliveryPolicy", attributes: policyEntry, use: func(c *converter, n *node) { c.redeliveryPolicy(n, nil) }},
		{
			name: "timeStampingBrokerPlugin", option: p + "sending.timestamp",
			attributes: all(keep("zeroExpirationOverride", p+"sending.default_ttl"), keep("ttlCeiling", p+"sending.maximum_ttl"),
				lose("futureOnly", "false", "all messages get the broker's time"), idle("there are no networks of brokers", "processNetworkMessages"), own),
			use: func(c *converter, n *node) { c.timeStamping(n) },
		},
		forceClass("forcePersistencyModeBrokerPlugin", own), forceClass("forcePersistencyModeBroker", own),
		{
			name: "discardingDLQBrokerPlugin", option: p + "dead_letter.discard",
			attributes: all(
				keep("dropAll", p+"dead_letter.discard"),
				become("dropOnly", p+"dead_letter.discard", "expressions that say what a pattern can say"),
				lose("dropTemporaryQueues", "true", "what temporary queues can't deliver is dropped"), lose("dropTemporaryTopics", "true", "what temporary topics can't deliver is dropped"),
				idle("figures are always counted", "reportInterval")),
			use: func(c *converter, n *node) { c.discardingDLQ(n) },
		},
		{name: "statisticsBrokerPlugin", note: "the destinations of statistics are always there"},
		gone("loggingBrokerPlugin", "log.level: debug tells of connections", false),
		{name: "traceBrokerPathPlugin", fate: Dropped, note: "there are no networks of brokers", open: true},
		gone("destinationsPlugin", "destinations are kept, and come back by themselves", false),
		gone("destinationPathSeparatorPlugin", "levels are separated by dots; MQTT's slashes are translated", true),
		gone("runtimeConfigurationPlugin", "manifold reload reads the file again", false),
		gone("virtualSelectorCacheBrokerPlugin", "selector_aware asks the consumers that are there", true),
		gone("connectionDotFilePlugin", "there are no drawings", false), gone("destinationDotFilePlugin", "there are no drawings", false),
		gone("multicastTraceBrokerPlugin", "there are no datagrams of messages", false), gone("udpTraceBrokerPlugin", "there are no datagrams of messages", false),
		gone("partitionBrokerPlugin", "clients are not sent to other brokers", true),
	}
}

func forceClass(name string, own []attribute) class {
	return class{
		name: name, option: "destinations.policies.sending.delivery_mode", attributes: all(keep("persistenceFlag", "destinations.policies.sending.delivery_mode"), own),
		use: func(c *converter, n *node) {
			mode := "non_persistent" // a boolean of Java that nobody sets
			if v, a := c.boolean(n, "persistenceFlag"); a != nil && v {
				mode = "persistent"
			}
			c.policies.everywhere(setting{key: "sending.delivery_mode", value: mode, line: n.line})
		},
	}
}

// redeliveryMap reads the policies of the redeliveryPlugin.
func (c *converter) redeliveryMap(n *node) {
	c.mapOf(n, "redeliveryPolicyMap", "redeliveryPolicyEntries", "redeliveryPolicy", func(e *node) *class {
		c.report(e, Kept, "destinations.policies.redelivery", "", false)
		c.redeliveryPolicy(e, []string{"queue://>", "topic://>"})
		return c.classes["redeliveryPolicy"]
	})
}

// mapOf reads a map of ActiveMQ's: entries, and a defaultEntry, which is for all destinations. read
// reads what stands in that, and returns its class.
func (c *converter) mapOf(n *node, name, entries, entry string, read func(e *node) *class) {
	for _, child := range n.children {
		if child.name != "defaultEntry" {
			c.element(child, c.classes[name])
			continue
		}
		c.report(child, Kept, "", "", false)
		for _, e := range child.children {
			if e.name == entry {
				c.rest(e, read(e))
			} else {
				c.unknown(e, c.classes[entries])
			}
		}
	}
}

// redeliveryPolicy reads how often and when messages are tried again that a client has given up.
func (c *converter) redeliveryPolicy(n *node, matches []string) {
	for _, kind := range []string{"queue", "topic"} {
		if v, a := c.text(n, kind); a != nil {
			for _, name := range names(v) {
				matches = append(matches, kind+"://"+name)
			}
		}
	}
	maximum, line := int64(6), n.line
	if v, a := c.integer(n, "maximumRedeliveries"); a != nil {
		maximum, line = max(v, -1), a.line
	}
	delay := time.Second
	if v, a := c.millis(n, "redeliveryDelay"); a != nil {
		delay = v
	}
	if v, a := c.millis(n, "initialRedeliveryDelay"); a != nil {
		delay = v
	}
	multiplier := 5.0
	if v, a := c.decimal(n, "backOffMultiplier"); a != nil {
		multiplier = min(max(v, 1), 1000)
	}
	backOff, _ := c.boolean(n, "useExponentialBackOff")
	longest, _ := c.millis(n, "maximumRedeliveryDelay")
	avoids, _ := c.boolean(n, "useCollisionAvoidance")
	percent, given := c.integer(n, "collisionAvoidancePercent")
	for _, m := range matches {
		put := func(key, v string) { c.policies.add(m, setting{key: "redelivery." + key, value: v, line: line}) }
		put("rejected", "true")
		put("maximum", count(maximum))
		put("delay", period(delay))
		put("backoff_multiplier", "1")
		if backOff {
			put("backoff_multiplier", decimalText(multiplier))
		}
		put("maximum_delay", period(longest))
		if avoids {
			put("use_collision_avoidance", "true")
		}
		if given != nil {
			put("collision_avoidance_percent", count(min(max(percent, 0), 100)))
		}
	}
}

func (c *converter) timeStamping(n *node) {
	c.policies.everywhere(setting{key: "sending.timestamp", value: "broker", line: n.line})
	ttl, a := c.millis(n, "zeroExpirationOverride")
	ceiling, b := c.millis(n, "ttlCeiling")
	if b != nil && ceiling > 0 {
		c.policies.everywhere(setting{key: "sending.maximum_ttl", value: period(ceiling), line: b.line})
		ttl = min(ttl, ceiling)
	}
	if a != nil && ttl > 0 {
		c.policies.everywhere(setting{key: "sending.default_ttl", value: period(ttl), line: a.line})
	}
}

// discardingDLQ reads whose dead letters are dropped. By itself the plugin drops all.
func (c *converter) discardingDLQ(n *node) {
	dropAll, a := c.boolean(n, "dropAll")
	only, b := c.text(n, "dropOnly")
	if a == nil || dropAll {
		if b != nil {
			c.drop(false, "dropAll holds, which drops the others too")
		}
		c.policies.everywhere(setting{key: "dead_letter.discard", value: "true", line: n.line})
		return
	}
	for expression := range strings.FieldsSeq(only) {
		name, ok := wildcard(expression)
		if !ok {
			c.drop(true, "%s can't be said with a pattern; give the destinations a policy with dead_letter.discard", expression)
			return
		}
		c.policies.add("queue://"+name, setting{key: "dead_letter.discard", value: "true", line: b.line})
		c.policies.add("topic://"+name, setting{key: "dead_letter.discard", value: "true", line: b.line})
	}
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\\?\.[A-Za-z0-9_-]+)*$`)
	allBelow  = regexp.MustCompile(`^([A-Za-z0-9_-]+(?:\\?\.[A-Za-z0-9_-]+)*)\\\.\.[*+]$`)
)

// wildcard returns the pattern that says what an expression does: a name, or all below one.
func wildcard(expression string) (string, bool) {
	expression = strings.TrimSuffix(strings.TrimPrefix(expression, "^"), "$")
	if expression == ".*" || expression == ".+" {
		return ">", true
	}
	if plainName.MatchString(expression) {
		return strings.ReplaceAll(expression, `\.`, "."), true
	}
	if m := allBelow.FindStringSubmatch(expression); m != nil {
		return strings.ReplaceAll(m[1], `\.`, ".") + ".>", true
	}
	return "", false
}
