package wire

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"
)

// Bounds of what a compressed body may inflate to: this many times its size, and at least
// leastInflated octets, whatever its sender claims.
const (
	inflateRatio  = 1032 // what deflate can reach at most
	leastInflated = 64 << 10
)

// Inflate returns a compressed body's content (RFC 1950), of at most limit octets. With counted,
// the body begins with its length, behind which the stream may go on.
func Inflate(body []byte, counted bool, limit int64) ([]byte, error) {
	want := min(limit, max(int64(len(body))*inflateRatio, leastInflated))
	if counted {
		if len(body) < 4 {
			return nil, ErrPrimitive
		}
		n := int64(int32(binary.BigEndian.Uint32(body)))
		if n < 0 || n > want {
			return nil, &Error{"A compressed body is larger than allowed"}
		}
		want, body = n, body[4:]
	}
	z, err := zlib.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, ErrPrimitive
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, want))
	switch {
	case err != nil, counted && n < want:
		return nil, ErrPrimitive
	case !counted && n == want:
		var one [1]byte
		if m, _ := z.Read(one[:]); m > 0 {
			return nil, &Error{"A compressed body is larger than allowed"}
		}
	}
	return out.Bytes(), nil
}

// Deflate returns content as Inflate expects it.
func Deflate(content []byte, counted bool) []byte {
	var out bytes.Buffer
	if counted {
		_ = binary.Write(&out, binary.BigEndian, int32(len(content)))
	}
	z := zlib.NewWriter(&out)
	_, _ = z.Write(content) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}
