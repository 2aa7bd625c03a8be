package bench

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// incoming is what a generator looks at of a frame from a broker. It is a view of the scanner's
// buffer, good until the next call. Header values are as they stand on the wire.
type incoming struct {
	command []byte
	receipt []byte // receipt-id
	ack     []byte
	message []byte // the short text of an ERROR
	body    []byte
}

// scanner takes frames of a broker apart: the few headers above and the body, nothing copied,
// nothing checked that the generator has no use for. The broker is trusted to speak STOMP, but
// not to be in good health: a frame beyond the limit is an error, and memory follows what has
// come, not what a header claims.
type scanner struct {
	src        io.Reader
	buf        []byte
	start, end int // what was read and not yet returned
	limit      int // bytes of one frame
	frame      incoming
	ready      bool // frame is complete and was not returned yet
	failed     error
}

var (
	errTooLarge  = errors.New("the broker sent a frame larger than any that was asked for")
	errMalformed = errors.New("the broker sent what is no STOMP frame")
)

// newScanner returns a scanner with a buffer of the given size, which grows up to a frame of
// limit bytes.
func newScanner(src io.Reader, size, limit int) *scanner {
	return &scanner{src: src, buf: make([]byte, size), limit: limit}
}

// next returns the next frame. It blocks until one is there, or reading fails; after a passed
// deadline it may be called again.
func (s *scanner) next() (*incoming, error) {
	for !s.more() {
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	if s.failed != nil {
		return nil, s.failed
	}
	s.ready = false
	return &s.frame, nil
}

// more reports whether next returns without reading. It ends the life of the last frame.
func (s *scanner) more() bool {
	if s.ready || s.failed != nil {
		return true
	}
	n, err := s.parse(s.buf[s.start:s.end])
	s.failed = err
	s.start += n
	s.ready = n > 0 && err == nil
	return s.ready || err != nil
}

// fill reads once.
func (s *scanner) fill() error {
	switch {
	case s.start == s.end:
		s.start, s.end = 0, 0
	case s.end == len(s.buf) && s.start > 0:
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	case s.end == len(s.buf):
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.src.Read(s.buf[s.end:])
	s.end += n
	if n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) && s.end > s.start {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// parse looks for a whole frame at the beginning of p and returns its length: 0 if there is none
// yet. Line ends between frames belong to the one that follows.
func (s *scanner) parse(p []byte) (int, error) {
	at := 0
	for at < len(p) && (p[at] == '\n' || p[at] == '\r') {
		at++
	}
	command, rest, ok := cutLine(p[at:])
	if !ok {
		return 0, s.bounded(len(p))
	}
	s.frame = incoming{command: command}
	length := -1
	for {
		var line []byte
		if line, rest, ok = cutLine(rest); !ok {
			return 0, s.bounded(len(p))
		}
		if len(line) == 0 {
			break
		}
		colon := bytes.IndexByte(line, ':')
		if colon < 0 {
			return 0, errMalformed
		}
		value := line[colon+1:]
		switch string(line[:colon]) {
		case "content-length":
			n, err := strconv.ParseInt(string(value), 10, 32)
			if err != nil || n < 0 {
				return 0, errMalformed
			}
			if length < 0 {
				length = int(n)
			}
		case "receipt-id":
			s.frame.receipt = first(s.frame.receipt, value)
		case "ack":
			s.frame.ack = first(s.frame.ack, value)
		case "message":
			s.frame.message = first(s.frame.message, value)
		}
	}
	if length < 0 {
		length = bytes.IndexByte(rest, 0)
	} else if err := s.bounded(length); err != nil {
		return 0, err
	}
	if length < 0 || length >= len(rest) {
		return 0, s.bounded(len(p))
	}
	if rest[length] != 0 {
		return 0, errMalformed
	}
	s.frame.body = rest[:length]
	return len(p) - len(rest) + length + 1, nil
}

// bounded refuses frames beyond the limit.
func (s *scanner) bounded(n int) error {
	if n > s.limit {
		return errTooLarge
	}
	return nil
}

// first returns the value of the header that came first: that one counts.
func first(old, value []byte) []byte {
	if old != nil {
		return old
	}
	return value
}

// cutLine splits p behind its first line, which is returned without its end.
func cutLine(p []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		return nil, p, false
	}
	line, rest = p[:i], p[i+1:]
	if i > 0 && line[i-1] == '\r' {
		line = line[:i-1]
	}
	return line, rest, true
}
