package protocols

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// ErrTooMuch is what Read returns when a client has sent more bytes than are allowed before its
// login.
var ErrTooMuch = errors.New("too many bytes before the login")

// What a client may still send after a gentle close, and how long it may take.
const (
	lingerBytes = 256 << 10
	lingerTime  = time.Second
)

// Conn is one connection that has been accepted and recognised. Read belongs to one goroutine;
// the other methods are those of a net.Conn. Writes may go to the embedded net.Conn directly,
// which is a *net.TCPConn unless there is TLS.
type Conn struct {
	net.Conn

	Listener string               // the listener's name
	Protocol string               // the name of what was recognised
	TLS      *tls.ConnectionState // nil: no TLS
	Accepted time.Time

	raw    net.Conn // below TLS
	prefix []byte   // read while recognising, not yet by the protocol
	remote net.Addr // as the load balancer says, or of raw
	local  net.Addr

	outer *Conn       // that this one is spoken inside of; nil: none
	login *time.Timer // closes the connection; nil: no limit
	// cancel ends the context that the connection is served with; nil: nothing does before the server's.
	cancel context.CancelCauseFunc
	left   int64       // bytes before login; the reader's
	in     atomic.Bool // logged in
}

// RemoteAddr returns the client's address: what a load balancer said it is, where one is
// believed, else the peer's.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// LocalAddr returns the address that the client has connected to, likewise.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// Peer returns the address of the other end of the socket, which may be a load balancer.
func (c *Conn) Peer() net.Addr { return c.raw.RemoteAddr() }

// ServerName returns the host name that the client asked for in TLS; empty if none.
func (c *Conn) ServerName() string {
	if c.TLS == nil {
		return ""
	}
	return c.TLS.ServerName
}

// Certificates returns the client's certificate and its chain if TLS has verified them, and
// otherwise nothing.
func (c *Conn) Certificates() []*x509.Certificate {
	if c.TLS == nil || len(c.TLS.VerifiedChains) == 0 {
		return nil
	}
	return c.TLS.PeerCertificates
}

// Read reads from the client, beginning with its very first byte. Before the login it returns
// ErrTooMuch once more than the allowed bytes have come.
func (c *Conn) Read(b []byte) (int, error) {
	if c.left >= 0 && !c.in.Load() {
		if c.left == 0 && len(b) > 0 {
			return 0, ErrTooMuch
		}
		if int64(len(b)) > c.left {
			b = b[:c.left]
		}
	}
	n, err := c.read(b)
	if c.left > 0 {
		c.left -= min(int64(n), c.left)
	}
	return n, err
}

func (c *Conn) read(b []byte) (int, error) {
	if len(c.prefix) == 0 {
		return c.Conn.Read(b)
	}
	n := copy(b, c.prefix)
	if c.prefix = c.prefix[n:]; len(c.prefix) == 0 {
		c.prefix = nil // lets go of the buffer
	}
	return n, nil
}

// Carry returns a connection that is spoken inside this one: inner gives and takes its bytes, by
// way of c. The client, and the limits until its login, are those of c.
func (c *Conn) Carry(inner net.Conn, protocol string) *Conn {
	return &Conn{
		Conn: inner, Listener: c.Listener, Protocol: protocol, TLS: c.TLS, Accepted: c.Accepted,
		raw: c.raw, remote: c.remote, local: c.local, outer: c, left: -1,
	}
}

// LoggedIn ends the limits on time and bytes that hold until the login. It may be called twice.
func (c *Conn) LoggedIn() {
	if c.outer != nil {
		c.outer.LoggedIn()
	}
	c.in.Store(true)
	if c.login != nil {
		c.login.Stop()
	}
}

// IsLoggedIn reports whether LoggedIn was called.
func (c *Conn) IsLoggedIn() bool { return c.in.Load() }

// CloseGently closes the connection so that the client gets what was written to it: closing a
// socket with unread bytes would discard that. It belongs to the reading goroutine, and blocks
// for at most a second while it reads and drops what the client still sends.
func (c *Conn) CloseGently() error {
	if c.CloseWrite() == nil && c.raw.SetReadDeadline(time.Now().Add(lingerTime)) == nil {
		_, _ = io.CopyN(io.Discard, c.raw, lingerBytes)
	}
	return c.Close()
}

// CloseWrite ends what the client gets, while it can still be read from. It fails where the
// transport has no such thing. It blocks while a write does.
func (c *Conn) CloseWrite() error {
	type writeCloser interface{ CloseWrite() error }
	half, ok := c.Conn.(writeCloser)
	if !ok {
		return errors.ErrUnsupported
	}
	if err := half.CloseWrite(); err != nil {
		return err
	}
	if tcp, ok := c.raw.(writeCloser); ok && c.raw != c.Conn {
		_ = tcp.CloseWrite() // TLS's own end has gone out; now the socket's
	}
	return nil
}
