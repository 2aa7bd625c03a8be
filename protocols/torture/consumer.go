package torture

import (
	"errors"
	"fmt"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// consumer drains an outlet, settles what it gets in its own time, and may send on what it
// settles in the same transaction.
type consumer struct {
	run    *Run
	outlet outlet
	mode   client.Settlement
	dice   dice
	sender *producer // of what is sent on; nil if nothing is
	to     Target
	number uint64 // of the worker
	txs    int
}

func newConsumer(r *Run, o outlet, mode client.Settlement) *consumer {
	number := r.worker.Add(1)
	c := &consumer{run: r, outlet: o, mode: mode, dice: r.w.dice(number), number: number}
	for i := range r.w.Relays {
		if o.place == r.w.relayIn(i).Places[0] {
			c.sender, c.to = newProducer(r), r.w.relayOut(i)
		}
	}
	return c
}

func (k *consumer) clientID() string { return k.outlet.durable }

// held is a delivery that is not settled yet.
type held struct {
	delivery client.Delivery
	copy     Copy
}

func (k *consumer) serve(c client.Client, life uint64) error {
	l := k.run.ledger
	attachment := l.Attach(k.outlet.place, life)
	defer l.Detach(attachment)
	if err := c.Subscribe("c", k.outlet.subscription(k.mode, k.run.w.Prefetch)); err != nil {
		return err
	}
	waiting := newTokens(l, life)
	defer waiting.giveUp()
	if k.sender != nil {
		k.sender.number = l.Producer()
	}
	var unsettled []held
	take := func(d *client.Delivery) {
		if copied, ok := l.Deliver(attachment, *d); ok && k.mode == client.Auto {
			l.Settle(life, []Copy{copied}, nil) // by the broker, and nobody will confirm it
		} else if ok {
			d.Body = nil // checked, and large
			unsettled = append(unsettled, held{*d, copied})
		} else if k.mode == client.Individual || k.mode == client.Unconfirmed {
			// Noted as a violation; out of the way. An error shows at the next flush.
			_ = c.Ack(*d, "", 0)
		}
	}
	goal := k.dice.some(k.run.w.Batch) // settle when so many are held
	for !k.run.calmed(consuming) {
		e, err := c.Next(glance)
		idle := errors.Is(err, client.ErrIdle)
		switch {
		case idle:
		case err != nil:
			return err
		case e.Delivery != nil:
			take(e.Delivery)
		default:
			if err := waiting.handle(e); err != nil {
				return err
			}
		}
		if k.mode == client.Auto && !idle && k.dice.chance(k.run.w.Cuts) {
			return errors.New("cut on purpose")
		}
		if len(unsettled) < goal && !idle || len(unsettled) == 0 {
			continue
		}
		if unsettled, err = k.settle(c, waiting, unsettled); err != nil {
			return err
		}
		goal = k.dice.some(k.run.w.Batch)
		if k.dice.chance(k.run.w.Cuts) {
			return errors.New("cut on purpose")
		}
	}
	if err := waiting.await(c, take); err != nil {
		return err
	}
	l.Detach(attachment) // what it leaves may be with another before Close returns
	return errors.Join(errDone, c.Close())
}

// settle settles some of what is held, and returns the rest.
func (k *consumer) settle(c client.Client, waiting *tokens, unsettled []held) ([]held, error) {
	n := k.dice.some(len(unsettled))
	if k.mode != client.Cumulative && k.dice.chance(0.5) {
		// In no order: what is left out waits, with holes around it.
		k.dice.Shuffle(len(unsettled), func(i, j int) { unsettled[i], unsettled[j] = unsettled[j], unsettled[i] })
	}
	now, rest := unsettled[:n], unsettled[n:]
	if k.sender == nil && !k.dice.chance(k.run.w.Grouped) {
		return rest, k.acknowledge(c, waiting, now, nil)
	}
	k.txs++
	tx, err := waiting.begin(c, fmt.Sprintf("c%d-%d", k.number, k.txs))
	if err != nil {
		return nil, err
	}
	if err := k.acknowledge(c, waiting, now, tx); err != nil {
		return nil, err
	}
	if k.sender != nil {
		for range k.dice.some(len(now)) {
			if err := k.sender.send(c, waiting, k.to, tx); err != nil {
				return nil, err
			}
		}
	}
	abort := k.dice.chance(k.run.w.Aborts)
	if _, releases := c.(client.Releasing); abort && !releases {
		rest = unsettled // the deliveries are unsettled again, and this consumer's
	}
	return rest, waiting.finish(c, abort)
}

func (k *consumer) acknowledge(c client.Client, waiting *tokens, now []held, tx *Transaction) error {
	if k.mode == client.Cumulative {
		copies := make([]Copy, len(now))
		for i := range now {
			copies[i] = now[i].copy
		}
		return acknowledge(c, waiting, now[len(now)-1].delivery, copies, tx, true)
	}
	for i := range now {
		if err := acknowledge(c, waiting, now[i].delivery, []Copy{now[i].copy}, tx, k.mode != client.Unconfirmed); err != nil {
			return err
		}
	}
	return nil
}

// acknowledge notes and sends one ack, which settles copies. Alone it is to be confirmed, where the
// subscription confirms at all; in a transaction that is the commit's matter.
func acknowledge(c client.Client, waiting *tokens, d client.Delivery, copies []Copy, tx *Transaction, confirm bool) error {
	settled := waiting.ledger.Settle(waiting.life, copies, tx)
	switch {
	case tx != nil:
		return c.Ack(d, tx.name, 0)
	case !confirm:
		return c.Ack(d, "", 0)
	}
	return c.Ack(d, "", waiting.expect(expected{settled: settled}))
}
