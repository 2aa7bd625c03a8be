package sessions

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// subscriber receives everything, and keeps the identifiers of QoS 2 messages that were not
// released over connections, as the protocol asks of a client.
type subscriber struct {
	run        *Run
	index      int
	dice       *rand.Rand
	subscribed chan<- struct{}
	begun      bool
	quiet      chan struct{}       // closed when nothing has come for a while after all had to
	unreleased map[uint16]struct{} // QoS 2
	first      []atomic.Uint64     // per publisher: the highest number so far, all below it have come
	received   int
	repeated   int
	resumed    int
	settling   atomic.Bool
}

func newSubscriber(r *Run, index int, subscribed chan<- struct{}) *subscriber {
	return &subscriber{
		run: r, index: index, dice: dice(r.w.Seed, 1000+uint64(index)), subscribed: subscribed, quiet: make(chan struct{}),
		unreleased: make(map[uint16]struct{}), first: make([]atomic.Uint64, r.w.Publishers),
	}
}

func (s *subscriber) id() string { return fmt.Sprintf("%s/s%d", s.run.w.Name, s.index) }

// at returns the number of the last message of a publisher that has come.
func (s *subscriber) at(publisher int) uint64 { return s.first[publisher].Load() }

// missing says which messages have not come, "" if all have.
func (s *subscriber) missing(list []*publisher) string {
	for _, p := range list {
		if last := s.at(p.index); last < p.next-1 {
			return fmt.Sprintf("messages %d to %d of publisher %d", last+1, p.next-1, p.index)
		}
	}
	return ""
}

// settle returns when nothing has come to the subscriber for a while: a message that comes twice
// may come late.
func (s *subscriber) settle(ctx context.Context) error {
	s.settling.Store(true)
	select {
	case <-s.quiet:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settleTime is for how long nothing more may come at the end.
const settleTime = 300 * time.Millisecond

// serve implements client.
func (s *subscriber) serve(c *conn, present bool) (done bool, err error) {
	switch {
	case present:
		s.resumed++
	case s.begun:
		s.run.violate("the session of %s is gone", s.id())
	}
	if !s.begun {
		filter := packet.Filter{Filter: []byte(s.run.w.Name + "/#"), Options: packet.Options(s.run.w.QoS)}
		c.out = packet.AppendFilters(c.out, c.v, packet.Subscribe, 1, []packet.Filter{filter}, nil)
	}
	for {
		wait := settleTime
		p, err := c.next(wait)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			if s.settling.Load() {
				close(s.quiet)
				return true, nil
			}
			continue
		}
		if err != nil {
			return false, err
		}
		if err := s.hear(c, p); err != nil {
			return false, err
		}
		if s.dice.Float64() < s.run.w.Cuts {
			return false, errors.New("cut on purpose")
		}
	}
}

// hear takes a packet.
func (s *subscriber) hear(c *conn, p *packet.Packet) error {
	switch {
	case p.Type == packet.Suback:
		if len(p.Codes()) != 1 || p.Codes()[0] != s.run.w.QoS {
			return fmt.Errorf("SUBACK %x", p.Codes())
		}
		if !s.begun {
			s.begun = true
			s.subscribed <- struct{}{}
		}
	case p.Type == packet.Pubrel && s.run.w.QoS == 2:
		delete(s.unreleased, p.ID)
		c.answer(packet.Pubcomp, p.ID)
	case p.Type == packet.Publish && p.QoS == s.run.w.QoS:
		if p.QoS == 1 {
			s.take(p)
			c.answer(packet.Puback, p.ID)
			return nil
		}
		if _, again := s.unreleased[p.ID]; !again {
			s.unreleased[p.ID] = struct{}{}
			s.take(p)
		}
		c.answer(packet.Pubrec, p.ID)
	default:
		return fmt.Errorf("unexpected %v with QoS %d", p.Type, p.QoS)
	}
	return nil
}

// take checks a message that was handed over.
func (s *subscriber) take(p *packet.Packet) {
	b := p.Payload
	if len(b) < 12 {
		s.run.violate("%s got a payload of %d octets", s.id(), len(b))
		return
	}
	publisher, number := int(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint64(b[4:])
	for i, c := range b[12:] {
		if c != byte(number)+byte(i) {
			s.run.violate("%s got a damaged payload of message %d", s.id(), number)
			return
		}
	}
	if publisher >= len(s.first) {
		s.run.violate("%s got a message of publisher %d", s.id(), publisher)
		return
	}
	s.received++
	last := s.first[publisher].Load()
	switch {
	case number == last+1:
		s.first[publisher].Store(number)
	case number > last:
		s.run.violate("%s got message %d of publisher %d after %d", s.id(), number, publisher, last)
		s.first[publisher].Store(number)
	case s.run.w.QoS == 2:
		s.run.violate("%s got message %d of publisher %d twice", s.id(), number, publisher)
	default:
		s.repeated++
	}
	s.run.progress(0)
}
