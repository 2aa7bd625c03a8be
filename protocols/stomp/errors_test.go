package stomp

import (
	"errors"
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/broker/fault"
)

// TestAnswers walks every kind of fault through the table: each has a text, a fault's own text is preferred, and what
// caused it is never shown.
func TestAnswers(t *testing.T) {
	t.Parallel()
	secret := errors.New("open /var/lib/secret: no space left")
	closing := map[fault.Kind]bool{
		fault.Unauthenticated: true, fault.TooLarge: true, fault.Moved: true, fault.Closed: true,
	}
	for k := range fault.Kinds {
		kind := fault.Kind(k)
		bare := answerOf(fmt.Errorf("wrapped: %w", fault.Wrap(kind, "send", "queue://q", secret)))
		if bare.text == "" || bare.text != answers[kind].text {
			t.Errorf("%v: got %q", kind, bare.text)
		}
		if bare.fatal != closing[kind] {
			t.Errorf("%v closes the connection: %t", kind, bare.fatal)
		}
		if own := answerOf(fault.New(kind, "send", "queue://q", "words of its own")); own.text != "words of its own" {
			t.Errorf("%v: got %q", kind, own.text)
		}
	}
	if got := answerOf(&fault.Error{Kind: fault.Moved, Text: "gone", Where: "tcp://other:61616"}).text; got != "gone: tcp://other:61616" {
		t.Errorf("got %q", got)
	}
	if got := answerOf(secret); got.text != answers[fault.Internal].text || got.fatal {
		t.Errorf("an error of no kind gave %q", got.text)
	}
}
