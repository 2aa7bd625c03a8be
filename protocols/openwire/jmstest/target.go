package jmstest

import (
	"fmt"
	"net/url"

	"github.com/manifoldmq/manifold/protocols/clienttest"
)

// Peer names the broker whose behaviour a target is expected to show where brokers differ.
type Peer string

// The peers whose behaviour the scenarios know.
const (
	Manifold Peer = "manifold"
	ActiveMQ Peer = "activemq"
)

// Target is a broker's OpenWire listener.
type Target struct {
	Address string               // host:port
	TLS     *clienttest.TLSFiles // nil for a plain connection
	User    string               // who may do everything; empty where nobody is asked. See Access.java for the users beside it
	Pass    string
	Peer    Peer // expected behaviour where brokers differ; empty means Manifold
}

// ParseTarget reads a target from a URL:
//
//	tcp://[user:password@]host:port[?peer=activemq]
//	ssl://[user:password@]host:port?ca=FILE[&cert=FILE&key=FILE][&peer=activemq]
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
	case "tcp":
	case "ssl":
		target.TLS = &clienttest.TLSFiles{CA: query.Get("ca"), Cert: query.Get("cert"), Key: query.Get("key")}
	default:
		return Target{}, fmt.Errorf("target %s: unknown scheme %q", u.Redacted(), u.Scheme)
	}
	return target, nil
}

// URL returns the address as ActiveMQ's client wants it.
func (t Target) URL() string {
	if t.TLS != nil {
		return "ssl://" + t.Address
	}
	return "tcp://" + t.Address
}

// Arguments returns the target as the Java programs of the suite take it.
func (t Target) Arguments() []string {
	list := []string{"url=" + t.URL(), "peer=" + string(t.Peer)}
	if t.User != "" {
		list = append(list, "user="+t.User, "password="+t.Pass)
	}
	if t.TLS != nil {
		list = append(list, "ca="+t.TLS.CA, "cert="+t.TLS.Cert, "key="+t.TLS.Key)
	}
	return list
}
