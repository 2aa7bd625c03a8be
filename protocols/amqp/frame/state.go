package frame

import (
	"encoding/binary"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// StateKind tells delivery states apart (AMQP 3.4). Of them, Accepted to Modified are outcomes.
type StateKind uint8

// The delivery states. NoState stands for null and, with one that is transactional, for an
// outcome that is not there.
const (
	NoState StateKind = iota
	Received
	Accepted
	Rejected
	Released
	Modified
	Declared
)

// IsOutcome reports whether the state ends a delivery.
func (k StateKind) IsOutcome() bool { return k >= Accepted && k <= Modified }

// State is the state of a delivery. Its slices are views of the buffer that it was read from.
type State struct {
	Kind StateKind
	// InTransaction says that the state is a transactional one (AMQP 4.5.6): Kind is its outcome
	// then.
	InTransaction bool
	Txn           []byte // of a transactional or declared state: the transaction's id
	Error         []byte // of Rejected, encoded
	Failed        bool   // of Modified: delivery-failed
	Undeliverable bool   // of Modified: undeliverable-here
	Annotations   []byte // of Modified, an encoded map
	Section       uint32 // of Received
	Offset        uint64 // of Received
}

// ParseState reads a delivery state; of nothing it is NoState.
func ParseState(raw []byte) (s State, err error) {
	if len(raw) == 0 {
		return s, nil
	}
	code, n, err := descriptor(raw)
	if err != nil {
		return s, malformed(err)
	}
	f, _, err := wire.FieldsOf(raw[n:])
	if err != nil {
		return s, malformed(err)
	}
	switch code {
	case codeReceived:
		s.Kind = Received
		s.Section = f.MustUint()
		s.Offset, _ = f.Ulong()
	case codeAccepted:
		s.Kind = Accepted
	case codeRejected:
		s.Kind = Rejected
		s.Error = f.Raw()
	case codeReleased:
		s.Kind = Released
	case codeModified:
		s.Kind = Modified
		s.Failed = f.Bool()
		s.Undeliverable = f.Bool()
		s.Annotations = f.Map()
	case codeDeclared:
		s.Kind = Declared
		if s.Txn = f.Binary(); s.Txn == nil {
			f.Fail(wire.ErrAbsent)
		}
	case codeTransactional:
		txn := f.Binary()
		if txn == nil {
			f.Fail(wire.ErrAbsent)
		}
		outcome := f.Raw()
		if f.Err() == nil && outcome != nil {
			if code, _, err := descriptor(outcome); err == nil && code == codeTransactional {
				return s, malformed(wire.ErrType) // would nest without an end
			}
			if s, err = ParseState(outcome); err != nil {
				return s, err
			}
		}
		s.InTransaction, s.Txn = true, txn
	default:
		return s, malformed(wire.ErrType)
	}
	if err := f.Err(); err != nil {
		return s, malformed(err)
	}
	return s, nil
}

// Rejection returns the error of a rejected state; nil if it has none.
func (s *State) Rejection() *Error { return parseError(s.Error) }

// Append appends the state; a NoState outside of a transaction is null.
func (s *State) Append(dst []byte) []byte {
	if s.InTransaction {
		dst = wire.AppendDescriptor(dst, codeTransactional)
		c := wire.Open(dst, wire.List8)
		c.Item()
		c.B = wire.AppendBinary(c.B, s.Txn)
		if s.Kind != NoState {
			c.Item()
			c.B = s.appendOutcome(c.B)
		}
		return c.Close()
	}
	return s.appendOutcome(dst)
}

func (s *State) appendOutcome(dst []byte) []byte {
	code := uint64(0)
	switch s.Kind {
	case NoState:
		return wire.AppendNull(dst)
	case Accepted:
		return append(dst, wire.Described, wire.SmallUlong, codeAccepted, wire.List0)
	case Released:
		return append(dst, wire.Described, wire.SmallUlong, codeReleased, wire.List0)
	case Received:
		code = codeReceived
	case Rejected:
		code = codeRejected
	case Modified:
		code = codeModified
	case Declared:
		code = codeDeclared
	}
	c := wire.Open(wire.AppendDescriptor(dst, code), wire.List8)
	switch s.Kind {
	case Received:
		c.Uint(s.Section)
		c.Ulong(s.Offset)
	case Rejected:
		c.Raw(s.Error)
	case Modified:
		c.True(s.Failed)
		c.True(s.Undeliverable)
		c.Raw(s.Annotations)
	case Declared:
		c.Binary(s.Txn)
	}
	return c.Close()
}

// RejectedWith returns the state of a message that was rejected for a reason.
func RejectedWith(e *Error) State { return State{Kind: Rejected, Error: e.appendTo(nil)} }

// Names of the outcomes, as termini list them (AMQP 3.5.3).
const (
	AcceptedName = "amqp:accepted:list"
	RejectedName = "amqp:rejected:list"
	ReleasedName = "amqp:released:list"
	ModifiedName = "amqp:modified:list"
)

// Tags goes through an encoded map from delivery-tags to states, as attach has it, until fn
// returns false. Null states are NoState.
func Tags(raw []byte, fn func(tag []byte, s State) bool) error {
	if raw == nil {
		return nil
	}
	v, _, err := wire.Parse(raw)
	if err != nil || !v.IsMap() {
		return malformed(wire.ErrType)
	}
	items := v.Items()
	for {
		tag, ok := items.Next()
		if !ok {
			break
		}
		value, ok := items.Raw()
		if !ok {
			break
		}
		if !tag.IsBinary() {
			return malformed(wire.ErrType)
		}
		var s State
		if value[0] != wire.Null {
			if s, err = ParseState(value); err != nil {
				return err
			}
		}
		if !fn(tag.Data, s) {
			return nil
		}
	}
	if err := items.Err(); err != nil {
		return malformed(err)
	}
	return nil
}

// MaxTag is the longest delivery-tag (AMQP 2.8.7).
const MaxTag = 32

// AppendTag appends a number as the delivery-tag of eight octets that this broker gives.
func AppendTag(dst []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, wire.Binary8, 8), n)
}

// ParseTag reads a tag that AppendTag wrote.
func ParseTag(tag []byte) (n uint64, ok bool) {
	if len(tag) != 8 {
		return 0, false
	}
	return binary.BigEndian.Uint64(tag), true
}
