package client

import (
	"fmt"
	"strings"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// amqpLink is one end of a link.
type amqpLink struct {
	name     string
	handle   uint32
	receiver bool
	attached bool
	leaving  bool // its end is asked for
	credit   uint32
	count    uint32

	id       string // of the subscription
	prefetch uint32
	held     uint32 // unsettled
	mode     Settlement
	oldest   uint32 // of what a cumulative subscription has not settled
	partial  []byte
	first    frame.Transfer
}

func (c *amqpClient) attached(f wire.Fields) error {
	a, err := frame.ParseAttach(f)
	if err != nil {
		return err
	}
	for _, l := range c.all() {
		if l.name == a.Name && bool(a.Role) != l.receiver {
			if a.Role == frame.Sender && a.Source == nil || a.Role == frame.Receiver && a.Target == nil && a.Coordinator == nil {
				return nil // refused: the detach is behind it
			}
			l.attached = true
			l.count = a.InitialCount
			c.links[a.Handle] = l
		}
	}
	return nil
}

func (c *amqpClient) all() []*amqpLink {
	var list []*amqpLink
	for _, l := range c.senders {
		list = append(list, l)
	}
	return list
}

func (c *amqpClient) flow(f wire.Fields) error {
	w, err := frame.ParseFlow(f)
	if err != nil {
		return err
	}
	c.window = w.NextIncoming + w.IncomingWindow - c.nextOutgoing
	if l := c.links[w.Handle]; w.HasHandle && l != nil && !l.receiver {
		l.credit = w.DeliveryCount + w.Credit - l.count
	}
	return nil
}

// address turns the name of a destination into an address.
func address(destination string) string {
	if name, ok := strings.CutPrefix(destination, "/topic/"); ok {
		return "topic://" + name
	}
	return "queue://" + strings.TrimPrefix(destination, "/queue/")
}

// sender returns the link to a destination, or the coordinator's, and attaches it first.
func (c *amqpClient) sender(destination string) (*amqpLink, error) {
	l := c.senders[destination]
	if l == nil {
		l = &amqpLink{name: "to " + destination, handle: c.handles}
		c.handles++
		c.senders[destination] = l
		a := frame.Attach{Name: l.name, Handle: l.handle, Role: frame.Sender, SenderMode: frame.Mixed, HasInitialCount: true, Source: &frame.Source{}}
		if destination == "" {
			a.SenderMode, a.Coordinator = frame.Unsettled, &frame.Coordinator{Capabilities: []string{"amqp:local-transactions"}}
		} else {
			a.Target = &frame.Target{Terminus: frame.Terminus{Address: address(destination), HasAddress: true}}
		}
		c.write(a.Append(c.buf, 0))
	}
	return l, nil
}

func (c *amqpClient) Subscribe(id string, s Subscription) error {
	l := &amqpLink{name: "from " + id + " " + s.Destination, handle: c.handles, receiver: true, id: id, mode: s.Mode, prefetch: uint32(s.Prefetch)}
	if s.Prefetch == 0 {
		l.prefetch = 100
	}
	c.handles++
	// What is lost with the connection has failed, as JMS clients say; else it would not come flagged.
	failed := frame.State{Kind: frame.Modified, Failed: true}
	source := &frame.Source{Terminus: frame.Terminus{Address: address(s.Destination), HasAddress: true}, Default: failed.Append(nil)}
	if s.Durable != "" {
		l.name = s.Durable
		source.Durable, source.Expiry = 2, "never"
	}
	mode := frame.Unsettled
	if s.Mode == Auto {
		mode = frame.Settled
	}
	c.senders["subscription "+id] = l
	a := frame.Attach{Name: l.name, Handle: l.handle, Role: frame.Receiver, SenderMode: mode, Source: source, Target: &frame.Target{}}
	c.write(a.Append(c.buf, 0))
	if err := c.await("the attach", func() bool { return l.attached }); err != nil {
		return fmt.Errorf("subscribe to %s: %w", s.Destination, err)
	}
	c.grant(l)
	return c.Flush()
}

// Leave implements Leaver.
func (c *amqpClient) Leave(id string) error {
	l := c.senders["subscription "+id]
	if l == nil {
		return fmt.Errorf("there is no subscription %s", id)
	}
	l.leaving = true
	d := frame.Detach{Handle: l.handle, Closed: true}
	c.write(d.Append(c.buf, 0))
	return c.await("the detach", func() bool { return !l.attached })
}

// grant gives credit for as many deliveries as may be unsettled beside those that are.
func (c *amqpClient) grant(l *amqpLink) {
	if l.leaving {
		return
	}
	l.credit = l.prefetch - min(l.held, l.prefetch)
	w := frame.Flow{
		NextIncoming: c.nextIncoming, HasNextIncoming: true, IncomingWindow: amqpWindow, NextOutgoing: c.nextOutgoing, OutgoingWindow: amqpWindow,
		Handle: l.handle, HasHandle: true, DeliveryCount: l.count, HasCount: true, Credit: l.credit, HasCredit: true,
	}
	c.write(w.Append(c.buf, 0))
}
