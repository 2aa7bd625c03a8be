package mqtt

import (
	"log/slog"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// Options are the settings of the protocol, the same for all its listeners. Zero stands for the
// default.
type Options struct {
	Broker *broker.Broker
	Log    *slog.Logger

	MaxPacket         int           // octets of a packet from a client; 100 MiB
	ReceiveMaximum    int           // messages with QoS above 0 that a client may send ahead; 1,024
	Inflight          int           // that a client is sent ahead, whatever more it allows; 1,000
	TopicAliasMaximum int           // aliases that a client may define; 64. Negative: none
	SendAliases       int           // aliases that are used towards a client that allows them; 64. Negative: none
	MaxKeepAlive      time.Duration // longer intervals, and none at all, are lowered to it; 0: as the client says
	SessionExpiry     time.Duration // of sessions of 3.x that are kept; 0: they do not expire
	MaxSessionExpiry  time.Duration // longer ones are lowered to it; 0: no limit
	MaxFilters        int           // in one SUBSCRIBE; 4,096
	ConnectTimeout    time.Duration // 30 s

	// QueuePrefix makes names that begin with it name queues: with "$queue/", publishing to
	// $queue/orders/eu sends to queue orders.eu, and subscribing to it consumes from that queue.
	// Empty: clients reach topics only.
	QueuePrefix string
	// ActiveMQQoS has messages of other protocols that are persistent arrive with QoS 0 and others
	// with QoS 1, as ActiveMQ does by mistake.
	ActiveMQQoS bool
	// PublishDollarTopics lets clients publish to names that begin with $, which are otherwise
	// accepted and dropped, as with ActiveMQ.
	PublishDollarTopics bool
	// RefusalCode is the reason code for a filter that a client has no right to, in version 5.
	RefusalCode packet.Reason
	// SysInterval is how often figures are published below $SYS; 10 s. Negative: never.
	SysInterval time.Duration
	// Version of the broker, for $SYS/broker/version.
	Version string
}

// maxClientID bounds a client identifier, in octets.
const maxClientID = 4096

// maxLogin bounds the CONNECT packet, in octets.
const maxLogin = 64 << 10

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
		*v = max(*v, 0)
	}
	or(&o.MaxPacket, 100<<20)
	or(&o.ReceiveMaximum, 1024)
	or(&o.Inflight, 1000)
	or(&o.TopicAliasMaximum, 64)
	or(&o.SendAliases, 64)
	or(&o.MaxFilters, 4096)
	o.ReceiveMaximum = min(o.ReceiveMaximum, 0xffff)
	o.Inflight = min(o.Inflight, 0xffff)
	o.TopicAliasMaximum = min(o.TopicAliasMaximum, 0xffff)
	o.MaxPacket = min(o.MaxPacket, packet.MaxRemaining+5)
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = 30 * time.Second
	}
	if o.RefusalCode == 0 {
		o.RefusalCode = packet.NotAuthorized
	}
	if o.SysInterval == 0 {
		o.SysInterval = 10 * time.Second
	}
}

// limits returns the codec's limits for clients that have logged in.
func (o *Options) limits() packet.Limits {
	l := packet.DefaultLimits()
	l.Packet, l.Filters = o.MaxPacket, o.MaxFilters
	return l
}
