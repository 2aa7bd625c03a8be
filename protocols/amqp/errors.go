package amqp

import (
	"errors"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// answer is what a kind of fault becomes in AMQP: an error condition, and a text where the fault
// has none that a client may see.
type answer struct {
	condition frame.Condition
	text      string
}

var answers = [fault.Kinds]answer{
	fault.Internal:        {frame.InternalError, "internal error in the broker"},
	fault.NotFound:        {frame.NotFound, "not found"},
	fault.Exists:          {frame.PreconditionFailed, "it exists already"},
	fault.InvalidName:     {frame.InvalidField, "invalid address"},
	fault.InvalidSelector: {frame.InvalidField, "invalid selector"},
	fault.Unauthenticated: {frame.UnauthorizedAccess, "user name or password is invalid"},
	fault.Forbidden:       {frame.UnauthorizedAccess, "not authorized"},
	fault.InUse:           {frame.ResourceLocked, "it is in use"},
	fault.Malformed:       {frame.DecodeError, "malformed"},
	fault.TooLarge:        {frame.MessageSizeExceeded, "too large"},
	fault.LimitReached:    {frame.ResourceLimitExceeded, "a limit of the broker is reached"},
	fault.StoreFull:       {frame.ResourceLimitExceeded, "the broker's store is full"},
	fault.Unsupported:     {frame.NotImplemented, "not supported"},
	fault.Timeout:         {frame.InternalError, "timed out"},
	fault.Moved:           {frame.LinkRedirect, "another broker serves this address"},
	fault.Closed:          {frame.ConnectionForced, "the broker has closed it"},
}

// answerOf returns the AMQP error of an error.
func answerOf(err error) *frame.Error {
	var fe *frame.Error
	if errors.As(err, &fe) {
		return fe
	}
	a := answers[fault.KindOf(err)]
	e := &frame.Error{Condition: a.condition, Description: a.text}
	var f *fault.Error
	if errors.As(err, &f) {
		if f.Text != "" {
			e.Description = f.Text
		}
		if f.Kind == fault.Moved && f.Where != "" {
			info := wire.Open(nil, wire.Map8)
			info.B = wire.AppendString(wire.AppendSymbol(info.B, "address"), f.Where)
			info.Count = 2
			e.Info = info.Close()
		}
	}
	return e
}

// closeError returns the error that the broker closes a connection with.
func closeError(err error) *frame.Error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) && f.Kind == fault.InUse {
		// Another connection of the same container has asked to be the only one.
		info := wire.Open(nil, wire.Map8)
		info.B = wire.AppendBool(wire.AppendSymbol(info.B, "sole-connection-enforcement"), true)
		info.Count = 2
		return &frame.Error{Condition: frame.ResourceLocked, Description: f.Text, Info: info.Close()}
	}
	e := answerOf(err)
	if e.Condition == frame.LinkRedirect {
		e.Condition = frame.ConnectionRedirect
	}
	return e
}

// linkError returns the error that the broker ends a link with.
func linkError(err error) *frame.Error {
	e := answerOf(err)
	switch e.Condition {
	case frame.NotFound:
		e.Condition = frame.ResourceDeleted
	case frame.ConnectionForced:
		e.Condition = frame.DetachForced
	}
	return e
}
