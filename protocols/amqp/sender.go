package amqp

import (
	"strconv"
	"strings"
	"sync"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
)

// sender is a link on which we send to the client.
//
// Credit is kept as a limit. What the client and we both count is the delivery-count: deliveries,
// and credit that was drained. The core counts deliveries only, under numbers that begin with 1.
// Both are 64 bits wide here; encoded and count grow together, and apart only when credit is
// drained, or a delivery is given back before it was sent.
type sender struct {
	linkBase
	sub         *broker.Subscription
	settled     bool // deliveries are settled when they are sent
	browser     bool
	fallback    frame.State // the outcome of what the client never says one of; NoState: released
	durable     string      // name of the durable subscription
	shared      bool
	global      bool
	deletable   bool // a closing detach deletes the subscription
	expiring    bool // any detach of the client's does
	unsubscribe bool // it was attached for nothing else

	crediting sync.Mutex // held while the core is told of the credit

	// Guarded by mu.
	ready     bool   // our attach is out: credit counts
	limit     uint64 // delivery-count up to which may be sent
	count     uint64 // delivery-count
	encoded   uint64 // number of the last delivery that was sent or given back
	drain     bool
	echo      bool // a flow was asked for before ready
	exhausted bool // a browser has seen everything
	// settlements are what the client has yet to hear of, of a link that was taken up again.
	settlements []settlement

	// The writer's.
	done     uint64 // settled deliveries up to it were settled in the core
	touched  bool   // is in the writer's list
	answered bool   // our attach is out, or won't be
	parting  []byte // our detach, if that was said before
}

// attachSender serves the attach of a client that wants to receive.
func (s *session) attachSender(a *frame.Attach, id identity) error {
	c := s.c
	l := &sender{linkBase: linkBase{identity: id}}
	if a.Source == nil {
		return s.lookup(a, l)
	}
	o, err := c.prepare(a, l)
	if err != nil {
		c.endDynamic(l.dynamic)
		s.decline(a, l, answerOf(err))
		return nil
	}
	if l.durable != "" {
		if old, ok := c.links.find(l.key).(*sender); ok && !old.isGone() {
			if old.s.c == c {
				s.decline(a, l, &frame.Error{Condition: frame.ResourceLocked, Description: "Durable consumer is in use for client: " + c.container + " and subscriptionName: " + l.durable})
				return nil
			}
			steal(old) // its connection is dead, and nobody has noticed
		}
	}
	return s.subscribe(a, l, o)
}

// subscribe attaches a link to what it is to get its messages from.
func (s *session) subscribe(a *frame.Attach, l *sender, o broker.SubscribeOptions) error {
	c := s.c
	reply := l.reply(a)
	t := c.token(func(dst []byte, err error) []byte { return l.attached(dst, a, reply, err) })
	l.ending.Lock()
	defer l.ending.Unlock()
	// The tables first: a confirmation may come before Subscribe returns.
	s.join(l)
	first := t
	if a.Unsettled != nil {
		first = 0
	}
	_, err := c.core.SubscribeWith(o, s, first, func(sub *broker.Subscription) { l.sub = sub })
	if err == nil && a.Unsettled != nil {
		if err = l.reclaim(a.Unsettled, t); err != nil {
			l.sub.Close(0, 0)
		}
	}
	if err != nil {
		c.forget(t)
		c.links.leave(l)
		l.sub = nil
		c.endDynamic(l.dynamic)
		s.decline(a, l, answerOf(err))
	}
	return nil
}

// prepare reads what kind of subscription the client wants.
func (c *connection) prepare(a *frame.Attach, l *sender) (o broker.SubscribeOptions, err error) {
	src := a.Source
	var n node
	switch {
	case src.Dynamic:
		if l.dynamic, err = c.dynamic(&src.Terminus); err != nil {
			return o, err
		}
		n.addresses = []address.Address{l.dynamic}
	case !src.HasAddress || src.Address == "":
		return o, fault.New(fault.NotFound, "attach", a.Name, "the source has no address")
	default:
		if n, err = c.parseNode(src.Address, &src.Terminus); err != nil {
			return o, err
		}
	}
	o = broker.SubscribeOptions{Addresses: n.addresses, Tag: l}
	if err := l.filters(src, &o); err != nil {
		return o, err
	}
	option := func(name string) string { return strings.TrimSpace(n.options["consumer."+name]) }
	number := func(name string) int { v, _ := strconv.Atoi(option(name)); return v }
	if o.Selector == "" {
		o.Selector = option("selector")
	}
	o.NoLocal = o.NoLocal || option("noLocal") == "true"
	o.Exclusive = option("exclusive") == "true"
	o.Priority = min(max(number("priority"), -128), 127)
	o.MaxPending = number("maximumPendingMessageLimit")
	if option("retroactive") == "true" {
		o.Retroactive, o.Retained = true, true
	}
	topic := n.addresses[0].Kind.IsTopic()
	if o.Browse = !topic && (src.Distribution == frame.Copy || option("browser") == "true"); o.Browse {
		l.browser = true
	}
	// A topic's messages are copied to each subscription, a queue's moved to one consumer.
	switch {
	case topic, o.Browse:
		src.Distribution = frame.Copy
	default:
		src.Distribution = frame.Move
	}
	if topic {
		if err := l.subscription(a, &o); err != nil {
			return o, err
		}
	}
	l.settled = a.SenderMode == frame.Settled
	if src.Default != nil {
		if l.fallback, err = frame.ParseState(src.Default); err != nil {
			return o, err
		}
	}
	src.Outcomes = supported(src.Outcomes)
	return o, nil
}

// filters takes the filters that are known, and leaves only those in the source, for the reply.
// [AMQP 3.5.8]
func (l *sender) filters(src *frame.Source, o *broker.SubscribeOptions) error {
	kept := src.Filters[:0]
	for _, f := range src.Filters {
		if text, ok := f.Selector(); ok {
			o.Selector = strings.TrimSpace(text)
			kept = append(kept, f)
		} else if f.NoLocal() {
			o.NoLocal = true
			kept = append(kept, f)
		}
	}
	src.Filters = kept
	return nil
}

// supported returns those of the client's outcomes that are known here; without a wish, all.
func supported(list []string) []string {
	all := []string{frame.AcceptedName, frame.RejectedName, frame.ReleasedName, frame.ModifiedName}
	if len(list) == 0 {
		return all
	}
	kept := list[:0]
	for _, o := range list {
		if contains(all, o) {
			kept = append(kept, o)
		}
	}
	return kept
}

// reply returns our attach.
func (l *sender) reply(a *frame.Attach) frame.Attach {
	r := frame.Attach{
		Name: a.Name, Handle: l.handle, Role: frame.Sender, SenderMode: a.SenderMode, ReceiverMode: a.ReceiverMode,
		Source: a.Source, Target: a.Target, HasInitialCount: true,
	}
	if r.Target == nil {
		r.Target = new(frame.Target)
	}
	for _, d := range a.Desired {
		if d == sharedSubs || d == delayedDelivery || d == anonymousRelay || d == sharedNode || d == globalNode {
			r.Offered = append(r.Offered, d)
		}
	}
	return r
}

// attached is called by the writer when the subscription is durable, or can't be: our attach goes
// out, and from then on credit counts.
func (l *sender) attached(dst []byte, a *frame.Attach, reply frame.Attach, err error) []byte {
	parting := l.parting
	l.answered, l.parting = true, nil
	if l.s.over.Load() {
		return dst
	}
	if err != nil {
		refused := frame.Attach{
			Name: a.Name, Handle: l.handle, Role: frame.Sender, SenderMode: a.SenderMode, ReceiverMode: a.ReceiverMode, HasInitialCount: true,
		}
		dst = append(refused.Append(dst, l.s.channel), parting...)
		if l.depart() {
			return dst // the detach is said, or about to be
		}
		return (&frame.Detach{Handle: l.handle, Closed: true, Error: answerOf(err)}).Append(dst, l.s.channel)
	}
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return append(reply.Append(dst, l.s.channel), parting...)
	}
	l.ready = true
	reply.Unsettled = l.unsettledMap()
	resumed := l.takeSettlements()
	echo := l.echo
	l.echo = false
	drain := l.drain
	l.mu.Unlock()
	dst = reply.Append(dst, l.s.channel)
	if resumed != nil {
		dst = resumed.encode(dst)
	}
	if echo {
		dst = l.appendFlow(dst)
	}
	l.applyCredit()
	if drain {
		l.sub.Drain()
	}
	return dst
}

// applyCredit tells the core how much the client takes. Reader and writer both do, and a number
// that one has found must not come after one that the other has found later.
func (l *sender) applyCredit() {
	l.crediting.Lock()
	defer l.crediting.Unlock()
	l.mu.Lock()
	number, over := l.number(), l.over
	l.mu.Unlock()
	if !over {
		l.sub.Limit(number)
	}
}

// voidCredit lets the core deliver nothing more to a link that is over.
func (l *sender) voidCredit() {
	l.crediting.Lock()
	defer l.crediting.Unlock()
	l.sub.Limit(0)
}

// number returns the core's number up to which deliveries may be sent. The caller holds l.mu.
func (l *sender) number() uint64 {
	if l.limit <= l.count {
		return l.encoded
	}
	return l.encoded + (l.limit - l.count)
}

// flow serves flow. [AMQP 2.6.7]
func (l *sender) flow(w *frame.Flow) error {
	if l.isGone() {
		return nil
	}
	if w.Txn {
		refuse(l, &frame.Error{Condition: frame.NotImplemented, Description: "messages are not acquired in transactions"})
		return nil
	}
	l.mu.Lock()
	if w.HasCredit {
		// The client counts from what it has received; what is on its way counts against that.
		ahead := int32(w.DeliveryCount + w.Credit - uint32(l.count))
		l.limit = l.count + uint64(max(ahead, 0))
		l.drain = w.Drain
	}
	resumed := l.takeSettlements()
	left := l.limit > l.count
	answer := l.drain && (!left || l.exhausted) // nothing more can come
	if answer && l.exhausted {
		l.count = max(l.count, l.limit)
	}
	drain := l.drain && !answer && !l.browser
	if answer {
		l.drain = false
	}
	ready := l.ready
	answer = answer || w.Echo
	l.echo = l.echo || answer && !ready
	l.mu.Unlock()
	if !ready {
		return nil
	}
	if resumed != nil {
		l.s.c.out.Own(resumed)
	}
	l.applyCredit()
	if answer {
		l.s.c.out.Own((*linkFlow)(l))
	}
	if drain {
		l.sub.Drain()
	}
	return nil
}

// end implements link.
func (l *sender) end(closed bool) {
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.mu.Lock()
	l.over = true
	seen := l.encoded
	l.mu.Unlock()
	defer l.s.c.links.leave(l)
	if l.sub == nil {
		return
	}
	if l.settled && !l.browser {
		_, _ = l.sub.Settle(1, seen, broker.Outcome{}, nil, 0)
	}
	// What the client has not settled has the outcome that it has stated for that.
	// [AMQP 3.5.3]
	counted := uint64(0)
	switch o := l.unsaid(); {
	case l.browser, l.fallback.Kind == frame.NoState:
	case o.Kind == broker.Failed && len(o.Fields) == 0:
		counted = seen // all goes back at once, so that groups keep their order
	case o.Kind != broker.Released || len(o.Fields) > 0:
		l.voidCredit() // what goes back must not come here again
		_, _ = l.sub.Settle(1, seen, o, nil, 0)
	}
	l.sub.Close(counted, 0)
	l.s.c.endDynamic(l.dynamic)
}

// unsaid returns what the core does with deliveries of which the client says no outcome: what their
// source has for that. It is no word on a single message, which might make it a dead letter.
// [AMQP 3.5.3]
func (l *sender) unsaid() broker.Outcome {
	if l.fallback.Kind == frame.Modified {
		return modified(&l.fallback)
	}
	return outcomeOf(&l.fallback)
}

// modified returns what the core does for the modified outcome. [AMQP 3.4.5]
func modified(s *frame.State) broker.Outcome {
	o := broker.Outcome{Kind: broker.Released, NotHere: s.Undeliverable, Fields: mapping.Annotations(s.Annotations)}
	if s.Failed {
		o.Kind = broker.Failed
	}
	return o
}

// outcomeOf returns what the core does for an outcome. [AMQP 3.4]
func outcomeOf(s *frame.State) broker.Outcome {
	switch s.Kind {
	case frame.Accepted:
		return broker.Outcome{Kind: broker.Accepted}
	case frame.Rejected:
		cause := "rejected by the receiver"
		if e := s.Rejection(); e != nil {
			cause = e.Error()
		}
		return broker.Outcome{Kind: broker.Rejected, Cause: cause}
	case frame.Modified:
		o := modified(s)
		if s.Failed && s.Undeliverable {
			// What Qpid JMS says of a message that it has tried often enough: it goes where
			// ActiveMQ's clients have their poison.
			o.Kind, o.Cause = broker.Rejected, "failed, and undeliverable to the receiver"
		}
		return o
	}
	return broker.Outcome{Kind: broker.Released}
}
