package amqptest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/manifoldmq/manifold/protocols/clienttest"
)

// Peer is a broker whose behaviour the suite knows.
type Peer string

// The peers.
const (
	Manifold Peer = "manifold"
	RabbitMQ Peer = "rabbitmq" // 3.10 with its plugin for AMQP 1.0
)

// defaultPatience bounds each wait for something that must come.
const defaultPatience = 15 * time.Second

// Target is a broker's AMQP listener.
type Target struct {
	Address   string               // host:port
	TLS       *clienttest.TLSFiles // nil for a plain connection
	User      string               // empty for an anonymous login
	Pass      string
	WebSocket string // URL of a listener that speaks AMQP over WebSocket; empty if there is none
	Peer      Peer   // expected behaviour where brokers differ; empty means Manifold
	Patience  time.Duration
}

// ParseTarget reads a target from a URL:
//
//	amqp://[user:password@]host:port[?peer=rabbitmq]
//	amqps://[user:password@]host:port?ca=FILE[&cert=FILE&key=FILE][&peer=rabbitmq]
func ParseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, fmt.Errorf("target: %w", err)
	}
	if u.Port() == "" {
		return Target{}, fmt.Errorf("target %s: no port", u.Redacted())
	}
	query := u.Query()
	target := Target{Address: u.Host, User: u.User.Username(), Peer: Peer(query.Get("peer"))}
	target.Pass, _ = u.User.Password()
	switch u.Scheme {
	case "amqp":
	case "amqps", "amqp+ssl":
		target.TLS = &clienttest.TLSFiles{CA: query.Get("ca"), Cert: query.Get("cert"), Key: query.Get("key")}
	default:
		return Target{}, fmt.Errorf("target %s: unknown scheme %q", u.Redacted(), u.Scheme)
	}
	switch target.Peer {
	case "", Manifold, RabbitMQ:
	default:
		return Target{}, fmt.Errorf("target %s: unknown peer %q", u.Redacted(), target.Peer)
	}
	return target, nil
}

// Host returns the host part of the address.
func (t Target) Host() string {
	host, _, _ := net.SplitHostPort(t.Address)
	return host
}

// Port returns the port part of the address.
func (t Target) Port() string {
	_, port, _ := net.SplitHostPort(t.Address)
	return port
}

// Dial opens a connection, with the TLS handshake done. The caller closes it.
func (t Target) Dial() (net.Conn, error) {
	dialer := &net.Dialer{Timeout: t.patience()}
	if t.TLS == nil {
		return dialer.Dial("tcp", t.Address)
	}
	config, err := t.TLS.Config()
	if err != nil {
		return nil, err
	}
	return tls.DialWithDialer(dialer, "tcp", t.Address, config)
}

// credentials returns the SASL mechanism and initial response of the target's user.
func (t Target) credentials() (mechanism string, response any) {
	if t.User == "" {
		return "ANONYMOUS", []byte("amqptest")
	}
	return "PLAIN", []byte("\x00" + t.User + "\x00" + t.Pass)
}

func (t Target) patience() time.Duration {
	if t.Patience > 0 {
		return t.Patience
	}
	return defaultPatience
}
