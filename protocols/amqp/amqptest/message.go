package amqptest

import "fmt"

// Message is a message by its sections [AMQP 3.2]. A nil section is absent.
type Message struct {
	Header      List
	Delivery    Map // delivery-annotations
	Annotations Map // message-annotations
	Properties  List
	Application Map
	Data        [][]byte
	Sequences   []List
	Value       any  // amqp-value
	Null        bool // an amqp-value of null
	Footer      Map

	Bare []byte // properties, application-properties and body as received
}

// TextMessage returns a message with a string as its value.
func TextMessage(text string) Message { return Message{Value: text} }

// Durable makes the message durable.
func (m Message) Durable() Message {
	m.Header = List{true}
	return m
}

// With sets a field of the properties section.
func (m Message) With(field int, value any) Message {
	p := make(List, max(len(m.Properties), field+1))
	copy(p, m.Properties)
	p[field] = value
	m.Properties = p
	return m
}

// Fields of the properties section [AMQP 3.2.4].
const (
	MessageID, UserID, To, Subject, ReplyTo, CorrelationID, ContentType = 0, 1, 2, 3, 4, 5, 6
	ContentEncoding, ExpiryTime, CreationTime, GroupID, GroupSequence   = 7, 8, 9, 10, 11
	ReplyToGroupID                                                      = 12
)

// Encode returns the message's octets.
func (m Message) Encode() []byte {
	var b []byte
	section := func(code uint64, value any) { b = Append(b, Described{code, value}) }
	if m.Header != nil {
		section(HeaderSection, m.Header)
	}
	if m.Delivery != nil {
		section(DeliverySection, m.Delivery)
	}
	if m.Annotations != nil {
		section(AnnotationSection, m.Annotations)
	}
	if m.Properties != nil {
		section(PropertiesSection, m.Properties)
	}
	if m.Application != nil {
		section(ApplicationSection, m.Application)
	}
	for _, d := range m.Data {
		section(DataSection, d)
	}
	for _, s := range m.Sequences {
		section(SequenceSection, s)
	}
	if m.Value != nil || m.Null {
		section(ValueSection, m.Value)
	}
	if m.Footer != nil {
		section(Footer, m.Footer)
	}
	return b
}

// DecodeMessage reads a message.
func DecodeMessage(b []byte) (Message, error) {
	var m Message
	bare, last := -1, uint64(0)
	all := b
	for len(b) > 0 {
		at := len(all) - len(b)
		value, rest, err := Decode(b)
		if err != nil {
			return m, err
		}
		code := Code(value)
		if code < last {
			return m, fmt.Errorf("section %#x behind %#x", code, last)
		}
		last = code
		content := value.(Described).Value
		if code >= PropertiesSection && code < Footer && bare < 0 {
			bare = at
		}
		switch code {
		case HeaderSection:
			m.Header, _ = content.(List)
		case DeliverySection:
			m.Delivery, _ = content.(Map)
		case AnnotationSection:
			m.Annotations, _ = content.(Map)
		case PropertiesSection:
			m.Properties, _ = content.(List)
		case ApplicationSection:
			m.Application, _ = content.(Map)
		case DataSection:
			d, _ := content.([]byte)
			m.Data = append(m.Data, d)
		case SequenceSection:
			l, _ := content.(List)
			m.Sequences = append(m.Sequences, l)
		case ValueSection:
			m.Value, m.Null = content, content == nil
		case Footer:
			m.Footer, _ = content.(Map)
			if bare >= 0 {
				m.Bare = all[bare:at]
			}
		default:
			return m, fmt.Errorf("section %#x", code)
		}
		b = rest
	}
	if bare >= 0 && m.Bare == nil {
		m.Bare = all[bare:]
	}
	return m, nil
}

// Text returns the text of a string value, or of data.
func (m Message) Text() string {
	if s, ok := m.Value.(string); ok {
		return s
	}
	var text []byte
	for _, d := range m.Data {
		text = append(text, d...)
	}
	return string(text)
}

// Failures returns the delivery-count of the header.
func (m Message) Failures() uint32 { return Number(m.Header.At(4)) }
