package mqtt

import (
	"errors"
	"fmt"
	"testing"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// TestAnswers walks every kind of fault through the table: each has codes that their packets may
// carry, and what caused it is never shown.
func TestAnswers(t *testing.T) {
	t.Parallel()
	secret := errors.New("open /var/lib/secret: no space left")
	check := func(about string, a answer) {
		for _, c := range []struct {
			r packet.Reason
			t packet.Type
		}{{a.connack, packet.Connack}, {a.publish, packet.Puback}, {a.publish, packet.Pubrec}, {a.subscribe, packet.Suback}, {a.disconnect, packet.Disconnect}} {
			if !c.r.Failed() || !c.r.In(c.t) {
				t.Errorf("%s: %v in %v", about, c.r, c.t)
			}
		}
	}
	for k := range fault.Kinds {
		kind := fault.Kind(k)
		err := fmt.Errorf("wrapped: %w", fault.Wrap(kind, "send", "topic://t", secret))
		check(kind.String(), answerOf(err))
		if text := textOf(err); text != "" {
			t.Errorf("%v tells %q", kind, text)
		}
		if text := textOf(fault.New(kind, "send", "", "words of its own")); text != "words of its own" {
			t.Errorf("%v tells %q", kind, text)
		}
	}
	check("another error", answerOf(secret))
	for r := range packet.Reason(0xA3) {
		if r.Failed() && r.String() != "unknown reason" {
			check(r.String(), answerOf(&packet.Error{Reason: r}))
		}
	}
	if a := answerOf(&packet.Error{Reason: packet.TopicAliasInvalid}); a.disconnect != packet.TopicAliasInvalid {
		t.Errorf("got %v", a.disconnect)
	}
}

// TestReturnCodes checks the codes of 3.x.
func TestReturnCodes(t *testing.T) {
	t.Parallel()
	for r, want := range map[packet.Reason]packet.Reason{
		packet.UnsupportedVersion: 1, packet.ClientIDNotValid: 2, packet.ServerUnavailable: 3, packet.QuotaExceeded: 3,
		packet.BadUserOrPassword: 5, packet.NotAuthorized: 5, packet.MalformedPacket: 0,
	} {
		if got := returnCode(r); got != want {
			t.Errorf("%v: %d, want %d", r, got, want)
		}
	}
}
