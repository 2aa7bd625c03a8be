package websocket

import (
	"context"
	"sync"
	"sync/atomic"

	gorilla "github.com/gorilla/websocket"

	"github.com/manifoldmq/manifold/protocols"
)

// Protocol carries others. It is safe for use by many goroutines.
type Protocol struct {
	o        Options
	carried  []carried
	settings atomic.Pointer[Settings]
	upgrader gorilla.Upgrader
	buffers  sync.Pool // of *[]byte, for writes of several messages
}

// New returns a protocol that carries those of the options, of which there is at least one.
func New(o Options) *Protocol {
	o.setDefaults()
	p := &Protocol{o: o}
	p.buffers.New = func() any { return new([]byte) }
	for _, c := range o.Protocols {
		p.carried = append(p.carried, carriedOf(c))
	}
	p.settings.Store(&o.Settings)
	p.upgrader = gorilla.Upgrader{
		HandshakeTimeout: o.Handshake, ReadBufferSize: readBuffer, WriteBufferSize: writeBuffer,
		WriteBufferPool: &sync.Pool{}, Error: refuse,
	}
	return p
}

// Set changes the settings, for requests to come.
func (p *Protocol) Set(s Settings) { p.settings.Store(&s) }

// Name implements protocols.Protocol.
func (p *Protocol) Name() string { return "websocket" }

// Detect implements protocols.Protocol. A WebSocket begins as an HTTP request, and whether it
// asks for the upgrade stands too far behind.
func (p *Protocol) Detect(prefix []byte) protocols.Verdict { return protocols.DetectHTTP(prefix) }

// Serve implements protocols.Protocol: it reads the request and serves what it leads to.
func (p *Protocol) Serve(ctx context.Context, outer *protocols.Conn) {
	if serve := p.handshake(outer); serve != nil {
		serve(ctx)
	}
}
