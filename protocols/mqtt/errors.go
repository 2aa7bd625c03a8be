package mqtt

import (
	"errors"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// answer is what a kind of fault becomes in MQTT: a reason code per packet that may tell it.
type answer struct {
	connack, publish, subscribe, disconnect packet.Reason
}

var answers = [fault.Kinds]answer{
	fault.Internal:        {packet.Unspecified, packet.Unspecified, packet.Unspecified, packet.Unspecified},
	fault.NotFound:        {packet.Unspecified, packet.TopicNameInvalid, packet.TopicFilterInvalid, packet.AdministrativeAction},
	fault.Exists:          {packet.ClientIDNotValid, packet.ImplementationError, packet.ImplementationError, packet.ImplementationError},
	fault.InvalidName:     {packet.ClientIDNotValid, packet.TopicNameInvalid, packet.TopicFilterInvalid, packet.TopicNameInvalid},
	fault.InvalidSelector: {packet.Unspecified, packet.Unspecified, packet.TopicFilterInvalid, packet.Unspecified},
	fault.Unauthenticated: {packet.BadUserOrPassword, packet.NotAuthorized, packet.NotAuthorized, packet.NotAuthorized},
	fault.Forbidden:       {packet.NotAuthorized, packet.NotAuthorized, packet.NotAuthorized, packet.NotAuthorized},
	fault.InUse:           {packet.ClientIDNotValid, packet.ImplementationError, packet.ImplementationError, packet.SessionTakenOver},
	fault.Malformed:       {packet.MalformedPacket, packet.Unspecified, packet.Unspecified, packet.MalformedPacket},
	fault.TooLarge:        {packet.PacketTooLarge, packet.QuotaExceeded, packet.QuotaExceeded, packet.PacketTooLarge},
	fault.LimitReached:    {packet.QuotaExceeded, packet.QuotaExceeded, packet.QuotaExceeded, packet.QuotaExceeded},
	fault.StoreFull:       {packet.ServerBusy, packet.QuotaExceeded, packet.QuotaExceeded, packet.ServerBusy},
	fault.Unsupported:     {packet.ImplementationError, packet.ImplementationError, packet.ImplementationError, packet.ImplementationError},
	fault.Timeout:         {packet.ServerBusy, packet.ImplementationError, packet.ImplementationError, packet.MaximumConnectTime},
	fault.Moved:           {packet.UseAnotherServer, packet.Unspecified, packet.Unspecified, packet.UseAnotherServer},
	fault.Closed:          {packet.ServerUnavailable, packet.Unspecified, packet.Unspecified, packet.ServerShuttingDown},
}

// answerOf returns the reason codes of an error.
func answerOf(err error) answer {
	var pe *packet.Error
	if errors.As(err, &pe) {
		a := answer{packet.Unspecified, packet.Unspecified, packet.Unspecified, packet.Unspecified}
		for _, at := range []struct {
			code *packet.Reason
			in   packet.Type
		}{{&a.connack, packet.Connack}, {&a.publish, packet.Puback}, {&a.subscribe, packet.Suback}, {&a.disconnect, packet.Disconnect}} {
			if pe.Reason.In(at.in) {
				*at.code = pe.Reason
			}
		}
		return a
	}
	a := answers[fault.KindOf(err)]
	var e *fault.Error
	if errors.As(err, &e) && e.Kind == fault.Closed && (e.Op == "kick" || e.Op == "delete") {
		a.disconnect = packet.AdministrativeAction
	}
	return a
}

// textOf returns what a client may be told of an error.
func textOf(err error) string {
	var pe *packet.Error
	if errors.As(err, &pe) {
		return pe.Text
	}
	var e *fault.Error
	if errors.As(err, &e) {
		return e.Text
	}
	return ""
}

// returnCode returns the return code of 3.x's CONNACK for a reason; 0 where there is none that
// fits, so that the connection is closed without one [MQTT-3.2.2-6].
func returnCode(r packet.Reason) packet.Reason {
	switch r {
	case packet.UnsupportedVersion:
		return 1
	case packet.ClientIDNotValid:
		return 2
	case packet.ServerUnavailable, packet.ServerBusy, packet.QuotaExceeded, packet.UseAnotherServer, packet.Unspecified:
		return 3
	case packet.BadUserOrPassword, packet.NotAuthorized, packet.Banned:
		return 5 // also where it is the password: as ActiveMQ
	}
	return 0
}
