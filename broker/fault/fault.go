// Package fault is the broker's closed set of error kinds. Every error that leaves the core
// is, or wraps, a *fault.Error, so that each protocol can answer it from one table.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what went wrong in terms that a client can act on.
type Kind uint8

// The kinds. Each protocol has one table from kind to its own answer.
const (
	Internal        Kind = iota // a defect or an unexpected condition on our side
	NotFound                    // the named object does not exist
	Exists                      // the named object exists already
	InvalidName                 // the name can't be used for this kind of object
	InvalidSelector             // the message selector does not parse
	Unauthenticated             // who the client says it is was not proved
	Forbidden                   // the client is known, and not allowed to do this
	InUse                       // somebody else holds the object
	Malformed                   // the bytes or the order of commands break the protocol
	TooLarge                    // a frame, message or name exceeds a limit
	LimitReached                // a count or memory limit is reached
	StoreFull                   // the disk, or the store's share of it, is full
	Unsupported                 // understood, and not offered
	Timeout                     // it did not happen in time
	Moved                       // another broker serves this now: Error.Where
	Closed                      // the connection, subscription or broker is closed
	kinds
)

// Kinds is the number of kinds; tests walk 0..Kinds-1 through each protocol's table.
const Kinds = int(kinds)

var names = [Kinds]string{
	"internal", "not found", "exists", "invalid name", "invalid selector", "unauthenticated",
	"forbidden", "in use", "malformed", "too large", "limit reached", "store full",
	"unsupported", "timeout", "moved", "closed",
}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown"
}

// Error is what went wrong, during which operation, to which object.
type Error struct {
	Kind   Kind
	Op     string // "send", "subscribe", "commit", …
	Object string // "queue://orders", a subscription, a user
	Text   string // for people; protocols that promise ActiveMQ's wording send this
	Where  string // with Moved: the address that serves the object now
	Err    error  // the cause, if any; for logs, never sent to a client
}

// Error returns the text, or operation, object and kind where there is no text.
func (e *Error) Error() string {
	switch {
	case e.Text != "":
		return e.Text
	case e.Object != "":
		return e.Op + " " + e.Object + ": " + e.Kind.String()
	default:
		return e.Op + ": " + e.Kind.String()
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of a kind; format and args make its text.
func New(k Kind, op, object, format string, args ...any) *Error {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	return &Error{Kind: k, Op: op, Object: object, Text: text}
}

// Wrap returns an error of a kind with a cause that stays out of the client's sight.
func Wrap(k Kind, op, object string, err error) *Error {
	return &Error{Kind: k, Op: op, Object: object, Err: err}
}

// KindOf returns the kind of the first *Error in err's chain, and Internal for any other error.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Is reports whether err is of a kind.
func Is(err error, k Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}
