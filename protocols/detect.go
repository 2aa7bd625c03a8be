package protocols

import "strings"

// MaxPrefix is how many bytes a protocol may look at to recognise itself.
const MaxPrefix = 128

// DetectSTOMP recognises CONNECT and STOMP frames (STOMP 1.2, "Connecting"), also after line
// ends, which clients of 1.0 send between frames. It tells them from HTTP's CONNECT by the line
// end after the command.
func DetectSTOMP(prefix []byte) Verdict {
	i := 0
	for i < len(prefix) && (prefix[i] == '\n' || prefix[i] == '\r') {
		i++
	}
	switch {
	case i > MaxPrefix-len("CONNECT\n"):
		return No // there is no room for a command
	case i == len(prefix):
		return Maybe
	}
	return anyOf(prefix[i:], "CONNECT\n", "CONNECT\r", "STOMP\n", "STOMP\r")
}

// DetectMQTT recognises a CONNECT packet: its type, a remaining length of one to four bytes, and
// the name of the protocol (MQTT 5, 3.1.2.1; MQIsdp in 3.1).
func DetectMQTT(prefix []byte) Verdict {
	if prefix[0] != 0x10 {
		return No
	}
	for i, c := range prefix[1:] {
		switch {
		case c < 0x80:
			return anyOf(prefix[i+2:], "\x00\x04MQTT", "\x00\x06MQIsdp")
		case i == 3:
			return No
		}
	}
	return Maybe
}

// DetectAMQP recognises a protocol header (AMQP 1.0, 2.2), of any version.
func DetectAMQP(prefix []byte) Verdict { return anyOf(prefix, "AMQP") }

// DetectOpenWire recognises the WireFormatInfo command that begins each connection: a size of
// four bytes, far below 16 MiB, the command's type, its magic.
func DetectOpenWire(prefix []byte) Verdict {
	switch {
	case prefix[0] != 0:
		return No
	case len(prefix) <= 4:
		return Maybe
	default:
		return anyOf(prefix[4:], "\x01ActiveMQ")
	}
}

// DetectHTTP recognises the method of a request (RFC 9110, 9), and HTTP/2's preface. WebSockets
// begin as such a request.
func DetectHTTP(prefix []byte) Verdict {
	return anyOf(prefix, "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "CONNECT ", "OPTIONS ", "TRACE ", "PATCH ", "PRI * HTTP/2")
}

// DetectTLS recognises a handshake record (RFC 8446, 5.1).
func DetectTLS(prefix []byte) Verdict { return anyOf(prefix, "\x16\x03") }

// anyOf compares what has arrived with the possible beginnings.
func anyOf(prefix []byte, begins ...string) Verdict {
	v := No
	for _, b := range begins {
		switch {
		case len(prefix) >= len(b):
			if string(prefix[:len(b)]) == b {
				return Yes
			}
		case strings.HasPrefix(b, string(prefix)):
			v = Maybe
		}
	}
	return v
}
