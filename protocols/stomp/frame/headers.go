package frame

import (
	"bytes"
	"strconv"
)

// Headers is the header part of a frame: raw lines, and an index of the well-known names in
// them. Values are unescaped when they are asked for. The bytes belong to whoever owns Raw;
// for a frame that carries a message that is the frame's block, else the reader's buffer.
type Headers struct {
	raw     []byte
	index   [headers]span
	known   uint64 // bit h: index[h] is set
	seen    [8]uint64
	count   int
	version Version
	escape  bool // values and names may hold escapes
	trim    bool
	repeats bool // some name may occur twice
}

// span is a value's place in the raw lines.
type span struct{ start, end uint32 }

// The index's bit set has room for every well-known header.
var _ [64 - headers]struct{}

// reset prepares for the lines of a new frame, which are added one by one.
func (h *Headers) reset(v Version, plain bool) {
	h.raw, h.known, h.seen, h.count = nil, 0, [8]uint64{}, 0
	h.version, h.repeats = v, false
	h.escape = versions[v].escape && !plain
	h.trim = versions[v].trim
}

// Parse indexes raw header lines, as Raw returned them, of a frame of the given version that
// is not CONNECT, STOMP or CONNECTED. It is for lines that were kept: a line that has no colon
// is an error, but no limits are applied. The lines are not copied.
func (h *Headers) Parse(raw []byte, v Version) error {
	h.reset(v, false)
	h.raw = raw
	for pos := 0; pos < len(raw); {
		end, next := lineEnd(raw, pos)
		line := trimCR(raw[pos:end], versions[v].dropCR)
		if !h.add(line, pos) {
			return &Error{Fatal: true, Text: textHeaderLine + clip(line) + "]"}
		}
		pos = next
	}
	return nil
}

// add indexes one line that starts at offset start of the raw lines; false if it has no name.
func (h *Headers) add(line []byte, start int) bool {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return false
	}
	h.count++
	name := line[:colon]
	if known := lookup(name); known != unknownHeader {
		// The first of repeated headers counts. [STOMP-1.2 Repeated Header Entries]
		if h.known&(1<<known) != 0 {
			h.repeats = true
			return true
		}
		h.known |= 1 << known
		h.index[known] = span{uint32(start + colon + 1), uint32(start + len(line))}
		return true
	}
	// A set of hashes tells cheaply that no name was seen before, which is the rule.
	n := uint32(len(name))
	sum := uint32(name[0])*0x9e3779b1 ^ uint32(name[n-1])*0x85ebca6b ^ uint32(name[n/2])*0xc2b2ae35 ^ n*0x27d4eb2f
	sum ^= sum >> 15
	word, bit := sum>>6&7, uint64(1)<<(sum&63)
	h.repeats = h.repeats || h.seen[word]&bit != 0
	h.seen[word] |= bit
	return true
}

// Raw returns the header lines as they were received, line ends included and the empty line
// not. Together with Version they can be parsed again.
func (h *Headers) Raw() []byte { return h.raw }

// Version returns the version whose rules the raw lines follow.
func (h *Headers) Version() Version { return h.version }

// Len returns the number of header lines, repetitions included.
func (h *Headers) Len() int { return h.count }

// Has reports whether the frame has the header, with an empty value or not.
func (h *Headers) Has(name Header) bool { return h.known&(1<<name) != 0 }

// Get returns the value of a well-known header, nil if it is absent. The value is a view of the
// raw lines, or a new slice if it had to be unescaped.
func (h *Headers) Get(name Header) []byte {
	if h.known&(1<<name) == 0 {
		return nil
	}
	s := h.index[name]
	return h.value(h.raw[s.start:s.end:s.end])
}

// RawValue returns the value of a well-known header as it stands on the wire, nil if absent.
func (h *Headers) RawValue(name Header) []byte {
	if h.known&(1<<name) == 0 {
		return nil
	}
	s := h.index[name]
	return h.raw[s.start:s.end:s.end]
}

// String returns the value of a well-known header as a new string, "" if it is absent.
func (h *Headers) String(name Header) string { return string(h.Get(name)) }

// Is reports whether the header is there and has exactly this value.
func (h *Headers) Is(name Header, value string) bool {
	return h.Has(name) && string(h.Get(name)) == value
}

// Int returns the value of a well-known header as a decimal number; false if it is absent or
// no number of 64 bits. White space around it is ignored.
func (h *Headers) Int(name Header) (int64, bool) {
	value := bytes.TrimSpace(h.RawValue(name))
	if len(value) == 0 || len(value) > 20 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil
}

// Find returns the value of the first header with the given (unescaped) name, known or not.
func (h *Headers) Find(name string) ([]byte, bool) {
	for it := h.Iter(); it.Next(); {
		if string(it.Name()) == name {
			return it.Value(), true
		}
	}
	return nil, false
}

func (h *Headers) value(raw []byte) []byte {
	if h.trim {
		raw = trimSpace(raw)
	}
	if h.escape {
		return Unescape(h.version, raw)
	}
	return raw
}

// lineEnd returns the end of the line at pos, and where the next one starts.
func lineEnd(raw []byte, pos int) (end, next int) {
	if i := bytes.IndexByte(raw[pos:], '\n'); i >= 0 {
		return pos + i, pos + i + 1
	}
	return len(raw), len(raw)
}

func trimCR(line []byte, drop bool) []byte {
	if n := len(line); drop && n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

// trimSpace trims what Java's String.trim does: everything up to the blank.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}
