package message

import "errors"

// ErrContent says that stored or received bytes are not what their format promises.
var ErrContent = errors.New("message: malformed content")

// FormatID names an encoding in stored messages. The numbers are part of the store's format
// and never change.
type FormatID uint8

// The formats.
const (
	NativeFormat   FormatID = 1
	Stomp10Format  FormatID = 2
	Stomp11Format  FormatID = 3
	Stomp12Format  FormatID = 4
	MQTTFormat     FormatID = 5
	AMQPFormat     FormatID = 6
	OpenWireFormat FormatID = 7
)

// Format opens stored content of one encoding. head and body belong to the content from then
// on. It never fails: damage shows when the content is asked.
type Format struct {
	ID   FormatID
	Name string
	Open func(head, body []byte) Content
}

// Formats finds formats by their id. A store that holds messages of a protocol that is not
// built in opens them as opaque bytes.
type Formats struct {
	byID [256]func(head, body []byte) Content
}

// NewFormats returns a table with the native format and those given.
func NewFormats(list ...Format) *Formats {
	f := new(Formats)
	f.byID[NativeFormat] = OpenNative
	for _, e := range list {
		f.byID[e.ID] = e.Open
	}
	return f
}

func (f *Formats) open(id FormatID, head, body []byte) Content {
	if f != nil && f.byID[id] != nil {
		return f.byID[id](head, body)
	}
	return &opaque{id: id, head: head, body: body}
}

// opaque is content of a format that this broker does not know.
type opaque struct {
	id         FormatID
	head, body []byte
}

func (o *opaque) Format() FormatID              { return o.id }
func (o *opaque) Head() []byte                  { return o.head }
func (o *opaque) Body() []byte                  { return o.body }
func (o *opaque) Property(string) (Value, bool) { return Value{}, false }
func (o *opaque) Properties(func(Field) bool)   {}
func (o *opaque) Payload() (Payload, error) {
	return Payload{Kind: BytesPayload, Value: OfBytes(view(o.body))}, nil
}
