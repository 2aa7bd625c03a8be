package activemqxml

// destinationClasses are destinations at the start, and the rules that take messages further.
func destinationClasses() []class {
	const (
		d    = "destinations."
		once = "each copy is part of the send that it belongs to"
	)
	physical := all(keep("physicalName", d+"create"), keep("name", d+"create"), idle("the name says it", "DLQ", "properties"))
	return []class{
		wrap("destinations", "queue", "topic", "tempQueue", "tempTopic"),
		{name: "queue", attributes: physical, use: func(c *converter, n *node) { c.create(n, "queue://") }},
		{name: "topic", attributes: physical, use: func(c *converter, n *node) { c.create(n, "topic://") }},
		gone("tempQueue", "temporary destinations come and go with connections", false),
		gone("tempTopic", "temporary destinations come and go with connections", false),
		{
			name: "destinationInterceptors", note: "in the place of the rule for VirtualTopic.>",
			children: []string{"virtualDestinationInterceptor", "mirroredQueue"},
			use:      func(c *converter, n *node) { c.interceptor(n) },
		},
		wrap("virtualDestinationInterceptor", "virtualDestinations"),
		wrap("virtualDestinations", "virtualTopic", "compositeQueue", "compositeTopic"),
		{
			name: "virtualTopic", option: d + "virtual_topics",
			attributes: all(
				keep("name", d+"virtual_topics.match"), keep("prefix", d+"virtual_topics.prefix"),
				keep("postfix", d+"virtual_topics.postfix"),
				keep("selectorAware", d+"virtual_topics.selector_aware"),
				lose("setOriginalDestination", "true", "copies say which topic they were sent to"),
				lose("dropOnResourceLimit", "false", "a full queue holds up the sender, or refuses the send; limits.overflow of its policy can drop instead"),
				idle(once, "concurrentSend", "transactedSend"),
				idle("there are no networks of brokers", "local"),
			),
			use: func(c *converter, n *node) { c.virtualTopic(n) },
		},
		compositeClass("compositeQueue"),
		compositeClass("compositeTopic"),
		wrap("forwardTo", "queue", "topic", "filteredDestination"),
		{
			name: "filteredDestination", attributes: all(
				keep("queue", d+"composites.to.destination"), keep("topic", d+"composites.to.destination"), keep("selector", d+"composites.to.selector"),
				lose("destination", "", "name the destination with queue or topic"), lose("filter", "", "a selector says what is forwarded")),
		},
		{
			name: "mirroredQueue", option: d + "mirrored_queues", attributes: all(
				keep("prefix", d+"mirrored_queues.prefix"), keep("postfix", d+"mirrored_queues.postfix"),
				idle("the copy is a message of its own", "copyMessage"), idle("the broker knows itself", "brokerService")),
			use: func(c *converter, n *node) { c.mirroredQueue(n) },
		},
	}
}

func compositeClass(name string) class {
	const d = "destinations.composites"
	return class{
		name: name, option: d,
		attributes: all(
			keep("name", d+".match"), keep("forwardOnly", d+".forward_only"),
			keep("sendWhenNotMatched", d+".keep_unmatched"),
			idle("each copy is part of the send that it belongs to", "concurrentSend"), idle("a copy is a message of its own", "copyMessage"),
		),
		children: []string{"forwardTo"},
		whole:    func(c *converter, n *node) { c.composite(n) },
	}
}

// create reads a destination that is there from the start.
func (c *converter) create(n *node, scheme string) {
	name, a := c.text(n, "physicalName")
	if a == nil {
		name, a = c.text(n, "name")
	}
	if a == nil {
		c.fail(n.where(), n.path, "it has no physicalName")
		return
	}
	c.created = append(c.created, scheme+name)
	c.createdLine = n.line
}

// interceptor begins the list of rules, which replaces the one that holds without it.
func (c *converter) interceptor(n *node) {
	c.interceptors = true
	c.out.empty("destinations.virtual_topics", n.line)
}

func (c *converter) virtualTopic(n *node) {
	v := c.out.grow("destinations.virtual_topics", n.line)
	match, a := c.text(n, "name")
	if a == nil || match == "" {
		match = ">"
	}
	v.text("match", match, n.line)
	if prefix, a := c.text(n, "prefix"); a != nil {
		v.text("prefix", prefix, a.line)
	}
	if postfix, a := c.text(n, "postfix"); a != nil && postfix != "" {
		v.text("postfix", postfix, a.line)
	}
	if aware, a := c.boolean(n, "selectorAware"); a != nil {
		v.set("selector_aware", yesNo(aware), a.line)
	}
}

func (c *converter) composite(n *node) {
	scheme := "queue://"
	if n.name == "compositeTopic" {
		scheme = "topic://"
	}
	name, a := c.text(n, "name")
	if a == nil || name == "" {
		c.fail(n.where(), n.path, "it has no name")
		return
	}
	v := c.out.grow("destinations.composites", n.line)
	v.text("match", scheme+name, a.line)
	to := v.empty("to", n.line)
	k := c.classes[n.name]
	for _, child := range n.children {
		if c.class(child, k) == nil {
			continue
		}
		for _, target := range child.children {
			c.forward(to, target)
		}
	}
	if only, a := c.boolean(n, "forwardOnly"); a != nil {
		v.set("forward_only", yesNo(only), a.line)
	}
	if unmatched, a := c.boolean(n, "sendWhenNotMatched"); a != nil {
		v.set("keep_unmatched", yesNo(unmatched), a.line)
	}
}

// forward reads one destination that a composite one forwards to.
func (c *converter) forward(to *value, n *node) {
	k := c.class(n, c.classes["forwardTo"])
	if k == nil {
		return
	}
	add := func(destination string) *value {
		e := &value{line: n.line}
		e.text("destination", destination, n.line)
		to.children = append(to.children, e)
		return e
	}
	if n.name != "filteredDestination" {
		name, a := c.text(n, "physicalName")
		if a == nil {
			name, a = c.text(n, "name")
		}
		if a == nil {
			c.fail(n.where(), n.path, "it has no physicalName")
			return
		}
		c.entries[len(c.entries)-1].Option = "destinations.composites.to.destination"
		for _, one := range names(name) {
			add(n.name + "://" + one)
		}
		c.rest(n, k)
		return
	}
	selector, s := c.text(n, "selector")
	found := false
	for _, kind := range []string{"queue", "topic"} {
		if name, a := c.text(n, kind); a != nil {
			found = true
			e := add(kind + "://" + name)
			if s != nil && selector != "" {
				e.text("selector", selector, s.line)
			}
		}
	}
	if !found && n.attr("destination") == nil {
		c.fail(n.where(), n.path, "it names no queue and no topic")
	}
	c.rest(n, k)
}

func (c *converter) mirroredQueue(n *node) {
	v := c.out.grow("destinations.mirrored_queues", n.line)
	v.text("match", ">", n.line)
	if prefix, a := c.text(n, "prefix"); a != nil {
		v.text("prefix", prefix, a.line)
	}
	if postfix, a := c.text(n, "postfix"); a != nil {
		v.text("postfix", postfix, a.line)
	}
}

// finishDestinations writes the destinations of the start.
func (c *converter) finishDestinations() {
	if len(c.created) > 0 {
		c.out.texts("destinations.create", c.created, c.createdLine)
	}
}
