package config

import (
	"math"
	"time"
)

func destinationOptions() []Option {
	return []Option{
		opt("destinations.policies", "[]", func(c *Config) value { return listOf(&c.Destinations.Policies) },
			"Settings for the destinations that match. The most specific policy that sets a value wins; the default shown holds where none does.", live,
			example(`- {match: "queue://orders.>", dead_letter: {prefix: "DLQ."}, redelivery: {maximum: 3}}`),
			fields(policyFields()...)),
		opt("destinations.create", "[]", func(c *Config) value { return texts(&c.Destinations.Create, pattern(patternSchemes)) },
			"Queues and topics that are made at the start, for example queue://orders. Others are made when they are first used."),
		opt("destinations.virtual_topics", `[{match: "VirtualTopic.>", prefix: "Consumer.*."}]`,
			func(c *Config) value { return listOf(&c.Destinations.VirtualTopics) },
			"Topics whose messages are copied to queues: each queue that is named with the prefix, in which * stands for any level, and the topic's name.",
			fields(
				opt("match", "", func(v *VirtualTopic) value { return text(&v.Match, namePattern) },
					"Pattern of the topics' names.", required),
				opt("prefix", "Consumer.*.", func(v *VirtualTopic) value { return text(&v.Prefix, notEmpty) },
					"What the queues' names begin with, up to and with a dot."),
				opt("postfix", "", func(v *VirtualTopic) value { return text(&v.Postfix, literal) },
					"What the queues' names have behind the topic's name."),
				opt("selector_aware", "false", func(v *VirtualTopic) value { return boolean(&v.SelectorAware) },
					"Whether a queue gets only what the selector of one of its consumers lets through."),
			)),
		opt("destinations.composites", "[]", func(c *Config) value { return listOf(&c.Destinations.Composites) },
			"Destinations that forward what is sent to them, as ActiveMQ's compositeQueue and compositeTopic.",
			example(`- {match: "queue://orders", to: [{destination: "queue://billing"}, {destination: "queue://large", selector: "amount > 1000"}]}`),
			fields(
				opt("match", "", func(c *Composite) value { return text(&c.Match, pattern(patternSchemes)) },
					"Destinations: queue:// or topic:// and a name, in which * stands for one level and > for the rest.", required),
				opt("to", "[]", func(c *Composite) value { return listOf(&c.To) },
					"Destinations that get a copy each.", fields(
						opt("destination", "", func(t *CompositeTarget) value { return text(&t.Destination, pattern(patternSchemes)) },
							"queue:// or topic:// and a name.", required),
						opt("selector", "", func(t *CompositeTarget) value { return text(&t.Selector) },
							"Only messages that match it; without one, all."),
					)),
				opt("forward_only", "true", func(c *Composite) value { return boolean(&c.ForwardOnly) },
					"Whether the destination itself gets nothing."),
				opt("keep_unmatched", "false", func(c *Composite) value { return boolean(&c.KeepUnmatched) },
					"Whether, with forward_only, it gets what no selector lets through, as with ActiveMQ's sendWhenNotMatched."),
			)),
		opt("destinations.mirrored_queues", "[]", func(c *Config) value { return listOf(&c.Destinations.Mirrors) },
			"Queues of whose messages a copy each is published to a topic.",
			example(`- {match: "orders.>", prefix: "VirtualTopic.Mirror."}`),
			fields(
				opt("match", ">", func(m *Mirror) value { return text(&m.Match, namePattern) },
					"Pattern of the queues' names."),
				opt("prefix", "VirtualTopic.Mirror.", func(m *Mirror) value { return text(&m.Prefix) },
					"What the topic's name has before the queue's."),
				opt("postfix", "", func(m *Mirror) value { return text(&m.Postfix) },
					"What it has behind it."),
			)),
	}
}

func policyFields() []Option {
	flag := func(path, def string, at func(*Policy) **bool, help string) Option {
		return opt(path, def, func(p *Policy) value { return optional(at(p), boolean) }, help, live)
	}
	name := func(path, def string, at func(*Policy) **string, help string) Option {
		return opt(path, def, func(p *Policy) value {
			return optional(at(p), func(s *string) value { return text(s) })
		}, help, live)
	}
	count := func(path, def string, lowest int, at func(*Policy) **int, help string) Option {
		return opt(path, def, func(p *Policy) value {
			return optional(at(p), func(n *int) value { return integer(n, lowest, math.MaxInt32) })
		}, help, live)
	}
	period := func(path, def string, at func(*Policy) **time.Duration, help string) Option {
		return opt(path, def, func(p *Policy) value { return optional(at(p), duration) }, help, live)
	}
	return []Option{
		opt("match", "", func(p *Policy) value { return text(&p.Match, pattern(patternSchemes)) },
			"Destinations: queue:// or topic:// and a name, in which * stands for one level and > for the rest.", required, live),
		name("dead_letter.queue", "ActiveMQ.DLQ", func(p *Policy) **string { return &p.DeadLetter.Queue },
			"Queue for messages that can't be delivered."),
		flag("dead_letter.individual", "false", func(p *Policy) **bool { return &p.DeadLetter.Individual },
			"Whether each destination has a dead-letter queue of its own: prefix and its name."),
		name("dead_letter.prefix", "", func(p *Policy) **string { return &p.DeadLetter.Prefix },
			"What such a queue's name starts with; giving it turns individual on. Without one it is ActiveMQ.DLQ.Queue. for queues and ActiveMQ.DLQ.Topic. for topics."),
		name("dead_letter.suffix", "", func(p *Policy) **string { return &p.DeadLetter.Suffix },
			"What the name of such a queue has behind it."),
		flag("dead_letter.per_durable_subscriber", "false", func(p *Policy) **bool { return &p.DeadLetter.PerDurableSubscriber },
			"Whether each durable subscription to a topic has a dead-letter queue of its own, where individual is on: the name has client:subscription behind that of the topic."),
		flag("dead_letter.process_expired", "true", func(p *Policy) **bool { return &p.DeadLetter.ProcessExpired },
			"Whether expired messages go there too."),
		flag("dead_letter.process_non_persistent", "false", func(p *Policy) **bool { return &p.DeadLetter.ProcessNonPersistent },
			"Whether non-persistent messages go there too."),
		flag("dead_letter.discard", "false", func(p *Policy) **bool { return &p.DeadLetter.Discard },
			"Whether such messages are dropped instead."),
		period("dead_letter.ttl", "0s", func(p *Policy) **time.Duration { return &p.DeadLetter.TTL },
			"Time after which a dead letter expires; 0s keeps it."),
		flag("prioritized", "false", func(p *Policy) **bool { return &p.Prioritized },
			"Whether messages of higher priority are delivered first."),
		count("redelivery.maximum", "-1", -1, func(p *Policy) **int { return &p.Redelivery.Maximum },
			"Failed deliveries after the first, before the broker moves a message to the dead-letter queue; -1 leaves that to the clients, of which some count for themselves."),
		period("redelivery.delay", "0s", func(p *Policy) **time.Duration { return &p.Redelivery.Delay },
			"Time before a returned message is tried again."),
		opt("redelivery.backoff_multiplier", "1", func(p *Policy) value {
			return optional(&p.Redelivery.BackoffMultiplier, func(f *float64) value { return number(f, 1, 1000) })
		}, "What the delay is multiplied with for each further try.", live),
		period("redelivery.maximum_delay", "0s", func(p *Policy) **time.Duration { return &p.Redelivery.MaximumDelay },
			"Longest delay that the multiplier leads to; 0s sets no bound."),
		flag("redelivery.rejected", "false", func(p *Policy) **bool { return &p.Redelivery.Rejected },
			"Whether a message that a client gives up comes again like one that failed, until the maximum is reached, as with ActiveMQ's redeliveryPlugin. Rejections within a transaction don't."),
		flag("redelivery.use_collision_avoidance", "false", func(p *Policy) **bool { return &p.Redelivery.UseCollisionAvoidance },
			"Whether delays differ at random, so that what failed together does not come again together."),
		opt("redelivery.collision_avoidance_percent", "15", func(p *Policy) value {
			return optional(&p.Redelivery.CollisionAvoidancePercent, func(n *int) value { return integer(n, 0, 100) })
		}, "By how much of a delay, either way, if so.", live),
		count("max_destinations", "-1", -1, func(p *Policy) **int { return &p.MaxDestinations },
			"Queues, or topics, that match the policy; clients and administrators can't make more, while the broker makes the dead-letter queues that it needs. -1 sets no bound."),
		count("prefetch.queue", "1000", 0, func(p *Policy) **int { return &p.Prefetch.Queue },
			"Messages that a queue's consumer gets before it acknowledges any, if it asks for no number."),
		count("prefetch.topic", "32767", 0, func(p *Policy) **int { return &p.Prefetch.Topic },
			"The same for non-durable topic subscriptions."),
		count("prefetch.durable", "100", 0, func(p *Policy) **int { return &p.Prefetch.Durable },
			"The same for durable topic subscriptions."),
		count("prefetch.browser", "500", 0, func(p *Policy) **int { return &p.Prefetch.Browser },
			"The same for queue browsers."),
		opt("limits.memory", "0", func(p *Policy) value {
			return optional(&p.Limits.Memory, func(s *Size) value { return size(s, 0) })
		}, "Memory for the destination's messages; 0 leaves only the broker's limit.", live),
		opt("limits.window", "0", func(p *Policy) value {
			return optional(&p.Limits.Window, func(s *Size) value { return size(s, 0) })
		}, "Bytes of a queue's waiting messages that are kept in memory, as ActiveMQ's memoryLimit with its store cursor; the rest is read from the disk when its turn comes. 0 sizes it by the memory that is free.", live),
		count("limits.messages", "0", 0, func(p *Policy) **int { return &p.Limits.Messages },
			"Messages that the destination may hold; 0 sets no bound."),
		opt("limits.overflow", "block", func(p *Policy) value {
			return optional(&p.Limits.Overflow, func(s *string) value {
				return choice(s, "block", "fail", "discard_new", "discard_oldest", "dead_letter_oldest")
			})
		}, "What happens at a queue's limits of memory and messages: producers wait, or their sends fail, or what they send is confirmed and dropped, or the messages that wait longest are dropped or go to the dead-letter queue.", live),
		count("limits.pending", "-1", -1, func(p *Policy) **int { return &p.Limits.Pending },
			"Messages that wait for a slow non-durable topic subscriber beyond its prefetch before some are dropped; -1 sets no bound."),
		opt("limits.pending_multiplier", "0", func(p *Policy) value {
			return optional(&p.Limits.PendingMultiplier, func(f *float64) value { return number(f, 0, 1000000) })
		}, "The same limit as a multiple of the subscriber's prefetch; 0 leaves limits.pending.", live),
		opt("limits.eviction", "oldest", func(p *Policy) value {
			return optional(&p.Limits.Eviction, func(s *string) value { return choice(s, "oldest", "lowest_priority", "unique_property") })
		}, "Which messages are dropped for a slow subscriber: the oldest, the oldest of the lowest priority, or those that a later one with the same value of limits.eviction_property has made useless.", live),
		name("limits.eviction_property", "", func(p *Policy) **string { return &p.Limits.EvictionProperty },
			"Property whose latest value alone matters to subscribers."),
		period("limits.blocked_warning", "30s", func(p *Policy) **time.Duration { return &p.Limits.BlockedWarning },
			"How often at most the log tells of producers that wait for the destination; 0s is each time."),
		flag("producer_flow_control", "true", func(p *Policy) **bool { return &p.ProducerFlowControl },
			"Whether producers wait when the destination's memory limit is reached. Without it, messages wait on disk."),
		flag("send_fail_if_no_space", "false", func(p *Policy) **bool { return &p.SendFailIfNoSpace },
			"Whether sends fail at the destination's limit instead of waiting."),
		period("send_fail_if_no_space_after", "0s", func(p *Policy) **time.Duration { return &p.FailAfter },
			"Time after which sends that wait fail; 0s leaves limits.send_fail_if_no_space_after."),
		count("duplicates.window", "0", 0, func(p *Policy) **int { return &p.Duplicates.Window },
			"Message identifiers that the destination remembers, on disk those of persistent messages: one that is sent again is confirmed and dropped. 0 turns that off."),
		period("duplicates.age", "0s", func(p *Policy) **time.Duration { return &p.Duplicates.Age },
			"How long they are remembered; 0s is no bound of this kind."),
		name("duplicates.property", "_AMQ_DUPL_ID", func(p *Policy) **string { return &p.Duplicates.Property },
			"Property that has the identifier of messages that have it; that of others is their message identifier. STOMP and MQTT clients can't give their messages one."),
		period("slow_consumers.abort_after", "0s", func(p *Policy) **time.Duration { return &p.SlowConsumers.AbortAfter },
			"Time after which a consumer is closed whose prefetch is used up while messages wait for it; 0s keeps it."),
		count("slow_consumers.maximum_count", "-1", -1, func(p *Policy) **int { return &p.SlowConsumers.MaximumCount },
			"How often a consumer may become slow before it is closed; -1 is any number."),
		period("slow_consumers.acknowledge_within", "0s", func(p *Policy) **time.Duration { return &p.SlowConsumers.AcknowledgeWithin },
			"Time after which a consumer is closed that has messages and acknowledges none; 0s keeps it."),
		flag("slow_consumers.ignore_idle", "true", func(p *Policy) **bool { return &p.SlowConsumers.IgnoreIdle },
			"Whether that leaves consumers alone that have no message to acknowledge."),
		flag("slow_consumers.abort_connection", "false", func(p *Policy) **bool { return &p.SlowConsumers.AbortConnection },
			"Whether the whole connection is closed instead of the consumer."),
		period("offline_durable_timeout", "0s", func(p *Policy) **time.Duration { return &p.OfflineDurable },
			"Time after which a durable subscription is deleted that has no consumer; 0s keeps it."),
		flag("send_advisory_if_no_consumers", "false", func(p *Policy) **bool { return &p.Advisories.NoConsumers },
			"Whether non-persistent messages that nobody consumes are published to ActiveMQ.Advisory.NoConsumer topics."),
		flag("advisory_for_slow_consumers", "false", func(p *Policy) **bool { return &p.Advisories.SlowConsumers },
			"Whether consumers that become slow are announced, on ActiveMQ.Advisory.SlowConsumer topics."),
		flag("advisory_for_fast_producers", "false", func(p *Policy) **bool { return &p.Advisories.FastProducers },
			"Whether producers that have to wait are announced, on ActiveMQ.Advisory.FastProducer topics."),
		flag("advisory_for_discarding_messages", "false", func(p *Policy) **bool { return &p.Advisories.Discarding },
			"Whether messages that are dropped at a limit are announced, on ActiveMQ.Advisory.MessageDiscarded topics."),
		flag("advisory_when_full", "false", func(p *Policy) **bool { return &p.Advisories.Full },
			"Whether limits that are reached are announced, on ActiveMQ.Advisory.FULL topics."),
		flag("advisory_for_delivery", "false", func(p *Policy) **bool { return &p.Advisories.Delivery },
			"Whether messages that the broker has taken are announced, on ActiveMQ.Advisory.MessageDelivered topics."),
		flag("advisory_for_consumed", "false", func(p *Policy) **bool { return &p.Advisories.Consumed },
			"Whether messages that consumers have acknowledged are announced, on ActiveMQ.Advisory.MessageConsumed topics."),
		flag("advisory_for_dispatched", "false", func(p *Policy) **bool { return &p.Advisories.Dispatched },
			"Whether messages that are handed to consumers are announced, on ActiveMQ.Advisory.MessageDispatched topics."),
		flag("include_body_for_advisory", "false", func(p *Policy) **bool { return &p.Advisories.Body },
			"Whether such announcements of messages have their bodies."),
		count("recovery.messages", "0", 0, func(p *Policy) **int { return &p.Recovery.Messages },
			"Messages that a topic remembers for retroactive consumers, the last ones; 0 is no bound of this kind. Without any bound it remembers none."),
		opt("recovery.bytes", "0", func(p *Policy) value {
			return optional(&p.Recovery.Bytes, func(s *Size) value { return size(s, 0) })
		}, "Bytes of such messages; 0 is no bound of this kind.", live),
		period("recovery.age", "0s", func(p *Policy) **time.Duration { return &p.Recovery.Age },
			"How long they are remembered; 0s is no bound of this kind."),
		flag("recovery.always", "false", func(p *Policy) **bool { return &p.Recovery.Always },
			"Whether every consumer of the topic gets them, as if it had asked for that."),
		opt("sending.delivery_mode", "as_sent", func(p *Policy) value {
			return optional(&p.Sending.DeliveryMode, func(s *string) value { return choice(s, "as_sent", "persistent", "non_persistent") })
		}, "Whether messages are persistent: as their senders say, or all, or none.", live),
		opt("sending.timestamp", "as_sent", func(p *Policy) value {
			return optional(&p.Sending.Timestamp, func(s *string) value { return choice(s, "as_sent", "broker") })
		}, "Whose clock messages are stamped with; with the broker's, times to live count from then.", live),
		period("sending.default_ttl", "0s", func(p *Policy) **time.Duration { return &p.Sending.DefaultTTL },
			"Time to live of messages that are sent without one; 0s leaves them without."),
		period("sending.maximum_ttl", "0s", func(p *Policy) **time.Duration { return &p.Sending.MaximumTTL },
			"Longest time to live, also of messages without one; 0s sets no bound."),
		flag("dispatch.strict_order", "false", func(p *Policy) **bool { return &p.Dispatch.StrictOrder },
			"Whether the first consumer gets all it has room for before the next one gets any, instead of each in turn."),
		flag("dispatch.all_exclusive", "false", func(p *Policy) **bool { return &p.Dispatch.AllExclusive },
			"Whether only one consumer at a time is served, as if all asked for that."),
		count("dispatch.groups", "1024", 1, func(p *Policy) **int { return &p.Dispatch.Groups },
			"Message groups whose consumers are remembered; beyond it, one of them may move to another consumer."),
		count("dispatch.start_consumers", "0", 0, func(p *Policy) **int { return &p.Dispatch.StartConsumers },
			"Consumers that a queue without any waits for before it delivers."),
		period("dispatch.start_after", "0s", func(p *Policy) **time.Duration { return &p.Dispatch.StartAfter },
			"Time after which it delivers to fewer; 0s waits for all of start_consumers."),
		period("delete_inactive", "0s", func(p *Policy) **time.Duration { return &p.DeleteInactive },
			"Time after which a destination without messages, consumers and producers is deleted; 0s keeps it."),
		period("expire_period", "30s", func(p *Policy) **time.Duration { return &p.ExpirePeriod },
			"How often waiting messages are looked through for expired ones; 0s turns that off."),
	}
}
