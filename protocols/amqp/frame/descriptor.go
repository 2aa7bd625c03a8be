package frame

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Descriptors of the composite types (AMQP 1.6, 2.7, 2.8, 3.4, 3.5, 4.5, 5.3.3).
const (
	CodeOpen            = 0x10
	CodeBegin           = 0x11
	CodeAttach          = 0x12
	CodeFlow            = 0x13
	CodeTransfer        = 0x14
	CodeDisposition     = 0x15
	CodeDetach          = 0x16
	CodeEnd             = 0x17
	CodeClose           = 0x18
	codeError           = 0x1d
	codeReceived        = 0x23
	codeAccepted        = 0x24
	codeRejected        = 0x25
	codeReleased        = 0x26
	codeModified        = 0x27
	codeSource          = 0x28
	codeTarget          = 0x29
	codeDeleteOnClose   = 0x2b
	codeDeleteNoLinks   = 0x2c
	codeDeleteNoMessage = 0x2d
	codeDeleteNeither   = 0x2e
	codeCoordinator     = 0x30
	codeDeclare         = 0x31
	codeDischarge       = 0x32
	codeDeclared        = 0x33
	codeTransactional   = 0x34
	CodeMechanisms      = 0x40
	CodeInit            = 0x41
	CodeChallenge       = 0x42
	CodeResponse        = 0x43
	CodeOutcome         = 0x44
	codeNoLocal         = 0x0000468c00000003
	codeSelector        = 0x0000468c00000004
)

// unknown stands for a descriptor that is none of the above.
const unknown = ^uint64(0)

// descriptor reads the beginning of a described value: its descriptor, as a number, and how many
// bytes it takes. Both forms of descriptors are accepted. [AMQP 1.5]
func descriptor(b []byte) (code uint64, n int, err error) {
	if len(b) < 3 || b[0] != wire.Described {
		if len(b) > 0 && b[0] != wire.Described {
			return 0, 0, wire.ErrType
		}
		return 0, 0, wire.ErrShort
	}
	switch b[1] {
	case wire.SmallUlong:
		return uint64(b[2]), 3, nil
	case wire.Ulong:
		if len(b) < 10 {
			return 0, 0, wire.ErrShort
		}
		return binary.BigEndian.Uint64(b[2:]), 10, nil
	}
	v, n, err := wire.Parse(b[1:])
	if err != nil {
		return 0, 0, err
	}
	if v.Descriptor != nil {
		return unknown, 1 + n, nil
	}
	if u, ok := v.Unsigned(); ok {
		return u, 1 + n, nil
	}
	if v.IsSymbol() {
		return named(v.Data), 1 + n, nil
	}
	return unknown, 1 + n, nil
}

// DescriptorCode returns the number of an encoded descriptor, of either form; ^0 if it is none
// that is known.
func DescriptorCode(b []byte) uint64 {
	v, _, err := wire.Parse(b)
	if err != nil || v.Descriptor != nil {
		return unknown
	}
	if u, ok := v.Unsigned(); ok {
		return u
	}
	if v.IsSymbol() {
		return named(v.Data)
	}
	return unknown
}

// named returns the number of a symbolic descriptor.
func named(name []byte) uint64 {
	switch string(name) {
	case "amqp:open:list":
		return CodeOpen
	case "amqp:begin:list":
		return CodeBegin
	case "amqp:attach:list":
		return CodeAttach
	case "amqp:flow:list":
		return CodeFlow
	case "amqp:transfer:list":
		return CodeTransfer
	case "amqp:disposition:list":
		return CodeDisposition
	case "amqp:detach:list":
		return CodeDetach
	case "amqp:end:list":
		return CodeEnd
	case "amqp:close:list":
		return CodeClose
	case "amqp:error:list":
		return codeError
	case "amqp:received:list":
		return codeReceived
	case "amqp:accepted:list":
		return codeAccepted
	case "amqp:rejected:list":
		return codeRejected
	case "amqp:released:list":
		return codeReleased
	case "amqp:modified:list":
		return codeModified
	case "amqp:source:list":
		return codeSource
	case "amqp:target:list":
		return codeTarget
	case "amqp:delete-on-close:list":
		return codeDeleteOnClose
	case "amqp:delete-on-no-links:list":
		return codeDeleteNoLinks
	case "amqp:delete-on-no-messages:list":
		return codeDeleteNoMessage
	case "amqp:delete-on-no-links-or-messages:list":
		return codeDeleteNeither
	case "amqp:coordinator:list":
		return codeCoordinator
	case "amqp:declare:list":
		return codeDeclare
	case "amqp:discharge:list":
		return codeDischarge
	case "amqp:declared:list":
		return codeDeclared
	case "amqp:transactional-state:list":
		return codeTransactional
	case "amqp:sasl-mechanisms:list":
		return CodeMechanisms
	case "amqp:sasl-init:list":
		return CodeInit
	case "amqp:sasl-challenge:list":
		return CodeChallenge
	case "amqp:sasl-response:list":
		return CodeResponse
	case "amqp:sasl-outcome:list":
		return CodeOutcome
	case "apache.org:selector-filter:string":
		return codeSelector
	case "apache.org:no-local-filter:list":
		return codeNoLocal
	}
	return unknown
}

// Performative splits the body of a frame: which performative it is, its fields, and how many
// bytes it takes; what follows is the payload.
func Performative(body []byte) (code uint64, f wire.Fields, n int, err error) {
	code, n, err = descriptor(body)
	if err != nil {
		return 0, f, 0, malformed(err)
	}
	f, m, err := wire.FieldsOf(body[n:])
	if err != nil {
		return 0, f, 0, malformed(err)
	}
	return code, f, n + m, nil
}
