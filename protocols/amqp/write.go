package amqp

import (
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/mapping"
)

// writer is what only the writer of a connection needs.
type writer struct {
	scratch  []byte
	now      int64 // Unix milliseconds, once per write
	last     *receiver
	accepted accepted
	sessions []*session // have sent something since Written
	settled  []*sender  // have sent something that is settled with that
}

// accepted are confirmed messages that follow each other: the client hears of them as one range.
type accepted struct {
	l       *receiver
	first   uint32
	count   uint32
	settled bool
}

// item is something of ours on its way to the client.
type item interface{ encode(dst []byte) []byte }

// Encode implements protocols.Encoder.
func (c *connection) Encode(dst []byte, it *protocols.Item) ([]byte, bool) {
	switch it.Kind {
	case protocols.Deliver:
		return it.Delivery.Consumer.Tag.(*sender).deliver(dst, &it.Delivery), false
	case protocols.Confirmed:
		if it.Token&sendToken != 0 {
			return c.confirmed(dst, it.Token, it.Err), false
		}
		if fn := c.take(it.Token); fn != nil {
			return fn(c.Gather(dst), it.Err), false
		}
	case protocols.Raw:
		return append(c.Gather(dst), it.Raw...), false
	case protocols.Own:
		if k, ok := it.Own.(closeItem); ok {
			return (&frame.Close{Error: k.e}).Append(c.Gather(dst)), false
		}
		return it.Own.(item).encode(c.Gather(dst)), false
	case protocols.Drained:
		return it.Consumer.Tag.(*sender).drained(dst, it.Consumer), false
	case protocols.Ended:
		return it.Consumer.Tag.(*sender).ended(c.Gather(dst), it.Err), false
	case protocols.Closed:
		dst = c.Gather(dst)
		if it.Err != nil {
			dst = (&frame.Close{Error: closeError(it.Err)}).Append(dst)
		}
		return dst, true
	}
	return dst, false
}

// closeItem is close with an error.
type closeItem struct{ e *frame.Error }

// confirmed tells the client of the outcome of a message.
func (c *connection) confirmed(dst []byte, t broker.Token, err error) []byte {
	index := uint32(t>>indexShift) & indexMask
	l := c.w.last
	if l == nil || l.index != index {
		c.mu.Lock()
		l = c.receivers[index]
		c.mu.Unlock()
		if l == nil {
			return dst // the link has ended
		}
		c.w.last = l
	}
	id := uint32(t)
	if t&settledToken != 0 {
		return l.done(dst, 1)
	}
	a := &c.w.accepted
	if err == nil && l.kept != nil {
		l.s.outcome(id, acceptedState)
	}
	if err != nil {
		dst = c.Gather(dst)
		state := frame.RejectedWith(sendError(err))
		return (&doneItem{l: l, id: id, count: 1, settled: !l.second, state: state.Append(nil)}).encode(dst)
	}
	if a.count > 0 && a.l == l && a.first+a.count == id {
		a.count++
		return dst
	}
	dst = c.Gather(dst)
	*a = accepted{l: l, first: id, count: 1, settled: !l.second}
	return dst
}

// Gather implements protocols.Gatherer: it appends what was merged.
func (c *connection) Gather(dst []byte) []byte {
	a := &c.w.accepted
	if a.count == 0 {
		return dst
	}
	l, n := a.l, a.count
	d := frame.Disposition{Role: frame.Receiver, First: a.first, Last: a.first + n - 1, Settled: a.settled, State: acceptedState}
	a.count = 0
	if l.s.over.Load() {
		return dst
	}
	return l.done(d.Append(dst, l.s.channel), n)
}

// acceptedState is the encoded outcome of most deliveries; it is never changed.
var acceptedState = (&frame.State{Kind: frame.Accepted}).Append(nil)

// Written implements protocols.Encoder: what needs no outcome is settled, and sessions have room
// again.
func (c *connection) Written([]protocols.Item) {
	c.w.now = 0
	for i, l := range c.w.settled {
		l.wrote()
		c.w.settled[i] = nil
	}
	c.w.settled = c.w.settled[:0]
	for i, s := range c.w.sessions {
		s.sent()
		c.w.sessions[i] = nil
	}
	c.w.sessions = c.w.sessions[:0]
	if cap(c.w.scratch) > 64<<10 {
		c.w.scratch = nil
	}
}

// wrote settles in the core what the client has got as settled. It is the writer's.
func (l *sender) wrote() {
	l.touched = false
	l.mu.Lock()
	first, last := l.done+1, l.encoded
	over := l.over
	l.mu.Unlock()
	l.done = last
	if last >= first && !over {
		_, _ = l.sub.Settle(first, last, broker.Outcome{}, nil, 0)
	}
}

// doneItem is the outcome of messages from the client, or, without a state, only that they are
// done with.
type doneItem struct {
	l       *receiver
	id      uint32
	count   uint32
	settled bool
	state   []byte
	again   bool // the outcome of a delivery that was taken up again
}

func (d *doneItem) encode(dst []byte) []byte {
	if d.l.s.over.Load() {
		return dst
	}
	if d.state != nil {
		if d.l.kept != nil && !d.again {
			d.l.s.outcome(d.id, d.state)
		}
		p := frame.Disposition{Role: frame.Receiver, First: d.id, Last: d.id + max(d.count, 1) - 1, Settled: d.settled, State: d.state}
		dst = p.Append(dst, d.l.s.channel)
	}
	return d.l.done(dst, d.count)
}

// held is something of a session that waits for its window.
type held struct {
	d     broker.Delivery
	parts mapping.Parts // of a delivery of which a part was sent
	begun bool
	drain *queue.Consumer // in place of a delivery: nothing is left
	own   item            // in place of a delivery
}

// deliver sends a delivery, or keeps it until the session's window lets it out.
func (l *sender) deliver(dst []byte, d *broker.Delivery) []byte {
	s := l.s
	if len(s.held) > 0 || !s.windowOpen() {
		s.held = append(s.held, held{d: *d})
		return dst
	}
	h := held{d: *d}
	if dst = l.send(dst, &h); h.begun {
		s.held = append(s.held, h)
	}
	return dst
}

// windowOpen reports whether a transfer frame may be sent.
func (s *session) windowOpen() bool { return int32(s.sendLimit.Load()-s.nextOutgoing) > 0 }

// send appends the frames of a delivery. If the window closes on the way, h has what is left.
func (l *sender) send(dst []byte, h *held) []byte {
	s := l.s
	c := s.c
	if !h.begun {
		ok, back := l.claim(h.d.Number)
		if !ok {
			s.gone(&h.d)
			if back {
				_, _ = l.sub.Settle(h.d.Number, h.d.Number, broker.Outcome{Kind: broker.Released}, nil, 0)
			}
			return dst
		}
		if c.w.now == 0 {
			c.w.now = time.Now().UnixMilli()
		}
		d := mapping.Delivery{
			Msg: h.d.Msg, Count: uint32(h.d.Count), Acquired: h.d.Flags&(queue.Redelivered|queue.Acquired) != 0, Now: c.w.now,
			Retained: note.Of(h.d.Note).Retain(),
		}
		h.parts = mapping.Encode(c.w.scratch[:0], &d)
		c.w.scratch = h.parts.Front[:0]
		dst = c.Gather(dst)
		id := s.nextDelivery
		s.nextDelivery++
		if !l.settled {
			s.mu.Lock()
			s.runs.add(l, id, h.d.Number)
			s.mu.Unlock()
		} else if !l.touched && !l.browser {
			l.touched = true
			c.w.settled = append(c.w.settled, l)
		}
		var at, more int
		// [AMQP 2.6.14] The tag is the entry's identity, as delivery-ids are those of the session.
		dst, at, more = frame.AppendFirst(dst, s.channel, l.handle, id, uint64(h.d.ID), h.parts.Format, l.settled)
		s.nextOutgoing++
		room := int(c.peerMaxFrame()) - (len(dst) - at)
		if h.parts.Size() <= room {
			dst = h.parts.Take(dst, room)
			s.gone(&h.d)
			return frame.End(dst, at)
		}
		frame.SetMore(dst, more)
		dst = frame.End(h.parts.Take(dst, room), at)
		// The scratch is for the next message.
		h.parts.Front = append([]byte(nil), h.parts.Front...)
		h.begun = true
	}
	for s.windowOpen() {
		if l.isOver() { // detach goes without an end of the delivery
			h.begun = false
			s.gone(&h.d)
			return dst
		}
		start := len(dst)
		var at int
		dst, at = frame.AppendNext(dst, s.channel, l.handle, true)
		room := int(c.peerMaxFrame()) - (len(dst) - start)
		if h.parts.Size() <= room+1 {
			dst, at = frame.AppendNext(dst[:start], s.channel, l.handle, false)
			room = int(c.peerMaxFrame()) - (len(dst) - start)
		}
		last := h.parts.Size() <= room
		dst = frame.End(h.parts.Take(dst, room), at)
		s.nextOutgoing++
		if last {
			h.begun = false
			s.gone(&h.d)
			return dst
		}
	}
	return dst
}

// peerMaxFrame is the largest frame that the client takes.
func (c *connection) peerMaxFrame() uint32 { return min(c.peer.MaxFrame, 1<<20) }

// claim takes a delivery's credit. It returns false if the delivery is not to be sent: because the
// link has ended, or, with back, because the client has taken the credit away: the delivery goes
// back.
func (l *sender) claim(number uint64) (ok, back bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return false, false
	}
	l.encoded = number
	if l.count >= l.limit {
		return false, !l.browser
	}
	l.count++
	return true, false
}

// gone accounts for a delivery that is not held any more. It is the writer's.
func (s *session) gone(d *broker.Delivery) {
	if s.sentBytes == 0 {
		s.c.w.sessions = append(s.c.w.sessions, s)
	}
	s.sentBytes += int64(d.Msg.Size()) + 128
}

// drained says that nothing is left within the credit, which is void by that. [AMQP 2.6.7]
func (l *sender) drained(dst []byte, k *queue.Consumer) []byte {
	s := l.s
	if len(s.held) > 0 {
		s.held = append(s.held, held{drain: k})
		return dst
	}
	l.mu.Lock()
	if l.over {
		l.mu.Unlock()
		return dst
	}
	l.exhausted = l.browser
	if !l.drain {
		// More credit has come since, which the core may have dropped with the rest.
		l.mu.Unlock()
		if !l.browser {
			l.applyCredit()
		}
		return dst
	}
	l.drain = false
	l.count = max(l.count, l.limit)
	l.mu.Unlock()
	return l.appendFlow(s.c.Gather(dst))
}

// ended says that the broker has ended the link.
func (l *sender) ended(dst []byte, err error) []byte {
	if l.depart() || l.s.over.Load() {
		return dst
	}
	l.s.c.links.leave(l)
	w := farewell{l, frame.Detach{Handle: l.handle, Closed: true, Error: linkError(err)}}
	return w.encode(dst)
}

// windowItem lets a session go on whose window has opened.
type windowItem session

func (w *windowItem) encode(dst []byte) []byte {
	s := (*session)(w)
	for len(s.held) > 0 {
		h := s.held[0]
		if h.own != nil {
			if !s.windowOpen() {
				break
			}
			rest := s.held[1:]
			s.held = nil
			dst = h.own.encode(dst)
			s.held = append(s.held, rest...)
			continue
		}
		if h.drain != nil {
			rest := s.held
			s.held = nil
			dst = h.drain.Tag.(*sender).drained(dst, h.drain)
			s.held = rest
		} else {
			if !s.windowOpen() {
				break
			}
			if dst = h.d.Consumer.Tag.(*sender).send(dst, &h); h.begun {
				s.held[0] = h
				break
			}
		}
		s.held[0] = held{}
		s.held = s.held[1:]
	}
	if len(s.held) == 0 {
		s.held = nil
	}
	return dst
}

// state fills in what every flow says of the session. It is the writer's. [AMQP 2.7.4]
func (s *session) state() frame.Flow {
	next := s.nextIncoming.Load()
	return frame.Flow{
		NextIncoming: next, HasNextIncoming: true, IncomingWindow: s.windowEnd.Load() - next,
		NextOutgoing: s.nextOutgoing, OutgoingWindow: outgoingWindow,
	}
}

// sessionFlow is a flow for the session alone.
type sessionFlow session

func (w *sessionFlow) encode(dst []byte) []byte {
	s := (*session)(w)
	if s.over.Load() {
		return dst
	}
	f := s.state()
	return f.Append(dst, s.channel)
}

// linkFlow is the state of a link on which we send.
type linkFlow sender

func (w *linkFlow) encode(dst []byte) []byte {
	l := (*sender)(w)
	if l.isOver() || l.s.over.Load() {
		return dst
	}
	return l.appendFlow(dst)
}

// appendFlow appends the link's state. It is the writer's.
func (l *sender) appendFlow(dst []byte) []byte {
	f := l.s.state()
	l.mu.Lock()
	f.Handle, f.HasHandle = l.handle, true
	f.DeliveryCount, f.HasCount = uint32(l.count), true
	f.Credit, f.HasCredit = uint32(max(l.limit, l.count)-l.count), true
	f.Drain = f.Credit == 0
	l.mu.Unlock()
	return f.Append(dst, l.s.channel)
}

// creditItem is the credit of a link on which the client sends.
type creditItem receiver

func (w *creditItem) encode(dst []byte) []byte {
	l := (*receiver)(w)
	if l.isOver() || l.s.over.Load() {
		return dst
	}
	return l.appendFlow(dst)
}

// appendFlow appends the link's credit. It is the writer's.
func (l *receiver) appendFlow(dst []byte) []byte {
	f := l.s.state()
	count := l.count.Load()
	f.Handle, f.HasHandle = l.handle, true
	f.DeliveryCount, f.HasCount = count, true
	f.Credit, f.HasCredit = l.limit.Load()-count, true
	return f.Append(dst, l.s.channel)
}
