package torture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Key names a message of a run: its producer's number, and its own number there from 1.
type Key struct {
	Producer uint32
	Seq      uint64
}

// String writes the key as producer/number.
func (k Key) String() string { return fmt.Sprintf("%d/%d", k.Producer, k.Seq) }

// A body names its message and proves that it is whole, in big-endian numbers:
//
//	run(8) producer(4) seq(8) size(4) checksum(4) filling(size-28)
//
// The filling is a pseudo-random stream of the run and the key, every octet value in it. The
// checksum is CRC-32C of all but itself.
const (
	checksumAt   = 24
	smallestBody = 28
)

// appendBody appends the body of a message; size is raised to the smallest there is.
func appendBody(dst []byte, run uint64, k Key, size int) []byte {
	size = max(size, smallestBody)
	start := len(dst)
	dst = binary.BigEndian.AppendUint64(dst, run)
	dst = binary.BigEndian.AppendUint32(dst, k.Producer)
	dst = binary.BigEndian.AppendUint64(dst, k.Seq)
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	dst = append(dst, 0, 0, 0, 0)
	x := run ^ k.Seq*0x9e3779b97f4a7c15 ^ uint64(k.Producer)<<32 | 1
	for n := size - smallestBody; n > 0; n -= 8 {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], x)
		dst = append(dst, word[:min(n, 8)]...)
	}
	body := dst[start:]
	binary.BigEndian.PutUint32(body[checksumAt:], checksum(body))
	return dst
}

func checksum(body []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli) // made once by the package itself
	return crc32.Update(crc32.Checksum(body[:checksumAt], table), table, body[smallestBody:])
}

// errBody says what is wrong with a body.
var errBody = errors.New("damaged body")

// parseBody reads whose body this is. An error means that it is not what was sent.
func parseBody(body []byte) (run uint64, k Key, err error) {
	if len(body) < smallestBody {
		return 0, Key{}, fmt.Errorf("%w: only %d octets", errBody, len(body))
	}
	run = binary.BigEndian.Uint64(body)
	k = Key{binary.BigEndian.Uint32(body[8:]), binary.BigEndian.Uint64(body[12:])}
	if size := binary.BigEndian.Uint32(body[20:]); int64(size) != int64(len(body)) {
		return run, k, fmt.Errorf("%w: %d octets instead of %d", errBody, len(body), size)
	}
	if sum := binary.BigEndian.Uint32(body[checksumAt:]); sum != checksum(body) {
		return run, k, fmt.Errorf("%w: checksum %08x instead of %08x", errBody, checksum(body), sum)
	}
	return run, k, nil
}
