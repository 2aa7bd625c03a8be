package amqp

import (
	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// acks are acceptances that arrived within one read burst and follow each other: they are settled
// as one range.
type acks struct {
	l           *sender
	first, last uint64
	listed      bool
}

// add settles deliveries at the end of the burst.
func (a *acks) add(s *session, l *sender, first, last uint64) {
	if a.l == l && first == a.last+1 {
		a.last = last
		return
	}
	a.flush(s)
	*a = acks{l, first, last, true}
	s.c.dirty = append(s.c.dirty, s)
}

// flush settles what add gathered.
func (a *acks) flush(s *session) {
	if a.l == nil {
		return
	}
	l, first, last := a.l, a.first, a.last
	*a = acks{}
	l.settle(first, last, broker.Outcome{}, 0)
}

// settle gives deliveries an outcome.
func (l *sender) settle(first, last uint64, o broker.Outcome, t broker.Token) {
	if l.sub == nil || l.browser || l.isOver() {
		if t != 0 {
			l.s.c.core.Confirm(t)
		}
		return
	}
	if _, err := l.sub.Settle(first, last, o, nil, t); err != nil {
		l.s.c.o.Log.Debug("settle", "client", l.s.c.container, "error", err)
	}
}

// disposition serves disposition. [AMQP 2.6.12, 2.7.6] Deliveries that are not known, or have an
// outcome already, are left out.
func (s *session) disposition(f wire.Fields) error {
	d, err := frame.ParseDisposition(f)
	if err != nil {
		return err
	}
	if d.Last-d.First > 1<<31 {
		return violation(frame.InvalidField, "the range of delivery-ids is upside down")
	}
	if d.Role == frame.Sender {
		if d.Settled {
			s.released(d.First, d.Last)
		}
		return nil
	}
	state, err := frame.ParseState(d.State)
	if err != nil {
		return err
	}
	switch {
	case state.InTransaction:
		return s.retire(&d, &state)
	case state.Kind == frame.NoState && !d.Settled, state.Kind == frame.Received && !d.Settled:
		return nil // it is still on its way
	}
	s.spans = s.spans[:0]
	s.mu.Lock()
	s.runs.find(d.First, d.Last, func(l *sender, id uint32, first, last uint64) {
		s.spans = append(s.spans, span{l, id, first, last})
	})
	s.mu.Unlock()
	for _, k := range s.spans {
		if k.l.isOver() {
			continue
		}
		o := outcomeOf(&state)
		if !state.Kind.IsOutcome() {
			o = k.l.unsaid() // settled without an outcome
		}
		switch {
		case o.Kind == broker.Accepted && d.Settled:
			s.acks.add(s, k.l, k.first, k.last)
		case d.Settled:
			s.flush()
			k.l.settle(k.first, k.last, o, 0)
		default:
			s.flush()
			k.l.settle(k.first, k.last, o, s.echo(&k, &state))
		}
	}
	return nil
}

// span is a part of a disposition: deliveries of one link.
type span struct {
	l           *sender
	id          uint32
	first, last uint64
}

// echo returns a token with whose confirmation the client hears that we have settled: it has not,
// and waits for that. [AMQP 2.6.12]
func (s *session) echo(k *span, state *frame.State) broker.Token {
	d := frame.Disposition{
		Role: frame.Sender, First: k.id, Last: k.id + uint32(k.last-k.first), Settled: true, State: state.Append(nil),
	}
	return s.c.token(func(dst []byte, err error) []byte {
		if err != nil || s.over.Load() {
			return dst
		}
		return d.Append(dst, s.channel)
	})
}
