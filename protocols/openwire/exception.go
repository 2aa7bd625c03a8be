package openwire

import (
	"errors"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Classes that clients know. ActiveMQ's clients make an exception of the class that an answer
// names; those of other languages look at its last part.
const (
	jmsException              = "javax.jms.JMSException"
	invalidClientID           = "javax.jms.InvalidClientIDException"
	invalidDestination        = "javax.jms.InvalidDestinationException"
	invalidSelector           = "javax.jms.InvalidSelectorException"
	resourceAllocation        = "javax.jms.ResourceAllocationException"
	transactionRolledBack     = "javax.jms.TransactionRolledBackException"
	jmsIllegalState           = "javax.jms.IllegalStateException"
	illegalState              = "java.lang.IllegalStateException"
	securityException         = "java.lang.SecurityException"
	messageFormat             = "javax.jms.MessageFormatException"
	ioException               = "java.io.IOException"
	xaException               = "javax.transaction.xa.XAException"
	longestText           int = 1024 // of an exception, in octets: what some versions take
)

// exception is an answer with a class of its own.
type exception struct {
	class, text, cause string // cause: the class of an exception behind it, if any
}

// Error implements error.
func (e *exception) Error() string { return e.text }

// classes is what the kinds of faults become.
var classes = [fault.Kinds]struct{ class, text string }{
	fault.Internal:        {jmsException, "Internal error in the broker"},
	fault.NotFound:        {invalidDestination, "Not found"},
	fault.Exists:          {jmsException, "Already exists"},
	fault.InvalidName:     {invalidDestination, "Invalid destination"},
	fault.InvalidSelector: {invalidSelector, "Invalid selector"},
	fault.Unauthenticated: {securityException, "User name or password is invalid."},
	fault.Forbidden:       {securityException, "Not authorized"},
	fault.InUse:           {jmsException, "Already in use"},
	fault.Malformed:       {messageFormat, "Malformed message"},
	fault.TooLarge:        {jmsException, "Too large"},
	fault.LimitReached:    {resourceAllocation, "A limit of the broker is reached"},
	fault.StoreFull:       {resourceAllocation, "The broker's store is full"},
	fault.Unsupported:     {jmsException, "Not supported"},
	fault.Timeout:         {jmsException, "Timed out"},
	fault.Moved:           {jmsException, "Another broker serves this destination"},
	fault.Closed:          {jmsIllegalState, "The broker has closed the connection"},
}

// exceptionOf returns the answer to an error.
func exceptionOf(err error) *exception {
	var x *exception
	if errors.As(err, &x) {
		return x
	}
	var we *wire.Error
	if errors.As(err, &we) {
		return &exception{class: ioException, text: we.Text}
	}
	kind := fault.KindOf(err)
	x = &exception{class: classes[kind].class, text: classes[kind].text}
	var e *fault.Error
	if errors.As(err, &e) {
		if e.Text != "" {
			x.text = e.Text
		}
		switch {
		case e.Kind == fault.InUse && e.Op == "connect":
			x.class = invalidClientID
		case e.Kind == fault.Moved && e.Where != "":
			x.text += ": " + e.Where
		}
	}
	return x
}

// throwable returns an error as a client gets it.
func throwable(err error) *wire.Throwable {
	x := exceptionOf(err)
	text := x.text
	for len(text) > longestText {
		text = text[:longestText]
	}
	t := &wire.Throwable{Class: wire.TextOf(x.class), Message: wire.TextOf(text)}
	if x.cause != "" {
		t.Cause = &wire.Throwable{Class: wire.TextOf(x.cause), Message: t.Message}
	}
	return t
}
