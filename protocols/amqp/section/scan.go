package section

import (
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// The descriptors of sections (AMQP 3.2).
const (
	HeaderCode              = 0x70
	DeliveryAnnotationsCode = 0x71
	AnnotationsCode         = 0x72
	PropertiesCode          = 0x73
	ApplicationCode         = 0x74
	DataCode                = 0x75
	SequenceCode            = 0x76
	ValueCode               = 0x77
	FooterCode              = 0x78
)

// ErrOrder says that a section stands where it must not, or twice.
const ErrOrder wire.Error = "the message's sections are out of order"

// ErrEmpty says that there is no section at all.
const ErrEmpty wire.Error = "the message has no section"

// Span is where something stands in a message: from inclusive, to exclusive. The empty Span is
// nowhere.
type Span struct{ From, To uint32 }

// Of returns the bytes of a span.
func (s Span) Of(b []byte) []byte {
	if s.To == 0 {
		return nil
	}
	return b[s.From:s.To]
}

// Layout is where the sections of a message stand. Of all but Body and Footer, which have their
// descriptors with them, it is the value alone.
type Layout struct {
	Header              Span
	DeliveryAnnotations Span
	Annotations         Span
	Properties          Span
	Application         Span
	Bare                uint32 // where the bare message begins: properties, application properties and body
	Body                Span   // all sections of the body
	BodyCode            uint8  // what they are; 0: there is none
	Parts               uint32 // how many they are
	Footer              Span
}

// Head returns where the part before the body ends.
func (l *Layout) Head(size int) int {
	switch {
	case l.Body.To != 0:
		return int(l.Body.From)
	case l.Footer.To != 0:
		return int(l.Footer.From)
	}
	return size
}

// Scan finds the sections of a message. It looks at all values in them, so that what it accepts
// can be handed to others. [AMQP 3.2]
func Scan(b []byte) (l Layout, err error) {
	if len(b) == 0 {
		return l, ErrEmpty
	}
	last := uint8(0)
	for at := 0; at < len(b); {
		code, n, err := code(b[at:])
		if err != nil {
			return l, err
		}
		m, err := check(code, b[at+n:])
		if err != nil {
			return l, err
		}
		value := Span{uint32(at + n), uint32(at + n + m)}
		whole := Span{uint32(at), value.To}
		at += n + m
		if code < last || code == last && code != DataCode && code != SequenceCode || last >= DataCode && last <= ValueCode && code != last && code != FooterCode {
			return l, ErrOrder
		}
		last = code
		if l.Bare == 0 && code >= PropertiesCode {
			l.Bare = whole.From + 1 // 0 stands for: not seen
		}
		switch code {
		case HeaderCode:
			l.Header = value
		case DeliveryAnnotationsCode:
			l.DeliveryAnnotations = value
		case AnnotationsCode:
			l.Annotations = value
		case PropertiesCode:
			l.Properties = value
		case ApplicationCode:
			l.Application = value
		case FooterCode:
			l.Footer = whole
		default:
			if l.Body.To == 0 {
				l.Body.From = whole.From
			}
			l.Body.To = whole.To
			l.BodyCode = code
			l.Parts++
		}
	}
	if l.Bare == 0 {
		l.Bare = uint32(len(b))
	} else {
		l.Bare--
	}
	return l, nil
}

// code returns a section's code and the size of its descriptor.
func code(b []byte) (uint8, int, error) {
	if len(b) >= 3 && b[0] == wire.Described && b[1] == wire.SmallUlong {
		if b[2] >= HeaderCode && b[2] <= FooterCode {
			return b[2], 3, nil
		}
		return 0, 0, wire.ErrType
	}
	if len(b) < 2 || b[0] != wire.Described {
		return 0, 0, wire.ErrType
	}
	v, n, err := wire.Parse(b[1:])
	if err != nil {
		return 0, 0, err
	}
	c := uint64(0)
	if u, ok := v.Unsigned(); ok {
		c = u
	} else if v.IsSymbol() {
		c = named(v.Data)
	}
	if v.Descriptor != nil || c < HeaderCode || c > FooterCode {
		return 0, 0, wire.ErrType
	}
	return uint8(c), 1 + n, nil
}

func named(name []byte) uint64 {
	switch string(name) {
	case "amqp:header:list":
		return HeaderCode
	case "amqp:delivery-annotations:map":
		return DeliveryAnnotationsCode
	case "amqp:message-annotations:map":
		return AnnotationsCode
	case "amqp:properties:list":
		return PropertiesCode
	case "amqp:application-properties:map":
		return ApplicationCode
	case "amqp:data:binary":
		return DataCode
	case "amqp:amqp-sequence:list":
		return SequenceCode
	case "amqp:amqp-value:*":
		return ValueCode
	case "amqp:footer:map":
		return FooterCode
	}
	return 0
}

// check checks that a section's value is of the right kind, and all that is in it.
func check(code uint8, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, wire.ErrShort
	}
	ok := true
	switch code {
	case HeaderCode, PropertiesCode, SequenceCode:
		ok = b[0] == wire.List0 || b[0] == wire.List8 || b[0] == wire.List32
	case DeliveryAnnotationsCode, AnnotationsCode, ApplicationCode, FooterCode:
		ok = b[0] == wire.Map8 || b[0] == wire.Map32
	case DataCode:
		ok = b[0] == wire.Binary8 || b[0] == wire.Binary32
	}
	if !ok {
		return 0, wire.ErrType
	}
	return wire.Check(b)
}

// Parts calls fn with the value of each section of a body, or of any sequence of sections, until
// it returns false.
func Parts(body []byte, fn func(code uint8, value []byte) bool) error {
	for len(body) > 0 {
		c, n, err := code(body)
		if err != nil {
			return err
		}
		m, err := wire.Size(body[n:])
		if err != nil {
			return err
		}
		if !fn(c, body[n:n+m]) {
			return nil
		}
		body = body[n+m:]
	}
	return nil
}
