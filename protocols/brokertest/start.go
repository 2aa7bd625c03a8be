// Package brokertest gives any Go test a broker with all protocols on free ports.
package brokertest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp"
	"github.com/manifoldmq/manifold/protocols/mqtt"
	"github.com/manifoldmq/manifold/protocols/server"
	"github.com/manifoldmq/manifold/protocols/stomp"
)

// Broker is a broker that runs until its test ends.
type Broker struct {
	*server.Server
	options server.Options
	t       testing.TB
}

// Option changes how the broker is made.
type Option func(*server.Options)

// WithSecurity sets users and permissions; without it the broker is open.
func WithSecurity(o security.Options) Option {
	return func(s *server.Options) { s.Security = o }
}

// WithTLS adds listeners with TLS: "tls", which detects its protocol, "mqtt+tls", "stomp+tls",
// "amqp+tls" and "wss".
func WithTLS(o protocols.TLSOptions) Option {
	return func(s *server.Options) {
		s.Listeners = append(s.Listeners,
			server.Listener{Name: "tls", Address: "127.0.0.1:0", Protocols: []string{"auto"}, TLS: &o},
			server.Listener{Name: "mqtt+tls", Address: "127.0.0.1:0", Protocols: []string{"mqtt"}, TLS: &o},
			server.Listener{Name: "stomp+tls", Address: "127.0.0.1:0", Protocols: []string{"stomp"}, TLS: &o},
			server.Listener{Name: "amqp+tls", Address: "127.0.0.1:0", Protocols: []string{"amqp"}, TLS: &o},
			server.Listener{Name: "wss", Address: "127.0.0.1:0", Protocols: []string{"websocket"}, TLS: &o},
		)
	}
}

// WithSTOMP sets the options of the STOMP protocol; its Broker and Log need not be set.
func WithSTOMP(o stomp.Options) Option {
	return func(s *server.Options) { s.STOMP = o }
}

// WithAMQP sets the options of the AMQP protocol; its Broker and Log need not be set.
func WithAMQP(o amqp.Options) Option {
	return func(s *server.Options) { s.AMQP = o }
}

// WithMQTT sets the options of the MQTT protocol, likewise.
func WithMQTT(o mqtt.Options) Option {
	return func(s *server.Options) { s.MQTT = o }
}

// Limits are the broker's limits; zero fields stand for its defaults.
type Limits = broker.Limits

// WithLimits sets the broker's limits.
func WithLimits(l Limits) Option {
	return func(s *server.Options) { s.Limits = l }
}

// WithStore keeps messages in a directory, in the store that ships, and not in memory.
func WithStore(dir string) Option {
	return func(s *server.Options) { s.Store = server.Store{Path: dir} }
}

// With changes any option.
func With(fn func(*server.Options)) Option { return fn }

// Start starts a broker on the memory store, open to everyone, with a listener named "auto" on
// a free loopback port that detects its protocol, and others named "stomp", "amqp" and "ws".
func Start(t testing.TB, options ...Option) *Broker {
	t.Helper()
	o := server.Options{
		Name:     "localhost",
		Security: security.Options{Open: true},
		Store:    server.Store{Engine: "memory"},
		Limits:   broker.Limits{Memory: 256 << 20},
		Accept:   protocols.Limits{Connections: 10000, Handshake: 30 * time.Second, LoginBytes: 64 << 10},
		Listeners: []server.Listener{
			{Name: "auto", Address: "127.0.0.1:0", Protocols: []string{"auto"}},
			{Name: "stomp", Address: "127.0.0.1:0", Protocols: []string{"stomp"}},
			{Name: "amqp", Address: "127.0.0.1:0", Protocols: []string{"amqp"}},
			{Name: "mqtt", Address: "127.0.0.1:0", Protocols: []string{"mqtt"}},
			{Name: "ws", Address: "127.0.0.1:0", Protocols: []string{"websocket"}},
		},
	}
	for _, f := range options {
		f(&o)
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close the broker: %v", err)
		}
	})
	if err := s.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	return &Broker{s, o, t}
}

// Reload changes options as a reload of the configuration does.
func (b *Broker) Reload(options ...Option) {
	b.t.Helper()
	for _, f := range options {
		f(&b.options)
	}
	if err := b.Server.Reload(b.options); err != nil {
		b.t.Fatal(err)
	}
}

// Addr returns the address of a listener.
func (b *Broker) Addr(listener string) string {
	b.t.Helper()
	for _, a := range b.Addresses() {
		if a.Name == listener {
			return a.Address
		}
	}
	b.t.Fatalf("there is no listener %q", listener)
	return ""
}

// URL returns the address of a listener with a scheme.
func (b *Broker) URL(scheme, listener string) string { return scheme + "://" + b.Addr(listener) }

// Dial connects to a listener.
func (b *Broker) Dial(listener string) net.Conn {
	b.t.Helper()
	c, err := net.Dial("tcp", b.Addr(listener))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	return c
}
