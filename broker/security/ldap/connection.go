package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// connection is one connection to a server.
type connection struct {
	*ldap.Conn
	raw     *boundedConn
	server  *server
	service bool      // it speaks as the service account
	since   time.Time // when it became idle
}

// boundedConn is a connection from which only so much can be read: a server that sends without an
// end must not fill the memory.
type boundedConn struct {
	net.Conn
	left atomic.Int64 // bytes
}

var errTooMuch = errors.New("the directory's answer is too large")

// Read implements net.Conn.
func (c *boundedConn) Read(b []byte) (int, error) {
	left := c.left.Load()
	if left <= 0 {
		return 0, errTooMuch
	}
	if int64(len(b)) > left {
		b = b[:left]
	}
	n, err := c.Conn.Read(b)
	c.left.Add(-int64(n))
	return n, err
}

// handshakeBytes is what may be read before a connection is used.
const handshakeBytes = 128 << 10

// run does f within the time of ctx and a number of bytes. Afterwards the connection is as idle
// as before, or closed.
func (c *connection) run(ctx context.Context, bytes int64, f func() error) error {
	c.raw.left.Store(bytes)
	defer c.raw.within(ctx)()
	return f()
}

// within lets reads and writes end when ctx does, until the returned function is called.
func (c *boundedConn) within(ctx context.Context) (done func()) {
	deadline, _ := ctx.Deadline()
	_ = c.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	return func() {
		if stop() {
			_ = c.SetDeadline(time.Time{})
		}
	}
}

// dial connects to a server, with TLS where that is asked for.
func (d *Directory) dial(ctx context.Context, s *server) (*connection, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	b := &boundedConn{Conn: raw}
	b.left.Store(handshakeBytes)
	defer b.within(ctx)()
	settings := d.tls.Clone()
	settings.ServerName = s.host
	var secured net.Conn = b
	if s.secure {
		t := tls.Client(b, settings)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("TLS: %w", err)
		}
		secured = t
	}
	c := &connection{Conn: ldap.NewConn(secured, s.secure), raw: b, server: s}
	c.Start()
	if d.o.StartTLS && !s.secure {
		// Nothing is said to a server that does not turn TLS on: who is in between could have
		// cut the offer out.
		if err := c.StartTLS(settings); err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("StartTLS: %w", err)
		}
	}
	return c, nil
}

// bindService makes the connection speak as the service account.
func (d *Directory) bindService(c *connection) error {
	if c.service {
		return nil
	}
	var err error
	if d.o.ServiceAccountUser == "" {
		err = c.UnauthenticatedBind("") // anonymous: an empty name as well (RFC 4513 section 5.1.1)
	} else {
		err = c.Bind(d.o.ServiceAccountUser, d.o.ServiceAccountPassword)
	}
	if err != nil {
		return fmt.Errorf("the service account: %w", err)
	}
	c.service = true
	return nil
}

// answered reports whether err is a server's answer, after which the connection goes on. One that
// has no time counts as no answer: another server may have.
func answered(err error) bool {
	var e *ldap.Error
	return errors.As(err, &e) && e.ResultCode < ldap.ErrorNetwork &&
		e.ResultCode != ldap.LDAPResultBusy && e.ResultCode != ldap.LDAPResultUnavailable
}
