package sessions

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// publisher sends numbered messages, and sends again after each loss of its connection what was
// not acknowledged, under the same identifiers and in the same order.
type publisher struct {
	run     *Run
	index   int
	dice    *rand.Rand
	next    uint64 // number of the next message, from 1
	lastID  uint16
	flight  []sent // in the order of sending
	begun   bool   // the broker has said once that the session is there
	resumed int
}

// sent is a message on its way.
type sent struct {
	id       uint16
	number   uint64
	size     int
	received bool // PUBREC has come: it is PUBREL that is sent again
}

func newPublisher(r *Run, index int) *publisher {
	return &publisher{run: r, index: index, dice: dice(r.w.Seed, uint64(index)), next: 1}
}

func (p *publisher) id() string { return fmt.Sprintf("%s/p%d", p.run.w.Name, p.index) }

func (p *publisher) topic() []byte { return fmt.Appendf(nil, "%s/%d", p.run.w.Name, p.index) }

// serve implements client.
func (p *publisher) serve(c *conn, present bool) (done bool, err error) {
	if present {
		p.resumed++
	} else if p.begun {
		p.run.violate("the session of %s is gone", p.id())
	}
	p.begun = true
	for i := range p.flight {
		if s := &p.flight[i]; s.received {
			c.answer(packet.Pubrel, s.id)
		} else {
			p.publish(c, s, true)
		}
	}
	finishing := false
	for {
		select {
		case <-p.run.calm:
			finishing = true
		default:
		}
		for !finishing && len(p.flight) < max(p.run.w.Window, 1) && !p.crowded() {
			p.flight = append(p.flight, sent{id: p.unused(), number: p.next, size: p.dice.IntN(max(p.run.w.Size, 1))})
			p.next++
			p.publish(c, &p.flight[len(p.flight)-1], false)
		}
		wait := answerTime
		if len(p.flight) == 0 {
			if finishing {
				return true, nil
			}
			wait = 5 * time.Millisecond
		}
		k, err := c.next(wait)
		var ne net.Error
		if errors.Is(err, os.ErrDeadlineExceeded) && len(p.flight) == 0 && errors.As(err, &ne) {
			continue
		}
		if err != nil {
			return false, err
		}
		if err := p.hear(c, k); err != nil {
			return false, err
		}
		if p.dice.Float64() < p.run.w.Cuts {
			return false, errors.New("cut on purpose")
		}
	}
}

// crowded reports whether a subscriber is far behind.
func (p *publisher) crowded() bool {
	if p.run.w.Backlog == 0 {
		return false
	}
	for _, s := range p.run.subscribers {
		if int(p.next)-int(s.at(p.index)) > p.run.w.Backlog {
			return true
		}
	}
	return false
}

// unused returns an identifier that is not in flight.
func (p *publisher) unused() uint16 {
	for {
		if p.lastID++; p.lastID == 0 {
			p.lastID = 1
		}
		free := true
		for i := range p.flight {
			free = free && p.flight[i].id != p.lastID
		}
		if free {
			return p.lastID
		}
	}
}

func (p *publisher) publish(c *conn, s *sent, again bool) {
	payload := make([]byte, 12, 12+s.size)
	binary.BigEndian.PutUint32(payload, uint32(p.index))
	binary.BigEndian.PutUint64(payload[4:], s.number)
	for i := range s.size {
		payload = append(payload, byte(s.number)+byte(i))
	}
	h := packet.PublishHead{Dup: again, QoS: p.run.w.QoS, ID: s.id, Topic: p.topic()}
	c.out = packet.AppendPublish(c.out, c.v, &h, payload)
}

// hear takes an acknowledgement.
func (p *publisher) hear(c *conn, k *packet.Packet) error {
	at := -1
	for i := range p.flight {
		if p.flight[i].id == k.ID {
			at = i
			break
		}
	}
	if k.Reason.Failed() && k.Reason != packet.IDNotFound {
		return fmt.Errorf("%v %v", k.Type, k.Reason)
	}
	switch {
	case k.Type == packet.Pubrec && p.run.w.QoS == 2:
		if at >= 0 {
			p.flight[at].received = true
		}
		c.answer(packet.Pubrel, k.ID)
	case k.Type == packet.Puback && p.run.w.QoS == 1, k.Type == packet.Pubcomp && p.run.w.QoS == 2:
		if at >= 0 {
			p.flight = append(p.flight[:at], p.flight[at+1:]...)
			p.run.progress(1)
		}
	default:
		return fmt.Errorf("unexpected %v", k.Type)
	}
	return nil
}
