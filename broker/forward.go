package broker

import (
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
)

// Composite is a rule by which what is sent to one destination goes to others: ActiveMQ's
// compositeQueue and compositeTopic, with forwardOnly as the opposite of Keep.
type Composite struct {
	Match address.Address // a queue or topic; the name may be a pattern
	To    []CompositeTarget
	Keep  bool // the destination gets the message as well
}

// CompositeTarget is one destination that a composite one forwards to.
type CompositeTarget struct {
	Address  address.Address
	Selector string // only what matches; empty: everything
}

// Mirror is a rule by which a copy of each message to a queue is published to a topic, whose name
// is the queue's between Prefix and Postfix.
type Mirror struct {
	Match           string // pattern of the queues' names
	Prefix, Postfix string
}

// Routing are the rules that take messages from the destinations they were sent to further ones.
type Routing struct {
	VirtualTopics []VirtualTopic
	composites    []composite
	mirrors       []Mirror
}

type composite struct {
	match  address.Address
	to     []CompositeTarget
	filter []queue.Filter // of the targets
	keep   bool
}

// NewRouting checks rules. Composites that lead back to themselves are refused, as are selectors
// that can't be parsed.
func NewRouting(virtual []VirtualTopic, composites []Composite, mirrors []Mirror) (*Routing, error) {
	r := &Routing{VirtualTopics: virtual, mirrors: mirrors}
	for _, x := range composites {
		c := composite{match: x.Match, to: x.To, keep: x.Keep}
		if err := checkName("configure", x.Match); err != nil {
			return nil, err
		}
		for _, to := range x.To {
			if err := checkName("configure", to.Address); err != nil {
				return nil, err
			}
			if to.Address.Kind.IsTemp() || to.Address.IsPattern() {
				return nil, fault.New(fault.InvalidName, "configure", to.Address.String(), "%s can't be forwarded to: it needs to be the name of one queue or topic", to.Address)
			}
			filter, err := compile(to.Selector, false)
			if err != nil {
				return nil, fault.New(fault.InvalidSelector, "configure", to.Address.String(), "the selector %q of %s, which %s forwards to, is none", to.Selector, to.Address, x.Match)
			}
			c.filter = append(c.filter, filter)
		}
		r.composites = append(r.composites, c)
	}
	for _, c := range r.composites {
		for _, to := range c.to {
			if a, again := r.leadsBack(to.Address, &c, len(r.composites)); again {
				return nil, fault.New(fault.InvalidName, "configure", c.match.String(), "%s forwards to itself by way of %s", c.match, a)
			}
		}
	}
	return r, nil
}

// leadsBack reports whether what is sent to an address comes to a composite again.
func (r *Routing) leadsBack(a address.Address, start *composite, depth int) (by address.Address, again bool) {
	for i := range r.composites {
		c := &r.composites[i]
		if !c.matches(a) {
			continue
		}
		if c.match == start.match {
			return a, true
		}
		if depth == 0 {
			continue
		}
		for _, to := range c.to {
			if _, again := r.leadsBack(to.Address, start, depth-1); again {
				return a, true
			}
		}
	}
	if a.Kind == address.Queue {
		for i := range r.mirrors {
			m := &r.mirrors[i]
			if depth > 0 && address.Match(m.Match, a.Name) {
				if by, again := r.leadsBack(m.topic(a.Name), start, depth-1); again {
					return by, true
				}
			}
		}
	}
	return address.Address{}, false
}

func (c *composite) matches(a address.Address) bool {
	return c.match.Kind == a.Kind && address.Match(c.match.Name, a.Name)
}

func (m *Mirror) topic(queue string) address.Address {
	return address.Address{Kind: address.Topic, Name: m.Prefix + queue + m.Postfix}
}

// forwarding is what a destination's rules make of what is sent to it.
type forwarding struct {
	to   []forward
	keep bool
}

// forward is one further destination.
type forward struct {
	address address.Address
	filter  queue.Filter // nil: everything
	dest    atomic.Pointer[Destination]
}

// forwardingOf returns the rules for a destination; nil if there are none.
func (b *Broker) forwardingOf(a address.Address) *forwarding {
	r := b.Routing
	if r == nil || a.Kind.IsTemp() {
		return nil
	}
	f := &forwarding{keep: true}
	for i := range r.composites {
		c := &r.composites[i]
		if !c.matches(a) {
			continue
		}
		f.keep = f.keep && c.keep
		for j, to := range c.to {
			f.add(to.Address, c.filter[j])
		}
	}
	if a.Kind == address.Queue {
		for i := range r.mirrors {
			if m := &r.mirrors[i]; address.Match(m.Match, a.Name) {
				f.add(m.topic(a.Name), nil)
			}
		}
	}
	if len(f.to) == 0 && f.keep {
		return nil
	}
	return f
}

func (f *forwarding) add(a address.Address, filter queue.Filter) {
	f.to = append(f.to, forward{})
	f.to[len(f.to)-1].address = a
	f.to[len(f.to)-1].filter = filter
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
			if c != nil && d.b.Lookup(f.address) == nil {
				if err := c.check(security.Admin, f.address); err != nil {
					return err
				}
			}
			var err error
			if to, err = d.b.resolve(nil, "forward", f.address); err != nil {
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
	for i := range f.to {
		t := &f.to[i]
		to := t.dest.Load()
		if to == nil || t.filter != nil && !t.filter.Matches(&message.View{Message: m}) {
			continue
		}
		c := *m
		c.Address = t.address
		if c.Origin.IsZero() {
			c.Origin = m.Address
		}
		to.each(&c, fn)
	}
}
