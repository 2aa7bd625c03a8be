package protocols

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// prefixSize is the room for first bytes: a PROXY header and what a protocol is recognised by.
const prefixSize = 512

// errUnserved marks connections that are recognised as something that is not served, or as
// nothing at all. They are closed gently, so that clients see an end and not a reset.
var errUnserved = errors.New("closed")

// serve finds out what an accepted connection speaks and lets that protocol serve it. Its stack
// frame, and those of what it calls down to the protocol's, last as long as the connection, of which
// there are many: what can be is done apart.
func (l *Listener) serve(ctx context.Context, raw net.Conn) {
	if l.s.proxy != nil && l.s.proxy(raw) {
		return
	}
	c, ctx := l.welcome(ctx, raw)
	l.over(ctx, c, l.greet(ctx, c))
}

// welcome returns an accepted connection, and a context that ends with its time to log in, if that
// was not enough.
//
//go:noinline
func (l *Listener) welcome(ctx context.Context, raw net.Conn) (*Conn, context.Context) {
	limits := l.s.admission.current()
	c := &Conn{
		Conn: raw, Listener: l.o.Name, Accepted: time.Now(),
		raw: raw, remote: raw.RemoteAddr(), local: raw.LocalAddr(), left: -1,
	}
	if limits.LoginBytes > 0 {
		c.left = limits.LoginBytes
	}
	if limits.Handshake > 0 {
		ctx, c.cancel = context.WithCancelCause(ctx)
		c.login = time.AfterFunc(limits.Handshake, func() {
			if !c.IsLoggedIn() {
				_ = raw.Close()
				// Whoever waits for its turn to check the password gives it to others.
				c.cancel(fmt.Errorf("no login within %v", limits.Handshake))
			}
		})
	}
	return c, ctx
}

// over ends a connection that was served, or could not be.
//
//go:noinline
func (l *Listener) over(ctx context.Context, c *Conn, err error) {
	if c.login != nil {
		c.login.Stop()
	}
	switch late := context.Cause(ctx); {
	case late != nil && !errors.Is(late, context.Canceled):
		l.logStrange(c, late)
	case errors.Is(err, errUnserved):
		l.refused.Add(1)
		l.logStrange(c, err)
		_ = c.CloseGently()
	case err != nil && ctx.Err() == nil && !errors.Is(err, io.EOF):
		l.logStrange(c, err)
	}
	if c.cancel != nil {
		c.cancel(nil)
	}
	_ = c.Close() // of TLS, where there is TLS
}

// greet reads what comes before the protocol, and then lets the protocol serve. Its error says
// why no protocol did.
func (l *Listener) greet(ctx context.Context, c *Conn) error {
	if err := l.readHeader(c); err != nil {
		return err
	}
	if !l.claim(c) {
		return nil
	}
	defer l.release(c)
	p, err := l.meet(ctx, c)
	if err != nil {
		return err
	}
	p.Serve(ctx, c)
	return nil
}

// claim counts a connection of its client's address, unless there are too many.
func (l *Listener) claim(c *Conn) bool {
	if err := l.s.admission.claim(addrOf(c.remote)); err != nil {
		l.refused.Add(1)
		l.logLimit(c, err)
		return false
	}
	return true
}

// release ends what claim began.
func (l *Listener) release(c *Conn) { l.s.admission.release(addrOf(c.remote)) }

// meet speaks TLS, where it is spoken, and finds the protocol.
//
//go:noinline
func (l *Listener) meet(ctx context.Context, c *Conn) (Protocol, error) {
	if err := l.speakTLS(ctx, c); err != nil {
		return nil, err
	}
	p, err := l.recognise(c)
	if err != nil {
		return nil, err
	}
	if len(c.prefix) == 0 {
		c.prefix = nil // idle connections are many
	}
	c.Protocol = p.Name()
	return p, nil
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
