package ldap

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

// Directory is a directory that is asked over a few connections. It implements security.Source
// and is safe for use by many goroutines. It dials when it is first asked.
type Directory struct {
	o       Options
	servers []*server
	tls     *tls.Config
	slots   chan struct{} // full: as many connections are in use as may be
	log     *complaints

	mu     sync.Mutex
	idle   []*connection
	down   map[*server]outage
	closed bool
}

// outage is why a server is left alone, and until when.
type outage struct {
	until time.Time
	err   error
}

const (
	// rest is how long a server that failed is left alone, while others are tried or logins fail
	// at once.
	rest = 2 * time.Second
	// idleMax is how long a connection may have been idle when it is used again: what stands
	// between may have forgotten it.
	idleMax = time.Minute
	// loginBytes is how many bytes the answers for one login may have.
	loginBytes = 1 << 20
)

// New checks the options and reads the file of authorities.
func New(o Options) (*Directory, error) {
	servers, err := o.check()
	if err != nil {
		return nil, fmt.Errorf("ldap: %w", err)
	}
	d := &Directory{
		o: o, servers: servers, tls: &tls.Config{MinVersion: tls.VersionTLS12}, slots: make(chan struct{}, o.Connections),
		log: &complaints{log: o.Log, now: o.now}, down: make(map[*server]outage),
	}
	if o.CA != "" {
		text, err := os.ReadFile(o.CA)
		if err != nil {
			return nil, fmt.Errorf("ldap: %w", err)
		}
		d.tls.RootCAs = x509.NewCertPool()
		if !d.tls.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("ldap: %s holds no certificate", o.CA)
		}
	}
	for _, s := range servers {
		if !s.secure && !o.StartTLS && !loopback(s.host) {
			o.Log.Warn("passwords go to the directory in clear; use ldaps:// or start_tls", "url", s.url)
		}
	}
	return d, nil
}

// loopback reports whether only this machine is behind a host.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Close closes the connections. Logins under way end as they would, and later ones dial anew.
func (d *Directory) Close() {
	d.mu.Lock()
	idle := d.idle
	d.idle, d.closed = nil, true
	d.mu.Unlock()
	for _, c := range idle {
		_ = c.Close()
	}
}

// use does f over a connection that speaks as the service account, within a time and a number of
// bytes. It waits for a connection until ctx ends.
func (d *Directory) use(ctx context.Context, bytes int64, f func(*connection) error) error {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	case <-ctx.Done():
		return fmt.Errorf("no connection is free: %w", ctx.Err())
	}
	for {
		c, fresh, err := d.take(ctx)
		if err != nil {
			return err
		}
		err = c.run(ctx, bytes, func() error {
			if err := d.bindService(c); err != nil {
				return err
			}
			return f(c)
		})
		if err == nil || answered(err) && !c.IsClosing() {
			d.put(c)
			return err
		}
		_ = c.Close()
		if fresh || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = d.leaveAlone(c.server, err)
		}
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err)
		}
		// The server has closed an idle connection, or another one is asked.
	}
}

// take returns an idle connection or a fresh one.
func (d *Directory) take(ctx context.Context) (c *connection, fresh bool, err error) {
	var old []*connection
	d.mu.Lock()
	for n := len(d.idle); n > 0; n = len(d.idle) {
		c, d.idle = d.idle[n-1], d.idle[:n-1]
		if !c.IsClosing() && d.o.now().Sub(c.since) < idleMax {
			d.mu.Unlock()
			return c, false, nil
		}
		old = append(old, c)
	}
	d.mu.Unlock()
	for _, c := range old {
		_ = c.Close()
	}
	c, err = d.connect(ctx)
	return c, true, err
}

// put keeps a connection for the next login.
func (d *Directory) put(c *connection) {
	c.raw.left.Store(handshakeBytes) // for what a server says before it closes
	c.since = d.o.now()
	d.mu.Lock()
	keep := !d.closed
	if keep {
		d.idle = append(d.idle, c)
	}
	d.mu.Unlock()
	if !keep {
		_ = c.Close()
	}
}

// connect dials the servers in their order, those that failed a moment ago not at all. No server
// gets the time of the others.
func (d *Directory) connect(ctx context.Context) (*connection, error) {
	var all []error
	for _, s := range d.servers {
		if err := d.resting(s); err != nil {
			all = append(all, err)
			continue
		}
		c, err := d.reach(ctx, s)
		if err == nil {
			return c, nil
		}
		all = append(all, d.leaveAlone(s, err))
	}
	return nil, errors.Join(all...)
}

// reach dials one server and speaks as the service account.
func (d *Directory) reach(ctx context.Context, s *server) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, d.o.Timeout/time.Duration(len(d.servers)))
	defer cancel()
	c, err := d.dial(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := c.run(ctx, handshakeBytes, func() error { return d.bindService(c) }); err != nil {
		_ = c.Close()
		return nil, errors.Join(ctx.Err(), err)
	}
	return c, nil
}

// resting returns why a server is left alone, or nil.
func (d *Directory) resting(s *server) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.down[s]; d.o.now().Before(o.until) {
		return o.err
	}
	return nil
}

// leaveAlone notes that a server has failed.
func (d *Directory) leaveAlone(s *server, err error) error {
	err = fmt.Errorf("%s: %w", s.url, err)
	d.mu.Lock()
	d.down[s] = outage{d.o.now().Add(rest), err}
	d.mu.Unlock()
	return err
}
