package broker

import (
	"slices"
	"sync"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/broker/selector"
	"github.com/manifoldmq/manifold/store"
)

// Sink takes the deliveries of a subscription; see queue.Sink.
type Sink = queue.Sink

// Delivery is one message on its way to one subscriber; see queue.Delivery.
type Delivery = queue.Delivery

// SubscribeOptions say what a client wants to receive, and how.
type SubscribeOptions struct {
	// Addresses are what it subscribes to. A queue's or topic's name may be a pattern. With
	// several, all share one credit.
	Addresses []address.Address
	Selector  string
	// ConvertStrings lets string properties compare with numbers, as STOMP's do.
	ConvertStrings bool
	Priority       int  // higher ones are served first
	Exclusive      bool // only one consumer of the queue is served at a time
	Browse         bool // copies of what a queue holds, without removing anything
	NoLocal        bool // not what this client sent, on topics
	// Name makes a durable subscription to a topic, known by the client's identifier and
	// this name; with Shared, by the name alone, and several consumers may share it.
	Name   string
	Shared bool
	// Transient lets a shared subscription end with its last consumer.
	Transient bool
	// Client is the client identifier that a durable subscription is known by; empty: the
	// connection's.
	Client string
	// Track makes deliveries tracked; see queue.ConsumerOptions.
	Track func(m *message.Message, note []byte, tag uint32) (use uint32, durable bool)
	// Retained brings the messages that topics keep first.
	Retained bool
	// Retroactive brings what topics remember, by their policies, of what was sent before.
	Retroactive bool
	// Unlisted says that no destination is made for a topic that only the broker publishes to.
	Unlisted   bool
	MaxPending int // messages that a topic subscriber may be behind; 0 = by policy
	// Prefetch is how many deliveries without an outcome the client takes; 0: it asks for each.
	Prefetch int
	Tag      any // the caller's; Consumer.Tag of each delivery
}

// Subscription is a consumer of one or several destinations.
type Subscription struct {
	*queue.Consumer
	c      *Connection
	o      SubscribeOptions
	number uint64 // on its connection

	mu       sync.Mutex
	bindings []*binding
	private  []*queue.Queue // topic subscribers' own queues
	patterns []string       // of wildcard consumers of queues
	attached []*queue.Queue
	durable  *durable
	session  *Session // it is the consumer of
	over     bool

	pace pace // of housekeeping, which alone uses it
}

// Options returns what the subscription was made with.
func (s *Subscription) Options() SubscribeOptions { return s.o }

// Connection returns whose subscription it is.
func (s *Subscription) Connection() *Connection { return s.c }

// Number returns which of its connection's subscriptions it is, from 1.
func (s *Subscription) Number() uint64 { return s.number }

// Waiting returns how many messages of topics the subscription has not been sent.
func (s *Subscription) Waiting() (n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.private
	if s.durable != nil {
		list = []*queue.Queue{s.durable.queue}
	}
	for _, q := range list {
		n += q.Counters().Entries.Load() - q.Counters().InFlight.Load()
	}
	return max(n, 0)
}

// Subscribe makes a subscription. It is in effect when Subscribe returns, without credit; the
// token is confirmed when it is durable, if it is to be.
func (c *Connection) Subscribe(o SubscribeOptions, sink Sink, t Token) (*Subscription, error) {
	return c.SubscribeWith(o, sink, t, nil)
}

// SubscribeWith is Subscribe with a function that gets the subscription before anything is
// confirmed or delivered.
func (c *Connection) SubscribeWith(o SubscribeOptions, sink Sink, t Token, ready func(*Subscription)) (*Subscription, error) {
	filter, err := compile(o.Selector, o.ConvertStrings)
	if err != nil {
		return nil, err
	}
	if len(o.Addresses) == 0 {
		return nil, fault.New(fault.InvalidName, "subscribe", "", "a subscription needs a destination")
	}
	for _, a := range o.Addresses {
		if err := checkName("subscribe", a); err != nil {
			return nil, err
		}
		if a.Kind.IsTemp() && a.IsPattern() {
			return nil, fault.New(fault.InvalidName, "subscribe", a.String(), "the name of a temporary destination can't be a pattern: %s", a)
		}
		if err := c.check(security.Read, a); err != nil {
			return nil, err
		}
	}
	s := &Subscription{c: c, o: o}
	s.Consumer = queue.NewConsumer(c.b.env, queue.ConsumerOptions{
		Filter: filter, Priority: o.Priority, Exclusive: o.Exclusive, Pulls: o.Prefetch == 0, Track: o.Track, Tag: o.Tag, Allowance: c.allowance,
	}, sink)
	if ready != nil {
		ready(s)
	}
	c.state.Lock()
	switch {
	case c.closed.Load():
		c.state.Unlock()
		return nil, c.closedError("subscribe")
	case len(c.subs) >= c.b.Limits.Subscriptions:
		c.state.Unlock()
		return nil, fault.New(fault.LimitReached, "subscribe", o.Addresses[0].String(), "the connection has %d subscriptions, which is the limit", c.b.Limits.Subscriptions)
	}
	c.subs[s] = struct{}{}
	c.lastSub++
	s.number = c.lastSub
	c.state.Unlock()
	if err := s.attachAll(filter, t); err != nil {
		s.closeWith(0)
		return nil, err
	}
	c.b.events.publish(Event{Kind: Subscribed, Address: o.Addresses[0], Client: c.login.ClientID, Text: o.Name, Subscription: s})
	return s, nil
}

// compile parses a selector; an empty one is no filter.
func compile(text string, convert bool) (queue.Filter, error) {
	if text == "" {
		return nil, nil
	}
	sel, err := selector.Parse(text, selector.Options{ConvertStrings: convert})
	if err != nil {
		return nil, &fault.Error{Kind: fault.InvalidSelector, Op: "subscribe", Object: text, Text: text, Err: err}
	}
	return selectorFilter{sel}, nil
}

func (s *Subscription) attachAll(filter queue.Filter, t Token) error {
	c := s.c
	if s.o.Name != "" {
		return s.attachDurable(filter, t)
	}
	var browsed []*queue.Queue
	for _, a := range s.o.Addresses {
		var err error
		switch {
		case a.Kind.IsTopic():
			err = s.attachTopic(a, filter)
		case a.IsPattern() && a.Kind == address.Queue && s.o.Browse:
			for _, d := range c.b.matching(a) {
				browsed = append(browsed, d.queue)
			}
		case a.IsPattern() && a.Kind == address.Queue:
			err = s.attachPattern(a)
		default:
			var d *Destination
			if d, err = s.queueFor(a); err != nil {
				break
			}
			if s.o.Browse {
				browsed = append(browsed, d.queue)
			} else {
				s.attach(d.queue)
			}
		}
		if err != nil {
			return err
		}
	}
	if s.o.Browse && (len(browsed) > 0 || len(s.private) == 0) {
		s.Browse(browsed)
	}
	c.Confirm(t)
	return nil
}

// queueFor returns the destination of a queue that the subscription may consume from.
func (s *Subscription) queueFor(a address.Address) (*Destination, error) {
	d, err := s.c.b.resolve(s.c, "subscribe", a)
	if err != nil {
		return nil, err
	}
	if d.owner != nil && d.owner != s.c {
		return nil, foreignTemp(a)
	}
	return d, nil
}

func foreignTemp(a address.Address) error {
	return fault.New(fault.Forbidden, "subscribe", a.String(), "Subscribing to a temporary queue created by another connection is not permitted: %s", a)
}

// attach lets the subscription drain a queue, once.
func (s *Subscription) attach(q *queue.Queue) {
	s.mu.Lock()
	if s.over || slices.Contains(s.attached, q) {
		s.mu.Unlock()
		return
	}
	s.attached = append(s.attached, q)
	s.mu.Unlock()
	if q.Attach(s.Consumer) {
		q.Kick()
	}
}

// attachPattern lets the subscription drain every queue that matches, also those to come.
func (s *Subscription) attachPattern(a address.Address) error {
	b := s.c.b
	s.mu.Lock()
	s.patterns = append(s.patterns, a.Name)
	s.mu.Unlock()
	b.mu.Lock()
	b.watchers[s] = struct{}{}
	b.mu.Unlock()
	for _, d := range b.matching(a) {
		s.attach(d.queue)
	}
	return nil
}

// matching returns the queues whose names match a pattern.
func (b *Broker) matching(a address.Address) (list []*Destination) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, d := range b.destinations {
		if d.Address.Kind == address.Queue && address.Match(a.Name, d.Address.Name) {
			list = append(list, d)
		}
	}
	return list
}

// watch attaches the subscription to a queue if one of its patterns matches.
func (s *Subscription) watch(d *Destination) {
	s.mu.Lock()
	match := slices.ContainsFunc(s.patterns, func(p string) bool { return address.Match(p, d.Address.Name) })
	s.mu.Unlock()
	if match {
		s.attach(d.queue)
	}
}

// attachTopic gives the subscription a queue of its own, in memory, and binds it to a topic.
func (s *Subscription) attachTopic(a address.Address, filter queue.Filter) error {
	b := s.c.b
	p := b.Policies.Lookup(a)
	if !a.IsPattern() && !s.o.Unlisted && !isAdvisory(a) {
		d, err := b.resolve(s.c, "subscribe", a)
		if err != nil {
			return err
		}
		if d.owner != nil && d.owner != s.c {
			return foreignTemp(a)
		}
		p = *d.Policy()
	}
	n := &binding{pattern: a.Name, filter: filter, temp: a.Kind == address.TempTopic, owner: s.c}
	if s.o.NoLocal {
		n.noLocal = s.c.login.ClientID
	}
	s.mu.Lock()
	if !s.o.Unlisted || len(s.private) == 0 { // one will do: every client of OpenWire has such a subscription
		s.private = append(s.private, queue.New(b.env, a, 0, s.privateOptions(&p)))
	}
	q := s.private[len(s.private)-1]
	n.to = holder{queue: q}
	s.bindings = append(s.bindings, n)
	s.mu.Unlock()
	s.attach(q)
	if s.o.Retained {
		s.Hold()
		defer s.releaseInTurn()
	}
	if s.o.Retroactive || p.AlwaysRetroactive {
		b.bindRetroactive(n, s.o.Retained)
	} else {
		b.bind(n, s.o.Retained, nil)
	}
	return nil
}

// privateOptions returns the settings of a topic subscriber's own queue.
func (s *Subscription) privateOptions(p *policy.Policy) queue.Options {
	prefetch := s.o.Prefetch
	if prefetch == 0 {
		prefetch = p.Prefetch.Topic
	}
	o := queue.Options{
		Pending: p.Limits.PendingOf(prefetch), Eviction: queue.Eviction(p.Limits.Eviction),
		EvictionProperty: p.Limits.EvictionProperty, Tell: tells(p),
	}
	if s.o.MaxPending > 0 {
		o.Pending = int64(s.o.MaxPending)
	}
	o.Evict = o.Pending >= 0
	return o
}

// applyPolicies gives the subscription's own queues the settings that hold now.
func (s *Subscription) applyPolicies() {
	s.mu.Lock()
	private := slices.Clone(s.private)
	s.mu.Unlock()
	for _, q := range private {
		p := s.c.b.Policies.Lookup(q.Address)
		q.SetOptions(s.privateOptions(&p))
	}
}

// releaseInTurn ends Hold when all that was committed so far has arrived.
func (s *Subscription) releaseInTurn() {
	batch := store.GetBatch()
	batch.Done = func(sb *store.Batch, _ error) {
		store.PutBatch(sb)
		s.Release(func(q *queue.Queue) { s.c.b.done.touch(q, nil) })
	}
	s.c.b.store.Commit(batch)
}

// Close ends the subscription. Deliveries numbered up to deliveredUpTo were seen by the
// client and go back counted, the others uncounted. A durable subscription stays and collects.
func (s *Subscription) Close(deliveredUpTo uint64, t Token) {
	s.closeWith(deliveredUpTo)
	s.c.Confirm(t)
}

func (s *Subscription) closeWith(deliveredUpTo uint64) {
	s.mu.Lock()
	if s.over {
		s.mu.Unlock()
		return
	}
	s.over = true
	bindings, private, dur := s.bindings, s.private, s.durable
	s.mu.Unlock()
	b := s.c.b
	for _, n := range bindings {
		b.bindings.Unbind(n.pattern, n)
	}
	if len(s.patterns) > 0 {
		b.mu.Lock()
		delete(b.watchers, s)
		b.mu.Unlock()
	}
	s.Consumer.Close(deliveredUpTo)
	for _, q := range private {
		b.endPrivate(q)
	}
	if dur != nil {
		dur.leave(s)
	}
	s.c.state.Lock()
	delete(s.c.subs, s)
	s.c.state.Unlock()
	if s.session == nil {
		b.events.publish(Event{Kind: Unsubscribed, Address: s.o.Addresses[0], Client: s.c.login.ClientID, Text: s.o.Name, Subscription: s})
	}
}

// endPrivate drops a topic subscriber's own queue, with what overflowed of it.
func (b *Broker) endPrivate(q *queue.Queue) {
	q.Close(fault.New(fault.Closed, "subscribe", q.Address.String(), "the subscription is closed"))
	if list := q.List(); list != 0 {
		batch := store.GetBatch()
		batch.Done = release
		queue.DropList(batch, list)
		b.store.Commit(batch)
	}
}
