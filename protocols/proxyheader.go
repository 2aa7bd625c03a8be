package protocols

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"

	"github.com/manifoldmq/manifold/protocols/internal/proxyproto"
)

// readHeader reads the header of the PROXY protocol where the listener expects one, and takes
// the addresses from it. What follows the header stays in the prefix.
func (l *Listener) readHeader(c *Conn) error {
	mode := l.o.ProxyProtocol
	if mode == "" || mode == ProxyOff {
		return nil
	}
	if !l.trusts(c.raw.RemoteAddr()) {
		if mode == ProxyRequired {
			return fmt.Errorf("the peer is not one of trusted_proxies: %w", errUnserved)
		}
		return nil
	}
	for {
		if len(c.prefix) > 0 {
			h, ok, err := proxyproto.Parse(c.prefix)
			switch {
			case mode == ProxyOptional && errors.Is(err, proxyproto.ErrNone):
				return nil
			case err != nil:
				return err
			case ok:
				return c.passHeader(h)
			}
		}
		if err := c.more(); err != nil {
			return err
		}
	}
}

// passHeader steps over a header and takes the addresses that it has.
func (c *Conn) passHeader(h proxyproto.Header) error {
	if h.Source.IsValid() {
		c.remote = net.TCPAddrFromAddrPort(h.Source)
		c.local = net.TCPAddrFromAddrPort(h.Destination)
	}
	if h.Size <= len(c.prefix) {
		c.prefix = slices.Delete(c.prefix, 0, h.Size) // keeps the room for what comes
		return nil
	}
	rest := int64(h.Size - len(c.prefix)) // at most 64 KiB
	c.prefix = c.prefix[:0]
	_, err := io.CopyN(io.Discard, c.raw, rest)
	return err
}

// trusts reports whether the header of a peer is believed.
func (l *Listener) trusts(peer net.Addr) bool {
	if l.trusted == nil {
		return true
	}
	addr := addrOf(peer)
	return slices.ContainsFunc(l.trusted, func(p netip.Prefix) bool { return p.Contains(addr) })
}
