package config

func amqpOptions() []Option {
	return []Option{
		opt("amqp.transformer", "jms", func(c *Config) value { return choice(&c.AMQP.Transformer, "jms", "native", "raw") },
			"How clients of other protocols see AMQP messages: jms as texts, maps, bytes with their properties; native as the bytes of the encoded message with its properties, ActiveMQ's default; raw as these bytes alone."),
		opt("amqp.producer_credit", "1000", func(c *Config) value { return integer(&c.AMQP.ProducerCredit, 1, 1<<20) },
			"Messages that a client may send on one link ahead of their confirmation."),
		opt("amqp.max_frame", "128KiB", func(c *Config) value { return size(&c.AMQP.MaxFrame, 512) },
			"Largest frame that a client may send; larger messages come in several."),
		opt("amqp.idle_timeout", "30s", func(c *Config) value { return duration(&c.AMQP.IdleTimeout) },
			"A client counts as dead when nothing came from it for so long; 0s never."),
	}
}
