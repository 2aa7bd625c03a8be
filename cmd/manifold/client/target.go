// Package client is what send, receive and browse do: a client of OpenWire, STOMP, AMQP 1.0 or MQTT,
// the last three also through WebSockets, for any broker, named by URL. It uses the public client
// libraries, so that the commands also prove that those work; for OpenWire, which has none in Go, the
// broker's own codec.
package client

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Target is a broker and a destination on it.
type Target struct {
	Address     string // host:port
	Host        string // without the port
	TLS         bool
	MQTT        bool // and not STOMP
	AMQP        bool // neither of them
	OpenWire    bool // none of them
	WebSocket   bool
	User        string
	Password    string
	Destination string // "/queue/orders", or the topic or filter of MQTT
	// Failover, if not nil, has the brokers to try in place of Address. OpenWire only.
	Failover *Failover
}

// scheme is what a URL's scheme means; the ports are ActiveMQ's.
type scheme struct {
	port                                 string
	tls, mqtt, amqp, openWire, webSocket bool
}

func schemes() map[string]scheme {
	return map[string]scheme{
		"stomp": {port: "61613"}, "stomp+ssl": {port: "61614", tls: true}, "stomp+tls": {port: "61614", tls: true}, "stomps": {port: "61614", tls: true},
		"mqtt": {port: "1883", mqtt: true}, "mqtts": {port: "8883", mqtt: true, tls: true},
		"mqtt+ssl": {port: "8883", mqtt: true, tls: true}, "mqtt+tls": {port: "8883", mqtt: true, tls: true},
		"amqp": {port: "5672", amqp: true}, "amqps": {port: "5671", amqp: true, tls: true}, "amqp+ssl": {port: "5671", amqp: true, tls: true}, "amqp+tls": {port: "5671", amqp: true, tls: true},
		"ws+amqp": {port: "61614", webSocket: true, amqp: true}, "wss+amqp": {port: "61619", webSocket: true, tls: true, amqp: true},
		"ws": {port: "61614", webSocket: true}, "ws+stomp": {port: "61614", webSocket: true}, "ws+mqtt": {port: "61614", webSocket: true, mqtt: true},
		"tcp": {port: "61616", openWire: true}, "nio": {port: "61616", openWire: true},
		"ssl": {port: "61617", openWire: true, tls: true}, "nio+ssl": {port: "61617", openWire: true, tls: true},
		"wss": {port: "61619", webSocket: true, tls: true}, "wss+stomp": {port: "61619", webSocket: true, tls: true}, "wss+mqtt": {port: "61619", webSocket: true, tls: true, mqtt: true},
	}
}

// ParseTarget reads stomp://user:password@host:port/queue/name, amqp:// and tcp:// (OpenWire) likewise,
// mqtt://host/topic/filter, failover:(tcp://host,tcp://other)/queue/name, and ws+stomp:// and
// ws+mqtt:// for WebSockets, of which ws:// is STOMP; stomp+ssl://, ssl://, mqtts://, wss:// and
// others mean TLS. Options of a destination can follow a question mark: those of STOMP are passed on,
// those of OpenWire have the names of ActiveMQ's consumer options. In a topic of MQTT nothing has a
// special meaning but escapes with %.
func ParseTarget(text string) (Target, error) {
	if strings.HasPrefix(text, "failover:") {
		return parseFailover(text)
	}
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, hidePassword(err)
	}
	t, err := brokerOf(u)
	switch {
	case err != nil:
		return Target{}, err
	case t.MQTT:
		return t, t.setTopic(text)
	}
	return t, t.setDestination(u)
}

// brokerOf returns the broker and the login that a URL names.
func brokerOf(u *url.URL) (Target, error) {
	kind, known := schemes()[u.Scheme]
	switch {
	case u.Scheme == "":
		return Target{}, errors.New("the URL has no scheme; it looks like stomp://127.0.0.1:61613/queue/orders")
	case !known:
		return Target{}, fmt.Errorf("scheme %q is not understood; use tcp, ssl or failover (OpenWire), stomp, stomp+ssl, amqp, amqps, mqtt, mqtts, or ws+ or wss+ with stomp, amqp or mqtt", u.Scheme)
	}
	t := Target{Host: u.Hostname(), TLS: kind.tls, MQTT: kind.mqtt, AMQP: kind.amqp, OpenWire: kind.openWire, WebSocket: kind.webSocket}
	port := kind.port
	if t.Host == "" {
		return Target{}, errors.New("the URL names no host; it looks like stomp://127.0.0.1:61613/queue/orders")
	}
	if p := u.Port(); p != "" {
		port = p
	}
	t.Address = net.JoinHostPort(t.Host, port)
	if u.User != nil {
		t.User = u.User.Username()
		t.Password, _ = u.User.Password()
	}
	return t, nil
}

// setDestination takes the destination and its options from the URL's path and query.
func (t *Target) setDestination(u *url.URL) error {
	t.Destination = u.Path
	if u.RawQuery != "" {
		t.Destination += "?" + u.RawQuery
	}
	for _, kind := range []string{"/queue/", "/topic/", "/temp-queue/", "/temp-topic/"} {
		if name, ok := strings.CutPrefix(u.Path, kind); ok && name != "" {
			return nil
		}
	}
	return fmt.Errorf("the URL's path %q is no destination; it looks like /queue/orders or /topic/news", u.Path)
}

// setTopic takes the topic from the URL's text, where # and ? are wildcards and letters like others.
func (t *Target) setTopic(text string) error {
	_, rest, _ := strings.Cut(text, "://")
	_, escaped, _ := strings.Cut(rest, "/")
	topic, err := url.PathUnescape(escaped)
	if err != nil {
		return err
	}
	if topic == "" {
		return errors.New("the URL names no topic; it looks like mqtt://127.0.0.1:1883/sensors/kitchen")
	}
	t.Destination = topic
	return nil
}

// hidePassword takes the URL, which may hold a password, out of the error of url.Parse.
func hidePassword(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return fmt.Errorf("not a URL: %w", e.Err)
	}
	return err
}
