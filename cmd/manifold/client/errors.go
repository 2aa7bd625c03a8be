package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/go-stomp/stomp/v3"
	"github.com/go-stomp/stomp/v3/frame"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// connectError gives an error of connecting its exit code.
func connectError(err error) error {
	if f := errorFrame(err); f != nil {
		// Brokers refuse a login with an ERROR frame; few other reasons exist at this point.
		return sysexit.Errorf(sysexit.Permission, "%w%s", err, detail(f))
	}
	return brokerError(err)
}

// brokerError gives an error of a connection its exit code.
func brokerError(err error) error {
	var timeout net.Error
	f := errorFrame(err)
	switch {
	case err == nil:
		return nil
	case f != nil && isDenial(f.Header.Get(frame.Message)+string(f.Body)):
		return sysexit.Errorf(sysexit.Permission, "the broker refused: %w%s", err, detail(f))
	case f != nil:
		return sysexit.Errorf(sysexit.Data, "the broker refused: %w%s", err, detail(f))
	case isOneOf(err, stomp.ErrMsgSendTimeout, stomp.ErrMsgReceiptTimeout, stomp.ErrDisconnectReceiptTimeout, stomp.ErrUnsubscribeReceiptTimeout):
		return sysexit.With(sysexit.Timeout, err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return sysexit.With(sysexit.Timeout, err)
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), isOneOf(err, stomp.ErrClosedUnexpectedly, stomp.ErrAlreadyClosed):
		return sysexit.Errorf(sysexit.Unavailable, "the broker closed the connection: %w", err)
	}
	return sysexit.With(sysexit.Unavailable, err)
}

// errorFrame returns the ERROR frame behind an error, if the broker sent one. The library
// returns its errors sometimes as values and sometimes as pointers.
func errorFrame(err error) *frame.Frame {
	var value stomp.Error
	var pointer *stomp.Error
	var f *frame.Frame
	switch {
	case errors.As(err, &value):
		f = value.Frame
	case errors.As(err, &pointer):
		f = pointer.Frame
	}
	if f == nil || f.Command != frame.ERROR || isBroken(f) {
		return nil
	}
	return f
}

// isBroken recognizes the frames that the library makes up, with a message and nothing else,
// when the connection breaks.
func isBroken(f *frame.Frame) bool {
	if f.Header.Len() != 1 || len(f.Body) > 0 {
		return false
	}
	message := f.Header.Get(frame.Message)
	for _, sign := range []string{"connection closed", "read timeout", "write channel closed", "broken pipe", "reset by peer", "closed network connection"} {
		if strings.Contains(message, sign) {
			return true
		}
	}
	return false
}

func isOneOf(err error, candidates ...stomp.Error) bool {
	for _, c := range candidates {
		if errors.Is(err, c) || errors.Is(err, &c) {
			return true
		}
	}
	var pointer *stomp.Error
	if errors.As(err, &pointer) {
		for _, c := range candidates {
			if pointer.Message == c.Message {
				return true
			}
		}
	}
	return false
}

// isDenial recognizes a refused right by ActiveMQ's words; STOMP has no codes.
func isDenial(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "not authorized") || strings.Contains(text, "access denied") || strings.Contains(text, "access_refused")
}

// detail is the first line of an ERROR frame's body, where it says more than the message.
func detail(f *frame.Frame) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(f.Body)), "\n")
	line = strings.TrimSpace(line)
	if line == "" || strings.Contains(f.Header.Get(frame.Message), line) {
		return ""
	}
	if len(line) > 300 {
		line = line[:300] + "…"
	}
	return " (" + line + ")"
}
