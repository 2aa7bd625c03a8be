package section

import (
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Header is the header section (AMQP 3.2.1).
type Header struct {
	Durable       bool
	Priority      uint8 // DefaultPriority if the sender gave none
	TTL           uint32
	HasTTL        bool // milliseconds
	FirstAcquirer bool
	DeliveryCount uint32
}

// DefaultPriority is the priority of a message whose sender gave none.
const DefaultPriority = 4

// ParseHeader reads the value of a header section; nil is one without any field.
func ParseHeader(raw []byte) (h Header, err error) {
	h.Priority = DefaultPriority
	if raw == nil {
		return h, nil
	}
	f, _, err := wire.FieldsOf(raw)
	if err != nil {
		return h, err
	}
	h.Durable = f.Bool()
	if p, ok := f.Ubyte(); ok {
		h.Priority = p
	}
	h.TTL, h.HasTTL = f.Uint()
	h.FirstAcquirer = f.Bool()
	h.DeliveryCount, _ = f.Uint()
	return h, f.Err()
}

// Append appends the section, or nothing where all is as it is without one.
func (h *Header) Append(dst []byte) []byte {
	if !h.Durable && h.Priority == DefaultPriority && !h.HasTTL && !h.FirstAcquirer && h.DeliveryCount == 0 {
		return dst
	}
	c := wire.Open(append(dst, wire.Described, wire.SmallUlong, HeaderCode), wire.List8)
	c.True(h.Durable)
	if h.Priority != DefaultPriority {
		c.Ubyte(h.Priority)
	} else {
		c.Null()
	}
	if h.HasTTL {
		c.Uint(h.TTL)
	} else {
		c.Null()
	}
	c.True(h.FirstAcquirer)
	if h.DeliveryCount != 0 {
		c.Uint(h.DeliveryCount)
	}
	return c.Close()
}
