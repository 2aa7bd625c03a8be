package frame

import (
	"errors"
	"io"
)

// Frame is one frame as a Reader returns it. Everything in it is good until the next call of
// Next or More, but for Block and what points into it.
type Frame struct {
	Command Command
	Headers Headers
	Body    []byte

	// Block holds the raw header lines and the body of a frame that carries a message (SEND,
	// MESSAGE), or whose body was too large for the reader's buffer: allocated for this frame
	// alone, never used again by the reader. Headers.Raw is its beginning and Body its end; the
	// empty line may stand between them. It is nil for other frames.
	Block []byte

	// Reserved is what Options.Reserve was asked for on account of Block, len(Block) or more.
	Reserved int
}

// Options is what a Reader has to know. The zero value reads 1.0 without limits.
type Options struct {
	Version Version
	Limits  Limits

	// Strict makes an escape that the version does not define a fatal error, as the standard
	// has it; otherwise it stands for itself, as with ActiveMQ.
	Strict bool

	// Reserve, if not nil, is asked before memory for a block is allocated: for the whole size
	// where content-length claims it, else step by step. It may block; an error ends reading.
	Reserve func(octets int) error
}

// Reader reads frames from a stream. It is for one goroutine.
type Reader struct {
	src     io.Reader
	options Options

	buf        []byte
	start, end int // what was read and not yet consumed, from the current frame's command on
	filled     bool

	frame frameState
	out   Frame
	ready bool // out is complete and was not returned yet
	err   error
}

// NewReader returns a reader of src, which is read from only in Next.
func NewReader(src io.Reader, options Options) *Reader {
	return &Reader{src: src, options: options}
}

// SetVersion sets the version of the frames to come. It has to be called before Next or More
// looks at them: right after the frame that settles the version.
func (r *Reader) SetVersion(v Version) { r.options.Version = v }

// SetLimits sets the limits for the frames to come, under the same condition.
func (r *Reader) SetLimits(l Limits) { r.options.Limits = l }

// Next returns the next frame. It blocks until one is complete or reading fails. The line ends
// that clients send as heart-beats are skipped: whoever reads from the source sees them as
// signs of life.
//
// A violation of the protocol is a *Error, after which the reader can't go on. At the end of
// the stream the error is io.EOF, or io.ErrUnexpectedEOF in the middle of a frame. Other errors
// are the source's or Reserve's; after an error of the source, such as a passed deadline, Next
// may be called again and continues where it was.
func (r *Reader) Next() (*Frame, error) {
	for !r.More() {
		if err := r.fill(); err != nil {
			if errors.Is(err, io.EOF) && (r.end > r.start || r.frame.phase != phaseCommand) {
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

// More reports whether Next has something to return without reading from the source, so that
// the caller knows where a burst of frames ends. It ends the life of the last frame.
func (r *Reader) More() bool {
	if r.ready || r.err != nil {
		return true
	}
	done, err := r.advance()
	if err != nil {
		r.err = err
		return true
	}
	r.ready = done
	return done
}

// Reserved returns what Reserve was asked for on account of the frame that is not complete
// yet: to be given back when the connection ends.
func (r *Reader) Reserved() int {
	if r.ready {
		return r.out.Reserved
	}
	return r.frame.reserved
}

// Shrink lets go of the buffer if nothing is in it. It is for connections that have been idle
// for a while, between two calls of Next; it ends the life of the last frame.
func (r *Reader) Shrink() {
	if r.start == r.end && !r.ready {
		r.buf, r.start, r.end, r.filled = nil, 0, 0, false
	}
}
