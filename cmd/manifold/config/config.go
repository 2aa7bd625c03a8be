package config

import "time"

// Config is a whole configuration. The zero Config is not useful; [Default] and [Load] make one.
// The table of options says what each field means and which values it takes.
type Config struct {
	Broker       Broker
	Listeners    []Listener
	HTTP         HTTP
	Store        Store
	Limits       Limits
	Security     Security
	Destinations Destinations
	STOMP        STOMP
	AMQP         AMQP
	MQTT         MQTT
	OpenWire     OpenWire
	WebSocket    WebSocket
	Log          Log
}

// Broker is what identifies the broker, and how its process ends.
type Broker struct {
	Name         string
	DrainTimeout time.Duration // between the request to stop and the end
	Scheduler    bool
	// ScheduledRepeats bounds AMQ_SCHEDULED_REPEAT.
	ScheduledRepeats int
	PopulateUserID   bool
}

// Listener is one address that clients connect to.
type Listener struct {
	Name           string
	Address        string   // host:port
	Protocols      []string // "auto" alone means detection
	TLS            TLS
	ProxyProtocol  string   // "off", "optional", "required"
	TrustedProxies []string // IP addresses and prefixes; empty trusts every peer
	MaxConnections int      // 0: only limits.connections
	Transformer    string   // of AMQP: "inherit", "jms", "native", "raw"
	LinkStealing   bool
	// ConnectedBrokers are URLs of brokers that clients with a failover: URL are told of.
	ConnectedBrokers []string
}

// TLS are a listener's certificates, as paths of PEM files.
type TLS struct {
	Certificate string // empty: no TLS
	Key         string
	ClientCA    string
	ClientAuth  string // "none", "optional", "required"
	MinVersion  string // "1.2", "1.3"
}

// Enabled reports whether the listener speaks TLS.
func (t TLS) Enabled() bool { return t.Certificate != "" }

// HTTP is the listener of the management surface.
type HTTP struct {
	Address     string // empty: none
	Username    string // one administrator from the environment, with
	Password    Secret // the password in clear or as a bcrypt hash
	Console     bool
	Jolokia     bool
	JolokiaExec bool
	Admins      []string
	Monitors    []string
}

// Store is where durable messages are kept.
type Store struct {
	Engine       string // "pebble", "memory"
	Path         string // the data directory, also of the API token
	Sync         string // "always", "interval", "never"
	SyncInterval time.Duration
	Memtable     Size
	Cache        Size
}

// Limits bound what clients can take. For counts, 0 means no limit.
type Limits struct {
	Memory                        Size
	Store                         Size
	Temp                          Size
	Frame                         Size
	Connections                   int
	ConnectionsPerUser            int
	ConnectionsPerAddress         int
	Handshake                     time.Duration
	PreLoginBytes                 Size
	SubscriptionsPerConnection    int
	TransactionsPerConnection     int
	UnsettledPerConnection        int
	TempDestinationsPerConnection int
	ScheduledMessages             int
	SendFailIfNoSpace             bool
	SendFailIfNoSpaceAfter        time.Duration // 0: wait without an end
}

// Security says who may connect and what they may do.
type Security struct {
	Anonymous                     bool
	AnonymousUser, AnonymousGroup string
	Username                      string // one user from the environment, with
	Password                      Secret // its password in clear or as a bcrypt hash
	Users                         []User
	UsersFile                     string
	GroupsFile                    string
	Certificates                  []Certificate
	Permissions                   []Permission // empty: every user may do everything, unless LDAP has permissions

	CertificatesFile      string
	LoginConfig           string // path of a login.config
	LoginRealm            string
	LoginCertificateRealm string
	LDAP                  LDAP
}

// Secret is a text that formats as stars, so that it does not end up in a log.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Mask
}

// Mask stands for a secret wherever configuration is shown.
const Mask = "********"

// Authenticates reports whether any way to log in is configured.
func (s Security) Authenticates() bool {
	return s.Username != "" || len(s.Users) > 0 || s.UsersFile != "" || len(s.Certificates) > 0 ||
		s.CertificatesFile != "" || s.LoginConfig != "" || s.LDAP.Enabled()
}

// Open reports whether connections without a user name are let in: on request, or when there
// is no user at all.
func (s Security) Open() bool { return s.Anonymous || !s.Authenticates() }

// User is one user of the file.
type User struct {
	Name     string
	Password Secret // a bcrypt hash
	Groups   []string
}

// Certificate maps a client certificate to a user.
type Certificate struct {
	Subject string // distinguished name, in the form of RFC 2253
	User    string
}

// Permission gives groups rights on the destinations that match. All that match are added up.
type Permission struct {
	Match string
	Read  []string
	Write []string
	Admin []string
}

// Destinations are the rules for destinations.
type Destinations struct {
	Create        []string
	Policies      []Policy
	VirtualTopics []VirtualTopic
	Composites    []Composite
	Mirrors       []Mirror
}

// VirtualTopic is a rule by which queues get what is sent to a topic.
type VirtualTopic struct {
	Match, Prefix, Postfix string
	SelectorAware          bool
}

// Composite is a rule by which what is sent to one destination goes to others.
type Composite struct {
	Match         string
	To            []CompositeTarget
	ForwardOnly   bool
	KeepUnmatched bool
}

// CompositeTarget is one destination that a composite one forwards to.
type CompositeTarget struct{ Destination, Selector string }

// Mirror is a rule by which copies of a queue's messages are published to a topic.
type Mirror struct{ Match, Prefix, Postfix string }

// Policy sets what is not nil for the destinations that match. The most specific policy that
// sets a value wins; [DefaultPolicy] holds for the rest.
type Policy struct {
	Match               string
	DeadLetter          DeadLetter
	Prioritized         *bool
	Redelivery          Redelivery
	Prefetch            Prefetch
	Limits              DestinationLimits
	ProducerFlowControl *bool
	SendFailIfNoSpace   *bool
	ExpirePeriod        *time.Duration
	DeleteInactive      *time.Duration
	Recovery            Recovery
	Sending             Sending
	Dispatch            Dispatch
	OfflineDurable      *time.Duration
	FailAfter           *time.Duration
	Duplicates          Duplicates
	SlowConsumers       SlowConsumers
	Advisories          Advisories
	MaxDestinations     *int // -1: any number
}

// Duplicates is how a destination knows a message that is sent again.
type Duplicates struct {
	Window   *int
	Age      *time.Duration
	Property *string
}

// SlowConsumers says when a consumer is closed that does not keep up.
type SlowConsumers struct {
	AbortAfter        *time.Duration
	MaximumCount      *int // -1: any
	AcknowledgeWithin *time.Duration
	IgnoreIdle        *bool
	AbortConnection   *bool
}

// Advisories are the events of a destination that are announced.
type Advisories struct {
	NoConsumers, SlowConsumers, FastProducers, Discarding, Full, Delivery, Consumed, Dispatched, Body *bool
}

// Recovery is what a topic remembers for retroactive consumers.
type Recovery struct {
	Messages *int
	Bytes    *Size
	Age      *time.Duration
	Always   *bool
}

// Sending is what the broker changes of messages that are sent.
type Sending struct {
	DeliveryMode *string // "as_sent", "persistent", "non_persistent"
	Timestamp    *string // "as_sent", "broker"
	DefaultTTL   *time.Duration
	MaximumTTL   *time.Duration
}

// Dispatch is how a queue's messages are shared out among its consumers.
type Dispatch struct {
	StrictOrder    *bool
	AllExclusive   *bool
	Groups         *int
	StartConsumers *int
	StartAfter     *time.Duration
}

// DeadLetter says where messages go that can't be delivered.
type DeadLetter struct {
	Queue                *string
	Prefix               *string
	Suffix               *string
	Individual           *bool
	PerDurableSubscriber *bool
	ProcessExpired       *bool
	ProcessNonPersistent *bool
	Discard              *bool
	TTL                  *time.Duration
}

// Redelivery says how often and when a returned message is tried again.
type Redelivery struct {
	Maximum           *int // -1: without an end
	Delay             *time.Duration
	BackoffMultiplier *float64
	MaximumDelay      *time.Duration
	Rejected          *bool

	UseCollisionAvoidance     *bool
	CollisionAvoidancePercent *int
}

// Prefetch is how many messages a consumer may have unacknowledged if it asks for no number.
type Prefetch struct {
	Queue, Topic, Durable, Browser *int
}

// DestinationLimits bound one destination; 0 means that only the broker's limits hold.
type DestinationLimits struct {
	Memory            *Size
	Window            *Size
	Messages          *int
	Overflow          *string // "block", "fail", "discard_new", "discard_oldest", "dead_letter_oldest"
	Pending           *int    // of a non-durable topic subscription, beyond its prefetch; -1: no limit
	PendingMultiplier *float64
	Eviction          *string // "oldest", "lowest_priority", "unique_property"
	EvictionProperty  *string
	BlockedWarning    *time.Duration
}

// AMQP is what only the AMQP 1.0 protocol needs.
type AMQP struct {
	Transformer    string // "jms", "native", "raw"
	ProducerCredit int
	MaxFrame       Size
	IdleTimeout    time.Duration // 0: clients may be silent for ever
}

// STOMP is what only the STOMP protocol needs.
type STOMP struct {
	CloseOnError  bool
	StrictEscapes bool
	Nack          string // "dlq", "redeliver"
	Server        string // the product token of CONNECTED's server header
	Heartbeat     Heartbeat
	Limits        STOMPLimits
}

// Heartbeat bounds and completes what STOMP clients ask for.
type Heartbeat struct {
	Minimum        time.Duration
	Grace          float64 // a client is dead after its interval times this
	DefaultReceive time.Duration
	DefaultSend    time.Duration
}

// STOMPLimits bound the parts of a frame, in bytes and in number.
type STOMPLimits struct {
	Command    int
	HeaderLine int
	Headers    int
}

// OpenWire is what only the OpenWire protocol needs.
type OpenWire struct {
	TightEncoding   bool
	Cache           bool
	MaxInactivity   time.Duration
	ReconnectWindow time.Duration
}

// WebSocket is what only WebSockets need.
type WebSocket struct {
	Origins      []string // of web pages that may connect
	PingInterval time.Duration
}

// MQTT is what only the MQTT protocol needs.
type MQTT struct {
	ReceiveMaximum       int
	Inflight             int
	TopicAliasMaximum    int
	SendTopicAliases     int
	KeepAliveMaximum     time.Duration
	SessionExpiry        time.Duration
	SessionExpiryMaximum time.Duration
	QueuePrefix          string
	ActiveMQQoS          bool
	PublishDollarTopics  bool
	Refusal              string // "not_authorized", "unspecified"
	SysInterval          time.Duration
}

// Log is what is logged, and how it looks.
type Log struct {
	Level  string // "debug", "info", "warn", "error"
	Format string // "text", "logfmt", "json"
}
