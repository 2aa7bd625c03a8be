package amqp

import (
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Capabilities of connections that clients ask for and rely on.
const (
	soleConnection  = "sole-connection-for-container"
	anonymousRelay  = "ANONYMOUS-RELAY"
	delayedDelivery = "DELAYED_DELIVERY"
	sharedSubs      = "SHARED-SUBS"
)

// leastIdle is the shortest idle time-out that is kept to.
const leastIdle = 100 * time.Millisecond

// opened serves open. [AMQP 2.7.1]
func (c *connection) opened(h frame.Header, f wire.Fields) error {
	o, err := frame.ParseOpen(f)
	if err != nil {
		return err
	}
	if h.Channel != 0 {
		return &frame.Error{Condition: frame.FramingError, Description: "open must come on channel 0"}
	}
	reply := c.openReply(&o)
	refuse := func(e *frame.Error) error {
		// Clients of JMS look for the property to know that close is a refusal.
		p := wire.Open(nil, wire.Map8)
		p.B = wire.AppendBool(wire.AppendSymbol(p.B, "amqp:connection-establishment-failed"), true)
		p.Count = 2
		reply.Properties = p.Close()
		c.out.Raw(reply.Append(nil))
		c.closeWith(e)
		return nil
	}
	switch {
	case o.MaxFrame < frame.MinMaxSize:
		c.out.Raw(reply.Append(nil))
		c.closeWith(&frame.Error{Condition: frame.FramingError, Description: "max-frame-size must be at least 512"})
		return nil
	case o.IdleTimeout != 0 && o.IdleTimeout < uint32(leastIdle/time.Millisecond):
		return refuse(&frame.Error{Condition: frame.InvalidField, Description: "the idle-time-out is too short"})
	}
	sole := contains(o.Desired, soleConnection)
	login := c.login
	login.ClientID = o.Container
	if v, ok := section.Find(o.Properties, "sole-connection-enforcement-policy"); ok && sole {
		n, _ := v.Unsigned()
		login.TakeOver = n == 1
	}
	core, err := c.o.Broker.Connect(c.ctx, login, c.out)
	if fault.Is(err, fault.InUse) && !sole {
		// Only those who ask for it are the only ones of their name.
		login.ClientID = ""
		core, err = c.o.Broker.Connect(c.ctx, login, c.out)
	}
	if err != nil {
		e := answerOf(err)
		if fault.Is(err, fault.InUse) {
			info := wire.Open(nil, wire.Map8)
			info.B = wire.AppendSymbol(wire.AppendSymbol(info.B, "invalid-field"), "container-id")
			info.Count = 2
			e = &frame.Error{Condition: frame.InvalidField, Description: e.Description, Info: info.Close()}
		}
		return refuse(e)
	}
	c.handshakeOver()
	c.core, c.container, c.peer = core, o.Container, o
	if c.container == "" {
		c.container = core.ClientID()
	}
	c.origin = core.ID() + ":-1:1"
	c.maxFrame = uint32(c.o.MaxFrame)
	c.sessions = make(map[uint16]*session)
	c.channels = make(map[uint16]bool)
	if c.o.IdleTimeout > 0 {
		c.silence = c.o.IdleTimeout
	}
	c.out.Raw(reply.Append(nil))
	if o.IdleTimeout > 0 { // [AMQP 2.4.5]
		c.beat = protocols.StartBeat(c.out, time.Duration(o.IdleTimeout)*time.Millisecond/2, frame.AppendEmpty(nil))
	}
	return nil
}

// openReply returns our open.
func (c *connection) openReply(o *frame.Open) frame.Open {
	p := wire.Open(nil, wire.Map8)
	for _, e := range [...][2]string{
		{"product", c.o.Product}, {"version", c.o.Version}, {"platform", "Go"},
		{"queue-prefix", "queue://"}, {"topic-prefix", "topic://"}, // strings, as Qpid JMS wants them
	} {
		if e[1] != "" {
			p.B = wire.AppendString(wire.AppendSymbol(p.B, e[0]), e[1])
			p.Count += 2
		}
	}
	reply := frame.Open{
		Container: c.o.Broker.Name, MaxFrame: uint32(c.o.MaxFrame), ChannelMax: channelMax,
		Offered: []string{anonymousRelay, sharedSubs},
	}
	if c.o.Broker.Scheduler() != nil {
		reply.Offered = append(reply.Offered, delayedDelivery)
	}
	if contains(o.Desired, soleConnection) {
		reply.Offered = append(reply.Offered, soleConnection)
		p.B = wire.AppendUint(wire.AppendSymbol(p.B, "sole-connection-detection-policy"), 0)
		p.Count += 2
	}
	reply.Properties = p.Close()
	if c.o.IdleTimeout > 0 {
		// Half of the time after which the client is taken for dead. [AMQP 2.4.5]
		reply.IdleTimeout = uint32(c.o.IdleTimeout / 2 / time.Millisecond)
	}
	return reply
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
