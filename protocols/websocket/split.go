package websocket

import (
	"bytes"
	"encoding/binary"
)

// Some clients take a message for one frame of the protocol inside, or notice the next frame in a
// message only when more arrives. So what is written goes out as a message per frame. A split
// returns the length of the first frame in b; where it can't tell, that is all of b.
type split func(b []byte) int

// splitMQTT finds the end of a packet (MQTT 5, 2.1.4).
func splitMQTT(b []byte) int {
	length := 0
	for i := 1; i < len(b) && i < 5; i++ {
		length |= int(b[i]&0x7f) << (7 * (i - 1))
		if b[i] < 0x80 {
			return min(i+1+length, len(b))
		}
	}
	return len(b)
}

// splitAMQP finds the end of a frame, or of a protocol header (AMQP 1.0, 2.2 and 2.3).
func splitAMQP(b []byte) int {
	if bytes.HasPrefix(b, []byte("AMQP")) {
		return min(8, len(b))
	}
	if len(b) < 4 {
		return len(b)
	}
	return int(max(min(uint64(binary.BigEndian.Uint32(b)), uint64(len(b))), 1))
}

// splitSTOMP finds the end of a frame with the line ends behind it (STOMP 1.2, "Augmented BNF").
func splitSTOMP(b []byte) int {
	end := len(b)
	if body := bytes.Index(b, []byte("\n\n")); body >= 0 {
		from := body + 2
		if at := bytes.Index(b[:body], []byte("\ncontent-length:")); at >= 0 {
			length := 0
			for _, c := range b[at+len("\ncontent-length:") : body] {
				if c < '0' || c > '9' || length > len(b) {
					break
				}
				length = 10*length + int(c-'0')
			}
			from += length
		}
		if from < len(b) {
			if nul := bytes.IndexByte(b[from:], 0); nul >= 0 {
				end = from + nul + 1
			}
		}
	}
	for end < len(b) && (b[end] == '\n' || b[end] == '\r') {
		end++
	}
	return end
}

// splitNone keeps together what is written together.
func splitNone(b []byte) int { return len(b) }
