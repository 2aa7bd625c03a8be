package client

import (
	"errors"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// event is what the broker said. Without an answer, an error and a message, it is the end of a look
// at a queue.
type event struct {
	answers int32 // number of the command that it answers; 0: none
	err     error // a refusal, or what ended the connection
	message *delivery
	brokers string // URLs of brokers to remember
}

func (e *event) isAnswer() bool { return e.answers != 0 }

// delivery is a message that came, and what its acknowledgement names.
type delivery struct {
	Received
	id          *wire.MessageID
	destination *wire.Destination
	key         string // the identifier's text
}

// refusal is an exception that the broker answered with.
type refusal struct{ class, text string }

func (r *refusal) Error() string { return r.text + " (" + r.class + ")" }

func refused(t *wire.Throwable) error {
	if t == nil {
		return &refusal{"none", "no reason was given"}
	}
	return &refusal{t.Class.String(), t.Message.String()}
}

// readEvents hands over what the broker says, until the connection ends or nobody wants it any more.
func readEvents(in *wire.Reader, to chan<- event, quit <-chan struct{}) {
	for {
		cmd, err := in.Next()
		e := event{err: err}
		switch cmd := cmd.(type) {
		case nil:
		case *wire.Response:
			e.answers = cmd.CorrelationID
		case *wire.ExceptionResponse:
			e.answers, e.err = cmd.CorrelationID, refused(cmd.Exception)
		case *wire.ConnectionError:
			e.err = refused(cmd.Exception)
		case *wire.ConnectionControl:
			if e.brokers = cmd.ConnectedBrokers.String(); e.brokers == "" {
				continue
			}
		case *wire.ConsumerControl:
			if !cmd.Close {
				continue
			}
			e.err = &refusal{"ConsumerControl", "the broker has closed the consumer"}
		case *wire.MessageDispatch:
			if cmd.Message != nil {
				e.message = dispatched(cmd)
			}
		default:
			continue
		}
		select {
		case to <- e:
		case <-quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// openWireError gives an error its exit code.
func openWireError(err error) error {
	var r *refusal
	switch {
	case errors.As(err, &r) && r.class == "java.lang.SecurityException":
		return sysexit.Errorf(sysexit.Permission, "the broker refused: %w", err)
	case errors.As(err, &r):
		return sysexit.Errorf(sysexit.Data, "the broker refused: %w", err)
	}
	return brokerError(err)
}
