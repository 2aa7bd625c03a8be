package frame

import "io"

const (
	minBuffer = 2 << 10  // what an idle connection holds
	maxBuffer = 64 << 10 // what a busy one does; only long headers make it hold more
	direct    = 16 << 10 // frames above this that are not in the buffer go to their block
	firstRead = 64 << 10 // how much of a large block is allocated before any of it arrived

	emptyReads = 100 // reads without data or error until the source is given up
)

// fill reads once from the source: into the block while a large body is on its way, else into
// the buffer.
func (r *Reader) fill() error {
	if r.frame.wantsDirect() {
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
// filled doubles up to maxBuffer; beyond that it grows only for a frame that does not fit.
func (r *Reader) makeRoom() {
	pending := r.end - r.start
	size := len(r.buf)
	switch {
	case size == 0:
		size = minBuffer
	case pending == 0 && size > maxBuffer:
		size = maxBuffer
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
