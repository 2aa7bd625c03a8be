package torture

import "slices"

// Mark is a point in a ledger's time.
type Mark struct{ at uint64 }

// Mark returns the present.
func (l *Ledger) Mark() Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Mark{l.clock}
}

// Fork returns the ledger as it has to be held against a copy of the broker's data that was
// taken some time after the mark: what was confirmed since may be in the copy or not, and what
// was delivered since may be delivered from the copy as if for the first time.
func (l *Ledger) Fork(since Mark) *Ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := NewLedger(l.run)
	f.clock, f.life, f.producers = l.clock, l.life, l.producers
	f.broken = slices.Clone(l.broken)
	f.counts = l.counts
	txs := make(map[*Transaction]*Transaction, len(l.txs))
	for _, t := range l.txs {
		c := &Transaction{name: t.name, phase: t.phase, at: t.at, finished: t.finished}
		if t.phase == committed && since.at < t.finished.at {
			c.phase, c.finished = committing, moment{}
		}
		txs[t] = c
		f.txs = append(f.txs, c)
	}
	settled := make(map[*Settled]*Settled)
	for producer, list := range l.messages {
		for _, m := range list {
			f.messages[producer] = append(f.messages[producer], m.fork(since, txs, settled))
		}
	}
	for t, c := range txs {
		for _, m := range t.sends {
			c.sends = append(c.sends, f.find(m.key))
		}
		for _, s := range t.settled {
			c.settled = append(c.settled, settledCopy{f.find(s.message.key), s.place})
		}
	}
	return f
}

func (m *message) fork(since Mark, txs map[*Transaction]*Transaction, settled map[*Settled]*Settled) *message {
	c := *m
	c.tx = txs[m.tx]
	if m.state == confirmed && since.at < m.confirmed.at {
		c.state, c.confirmed = attempted, moment{}
	}
	c.copies = make([]record, len(m.copies))
	for i := range m.copies {
		for _, d := range m.copies[i].deliveries {
			if d.at.at <= since.at {
				c.copies[i].deliveries = append(c.copies[i].deliveries, d)
			}
		}
		for _, s := range m.copies[i].settlements {
			if settled[s] == nil {
				n := *s
				n.tx = txs[s.tx]
				if s.state == confirmed && since.at < s.confirmed.at {
					n.state, n.confirmed = attempted, moment{}
				}
				settled[s] = &n
			}
			c.copies[i].settlements = append(c.copies[i].settlements, settled[s])
		}
	}
	return &c
}
