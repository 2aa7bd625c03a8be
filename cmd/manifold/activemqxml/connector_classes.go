package activemqxml

// connectorClasses are the transport connectors.
func connectorClasses() []class {
	const networks = "there are no networks of brokers"
	return []class{
		wrap("transportConnectors", "transportConnector"),
		{
			name: "transportConnector", option: "listeners",
			attributes: all(
				keep("name", "listeners.name"),
				become("uri", "listeners.address", "its scheme becomes protocols and tls; see the options of URIs"),
				lose("updateClusterClients", "false", "clients are told of the brokers that connected_brokers of a listener names"),
				lose("rebalanceClusterClients", "false", "clients stay where they are"),
				idle(networks, "updateClusterClientsOnRemove", "updateClusterFilter", "auditNetworkProducers", "publishedAddressPolicy"),
				lose("discoveryUri", "", "brokers are not announced to others"),
				lose("discoveryAgent", "", "brokers are not announced to others"),
				become("maximumConsumersAllowedPerConnection", "limits.subscriptions_per_connection", "one limit for all listeners"),
				lose("maximumProducersAllowedPerConnection", "2147483647", "producers are not counted"),
				lose("autoStart", "true", "every listener is open from the start"),
				idle("ActiveMQ does not look at it: the option of the URI counts", "allowLinkStealing"),
				idle("connections are watched and served all the same", "enableStatusMonitor", "disableAsyncDispatch", "warnOnRemoteClose", "displayStackTrace", "taskRunnerFactory", "brokerInfo", "brokerService", "server"),
				lose("messageAuthorizationPolicy", "", "single messages are not refused; permissions are for destinations"),
			),
			children: []string{"publishedAddressPolicy", "messageAuthorizationPolicy", "taskRunnerFactory", "discoveryAgent"},
			use:      func(c *converter, n *node) { c.connector(n) },
		},
		gone("publishedAddressPolicy", networks, false),
		gone("discoveryAgent", "brokers are not announced to others", true),
		{name: "sslContext", attributes: all(
			become("keyStore", "listeners.tls.certificate", "key stores are Java's; the certificate and its key are needed as PEM"),
			become("trustStore", "listeners.tls.client_ca", "key stores are Java's; the authorities are needed as PEM"),
			idle("PEM files have no passwords", "keyStorePassword", "keyStoreKeyPassword", "trustStorePassword"),
			idle("PEM needs none", "keyStoreType", "trustStoreType", "keyStoreAlgorithm", "trustStoreAlgorithm", "provider", "secureRandom", "secureRandomAlgorithm", "protocol", "SSLContext"),
			lose("crlPath", "", "revoked certificates are not looked up"),
		), children: []string{"sslContext"}, use: func(c *converter, n *node) { c.sslContext(n) }},
	}
}

// uriOption is an option of a connector's URI.
type uriOption struct {
	attribute
	schemes string // to which it belongs; "" to all
}

// uriOptions are those that are known, without the prefixes transport. and wireFormat.
func uriOptions() []uriOption {
	const (
		sockets = "sockets are set up alike for all"
		wire    = "is agreed with each client"
	)
	var list []uriOption
	add := func(schemes string, attributes ...attribute) {
		for _, a := range attributes {
			list = append(list, uriOption{a, schemes})
		}
	}
	add("",
		keep("maximumConnections", "listeners.max_connections"),
		become("maxFrameSize", "limits.frame", "one limit for all listeners, the largest that one has"),
		become("maxInactivityDuration", "openwire.max_inactivity", "one time for all listeners"),
		become("connectAttemptTimeout", "limits.handshake", "one time for all listeners"),
		become("connectionTimeout", "limits.handshake", "one time for all listeners"),
		keep("needClientAuth", "listeners.tls.client_auth"),
		keep("wantClientAuth", "listeners.tls.client_auth"),
		become("enabledProtocols", "listeners.tls.min_version", "1.2 and 1.3 are spoken, never older ones"),
		lose("protocols", "", "the protocols that are detected"),
		keep("allowLinkStealing", "listeners.link_stealing"),
		keep("tightEncodingEnabled", "openwire.tight_encoding"),
		keep("cacheEnabled", "openwire.cache"),
	)
	add("", idle("Go chooses among those that are safe", "enabledCipherSuites")...)
	add("", idle(sockets, "soTimeout", "soWriteTimeout", "socketBufferSize", "ioBufferSize", "keepAlive", "tcpNoDelay", "tcpNoDelayEnabled", "soLinger", "trafficClass", "backlog", "daemon",
		"useQueueForAccept", "useLocalHost", "threadName", "stackSize", "minmumWireFormatVersion", "selectorManager", "closeAsync", "async", "useInactivityMonitor", "useKeepAlive",
		"initialDelayTime", "verifyHostName", "trace", "jmxPort", "dynamicManagement", "startLogging", "logWriterName", "log4jName", "maxThreadPoolSize", "rebalanceClusterClients",
		"protocolDetectionTimeOut")...)
	add("", idle(wire, "cacheSize", "sizePrefixDisabled", "stackTraceEnabled", "version", "maxInactivityDurationInitalDelay", "maxInactivityDurationInitialDelay", "maxFrameSizeEnabled", "host")...)
	add("amqp",
		keep("transformer", "listeners.amqp.transformer"),
		become("maxAmqpFrameSize", "amqp.max_frame", "one size for all listeners"),
		become("producerCredit", "amqp.producer_credit", "one number for all listeners"),
		become("idleTimeout", "amqp.idle_timeout", "one time for all listeners"),
	)
	add("amqp", idle("anonymous clients may leave SASL out", "allowNonSaslConnections")...)
	add("stomp",
		become("defaultHeartBeat", "stomp.heartbeat.default_receive", "with default_send, for all listeners"),
		become("hbGracePeriodMultiplier", "stomp.heartbeat.grace", "one factor for all listeners"),
	)
	add("stomp", idle("limits.frame bounds it", "maxDataLength")...)
	add("mqtt",
		lose("subscriptionStrategy", "mqtt-default-subscriptions", "durable MQTT subscriptions are sessions here, and no queues of virtual topics"),
		become("publishDollarTopics", "mqtt.publish_dollar_topics", "one setting for all listeners"),
		lose("defaultKeepAlive", "0", "a client that asks for no keep alive is not watched"),
	)
	add("mqtt", idle("clients are sent messages as they acknowledge them", "activeMQSubscriptionPrefetch")...)
	add("http", idle("is for the web page's socket", "path", "pageMaxAge")...)
	return list
}
