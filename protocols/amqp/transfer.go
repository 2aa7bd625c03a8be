package amqp

import (
	"bytes"
	"strconv"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// partial is a delivery of which more frames are to come.
type partial struct {
	active  bool
	id      uint32
	tag     [frame.MaxTag]byte
	tagLen  int
	format  uint32
	settled bool
	second  bool
	resume  bool
	state   []byte
	payload []byte
}

// transfer serves transfer. [AMQP 2.6.12, 2.6.14]
func (s *session) transfer(f wire.Fields, payload []byte) error {
	t, err := frame.ParseTransfer(f)
	if err != nil {
		return err
	}
	if err := s.received(); err != nil {
		return err
	}
	any := s.links[t.Handle]
	if any == nil {
		return violation(frame.UnattachedHandle, "there is no link with the handle")
	}
	l, ok := any.(*receiver)
	if !ok {
		return violation(frame.NotAllowed, "a transfer on a link that receives")
	}
	if l.partial.active {
		return l.next(&t, payload)
	}
	// The first frame says what the delivery is.
	if !t.HasID || t.Tag == nil {
		return l.refused(frame.InvalidField, "the first frame of a delivery needs a delivery-id and a delivery-tag")
	}
	if s.hasSeen && int32(t.DeliveryID-s.seen) <= 0 {
		return violation(frame.InvalidField, "the delivery-id was used already")
	}
	s.seen, s.hasSeen = t.DeliveryID, true
	if l.isGone() {
		return nil // until the client's detach
	}
	count := l.count.Load()
	if int32(l.limit.Load()-count) <= 0 {
		return l.refused(frame.TransferLimitExceeded, "no credit is left")
	}
	l.count.Store(count + 1)
	if t.HasMode && t.Mode == frame.Second && !l.second {
		return l.refused(frame.InvalidField, "the link settles first, and the delivery is to be settled second")
	}
	if t.Aborted {
		l.dropped()
		return nil
	}
	if !t.More {
		return l.complete(&delivery{
			id: t.DeliveryID, tag: t.Tag, format: t.Format, settled: t.Settled, second: l.second && !(t.HasMode && t.Mode == frame.First),
			state: t.State, resume: t.Resume, payload: payload,
		})
	}
	p := &l.partial
	*p = partial{
		active: true, id: t.DeliveryID, format: t.Format, settled: t.Settled, resume: t.Resume,
		second: l.second && !(t.HasMode && t.Mode == frame.First), state: bytes.Clone(t.State),
	}
	p.tagLen = copy(p.tag[:], t.Tag)
	l.gather(payload, true)
	return nil
}

// next serves a further frame of a delivery.
func (l *receiver) next(t *frame.Transfer, payload []byte) error {
	p := &l.partial
	if l.isGone() {
		l.forget(t.More && !t.Aborted)
		return nil
	}
	switch {
	case t.Aborted:
		// What has come is forgotten; nothing is said of it. [AMQP 2.6.14]
		l.forget(false)
		l.dropped()
		return nil
	case t.HasID && t.DeliveryID != p.id, t.Tag != nil && !bytes.Equal(t.Tag[:min(len(t.Tag), frame.MaxTag)], p.tag[:p.tagLen]),
		t.HasFormat && t.Format != p.format:
		l.forget(t.More)
		return l.refused(frame.InvalidField, "a frame differs from the first of its delivery")
	}
	p.settled = p.settled || t.Settled
	if t.State != nil {
		p.state = bytes.Clone(t.State)
	}
	if !l.gather(payload, t.More) || t.More {
		return nil
	}
	tag := p.tag
	d := delivery{
		id: p.id, tag: tag[:p.tagLen], format: p.format, settled: p.settled, second: p.second, state: p.state, resume: p.resume, payload: p.payload,
	}
	l.forget(false)
	return l.complete(&d)
}

// gather adds a frame's payload, which grows as data comes, not as somebody claims. It returns
// false when that is too much, for the link or for the connection: the link is refused.
func (l *receiver) gather(payload []byte, more bool) bool {
	c := l.s.c
	p := &l.partial
	var e *frame.Error
	switch {
	case len(p.payload)+len(payload) > c.o.MaxMessage:
		e = &frame.Error{Condition: frame.MessageSizeExceeded, Description: "the message is larger than " + strconv.Itoa(c.o.MaxMessage) + " bytes"}
	case c.partials+len(payload) > maxPartials*c.o.MaxMessage:
		e = &frame.Error{Condition: frame.ResourceLimitExceeded, Description: "too many messages of the connection are on their way in parts"}
	default:
		p.payload = append(p.payload, payload...)
		c.partials += len(payload)
		return true
	}
	l.forget(more)
	refuse(l, e)
	return false
}

// forget drops what has come of a delivery; with more, frames of it are yet to come.
func (l *receiver) forget(more bool) {
	l.s.c.partials -= len(l.partial.payload)
	l.partial = partial{active: more}
}

// refused detaches the link for what the client did on it.
func (l *receiver) refused(condition frame.Condition, text string) error {
	refuse(l, &frame.Error{Condition: condition, Description: text})
	return nil
}

// dropped lets another delivery come for one of which nothing is said.
func (l *receiver) dropped() { l.s.c.out.Own(&doneItem{l: l, count: 1}) }

// delivery is one that is complete.
type delivery struct {
	id      uint32
	tag     []byte
	format  uint32
	settled bool
	second  bool
	resume  bool
	state   []byte
	payload []byte
}

// complete takes a delivery. What is wrong with the message alone is said with its outcome, or, if
// the client does not wait for one, by a detach. [AMQP 2.6.12]
func (l *receiver) complete(d *delivery) error {
	switch {
	case d.resume: // its mode is that of when it began
		l.resumed(d)
		return nil
	case l.mode == frame.Settled && !d.settled:
		return l.refused(frame.InvalidField, "the link's deliveries are settled, and this one is not")
	case l.mode == frame.Unsettled && d.settled:
		return l.refused(frame.InvalidField, "the link's deliveries are unsettled, and this one is not")
	case len(d.payload) > l.s.c.o.MaxMessage:
		return l.refused(frame.MessageSizeExceeded, "the message is larger than "+strconv.Itoa(l.s.c.o.MaxMessage)+" bytes")
	}
	if l.control != nil {
		return l.control.serve(d)
	}
	var state frame.State
	if d.state != nil {
		var err error
		if state, err = frame.ParseState(d.state); err != nil {
			return err
		}
	}
	var tx *transaction
	if state.InTransaction {
		c := l.s.c
		c.txMu.Lock()
		defer c.txMu.Unlock()
		if tx = c.txs[string(state.Txn)]; tx == nil {
			return l.reject(d, &frame.Error{Condition: frame.UnknownTransaction, Description: "there is no such transaction"}, nil)
		}
	}
	if err := l.send(d, tx); err != nil {
		if f, ok := err.(*linkFault); ok {
			refuse(l, f.e)
			return nil
		}
		if tx != nil {
			tx.fail(err)
		}
		return l.reject(d, sendError(err), tx)
	}
	return nil
}

// sendError is the error of a message that was not taken.
func sendError(err error) *frame.Error {
	if e, ok := err.(wire.Error); ok {
		return &frame.Error{Condition: frame.DecodeError, Description: string(e)}
	}
	return answerOf(err)
}

// send hands a delivery's message to the core. The caller holds c.txMu if there is a transaction.
func (l *receiver) send(d *delivery, tx *transaction) error {
	c := l.s.c
	r, err := mapping.Receive(d.payload, d.format, c.transformer, c.now)
	if err != nil {
		return err
	}
	// Whoever steals the link finds all that was taken on it, and nothing follows.
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.closed {
		return nil
	}
	m := r.Message
	p := l.producer
	m.Address = l.whole
	if l.anonymous {
		if p, m.Address, err = l.producerFor(r.To); err != nil {
			return err
		}
	}
	if r.Delayed && c.o.Broker.Scheduler() == nil {
		return fault.New(fault.Unsupported, "send", "", "messages are not delivered later: the scheduler is turned off")
	}
	if m.ID.Origin == "" {
		c.sequence++
		m.ID = message.ID{Origin: c.origin, Seq: c.sequence}
	}
	if tx != nil {
		if err := p.Send(m, tx.core, 0); err != nil {
			return err
		}
		l.tx.add(l, tx, d)
		return nil
	}
	if l.kept != nil && !d.settled && d.second {
		return l.sendOnce(p, m, d)
	}
	t := sendToken | broker.Token(l.index)<<indexShift | broker.Token(d.id)
	if d.settled {
		t |= settledToken
	}
	return p.Send(m, nil, t)
}

// sendOnce hands a message to the core that the client may repeat until it settles it. The caller
// holds l.ending.
func (l *receiver) sendOnce(p *broker.Producer, m *message.Message, d *delivery) error {
	c := l.s.c
	k := l.kept.arrive(c, d.tag, d.payload)
	if k == nil {
		return &linkFault{&frame.Error{Condition: frame.InvalidField, Description: "a delivery with the tag is unsettled"}}
	}
	l.s.remember(d.id, l, k)
	return p.SendOnce(m, l.kept.once, k.key, sendToken|broker.Token(l.index)<<indexShift|broker.Token(d.id))
}

// linkFault ends the link, whatever the message is.
type linkFault struct{ e *frame.Error }

// Error implements error.
func (e *linkFault) Error() string { return e.e.Error() }

// reject says that a delivery was not taken, by its outcome if the client waits for one that it
// knows, and otherwise by detaching. [AMQP 3.4.3]
func (l *receiver) reject(d *delivery, e *frame.Error, tx *transaction) error {
	if d.settled && tx != nil {
		l.dropped() // the discharge will tell
		return nil
	}
	if d.settled || !l.rejects {
		refuse(l, e)
		return nil
	}
	state := frame.RejectedWith(e)
	if tx != nil {
		state.InTransaction, state.Txn = true, tx.id
	}
	l.s.c.out.Own(&doneItem{l: l, id: d.id, count: 1, settled: !d.second, state: state.Append(nil)})
	return nil
}
