package frame

import (
	"bytes"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Control is what is sent to a coordinator: to declare a transaction, or to discharge one
// (AMQP 4.5.2, 4.5.3).
type Control struct {
	Discharge bool
	Global    bool // declare: it is to be part of a distributed transaction
	Txn       []byte
	Fail      bool // discharge: roll it back
}

// ParseControl reads an encoded declare or discharge.
func ParseControl(raw []byte) (k Control, err error) {
	code, n, err := descriptor(raw)
	if err != nil {
		return k, malformed(err)
	}
	f, m, err := wire.FieldsOf(raw[n:])
	switch {
	case err != nil:
		return k, malformed(err)
	case n+m != len(raw):
		return k, malformed(wire.ErrSize)
	}
	switch code {
	case codeDeclare:
		k.Global = f.Raw() != nil
	case codeDischarge:
		k.Discharge = true
		if k.Txn = bytes.Clone(f.Binary()); k.Txn == nil {
			f.Fail(wire.ErrAbsent)
		}
		k.Fail = f.Bool()
	default:
		return k, malformed(wire.ErrType)
	}
	return k, mistake(&f)
}

// Append appends the encoded declare or discharge.
func (k *Control) Append(dst []byte) []byte {
	if !k.Discharge {
		return append(wire.AppendDescriptor(dst, codeDeclare), wire.List0)
	}
	c := wire.Open(wire.AppendDescriptor(dst, codeDischarge), wire.List8)
	c.Item()
	c.B = wire.AppendBinary(c.B, k.Txn)
	c.True(k.Fail)
	return c.Close()
}
