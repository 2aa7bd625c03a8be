package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// The checks of single values. What concerns several values at once is in validate.go.

func notEmpty(s string) error {
	if strings.TrimSpace(s) == "" {
		return errors.New("must not be empty")
	}
	return nil
}

// hostPort accepts host:port with a numeric port; port 0 asks for a free one. An empty host is
// refused: it would mean every network interface, which should be said in so many words.
func hostPort(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not host:port", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q has no valid port; use 0 to 65535", s)
	}
	if host == "" {
		return fmt.Errorf("%q has no host; write 127.0.0.1%s for this machine only or 0.0.0.0%s for every network interface", s, s, s)
	}
	return nil
}

func hostPortOrOff(s string) error {
	if s == "" {
		return nil
	}
	return hostPort(s)
}

// isLoopback reports whether only this machine can reach an address that hostPort accepted.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// network accepts one IP address or a prefix such as 10.0.0.0/8.
func network(s string) error {
	if _, err := netip.ParseAddr(s); err == nil {
		return nil
	}
	if _, err := netip.ParsePrefix(s); err == nil {
		return nil
	}
	return fmt.Errorf("%q is neither an IP address nor a network such as 10.0.0.0/8", s)
}

var (
	patternSchemes    = []string{"queue://", "topic://"}
	permissionSchemes = []string{"queue://", "topic://", "temp-queue://", "temp-topic://"}
)

// pattern accepts a destination pattern of one of the kinds: queue://orders.>
func pattern(schemes []string) func(string) error {
	return func(s string) error {
		for _, scheme := range schemes {
			if name, ok := strings.CutPrefix(s, scheme); ok {
				if name == "" {
					return fmt.Errorf("%q names nothing; %s> means all", s, scheme)
				}
				return rest(name)
			}
		}
		return fmt.Errorf("%q does not start with one of %s", s, strings.Join(schemes, ", "))
	}
}

// rest refuses > anywhere but as the last level: it stands for all further levels, and a name that
// has others behind it matches nothing.
func rest(name string) error {
	if strings.HasPrefix(name, ">.") || strings.Contains(name, ".>.") {
		return fmt.Errorf("%q matches nothing: > stands for all further levels, and only at the end", name)
	}
	return nil
}

// literal refuses wildcards.
func literal(s string) error {
	if strings.ContainsAny(s, "*>") {
		return fmt.Errorf("%q has a wildcard, which stands for nothing here", s)
	}
	return nil
}

// namePattern accepts a pattern of names.
func namePattern(s string) error {
	if err := notEmpty(s); err != nil {
		return err
	}
	return rest(s)
}

// passwordHash accepts a bcrypt hash. Files are copied, backed up and shown to others, so that
// a password in clear is refused here.
func passwordHash(s string) error {
	if IsHash(s) {
		return nil
	}
	return errors.New("is not a bcrypt hash; run `manifold user hash` and put its output here, in single quotes")
}

// IsHash reports whether s has the form of a bcrypt hash.
func IsHash(s string) bool {
	if len(s) != 60 {
		return false
	}
	switch s[:4] {
	case "$2a$", "$2b$", "$2y$":
	default:
		return false
	}
	return s[4] >= '0' && s[4] <= '3' && s[5] >= '0' && s[5] <= '9' && s[6] == '$'
}

// token accepts a server product token, which is sent in a header line.
func token(s string) error {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f {
			return fmt.Errorf("%q has characters that a product token can't hold", s)
		}
	}
	return nil
}

// origin accepts what a web page's origin is compared with: "*", a host, or scheme://host[:port].
func origin(s string) error {
	_, host, ok := strings.Cut(s, "://")
	if !ok {
		host = s
	}
	if host == "" || strings.ContainsAny(host, "/?#@ ") {
		return fmt.Errorf("%q is not a host, *.host, scheme://host or scheme://host:port", s)
	}
	return nil
}

// brokerURL accepts where an OpenWire client can find a broker. The client reads a list of such URLs
// at its commas.
func brokerURL(s string) error {
	scheme, address, ok := strings.Cut(s, "://")
	host, port, err := net.SplitHostPort(address)
	if _, badPort := strconv.ParseUint(port, 10, 16); !ok || err != nil || badPort != nil || host == "" || scheme == "" || strings.ContainsAny(s, ", ") {
		return fmt.Errorf("%q is no broker's URL; it looks like tcp://host:61616 or ssl://host:61617", s)
	}
	return nil
}

// brokerName accepts what can stand in addresses and in management names unescaped.
func brokerName(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	if i := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`:,=*?"/\`, r)
	}); i >= 0 {
		return fmt.Errorf("%q contains %q, which names can't hold", s, s[i])
	}
	return nil
}
