package frame

import (
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// OutcomeCode is how a SASL exchange ended (AMQP 5.3.3.6).
type OutcomeCode uint8

// The outcomes.
const (
	LoginOK        OutcomeCode = 0
	LoginFailed    OutcomeCode = 1
	LoginSystem    OutcomeCode = 2
	LoginPermanent OutcomeCode = 3
	LoginTemporary OutcomeCode = 4
)

// AppendMechanisms appends sasl-mechanisms, in the order of the server's preference.
func AppendMechanisms(dst []byte, list []string) []byte {
	dst, at := Begin(dst, TypeSASL, 0)
	c := wire.Open(wire.AppendDescriptor(dst, CodeMechanisms), wire.List8)
	c.Symbols(list)
	return End(c.Close(), at)
}

// Init is sasl-init (AMQP 5.3.3.2).
type Init struct {
	Mechanism string
	Response  []byte // nil: absent, which is not the same as empty
	Hostname  string
}

// ParseInit reads the fields of sasl-init.
func ParseInit(f wire.Fields) (i Init, err error) {
	mechanism := f.Symbol()
	if mechanism == nil {
		f.Fail(wire.ErrAbsent)
	}
	i.Mechanism = string(mechanism)
	if response := f.Binary(); response != nil {
		i.Response = append([]byte{}, response...)
	}
	i.Hostname = string(f.String())
	return i, mistake(&f)
}

// Append appends a frame with sasl-init.
func (i *Init) Append(dst []byte) []byte {
	dst, at := Begin(dst, TypeSASL, 0)
	c := wire.Open(wire.AppendDescriptor(dst, CodeInit), wire.List8)
	c.Item()
	c.B = wire.AppendSymbol(c.B, i.Mechanism)
	c.Binary(i.Response)
	c.String(i.Hostname)
	return End(c.Close(), at)
}

// AppendChallenge appends sasl-challenge.
func AppendChallenge(dst, challenge []byte) []byte {
	dst, at := Begin(dst, TypeSASL, 0)
	c := wire.Open(wire.AppendDescriptor(dst, CodeChallenge), wire.List8)
	c.Item()
	c.B = wire.AppendBinary(c.B, challenge)
	return End(c.Close(), at)
}

// ParseResponse reads the fields of sasl-response.
func ParseResponse(f wire.Fields) (response []byte, err error) {
	b := f.Binary()
	if b == nil {
		f.Fail(wire.ErrAbsent)
	}
	return append([]byte{}, b...), mistake(&f)
}

// AppendOutcome appends sasl-outcome.
func AppendOutcome(dst []byte, code OutcomeCode, data []byte) []byte {
	dst, at := Begin(dst, TypeSASL, 0)
	c := wire.Open(wire.AppendDescriptor(dst, CodeOutcome), wire.List8)
	c.Ubyte(uint8(code))
	c.Binary(data)
	return End(c.Close(), at)
}

// Outcome is sasl-outcome.
type Outcome struct {
	Code OutcomeCode
	Data []byte
}

// ParseOutcome reads the fields of sasl-outcome.
func ParseOutcome(f wire.Fields) (o Outcome, err error) {
	code, ok := f.Ubyte()
	if !ok {
		f.Fail(wire.ErrAbsent)
	}
	o.Code = OutcomeCode(code)
	o.Data = append([]byte(nil), f.Binary()...)
	return o, mistake(&f)
}

// ParseMechanisms reads the fields of sasl-mechanisms.
func ParseMechanisms(f wire.Fields) (list []string, err error) {
	list = f.Symbols()
	return list, mistake(&f)
}
