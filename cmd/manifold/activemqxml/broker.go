package activemqxml

import "regexp"

// brokerClasses are the broker itself and what is only about its process.
func brokerClasses() []class {
	const (
		jmx      = "there is no JMX port; Jolokia and the metrics tell the same by ActiveMQ's names"
		threads  = "threads are not configured here"
		networks = "there are no networks of brokers"
		usage    = "limits are looked at all the time"
	)
	return []class{
		{
			name: "broker",
			attributes: all(
				keep("brokerName", "broker.name"),
				become("dataDirectory", "store.path", "the store has a folder of its own below it; what KahaDB has there is not read"),
				keep("persistent", "store.engine"),
				keep("schedulerSupport", "broker.scheduler"),
				keep("useVirtualTopics", "destinations.virtual_topics"),
				keep("useMirroredQueues", "destinations.mirrored_queues"),
				keep("offlineDurableSubscriberTimeout", "destinations.policies.offline_durable_timeout"),
				become("schedulePeriodForDestinationPurge", "destinations.policies.delete_inactive", "whether inactive destinations are deleted at all; there is no period to set"),
				idle("looked at all the time", "offlineDurableSubscriberTaskSchedule", "maxPurgedDestinationsPerSweep"),
				lose("deleteAllMessagesOnStartup", "false", "nothing deletes messages at the start; remove the data directory before it"),
				keep("maxSchedulerRepeatAllowed", "broker.scheduled_repeats"),
				keep("populateJMSXUserID", "broker.populate_user_id"),
				same("useAuthenticatedPrincipalForJMSXUserID", "the user is the one who has logged in"),
				lose("rejectDurableConsumers", "false", "durable subscriptions can't be turned off; permissions can refuse them"),
				lose("allowTempAutoCreationOnSend", "false", "a temporary destination exists while its connection does"),
				lose("useTempMirroredQueues", "false", "temporary queues are not mirrored"),
				lose("useLocalHostBrokerName", "false", "give the broker a name"),
				lose("passiveSlave", "false", "serve --standby waits for the store of another process"),
				lose("splitSystemUsageForProducersConsumers", "false", "one limit of memory holds for producers and consumers"),
				lose("monitorConnectionSplits", "false", "limits hold for the whole broker"),
				same("advisorySupport", "advisories cost nothing where nobody consumes them"),
				same("keepDurableSubsActive", "durable subscriptions get their messages while their clients are away"),
				same("useJmx", jmx),
				idle(jmx, "adminView", "brokerObjectName", "mbeanInvocationTimeout", "populateUserNameInMBeans"),
				idle(threads, "dedicatedTaskRunner", "taskRunnerPriority", "persistenceThreadPriority", "taskRunnerFactory", "persistenceTaskRunnerFactory", "virtualThreadTaskRunner"),
				idle(networks, "networkConnectorStartAsync", "useVirtualDestSubs", "useVirtualDestSubsOnCreation"),
				idle(usage, "adjustUsageLimits", "diskUsageCheckRegrowThreshold", "schedulePeriodForDiskUsageCheck", "consumerSystemUsagePortion", "producerSystemUsagePortion"),
				idle("advisories of unnamed producers are not told apart", "anonymousProducerAdvisorySupport"),
				idle("figures are always counted", "enableStatistics"),
				idle("a temporary destination is deleted with its connection", "cacheTempDestinations", "timeBeforePurgeTempDestinations"),
				idle("what is scheduled and what does not fit into memory is in the store", "schedulerDirectory", "schedulerDirectoryFile", "tmpDataDirectory", "dataDirectoryFile"),
				idle("the process is the service manager's", "restartAllowed", "systemExitOnShutdown", "systemExitOnShutdownExitCode", "useShutdownHook", "startAsync", "startException",
					"shutdownOnMasterFailure", "shutdownOnSlaveFailure", "waitForSlave", "waitForSlaveTimeout", "useLoggingForShutdownErrors", "vmConnectorURI"),
				idle("the broker chooses it", "brokerId", "brokerContext", "storeOpenWireVersion"),
				idle("expiry is found where messages wait", "enableMessageExpirationOnActiveDurableSubs"),
				idle("a failed operation fails its transaction", "rollbackOnlyOnAsyncException"),
				idle("limits.frame bounds it", "maxInflatedDataSize"),
				lose("maxUncommittedCount", "0", "limits bound open transactions"),
				refers("destinationFactory", "destinationPolicy", "ioExceptionHandler", "jobSchedulerStore", "managementContext", "persistenceAdapter",
					"persistenceFactory", "regionBroker", "sslContext", "systemUsage", "tempDataStore", "consumerSystemUsage", "producerSystemUsage", "plugins", "destinations", "destinationInterceptors", "services"),
				lose("messageAuthorizationPolicy", "", "single messages are not refused; permissions are for destinations"),
			),
			children: []string{
				"destinationPolicy", "destinations", "destinationInterceptors", "plugins", "persistenceAdapter", "persistenceFactory", "systemUsage", "transportConnectors",
				"networkConnectors", "managementContext", "sslContext", "shutdownHooks", "jobSchedulerStore", "ioExceptionHandler", "services", "proxyConnectors",
				"jmsBridgeConnectors", "messageAuthorizationPolicy", "destinationFactory", "regionBroker", "taskRunnerFactory", "persistenceTaskRunnerFactory",
				"tempDataStore", "transportConnectorURIs", "networkConnectorURIs", "adminView", "brokerContext", "consumerSystemUsage", "producerSystemUsage",
			},
			use: func(c *converter, n *node) { c.brokerAttributes(n) },
		},
		gone("managementContext", jmx, false),
		gone("adminView", jmx, false),
		gone("shutdownHooks", "the process is the service manager's", false),
		gone("services", "beans that run beside the broker", true),
		gone("brokerContext", "the broker chooses it", false),
		gone("ioExceptionHandler", "a disk that fails ends the process at once, and one that is full stops producers until there is space", false),
		gone("taskRunnerFactory", threads, false),
		gone("persistenceTaskRunnerFactory", threads, false),
		gone("destinationFactory", "destinations are the broker's own", true),
		gone("regionBroker", "the broker can't be replaced", true),
		gone("messageAuthorizationPolicy", "single messages are not refused; permissions are for destinations", true),
		gone("networkConnectors", "there are no networks of brokers: an ActiveMQ's connector that is not duplex can forward to this broker, and a standby takes over the store", true),
		gone("networkConnectorURIs", networks, true),
		gone("proxyConnectors", "there are no proxies", true),
		gone("jmsBridgeConnectors", "there are no bridges to other providers", true),
		gone("transportConnectorURIs", "give each address as a transportConnector", true),
	}
}

// readBroker reads the broker.
func (c *converter) readBroker(n *node) {
	if c.broker != nil {
		c.fail(n.where(), n.path, "a second broker; the first is at %s", c.broker.where())
		return
	}
	n.name = "broker"
	c.broker = n
	k := c.classes["broker"]
	c.report(n, Kept, "", "", false)
	k.use(c, n)
	c.inside(n, k)
	c.rest(n, k)
}

// unfit are the characters that ActiveMQ replaces in a broker's name; colons are not for names here.
var unfit = regexp.MustCompile(`[^a-zA-Z0-9._-]`)

func (c *converter) brokerAttributes(n *node) {
	if v, a := c.text(n, "brokerName"); a != nil && v != "" {
		name := unfit.ReplaceAllString(v, "_")
		if name != v {
			c.remap("it becomes %s", name)
		}
		c.out.text("broker.name", name, a.line)
	}
	scheduler, a := c.boolean(n, "schedulerSupport")
	line := n.line
	if a != nil {
		line = a.line
	}
	c.out.set("broker.scheduler", yesNo(scheduler), line)
	if a == nil {
		c.out.get("broker.scheduler").comment("The file does not ask for schedulerSupport, so that ActiveMQ delivers at once.")
	}
	if v, a := c.integer(n, "maxSchedulerRepeatAllowed"); a != nil {
		c.out.set("broker.scheduled_repeats", count(max(v, 1)), a.line)
	}
	if v, a := c.boolean(n, "populateJMSXUserID"); a != nil && v {
		c.out.set("broker.populate_user_id", "true", a.line)
	}
	if v, a := c.text(n, "plugins"); a != nil {
		c.users.unknown, c.users.line = v, a.line
	}
	if v, a := c.text(n, "dataDirectory"); a != nil {
		c.store.data, c.store.line = v, a.line
	}
	if v, a := c.boolean(n, "persistent"); a != nil && !v {
		c.out.set("store.engine", "memory", a.line)
		c.store.memory = true
	}
	if adapter := n.child("persistenceAdapter"); adapter != nil && adapter.child("memoryPersistenceAdapter") != nil {
		c.store.memory = true
	}
	if v, a := c.boolean(n, "useVirtualTopics"); a != nil && !v {
		c.out.empty("destinations.virtual_topics", a.line)
		c.interceptors = true
	}
	if v, a := c.boolean(n, "useMirroredQueues"); a != nil && v {
		c.out.grow("destinations.mirrored_queues", a.line).text("match", ">", a.line)
	}
	if v, a := c.millis(n, "offlineDurableSubscriberTimeout"); a != nil && v > 0 {
		c.policies.add("topic://>", setting{key: "offline_durable_timeout", value: period(v), line: a.line})
	}
	if v, a := c.millis(n, "schedulePeriodForDestinationPurge"); a != nil {
		c.purges = v > 0
	}
}

func yesNo(v bool) string {
	if v {
		return "true"
	}
	return "false"
}
