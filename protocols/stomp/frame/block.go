package frame

import "bytes"

// wantsDirect reports whether the next octets of the stream belong into the block.
func (f *frameState) wantsDirect() bool {
	return f.phase == phaseBody && f.block != nil && len(f.block) < f.total
}

// reserve asks for n more octets of memory.
func (r *Reader) reserve(n int) error {
	if r.options.Reserve != nil {
		if err := r.options.Reserve(n); err != nil {
			return err
		}
		r.frame.reserved += n
	}
	return nil
}

// leaveBuffer moves the header lines, and the body up to position end as far as it is here,
// into a block that grows with what arrives. A claimed length is reserved whole, and allocated
// bit by bit.
func (r *Reader) leaveBuffer(end int) error {
	f := &r.frame
	have := r.buf[r.start+f.head : min(r.start+end, r.end)]
	size := max(firstRead, 2*len(have))
	if f.phase == phaseBody {
		size = max(len(have), min(f.total, firstRead))
		if err := r.reserve(f.total); err != nil {
			return err
		}
	} else if err := r.reserve(size); err != nil {
		return err
	}
	f.block = append(make([]byte, 0, size), have...)
	r.start += f.head + len(have)
	r.viewHead()
	return nil
}

// grow makes room for at least one octet in the block: twice the size, and never more than the
// frame will need where that is known.
func (r *Reader) grow(least int) error {
	f := &r.frame
	size := max(2*cap(f.block), least)
	if f.phase == phaseBody {
		size = min(size, f.total)
	} else if err := r.reserve(size - cap(f.block)); err != nil {
		return err
	}
	f.block = append(make([]byte, 0, size), f.block...)
	r.viewHead()
	return nil
}

// fillBlock reads from the source into the block, never beyond the body's end.
func (r *Reader) fillBlock() error {
	f := &r.frame
	if len(f.block) == cap(f.block) {
		if err := r.grow(0); err != nil {
			return err
		}
	}
	free := f.block[len(f.block):min(cap(f.block), f.total)]
	n, err := readSome(r.src, free)
	f.block = f.block[:len(f.block)+n]
	return err
}

// parseUntilBlock moves what is in the buffer to the block, up to a NUL.
func (r *Reader) parseUntilBlock() (bool, error) {
	f := &r.frame
	part := r.buf[r.start:r.end]
	i := bytes.IndexByte(part, 0)
	if i >= 0 {
		part = part[:i]
	}
	size := len(f.block) + len(part)
	if exceeds(size-(f.body-f.head), r.options.Limits.Data) {
		return false, r.fail(textData)
	}
	if err := r.checkFrame(f.head + size + 1); err != nil {
		return false, err
	}
	if size > cap(f.block) {
		if err := r.grow(size); err != nil {
			return false, err
		}
	}
	f.block = append(f.block, part...)
	r.start += len(part)
	if i < 0 {
		return false, nil
	}
	r.start++
	return true, r.finishBlock()
}

// finishBlock completes a frame that left the buffer. A block that doubled too far is cut to
// size: it may live long.
func (r *Reader) finishBlock() error {
	f, out := &r.frame, &r.out
	block := f.block
	if cap(block)-len(block) > len(block)/4 {
		block = bytes.Clone(block)
	}
	out.Block = block[:len(block):len(block)]
	out.Headers.raw = block[:f.headLen:f.headLen]
	out.Body = out.Block[f.body-f.head:]
	out.Reserved = f.reserved
	*f = frameState{}
	return nil
}
