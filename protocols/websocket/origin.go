package websocket

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/manifoldmq/manifold/protocols"
)

// allowed reports whether a request may connect. Browsers say which page asks (RFC 6455, 10.2),
// and connect for any page to any server, also to one that only this machine can reach or that
// knows the client by its certificate. Other clients have no origin and need none.
func (p *Protocol) allowed(r *http.Request, outer *protocols.Conn) bool {
	values := r.Header.Values("Origin")
	if len(values) == 0 {
		return true
	}
	if len(values) > 1 {
		return false
	}
	s := p.settings.Load()
	for _, o := range s.Origins {
		if matchOrigin(o, values[0]) {
			return true
		}
	}
	if len(s.Origins) > 0 {
		return false
	}
	if !s.Open && (outer == nil || len(outer.Certificates()) == 0) {
		return true // the page has to know a password
	}
	u, err := url.Parse(values[0])
	return err == nil && isLocal(u.Hostname())
}

// isLocal reports whether a host name means this machine whatever a name server says.
func isLocal(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// matchOrigin compares an origin with a configured one, without regard to case.
func matchOrigin(pattern, origin string) bool {
	if pattern == "*" {
		return true
	}
	pattern, origin = strings.ToLower(pattern), strings.ToLower(origin)
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok {
		return pattern == origin // "null", of pages without an origin
	}
	if wanted, host, ok := strings.Cut(pattern, "://"); ok {
		return wanted == scheme && withPort(host, scheme) == withPort(rest, scheme)
	}
	host := (&url.URL{Host: rest}).Hostname()
	if below, ok := strings.CutPrefix(pattern, "*."); ok {
		return strings.HasSuffix(host, "."+below)
	}
	return host == strings.Trim(pattern, "[]")
}

// withPort completes a host by the scheme's default port.
func withPort(host, scheme string) string {
	u := url.URL{Host: host}
	port := u.Port()
	if port == "" {
		port = "80"
		if scheme == "https" {
			port = "443"
		}
	}
	return net.JoinHostPort(u.Hostname(), port)
}
