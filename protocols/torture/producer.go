package torture

import (
	"errors"
	"fmt"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// producer sends to all sources of the workload, with a window of what is unconfirmed. It takes
// a new number for each connection: a broker that still reads what an old one brought keeps the
// order of each, and none between them.
type producer struct {
	run     *Run
	number  uint32
	dice    dice
	targets []Target
	txs     int
	body    []byte
}

func newProducer(r *Run) *producer {
	return &producer{
		run: r, dice: r.w.dice(r.worker.Add(1)), targets: r.w.sources(),
	}
}

func (*producer) clientID() string { return "" }

func (p *producer) serve(c client.Client, life uint64) error {
	w, l := &p.run.w, p.run.ledger
	waiting := newTokens(l, life)
	defer waiting.giveUp()
	p.number = l.Producer()
	for {
		switch {
		case p.run.calmed(producing):
			if err := waiting.await(c, func(*client.Delivery) {}); err != nil {
				return err
			}
			return errors.Join(errDone, c.Close())
		case len(waiting.waiting) >= max(w.Window, 1):
			if err := listen(c, waiting, patience); err != nil {
				return err
			}
		case w.Backlog > 0 && l.Backlog() > w.Backlog:
			if err := listen(c, waiting, glance); err != nil && !errors.Is(err, client.ErrIdle) {
				return err
			}
		default:
			if err := p.step(c, waiting); err != nil {
				return err
			}
			if p.dice.chance(w.Cuts) {
				return errors.New("cut on purpose")
			}
		}
	}
}

// listen handles one event.
func listen(c client.Client, waiting *tokens, wait time.Duration) error {
	e, err := c.Next(wait)
	if err != nil {
		return err
	}
	return waiting.handle(e)
}

// step sends one message, or a transaction of some.
func (p *producer) step(c client.Client, waiting *tokens) error {
	if !p.dice.chance(p.run.w.Grouped) {
		return p.send(c, waiting, p.target(), nil)
	}
	p.txs++
	tx, err := waiting.begin(c, fmt.Sprintf("p%d-%d", p.number, p.txs))
	if err != nil {
		return err
	}
	for range p.dice.some(p.run.w.Batch) {
		if err := p.send(c, waiting, p.target(), tx); err != nil {
			return err
		}
	}
	return waiting.finish(c, p.dice.chance(p.run.w.Aborts))
}

func (p *producer) target() Target { return p.targets[p.dice.IntN(len(p.targets))] }

// send sends a message of the producer's.
func (p *producer) send(c client.Client, waiting *tokens, to Target, tx *Transaction) error {
	size, persistent := p.dice.size(), !p.dice.chance(p.run.w.Volatile)
	k := waiting.ledger.Attempt(p.number, waiting.life, to, size, persistent, tx)
	p.body = appendBody(p.body[:0], waiting.ledger.run, k, size)
	m := client.Message{Destination: to.Destination, Persistent: persistent, Label: k.String(), Body: p.body}
	if tx != nil {
		m.Transaction = tx.name
		return c.Send(m, 0)
	}
	if p.dice.chance(p.run.w.Unconfirmed) {
		waiting.ledger.giveUp(k, nil)
		return c.Send(m, 0)
	}
	return c.Send(m, waiting.expect(expected{key: k}))
}
