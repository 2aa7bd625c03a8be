package protocols

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"
)

// Options are what a [Server] is made from.
type Options struct {
	Listeners []ListenerOptions
	Limits    Limits
	Log       *slog.Logger // nil: nothing is logged

	// Proxy, if not nil, sees each accepted connection before a byte of it is read, and may
	// take it by returning true: it then owns the connection, which no longer counts and which
	// Close does not close. It may block; while it does, the server closes the connection when
	// the server is closed.
	Proxy func(net.Conn) bool

	// Listen opens a socket; nil means TCP with keep-alive.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

// Limits hold before anybody has logged in. Zero means no limit, in each of them.
type Limits struct {
	Connections int           // open at a time, on all listeners
	PerAddress  int           // of them from one client address
	Handshake   time.Duration // from accepting a connection to its login
	LoginBytes  int64         // from the client before its login, without TLS and PROXY header
}

// ListenerOptions describe one address that clients connect to.
type ListenerOptions struct {
	Name    string // in logs and metrics; each listener has its own
	Address string // host:port; port 0 picks a free one

	// Protocols are what is served. The first whose Detect says yes gets the connection. Where
	// there is only one, it also gets what nobody recognises, to refuse it in its own words.
	Protocols []Protocol

	// Known are protocols that are only recognised: their connections are closed, and the log
	// names them. Those that are served may be among them.
	Known []Known

	TLS            *TLSOptions // nil: no TLS
	ProxyProtocol  ProxyMode
	TrustedProxies []string // addresses and networks whose PROXY headers are believed
	MaxConnections int      // open at a time; 0: only the server's limit
}

// ProxyMode says whether connections begin with the header of the PROXY protocol. The zero value
// is ProxyOff.
type ProxyMode string

// The modes. Only trusted peers are asked for a header. With ProxyRequired others are refused,
// and if TrustedProxies is empty every peer is trusted; with ProxyOptional others are served
// under their own address, and TrustedProxies must say who is believed.
const (
	ProxyOff      ProxyMode = "off"
	ProxyOptional ProxyMode = "optional"
	ProxyRequired ProxyMode = "required"
)

// check reports what is wrong with the options of a listener.
func (o *ListenerOptions) check() error {
	if o.Name == "" {
		return fmt.Errorf("listener at %s: has no name", o.Address)
	}
	if _, _, err := net.SplitHostPort(o.Address); err != nil {
		return fmt.Errorf("listener %s: address %q is not of the form host:port", o.Name, o.Address)
	}
	if len(o.Protocols) == 0 {
		return fmt.Errorf("listener %s: serves no protocol", o.Name)
	}
	switch o.ProxyProtocol {
	case "", ProxyOff, ProxyRequired:
	case ProxyOptional:
		if len(o.TrustedProxies) == 0 {
			return fmt.Errorf("listener %s: proxy_protocol: optional needs trusted_proxies, as without it every client can choose the address it is seen under", o.Name)
		}
	default:
		return fmt.Errorf("listener %s: proxy_protocol: %q is not off, optional or required", o.Name, o.ProxyProtocol)
	}
	return nil
}

// networks reads addresses and networks.
func networks(list []string) ([]netip.Prefix, error) {
	out := make([]netip.Prefix, 0, len(list))
	for _, s := range list {
		if strings.Contains(s, "/") {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return nil, fmt.Errorf("trusted_proxies: %q is not a network", s)
			}
			out = append(out, p.Masked())
			continue
		}
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %q is not an address", s)
		}
		out = append(out, netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()))
	}
	return out, nil
}
