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

// visit is one connection of a consumer.
type visit struct {
	*consumer
	client.Client
	a         *attachment
	confirmed bool // settlements are to be confirmed
	unsettled []taken
	token     uint64
	waiting   map[uint64][]taken // for the confirmation of their settlement, by token
}

// Why a connection is ended.
var (
	errCut  = errors.New("cut on purpose")
	errLeft = errors.New("the subscription was ended")
)

// serve implements worker. It leaves after some messages: the connection is cut, if it does not say
// goodbye, with messages unsettled either way.
func (k *consumer) serve(c client.Client, life uint64) (done bool, err error) {
	w := &k.run.w
	k.times++
	v := &visit{
		consumer: k, Client: c, waiting: make(map[uint64][]taken),
		a: k.run.ledger.attach(fmt.Sprintf("consumer %d.%d", k.index, k.times), life),
	}
	if err := c.Subscribe("c", client.Subscription{Destination: "/queue/" + w.Queue, Prefetch: w.Prefetch}); err != nil {
		return false, err
	}
	settle := v.settle
	switch kind := k.dice.Float64(); {
	case kind < w.Transacted:
		settle = v.transact
	case kind < w.Transacted+w.Confirmed:
		v.confirmed = true
	}
	stay := 1 + k.dice.IntN(max(w.Stay, 1))
	goal := 1 + k.dice.IntN(max(w.Prefetch, 1)) // settle some when so many are held
	for got := 0; got < stay; {
		e, err := c.Next(glance)
		idle := errors.Is(err, client.ErrIdle)
		if err != nil && !idle {
			return false, err
		}
		if err := v.take(e); err != nil {
			return false, err
		}
		if e.Delivery != nil {
			got++
		}
		if len(v.unsettled) == 0 || len(v.unsettled) < goal && !idle {
			continue
		}
		goal = 1 + k.dice.IntN(max(w.Prefetch, 1))
		n := 1 + k.dice.IntN(len(v.unsettled))
		if idle {
			n = len(v.unsettled)
		}
		switch err := settle(n); {
		case errors.Is(err, errLeft):
			return false, c.Close()
		case err != nil:
			return false, err
		}
	}
	if k.dice.IntN(2) == 0 {
		return false, errCut
	}
	return false, c.Close()
}

// take notes what the broker said.
func (v *visit) take(e client.Event) error {
	l := v.run.ledger
	switch {
	case e.Err != nil:
		return e.Err
	case e.Delivery != nil:
		d := taken{Delivery: *e.Delivery}
		if len(d.Body) < 8 {
			return fmt.Errorf("a body of %d octets", len(d.Body))
		}
		d.group, d.number = int(binary.BigEndian.Uint32(d.Body)), int(binary.BigEndian.Uint32(d.Body[4:]))
		d.Body = nil
		l.deliver(v.a, d.group, d.number)
		v.unsettled = append(v.unsettled, d)
	case e.Token != 0:
		l.finish(v.a, v.waiting[e.Token])
		delete(v.waiting, e.Token)
	}
	return nil
}

// expect returns a token for the confirmation that messages are settled.
func (v *visit) expect(list []taken) uint64 {
	v.token++
	v.waiting[v.token] = list
	return v.token
}

// settle settles the first n of what is held, each on its own.
func (v *visit) settle(n int) error {
	for _, d := range v.unsettled[:n] {
		v.run.ledger.settle(v.a, d.group, d.number)
		token := uint64(0)
		if v.confirmed {
			token = v.expect([]taken{d})
		}
		if err := v.Ack(d.Delivery, "", token); err != nil {
			return err
		}
	}
	v.unsettled = append(v.unsettled[:0], v.unsettled[n:]...)
	return nil
}

// transact settles the first n of what is held in a transaction, and ends that in one of the ways in
// which transactions end.
func (v *visit) transact(n int) error {
	w := &v.run.w
	name := fmt.Sprintf("tx%d", v.token)
	list := append([]taken(nil), v.unsettled[:n]...)
	if err := v.Begin(name); err != nil {
		return err
	}
	for _, d := range list {
		if err := v.Ack(d.Delivery, name, 0); err != nil {
			return err
		}
	}
	if leaver, ok := v.Client.(client.Leaver); ok && v.dice.Float64() < w.Leaves {
		return v.leave(leaver, name, list)
	}
	if v.dice.Float64() < w.Aborts {
		if v.dice.IntN(4) == 0 {
			return v.cut() // the broker does it
		}
		v.run.ledger.abort(v.a, list)
		return v.Abort(name, v.expect(nil))
	}
	for _, d := range list {
		v.run.ledger.settle(v.a, d.group, d.number)
	}
	v.unsettled = append(v.unsettled[:0], v.unsettled[n:]...)
	return v.Commit(name, v.expect(list))
}

// cut lets what was said go out, mostly, before the connection ends.
func (v *visit) cut() error {
	if v.dice.IntN(4) > 0 {
		if err := v.Flush(); err != nil {
			return err
		}
	}
	return errCut
}

// leave ends the subscription while a transaction has some of its messages, and ends that later.
// What comes on the way is not taken: it has gone back.
func (v *visit) leave(c client.Leaver, name string, list []taken) error {
	if err := c.Leave("c"); err != nil {
		return err
	}
	v.run.ledger.leave(v.a, list)
	for range v.dice.IntN(20) {
		if err := v.skip(); err != nil {
			return err
		}
	}
	var token uint64
	switch v.dice.IntN(3) {
	case 0:
		return v.cut()
	case 1:
		v.run.ledger.abort(v.a, list)
		token = v.expect(nil)
		if err := v.Abort(name, token); err != nil {
			return err
		}
	default:
		for _, d := range list {
			v.run.ledger.settle(v.a, d.group, d.number)
		}
		token = v.expect(list)
		if err := v.Commit(name, token); err != nil {
			return err
		}
	}
	for {
		if _, ok := v.waiting[token]; !ok {
			return errLeft
		}
		if err := v.skip(); err != nil {
			return err
		}
	}
}

// skip waits a moment for an event, and takes none that is a delivery.
func (v *visit) skip() error {
	switch e, err := v.Next(glance); {
	case errors.Is(err, client.ErrIdle):
		return nil
	case err != nil:
		return err
	case e.Delivery == nil:
		return v.take(e)
	}
	return nil
}
