package stomp

import (
	"log/slog"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// Options are the settings of the protocol, the same for all its listeners.
type Options struct {
	Broker         *broker.Broker
	Log            *slog.Logger
	Server         string // the server header of CONNECTED; some clients switch on "ActiveMQ/"
	CloseOnError   bool   // close after every ERROR, as the standard says; ActiveMQ does not
	StrictEscapes  bool   // refuse escapes that the version does not define
	NackRedelivers bool   // NACK returns the message instead of dead-lettering it
	MaxBody        int    // bytes; 100 MiB by default
	MaxFrame       int    // bytes; no limit by default
	CommandLine    int    // bytes, 1024 by default
	HeaderLine     int    // bytes, 10240 by default
	Headers        int    // header lines in a frame, 1000 by default
	// HeartBeat is what a client that sends no heart-beat header is taken to offer and want.
	HeartBeat      frame.HeartBeat
	LeastHeartBeat time.Duration // no shorter interval is agreed on, 100 ms by default
	Grace          float64       // a client is dead after its interval times this, 2 by default
	ConnectTimeout time.Duration // 30 s by default
}

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Server == "" {
		o.Server = "ActiveMQ/5.17.2"
	}
	if o.LeastHeartBeat == 0 {
		o.LeastHeartBeat = 100 * time.Millisecond
	}
	if o.Grace == 0 {
		o.Grace = 2
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 30 * time.Second
	}
}

// limits returns the codec's limits, for clients that have logged in and for others.
func (o *Options) limits() (full, login frame.Limits) {
	full, login = frame.DefaultLimits(), frame.LoginLimits()
	set := func(field *int, v int) {
		if v > 0 {
			*field = v
		}
	}
	set(&full.Data, o.MaxBody)
	set(&full.Frame, o.MaxFrame)
	set(&full.Command, o.CommandLine)
	set(&full.Header, o.HeaderLine)
	set(&full.Headers, o.Headers)
	set(&login.Command, o.CommandLine)
	set(&login.Header, o.HeaderLine)
	set(&login.Headers, o.Headers)
	return full, login
}
