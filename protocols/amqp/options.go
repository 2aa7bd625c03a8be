package amqp

import (
	"log/slog"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
)

// Options are the settings of the protocol, the same for all its listeners if nothing else is said.
type Options struct {
	Broker  *broker.Broker
	Log     *slog.Logger
	Product string // the product and version that open tells; "Manifold" by default
	Version string

	Transformer    mapping.Transformer            // how other protocols see what AMQP clients send
	Transformers   map[string]mapping.Transformer // the same for single listeners, by their names
	ProducerCredit int                            // messages a client may send ahead of their confirmation, 1000 by default
	MaxFrame       int                            // bytes of a frame, 128 KiB by default
	MaxMessage     int                            // bytes of a message, 100 MiB by default
	IdleTimeout    time.Duration                  // silence after which a client is dead, 30 s by default; negative: none
	ConnectTimeout time.Duration                  // from accepting a connection to its open, 30 s by default
}

// What is agreed on with each client.
const (
	frameBeforeOpen = 4096 // more than the standard's 512, as tokens may be long
	channelMax      = 32767
	handleMax       = 32767
	sessionWindow   = 2048 // transfer frames
	outgoingWindow  = 1<<31 - 1

	maxSessions = 4096  // of one connection
	maxLinks    = 32768 // of one connection
	maxPartials = 4     // messages of the largest size that may be on their way at a time
)

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Product == "" {
		o.Product = "Manifold"
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.ProducerCredit <= 0 {
		o.ProducerCredit = 1000
	}
	if o.MaxFrame < frame.MinMaxSize {
		o.MaxFrame = 128 << 10
	}
	if o.MaxMessage <= 0 {
		o.MaxMessage = 100 << 20
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 30 * time.Second
	}
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 30 * time.Second
	}
}
