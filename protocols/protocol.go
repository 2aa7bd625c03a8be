package protocols

import "context"

// Protocol serves connections. It is safe for use by many goroutines.
type Protocol interface {
	// Name is the protocol's name in configuration, logs and metrics, in lower case.
	Name() string

	// Detect judges the first bytes of a connection, of which there is at least one. It must
	// come to an answer within MaxPrefix bytes and must not keep the slice.
	Detect(prefix []byte) Verdict

	// Serve speaks with one client and returns when that is over. It owns the connection and
	// need not close it. Once the client has logged in it calls c.LoggedIn. When the server is
	// closed, ctx ends and the connection is closed under it.
	Serve(ctx context.Context, c *Conn)
}

// Verdict is what the first bytes say.
type Verdict uint8

// The verdicts.
const (
	No    Verdict = iota // something else
	Maybe                // more bytes are needed
	Yes
)

// String returns the verdict in lower case.
func (v Verdict) String() string {
	switch v {
	case No:
		return "no"
	case Maybe:
		return "maybe"
	case Yes:
		return "yes"
	default:
		return "unknown"
	}
}

// Known is a protocol that is recognised, so that the log can name it, whether or not the
// listener serves it.
type Known struct {
	Name   string
	Detect func(prefix []byte) Verdict
}

// AllKnown returns every protocol that can be recognised.
func AllKnown() []Known {
	return []Known{
		{"openwire", DetectOpenWire},
		{"amqp", DetectAMQP},
		{"mqtt", DetectMQTT},
		{"stomp", DetectSTOMP},
		{"http", DetectHTTP},
		{"tls", DetectTLS},
	}
}
