package frame

import (
	"bytes"
	"math"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Open is the open performative (AMQP 2.7.1).
type Open struct {
	Container   string
	Hostname    string
	MaxFrame    uint32 // the largest frame that the sender takes
	ChannelMax  uint16
	IdleTimeout uint32 // milliseconds; 0: none
	Offered     []string
	Desired     []string
	Properties  []byte // an encoded map
}

// ParseOpen reads the fields of open.
func ParseOpen(f wire.Fields) (o Open, err error) {
	id := f.String()
	o.Container = string(id)
	o.Hostname = string(f.String())
	o.MaxFrame = f.UintOr(math.MaxUint32)
	o.ChannelMax = math.MaxUint16
	if v, ok := f.Ushort(); ok {
		o.ChannelMax = v
	}
	o.IdleTimeout = f.UintOr(0)
	f.Symbols() // locales: only en-US is spoken
	f.Symbols()
	o.Offered = f.Symbols()
	o.Desired = f.Symbols()
	o.Properties = bytes.Clone(f.Map())
	if f.Err() == nil && id == nil {
		f.Fail(wire.ErrAbsent)
	}
	return o, mistake(&f)
}

// mistake is the error of a performative's fields.
func mistake(f *wire.Fields) error {
	if err := f.Err(); err != nil {
		return malformed(err)
	}
	return nil
}

// Append appends a frame with the performative, on channel 0.
func (o *Open) Append(dst []byte) []byte {
	dst, at := Begin(dst, TypeAMQP, 0)
	c := wire.Open(wire.AppendDescriptor(dst, CodeOpen), wire.List8)
	c.Item()
	c.B = wire.AppendString(c.B, o.Container)
	c.String(o.Hostname)
	c.Uint(o.MaxFrame)
	c.Ushort(o.ChannelMax)
	if o.IdleTimeout != 0 {
		c.Uint(o.IdleTimeout)
	} else {
		c.Null()
	}
	c.Null()
	c.Null()
	c.Symbols(o.Offered)
	c.Symbols(o.Desired)
	c.Raw(o.Properties)
	return End(c.Close(), at)
}

// Close is the close performative (AMQP 2.7.9).
type Close struct{ Error *Error }

// ParseClose reads the fields of close.
func ParseClose(f wire.Fields) (c Close, err error) {
	c.Error = parseError(f.Raw())
	return c, mistake(&f)
}

// Append appends a frame with the performative, on channel 0.
func (c *Close) Append(dst []byte) []byte { return appendEnd(dst, 0, CodeClose, c.Error) }

func appendEnd(dst []byte, channel uint16, code uint64, e *Error) []byte {
	dst, at := Begin(dst, TypeAMQP, channel)
	c := wire.Open(wire.AppendDescriptor(dst, code), wire.List8)
	if e != nil {
		c.Item()
		c.B = e.appendTo(c.B)
	}
	return End(c.Close(), at)
}
