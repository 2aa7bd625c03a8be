package bench

import (
	"encoding/binary"
	"math"
)

// StampSize is how many bytes of each body the run needs for itself.
const StampSize = 28

const (
	maxSequence = math.MaxUint32 // messages of one producer
	maxBody     = 64 << 20
)

// stamp is the beginning of each body.
type stamp struct {
	run      uint64
	producer uint32
	sequence uint64 // counts from 0
	at       int64  // when it was sent, in nanoseconds since the run began; 0 where nobody asks
}

func (s stamp) put(body []byte) {
	binary.BigEndian.PutUint64(body[0:], s.run)
	binary.BigEndian.PutUint32(body[8:], s.producer)
	binary.BigEndian.PutUint64(body[12:], s.sequence)
	binary.BigEndian.PutUint64(body[20:], uint64(s.at))
}

// stampOf reads the stamp of a body that is long enough.
func stampOf(body []byte) stamp {
	return stamp{
		run:      binary.BigEndian.Uint64(body[0:]),
		producer: binary.BigEndian.Uint32(body[8:]),
		sequence: binary.BigEndian.Uint64(body[12:]),
		at:       int64(binary.BigEndian.Uint64(body[20:])),
	}
}
