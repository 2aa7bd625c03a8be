package frame

import "bytes"

// Iter walks the headers of a frame in order, allocation free unless a value that is asked for
// needs unescaping:
//
//	for it := h.Iter(); it.Next(); {
//		use(it.Name(), it.Value())
//	}
//
// Repeated headers come as often as they stand there; see Unique.
type Iter struct {
	h          *Headers
	next       int
	name, rest []byte
}

// Iter returns an iterator before the first header.
func (h *Headers) Iter() Iter { return Iter{h: h} }

// Next moves to the next header; false if there is none.
func (it *Iter) Next() bool {
	raw := it.h.raw
	if it.next >= len(raw) {
		return false
	}
	start := it.next
	end, next := lineEnd(raw, start)
	it.next = next
	line := trimCR(raw[start:end:end], it.h.dropCR())
	colon := max(bytes.IndexByte(line, ':'), 0)
	it.name, it.rest = line[:colon:colon], line[min(colon+1, len(line)):]
	return true
}

// dropCR holds for the lines of CONNECT in every version, when the version was not known yet:
// they are read as 1.0 or, by a client, as what it speaks.
func (h *Headers) dropCR() bool { return versions[h.version].dropCR || !h.escape }

// Known returns which well-known header this is, false for any other.
func (it *Iter) Known() (Header, bool) { return LookupHeader(it.name) }

// Name returns the unescaped name: a view, or a new slice if it had escapes.
func (it *Iter) Name() []byte {
	if it.h.escape {
		return Unescape(it.h.version, it.name)
	}
	return it.name
}

// Value returns the unescaped value: a view, or a new slice if it had escapes.
func (it *Iter) Value() []byte { return it.h.value(it.rest) }

// AppendTo appends the header as a line for a frame of the given version, which may be another
// than the one it came in. It allocates nothing but room in dst.
func (it *Iter) AppendTo(dst []byte, v Version) []byte {
	dst = it.appendPart(dst, v, it.name)
	dst = append(dst, ':')
	value := it.rest
	if it.h.trim {
		value = trimSpace(value)
	}
	return append(it.appendPart(dst, v, value), '\n')
}

func (it *Iter) appendPart(dst []byte, v Version, part []byte) []byte {
	if !it.h.escape || bytes.IndexByte(part, '\\') < 0 {
		return appendEscaped(dst, v, part)
	}
	for len(part) > 0 {
		c, n := unescape(it.h.version, part)
		dst = appendEscapedByte(dst, v, c)
		part = part[n:]
	}
	return dst
}

// Unique tells for each name whether it occurs for the first time. Its zero value is ready for
// use with one iterator; it costs nothing for frames that repeat no name.
type Unique struct {
	names map[string]struct{}
}

// First reports whether the iterator's header is the first of its name; it is to be asked once
// for every header, in order.
func (u *Unique) First(it *Iter) bool {
	if !it.h.repeats {
		return true
	}
	if u.names == nil {
		u.names = make(map[string]struct{}, min(it.h.count, 64))
	}
	name := it.Name()
	if _, seen := u.names[string(name)]; seen {
		return false
	}
	u.names[string(name)] = struct{}{}
	return true
}
