package route

import (
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
)

// Composite is a rule by which what is sent to one destination goes to others: ActiveMQ's
// compositeQueue and compositeTopic, with forwardOnly as the opposite of Keep.
type Composite struct {
	Match address.Address // a queue or topic; the name may be a pattern
	To    []CompositeTarget
	Keep  bool // the destination gets the message as well
	// KeepUnmatched lets the destination get what no target's selector lets through.
	KeepUnmatched bool
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

// VirtualTopic is a rule by which queues get what is sent to a topic: those whose name is the
// prefix, in which * stands for any level, and then the topic's name.
type VirtualTopic struct {
	Match  string // pattern of the topics' names
	Prefix string // with its last dot
	// Postfix is what the queues' names have behind the topic's.
	Postfix string
	// SelectorAware leaves out what no consumer of the queue would get: it has only consumers with
	// selectors that refuse it, or none.
	SelectorAware bool
}

// DefaultVirtualTopics returns ActiveMQ's rule: a message to topic VirtualTopic.X is copied to
// each queue named Consumer.*.VirtualTopic.X.
func DefaultVirtualTopics() []VirtualTopic {
	return []VirtualTopic{{Match: "VirtualTopic.>", Prefix: "Consumer.*."}}
}

// TopicOf returns the name, or the pattern, of the topics whose messages a queue gets.
func (v *VirtualTopic) TopicOf(queue string) (string, bool) {
	levels := strings.Count(v.Prefix, ".")
	at := 0
	for range levels {
		i := strings.IndexByte(queue[at:], '.')
		if i < 0 {
			return "", false
		}
		at += i + 1
	}
	topic, ok := strings.CutSuffix(queue[at:], v.Postfix)
	if !ok || topic == "" || !address.Match(strings.TrimSuffix(v.Prefix, "."), strings.TrimSuffix(queue[:at], ".")) {
		return "", false
	}
	return topic, address.Match(v.Match, topic)
}

// Filter decides which messages are forwarded.
type Filter interface {
	Matches(v *message.View) bool
}

// Rules take messages from the destinations they were sent to further ones.
type Rules struct {
	VirtualTopics []VirtualTopic
	composites    []composite
	mirrors       []Mirror
}

type composite struct {
	match  address.Address
	to     []CompositeTarget
	filter []Filter // of the targets; nil: everything
	keep   bool
	rest   bool // it keeps what goes nowhere else
}

// NewRules checks rules. Composites that lead back to themselves are refused, as are selectors that
// compile, which returns nil for an empty one, does not take, and names that check refuses.
func NewRules(virtual []VirtualTopic, composites []Composite, mirrors []Mirror, check func(address.Address) error, compile func(string) (Filter, error)) (*Rules, error) {
	r := &Rules{VirtualTopics: virtual, mirrors: mirrors}
	for _, x := range composites {
		c := composite{match: x.Match, to: x.To, keep: x.Keep, rest: x.KeepUnmatched}
		if err := check(x.Match); err != nil {
			return nil, err
		}
		for _, to := range x.To {
			if err := check(to.Address); err != nil {
				return nil, err
			}
			if to.Address.Kind.IsTemp() || to.Address.IsPattern() {
				return nil, fault.New(fault.InvalidName, "configure", to.Address.String(), "%s can't be forwarded to: it needs to be the name of one queue or topic", to.Address)
			}
			filter, err := compile(to.Selector)
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
func (r *Rules) leadsBack(a address.Address, start *composite, depth int) (by address.Address, again bool) {
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

// Forward is one further destination.
type Forward struct {
	Address address.Address
	Filter  Filter // nil: everything
}

// Of returns where messages to an address go beside it, and whether it keeps them itself: all, or the
// rest that goes nowhere else.
func (r *Rules) Of(a address.Address) (to []Forward, keep, rest bool) {
	keep = true
	for i := range r.composites {
		c := &r.composites[i]
		if !c.matches(a) {
			continue
		}
		keep, rest = keep && c.keep, rest || c.rest
		for j, x := range c.to {
			to = append(to, Forward{x.Address, c.filter[j]})
		}
	}
	if a.Kind == address.Queue {
		for i := range r.mirrors {
			if m := &r.mirrors[i]; address.Match(m.Match, a.Name) {
				to = append(to, Forward{Address: m.topic(a.Name)})
			}
		}
	}
	return to, keep, rest
}
