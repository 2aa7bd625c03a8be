package groups

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// consumer takes messages, settles them in the order in which they come, and leaves again.
type consumer struct {
	run   *Run
	index int
	dice  *rand.Rand
	times int
}

func newConsumer(r *Run, index int) *consumer {
	return &consumer{run: r, index: index, dice: rand.New(rand.NewPCG(r.w.Seed, 1000+uint64(index)))}
}

// taken is a delivery that is not settled.
type taken struct {
	client.Delivery
	group, number int
}

// serve implements worker. It leaves after some messages: the connection is cut, if it does not say
// goodbye, with messages unsettled either way.
func (k *consumer) serve(c client.Client, life uint64) (done bool, err error) {
	w, l := &k.run.w, k.run.ledger
	k.times++
	a := l.attach(fmt.Sprintf("consumer %d.%d", k.index, k.times), life)
	if err := c.Subscribe("c", client.Subscription{Destination: "/queue/" + w.Queue, Prefetch: w.Prefetch}); err != nil {
		return false, err
	}
	var unsettled []taken
	stay := 1 + k.dice.IntN(max(w.Stay, 1))
	goal := 1 + k.dice.IntN(max(w.Prefetch, 1)) // settle some when so many are held
	for got := 0; got < stay; {
		e, err := c.Next(glance)
		idle := errors.Is(err, client.ErrIdle)
		switch {
		case idle:
		case err != nil:
			return false, err
		case e.Err != nil:
			return false, e.Err
		case e.Delivery != nil:
			got++
			d := taken{Delivery: *e.Delivery}
			if len(d.Body) < 8 {
				return false, fmt.Errorf("a body of %d octets", len(d.Body))
			}
			d.group, d.number = int(binary.BigEndian.Uint32(d.Body)), int(binary.BigEndian.Uint32(d.Body[4:]))
			d.Body = nil
			l.deliver(a, d.group, d.number)
			unsettled = append(unsettled, d)
		}
		if len(unsettled) == 0 || len(unsettled) < goal && !idle {
			continue
		}
		goal = 1 + k.dice.IntN(max(w.Prefetch, 1))
		n := 1 + k.dice.IntN(len(unsettled))
		if idle {
			n = len(unsettled)
		}
		for _, d := range unsettled[:n] {
			l.settle(a, d.group, d.number)
			if err := c.Ack(d.Delivery, "", 0); err != nil {
				return false, err
			}
		}
		unsettled = append(unsettled[:0], unsettled[n:]...)
	}
	if k.dice.IntN(2) == 0 {
		return false, errors.New("cut on purpose")
	}
	return false, c.Close()
}
