package frame

import "encoding/binary"

// The types of frames (AMQP 2.3.1).
const (
	TypeAMQP = 0
	TypeSASL = 1
)

// MinMaxSize is the largest frame that every peer must accept, and the limit before open.
const MinMaxSize = 512

// HeaderSize is the size of the fixed part of a frame.
const HeaderSize = 8

// Header is a frame's header.
type Header struct {
	Size    uint32 // of the whole frame
	Offset  uint8  // of the body, in words of four bytes
	Type    uint8
	Channel uint16
}

// Body returns where the body begins.
func (h *Header) Body() int { return 4 * int(h.Offset) }

// ParseHeader reads the header at the beginning of b, of which there are HeaderSize bytes. max is
// the largest frame that is allowed. [AMQP 2.3.1]
func ParseHeader(b []byte, max uint32) (h Header, err error) {
	h = Header{Size: binary.BigEndian.Uint32(b), Offset: b[4], Type: b[5], Channel: binary.BigEndian.Uint16(b[6:])}
	switch {
	case h.Size < HeaderSize:
		return h, framing("the frame is smaller than its header")
	case h.Size > max:
		return h, framing("the frame is larger than what was agreed on")
	case h.Offset < 2:
		return h, framing("the body of the frame begins within its header")
	case uint32(h.Body()) > h.Size:
		return h, framing("the body of the frame begins beyond its end")
	}
	return h, nil
}

// Begin appends the header of a frame, whose size End fills in. It returns where the frame
// begins.
func Begin(dst []byte, kind uint8, channel uint16) ([]byte, int) {
	return append(dst, 0, 0, 0, 0, 2, kind, byte(channel>>8), byte(channel)), len(dst)
}

// End fills in the size of the frame that begins at a place and reaches to the end of dst.
func End(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

// AppendEmpty appends a frame without a body, which only says that the peer is alive.
// [AMQP 2.4.5]
func AppendEmpty(dst []byte) []byte {
	dst, at := Begin(dst, TypeAMQP, 0)
	return End(dst, at)
}

// Protocol is the id in a protocol header (AMQP 2.2).
type Protocol uint8

// The protocol ids.
const (
	AMQP Protocol = 0
	TLS  Protocol = 2
	SASL Protocol = 3
)

// PreludeSize is the size of a protocol header.
const PreludeSize = 8

// AppendPrelude appends a protocol header of version 1.0.0.
func AppendPrelude(dst []byte, p Protocol) []byte {
	return append(dst, 'A', 'M', 'Q', 'P', byte(p), 1, 0, 0)
}

// ParsePrelude reads a protocol header of PreludeSize bytes. ok is false if it is not one of
// version 1.0.0.
func ParsePrelude(b []byte) (p Protocol, ok bool) {
	return Protocol(b[4]), string(b[:4]) == "AMQP" && b[5] == 1 && b[6] == 0 && b[7] == 0
}
