package mapping

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// JMS has identifiers that are texts and begin with ID:. Those of AMQP that are of another type
// carry it in their text.
const (
	idPrefix     = "ID:"
	uuidPrefix   = "ID:AMQP_UUID:"
	ulongPrefix  = "ID:AMQP_ULONG:"
	binaryPrefix = "ID:AMQP_BINARY:"
)

// idRoom returns how many bytes the text of the message-id takes beyond what the message has of it
// already.
func idRoom(properties []byte) int {
	f, _, err := wire.FieldsOf(properties)
	if err != nil {
		return 0
	}
	v := f.Any()
	switch {
	case f.Err() != nil || v.IsNull():
		return 0
	case v.IsString() && hasIDPrefix(v.Data):
		return 0
	case v.IsString():
		return len(idPrefix) + len(v.Data)
	case v.Code == wire.UUID:
		return len(uuidPrefix) + 36
	case v.IsBinary():
		return len(binaryPrefix) + 2*len(v.Data)
	}
	return len(ulongPrefix) + 20
}

func hasIDPrefix(b []byte) bool { return len(b) >= 3 && string(b[:3]) == idPrefix }

// idText returns the text of a message-id. room is where it may be put, if it is not a part of the
// message.
func idText(room, raw []byte) string {
	if raw == nil {
		return ""
	}
	v, _, err := wire.Parse(raw)
	if err != nil {
		return ""
	}
	switch {
	case v.IsString() && (hasIDPrefix(v.Data) || len(v.Data) == 0):
		return view(v.Data)
	case v.IsString():
		return view(append(append(room[:0], idPrefix...), v.Data...))
	}
	return view(appendTyped(room[:0], &v))
}

// appendTyped appends the text of an identifier that is no string.
func appendTyped(dst []byte, v *wire.Value) []byte {
	if u, ok := v.Unsigned(); ok {
		return strconv.AppendUint(append(dst, ulongPrefix...), u, 10)
	}
	switch {
	case v.Code == wire.UUID:
		dst = append(dst, uuidPrefix...)
		for i, c := range v.Data {
			if i == 4 || i == 6 || i == 8 || i == 10 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, []byte{c})
		}
	case v.IsBinary():
		dst = append(dst, binaryPrefix...)
		const digits = "0123456789ABCDEF"
		for _, c := range v.Data {
			dst = append(dst, digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// correlationText returns the text of a correlation-id.
func correlationText(raw []byte) string {
	if raw == nil {
		return ""
	}
	v, _, err := wire.Parse(raw)
	if err != nil {
		return ""
	}
	if v.IsString() {
		return view(v.Data)
	}
	return view(appendTyped(nil, &v))
}

// appendID appends the identifier that a text stands for.
func appendID(dst []byte, text string) []byte {
	if rest, ok := strings.CutPrefix(text, uuidPrefix); ok {
		if b, err := hex.DecodeString(strings.ReplaceAll(rest, "-", "")); err == nil && len(b) == 16 {
			return wire.AppendUUID(dst, b)
		}
	}
	if rest, ok := strings.CutPrefix(text, ulongPrefix); ok {
		if u, err := strconv.ParseUint(rest, 10, 64); err == nil {
			return wire.AppendUlong(dst, u)
		}
	}
	if rest, ok := strings.CutPrefix(text, binaryPrefix); ok {
		if b, err := hex.DecodeString(rest); err == nil {
			return wire.AppendBinary(dst, b)
		}
	}
	return wire.AppendString(dst, text)
}

// appendCorrelation appends a message's correlation-id.
func appendCorrelation(dst []byte, m *message.Message) []byte {
	if m.Flags&message.BinaryCorrelation != 0 {
		return wire.AppendBinary(dst, m.CorrelationID)
	}
	return appendID(dst, m.CorrelationID)
}
