package amqp

import (
	"sync/atomic"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
)

// receiver is a link on which the client sends to us.
type receiver struct {
	linkBase
	index     uint32 // in tokens
	mode      frame.SenderMode
	second    bool // we settle after the client has
	rejects   bool // the client takes rejected for an outcome
	anonymous bool // each message names its address
	whole     address.Address
	control   *coordinator // the link is to the coordinator
	kept      *kept        // what is known of deliveries, of a link that can be taken up again

	producer  *broker.Producer            // under ending, as what follows
	producers map[string]*broker.Producer // of an anonymous link, by address

	// The reader's.
	partial partial
	tx      txSends

	count atomic.Uint32 // delivery-count: deliveries received
	limit atomic.Uint32 // delivery-count up to which the client may send

	// The writer's, and of a link in a transaction the reader's before that: under mu.
	confirmed uint32 // deliveries that are done with
}

// maxProducers is how many addresses an anonymous link's producers are kept for.
const maxProducers = 256

// attachReceiver serves the attach of a client that wants to send.
func (s *session) attachReceiver(a *frame.Attach, id identity) error {
	c := s.c
	l := &receiver{linkBase: linkBase{identity: id}, mode: a.SenderMode, second: recoverable(a)}
	if err := l.target(a); err != nil {
		c.endDynamic(l.dynamic)
		s.decline(a, l, answerOf(err))
		return nil
	}
	if recoverable(a) {
		if old := c.links.find(l.key); old != nil {
			steal(old)
		}
		k, err := c.links.keep(c, l.key, a.Unsettled)
		if err != nil {
			l.producer.Close()
			s.decline(a, l, answerOf(err))
			return nil
		}
		l.kept = k
	}
	l.rejects = a.Source == nil || len(a.Source.Outcomes) == 0 || contains(a.Source.Outcomes, frame.RejectedName)
	l.count.Store(a.InitialCount)
	l.confirmed = a.InitialCount
	l.limit.Store(a.InitialCount + uint32(c.o.ProducerCredit))
	l.ending.Lock()
	defer l.ending.Unlock()
	c.mu.Lock()
	if c.receivers == nil {
		c.receivers = make(map[uint32]*receiver)
	}
	c.nextIndex++
	l.index = c.nextIndex & indexMask
	c.receivers[l.index] = l
	c.mu.Unlock()
	s.join(l)
	reply := frame.Attach{
		Name: a.Name, Handle: l.handle, Role: frame.Receiver, SenderMode: a.SenderMode, ReceiverMode: a.ReceiverMode,
		Source: a.Source, Target: a.Target, Coordinator: a.Coordinator, MaxMessageSize: uint64(c.o.MaxMessage),
	}
	if reply.Source == nil {
		reply.Source = new(frame.Source)
	}
	if l.kept != nil {
		reply.Unsettled = l.kept.unsettled()
	}
	for _, d := range a.Desired {
		if d == delayedDelivery && c.o.Broker.Scheduler() != nil || d == anonymousRelay {
			reply.Offered = append(reply.Offered, d)
		}
	}
	c.out.Raw(reply.Append(nil, s.channel))
	c.out.Own((*creditItem)(l))
	return nil
}

// target reads where the client wants to send to, and completes the target for the reply.
func (l *receiver) target(a *frame.Attach) error {
	c := l.s.c
	switch t := a.Target; {
	case a.Coordinator != nil:
		l.control = &coordinator{l: l, open: make(map[string]*transaction)}
		a.Coordinator = &frame.Coordinator{Capabilities: []string{"amqp:local-transactions", "amqp:multi-txns-per-ssn", "amqp:multi-ssns-per-txn"}}
		return nil
	case t == nil:
		return fault.New(fault.InvalidName, "attach", a.Name, "the target is missing")
	case t.Dynamic:
		addr, err := c.dynamic(&t.Terminus)
		if err != nil {
			return err
		}
		l.dynamic, l.whole = addr, addr
		if l.producer, err = c.core.Producer(addr); err == nil {
			l.producer.Tell()
		}
		return err
	case t.Address == "":
		l.anonymous = true
		return nil
	default:
		n, err := c.parseNode(t.Address, &t.Terminus)
		if err != nil {
			return err
		}
		l.whole = n.whole
		if l.producer, err = c.core.Producer(n.addresses...); err == nil {
			l.producer.Tell()
		}
		if n.isTemporary() && fault.Is(err, fault.NotFound) {
			return &frame.Error{Condition: frame.PreconditionFailed, Description: err.Error()}
		}
		return err
	}
}

// producerFor returns the producer for a message's own address, on an anonymous link. The caller
// holds l.ending.
func (l *receiver) producerFor(to address.Address) (*broker.Producer, address.Address, error) {
	if to.IsZero() {
		return nil, to, &frame.Error{Condition: frame.PreconditionFailed, Description: "the message has no address, and neither has the link"}
	}
	key := to.String()
	if p := l.producers[key]; p != nil {
		return p, to, nil
	}
	n, err := l.s.c.parseNode(key, nil)
	if err != nil {
		return nil, to, err
	}
	p, err := l.s.c.core.Producer(n.addresses...)
	if err != nil {
		return nil, to, err
	}
	if len(l.producers) >= maxProducers {
		for k, p := range l.producers {
			p.Close()
			delete(l.producers, k)
		}
	}
	if l.producers == nil {
		l.producers = make(map[string]*broker.Producer)
	}
	l.producers[key] = p
	return p, n.whole, nil
}

// flow serves flow: the client may ask for our state, or say how much it has. [AMQP 2.6.7]
func (l *receiver) flow(w *frame.Flow) error {
	if l.isGone() {
		return nil
	}
	if w.Echo {
		l.s.c.out.Own((*creditItem)(l))
	}
	return nil
}

// end implements link.
func (l *receiver) end(closed bool) {
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	l.stop()
	c := l.s.c
	defer c.links.leave(l)
	if l.kept != nil {
		c.links.part(l.key, l.kept, closed)
	}
	c.mu.Lock()
	delete(c.receivers, l.index)
	c.mu.Unlock()
	if l.producer != nil {
		l.producer.Close()
	}
	for _, p := range l.producers {
		p.Close()
	}
	if l.control != nil {
		l.control.end()
	}
	c.endDynamic(l.dynamic)
}

// done counts deliveries that are done with and lets as many new ones come: confirmed ones, so
// that what is on its way to the disk is bounded. It is the writer's.
func (l *receiver) done(dst []byte, n uint32) []byte {
	l.confirmed += n
	credit := uint32(l.s.c.o.ProducerCredit)
	limit := l.limit.Load()
	if more := l.confirmed + credit - limit; more < max(credit/4, 1) || l.isOver() || l.s.over.Load() {
		return dst
	}
	l.limit.Store(l.confirmed + credit)
	return l.appendFlow(dst)
}
