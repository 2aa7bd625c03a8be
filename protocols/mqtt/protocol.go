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
	c := &connection{o: &p.o, figures: &p.figures, net: conn, names: names{queues: p.o.QueuePrefix}}
	c.yielding.done = make(chan struct{})
	c.login = broker.Login{
		Protocol: "mqtt", Listener: conn.Listener, Remote: conn.RemoteAddr(), Certificates: conn.Certificates(), TakeOver: true, Yield: c.yield,
	}
	c.out = protocols.NewOutbox(conn, c)
	p.figures.enter()
	defer p.figures.leave()
	c.serve(ctx)
}

// Detect implements protocols.Protocol.
func (p *Protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectMQTT(prefix) }
