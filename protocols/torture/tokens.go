package torture

import (
	"fmt"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// tokens is what one connection waits for: each token with what is to be noted when the broker
// confirms it.
type tokens struct {
	ledger  *Ledger
	life    uint64
	last    uint64
	waiting map[uint64]expected
	open    *Transaction // begun and neither committed nor aborted
}

// expected is a send, a settlement or a commit; an abort has none of them.
type expected struct {
	key     Key
	settled *Settled
	tx      *Transaction
}

func newTokens(l *Ledger, life uint64) *tokens {
	return &tokens{ledger: l, life: life, waiting: make(map[uint64]expected)}
}

// begin starts a transaction.
func (t *tokens) begin(c client.Client, name string) (*Transaction, error) {
	t.open = t.ledger.Begin(name)
	return t.open, c.Begin(name)
}

// finish commits or aborts the open transaction.
func (t *tokens) finish(c client.Client, abort bool) error {
	tx := t.open
	t.open = nil
	if abort {
		t.ledger.Aborted(tx)
		return c.Abort(tx.name, t.expect(expected{}))
	}
	t.ledger.Committing(tx, t.life)
	return c.Commit(tx.name, t.expect(expected{tx: tx}))
}

// giveUp is for the end of the connection.
func (t *tokens) giveUp() {
	if t.open != nil {
		t.ledger.Aborted(t.open)
	}
	for _, x := range t.waiting {
		t.ledger.giveUp(x.key, x.tx)
	}
}

// expect returns a token for what is sent next.
func (t *tokens) expect(e expected) uint64 {
	t.last++
	t.waiting[t.last] = e
	return t.last
}

// resolve notes what the broker said about a token.
func (t *tokens) resolve(e client.Event) error {
	x, ok := t.waiting[e.Token]
	delete(t.waiting, e.Token)
	switch {
	case e.Err != nil && !ok:
		return e.Err // of what, nobody knows: the connection's transactions fail with it
	case !ok:
		return fmt.Errorf("token %d was confirmed, but is not waited for", e.Token)
	case e.Err != nil && x.key != (Key{}):
		t.ledger.Refuse(x.key)
		return nil
	case e.Err != nil && x.tx != nil:
		t.ledger.Doubt(x.tx)
		return e.Err
	case e.Err != nil:
		return e.Err
	case x.key != (Key{}):
		t.ledger.Confirm(x.key, t.life)
	case x.settled != nil:
		t.ledger.SettleConfirmed(x.settled, t.life)
	case x.tx != nil:
		t.ledger.Committed(x.tx, t.life)
	}
	return nil
}

// doubt gives up on the transactions that wait for their commit's confirmation, because the
// broker refused something that may have been theirs.
func (t *tokens) doubt() {
	for _, x := range t.waiting {
		if x.tx != nil {
			t.ledger.Doubt(x.tx)
		}
	}
}

// await handles events until no token is waited for. Deliveries are handed to deliver.
func (t *tokens) await(c client.Client, deliver func(*client.Delivery)) error {
	for len(t.waiting) > 0 {
		e, err := c.Next(patience)
		if err != nil {
			return fmt.Errorf("%d confirmations are missing: %w", len(t.waiting), err)
		}
		if e.Delivery != nil {
			deliver(e.Delivery)
			continue
		}
		if err := t.handle(e); err != nil {
			return err
		}
	}
	return nil
}

// handle resolves a token, and doubts what an unexplained refusal may have hit.
func (t *tokens) handle(e client.Event) error {
	err := t.resolve(e)
	if err != nil && e.Err != nil {
		t.doubt()
	}
	return err
}
