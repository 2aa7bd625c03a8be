// Package server is a whole broker made from one options struct: the core, its store, the
// protocols and their listeners. The command and the test kit start it.
package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/openwire"
	"github.com/manifoldmq/manifold/protocols/stomp"
	"github.com/manifoldmq/manifold/protocols/websocket"
)

// Reloader reads the configuration again and returns what changed.
type Reloader func(ctx context.Context) (changes []string, err error)

// reloadTime is how long a reload may wait for what it reads elsewhere.
const reloadTime = 30 * time.Second

// partingTime is how long clients may take to go when the broker closes.
const partingTime = time.Second

// Server is one broker with its listeners.
type Server struct {
	options   Options
	core      *broker.Broker
	security  *security.Authority
	policies  *policy.Set
	accept    *protocols.Server
	web       *web
	protocols []protocols.Protocol // but for HTTP and WebSockets
	sockets   *websocket.Protocol
	mqtt      *mqtt.Protocol
	openWire  *openwire.Protocol
	figures   context.CancelFunc // ends what publishes figures; nil: nothing does
	fatal     chan error

	hasRights atomic.Bool // rights were read
	granting  sync.Mutex  // held while rights that were read are taken

	mu       sync.Mutex
	closed   bool
	unfollow context.CancelFunc // ends the reading of rights; nil: nothing is read
}

// Address is one open listener.
type Address struct {
	Name    string
	Network string
	Address string // host:port, with the port that was picked
}

// New checks the options and makes a server that does not run yet.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{options: o, fatal: make(chan error, 1)}
	var err error
	if s.security, err = security.New(o.Security); err != nil {
		return nil, err
	}
	if s.policies, err = policy.NewSet(o.Policies); err != nil {
		return nil, err
	}
	s.core = broker.New(broker.Options{
		Name: o.Name, Formats: formats(&o), Security: s.security, Policies: s.policies,
		Limits: o.Limits, NoScheduler: o.NoScheduler, ScheduledRepeats: o.ScheduledRepeats, PopulateUserID: o.PopulateUserID, LinkStealing: o.linkStealing(), Connectors: s.connectors, Routing: o.Routing, AtStart: o.Create, Log: o.Log, OpenStore: s.open,
	})
	if err = s.compose(&o); err != nil {
		return nil, err
	}
	accept, err := s.acceptOptions(&o)
	if err != nil {
		return nil, err
	}
	if s.accept, err = protocols.New(accept); err != nil {
		return nil, err
	}
	return s, nil
}

// Core returns the broker behind the listeners.
func (s *Server) Core() *broker.Broker { return s.core }

// formats returns the encodings that stored messages may have.
func formats(o *Options) []message.Format {
	return slices.Concat(stomp.Formats(), openwire.Formats(o.OpenWire.MaxInflated), mapping.Formats(), mqtt.Formats())
}

// compose makes the protocols.
func (s *Server) compose(o *Options) (err error) {
	st := o.STOMP
	st.Broker, st.Log = s.core, o.Log
	ow := o.OpenWire
	ow.Broker, ow.Log = s.core, o.Log
	am := o.AMQP
	am.Broker, am.Log, am.Version = s.core, o.Log, o.Version
	mq := o.MQTT
	mq.Broker, mq.Log = s.core, o.Log
	s.mqtt = mqtt.New(mq)
	s.openWire = openwire.New(ow)
	s.openWire.SetConnectedBrokers(o.connectedBrokers())
	s.protocols = []protocols.Protocol{stomp.New(st), s.openWire, amqp.New(am), s.mqtt}
	s.sockets = websocket.New(websocket.Options{
		Protocols: s.protocols, Settings: o.webSocketSettings(s.security.Admits()), MaxMessage: o.WebSocket.MaxMessage,
		PingInterval: o.WebSocket.PingInterval, Adopt: s.adopt, Log: o.Log,
	})
	s.web, err = newWeb(s)
	return err
}

// adopt counts a connection of the management surface that has become a WebSocket.
func (s *Server) adopt(c net.Conn, state *tls.ConnectionState) (*protocols.Adopted, error) {
	return s.accept.Adopt(c, "http", state)
}

// named returns what a listener serves. HTTP finds WebSockets among its requests itself, so that
// a listener with both serves HTTP.
func (s *Server) named(l *Listener) ([]protocols.Protocol, error) {
	http := s.web.server.Protocol()
	all := append(slices.Clip(s.protocols), s.sockets, http)
	if slices.Contains(l.Protocols, "auto") {
		return append(slices.Clip(s.protocols), http), nil
	}
	var list []protocols.Protocol
	for _, name := range l.Protocols {
		p := find(all, name)
		if p == nil {
			return nil, fmt.Errorf("listener %s: there is no protocol %q", l.Name, name)
		}
		if name != s.sockets.Name() || !slices.Contains(l.Protocols, http.Name()) {
			list = append(list, p)
		}
	}
	return list, nil
}

func (s *Server) acceptOptions(o *Options) (protocols.Options, error) {
	out := protocols.Options{Limits: o.Accept, Log: o.Log}
	protected := !o.Security.Open || o.Exposed
	for _, l := range o.Listeners {
		if err := protocols.CheckExposure(l.Name, l.Address, protected); err != nil {
			return out, err
		}
		lo := protocols.ListenerOptions{
			Name: l.Name, Address: l.Address, Known: protocols.AllKnown(), TLS: l.TLS,
			ProxyProtocol: l.ProxyProtocol, TrustedProxies: l.TrustedProxies, MaxConnections: l.MaxConnections,
		}
		var err error
		if lo.Protocols, err = s.named(&l); err != nil {
			return out, err
		}
		out.Listeners = append(out.Listeners, lo)
	}
	return out, nil
}

func find(list []protocols.Protocol, name string) protocols.Protocol {
	for _, p := range list {
		if p.Name() == name {
			return p
		}
	}
	return nil
}

// connectors returns the URLs of the listeners, by the names that ActiveMQ's statistics have for
// them.
func (s *Server) connectors() map[string]string {
	urls := make(map[string]string)
	for _, l := range s.options.Listeners {
		name, scheme := l.Name, l.Name
		if len(l.Protocols) == 1 && l.Protocols[0] != "auto" {
			scheme = l.Protocols[0]
		}
		if scheme == "openwire" {
			scheme = "tcp"
		}
		switch {
		case l.TLS != nil && scheme == "tcp":
			name, scheme = "ssl", "ssl"
		case l.TLS != nil:
			name, scheme = scheme+"+ssl", scheme+"+ssl"
		}
		for _, a := range s.Addresses() {
			if a.Name == l.Name {
				urls[name] = scheme + "://" + a.Address
			}
		}
	}
	return urls
}

// Start recovers the store and opens the listeners. It returns when clients can connect, or
// with the reason why they can't; Close must follow either way. A standby returns when it has
// become active.
func (s *Server) Start(ctx context.Context) error {
	if err := s.web.listen(); err != nil {
		return err
	}
	// A standby follows them, so that it can take over when they can't be read.
	if err := s.startRights(ctx); err != nil {
		return err
	}
	if err := s.core.Activate(ctx); err != nil {
		return err
	}
	figures, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	s.figures = cancel
	s.mu.Unlock()
	go s.mqtt.PublishFigures(figures)
	return s.accept.Listen()
}

// Addresses are those of the open listeners.
func (s *Server) Addresses() []Address {
	var list []Address
	for _, l := range s.accept.Listeners() {
		if a := l.Addr(); a != nil {
			list = append(list, Address{l.Name(), a.Network(), a.String()})
		}
	}
	if a := s.web.addr(); a != nil {
		list = append(list, Address{"http", a.Network(), a.String()})
	}
	return list
}

// Reload takes what can change while running: users, permissions, policies, certificates and
// listeners' settings; all of it or, with an error, nothing.
func (s *Server) Reload(o Options) error {
	if _, err := policy.NewSet(o.Policies); err != nil {
		return err
	}
	accept, err := s.acceptOptions(&o)
	if err != nil {
		return err
	}
	if _, err := security.New(o.Security); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), reloadTime)
	defer cancel()
	rights, err := s.fetchRights(ctx, &o.Rights)
	if err != nil {
		return err
	}
	if err := s.accept.Reload(accept); err != nil {
		return err
	}
	if err := s.reloadSecurity(&o, rights); err != nil {
		return err
	}
	if err := s.policies.Replace(o.Policies); err != nil {
		return err
	}
	s.sockets.Set(o.webSocketSettings(s.security.Admits()))
	s.openWire.SetConnectedBrokers(o.connectedBrokers())
	s.core.ReloadPolicies()
	return nil
}

// Drain closes the listeners, sends nothing new to consumers, and returns when they have
// settled what they were sent, or with ctx.
func (s *Server) Drain(ctx context.Context) error {
	s.accept.Pause()
	return s.core.Drain(ctx)
}

// Close ends all connections and closes the store.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	if s.figures != nil {
		s.figures()
	}
	if s.unfollow != nil {
		s.unfollow()
	}
	s.mu.Unlock()
	s.accept.Pause()
	err := s.core.Deactivate(context.Background(), fault.New(fault.Closed, "stop", s.options.Name, "the broker is stopping"))
	// Clients that read get the reason, and close their side.
	ctx, cancel := context.WithTimeout(context.Background(), partingTime)
	_ = s.accept.Drain(ctx)
	cancel()
	if closeErr := s.accept.Close(); err == nil {
		err = closeErr
	}
	s.web.close()
	return err
}

// Fatal delivers the error after which the broker can't go on.
func (s *Server) Fatal() <-chan error { return s.fatal }
