package store

import (
	"encoding/binary"
	"fmt"
)

// stateSize is the length of a state's stored form.
const stateSize = 17

const stateVersion = 1

// AppendBinary appends the stored form of s: version, flags, deliveries, not-before, tag,
// phase, all big endian and of fixed length.
func (s State) AppendBinary(dst []byte) []byte {
	var redelivered byte
	if s.Redelivered {
		redelivered = 1
	}
	dst = append(dst, stateVersion, redelivered)
	dst = binary.BigEndian.AppendUint16(dst, s.Deliveries)
	dst = binary.BigEndian.AppendUint64(dst, uint64(s.NotBefore))
	dst = binary.BigEndian.AppendUint32(dst, s.Tag)
	return append(dst, s.Phase)
}

// Decode reads what AppendBinary wrote.
func (s *State) Decode(p []byte) error {
	rest, err := s.decode(p)
	if err == nil && len(rest) != 0 {
		err = fmt.Errorf("%w: state with %d bytes too many", ErrCorrupt, len(rest))
	}
	return err
}

func (s *State) decode(p []byte) (rest []byte, err error) {
	if len(p) < stateSize {
		return nil, fmt.Errorf("%w: state of %d bytes", ErrCorrupt, len(p))
	}
	if p[0] != stateVersion {
		return nil, fmt.Errorf("%w: state version %d", ErrFormat, p[0])
	}
	*s = State{
		Redelivered: p[1]&1 != 0,
		Deliveries:  binary.BigEndian.Uint16(p[2:]),
		NotBefore:   int64(binary.BigEndian.Uint64(p[4:])),
		Tag:         binary.BigEndian.Uint32(p[12:]),
		Phase:       p[16],
	}
	return p[stateSize:], nil
}
