package activemqxml

// policyClasses are the policies of destinations.
func policyClasses() []class {
	const (
		p       = "destinations.policies."
		order   = "each topic subscription has a queue of its own, so that there is no order among them"
		cursor  = "there is one store: a queue keeps a window in memory and reads the rest from the disk"
		pages   = "a queue keeps a window in memory, which sizes itself"
		audit   = "what is sent twice is known by other means"
		network = "there are no networks of brokers"
		strat   = "destinationPolicy"
	)
	deadLetter := all(
		keep("processExpired", p+"dead_letter.process_expired"),
		keep("processNonPersistent", p+"dead_letter.process_non_persistent"),
		keep("expiration", p+"dead_letter.ttl"),
		idle("a message is dead-lettered once", "enableAudit", "maxAuditDepth", "maxProducersToAudit"),
	)
	evict := idle("expired messages are dropped before", "evictExpiredMessagesHighWatermark", "expiryCheckEnabled")
	slow := all(
		keep("abortConnection", p+"slow_consumers.abort_connection"),
		idle("consumers are looked at all the time", "checkPeriod", "name"),
		idle(network, "ignoreNetworkConsumers"),
		idle("the broker knows itself", "brokerService"),
	)
	list := []class{
		wrap(strat, "policyMap"),
		{name: "policyMap", children: []string{"policyEntries", "defaultEntry", "entries"}},
		{name: "policyEntries", children: []string{"policyEntry"}},
		{name: "defaultEntry", children: []string{"policyEntry"}, whole: func(c *converter, n *node) { c.defaultPolicy(n) }},
		{
			name: "policyEntry", option: "destinations.policies",
			attributes: all(
				keep("queue", p+"match"), keep("topic", p+"match"),
				lose("tempQueue", "", "policies are for lasting destinations"), lose("tempTopic", "", "policies are for lasting destinations"),
				lose("destination", "", "name the destination with queue or topic"),
				keep("producerFlowControl", p+"producer_flow_control"),
				become("memoryLimit", p+"limits.window", "of queues: the rest is on the disk; with vmQueueCursor and in a broker that is not persistent it is limits.memory, at which producers wait"),
				keep("queuePrefetch", p+"prefetch.queue"), keep("topicPrefetch", p+"prefetch.topic"),
				keep("durableTopicPrefetch", p+"prefetch.durable"), keep("queueBrowserPrefetch", p+"prefetch.browser"),
				keep("expireMessagesPeriod", p+"expire_period"),
				keep("prioritizedMessages", p+"prioritized"),
				keep("strictOrderDispatch", p+"dispatch.strict_order"),
				keep("allConsumersExclusiveByDefault", p+"dispatch.all_exclusive"),
				keep("consumersBeforeDispatchStarts", p+"dispatch.start_consumers"), keep("timeBeforeDispatchStarts", p+"dispatch.start_after"),
				become("messageGroupMapFactoryType", p+"dispatch.groups", "groups are remembered one by one, up to a number"),
				keep("alwaysRetroactive", p+"recovery.always"),
				keep("sendFailIfNoSpace", p+"send_fail_if_no_space"), keep("sendFailIfNoSpaceAfterTimeout", p+"send_fail_if_no_space_after"),
				keep("blockedProducerWarningInterval", p+"limits.blocked_warning"),
				keep("gcInactiveDestinations", p+"delete_inactive"), keep("inactiveTimeoutBeforeGC", p+"delete_inactive"), keep("inactiveTimoutBeforeGC", p+"delete_inactive"),
				idle(network, "gcWithNetworkConsumers"),
				keep("sendAdvisoryIfNoConsumers", p+"send_advisory_if_no_consumers"),
				keep("advisoryForSlowConsumers", p+"advisory_for_slow_consumers"), keep("advisoryForFastProducers", p+"advisory_for_fast_producers"),
				keep("advisoryForDiscardingMessages", p+"advisory_for_discarding_messages"), keep("advisoryWhenFull", p+"advisory_when_full"),
				keep("advisoryForDelivery", p+"advisory_for_delivery"), keep("advisoryForConsumed", p+"advisory_for_consumed"),
				keep("advisoryForDispatched", p+"advisory_for_dispatched"), keep("includeBodyForAdvisory", p+"include_body_for_advisory"),
				same("persistJMSRedelivered", "whether a message was delivered before is true also after a restart"),
				lose("useConsumerPriority", "true", "priorities of consumers count"),
				lose("usePrefetchExtension", "true", "acknowledgements within a transaction make room"),
				lose("allowTempDestinationStealing", "false", "a temporary queue is consumed by its own connection"),
				keep("maxDestinations", p+"max_destinations"),
				lose("storeUsageHighWaterMark", "100", "producers wait at limits.store itself"),
				idle(pages, "maxPageSize", "maxBrowsePageSize", "lazyDispatch", "optimizedDispatch", "useCache", "cursorMemoryHighWaterMark", "reduceMemoryFootprint",
					"doOptimzeMessageStorage", "doOptimizeMessageStorage", "optimizeMessageStoreInFlightLimit", "maxExpirePageSize"),
				idle(audit, "enableAudit", "maxProducersToAudit", "maxAuditDepth", "maxQueueAuditDepth", "sendDuplicateFromStoreToDLQ"),
				idle("messages count as what they take", "minimumMessageSize"),
				idle("figures are always counted", "useTopicSubscriptionInflightStats", "advancedNetworkStatisticsEnabled", "advancedMessageStatisticsEnabled"),
				refers("deadLetterStrategy", "dispatchPolicy", "messageEvictionStrategy", "messageGroupMapFactory", "networkBridgeFilterFactory",
					"pendingDurableSubscriberPolicy", "pendingMessageLimitStrategy", "pendingQueuePolicy", "pendingSubscriberPolicy", "slowConsumerStrategy", "subscriptionRecoveryPolicy"),
			),
			children: []string{
				"deadLetterStrategy", "dispatchPolicy", "subscriptionRecoveryPolicy", "pendingMessageLimitStrategy", "messageEvictionStrategy", "pendingQueuePolicy",
				"pendingSubscriberPolicy", "pendingDurableSubscriberPolicy", "messageGroupMapFactory", "slowConsumerStrategy", "networkBridgeFilterFactory",
				"messageInterceptorStrategy", "destination",
			},
			whole: func(c *converter, n *node) { c.policyEntry(n, nil) },
		},
		gone("destination", "name the destination with queue or topic", true),
		wrap("deadLetterStrategy", "sharedDeadLetterStrategy", "individualDeadLetterStrategy", "discarding"),
		{
			name: "sharedDeadLetterStrategy", attributes: all(keep("deadLetterQueue", p+"dead_letter.queue"), deadLetter),
			children: []string{"deadLetterQueue"}, use: func(c *converter, n *node) { c.sharedDeadLetter(n) },
		},
		{name: "deadLetterQueue", option: p + "dead_letter.queue", children: []string{"queue", "topic"}, whole: func(c *converter, n *node) { c.deadLetterQueue(n) }},
		{
			name: "individualDeadLetterStrategy", attributes: all(
				keep("queuePrefix", p+"dead_letter.prefix"), keep("topicPrefix", p+"dead_letter.prefix"),
				keep("queueSuffix", p+"dead_letter.suffix"), keep("topicSuffix", p+"dead_letter.suffix"),
				lose("useQueueForQueueMessages", "true", "dead letters are in queues"), lose("useQueueForTopicMessages", "true", "dead letters are in queues"),
				keep("destinationPerDurableSubscriber", p+"dead_letter.per_durable_subscriber"), deadLetter),
			use: func(c *converter, n *node) { c.individualDeadLetter(n) },
		},
		{
			name: "discarding", option: p + "dead_letter.discard", attributes: all(idle("nothing would come to it", "deadLetterQueue"), deadLetter),
			children: []string{"deadLetterQueue"}, whole: func(c *converter, n *node) { c.discarding(n) },
		},
		wrap("dispatchPolicy", "roundRobinDispatchPolicy", "simpleDispatchPolicy", "strictOrderDispatchPolicy", "priorityDispatchPolicy", "priorityNetworkDispatchPolicy", "clientIdFilterDispatchPolicy"),
		gone("roundRobinDispatchPolicy", order, false), gone("simpleDispatchPolicy", order, false), gone("strictOrderDispatchPolicy", order, false),
		gone("priorityDispatchPolicy", order, false), gone("priorityNetworkDispatchPolicy", network, false),
		gone("clientIdFilterDispatchPolicy", "subscribers are not told apart by their client identifier", true),
		wrap("pendingQueuePolicy", "storeCursor", "fileQueueCursor", "vmQueueCursor"),
		wrap("pendingSubscriberPolicy", "vmCursor", "fileCursor"),
		wrap("pendingDurableSubscriberPolicy", "storeDurableSubscriberCursor", "fileDurableSubscriberCursor", "vmDurableCursor"),
	}
	for _, name := range []string{"storeCursor", "fileQueueCursor", "vmQueueCursor", "vmCursor", "fileCursor", "storeDurableSubscriberCursor", "fileDurableSubscriberCursor", "vmDurableCursor"} {
		list = append(list, class{name: name, fate: Mapped, note: cursor, open: true})
	}
	return append(list,
		wrap("pendingMessageLimitStrategy", "constantPendingMessageLimitStrategy", "prefetchRatePendingMessageLimitStrategy"),
		class{
			name: "constantPendingMessageLimitStrategy", attributes: all(keep("limit", p+"limits.pending")),
			use: func(c *converter, n *node) { c.pendingLimit(n) },
		},
		class{
			name: "prefetchRatePendingMessageLimitStrategy", attributes: all(keep("multiplier", p+"limits.pending_multiplier")),
			use: func(c *converter, n *node) { c.pendingRate(n) },
		},
		wrap("messageEvictionStrategy", "oldestMessageEvictionStrategy", "oldestMessageWithLowestPriorityEvictionStrategy", "uniquePropertyMessageEvictionStrategy"),
		class{name: "oldestMessageEvictionStrategy", option: p + "limits.eviction", attributes: evict, use: func(c *converter, n *node) { c.eviction(n, "oldest") }},
		class{name: "oldestMessageWithLowestPriorityEvictionStrategy", option: p + "limits.eviction", attributes: evict, use: func(c *converter, n *node) { c.eviction(n, "lowest_priority") }},
		class{
			name: "uniquePropertyMessageEvictionStrategy", option: p + "limits.eviction", attributes: all(keep("propertyName", p+"limits.eviction_property"), evict),
			use: func(c *converter, n *node) { c.eviction(n, "unique_property") },
		},
		wrap("slowConsumerStrategy", "abortSlowConsumerStrategy", "abortSlowAckConsumerStrategy"),
		class{
			name: "abortSlowConsumerStrategy", attributes: all(keep("maxSlowDuration", p+"slow_consumers.abort_after"), keep("maxSlowCount", p+"slow_consumers.maximum_count"), slow),
			use: func(c *converter, n *node) { c.abortSlow(n) },
		},
		class{
			name: "abortSlowAckConsumerStrategy", attributes: all(keep("maxTimeSinceLastAck", p+"slow_consumers.acknowledge_within"), keep("ignoreIdleConsumers", p+"slow_consumers.ignore_idle"),
				idle("the time since the last acknowledgement counts", "maxSlowCount", "maxSlowDuration"), slow),
			use: func(c *converter, n *node) { c.abortSlowAck(n) },
		},
		wrap("messageGroupMapFactory", "cachedMessageGroupMapFactory", "simpleMessageGroupMapFactory", "messageGroupHashBucketFactory"),
		class{
			name: "cachedMessageGroupMapFactory", attributes: all(keep("cacheSize", p+"dispatch.groups")),
			use: func(c *converter, n *node) { c.groups(n, "cacheSize") },
		},
		class{name: "simpleMessageGroupMapFactory", option: p + "dispatch.groups", use: func(c *converter, n *node) { c.everyGroup(n.line) }},
		class{
			name: "messageGroupHashBucketFactory", fate: Mapped, note: "groups are remembered one by one, up to a number",
			attributes: all(become("bucketCount", p+"dispatch.groups", "as many groups as there were buckets"), idle("the number of buckets counts", "cacheSize")),
			use:        func(c *converter, n *node) { c.groups(n, "bucketCount") },
		},
		wrap("subscriptionRecoveryPolicy", "noSubscriptionRecoveryPolicy", "fixedCountSubscriptionRecoveryPolicy", "fixedSizedSubscriptionRecoveryPolicy", "lastImageSubscriptionRecoveryPolicy",
			"timedSubscriptionRecoveryPolicy", "queryBasedSubscriptionRecoveryPolicy", "retainedMessageSubscriptionRecoveryPolicy"),
		class{name: "noSubscriptionRecoveryPolicy", attributes: idle("the broker knows itself", "broker")},
		class{
			name: "fixedCountSubscriptionRecoveryPolicy", attributes: all(keep("maximumSize", p+"recovery.messages"), idle("the broker knows itself", "broker")),
			use: func(c *converter, n *node) { c.recovery(n, "recovery.messages", "maximumSize", "100") },
		},
		class{
			name: "fixedSizedSubscriptionRecoveryPolicy", attributes: all(keep("maximumSize", p+"recovery.bytes"), idle("each topic has its own", "useSharedBuffer", "buffer"), idle("the broker knows itself", "broker")),
			use: func(c *converter, n *node) { c.recovery(n, "recovery.bytes", "maximumSize", "64KiB") },
		},
		class{
			name: "lastImageSubscriptionRecoveryPolicy", option: p + "recovery.messages", attributes: idle("the broker knows itself", "broker"),
			use: func(c *converter, n *node) { c.lastImage(n) },
		},
		class{
			name: "timedSubscriptionRecoveryPolicy", attributes: all(keep("recoverDuration", p+"recovery.age"), idle("the broker knows itself", "broker")),
			use: func(c *converter, n *node) { c.recovery(n, "recovery.age", "recoverDuration", "1m") },
		},
		gone("queryBasedSubscriptionRecoveryPolicy", "its query is a class of the application's own", true),
		class{
			name: "retainedMessageSubscriptionRecoveryPolicy", note: "every topic keeps a message that is sent as retained", attributes: idle("the broker knows itself", "broker", "wrapped"),
			children: []string{"wrapped"},
		},
		wrap("wrapped", "noSubscriptionRecoveryPolicy", "fixedCountSubscriptionRecoveryPolicy", "fixedSizedSubscriptionRecoveryPolicy", "lastImageSubscriptionRecoveryPolicy", "timedSubscriptionRecoveryPolicy"),
		gone("networkBridgeFilterFactory", network, false),
		gone("messageInterceptorStrategy", "the broker does not change what messages hold", true),
	)
}
