// Package client is what send, receive and browse do: a STOMP client for any broker, named by
// URL. It uses the public client library, so that the commands also prove that one works.
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
	User        string
	Password    string
	Destination string // "/queue/orders"
}

// defaultPorts are ActiveMQ's.
const (
	plainPort = "61613"
	tlsPort   = "61614"
)

// ParseTarget reads stomp://user:password@host:port/queue/name; stomp+ssl:// and stomp+tls://
// mean TLS. Options of the destination can follow a question mark, and are passed on.
func ParseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Target{}, hidePassword(err)
	}
	t := Target{Host: u.Hostname()}
	port := plainPort
	switch u.Scheme {
	case "stomp":
	case "stomp+ssl", "stomp+tls", "stomps":
		t.TLS, port = true, tlsPort
	case "":
		return Target{}, errors.New("the URL has no scheme; it looks like stomp://127.0.0.1:61613/queue/orders")
	default:
		return Target{}, fmt.Errorf("scheme %q is not understood; use stomp or stomp+ssl", u.Scheme)
	}
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
	t.Destination = u.Path
	if u.RawQuery != "" {
		t.Destination += "?" + u.RawQuery
	}
	for _, kind := range []string{"/queue/", "/topic/", "/temp-queue/", "/temp-topic/"} {
		if name, ok := strings.CutPrefix(u.Path, kind); ok && name != "" {
			return t, nil
		}
	}
	return Target{}, fmt.Errorf("the URL's path %q is no destination; it looks like /queue/orders or /topic/news", u.Path)
}

// hidePassword takes the URL, which may hold a password, out of the error of url.Parse.
func hidePassword(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return fmt.Errorf("not a URL: %w", e.Err)
	}
	return err
}
