package wire

// Type is the number of a structure on the wire.
type Type uint8

// The types of the families that share a Go type each.
const (
	TypeWireFormatInfo Type = 1

	TypeMessage       Type = 23
	TypeBytesMessage  Type = 24
	TypeMapMessage    Type = 25
	TypeObjectMessage Type = 26
	TypeStreamMessage Type = 27
	TypeTextMessage   Type = 28
	TypeBlobMessage   Type = 29

	TypeQueue     Type = 100
	TypeTopic     Type = 101
	TypeTempQueue Type = 102
	TypeTempTopic Type = 103

	TypeLocalTransactionID Type = 111
	TypeXATransactionID    Type = 112
)

// IsMessage reports whether the type is one of the messages'.
func (t Type) IsMessage() bool { return t >= TypeMessage && t <= TypeBlobMessage }

// Structure is anything that has a type of its own on the wire.
type Structure interface {
	Type() Type
	read(r *unmarshaller)
	write(w *marshaller)
}

// Command is a structure that may stand alone in a frame.
type Command interface {
	Structure
	Head() *Base
}

// Base is what every command begins with.
type Base struct {
	CommandID        int32
	ResponseRequired bool
}

// Head implements Command.
func (b *Base) Head() *Base { return b }

func (b *Base) read(r *unmarshaller) {
	b.CommandID = r.int32()
	b.ResponseRequired = r.bool()
}

func (b *Base) write(w *marshaller) {
	w.int32(b.CommandID)
	w.bool(b.ResponseRequired)
}

// Destination is a queue or a topic, of which Kind says which.
type Destination struct {
	Kind         Type
	PhysicalName Text
}

// Type implements Structure.
func (d *Destination) Type() Type { return d.Kind }

func (d *Destination) read(r *unmarshaller) { d.PhysicalName = r.text() }
func (d *Destination) write(w *marshaller)  { w.text(d.PhysicalName) }

// TransactionID is a local transaction's or an XA branch's identifier, of which Kind says which.
type TransactionID struct {
	Kind Type

	Value        int64 // of a local one
	ConnectionID *ConnectionID

	FormatID            int32 // of a branch
	GlobalTransactionID []byte
	BranchQualifier     []byte
}

// Type implements Structure.
func (x *TransactionID) Type() Type { return x.Kind }

func (x *TransactionID) read(r *unmarshaller) {
	if x.Kind == TypeLocalTransactionID {
		x.Value = r.int64()
		x.ConnectionID = as[*ConnectionID](r, r.cached())
		return
	}
	x.FormatID = r.int32()
	x.GlobalTransactionID = r.bytes()
	x.BranchQualifier = r.bytes()
}

func (x *TransactionID) write(w *marshaller) {
	if x.Kind == TypeLocalTransactionID {
		w.int64(x.Value)
		if x.ConnectionID == nil {
			w.cached(nil)
		} else {
			w.cached(x.ConnectionID)
		}
		return
	}
	w.int32(x.FormatID)
	w.bytes(x.GlobalTransactionID)
	w.bytes(x.BranchQualifier)
}

// Throwable is an exception: data, whatever class it names.
type Throwable struct {
	Class, Message Text
	Stack          []StackTraceElement
	Cause          *Throwable
}

// StackTraceElement is a line of a Throwable's stack trace.
type StackTraceElement struct {
	Class, Method, File Text
	Line                int32
}

// WireFormatInfo is what each side begins with.
type WireFormatInfo struct {
	Version              int32
	MarshalledProperties []byte
}

// Type implements Structure.
func (*WireFormatInfo) Type() Type { return TypeWireFormatInfo }

// Head implements Command; a WireFormatInfo has none.
func (*WireFormatInfo) Head() *Base { return new(Base) }

const magic = "ActiveMQ"

func (i *WireFormatInfo) read(r *unmarshaller) {
	if string(r.take(len(magic))) != magic {
		r.fail("Not an OpenWire client")
		return
	}
	i.Version = r.int32()
	i.MarshalledProperties = r.bytes()
}

func (i *WireFormatInfo) write(w *marshaller) {
	w.data = append(w.data, magic...)
	w.int32(i.Version)
	w.bytes(i.MarshalledProperties)
}
