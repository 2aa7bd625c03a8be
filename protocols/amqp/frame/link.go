package frame

import (
	"bytes"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Role says which end of a link somebody is (AMQP 2.8.1).
type Role bool

// The roles.
const (
	Sender   Role = false
	Receiver Role = true
)

// SenderMode is the settlement mode of a link's sender (AMQP 2.8.2).
type SenderMode uint8

// The modes of senders.
const (
	Unsettled SenderMode = 0
	Settled   SenderMode = 1
	Mixed     SenderMode = 2
)

// ReceiverMode is the settlement mode of a link's receiver (AMQP 2.8.3).
type ReceiverMode uint8

// The modes of receivers: First settles at once, Second after the sender has.
const (
	First  ReceiverMode = 0
	Second ReceiverMode = 1
)

// Attach is the attach performative (AMQP 2.7.3).
type Attach struct {
	Name            string
	Handle          uint32
	Role            Role
	SenderMode      SenderMode
	ReceiverMode    ReceiverMode
	Source          *Source
	Target          *Target
	Coordinator     *Coordinator // in place of a target
	Unsettled       []byte       // an encoded map of tags and states; nil: null
	Incomplete      bool
	InitialCount    uint32
	HasInitialCount bool
	MaxMessageSize  uint64 // 0: no limit
	Offered         []string
	Desired         []string
	Properties      []byte // an encoded map
}

// ParseAttach reads the fields of attach.
func ParseAttach(f wire.Fields) (a Attach, err error) {
	name := f.String()
	a.Name = string(name)
	a.Handle = f.MustUint()
	role, hasRole := f.Boolean()
	a.Role = Role(role)
	a.SenderMode = Mixed
	if v, ok := f.Ubyte(); ok {
		a.SenderMode = SenderMode(v)
	}
	if v, ok := f.Ubyte(); ok {
		a.ReceiverMode = ReceiverMode(v)
	}
	source, target := f.Raw(), f.Raw()
	a.Unsettled = bytes.Clone(f.Map())
	a.Incomplete = f.Bool()
	a.InitialCount, a.HasInitialCount = f.Uint()
	a.MaxMessageSize, _ = f.Ulong()
	a.Offered = f.Symbols()
	a.Desired = f.Symbols()
	a.Properties = bytes.Clone(f.Map())
	if f.Err() == nil {
		switch {
		case name == nil, !hasRole:
			f.Fail(wire.ErrAbsent)
		case a.SenderMode > Mixed, a.ReceiverMode > Second:
			f.Fail(wire.ErrValue)
		}
	}
	if source != nil {
		if a.Source, err = parseSource(source); err != nil {
			f.Fail(err)
		}
	}
	if target != nil {
		if a.Target, a.Coordinator, err = parseTarget(target); err != nil {
			f.Fail(err)
		}
	}
	return a, mistake(&f)
}

// Append appends a frame with the performative.
func (a *Attach) Append(dst []byte, channel uint16) []byte {
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(wire.AppendDescriptor(dst, CodeAttach), wire.List8)
	c.Item()
	c.B = wire.AppendString(c.B, a.Name)
	c.Uint(a.Handle)
	c.Bool(bool(a.Role))
	c.Ubyte(uint8(a.SenderMode))
	c.Ubyte(uint8(a.ReceiverMode))
	if a.Source != nil {
		c.Item()
		c.B = a.Source.appendTo(c.B)
	} else {
		c.Null()
	}
	switch {
	case a.Coordinator != nil:
		c.Item()
		c.B = a.Coordinator.appendTo(c.B)
	case a.Target != nil:
		c.Item()
		c.B = a.Target.appendTo(c.B)
	default:
		c.Null()
	}
	c.Raw(a.Unsettled)
	c.True(a.Incomplete)
	if a.HasInitialCount {
		c.Uint(a.InitialCount)
	} else {
		c.Null()
	}
	if a.MaxMessageSize != 0 {
		c.Ulong(a.MaxMessageSize)
	} else {
		c.Null()
	}
	c.Symbols(a.Offered)
	c.Symbols(a.Desired)
	c.Raw(a.Properties)
	return End(c.Close(), at)
}

// Detach is the detach performative (AMQP 2.7.7).
type Detach struct {
	Handle uint32
	Closed bool
	Error  *Error
}

// ParseDetach reads the fields of detach.
func ParseDetach(f wire.Fields) (d Detach, err error) {
	d.Handle = f.MustUint()
	d.Closed = f.Bool()
	d.Error = parseError(f.Raw())
	return d, mistake(&f)
}

// Append appends a frame with the performative.
func (d *Detach) Append(dst []byte, channel uint16) []byte {
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(wire.AppendDescriptor(dst, CodeDetach), wire.List8)
	c.Uint(d.Handle)
	c.True(d.Closed)
	if d.Error != nil {
		c.Item()
		c.B = d.Error.appendTo(c.B)
	}
	return End(c.Close(), at)
}
