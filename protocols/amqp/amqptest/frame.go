package amqptest

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// Codes of performatives, SASL frames, states, termini and sections [AMQP 2.7, 5.3.3, 3, 4.5].
const (
	Open, Begin, Attach, Flow, Transfer     = 0x10, 0x11, 0x12, 0x13, 0x14
	Disposition, Detach, End, Close         = 0x15, 0x16, 0x17, 0x18
	Error                                   = 0x1d
	Received, Accepted, Rejected            = 0x23, 0x24, 0x25
	Released, Modified                      = 0x26, 0x27
	SourceCode, TargetCode, CoordinatorCode = 0x28, 0x29, 0x30
	Declare, Discharge                      = 0x31, 0x32
	Declared, Transactional                 = 0x33, 0x34
	Mechanisms, Init, Challenge             = 0x40, 0x41, 0x42
	Response, Outcome                       = 0x43, 0x44
	HeaderSection, DeliverySection          = 0x70, 0x71
	AnnotationSection, PropertiesSection    = 0x72, 0x73
	ApplicationSection, DataSection         = 0x74, 0x75
	SequenceSection, ValueSection, Footer   = 0x76, 0x77, 0x78
	DeleteOnClose                           = 0x2b
	NoLocalFilter, SelectorFilter           = 0x468C00000003, 0x468C00000004
)

// The headers that begin the protocol and its SASL layer.
const (
	ProtocolHeader = "AMQP\x00\x01\x00\x00"
	SASLHeader     = "AMQP\x03\x01\x00\x00"
)

// Frame is one frame.
type Frame struct {
	Type    byte // 0 AMQP, 1 SASL
	Channel uint16
	Code    uint64 // of the performative; 0 for an empty frame
	Fields  List
	Payload []byte
	Size    int // octets on the wire
}

// P returns a frame with a performative, for a channel.
func P(channel uint16, code uint64, fields ...any) Frame {
	return Frame{Channel: channel, Code: code, Fields: fields}
}

// Encode returns the frame's octets.
func (f Frame) Encode() []byte {
	b := make([]byte, 8, 64+len(f.Payload))
	b[4], b[5] = 2, f.Type
	binary.BigEndian.PutUint16(b[6:], f.Channel)
	if f.Code != 0 {
		b = Append(b, Described{f.Code, f.Fields})
	}
	b = append(b, f.Payload...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// Str, Num and Bool return a field that is of the type, or the zero value.
func (f Frame) Str(i int) string { s, _ := f.Fields.At(i).(string); return s }
func (f Frame) Num(i int) uint32 { return Number(f.Fields.At(i)) }
func (f Frame) Bool(i int) bool  { b, _ := f.Fields.At(i).(bool); return b }

// Number returns an unsigned value of any width.
func Number(value any) uint32 {
	switch n := value.(type) {
	case uint8:
		return uint32(n)
	case uint16:
		return uint32(n)
	case uint32:
		return n
	case uint64:
		return uint32(n)
	}
	return 0
}

// Condition returns the condition of the error in an end, close or detach, or in a rejected state; "" if there is none.
func Condition(value any) string {
	switch v := value.(type) {
	case Frame:
		switch v.Code {
		case Detach:
			return Condition(v.Fields.At(2))
		case End, Close:
			return Condition(v.Fields.At(0))
		}
	case Described:
		fields, _ := v.Value.(List)
		switch Code(v) {
		case Error:
			s, _ := fields.At(0).(Symbol)
			return string(s)
		case Rejected:
			return Condition(fields.At(0))
		}
	}
	return ""
}

// Code returns the code of a described value, 0 for anything else.
func Code(value any) uint64 {
	d, _ := value.(Described)
	n, _ := d.Descriptor.(uint64)
	return n
}

// Fields returns the list of a described value.
func Fields(value any) List {
	d, _ := value.(Described)
	l, _ := d.Value.(List)
	return l
}

func (f Frame) String() string {
	if f.Code == 0 {
		return fmt.Sprintf("empty frame on %d", f.Channel)
	}
	names := map[uint64]string{
		Open: "open", Begin: "begin", Attach: "attach", Flow: "flow", Transfer: "transfer", Disposition: "disposition",
		Detach: "detach", End: "end", Close: "close", Mechanisms: "sasl-mechanisms", Challenge: "sasl-challenge", Outcome: "sasl-outcome",
	}
	text := fmt.Sprintf("%s on %d %s", names[f.Code], f.Channel, Text(f.Fields))
	if len(f.Payload) > 0 {
		text += fmt.Sprintf(" with %d octets", len(f.Payload))
	}
	return text
}

// largestFrame is what the suite's client takes, and says in its open.
const largestFrame = 1 << 20

// readFrame reads a frame with a readable performative.
func readFrame(r *bufio.Reader) (Frame, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Frame{}, err
	}
	size := binary.BigEndian.Uint32(head[:])
	f := Frame{Type: head[5], Channel: binary.BigEndian.Uint16(head[6:]), Size: int(size)}
	if size < 8 || size > largestFrame || head[4] != 2 {
		return f, fmt.Errorf("frame header %x", head)
	}
	body := make([]byte, size-8)
	if _, err := io.ReadFull(r, body); err != nil {
		return f, err
	}
	if len(body) == 0 {
		return f, nil
	}
	value, rest, err := Decode(body)
	if err != nil {
		return f, fmt.Errorf("frame %x%x: %w", head, body, err)
	}
	f.Code, f.Fields, f.Payload = Code(value), Fields(value), rest
	if f.Code == 0 {
		return f, fmt.Errorf("frame %x%x holds no performative", head, body)
	}
	return f, nil
}
