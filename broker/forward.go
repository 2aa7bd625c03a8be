package broker

import (
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/route"
	"github.com/manifoldmq/manifold/broker/security"
)

// The rules by which messages go to further destinations; see package route.
type (
	Routing         = route.Rules
	Composite       = route.Composite
	CompositeTarget = route.CompositeTarget
	Mirror          = route.Mirror
	VirtualTopic    = route.VirtualTopic
)

// DefaultVirtualTopics returns ActiveMQ's rule for virtual topics.
func DefaultVirtualTopics() []VirtualTopic { return route.DefaultVirtualTopics() }

// NewRouting checks rules; see route.NewRules.
func NewRouting(virtual []VirtualTopic, composites []Composite, mirrors []Mirror) (*Routing, error) {
	check := func(a address.Address) error { return checkName("configure", a) }
	return route.NewRules(virtual, composites, mirrors, check, func(text string) (route.Filter, error) {
		f, err := compile(text, false)
		if f == nil {
			return nil, err
		}
		return f, err
	})
}

// forwarding is what a destination's rules make of what is sent to it.
type forwarding struct {
	to   []forward
	keep bool
	rest bool // what goes nowhere else is kept
}

// forward is one further destination.
type forward struct {
	route.Forward
	dest atomic.Pointer[Destination]
}

// forwardingOf returns the rules for a destination; nil if there are none.
func (b *Broker) forwardingOf(a address.Address) *forwarding {
	if b.Routing == nil || a.Kind.IsTemp() {
		return nil
	}
	to, keep, rest := b.Routing.Of(a)
	if len(to) == 0 && keep {
		return nil
	}
	f := &forwarding{to: make([]forward, len(to)), keep: keep, rest: rest}
	for i := range to {
		f.to[i].Forward = to[i]
	}
	return f
}

// locate finds the destinations that messages are forwarded to, and makes those that are missing.
// It takes locks of queues and must not be called with a connection's.
func (d *Destination) locate(c *Connection) error {
	if d.forwarding == nil {
		return nil
	}
	for i := range d.forwarding.to {
		f := &d.forwarding.to[i]
		to := f.dest.Load()
		if to == nil || to.gone.Load() {
			if c != nil && d.b.Lookup(f.Address) == nil {
				if err := c.check(security.Admin, f.Address); err != nil {
					return err
				}
			}
			var err error
			if to, err = d.b.resolve(nil, "forward", f.Address); err != nil {
				return err
			}
			f.dest.Store(to)
		}
		if err := to.locate(c); err != nil {
			return err
		}
	}
	return nil
}

// each calls fn with every destination that a message to d ends at, and with the message as it is
// there. locate must have been called before.
func (d *Destination) each(m *message.Message, fn func(*Destination, *message.Message)) {
	f := d.forwarding
	if f == nil {
		fn(d, m)
		return
	}
	if f.keep {
		fn(d, m)
	}
	kept := f.keep
	for i := range f.to {
		t := &f.to[i]
		to := t.dest.Load()
		if to == nil || t.Filter != nil && !t.Filter.Matches(&message.View{Message: m}) {
			continue
		}
		kept = true
		c := *m
		c.Address = t.Address
		if c.Origin.IsZero() {
			c.Origin = m.Address
		}
		to.each(&c, fn)
	}
	if !kept && f.rest {
		fn(d, m)
	}
}
