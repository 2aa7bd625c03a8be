package groups

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// How long a worker looks for events before it looks around, and how long it waits for a
// confirmation before it gives the connection up.
const (
	glance   = 5 * time.Millisecond
	patience = 60 * time.Second
)

// producer sends to groups that nobody else sends to.
type producer struct {
	run   *Run
	index int
	dice  *rand.Rand
	body  []byte
}

func newProducer(r *Run, index int) *producer {
	return &producer{run: r, index: index, dice: rand.New(rand.NewPCG(r.w.Seed, uint64(index)))}
}

// sent is a message that is not confirmed yet.
type sent struct{ group, number, sequence int }

// serve implements worker.
func (p *producer) serve(c client.Client, _ uint64) (done bool, err error) {
	w, l := &p.run.w, p.run.ledger
	waiting := make(map[uint64]sent)
	defer func() {
		for _, s := range waiting {
			l.doubt(s.group, s.number)
		}
	}()
	for token := uint64(1); ; {
		wait := glance
		switch finishing := p.run.finishing(); {
		case finishing && len(waiting) == 0:
			return true, c.Close()
		case finishing || len(waiting) >= max(w.Window, 1):
			wait = patience
		case w.Backlog > 0 && l.backlog() >= w.Backlog:
		default:
			s := sent{group: p.group(), sequence: p.sequence()}
			s.number = l.attempt(s.group, s.sequence)
			waiting[token] = s
			if err := c.Send(p.message(s), token); err != nil {
				return false, err
			}
			token++
			continue
		}
		e, err := c.Next(wait)
		switch {
		case errors.Is(err, client.ErrIdle) && wait == glance:
			continue
		case err != nil:
			return false, err
		case e.Err != nil:
			return false, e.Err
		}
		if s, ok := waiting[e.Token]; ok {
			delete(waiting, e.Token)
			l.confirm(s.group, s.number)
		}
	}
}

// group picks one of the producer's own.
func (p *producer) group() int {
	n := (p.run.w.Groups - p.index + p.run.w.Producers - 1) / p.run.w.Producers
	return p.index + p.run.w.Producers*p.dice.IntN(n)
}

// sequence returns the JMSXGroupSeq of the next message: of most it says nothing.
func (p *producer) sequence() int {
	switch w, at := &p.run.w, p.dice.Float64(); {
	case at < w.Closes:
		return -1
	case at < w.Closes+w.Begins:
		return 1
	}
	return 0
}

func (p *producer) message(s sent) client.Message {
	p.body = binary.BigEndian.AppendUint32(p.body[:0], uint32(s.group))
	p.body = binary.BigEndian.AppendUint32(p.body, uint32(s.number))
	for range p.dice.IntN(max(p.run.w.Size-8, 1)) {
		p.body = append(p.body, byte(s.number))
	}
	return client.Message{Destination: "/queue/" + p.run.w.Queue, Persistent: true, Group: "g" + strconv.Itoa(s.group), Sequence: s.sequence, Body: p.body}
}
