package torture

import (
	"fmt"
	"strings"
)

// Target is a destination with the places to which it leads.
type Target struct {
	Destination string
	Places      []string // queues and durable subscriptions, as named to Ledger.Attach
	AtMostOnce  bool     // its messages are settled when they leave the broker, and may be lost on the way
}

// message is what the ledger knows about a message.
type message struct {
	key        Key
	size       int
	persistent bool
	target     Target
	tx         *Transaction
	state      state
	at         moment // of the attempt
	confirmed  moment
	copies     []record // by the target's places
}

// state is how far a message, a settlement or a commit has come.
type state uint8

const (
	attempted state = iota
	confirmed
	refused
)

// record is what happened to a message's copy at one place.
type record struct {
	deliveries  []delivery
	settlements []*Settled
	counted     bool // in the ledger's backlog
}

type delivery struct {
	at          moment
	redelivered bool
}

// Settled is an attempt to settle deliveries.
type Settled struct {
	tx        *Transaction
	copies    int // settled at once
	state     state
	at        moment
	confirmed moment
}

// phase is how far a transaction has come.
type phase uint8

const (
	open       phase = iota // also: cut off before its commit was attempted
	committing              // the broker may have it or not
	committed
	aborted
	doubtful // part of it was refused: nothing can be said
)

// Transaction is a group of sends and settlements that takes effect whole or not at all.
type Transaction struct {
	name     string
	phase    phase
	at       moment // of the attempt to commit
	finished moment // of the commit's confirmation
	sends    []*message
	settled  []settledCopy
}

type settledCopy struct {
	message *message
	place   int
}

// outcome is what may have become of something that was attempted.
type outcome uint8

const (
	void    outcome = iota // it had no effect
	perhaps                // it may have had
	certain                // it had
)

// outcome of the transaction, by what the broker said.
func (t *Transaction) outcome() outcome {
	switch t.phase {
	case committed:
		return certain
	case committing, doubtful:
		return perhaps
	}
	return void
}

// outcome of the settlement, by what the broker said.
func (s *Settled) outcome() outcome {
	switch {
	case s.tx != nil:
		return s.tx.outcome()
	case s.state == confirmed:
		return certain
	}
	return perhaps
}

// attemptedAt is when the settlement was attempted in earnest.
func (s *Settled) attemptedAt() moment {
	if s.tx != nil && s.tx.phase != open {
		return s.tx.at
	}
	return s.at
}

// outcome of the send, by what the broker said.
func (m *message) outcome() outcome {
	switch {
	case m.state == refused:
		return void
	case m.tx != nil:
		return m.tx.outcome()
	case m.state == confirmed:
		return certain
	}
	return perhaps
}

// settledPerhaps reports whether any settlement of the copy can have taken effect.
func (r *record) settledPerhaps() bool {
	for _, s := range r.settlements {
		if s.outcome() != void {
			return true
		}
	}
	return false
}

// deliveredAfter reports whether the copy was delivered after a moment.
func (r *record) deliveredAfter(m moment) bool {
	for _, d := range r.deliveries {
		if m.before(d.at) {
			return true
		}
	}
	return false
}

// history tells what happened to a copy, for reports.
func (m *message) history(place int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d octets, sent %v", m.size, m.at)
	switch {
	case m.tx != nil:
		fmt.Fprintf(&b, " in transaction %s, %s", m.tx.name, m.tx.describe())
	case m.state == confirmed:
		fmt.Fprintf(&b, ", confirmed %v", m.confirmed)
	case m.state == refused:
		b.WriteString(", refused")
	default:
		b.WriteString(", not confirmed")
	}
	if !m.persistent {
		b.WriteString(", not persistent")
	}
	for _, d := range m.copies[place].deliveries {
		fmt.Fprintf(&b, "; delivered %v", d.at)
		if d.redelivered {
			b.WriteString(" as redelivered")
		}
	}
	for _, s := range m.copies[place].settlements {
		fmt.Fprintf(&b, "; settled %v", s.at)
		switch {
		case s.tx != nil:
			fmt.Fprintf(&b, " in transaction %s, %s", s.tx.name, s.tx.describe())
		case s.state == confirmed:
			fmt.Fprintf(&b, ", confirmed %v", s.confirmed)
		default:
			b.WriteString(", not confirmed")
		}
	}
	return b.String()
}

func (t *Transaction) describe() string {
	switch t.phase {
	case committing:
		return fmt.Sprintf("commit attempted %v", t.at)
	case committed:
		return fmt.Sprintf("committed %v", t.finished)
	case aborted:
		return "aborted"
	case doubtful:
		return "refused in part"
	}
	return "not committed"
}
