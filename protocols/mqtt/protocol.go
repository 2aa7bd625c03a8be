package mqtt

import (
	"context"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols"
)

// Protocol is MQTT as a listener's protocol.
type Protocol struct {
	o       Options
	figures figures
	started time.Time
}

// New returns the protocol.
func New(o Options) *Protocol {
	o.setDefaults()
	return &Protocol{o: o, started: time.Now()}
}

// Name implements protocols.Protocol.
func (p *Protocol) Name() string { return "mqtt" }

// Serve implements protocols.Protocol.
func (p *Protocol) Serve(ctx context.Context, conn *protocols.Conn) {
	p.figures.enter()
	defer p.figures.leave()
	p.connection(conn).serve(ctx)
}

// connection returns what serves a client. It is apart from Serve, whose stack frame lasts as long as
// the connection: idle ones are many, and their stacks are to fit into the second smallest size.
//
//go:noinline
func (p *Protocol) connection(conn *protocols.Conn) *connection {
	c := &connection{o: &p.o, figures: &p.figures, net: conn, names: names{queues: p.o.QueuePrefix}}
	c.yielding.done = make(chan struct{})
	c.login = broker.Login{
		Protocol: "mqtt", Listener: conn.Listener, Remote: conn.RemoteAddr(), Certificates: conn.Certificates(), TakeOver: true, Yield: c.yield,
	}
	c.out = protocols.NewOutbox(conn, c)
	return c
}

// Detect implements protocols.Protocol.
func (p *Protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectMQTT(prefix) }
