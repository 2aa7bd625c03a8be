// Package stomp serves STOMP 1.0, 1.1 and 1.2 with ActiveMQ's destinations, headers and
// behaviours. The version is data, not a copy of the machine.
package stomp

import (
	"context"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols"
)

// Protocol is STOMP as a listener's protocol.
type Protocol struct{ o Options }

// New returns the protocol.
func New(o Options) *Protocol {
	o.setDefaults()
	return &Protocol{o}
}

// Name implements protocols.Protocol.
func (p *Protocol) Name() string { return "stomp" }

// Serve implements protocols.Protocol.
func (p *Protocol) Serve(ctx context.Context, conn *protocols.Conn) {
	c := &connection{o: &p.o, net: conn}
	c.login = broker.Login{Listener: conn.Listener, Remote: conn.RemoteAddr(), Certificates: conn.Certificates()}
	c.out = protocols.NewOutbox(conn, c)
	c.serve(ctx)
}

// Detect implements protocols.Protocol.
func (p *Protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectSTOMP(prefix) }
