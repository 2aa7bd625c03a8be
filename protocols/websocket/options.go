package websocket

import (
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/manifoldmq/manifold/protocols"
)

// Options make a Protocol.
type Options struct {
	// Protocols are what can be carried. The sub-protocols of each come from its name.
	Protocols []protocols.Protocol
	Settings  Settings

	MaxMessage   int64         // bytes of a message; 0: no limit
	Handshake    time.Duration // for the request, and for writing the answer; 0: 10 s
	PingInterval time.Duration // of pings to the client; 0: none

	// Adopt counts a connection that an HTTP server with a socket of its own has accepted; see
	// [protocols.Server.Adopt]. Without it, only listeners' connections are served.
	Adopt func(c net.Conn, state *tls.ConnectionState) (*protocols.Adopted, error)
	Log   *slog.Logger // nil: nothing is logged
}

// Settings can change while connections are served.
type Settings struct {
	// Origins are the web pages that may connect: "*", a host, or scheme://host[:port]. A host
	// that begins with "*." stands for all below it. With none, every page may connect if
	// clients must log in, and otherwise those from this machine.
	Origins []string
	// Open says that clients need not log in.
	Open bool
}

const (
	defaultHandshake = 10 * time.Second
	maxRequest       = 16 << 10 // bytes of the request that asks for the upgrade
	readBuffer       = 1 << 10  // per connection: what a frame's header and small frames go through
	writeBuffer      = 4 << 10  // from a pool, while a message is written
	closeTime        = time.Second
	pongTime         = 30 * time.Second
)

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Handshake == 0 {
		o.Handshake = defaultHandshake
	}
}
