package stomptest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/manifoldmq/manifold/protocols/clienttest"
)

// Peer names the broker whose behaviour a target is expected to show where brokers differ.
type Peer string

// The peers whose behaviour the scenarios know.
const (
	Manifold Peer = "manifold"
	ActiveMQ Peer = "activemq"
)

// defaultPatience bounds each wait for something that must come.
const defaultPatience = 15 * time.Second

// Target is a broker's STOMP listener.
type Target struct {
	Address  string               // host:port
	TLS      *clienttest.TLSFiles // nil for a plain connection
	User     string               // login header; empty for none
	Pass     string               // passcode header
	Peer     Peer                 // expected behaviour where brokers differ; empty means Manifold
	Patience time.Duration

	// Dialer opens connections some other way, such as through a WebSocket; nil means TCP to Address.
	Dialer func() (net.Conn, error)
}

// ParseTarget reads a target from a URL:
//
//	stomp://[user:password@]host:port[?peer=activemq]
//	stomp+ssl://[user:password@]host:port?ca=FILE[&cert=FILE&key=FILE][&peer=activemq]
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
	case "stomp", "tcp":
	case "stomp+ssl", "ssl":
		target.TLS = &clienttest.TLSFiles{CA: query.Get("ca"), Cert: query.Get("cert"), Key: query.Get("key")}
	default:
		return Target{}, fmt.Errorf("target %s: unknown scheme %q", u.Redacted(), u.Scheme)
	}
	switch target.Peer {
	case "", Manifold, ActiveMQ:
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
	if t.Dialer != nil {
		return t.Dialer()
	}
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

// connectFrame returns a CONNECT with the target's credentials.
func (t Target) connectFrame(version string, pairs ...string) Frame {
	f := F("CONNECT")
	if version != "1.0" {
		f = f.With("accept-version", version, "host", "localhost")
	}
	if t.User != "" {
		f = f.With("login", t.User, "passcode", t.Pass)
	}
	return f.With(pairs...)
}

func (t Target) patience() time.Duration {
	if t.Patience > 0 {
		return t.Patience
	}
	return defaultPatience
}
