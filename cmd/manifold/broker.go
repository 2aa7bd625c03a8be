package main

import (
	"context"
	"crypto/tls"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/heap"
	"github.com/manifoldmq/manifold/cmd/manifold/process"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
	"github.com/manifoldmq/manifold/protocols/openwire"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
	"github.com/manifoldmq/manifold/protocols/server"
	"github.com/manifoldmq/manifold/protocols/stomp"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// brokerOptions are all that a broker is made from.
type brokerOptions struct {
	config  *config.Config
	memory  heap.Plan // memory.Messages is limits.memory, lowered where the system allows less
	standby bool      // wait for the store while another process has it
	version string
	getenv  func(name string) string
	token   string // the bearer token that the HTTP API accepts from the command line
	reload  func(ctx context.Context) (changes []string, err error)
	log     *slog.Logger
}

// newBroker maps the configuration to the broker's options.
func newBroker(o brokerOptions) (process.Broker, error) {
	options := o.server(o.config)
	var err error
	if options.Routing, err = routing(&o.config.Destinations); err != nil {
		return nil, err
	}
	access, err := newAccess(&o.config.Security, o.getenv, o.log)
	if err != nil {
		return nil, err
	}
	options.Security, options.Rights = access.options, access.rights
	s, err := server.New(options)
	if err != nil {
		access.close()
		return nil, err
	}
	return &runningBroker{Server: s, o: o, config: o.config, access: access}, nil
}

// runningBroker is the server as the process sees it.
type runningBroker struct {
	*server.Server
	o      brokerOptions
	config *config.Config

	mu     sync.Mutex
	access *access // holds connections to directories
}

// Addresses implements process.Broker.
func (b *runningBroker) Addresses() []process.Address {
	var list []process.Address
	for _, a := range b.Server.Addresses() {
		list = append(list, process.Address(a))
	}
	return list
}

// Reload implements process.Broker.
func (b *runningBroker) Reload(c *config.Config) ([]string, error) {
	access, err := newAccess(&c.Security, b.o.getenv, b.o.log)
	if err != nil {
		return nil, err
	}
	options := b.o.server(c)
	options.Security, options.Rights = access.options, access.rights
	if err := b.Server.Reload(options); err != nil {
		access.close()
		return nil, err
	}
	b.exchange(access).close()
	var changes []string
	for _, d := range config.Diff(b.config, c) {
		changes = append(changes, d.String())
	}
	b.config = c
	return changes, nil
}

// exchange replaces the sources of users and returns the ones of before.
func (b *runningBroker) exchange(next *access) (before *access) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, b.access = b.access, next
	return before
}

// Close implements process.Broker.
func (b *runningBroker) Close() error {
	err := b.Server.Close()
	b.exchange(&access{}).close()
	return err
}

// server returns the options of a server for a configuration, but for who may connect.
func (o *brokerOptions) server(c *config.Config) server.Options {
	out := server.Options{
		Name:    c.Broker.Name,
		Version: o.version,
		Accept: protocols.Limits{
			Connections: c.Limits.Connections, PerAddress: c.Limits.ConnectionsPerAddress,
			Handshake: c.Limits.Handshake, LoginBytes: int64(c.Limits.PreLoginBytes),
		},
		Limits: o.limits(c),

		NoScheduler: !c.Broker.Scheduler, ScheduledRepeats: c.Broker.ScheduledRepeats,
		PopulateUserID: c.Broker.PopulateUserID,
		Create:         startDestinations(&c.Destinations),
		Exposed:        c.Security.Anonymous,
		Policies:       policyEntries(c),
		Store: server.Store{
			Engine: c.Store.Engine, Path: c.Store.Path, Sync: c.Store.Sync, Interval: c.Store.SyncInterval,
			// Several of them may wait for the disk, so they are sized after the memory for messages.
			Memtable: min(int64(c.Store.Memtable), max(o.memory.Messages/8, 1<<20)), Cache: int64(c.Store.Cache), MaxBytes: int64(c.Limits.Store),
		},
		STOMP: stompOptions(c), OpenWire: openWireOptions(c),
		AMQP: amqpOptions(c), MQTT: mqttOptions(c, o.version),
		WebSocket: server.WebSocket{
			Origins: c.WebSocket.Origins, PingInterval: c.WebSocket.PingInterval,
			// A message may hold a frame, and what surrounds it.
			MaxMessage: int64(c.Limits.Frame) + 64<<10,
		},
		HTTP: server.HTTP{
			Address: c.HTTP.Address, Token: o.token, Backups: filepath.Join(c.Store.Path, "backups"),
			NoConsole: !c.HTTP.Console, NoJolokia: !c.HTTP.Jolokia, JolokiaExec: c.HTTP.JolokiaExec, Admins: c.HTTP.Admins, Monitors: c.HTTP.Monitors,
		},
		Standby:  o.standby,
		Log:      o.log,
		OnReload: o.reload,
	}
	if c.HTTP.Username != "" {
		administrator := user(c.HTTP.Username, c.HTTP.Password, nil)
		out.HTTP.Administrator = &administrator
	}
	for _, l := range c.Listeners {
		out.Listeners = append(out.Listeners, server.Listener{
			Name: l.Name, Address: l.Address, Protocols: l.Protocols, TLS: tlsOptions(&l.TLS),
			ProxyProtocol: protocols.ProxyMode(l.ProxyProtocol), TrustedProxies: l.TrustedProxies,
			MaxConnections: l.MaxConnections, LinkStealing: l.LinkStealing, ConnectedBrokers: l.ConnectedBrokers,
		})
	}
	return out
}

func (o *brokerOptions) limits(c *config.Config) broker.Limits {
	l := &c.Limits
	return broker.Limits{
		Memory: o.memory.Messages, Store: int64(l.Store), Temp: int64(l.Temp),
		Connections: unlimited(l.Connections), PerUser: l.ConnectionsPerUser,
		Subscriptions: unlimited(l.SubscriptionsPerConnection), Transactions: unlimited(l.TransactionsPerConnection),
		Unsettled: unlimited(l.UnsettledPerConnection), TempQueues: unlimited(l.TempDestinationsPerConnection),
		Scheduled:     l.ScheduledMessages,
		FailIfNoSpace: l.SendFailIfNoSpace, FailAfter: l.SendFailIfNoSpaceAfter,
	}
}

// unlimited turns the configuration's 0, which means no limit, into a number that is none.
func unlimited(n int) int {
	if n == 0 {
		return 1 << 30
	}
	return n
}

func tlsOptions(t *config.TLS) *protocols.TLSOptions {
	if !t.Enabled() {
		return nil
	}
	out := &protocols.TLSOptions{
		Certificate: t.Certificate, Key: t.Key, ClientCA: t.ClientCA, ClientAuth: protocols.ClientAuth(t.ClientAuth),
	}
	if t.MinVersion == "1.3" {
		out.MinVersion = tls.VersionTLS13
	}
	return out
}

func amqpOptions(c *config.Config) amqp.Options {
	a := &c.AMQP
	out := amqp.Options{
		ProducerCredit: a.ProducerCredit, MaxFrame: int(a.MaxFrame), MaxMessage: int(c.Limits.Frame),
		IdleTimeout: a.IdleTimeout, ConnectTimeout: c.Limits.Handshake,
	}
	if a.IdleTimeout == 0 {
		out.IdleTimeout = -1 // never
	}
	out.Transformer, _ = mapping.ParseTransformer(a.Transformer) // the table has checked it
	for i := range c.Listeners {
		if t, ok := mapping.ParseTransformer(c.Listeners[i].Transformer); ok && c.Listeners[i].Transformer != "" {
			if out.Transformers == nil {
				out.Transformers = make(map[string]mapping.Transformer)
			}
			out.Transformers[c.Listeners[i].Name] = t
		}
	}
	return out
}

func stompOptions(c *config.Config) stomp.Options {
	s := &c.STOMP
	return stomp.Options{
		Server: s.Server, CloseOnError: s.CloseOnError, StrictEscapes: s.StrictEscapes,
		NackRedelivers: s.Nack == "redeliver",
		MaxBody:        int(c.Limits.Frame), CommandLine: s.Limits.Command, HeaderLine: s.Limits.HeaderLine, Headers: s.Limits.Headers,
		HeartBeat:      frame.HeartBeat{Send: millis(s.Heartbeat.DefaultReceive), Receive: millis(s.Heartbeat.DefaultSend)},
		LeastHeartBeat: s.Heartbeat.Minimum, Grace: s.Heartbeat.Grace, ConnectTimeout: c.Limits.Handshake,
	}
}

func mqttOptions(c *config.Config, version string) mqtt.Options {
	m := &c.MQTT
	o := mqtt.Options{
		MaxPacket: int(c.Limits.Frame), ReceiveMaximum: max(m.ReceiveMaximum, 1), Inflight: max(m.Inflight, 1),
		TopicAliasMaximum: m.TopicAliasMaximum, SendAliases: m.SendTopicAliases, MaxKeepAlive: m.KeepAliveMaximum,
		SessionExpiry: m.SessionExpiry, MaxSessionExpiry: m.SessionExpiryMaximum, ConnectTimeout: c.Limits.Handshake,
		QueuePrefix: m.QueuePrefix, ActiveMQQoS: m.ActiveMQQoS, PublishDollarTopics: m.PublishDollarTopics,
		SysInterval: m.SysInterval, Version: version,
	}
	if m.Refusal == "unspecified" {
		o.RefusalCode = packet.Unspecified
	}
	// There, 0 stands for the default.
	for _, n := range []*int{&o.TopicAliasMaximum, &o.SendAliases} {
		if *n == 0 {
			*n = -1
		}
	}
	if o.SysInterval == 0 {
		o.SysInterval = -1
	}
	return o
}

func openWireOptions(c *config.Config) openwire.Options {
	offer := wire.Default()
	offer.Tight, offer.Cache = c.OpenWire.TightEncoding, c.OpenWire.Cache
	offer.MaxInactivity = c.OpenWire.MaxInactivity.Milliseconds()
	return openwire.Options{
		Wire: offer, MaxFrame: int64(c.Limits.Frame), MaxInflated: int64(c.Limits.Frame),
		ConnectTimeout: c.Limits.Handshake, Retry: c.OpenWire.ReconnectWindow,
	}
}

func millis(d time.Duration) uint32 { return uint32(d / time.Millisecond) }
