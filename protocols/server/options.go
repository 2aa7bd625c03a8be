package server

import (
	"log/slog"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/openwire"
	"github.com/manifoldmq/manifold/protocols/stomp"
	"github.com/manifoldmq/manifold/protocols/websocket"
)

// Options describe a whole broker.
type Options struct {
	Name      string
	Version   string
	Listeners []Listener
	Accept    protocols.Limits // before the login
	Limits    broker.Limits
	// NoScheduler leaves the properties that schedule messages without effect.
	NoScheduler bool
	// ScheduledRepeats is how many repeats one scheduled message may ask for; 0: ActiveMQ's 1,000.
	ScheduledRepeats int
	// PopulateUserID writes into each message who has sent it.
	PopulateUserID bool
	Routing        *broker.Routing   // nil: ActiveMQ's virtual topics alone
	Create         []address.Address // destinations that are made at the start
	Security       security.Options
	Rights         Rights // permissions from elsewhere, beside those of Security
	// Exposed allows listeners on outside addresses although Security is open: somebody has
	// asked for that in as many words.
	Exposed   bool
	Policies  []policy.Entry
	Store     Store
	STOMP     stomp.Options    // its Broker and Log are set by the server
	OpenWire  openwire.Options // likewise
	AMQP      amqp.Options     // likewise, and its Version
	MQTT      mqtt.Options     // likewise
	WebSocket WebSocket
	HTTP      HTTP
	// Standby waits for the store while another process has it, with all listeners closed but
	// HTTP's.
	Standby bool
	Log     *slog.Logger
	// OnReload is what the API's reload does; nil: not offered.
	OnReload Reloader
}

// Listener is one address that clients connect to.
type Listener struct {
	Name           string
	Address        string   // host:port; port 0 picks a free one
	Protocols      []string // "auto", or the names of protocols
	TLS            *protocols.TLSOptions
	ProxyProtocol  protocols.ProxyMode
	TrustedProxies []string
	MaxConnections int
	// LinkStealing lets a connection end another one with the same client identifier; MQTT's always do.
	LinkStealing bool
	// ConnectedBrokers are the URLs of all brokers that OpenWire clients of the listener are to
	// know, this one among them; see [openwire.Protocol.SetConnectedBrokers].
	ConnectedBrokers []string
}

// linkStealing names the listeners whose connections take others' place.
func (o *Options) linkStealing() (names []string) {
	for i := range o.Listeners {
		if o.Listeners[i].LinkStealing {
			names = append(names, o.Listeners[i].Name)
		}
	}
	return names
}

// connectedBrokers returns those of all listeners, by their names.
func (o *Options) connectedBrokers() map[string][]string {
	list := make(map[string][]string)
	for _, l := range o.Listeners {
		if len(l.ConnectedBrokers) > 0 {
			list[l.Name] = l.ConnectedBrokers
		}
	}
	return list
}

// Store says where messages are kept.
type Store struct {
	Engine   string        // "pebble" (the default) or "memory"
	Path     string        // the data directory
	Sync     string        // "always" (the default), "interval", "never"
	Interval time.Duration // of sync: interval
	Memtable int64         // bytes
	Cache    int64         // bytes
	MaxBytes int64         // of disk; 0: no limit of its own
}

// WebSocket are the settings of WebSockets.
type WebSocket struct {
	Origins      []string // of web pages that may connect; see websocket.Settings
	MaxMessage   int64    // bytes; 0: no limit
	PingInterval time.Duration
}

// webSocketSettings are those of WebSockets; open says that clients need no login.
func (o *Options) webSocketSettings(open bool) websocket.Settings {
	return websocket.Settings{Origins: o.WebSocket.Origins, Open: open}
}

// HTTP is the management surface.
type HTTP struct {
	Address string // empty: none
	Token   string // the bearer token of the API; empty: no API
	Backups string // the directory that backups may go to

	NoConsole   bool // there is no web console
	NoJolokia   bool // nothing answers as ActiveMQ's agent does
	JolokiaExec bool // its operations may change something
	// Administrator may log in here only, and may do everything; nil: none.
	Administrator *security.User
	Admins        []string // groups of users who may administrate
	Monitors      []string // groups of users who may look
}
