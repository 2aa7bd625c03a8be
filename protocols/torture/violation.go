package torture

import "fmt"

// Kind is a promise that was broken.
type Kind uint8

// The kinds of violations.
const (
	// Lost: a message that was confirmed, or seen by a consumer, is gone without a settlement.
	Lost Kind = iota
	// Damaged: what was received is not what was sent.
	Damaged
	// Unknown: a message was received that nobody sent, or where nobody sent it.
	Unknown
	// Returned: a message came again after its settlement had been confirmed.
	Returned
	// Unflagged: a message came again and did not say so.
	Unflagged
	// Uncommitted: a message came of a transaction that never was committed, or that was refused.
	Uncommitted
	// HalfApplied: a transaction took effect in part.
	HalfApplied
	// OutOfOrder: first deliveries of one producer's messages came in another order than sent.
	OutOfOrder
	kinds
)

// String names the kind.
func (k Kind) String() string {
	return [kinds]string{
		"lost", "damaged", "unknown", "returned after its settlement was confirmed", "redelivered without the flag",
		"delivered although not committed", "transaction half applied", "out of order",
	}[k]
}

// Violation is one broken promise.
type Violation struct {
	Kind   Kind
	Key    Key    // of the message; zero where there is none
	Place  string // where it waited: a queue or a durable subscription
	Detail string // what the ledger knows
}

// String is the violation in a line.
func (v Violation) String() string {
	text := v.Kind.String()
	if v.Key != (Key{}) {
		text += ": message " + v.Key.String()
	}
	if v.Place != "" {
		text += " at " + v.Place
	}
	if v.Detail != "" {
		text += fmt.Sprintf(" (%s)", v.Detail)
	}
	return text
}
