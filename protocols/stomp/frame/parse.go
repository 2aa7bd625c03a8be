package frame

import (
	"bytes"
	"strconv"
)

type phase uint8

const (
	phaseCommand phase = iota
	phaseHeaders
	phaseBody  // of known length
	phaseUntil // of unknown length: to the first NUL
)

// frameState is how far the current frame is parsed. Positions count from the frame's first
// octet, so that the buffer may move.
type frameState struct {
	phase    phase
	pos      int // what is parsed
	head     int // where the header lines start
	headLen  int // their length, without the empty line
	body     int // where the body starts
	length   int // what content-length claims
	scanned  int // how far a NUL has been looked for
	unknown  string
	block    []byte // the header lines and the body, once they left the buffer
	total    int    // what the block will hold, if that is known
	reserved int
}

// advance parses what is in the buffer and reports whether a frame is complete.
func (r *Reader) advance() (bool, error) {
	var done bool
	var err error
	if r.frame.phase == phaseCommand {
		done, err = r.parseCommandLine()
		if !done || err != nil {
			return false, err
		}
	}
	if r.frame.phase == phaseHeaders {
		done, err = r.parseHeaders()
		if !done || err != nil {
			return false, err
		}
	}
	if r.frame.phase == phaseBody {
		return r.parseBody()
	}
	return r.parseUntil()
}

// parseCommandLine skips the line ends between frames and reads the first line.
func (r *Reader) parseCommandLine() (bool, error) {
	limits := &r.options.Limits
	for {
		r.skipLineEnds()
		pending := r.buf[r.start:r.end]
		i := bytes.IndexByte(pending, '\n')
		if i < 0 {
			// One octet more may be the CR of the line's end.
			if exceeds(len(pending)-1, limits.Command) {
				return false, r.fail(textCommand)
			}
			return false, r.checkFrame(len(pending))
		}
		line := trimCR(pending[:i], true)
		if exceeds(len(line), limits.Command) {
			return false, r.fail(textCommand)
		}
		line = trimSpace(line)
		if len(line) == 0 {
			r.start += i + 1
			continue
		}
		c := parseCommand(line)
		f := &r.frame
		*f = frameState{phase: phaseHeaders, pos: i + 1, head: i + 1}
		if c == Unknown {
			f.unknown = clip(line)
		}
		out := &r.out
		out.Command, out.Body, out.Block, out.Reserved = c, nil, nil, 0
		out.Headers.reset(r.options.Version, c.Plain())
		return true, nil
	}
}

// skipLineEnds drops LF and CR LF before a command: heart-beats, and what some clients send
// after a frame.
func (r *Reader) skipLineEnds() {
	for r.start < r.end {
		switch c := r.buf[r.start]; {
		case c == '\n':
			r.start++
		case c == '\r' && r.start+1 < r.end && r.buf[r.start+1] == '\n':
			r.start += 2
		default:
			return
		}
	}
}

func (r *Reader) parseHeaders() (bool, error) {
	f, h, limits := &r.frame, &r.out.Headers, &r.options.Limits
	for {
		pending := r.buf[r.start+f.pos : r.end]
		i := bytes.IndexByte(pending, '\n')
		if i < 0 {
			if exceeds(len(pending)-1, limits.Header) {
				return false, r.fail(textHeader)
			}
			return false, r.checkFrame(r.end - r.start)
		}
		line := trimCR(pending[:i], h.dropCR())
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			f.headLen = f.pos - f.head
			f.pos += i + 1
			return true, r.endHeaders()
		}
		switch {
		case exceeds(len(line), limits.Header):
			return false, r.fail(textHeader)
		case exceeds(h.count+1, limits.Headers):
			return false, r.fail(textHeaders)
		case exceeds(f.pos+i+1-f.head, limits.Head):
			return false, r.fail(textHeader)
		case !h.add(line, f.pos-f.head):
			return false, r.fail(textHeaderLine + clip(line) + "]")
		case r.options.Strict && h.escape && undefinedEscape(h.version, line):
			f.pos += i + 1 // the line is indexed already
			return false, r.fail(textEscape + clip(line) + "]")
		}
		f.pos += i + 1
	}
}

// endHeaders decides how the body is delimited.
func (r *Reader) endHeaders() error {
	f, h := &r.frame, &r.out.Headers
	r.viewHead()
	f.body = f.pos
	if r.out.Command == Unknown {
		return r.fail(textAction + f.unknown)
	}
	if r.out.Command.Plain() {
		// Who names versions has a newer one in mind, in which blanks are part of a value.
		h.trim = h.trim && !h.Has(AcceptVersion)
	}
	if !h.Has(ContentLength) {
		f.phase, f.scanned = phaseUntil, f.body
		return nil
	}
	length, ok := parseLength(h.RawValue(ContentLength))
	if !ok {
		return r.fail(textContentLength)
	}
	if exceeds(length, r.options.Limits.Data) {
		return r.fail(textData)
	}
	f.phase, f.length = phaseBody, length
	f.total = f.body - f.head + length
	return r.checkFrame(f.body + length + 1)
}

// parseLength reads a content-length: decimal digits, white space around them ignored.
func parseLength(value []byte) (int, bool) {
	value = bytes.TrimSpace(value)
	if len(value) == 0 || len(value) > 15 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(value), 10, 50)
	return int(n), err == nil
}

// parseBody waits for a body of known length and the NUL behind it.
func (r *Reader) parseBody() (bool, error) {
	f := &r.frame
	end := f.body + f.length
	if f.block == nil {
		if r.end-r.start <= end {
			if end < direct {
				return false, nil
			}
			return false, r.leaveBuffer(end)
		}
		if r.buf[r.start+end] != 0 {
			return false, r.fail(textTrailing)
		}
		return true, r.finish(end)
	}
	if len(f.block) < f.total || r.start == r.end {
		return false, nil
	}
	if r.buf[r.start] != 0 {
		return false, r.fail(textTrailing)
	}
	r.start++
	return true, r.finishBlock()
}

// parseUntil looks for the NUL that ends a body of unknown length.
func (r *Reader) parseUntil() (bool, error) {
	f := &r.frame
	if f.block != nil {
		return r.parseUntilBlock()
	}
	i := bytes.IndexByte(r.buf[r.start+f.scanned:r.end], 0)
	if i < 0 {
		f.scanned = r.end - r.start
	} else {
		f.scanned += i
	}
	if exceeds(f.scanned-f.body, r.options.Limits.Data) {
		return false, r.fail(textData)
	}
	if err := r.checkFrame(f.scanned + 1); err != nil {
		return false, err
	}
	if i >= 0 {
		return true, r.finish(f.scanned)
	}
	if f.scanned >= maxBuffer {
		return false, r.leaveBuffer(f.scanned)
	}
	return false, nil
}

// finish completes a frame that lies in the buffer with its NUL at position end.
func (r *Reader) finish(end int) error {
	f, out := &r.frame, &r.out
	from, body, to := r.start+f.head, r.start+f.body, r.start+end
	if out.Command.carries() {
		if err := r.reserve(to - from); err != nil {
			return err
		}
		// One copy of one contiguous piece, the empty line included, into fresh memory.
		out.Block = make([]byte, to-from)
		copy(out.Block, r.buf[from:to])
		out.Headers.raw = out.Block[:f.headLen:f.headLen]
		out.Body = out.Block[body-from:]
		out.Reserved = f.reserved
	} else {
		r.viewHead()
		out.Body = r.buf[body:to:to]
	}
	r.start = to + 1
	*f = frameState{}
	return nil
}

// viewHead points the headers to where their lines are now.
func (r *Reader) viewHead() {
	f := &r.frame
	n := f.headLen
	if f.phase == phaseHeaders && n == 0 {
		n = f.pos - f.head
	}
	raw := f.block
	if raw == nil {
		raw = r.buf[r.start+f.head : r.end]
	}
	n = min(n, len(raw))
	r.out.Headers.raw = raw[:n:n]
}

// checkFrame fails if the frame has, or will have, more octets than allowed.
func (r *Reader) checkFrame(size int) error {
	if exceeds(size, r.options.Limits.Frame) {
		return r.fail(textFrame)
	}
	return nil
}

// fail returns a fatal error with the receipt that the frame asks for, as far as it was read.
func (r *Reader) fail(text string) error {
	e := &Error{Fatal: true, Text: text}
	if r.frame.phase != phaseCommand {
		r.viewHead()
		e.Receipt = r.out.Headers.String(ReceiptHeader)
	}
	return e
}
