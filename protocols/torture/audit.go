package torture

import "fmt"

// Audit compares the ledger with the promises of a broker. It is to be asked when everything
// that was left has been drained: only then is what did not come lost.
func (l *Ledger) Audit() Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Report{Run: l.run, Lives: l.life, Counts: l.counts}
	for _, v := range l.broken {
		r.add(v)
	}
	for producer := range l.producers {
		for _, m := range l.messages[producer+1] {
			for place := range m.copies {
				l.auditCopy(&r, m, place)
			}
		}
	}
	for _, t := range l.txs {
		auditTransaction(&r, t)
	}
	return r
}

func (l *Ledger) auditCopy(r *Report, m *message, place int) {
	c := &m.copies[place]
	broken := func(kind Kind) {
		r.add(Violation{kind, m.key, m.target.Places[place], m.history(place)})
	}
	if m.outcome() == void && len(c.deliveries) > 0 {
		broken(Uncommitted)
	}
	if l.mustExist(m, c) && !c.settledPerhaps() {
		broken(Lost)
	}
	if repeatedUnflagged(c) {
		broken(Unflagged)
	}
	for _, s := range c.settlements {
		if s.outcome() == certain && c.deliveredAfter(s.attemptedAt()) {
			broken(Returned)
			break
		}
	}
}

// mustExist reports whether a copy has to be there until it is settled: since it was confirmed,
// or since a consumer has seen it.
func (l *Ledger) mustExist(m *message, c *record) bool {
	if m.outcome() == void || m.target.AtMostOnce {
		return false // a void one is reported if it is delivered; of the others nothing was promised
	}
	if n := len(c.deliveries); n > 0 {
		return m.persistent || c.deliveries[n-1].at.life == l.life
	}
	if m.outcome() != certain {
		return false
	}
	since := m.confirmed
	if m.tx != nil {
		since = m.tx.finished
	}
	return m.persistent || since.life == l.life
}

// repeatedUnflagged reports whether a delivery after the first did not say to be one.
func repeatedUnflagged(c *record) bool {
	for _, d := range c.deliveries {
		if !d.redelivered {
			for _, earlier := range c.deliveries {
				if earlier.at.before(d.at) {
					return true
				}
			}
		}
	}
	return false
}

// auditTransaction looks for signs that a transaction whose commit was attempted took effect, and
// for signs that it did not. Non-persistent messages give none of the latter: they may vanish.
func auditTransaction(r *Report, t *Transaction) {
	if t.phase != committing && t.phase != committed {
		return
	}
	applied, missing := t.evidence()
	if applied != nil && missing != nil {
		r.add(halfApplied(t, *applied, *missing))
	}
}

// sign is a copy that shows what became of a transaction.
type sign struct {
	copy Copy
	text string
}

// evidence returns the first sign for each case, nil if there is none.
func (t *Transaction) evidence() (applied, missing *sign) {
	note := func(to **sign, m *message, place int, text string) {
		if *to == nil {
			*to = &sign{Copy{m, place}, text}
		}
	}
	for _, m := range t.sends {
		for place := range m.copies {
			c := &m.copies[place]
			switch {
			case len(c.deliveries) > 0:
				note(&applied, m, place, "its message came")
			case m.persistent && !m.target.AtMostOnce && !c.settledPerhaps():
				note(&missing, m, place, "its message never came")
			}
		}
	}
	for _, s := range t.settled {
		if !s.message.persistent || s.message.target.AtMostOnce {
			continue
		}
		c := &s.message.copies[s.place]
		switch {
		case c.deliveredAfter(t.at):
			note(&missing, s.message, s.place, "the message that it settled came again")
		case s.message.existed(c) && !c.settledOtherwise(t):
			note(&applied, s.message, s.place, "the message that it settled did not come again")
		}
	}
	return applied, missing
}

// existed reports whether a copy certainly was there. What came from a broker was; but a fork
// forgets what came after its mark.
func (m *message) existed(c *record) bool {
	return len(c.deliveries) > 0 || m.outcome() == certain
}

// settledOtherwise reports whether a settlement other than the transaction's may be why the copy
// did not come again.
func (r *record) settledOtherwise(t *Transaction) bool {
	for _, s := range r.settlements {
		if s.tx != t && s.outcome() != void {
			return true
		}
	}
	return false
}

func halfApplied(t *Transaction, applied, missing sign) Violation {
	at := func(s sign) string {
		m := s.copy.message
		return fmt.Sprintf("%s: %v at %s [%s]", s.text, m.key, m.target.Places[s.copy.place], m.history(s.copy.place))
	}
	return Violation{
		Kind: HalfApplied, Key: applied.copy.Key(), Place: applied.copy.message.target.Places[applied.copy.place],
		Detail: fmt.Sprintf("transaction %s, %s; %s; but %s", t.name, t.describe(), at(applied), at(missing)),
	}
}
