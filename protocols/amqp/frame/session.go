package frame

import (
	"math"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Begun is the begin performative (AMQP 2.7.2).
type Begun struct {
	Remote         uint16
	HasRemote      bool // it answers the peer's begin
	NextOutgoing   uint32
	IncomingWindow uint32 // transfer frames
	OutgoingWindow uint32
	HandleMax      uint32
	Offered        []string
	Desired        []string
}

// ParseBegin reads the fields of begin.
func ParseBegin(f wire.Fields) (b Begun, err error) {
	b.Remote, b.HasRemote = f.Ushort()
	b.NextOutgoing = f.MustUint()
	b.IncomingWindow = f.MustUint()
	b.OutgoingWindow = f.MustUint()
	b.HandleMax = f.UintOr(math.MaxUint32)
	b.Offered = f.Symbols()
	b.Desired = f.Symbols()
	f.Map()
	return b, mistake(&f)
}

// Append appends a frame with the performative.
func (b *Begun) Append(dst []byte, channel uint16) []byte {
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(wire.AppendDescriptor(dst, CodeBegin), wire.List8)
	if b.HasRemote {
		c.Ushort(b.Remote)
	} else {
		c.Null()
	}
	c.Uint(b.NextOutgoing)
	c.Uint(b.IncomingWindow)
	c.Uint(b.OutgoingWindow)
	c.Uint(b.HandleMax)
	c.Symbols(b.Offered)
	c.Symbols(b.Desired)
	return End(c.Close(), at)
}

// Ended is the end performative (AMQP 2.7.8).
type Ended struct{ Error *Error }

// ParseEnd reads the fields of end.
func ParseEnd(f wire.Fields) (e Ended, err error) {
	e.Error = parseError(f.Raw())
	return e, mistake(&f)
}

// Append appends a frame with the performative.
func (e *Ended) Append(dst []byte, channel uint16) []byte {
	return appendEnd(dst, channel, CodeEnd, e.Error)
}

// Flow is the flow performative (AMQP 2.7.4).
type Flow struct {
	NextIncoming    uint32
	HasNextIncoming bool
	IncomingWindow  uint32
	NextOutgoing    uint32
	OutgoingWindow  uint32
	Handle          uint32
	HasHandle       bool // it is about a link
	DeliveryCount   uint32
	HasCount        bool
	Credit          uint32
	HasCredit       bool
	Available       uint32
	Drain           bool
	Echo            bool
	Txn             bool // it asks for acquisition in a transaction (AMQP 4.4.3)
}

// ParseFlow reads the fields of flow.
func ParseFlow(f wire.Fields) (w Flow, err error) {
	w.NextIncoming, w.HasNextIncoming = f.Uint()
	w.IncomingWindow = f.MustUint()
	w.NextOutgoing = f.MustUint()
	w.OutgoingWindow = f.MustUint()
	w.Handle, w.HasHandle = f.Uint()
	w.DeliveryCount, w.HasCount = f.Uint()
	w.Credit, w.HasCredit = f.Uint()
	w.Available = f.UintOr(0)
	w.Drain = f.Bool()
	w.Echo = f.Bool()
	if properties := f.Map(); properties != nil {
		w.Txn = hasKey(properties, "txn-id")
	}
	return w, mistake(&f)
}

// hasKey reports whether an encoded map has a key.
func hasKey(raw []byte, name string) bool {
	v, _, err := wire.Parse(raw)
	if err != nil {
		return false
	}
	items := v.Items()
	for k, ok := items.Next(); ok; k, ok = items.Next() {
		if _, ok := items.Next(); ok && string(k.Data) == name {
			return true
		}
	}
	return false
}

// Append appends a frame with the performative.
func (w *Flow) Append(dst []byte, channel uint16) []byte {
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(wire.AppendDescriptor(dst, CodeFlow), wire.List8)
	optional := func(v uint32, has bool) {
		if has {
			c.Uint(v)
		} else {
			c.Null()
		}
	}
	optional(w.NextIncoming, w.HasNextIncoming)
	c.Uint(w.IncomingWindow)
	c.Uint(w.NextOutgoing)
	c.Uint(w.OutgoingWindow)
	optional(w.Handle, w.HasHandle)
	optional(w.DeliveryCount, w.HasCount)
	optional(w.Credit, w.HasCredit)
	optional(w.Available, w.HasHandle)
	c.True(w.Drain)
	c.True(w.Echo)
	return End(c.Close(), at)
}
