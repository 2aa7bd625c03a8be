package protocols

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// prefixSize is the room for first bytes: a PROXY header and what a protocol is recognised by.
const prefixSize = 512

// errUnserved marks connections that are recognised as something that is not served, or as
// nothing at all. They are closed gently, so that clients see an end and not a reset.
var errUnserved = errors.New("closed")

// serve finds out what an accepted connection speaks and lets that protocol serve it.
func (l *Listener) serve(ctx context.Context, raw net.Conn) {
	if l.s.proxy != nil && l.s.proxy(raw) {
		return
	}
	limits := l.s.admission.current()
	c := &Conn{
		Conn: raw, Listener: l.o.Name, Accepted: time.Now(),
		raw: raw, remote: raw.RemoteAddr(), local: raw.LocalAddr(), left: -1,
	}
	defer func() { _ = c.Close() }() // of TLS, where there is TLS
	if limits.LoginBytes > 0 {
		c.left = limits.LoginBytes
	}
	var late atomic.Bool
	if limits.Handshake > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		c.login = time.AfterFunc(limits.Handshake, func() {
			if !c.IsLoggedIn() {
				late.Store(true)
				_ = raw.Close()
				cancel() // whoever waits for its turn to check the password gives it to others
			}
		})
		defer c.login.Stop()
	}
	err := l.greet(ctx, c)
	switch {
	case late.Load():
		l.logStrange(c, fmt.Errorf("no login within %v", limits.Handshake))
	case errors.Is(err, errUnserved):
		l.refused.Add(1)
		l.logStrange(c, err)
		_ = c.CloseGently()
	case err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF):
		l.logStrange(c, err)
	}
}

// greet reads what comes before the protocol, and then lets the protocol serve. Its error says
// why no protocol did.
func (l *Listener) greet(ctx context.Context, c *Conn) error {
	if err := l.readHeader(c); err != nil {
		return err
	}
	client := addrOf(c.remote)
	if err := l.s.admission.claim(client); err != nil {
		l.refused.Add(1)
		l.logLimit(c, err)
		return nil
	}
	defer l.s.admission.release(client)
	if err := l.speakTLS(ctx, c); err != nil {
		return err
	}
	p, err := l.recognise(c)
	if err != nil {
		return err
	}
	if len(c.prefix) == 0 {
		c.prefix = nil // idle connections are many
	}
	c.Protocol = p.Name()
	p.Serve(ctx, c)
	return nil
}

// more waits for more of the first bytes.
func (c *Conn) more() error {
	if c.prefix == nil {
		c.prefix = make([]byte, 0, prefixSize)
	}
	n, err := c.Conn.Read(c.prefix[len(c.prefix):cap(c.prefix)])
	c.prefix = c.prefix[:len(c.prefix)+n]
	if n > 0 {
		return nil // an error comes again with the next read
	}
	return err
}

// speakTLS shakes hands if the listener has certificates, unless TLS is optional and the first
// bytes are something else.
func (l *Listener) speakTLS(ctx context.Context, c *Conn) error {
	certificates := l.certificates.Load()
	if certificates == nil {
		return nil
	}
	if certificates.o.Optional {
		for {
			if len(c.prefix) > 0 {
				if v := DetectTLS(c.prefix); v == No {
					return nil
				} else if v == Yes {
					break
				}
			}
			if err := c.more(); err != nil {
				return err
			}
		}
	}
	var below net.Conn = c.raw
	if len(c.prefix) > 0 {
		below = &replayed{Conn: c.raw, prefix: c.prefix}
	}
	conn := tls.Server(below, certificates.config(time.Now(), l.log))
	if err := conn.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	state := conn.ConnectionState()
	c.Conn, c.TLS, c.prefix = conn, &state, nil
	return nil
}

// replayed is a connection whose first bytes have been read already.
type replayed struct {
	net.Conn
	prefix []byte
}

// Read reads the first bytes again, and then from the connection.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.prefix) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.prefix)
	r.prefix = r.prefix[n:]
	return n, nil
}

// recognise finds the protocol from the first bytes.
func (l *Listener) recognise(c *Conn) (Protocol, error) {
	if len(l.o.Protocols) == 1 && len(l.o.Known) == 0 {
		return l.o.Protocols[0], nil
	}
	for {
		if len(c.prefix) > 0 {
			p, v, err := l.judge(c.prefix[:min(len(c.prefix), MaxPrefix)])
			if v == Yes {
				return p, err
			}
			if v == No || len(c.prefix) >= MaxPrefix {
				return l.unrecognised()
			}
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

// judge asks all protocols about the first bytes. With Yes comes the one that serves, or an
// error that names what is not served.
func (l *Listener) judge(prefix []byte) (Protocol, Verdict, error) {
	verdict := No
	for _, p := range l.o.Protocols {
		switch p.Detect(prefix) {
		case Yes:
			return p, Yes, nil
		case Maybe:
			verdict = Maybe
		}
	}
	for _, k := range l.o.Known {
		switch k.Detect(prefix) {
		case Yes:
			return nil, Yes, fmt.Errorf("the client speaks %s, which is not served here: %w", k.Name, errUnserved)
		case Maybe:
			verdict = Maybe
		}
	}
	return nil, verdict, nil
}

// unrecognised decides about a connection whose first bytes nobody recognises.
func (l *Listener) unrecognised() (Protocol, error) {
	if len(l.o.Protocols) == 1 {
		return l.o.Protocols[0], nil
	}
	return nil, fmt.Errorf("the client speaks no known protocol: %w", errUnserved)
}

// logStrange tells of a connection that was never served. What the client sent stays out of the
// log: it may be half of a login.
func (l *Listener) logStrange(c *Conn, err error) {
	if left, ok := l.strange.allow(time.Now()); ok {
		l.log.Info("connection closed before a login", "remote", c.RemoteAddr(), "error", err, "unlogged", left)
	}
}
