package frame

import (
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Condition is an error condition of the standard or of an extension.
type Condition string

// The conditions of AMQP 2.8.15 to 2.8.18 and 4.5.8.
const (
	InternalError         Condition = "amqp:internal-error"
	NotFound              Condition = "amqp:not-found"
	UnauthorizedAccess    Condition = "amqp:unauthorized-access"
	DecodeError           Condition = "amqp:decode-error"
	ResourceLimitExceeded Condition = "amqp:resource-limit-exceeded"
	NotAllowed            Condition = "amqp:not-allowed"
	InvalidField          Condition = "amqp:invalid-field"
	NotImplemented        Condition = "amqp:not-implemented"
	ResourceLocked        Condition = "amqp:resource-locked"
	PreconditionFailed    Condition = "amqp:precondition-failed"
	ResourceDeleted       Condition = "amqp:resource-deleted"
	IllegalState          Condition = "amqp:illegal-state"
	FrameSizeTooSmall     Condition = "amqp:frame-size-too-small"
	ConnectionForced      Condition = "amqp:connection:forced"
	FramingError          Condition = "amqp:connection:framing-error"
	ConnectionRedirect    Condition = "amqp:connection:redirect"
	WindowViolation       Condition = "amqp:session:window-violation"
	ErrantLink            Condition = "amqp:session:errant-link"
	HandleInUse           Condition = "amqp:session:handle-in-use"
	UnattachedHandle      Condition = "amqp:session:unattached-handle"
	DetachForced          Condition = "amqp:link:detach-forced"
	TransferLimitExceeded Condition = "amqp:link:transfer-limit-exceeded"
	MessageSizeExceeded   Condition = "amqp:link:message-size-exceeded"
	LinkRedirect          Condition = "amqp:link:redirect"
	Stolen                Condition = "amqp:link:stolen"
	UnknownTransaction    Condition = "amqp:transaction:unknown-id"
	TransactionRollback   Condition = "amqp:transaction:rollback"
	TransactionTimeout    Condition = "amqp:transaction:timeout"
)

// Error is the error that ends a link, a session or a connection, or that comes with a rejected
// message (AMQP 2.8.14).
type Error struct {
	Condition   Condition
	Description string
	Info        []byte // an encoded map; nil: none
}

// Error returns the description, or the condition where there is none.
func (e *Error) Error() string {
	if e.Description == "" {
		return string(e.Condition)
	}
	return e.Description
}

func framing(text string) error { return &Error{Condition: FramingError, Description: text} }

func malformed(err error) error {
	return &Error{Condition: DecodeError, Description: err.Error()}
}

// maxDescription bounds descriptions, so that an error fits into the smallest frame.
const maxDescription = 300

// appendTo appends the error, or null.
func (e *Error) appendTo(dst []byte) []byte {
	if e == nil {
		return wire.AppendNull(dst)
	}
	dst = wire.AppendDescriptor(dst, codeError)
	c := wire.Open(dst, wire.List8)
	c.Symbol(string(e.Condition))
	text := e.Description
	if len(text) > maxDescription {
		at := maxDescription
		for at > 0 && text[at]&0xc0 == 0x80 { // not in the middle of a character
			at--
		}
		text = text[:at]
	}
	c.String(text)
	c.Raw(e.Info)
	return c.Close()
}

// parseError reads an error; nil if it is absent or not one. Peers' errors are only looked at by
// people.
func parseError(raw []byte) *Error {
	code, n, err := descriptor(raw)
	if err != nil || code != codeError {
		return nil
	}
	f, _, err := wire.FieldsOf(raw[n:])
	if err != nil {
		return nil
	}
	e := &Error{Condition: Condition(f.Symbol())}
	e.Description = string(f.String())
	return e
}
