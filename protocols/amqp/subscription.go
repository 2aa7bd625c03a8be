package amqp

import (
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
)

// Durable and shared subscriptions as Qpid JMS names them: the link's name is that of the
// subscription and, with those that are shared, what makes links different: sub, sub|2, sub|global,
// sub|volatile1, sub|global-volatile2.

// subscription reads what kind of subscription to a topic a source asks for.
func (l *sender) subscription(a *frame.Attach, o *broker.SubscribeOptions) error {
	durable := a.Source.Durable != frame.NotDurable
	o.Client = l.s.c.container
	switch {
	case a.Source.Has(sharedNode):
		l.shared, l.global = true, a.Source.Has(globalNode)
		o.Name, o.Shared, o.Transient = sharedName(l.s.c.container, a.Name, l.global), true, !durable
		if !durable {
			o.Name += "|volatile" // others than those that are durable
			return nil
		}
	case durable:
		o.Name = a.Name
	default:
		return nil
	}
	l.durable = o.Name
	// [AMQP 3.5.6] A subscription ends with any detach of its link only where just that is asked
	// for. Others that would expire sooner or later are kept until they are unsubscribed, as by
	// ActiveMQ, and the answer says so. A link that is lost with its session or connection is not
	// detached: the client may come back for what it has missed.
	l.deletable, l.expiring = true, a.Source.Expiry == frame.LinkDetach && a.Source.Timeout == 0
	if !l.expiring {
		a.Source.Expiry, a.Source.Timeout = frame.Never, 0
	}
	return nil
}

// sharedName returns the core's name of a shared subscription. Those that are not global are known
// to one client identifier only; the rest of a link's name behind a bar can't be part of it.
func sharedName(container, link string, global bool) string {
	name, _, _ := strings.Cut(link, "|")
	if global {
		return name
	}
	return container + "|" + name
}

// lookup serves the attach of a receiver without a source: it is for the durable subscription of
// the link's name, which is to be deleted, or consumed from.
func (s *session) lookup(a *frame.Attach, l *sender) error {
	c := s.c
	for _, d := range c.o.Broker.Durables() {
		base, suffix, _ := strings.Cut(a.Name, "|")
		global := strings.HasPrefix(suffix, globalNode) || contains(a.Desired, globalNode)
		if d.Shared && d.Name == sharedName(c.container, base, global) || !d.Shared && d.Client == c.container && d.Name == a.Name {
			return s.found(a, l, &d)
		}
	}
	s.decline(a, l, &frame.Error{Condition: frame.NotFound, Description: "Unknown subscription link: " + a.Name})
	return nil
}

// found attaches a link to a durable subscription that is there.
func (s *session) found(a *frame.Attach, l *sender, d *broker.DurableInfo) error {
	if d.Active > 0 && !d.Shared || s.c.links.find(l.key) != nil {
		s.decline(a, l, &frame.Error{Condition: frame.ResourceLocked, Description: "Durable consumer is in use"})
		return nil
	}
	l.durable, l.shared, l.deletable = d.Name, d.Shared, true
	l.unsubscribe = true
	src := &frame.Source{Distribution: frame.Copy, Outcomes: supported(nil)}
	src.Address, src.HasAddress = d.Address.String(), true
	src.Durable, src.Expiry = frame.UnsettledState, frame.Never
	src.Capabilities = []string{topicNode}
	if d.Shared {
		src.Capabilities = append(src.Capabilities, sharedNode)
	}
	if d.Selector != "" {
		src.Filters = append(src.Filters, frame.SelectorFilter(d.Selector))
	}
	if d.NoLocal {
		src.Filters = append(src.Filters, frame.NoLocalFilter())
	}
	a.Source = src
	l.settled = a.SenderMode == frame.Settled
	o := broker.SubscribeOptions{
		Addresses: []address.Address{d.Address}, Selector: d.Selector, ConvertStrings: d.ConvertStrings, NoLocal: d.NoLocal,
		Name: d.Name, Shared: d.Shared, Client: d.Client, Tag: l,
	}
	return s.subscribe(a, l, o)
}

// detached serves the client's detach, and reports whether the answer comes later: a closing detach
// deletes a durable subscription, as any detach does where it is to expire with that, and is
// answered when that is on disk.
func (l *sender) detached(closed bool) bool {
	if !l.deletable || !closed && !l.expiring {
		return false
	}
	l.end(true)
	c := l.s.c
	reply := frame.Detach{Handle: l.handle, Closed: closed}
	t := c.token(func(dst []byte, err error) []byte {
		if err != nil {
			reply.Error = answerOf(err)
		}
		w := farewell{l, reply}
		return w.encode(dst)
	})
	delete(l.s.handles, l.handle)
	client := c.container
	if l.shared {
		client = ""
	}
	err := c.core.UnsubscribeClient(client, l.durable, t)
	if err == nil {
		return true
	}
	c.forget(t)
	if l.shared && !l.unsubscribe && fault.Is(err, fault.InUse) || fault.Is(err, fault.NotFound) {
		err = nil // others share it
	}
	if err != nil {
		reply.Error = answerOf(err)
	}
	c.out.Own(&farewell{l, reply})
	return true
}
