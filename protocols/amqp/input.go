package amqp

import (
	"io"
	"sync"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
)

// input cuts what a connection reads into frames. An idle connection has a small buffer; one that
// has much to say borrows a large one.
type input struct {
	src    io.Reader
	buf    []byte
	r, w   int     // what is read and not yet handled
	large  *[]byte // borrowed
	little int     // bursts that a small buffer would have held
}

const (
	smallInput = 2 << 10
	largeInput = 64 << 10
)

var inputs = sync.Pool{New: func() any { b := make([]byte, largeInput); return &b }}

// need reads until n bytes are there. n is at most what the protocol allows, and the buffer grows
// only as far as that.
func (in *input) need(n int) error {
	for in.w-in.r < n {
		in.room(n)
		k, err := in.src.Read(in.buf[in.w:])
		in.w += k
		if err != nil && in.w-in.r < n {
			if err == io.EOF && in.w > in.r {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// room makes room for reading on, so that n bytes fit behind each other.
func (in *input) room(n int) {
	if in.r == in.w {
		in.r, in.w = 0, 0
	}
	if in.buf == nil {
		in.buf = make([]byte, max(smallInput, min(n, largeInput)))
	}
	if in.w < len(in.buf) && n <= len(in.buf)-in.r {
		return
	}
	old := in.buf[in.r:in.w]
	switch {
	case in.large == nil && n <= largeInput:
		in.large = inputs.Get().(*[]byte)
		in.buf = *in.large
	case n <= len(in.buf):
	default:
		in.release()
		in.buf = make([]byte, n+largeInput/4)
	}
	in.w = copy(in.buf, old)
	in.r = 0
}

// release gives a borrowed buffer back; its content is still read by the caller before anybody
// else can get it.
func (in *input) release() {
	if in.large != nil {
		in.large = nil // whoever copies from it keeps it alive; the pool makes another
	}
}

// prelude reads a protocol header.
func (in *input) prelude() ([]byte, error) {
	if err := in.need(frame.PreludeSize); err != nil {
		return nil, err
	}
	b := in.buf[in.r : in.r+frame.PreludeSize]
	in.r += frame.PreludeSize
	return b, nil
}

// frame reads a frame of at most max bytes and returns its body, which is valid until the next
// call.
func (in *input) frame(max uint32) (h frame.Header, body []byte, err error) {
	if err = in.need(frame.HeaderSize); err != nil {
		return h, nil, err
	}
	if h, err = frame.ParseHeader(in.buf[in.r:], max); err != nil {
		return h, nil, err
	}
	if err = in.need(int(h.Size)); err != nil {
		return h, nil, err
	}
	body = in.buf[in.r+h.Body() : in.r+int(h.Size)]
	in.r += int(h.Size)
	return h, body, nil
}

// more reports whether the next frame is there already, or is known to be wrong.
func (in *input) more(max uint32) bool {
	if in.w-in.r < frame.HeaderSize {
		return false
	}
	h, err := frame.ParseHeader(in.buf[in.r:], max)
	return err != nil || in.w-in.r >= int(h.Size)
}

// rest is called at the end of a burst: a connection that has said little for a while gets along
// with the small buffer.
func (in *input) rest() {
	if in.r < in.w || len(in.buf) == smallInput {
		return
	}
	if in.w > smallInput {
		in.little = 0
		return
	}
	if in.little++; in.little < 4 {
		return
	}
	in.little = 0
	if in.large != nil {
		inputs.Put(in.large)
		in.large = nil
	}
	in.buf, in.r, in.w = nil, 0, 0
}
