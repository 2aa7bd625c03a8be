package config

import "math"

func mqttOptions() []Option {
	count := func(path, def string, at func(*MQTT) *int, most int64, help string) Option {
		return opt(path, def, func(c *Config) value { return integer(at(&c.MQTT), 0, int(most)) }, help)
	}
	return []Option{
		count("mqtt.receive_maximum", "1024", func(m *MQTT) *int { return &m.ReceiveMaximum }, math.MaxUint16,
			"Messages with QoS above 0 that a client of version 5 may send before the first is acknowledged. At least 1."),
		count("mqtt.inflight", "1000", func(m *MQTT) *int { return &m.Inflight }, math.MaxUint16,
			"Messages with QoS above 0 that a client is sent before it acknowledges the first, if it does not ask for fewer. At least 1."),
		count("mqtt.topic_alias_maximum", "64", func(m *MQTT) *int { return &m.TopicAliasMaximum }, math.MaxUint16,
			"Topic aliases that a client of version 5 may define; 0 allows none."),
		count("mqtt.send_topic_aliases", "64", func(m *MQTT) *int { return &m.SendTopicAliases }, math.MaxUint16,
			"Topic aliases that are used towards a client of version 5 that allows them; 0 uses none."),
		opt("mqtt.keep_alive_maximum", "0s", func(c *Config) value { return duration(&c.MQTT.KeepAliveMaximum) },
			"Longest keep alive interval: clients of version 5 that ask for a longer one, or for none, are told this one, and others are held to it. 0s leaves it to the clients."),
		opt("mqtt.session_expiry", "0s", func(c *Config) value { return duration(&c.MQTT.SessionExpiry) },
			"How long the session of a 3.1 or 3.1.1 client that keeps it outlives its connection; 0s keeps it for ever."),
		opt("mqtt.session_expiry_maximum", "0s", func(c *Config) value { return duration(&c.MQTT.SessionExpiryMaximum) },
			"Longest session expiry interval that a client of version 5 gets; 0s sets no limit."),
		opt("mqtt.queue_prefix", "", func(c *Config) value { return text(&c.MQTT.QueuePrefix) },
			"Names that begin with it are queues: with $queue/, publishing to $queue/orders/eu sends to queue orders.eu, and subscribing to it consumes from that queue. Empty, clients reach topics only."),
		opt("mqtt.activemq_qos", "false", func(c *Config) value { return boolean(&c.MQTT.ActiveMQQoS) },
			"Whether persistent messages of other protocols arrive with QoS 0 and others with QoS 1, as ActiveMQ has it, and not the other way round."),
		opt("mqtt.publish_dollar_topics", "false", func(c *Config) value { return boolean(&c.MQTT.PublishDollarTopics) },
			"Whether clients may publish to names that begin with $, which are otherwise accepted and dropped, as with ActiveMQ."),
		opt("mqtt.refusal", "not_authorized", func(c *Config) value { return choice(&c.MQTT.Refusal, "not_authorized", "unspecified") },
			"Reason code in SUBACK for a filter that a client of version 5 has no right to: 0x87, or 0x80 as in 3.1.1."),
		opt("mqtt.sys_interval", "10s", func(c *Config) value { return duration(&c.MQTT.SysInterval) },
			"How often figures of the broker are published to topics below $SYS; 0s never does."),
	}
}
