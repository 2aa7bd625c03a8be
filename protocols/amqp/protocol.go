// Package amqp serves AMQP 1.0 with ActiveMQ's addresses, capabilities and mapping of messages.
//
// A connection has one goroutine that reads, and the outbox's, which encodes and writes. Who owns
// what stands at the fields: credit, windows and settlement are kept as limits on numbers that
// only grow, so that the two need not meet.
package amqp

import (
	"context"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols"
)

// Protocol is AMQP 1.0 as a listener's protocol.
type Protocol struct {
	o     Options
	links registry
}

// New returns the protocol.
func New(o Options) *Protocol {
	o.setDefaults()
	return &Protocol{o: o}
}

// Name implements protocols.Protocol.
func (p *Protocol) Name() string { return "amqp" }

// Detect implements protocols.Protocol.
func (p *Protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectAMQP(prefix) }

// Serve implements protocols.Protocol.
func (p *Protocol) Serve(ctx context.Context, conn *protocols.Conn) {
	c := &connection{o: &p.o, links: &p.links, net: conn, ctx: ctx, maxFrame: frameBeforeOpen, transformer: p.o.Transformer}
	if t, ok := p.o.Transformers[conn.Listener]; ok {
		c.transformer = t
	}
	c.login = broker.Login{
		Protocol: "amqp", Listener: conn.Listener, Remote: conn.RemoteAddr(), Certificates: conn.Certificates(),
	}
	c.out = protocols.NewOutbox(conn, c)
	c.serve()
}
