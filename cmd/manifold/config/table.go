package config

import (
	"math"
	"time"
)

// Options returns the table. Its order is the order of the sample file and of the reference.
func Options() []Option {
	var all []Option
	for _, section := range [][]Option{
		brokerOptions(), listenerOptions(), httpOptions(), storeOptions(), limitOptions(),
		securityOptions(), loginOptions(), ldapOptions(), destinationOptions(), stompOptions(), openWireOptions(), amqpOptions(), mqttOptions(), webSocketOptions(), logOptions(),
	} {
		all = append(all, section...)
	}
	return all
}

// sectionHelp introduces the sections of the file, in the reference and in the sample.
func sectionHelp(section string) string {
	switch section {
	case "broker":
		return "What identifies the broker."
	case "listeners":
		return "Addresses that clients connect to. A list given here replaces the default set."
	case "http":
		return "Management over HTTP."
	case "store":
		return "Where durable messages are kept."
	case "limits":
		return "Bounds on what clients can take. For counts, 0 means no limit."
	case "security":
		return "Who may connect and what they may do. Without any user, connections need no login and every listener must be on a loopback address."
	case "destinations":
		return "Rules for destinations."
	case "stomp":
		return "The STOMP protocol."
	case "openwire":
		return "The OpenWire protocol of ActiveMQ's JMS, NMS and C++ clients."
	case "amqp":
		return "The AMQP 1.0 protocol."
	case "mqtt":
		return "The MQTT protocol."
	case "websocket":
		return "WebSockets, which carry the other protocols: on listeners that speak websocket or auto, and under /ws of the HTTP address."
	case "log":
		return "The log, on standard error."
	}
	return ""
}

func brokerOptions() []Option {
	return []Option{
		opt("broker.name", "localhost", func(c *Config) value { return text(&c.Broker.Name, brokerName) },
			"Name of this broker, as clients and management see it."),
		opt("broker.drain_timeout", "30s", func(c *Config) value { return duration(&c.Broker.DrainTimeout) },
			"How long a stop waits for consumers to settle what they were sent.", live),
		opt("broker.scheduler", "true", func(c *Config) value { return boolean(&c.Broker.Scheduler) },
			"Whether AMQ_SCHEDULED_DELAY, _PERIOD, _REPEAT and _CRON hold messages back. Otherwise they are ordinary properties, as in ActiveMQ without schedulerSupport."),
		opt("broker.scheduled_repeats", "1000", func(c *Config) value { return integer(&c.Broker.ScheduledRepeats, 1, math.MaxInt32) },
			"Repeats that one scheduled message may ask for with AMQ_SCHEDULED_REPEAT."),
		opt("broker.populate_user_id", "false", func(c *Config) value { return boolean(&c.Broker.PopulateUserID) },
			"Whether each message says which user has sent it, as JMSXUserID, whatever its sender wrote there; AMQP clients get the user-id of AMQP messages as it was sent."),
	}
}

func listenerOptions() []Option {
	return []Option{opt("listeners",
		`[{name: openwire, address: "127.0.0.1:61616", protocols: [auto]}, {name: amqp, address: "127.0.0.1:5672", protocols: [amqp]}, {name: stomp, address: "127.0.0.1:61613", protocols: [stomp]}, {name: mqtt, address: "127.0.0.1:1883", protocols: [mqtt]}, {name: ws, address: "127.0.0.1:61614", protocols: [websocket]}]`,
		func(c *Config) value { return listOf(&c.Listeners) },
		"The listeners.",
		fields(
			opt("name", "", func(l *Listener) value { return text(&l.Name, notEmpty) },
				"Name in logs, metrics and the ready line; each listener has its own.", required),
			opt("address", "", func(l *Listener) value { return text(&l.Address, hostPort) },
				"Host and port. Port 0 picks a free one; 0.0.0.0 stands for every network interface.", required),
			opt("protocols", "[auto]", func(l *Listener) value {
				return texts(&l.Protocols, oneOf("auto", "openwire", "amqp", "mqtt", "stomp", "websocket", "http"))
			}, "Protocols that are spoken here: auto (detected from the first bytes), openwire, amqp, mqtt, stomp, websocket, http."),
			opt("tls.certificate", "", func(l *Listener) value { return text(&l.TLS.Certificate) },
				"PEM file with the certificate chain; turns TLS on. Read again at each reload.", live),
			opt("tls.key", "", func(l *Listener) value { return text(&l.TLS.Key) },
				"PEM file with the certificate's private key.", live),
			opt("tls.client_ca", "", func(l *Listener) value { return text(&l.TLS.ClientCA) },
				"PEM file with the authorities that client certificates are checked against.", live),
			opt("tls.client_auth", "none", func(l *Listener) value { return choice(&l.TLS.ClientAuth, "none", "optional", "required") },
				"Whether clients are asked for a certificate.", live),
			opt("tls.min_version", "1.2", func(l *Listener) value { return choice(&l.TLS.MinVersion, "1.2", "1.3") },
				"Lowest version of TLS that is spoken.", live),
			opt("proxy_protocol", "off", func(l *Listener) value { return choice(&l.ProxyProtocol, "off", "optional", "required") },
				"Whether connections start with the PROXY protocol header of a load balancer, which names the true client address."),
			opt("trusted_proxies", "[]", func(l *Listener) value { return texts(&l.TrustedProxies, network) },
				"Addresses and networks whose PROXY headers are believed; none listed means every peer's."),
			opt("max_connections", "0", func(l *Listener) value { return integer(&l.MaxConnections, 0, math.MaxInt32) },
				"Connections to this listener at a time; 0 leaves only limits.connections.", live),
			opt("amqp.transformer", "inherit", func(l *Listener) value { return choice(&l.Transformer, "inherit", "jms", "native", "raw") },
				"How clients of other protocols see AMQP messages that come in here, as ActiveMQ's transport.transformer; inherit stands for the section amqp's."),
			opt("link_stealing", "false", func(l *Listener) value { return boolean(&l.LinkStealing) },
				"Whether a connection with a client identifier that is in use ends the older one, as ActiveMQ's allowLinkStealing. Otherwise it is refused, but for MQTT, where the newer connection always takes over."),
			opt("connected_brokers", "[]", func(l *Listener) value { return texts(&l.ConnectedBrokers, brokerURL) },
				"URLs of all brokers that OpenWire clients with a failover: URL are to know, this one and its standbys, such as tcp://a:61616 and ssl://b:61617, as ActiveMQ tells them with updateClusterClients. Clients are told when they connect, and when a reload changes the list.", live),
		))}
}

func httpOptions() []Option {
	return []Option{
		opt("http.address", "127.0.0.1:8161", func(c *Config) value { return text(&c.HTTP.Address, hostPortOrOff) },
			`Host and port of API, metrics and health; "" turns them off.`),
		opt("http.username", "", func(c *Config) value { return text(&c.HTTP.Username) },
			"Name of an administrator who exists for the management over HTTP only, beside the users, for containers that get their login from the environment.",
			alias("ACTIVEMQ_WEB_USER")),
		opt("http.password", "", func(c *Config) value { return text((*string)(&c.HTTP.Password)) },
			"Password of that administrator. In the file it must be a bcrypt hash.",
			secret, alias("ACTIVEMQ_WEB_PASSWORD")),
		opt("http.console", "true", func(c *Config) value { return boolean(&c.HTTP.Console) },
			"Whether the web console is served, under /console/."),
		opt("http.jolokia", "true", func(c *Config) value { return boolean(&c.HTTP.Jolokia) },
			"Whether /api/jolokia answers as ActiveMQ's Jolokia agent does, for monitoring."),
		opt("http.jolokia_exec", "false", func(c *Config) value { return boolean(&c.HTTP.JolokiaExec) },
			"Whether Jolokia's operations may change something: purge, move, send, create and so on. They need an administrator."),
		opt("http.admins", "[admins, activemq-webconsole]", func(c *Config) value { return texts(&c.HTTP.Admins, notEmpty) },
			"Groups of users who may administrate the broker over HTTP, as far as they have the rights on the destinations. Without any security.permissions every user may."),
		opt("http.monitors", "[monitors]", func(c *Config) value { return texts(&c.HTTP.Monitors, notEmpty) },
			"Groups of users who may look at the broker's figures over HTTP."),
	}
}

func storeOptions() []Option {
	return []Option{
		opt("store.engine", "pebble", func(c *Config) value { return choice(&c.Store.Engine, "pebble", "memory") },
			"pebble keeps messages on disk; memory forgets everything at the end."),
		opt("store.path", "data", func(c *Config) value { return text(&c.Store.Path, notEmpty) },
			"The data directory; --data is short for this option. It is made if it does not exist."),
		opt("store.sync", "always", func(c *Config) value { return choice(&c.Store.Sync, "always", "interval", "never") },
			"When persistent messages are confirmed: always after they would survive a power failure; interval and never before that, at the risk of losing the newest."),
		opt("store.sync_interval", "1s", func(c *Config) value { return duration(&c.Store.SyncInterval) },
			"With sync: interval, the longest time that a confirmed message is not yet safe."),
		opt("store.memtable", "64MiB", func(c *Config) value { return size(&c.Store.Memtable, 1<<20) },
			"Size of one write buffer, at most an eighth of limits.memory; up to four are in memory. A message that is consumed before its buffer is full is never written to a table."),
		opt("store.cache", "64MiB", func(c *Config) value { return size(&c.Store.Cache, 0) },
			"Memory for blocks read from disk."),
	}
}

func limitOptions() []Option {
	count := func(path, def string, at func(*Limits) *int, help string, more ...func(*Option)) Option {
		return opt(path, def, func(c *Config) value { return integer(at(&c.Limits), 0, math.MaxInt32) }, help, more...)
	}
	return []Option{
		opt("limits.memory", "1GiB", func(c *Config) value { return size(&c.Limits.Memory, 1<<20) },
			"Memory for messages. Where the process runs under a smaller memory limit of the system, that decides."),
		opt("limits.store", "100GiB", func(c *Config) value { return size(&c.Limits.Store, 0) },
			"Disk space for durable messages."),
		opt("limits.temp", "50GiB", func(c *Config) value { return size(&c.Limits.Temp, 0) },
			"Disk space for non-durable messages that do not fit into memory."),
		opt("limits.frame", "100MiB", func(c *Config) value { return size(&c.Limits.Frame, 1<<10) },
			"Largest frame, and so about the largest message, that a client may send."),
		count("limits.connections", "10000", func(l *Limits) *int { return &l.Connections },
			"Connections at a time."),
		count("limits.connections_per_user", "0", func(l *Limits) *int { return &l.ConnectionsPerUser },
			"Connections of one user at a time."),
		count("limits.connections_per_address", "0", func(l *Limits) *int { return &l.ConnectionsPerAddress },
			"Connections from one network address at a time.", live),
		opt("limits.handshake", "30s", func(c *Config) value { return duration(&c.Limits.Handshake) },
			"Time from accepting a connection to a complete login.", live),
		opt("limits.pre_login_bytes", "64KiB", func(c *Config) value { return size(&c.Limits.PreLoginBytes, 1<<10) },
			"Bytes that a client may send before its login is complete.", live),
		count("limits.subscriptions_per_connection", "10000", func(l *Limits) *int { return &l.SubscriptionsPerConnection },
			"Subscriptions of one connection."),
		count("limits.transactions_per_connection", "1000", func(l *Limits) *int { return &l.TransactionsPerConnection },
			"Open transactions of one connection."),
		count("limits.unsettled_per_connection", "100000", func(l *Limits) *int { return &l.UnsettledPerConnection },
			"Messages that one connection may have received and not acknowledged, over all its subscriptions."),
		count("limits.temp_destinations_per_connection", "1000", func(l *Limits) *int { return &l.TempDestinationsPerConnection },
			"Temporary queues and topics of one connection."),
		count("limits.scheduled_messages", "0", func(l *Limits) *int { return &l.ScheduledMessages },
			"Messages that wait for their time; more of them wait with their senders. 0 leaves only limits.store."),
		opt("limits.send_fail_if_no_space", "false", func(c *Config) value { return boolean(&c.Limits.SendFailIfNoSpace) },
			"Whether a send fails, instead of waiting, when a memory, store or temp limit is reached."),
		opt("limits.send_fail_if_no_space_after", "0s", func(c *Config) value { return duration(&c.Limits.SendFailIfNoSpaceAfter) },
			"Longest time that a send waits for space before it fails; 0s waits without an end."),
	}
}

func securityOptions() []Option {
	return []Option{
		opt("security.anonymous", "false", func(c *Config) value { return boolean(&c.Security.Anonymous) },
			"Whether clients may connect without a user name although users are configured, and from other machines although none are.", live),
		opt("security.anonymous_user", "anonymous", func(c *Config) value { return text(&c.Security.AnonymousUser, notEmpty) },
			"Name of the user that clients without a user name are.", live),
		opt("security.anonymous_group", "anonymous", func(c *Config) value { return text(&c.Security.AnonymousGroup, notEmpty) },
			"Group that this user is in.", live),
		opt("security.username", "", func(c *Config) value { return text(&c.Security.Username) },
			"Name of one further user, for containers that get their login from the environment.",
			live, alias("ACTIVEMQ_CONNECTION_USER")),
		opt("security.password", "", func(c *Config) value { return text((*string)(&c.Security.Password)) },
			"Password of that user. In the file it must be a bcrypt hash.",
			live, secret, alias("ACTIVEMQ_CONNECTION_PASSWORD")),
		opt("security.users", "[]", func(c *Config) value { return listOf(&c.Security.Users) },
			"Users.", live,
			example("- {name: app, password: '$2a$10$...', groups: [apps]}"),
			fields(
				opt("name", "", func(u *User) value { return text(&u.Name, notEmpty) }, "The user's name.", required, live),
				opt("password", "", func(u *User) value { return text((*string)(&u.Password), passwordHash) },
					"Bcrypt hash of the password, as `manifold user hash` prints it.", required, secret, live),
				opt("groups", "[]", func(u *User) value { return texts(&u.Groups, notEmpty) },
					"Groups that the user is in.", live),
			)),
		opt("security.users_file", "", func(c *Config) value { return text(&c.Security.UsersFile) },
			"File with lines name=password, as ActiveMQ's users.properties; passwords may be bcrypt hashes. `manifold user` writes it.", live),
		opt("security.groups_file", "", func(c *Config) value { return text(&c.Security.GroupsFile) },
			"File with lines group=user,user, as ActiveMQ's groups.properties.", live),
		opt("security.certificates", "[]", func(c *Config) value { return listOf(&c.Security.Certificates) },
			"Users that client certificates stand for, with every protocol: a client that presents one and no password, or an empty one, is that user, for TLS has proved more than a password would. A user name that it gives must be that user's; a password that it gives is what counts, and must be right.", live,
			example(`- {subject: "CN=app,O=Example", user: app}`),
			fields(
				opt("subject", "", func(m *Certificate) value { return text(&m.Subject, notEmpty) },
					"Distinguished name of the certificate's subject.", required, live),
				opt("user", "", func(m *Certificate) value { return text(&m.User, notEmpty) },
					"The user.", required, live),
			)),
		opt("security.permissions", "[]", func(c *Config) value { return listOf(&c.Security.Permissions) },
			"Rights on destinations. Without any entry every user may do everything; with one, what no entry allows is denied. Entries that match are added up.", live,
			example(`- {match: "queue://orders.>", read: [apps], write: [apps], admin: [admins]}`),
			fields(
				opt("match", "", func(p *Permission) value { return text(&p.Match, pattern(permissionSchemes)) },
					"Destinations: queue://, topic://, temp-queue:// or temp-topic:// and a name, in which * stands for one level and > for the rest.", required, live),
				opt("read", "[]", func(p *Permission) value { return texts(&p.Read, notEmpty) },
					`Groups that may consume and browse; "*" is everybody.`, live),
				opt("write", "[]", func(p *Permission) value { return texts(&p.Write, notEmpty) },
					"Groups that may send.", live),
				opt("admin", "[]", func(p *Permission) value { return texts(&p.Admin, notEmpty) },
					"Groups that may create, by first use, and delete.", live),
			)),
	}
}

func stompOptions() []Option {
	beat := func(path, def string, at func(*Heartbeat) *time.Duration, help string) Option {
		return opt(path, def, func(c *Config) value { return duration(at(&c.STOMP.Heartbeat)) }, help)
	}
	limit := func(path, def string, at func(*STOMPLimits) *int, help string) Option {
		return opt(path, def, func(c *Config) value { return integer(at(&c.STOMP.Limits), 1, 1<<20) }, help)
	}
	return []Option{
		opt("stomp.close_on_error", "false", func(c *Config) value { return boolean(&c.STOMP.CloseOnError) },
			"Whether every ERROR frame closes the connection, as the standard asks. ActiveMQ keeps it open after errors of single commands."),
		opt("stomp.strict_escapes", "false", func(c *Config) value { return boolean(&c.STOMP.StrictEscapes) },
			"Whether undefined escapes in headers are errors, as the standard asks, and not literal text."),
		opt("stomp.nack", "dlq", func(c *Config) value { return choice(&c.STOMP.Nack, "dlq", "redeliver") },
			"What NACK does: dlq moves the message to its dead-letter queue, as ActiveMQ does; redeliver returns it to its queue."),
		opt("stomp.server", "ActiveMQ/5.17.2", func(c *Config) value { return text(&c.STOMP.Server, token) },
			`Product token in the server header of CONNECTED. Some clients choose their dialect by it; "" leaves the header out.`),
		beat("stomp.heartbeat.minimum", "100ms", func(h *Heartbeat) *time.Duration { return &h.Minimum },
			"Shortest interval of heart-beats that is agreed to."),
		opt("stomp.heartbeat.grace", "2", func(c *Config) value { return number(&c.STOMP.Heartbeat.Grace, 1, 100) },
			"A client counts as dead when nothing came from it for its interval times this."),
		beat("stomp.heartbeat.default_receive", "0s", func(h *Heartbeat) *time.Duration { return &h.DefaultReceive },
			"Interval that is expected from clients that offer none; 0s expects nothing."),
		beat("stomp.heartbeat.default_send", "0s", func(h *Heartbeat) *time.Duration { return &h.DefaultSend },
			"Interval at which clients that ask for none get heart-beats; 0s sends none."),
		limit("stomp.limits.command", "1024", func(l *STOMPLimits) *int { return &l.Command },
			"Bytes of a command line."),
		limit("stomp.limits.header_line", "10240", func(l *STOMPLimits) *int { return &l.HeaderLine },
			"Bytes of a header line."),
		limit("stomp.limits.headers", "1000", func(l *STOMPLimits) *int { return &l.Headers },
			"Header lines of a frame."),
	}
}

func openWireOptions() []Option {
	return []Option{
		opt("openwire.tight_encoding", "true", func(c *Config) value { return boolean(&c.OpenWire.TightEncoding) },
			"Whether the tight encoding is offered: it takes fewer bytes on the network, and somewhat more work on both sides."),
		opt("openwire.cache", "true", func(c *Config) value { return boolean(&c.OpenWire.Cache) },
			"Whether the marshalling cache is offered, which sends names and identifiers that come again as numbers."),
		opt("openwire.max_inactivity", "30s", func(c *Config) value { return duration(&c.OpenWire.MaxInactivity) },
			"Silence after which either side counts as dead; the shorter of both sides' times holds. 0s lets connections be silent for ever."),
		opt("openwire.reconnect_window", "10m", func(c *Config) value { return duration(&c.OpenWire.ReconnectWindow) },
			"How long the producers of a failover: client that was cut off are remembered, so that what it repeats is not taken twice."),
	}
}

func webSocketOptions() []Option {
	return []Option{
		opt("websocket.origins", "[]", func(c *Config) value { return texts(&c.WebSocket.Origins, origin) },
			`Web pages that may connect: a host, *.example.com for all hosts below one, scheme://host:port, or "*" for every page. With none listed, every page may connect if clients have to log in with a password, and otherwise only pages from this machine.`, live),
		opt("websocket.ping_interval", "30s", func(c *Config) value { return duration(&c.WebSocket.PingInterval) },
			"Interval of pings to clients, of which two without any answer close the connection; 0s sends none."),
	}
}

func logOptions() []Option {
	return []Option{
		opt("log.level", "info", func(c *Config) value { return choice(&c.Log.Level, "debug", "info", "warn", "error") },
			"Least severe level that is logged.", live),
		opt("log.format", "text", func(c *Config) value { return choice(&c.Log.Format, "text", "logfmt", "json") },
			"text is for people, logfmt and json for programs. json also makes the ready line JSON."),
	}
}
