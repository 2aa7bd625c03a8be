package protocols

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// TLSOptions are the certificates of a listener.
type TLSOptions struct {
	Certificate string // PEM file with the chain
	Key         string // PEM file with the private key; empty: in the same file
	ClientCA    string // PEM file with the authorities of client certificates; empty: the system's
	ClientAuth  ClientAuth
	MinVersion  uint16 // tls.VersionTLS12 or above; 0 means 1.2

	// Optional serves connections without TLS as well, told apart by their first bytes.
	Optional bool
}

// ClientAuth says whether clients show a certificate. The zero value is ClientAuthNone. A
// certificate that is shown is always verified.
type ClientAuth string

// The modes.
const (
	ClientAuthNone     ClientAuth = "none"
	ClientAuthOptional ClientAuth = "optional"
	ClientAuthRequired ClientAuth = "required"
)

// certificateInterval is how old the knowledge about the files may be when a client comes.
const certificateInterval = 30 * time.Second

// certificates is the TLS configuration of a listener, kept up to date with its files.
// Connections that are open keep what they began with.
type certificates struct {
	o       TLSOptions
	current atomic.Pointer[tls.Config]

	mu      sync.Mutex // held by the one who looks at the files
	checked time.Time
	stamps  [3]stamp
}

// stamp tells whether a file was changed.
type stamp struct {
	modified time.Time
	size     int64
}

// newCertificates reads the files.
func newCertificates(o TLSOptions, now time.Time) (*certificates, error) {
	if o.Key == "" {
		o.Key = o.Certificate
	}
	c := &certificates{o: o, checked: now, stamps: stamps(o)}
	config, err := o.load()
	if err != nil {
		return nil, err
	}
	c.current.Store(config)
	return c, nil
}

// load makes a configuration from the files. Each has session tickets of its own, so none made
// under other authorities is honoured.
func (o *TLSOptions) load() (*tls.Config, error) {
	config := &tls.Config{MinVersion: max(o.MinVersion, tls.VersionTLS12)}
	switch o.ClientAuth {
	case "", ClientAuthNone:
	case ClientAuthOptional:
		config.ClientAuth = tls.VerifyClientCertIfGiven
	case ClientAuthRequired:
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if o.Optional {
			return nil, errors.New("tls.client_auth: required is in vain if connections without TLS are served as well")
		}
	default:
		return nil, fmt.Errorf("tls.client_auth: %q is not none, optional or required", o.ClientAuth)
	}
	pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.certificate %s, tls.key %s: %w", o.Certificate, o.Key, err)
	}
	config.Certificates = []tls.Certificate{pair}
	if o.ClientCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(o.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.client_ca: %s holds no certificate in PEM form", o.ClientCA)
	}
	return config, nil
}

// config returns what to speak TLS with. If the last look at the files is old, it looks at them,
// unless somebody does already; on an error the old configuration stays and the log says so,
// once per change.
func (c *certificates) config(now time.Time, log *slog.Logger) *tls.Config {
	if c.mu.TryLock() {
		defer c.mu.Unlock()
		if now.Sub(c.checked) >= certificateInterval {
			c.checked = now
			c.refresh(log)
		}
	}
	return c.current.Load()
}

// refresh reads the files if they were changed; c.mu is held.
func (c *certificates) refresh(log *slog.Logger) {
	seen := stamps(c.o)
	if seen == c.stamps {
		return
	}
	c.stamps = seen
	config, err := c.o.load()
	if err != nil {
		log.Error("certificate not replaced, the old one stays in use", "error", err)
		return
	}
	c.current.Store(config)
	log.Info("certificate replaced", "file", c.o.Certificate)
}

// stamps looks at the files. One that can't be looked at has a stamp of its own.
func stamps(o TLSOptions) (s [3]stamp) {
	for i, path := range [...]string{o.Certificate, o.Key, o.ClientCA} {
		if path == "" {
			continue
		}
		s[i].size = -1
		if info, err := os.Stat(path); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}
