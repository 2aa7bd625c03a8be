package bench

import (
	"errors"
	"fmt"
	"net"
	"net/url"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// Target is a broker.
type Target struct {
	Address  string // host:port
	Host     string // without the port
	TLS      bool
	User     string
	Password string
}

// ParseTarget reads stomp://user:password@host:port, or stomp+ssl:// for TLS. The ports that
// ActiveMQ has for these are the defaults.
func ParseTarget(text string) (Target, error) {
	t, err := parseTarget(text)
	return t, sysexit.With(sysexit.Usage, err)
}

func parseTarget(text string) (Target, error) {
	u, err := url.Parse(text)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err // without the URL, which may hold a password
		}
		return Target{}, fmt.Errorf("not a URL: %w", err)
	}
	t := Target{Host: u.Hostname()}
	port := "61613"
	switch u.Scheme {
	case "stomp":
	case "stomp+ssl", "stomp+tls", "stomps":
		t.TLS, port = true, "61614"
	default:
		return Target{}, fmt.Errorf("scheme %q can't be measured; there are stomp:// and stomp+ssl://", u.Scheme)
	}
	switch {
	case t.Host == "":
		return Target{}, errors.New("the URL names no host; it looks like stomp://127.0.0.1:61613")
	case u.Path != "" && u.Path != "/", u.RawQuery != "":
		return Target{}, errors.New("the URL names a destination; each run makes its own, which --prefix begins")
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
