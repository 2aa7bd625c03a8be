// Package openwire serves OpenWire 1 to 12 to the clients of ActiveMQ: JMS, NMS and CMS
// applications connect as they are.
package openwire

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Options are the settings of the protocol, the same for all its listeners.
type Options struct {
	Broker *broker.Broker
	Log    *slog.Logger
	// Wire is what the broker offers; its zero value stands for what ActiveMQ offers.
	Wire wire.Options
	// MaxFrame bounds frames, in octets; 100 MiB by default.
	MaxFrame int64
	// MaxInflated bounds what a compressed body may be inflated to for a client of another
	// protocol, in octets; 100 MiB by default.
	MaxInflated int64
	// ConnectTimeout is how long a client may take until its ConnectionInfo; 30 s by default.
	ConnectTimeout time.Duration
	// Retry is how long the broker remembers the producers of a client that was cut off, so that
	// what it repeats when it comes back is not taken twice; 10 minutes by default.
	Retry time.Duration
}

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Wire.Version == 0 {
		o.Wire = wire.Default()
	}
	if o.MaxFrame == 0 {
		o.MaxFrame = 100 << 20
	}
	if o.MaxInflated == 0 {
		o.MaxInflated = 100 << 20
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 30 * time.Second
	}
	if o.Retry == 0 {
		o.Retry = 10 * time.Minute
	}
	o.Wire.MaxFrameSize = o.MaxFrame
}

// Protocol is OpenWire as a listener's protocol.
type Protocol struct {
	o        Options
	brokerID *wire.BrokerID
	hello    []byte // the frame of the WireFormatInfo
	advisor  *advisor

	mu          sync.Mutex
	connections map[string]*connection // by ConnectionId
	brokers     map[string]string      // by listener: what its clients are told of brokers
}

// New returns the protocol.
func New(o Options) *Protocol {
	o.setDefaults()
	var unique [6]byte
	_, _ = rand.Read(unique[:]) // it never fails
	p := &Protocol{
		o:           o,
		brokerID:    &wire.BrokerID{Value: wire.TextOf("ID:" + o.Broker.Name + "-" + hex.EncodeToString(unique[:]) + "-0:1")},
		connections: make(map[string]*connection),
		hello:       wire.NewWriter().Append(nil, o.Wire.Info()),
	}
	p.advisor = newAdvisor(p)
	return p
}

// Name implements protocols.Protocol.
func (p *Protocol) Name() string { return "openwire" }

// Detect implements protocols.Protocol.
func (p *Protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectOpenWire(prefix) }

// Serve implements protocols.Protocol.
func (p *Protocol) Serve(ctx context.Context, conn *protocols.Conn) {
	c := &connection{
		p: p, o: &p.o, net: conn,
		producers: make(map[producerKey]*producer), consumers: make(map[consumerKey]*consumer),
		sessions: map[int64]bool{implicitSession: true},
		senders:  make(map[destinationKey]*sender), txs: make(map[txKey]*transaction),
	}
	c.login = broker.Login{
		Protocol: p.Name(), Listener: conn.Listener, Remote: conn.RemoteAddr(), Certificates: conn.Certificates(),
	}
	c.writer = wire.NewWriter()
	c.out = protocols.NewOutbox(conn, c)
	c.serve(ctx)
}

// SetConnectedBrokers sets, by the names of listeners, the URLs of all brokers that their clients
// are to know, this one among them: a client with a failover URL goes to one of those when it loses
// its connection. They come to new clients with the login; those of a list that changes, to the
// clients that are there at once. It may be called at any time.
func (p *Protocol) SetConnectedBrokers(urls map[string][]string) {
	p.mu.Lock()
	before := p.brokers
	p.brokers = make(map[string]string, len(urls))
	for listener, list := range urls {
		p.brokers[listener] = strings.Join(list, ",")
	}
	var told []*connection
	for _, c := range p.connections {
		if now := p.brokers[c.net.Listener]; now != "" && now != before[c.net.Listener] && c.info.Manageable {
			told = append(told, c)
		}
	}
	p.mu.Unlock()
	for _, c := range told {
		c.out.Confirmed(token(control, 0, 0), nil)
		c.out.Wake()
	}
}

// connectedBrokers returns what the clients of a listener are told of brokers; empty for nothing.
func (p *Protocol) connectedBrokers(listener string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.brokers[listener]
}

// take makes a connection the one with its ConnectionId, and returns the one that was it before.
func (p *Protocol) take(id string, c *connection) (before *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before = p.connections[id]
	p.connections[id] = c
	return before
}

// leave forgets a connection, unless another one has taken its place.
func (p *Protocol) leave(id string, c *connection) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.connections[id] == c {
		delete(p.connections, id)
	}
}
