package packet

import "io"

const (
	minBuffer = 2 << 10  // what an idle connection holds
	maxBuffer = 64 << 10 // what a busy one does
	direct    = 16 << 10 // packets above this that are not in the buffer go to a block
	firstRead = 64 << 10 // how much of a large block is allocated before any of it arrived

	emptyReads = 100 // reads without data or error until the source is given up
)

// fill reads once from the source: into the block while a large packet is on its way, else into
// the buffer.
func (r *Reader) fill() error {
	if r.block != nil {
		return r.fillBlock()
	}
	r.makeRoom()
	free := r.buf[r.end:]
	n, err := readSome(r.src, free)
	r.end += n
	r.filled = n == len(free)
	return err
}

// makeRoom makes sure that there is free space at the buffer's end. A buffer that the last read
// filled doubles up to maxBuffer; a packet that does not fit goes to a block before it has to
// grow beyond that.
func (r *Reader) makeRoom() {
	pending := r.end - r.start
	size := len(r.buf)
	switch {
	case size == 0:
		size = minBuffer
	case r.filled && size < maxBuffer, pending == size:
		size *= 2
	}
	if size != len(r.buf) {
		grown := make([]byte, size)
		copy(grown, r.buf[r.start:r.end])
		r.buf, r.start, r.end = grown, 0, pending
		return
	}
	if pending == 0 || r.end == size {
		copy(r.buf, r.buf[r.start:r.end])
		r.start, r.end = 0, pending
	}
}

// leaveBuffer begins a block for a large packet, of which the buffer has the first octets.
func (r *Reader) leaveBuffer(have int) error {
	h := &r.header
	if r.options.Reserve != nil {
		if err := r.options.Reserve(h.remaining); err != nil {
			return err
		}
		r.reserved = h.remaining
	}
	r.block = make([]byte, 0, min(h.remaining, max(firstRead, have)))
	r.block = append(r.block, r.buf[r.end-have:r.end]...)
	r.start = r.end
	return nil
}

// fillBlock reads from the source into the block, never beyond the packet's end. The block
// doubles with what arrives, so that a claimed length alone costs nothing.
func (r *Reader) fillBlock() error {
	if len(r.block) == cap(r.block) {
		grown := make([]byte, len(r.block), min(2*cap(r.block), r.header.remaining))
		copy(grown, r.block)
		r.block = grown
	}
	free := r.block[len(r.block):cap(r.block)]
	n, err := readSome(r.src, free)
	r.block = r.block[:len(r.block)+n]
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
