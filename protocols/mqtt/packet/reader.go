package packet

import (
	"errors"
	"io"
)

// ReaderOptions is what a Reader has to know.
type ReaderOptions struct {
	// Version of the packets to come. Zero: the first has to be a CONNECT, which says it.
	Version Version
	Limits  Limits

	// Reserve, if not nil, is asked before memory for a large packet is allocated, for its whole
	// size. It may block; an error ends reading.
	Reserve func(octets int) error
}

// Reader reads packets from a stream. It is for one goroutine.
type Reader struct {
	src     io.Reader
	options ReaderOptions

	buf        []byte
	start, end int // what was read and not yet consumed
	filled     bool

	header   header // of the packet at start, once it is known
	block    []byte // the body of a packet that left the buffer
	reserved int
	out      Packet
	ready    bool
	err      error
}

// header is a fixed header.
type header struct {
	first     byte
	checked   bool // first was judged
	size      int  // octets of the header itself; 0: not known yet
	remaining int
}

// NewReader returns a reader of src, which is read from only in Next.
func NewReader(src io.Reader, options ReaderOptions) *Reader {
	return &Reader{src: src, options: options}
}

// SetLimits sets the limits for the packets to come. It has to be called before Next or More
// looks at them.
func (r *Reader) SetLimits(l Limits) { r.options.Limits = l }

// Version returns the version that the stream is read as; zero before the CONNECT.
func (r *Reader) Version() Version { return r.options.Version }

// Claimed returns the version that a CONNECT claims which Next has refused: zero if it could not be
// read.
func (r *Reader) Claimed() Version { return r.out.Version }

// Next returns the next packet. It blocks until one is complete or reading fails.
//
// A violation of the protocol is a *Error, after which the reader can't go on. At the end of the
// stream the error is io.EOF, or io.ErrUnexpectedEOF in the middle of a packet. Other errors are
// the source's or Reserve's.
func (r *Reader) Next() (*Packet, error) {
	for !r.More() {
		if err := r.fill(); err != nil {
			if errors.Is(err, io.EOF) && (r.end > r.start || r.block != nil) {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	r.ready = false
	return &r.out, nil
}

// More reports whether Next has something to return without reading from the source, so that the
// caller knows where a burst of packets ends. It ends the life of the last packet.
func (r *Reader) More() bool {
	if r.ready || r.err != nil {
		return true
	}
	r.ready, r.err = r.advance()
	return r.ready || r.err != nil
}

// Reserved returns what Reserve was asked for on account of the packet that is not complete yet:
// to be given back when the connection ends.
func (r *Reader) Reserved() int {
	if r.ready {
		return r.out.Reserved
	}
	return r.reserved
}

// Shrink lets go of the buffer if nothing is in it: for connections that have been idle for a
// while, between two calls of Next. It ends the life of the last packet.
func (r *Reader) Shrink() {
	if r.start == r.end && !r.ready && r.block == nil {
		r.buf, r.start, r.end, r.filled = nil, 0, 0, false
	}
}

// advance completes a packet from what is in the buffer.
func (r *Reader) advance() (done bool, err error) {
	h := &r.header
	if h.size == 0 {
		if done, err := r.parseHeader(); !done || err != nil {
			return false, err
		}
	}
	if r.block != nil {
		if len(r.block) < h.remaining {
			return false, nil
		}
		return true, r.finish(r.block)
	}
	have := r.end - r.start - h.size
	if have < h.remaining {
		if h.size+h.remaining > direct {
			return false, r.leaveBuffer(have)
		}
		return false, nil
	}
	body := r.buf[r.start+h.size : r.start+h.size+h.remaining]
	r.start += h.size + h.remaining
	if Type(h.first>>4) == Publish {
		body = append(make([]byte, 0, len(body)), body...)
	}
	return true, r.finish(body)
}

// parseHeader reads the fixed header. It judges each octet as soon as it is here: nobody waits
// for, or holds memory for, the rest of a packet that will be refused.
func (r *Reader) parseHeader() (done bool, err error) {
	h := &r.header
	b := r.buf[r.start:r.end]
	if len(b) == 0 {
		return false, nil
	}
	if !h.checked {
		h.first = b[0]
		if err := checkFirst(h.first, r.options.Version); err != nil {
			return false, err
		}
		if Type(h.first>>4) == Connect && r.options.Version != 0 { // [MQTT-3.1.0-2]
			return false, protocolError("second CONNECT")
		}
		h.checked = true
	}
	n, size := varint(b[1:])
	switch {
	case size < 0:
		return false, malformed("remaining length")
	case size == 0:
		return false, nil
	case exceeds(1+size+int(n), r.options.Limits.Packet): // [MQTT-3.2.2-15]
		return false, &Error{PacketTooLarge, "packet larger than allowed"}
	}
	h.size, h.remaining = 1+size, int(n)
	return true, nil
}

// finish decodes the body of a complete packet.
func (r *Reader) finish(body []byte) error {
	h := r.header
	r.header, r.block = header{}, nil
	p := &r.out
	err := Decode(p, r.options.Version, h.first, body, &r.options.Limits)
	p.Size = h.size + h.remaining
	p.Reserved, r.reserved = r.reserved, 0
	if p.Type == Publish {
		p.Block = body
	}
	if p.Type == Connect && err == nil {
		r.options.Version = p.Version
	}
	return err
}
