package packet

// Error is a violation of the protocol: what version 5 says of it in a DISCONNECT or CONNACK,
// after which the connection is closed [MQTT-4.8.0-1] [MQTT-4.13.1-1].
type Error struct {
	Reason Reason
	Text   string // for logs and the reason string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

func malformed(text string) error     { return &Error{MalformedPacket, text} }
func protocolError(text string) error { return &Error{ProtocolError, text} }
