package wire

import (
	"encoding/binary"
	"errors"
	"io"
)

// Sizes of the reader's buffer, in octets.
const (
	newBuffer  = 512      // what a connection begins with: clients that say little are many
	minBuffer  = 2 << 10  // what one that was busy goes back to
	maxBuffer  = 64 << 10 // what a busy one does; only longer frames make it hold more
	firstPiece = 64 << 10 // how much of a longer frame is allocated before any of it has come
	emptyReads = 100      // reads without data or error until the source is given up
)

// HandshakeFrame is the longest frame that is taken before the negotiation, in octets.
const HandshakeFrame = 16 << 10

// Reader reads commands from a source.
type Reader struct {
	src        io.Reader
	buf        []byte
	start, end int
	filled     bool   // the last read left no room
	long       []byte // the body of a frame that is longer than maxBuffer
	maxFrame   int64
	u          unmarshaller
}

// NewReader returns a reader for the handshake: what it reads is loose, and without a cache, until
// SetFormat.
func NewReader(src io.Reader) *Reader {
	return &Reader{src: src, maxFrame: HandshakeFrame, u: unmarshaller{version: 1}}
}

// SetFormat takes what was negotiated into effect.
func (r *Reader) SetFormat(f Format) {
	r.u.version, r.u.tight, r.u.stack = f.Version, f.Tight, f.StackTrace
	r.u.cache.size = f.CacheSize
	r.maxFrame = f.MaxFrameSize
}

// SetMaxFrame bounds the frames to come, in octets.
func (r *Reader) SetMaxFrame(n int64) { r.maxFrame = n }

// More reports whether Next would return without reading from the source.
func (r *Reader) More() bool {
	have := r.end - r.start
	return have >= 4 && int64(have) >= 4+int64(binary.BigEndian.Uint32(r.buf[r.start:]))
}

// Next returns the next command. It and all that it refers to are good until the next call. An
// *Error is the peer's fault, any other the source's.
func (r *Reader) Next() (Command, error) {
	for {
		frame, err := r.frame()
		if err != nil {
			return nil, err
		}
		if len(frame) == 1 && frame[0] == 0 {
			continue // the null command
		}
		return r.u.command(frame)
	}
}

// Owned reports whether the memory of the command that Next returned last is never used again by
// the reader, as it is with long frames.
func (r *Reader) Owned() bool { return r.long != nil }

// frame returns the octets of the next frame, without its size.
func (r *Reader) frame() ([]byte, error) {
	r.long = nil
	for r.end-r.start < 4 {
		if err := r.fill(4); err != nil {
			if err == io.EOF && r.end > r.start {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	size := int64(int32(binary.BigEndian.Uint32(r.buf[r.start:])))
	switch {
	case size < 0 || size > r.maxFrame:
		return nil, &Error{"Frame size of " + megabytes(size) + " larger than max allowed " + megabytes(r.maxFrame)}
	case size == 0:
		return nil, &Error{"A frame has no content"}
	case size+4 > maxBuffer:
		return r.longFrame(int(size))
	}
	n := int(size) + 4
	for r.end-r.start < n {
		if err := r.fill(n); err != nil {
			return nil, unexpected(err)
		}
	}
	b := r.buf[r.start+4 : r.start+n : r.start+n]
	r.start += n
	return b, nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// longFrame reads a frame into memory of its own, which grows with what has really come.
func (r *Reader) longFrame(size int) ([]byte, error) {
	have := r.buf[r.start+4 : r.end]
	b := append(make([]byte, 0, min(size, max(firstPiece, 2*len(have)))), have[:min(len(have), size)]...)
	r.start = r.end
	for len(b) < size {
		if len(b) == cap(b) {
			b = append(make([]byte, 0, min(size, 2*cap(b))), b...)
		}
		n, err := readSome(r.src, b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err != nil {
			return nil, unexpected(err)
		}
	}
	r.long = b
	return b, nil
}

// fill reads once from the source, into a buffer with room for n octets in all.
func (r *Reader) fill(n int) error {
	pending := r.end - r.start
	size := max(len(r.buf), newBuffer)
	switch {
	case pending == 0 && !r.filled && size > minBuffer:
		size = minBuffer // it is quiet
	case r.filled && size < maxBuffer:
		size *= 2
	}
	for size < n {
		size *= 2
	}
	if size != len(r.buf) {
		grown := make([]byte, size)
		copy(grown, r.buf[r.start:r.end])
		r.buf, r.start, r.end = grown, 0, pending
	} else if pending == 0 || r.start+n > size {
		copy(r.buf, r.buf[r.start:r.end])
		r.start, r.end = 0, pending
	}
	free := r.buf[r.end:]
	got, err := readSome(r.src, free)
	r.end += got
	r.filled = got == len(free)
	return err
}

// readSome reads at least one octet, or returns an error. Data come before an error: the source
// repeats it.
func readSome(src io.Reader, into []byte) (int, error) {
	for range emptyReads {
		n, err := src.Read(into)
		if n > 0 {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// megabytes returns a size as ActiveMQ names it to people.
func megabytes(n int64) string {
	switch {
	case n >= 1<<20:
		return number(int(n>>20)) + " MB"
	case n >= 1<<10:
		return number(int(n>>10)) + " KB"
	}
	return number(int(n)) + " bytes"
}

// command reads the command of a frame.
func (u *unmarshaller) command(frame []byte) (Command, error) {
	t := Type(frame[0])
	switch {
	case u.slabs != nil:
		u.slabs.reset()
	case t.IsMessage() || t == TypeMessageAck || t == TypeMessagePull:
		u.slabs = new(slabs)
	}
	u.err, u.depth, u.keep = nil, 0, 0
	u.data = frame[1:]
	if t == TypeWireFormatInfo {
		tight := u.tight
		u.tight = false
		info := new(WireFormatInfo)
		info.read(u)
		u.tight = tight
		return info, u.err
	}
	if u.tight {
		u.booleans()
	}
	s := u.body(t)
	if u.err != nil {
		return nil, u.err
	}
	c, ok := s.(Command)
	if !ok {
		return nil, &Error{"A structure of the type " + number(int(t)) + " is not a command"}
	}
	return c, nil
}

// booleans reads the booleans that the tight encoding begins with.
func (u *unmarshaller) booleans() {
	n := 0
	b := u.take(1)
	if b == nil {
		return
	}
	switch b[0] {
	case 0xc0:
		if b = u.take(1); b != nil {
			n = int(b[0])
		}
	case 0x80:
		if b = u.take(2); b != nil {
			n = int(binary.BigEndian.Uint16(b))
		}
	default:
		if n = int(b[0]); n >= 64 {
			u.fail("The booleans of a frame have no length")
			return
		}
	}
	u.bits, u.bit = u.take(n), 0
}

// Writer makes frames of commands. It belongs to one goroutine at a time.
type Writer struct{ w marshaller }

// NewWriter returns a writer for the handshake; see NewReader.
func NewWriter() *Writer { return &Writer{marshaller{version: 1}} }

// SetFormat takes what was negotiated into effect.
func (w *Writer) SetFormat(f Format) {
	w.w.version, w.w.tight, w.w.stack = f.Version, f.Tight, f.StackTrace
	w.w.cache.size = f.CacheSize
}

// reserved is the room that a frame's size, type and booleans are taken to need.
const reserved = 4 + 1 + 1 + 12

// Append appends the frame of a command to dst.
func (w *Writer) Append(dst []byte, c Command) []byte {
	m := &w.w
	start := len(dst)
	t := c.Type()
	tight := m.tight && t != TypeWireFormatInfo
	head := 5
	if tight {
		head = reserved
	}
	m.cache.sweep()
	m.data = append(dst, make([]byte, head)...)
	m.bits, m.nbits = m.bits[:0], 0
	if tight {
		c.write(m)
		m.insertBooleans(start)
	} else {
		was := m.tight
		m.tight = false
		c.write(m)
		m.tight = was
	}
	out := m.data
	m.data = nil
	binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	out[start+4] = byte(t)
	return out
}

// insertBooleans puts the booleans before the data, which begin at start+reserved.
func (w *marshaller) insertBooleans(start int) {
	n := len(w.bits)
	var length [3]byte
	size := 1
	switch {
	case n < 64:
		length[0] = byte(n)
	case n < 256:
		length[0], length[1], size = 0xc0, byte(n), 2
	default:
		length[0] = 0x80
		binary.BigEndian.PutUint16(length[1:], uint16(n))
		size = 3
	}
	from, to := start+reserved, start+5+size+n
	if to > from {
		w.data = append(w.data, make([]byte, to-from)...)
		copy(w.data[to:], w.data[from:len(w.data)-(to-from)])
	} else if to < from {
		copy(w.data[to:], w.data[from:])
		w.data = w.data[:len(w.data)-(from-to)]
	}
	copy(w.data[start+5:], length[:size])
	copy(w.data[start+5+size:], w.bits)
}

// ErrNegotiation says that two sides have no version in common.
var ErrNegotiation = errors.New("no common version of the wire format")

// plain is how structures are kept apart from any connection: the highest version, loose, without
// a cache.
func plain() Format { return Format{Version: MaxVersion, MaxFrameSize: 1 << 30} }

// AppendPlain appends the frame of a command to dst in the form that ParsePlain reads, which does
// not depend on a connection.
func AppendPlain(dst []byte, c Command) []byte {
	w := NewWriter()
	w.SetFormat(plain())
	return w.Append(dst, c)
}

// ParsePlain reads what AppendPlain has written. The command shares its memory.
func ParsePlain(b []byte) (Command, error) {
	if len(b) < 5 {
		return nil, &Error{"A frame is too short"}
	}
	u := unmarshaller{version: MaxVersion}
	return u.command(b[4:])
}
