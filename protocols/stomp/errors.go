package stomp

import (
	"errors"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
)

// answer is what a kind of fault becomes in STOMP: an ERROR frame, after which the connection
// goes on or ends. ActiveMQ goes on after most, and its clients rely on that.
type answer struct {
	text  string // when the fault has no text of its own that a client may see
	fatal bool
}

var answers = [fault.Kinds]answer{
	fault.Internal:        {"Internal error in the broker", false},
	fault.NotFound:        {"Not found", false},
	fault.Exists:          {"Already exists", false},
	fault.InvalidName:     {"Invalid destination", false},
	fault.InvalidSelector: {"Invalid selector", false},
	fault.Unauthenticated: {"User name or password is invalid.", true},
	fault.Forbidden:       {"Not authorized", false},
	fault.InUse:           {"Already in use", false},
	fault.Malformed:       {"Malformed message", false}, // a frame that is none has an error of its own
	fault.TooLarge:        {"Too large", true},
	fault.LimitReached:    {"A limit of the broker is reached", false},
	fault.StoreFull:       {"The broker's store is full", false},
	fault.Unsupported:     {"Not supported", false},
	fault.Timeout:         {"Timed out", false},
	fault.Moved:           {"Another broker serves this destination", true},
	fault.Closed:          {"The broker has closed the connection", true},
}

// answerOf returns the text and the severity of an error.
func answerOf(err error) answer {
	var fe *frame.Error
	if errors.As(err, &fe) {
		return answer{fe.Text, fe.Fatal}
	}
	a := answers[fault.KindOf(err)]
	var e *fault.Error
	if errors.As(err, &e) && e.Text != "" {
		a.text = e.Text
		if e.Kind == fault.Moved && e.Where != "" {
			a.text += ": " + e.Where
		}
	}
	return a
}
