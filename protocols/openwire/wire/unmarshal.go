package wire

import (
	"encoding/binary"
)

// Error says what is wrong with what a peer has sent. The connection can't go on after it.
type Error struct{ Text string }

// Error implements error.
func (e *Error) Error() string { return e.Text }

// Bounds of what one frame may hold, so that its parts need no more memory than it has bytes.
const (
	maxDepth  = 32      // structures in each other, and causes of exceptions
	maxCached = 8 << 20 // octets that the cache of one direction may keep
)

// unmarshaller reads structures out of one frame.
type unmarshaller struct {
	version int32
	tight   bool
	stack   bool // exceptions come with stack traces

	data  []byte // what is left
	bits  []byte // of the tight encoding
	bit   int
	err   error
	depth int
	keep  int    // above 0, what is read lives on in the cache
	slabs *slabs // nil until a client sends or receives
	cache readCache
}

func (r *unmarshaller) fail(text string) {
	if r.err == nil {
		r.err = &Error{text}
	}
	r.data = nil
	r.bits, r.bit = nil, 0
}

// take returns the next n octets, or nil and notes the error.
func (r *unmarshaller) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.fail("The frame is shorter than its content claims")
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

func (r *unmarshaller) bool() bool {
	if r.tight {
		i := r.bit
		if i>>3 >= len(r.bits) {
			r.fail("The frame has fewer booleans than its content needs")
			return false
		}
		r.bit++
		return r.bits[i>>3]>>(i&7)&1 != 0
	}
	if len(r.data) == 0 {
		r.fail("The frame is shorter than its content claims")
		return false
	}
	v := r.data[0] != 0
	r.data = r.data[1:]
	return v
}

func (r *unmarshaller) int8() int8 {
	if b := r.take(1); b != nil {
		return int8(b[0])
	}
	return 0
}

func (r *unmarshaller) int16() int16 {
	if b := r.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *unmarshaller) int32() int32 {
	if b := r.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// int64 reads a long, which has four sizes in the tight encoding.
func (r *unmarshaller) int64() int64 {
	if r.tight {
		wide, more := r.bool(), r.bool()
		switch {
		case !wide && !more:
			return 0
		case !wide:
			return int64(uint16(r.int16()))
		case !more:
			return int64(uint32(r.int32()))
		}
	}
	if b := r.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func (r *unmarshaller) text() Text {
	if !r.bool() {
		return nil
	}
	if r.tight {
		r.bool() // whether it is plain ASCII, which shows anyway
	}
	b := r.take(int(uint16(r.int16())))
	if r.err != nil {
		return nil
	}
	if b == nil {
		return Text{}
	}
	if r.keep > 0 {
		b = append(make([]byte, 0, len(b)), b...)
	}
	return b
}

func (r *unmarshaller) bytes() []byte {
	if !r.bool() {
		return nil
	}
	b := r.take(int(r.int32()))
	if r.err != nil {
		return nil
	}
	if b == nil {
		return []byte{}
	}
	if r.keep > 0 {
		b = append(make([]byte, 0, len(b)), b...)
	}
	return b
}

// nested reads a structure with its type, or nil.
func (r *unmarshaller) nested() Structure {
	if !r.bool() {
		return nil
	}
	t := Type(uint8(r.int8()))
	if r.tight && (t.IsMessage() || t == TypeWireFormatInfo) && r.bool() {
		r.fail("Messages in their marshalled form are not taken")
		return nil
	}
	if r.err != nil {
		return nil
	}
	return r.body(t)
}

// body reads the fields of a structure of a type.
func (r *unmarshaller) body(t Type) Structure {
	if r.depth++; r.depth > maxDepth {
		r.fail("The structures in the frame stand too deep in each other")
		return nil
	}
	var s Structure
	if r.slabs == nil || r.keep > 0 {
		s = create(t) // one that nothing else uses
	} else {
		s = r.slabs.take(t)
	}
	if s == nil {
		r.fail("Unknown data type: " + number(int(t)))
		return nil
	}
	s.read(r)
	r.depth--
	if r.err != nil {
		return nil
	}
	return s
}

// as is a structure as the type that its place asks for.
func as[T Structure](r *unmarshaller, s Structure) T {
	v, ok := s.(T)
	if !ok && s != nil {
		r.fail("A structure of the type " + number(int(s.Type())) + " stands where it may not")
	}
	return v
}

func arrayOf[T Structure](r *unmarshaller) []T {
	if !r.bool() {
		return nil
	}
	n := int(r.int16())
	left := len(r.data)
	if r.tight {
		left = len(r.bits)*8 - r.bit
	}
	if n < 0 || n > left {
		r.fail("An array is longer than its frame")
		return nil
	}
	list := make([]T, 0, n)
	for range n {
		list = append(list, as[T](r, r.nested()))
		if r.err != nil {
			return nil
		}
	}
	return list
}

func (r *unmarshaller) throwable() *Throwable {
	if !r.bool() {
		return nil
	}
	if r.depth++; r.depth > maxDepth {
		r.fail("The causes of an exception stand too deep in each other")
		return nil
	}
	t := &Throwable{Class: r.text(), Message: r.text()}
	if r.stack {
		n := int(r.int16())
		if n < 0 || n > len(r.data)/4 {
			r.fail("A stack trace is longer than its frame")
			return nil
		}
		t.Stack = make([]StackTraceElement, 0, n)
		for range n {
			t.Stack = append(t.Stack, StackTraceElement{r.text(), r.text(), r.text(), r.int32()})
		}
		t.Cause = r.throwable()
	}
	r.depth--
	return t
}

// slab keeps a few structures of one type from command to command.
type slab[T any] struct {
	items []*T
	n     int
}

// take returns an empty structure.
func (s *slab[T]) take() *T {
	if s.n < len(s.items) {
		p := s.items[s.n]
		s.n++
		var empty T
		*p = empty
		return p
	}
	p := new(T)
	if len(s.items) < 4 {
		s.items = append(s.items, p)
		s.n++
	}
	return p
}

// readCache is what the peer has asked to remember.
type readCache struct {
	size  int // slots that may be used; 0: there is no cache
	slots []Structure
	bytes []int32 // of each slot
	total int
}

// cached reads a structure that may stand for an earlier one.
func (r *unmarshaller) cached() Structure {
	if r.cache.size == 0 {
		return r.nested()
	}
	isNew := r.bool()
	i := int(r.int16())
	if !isNew {
		if i < 0 || i >= len(r.cache.slots) {
			r.fail("There is nothing in the cache's slot " + number(i))
			return nil
		}
		return r.cache.slots[i]
	}
	before := len(r.data)
	r.keep++
	s := r.nested()
	r.keep--
	if r.err == nil && i != -1 {
		r.remember(i, s, before-len(r.data))
	}
	return s
}

func (r *unmarshaller) remember(i int, s Structure, size int) {
	c := &r.cache
	if i < 0 || i >= c.size {
		r.fail("The cache has no slot " + number(i))
		return
	}
	for i >= len(c.slots) {
		c.slots = append(c.slots, nil)
		c.bytes = append(c.bytes, 0)
	}
	c.total += size - int(c.bytes[i])
	if c.total > maxCached {
		r.fail("The cache would take too much memory")
		return
	}
	c.slots[i], c.bytes[i] = s, int32(size)
}

// number returns an integer's decimal digits.
func number(n int) string {
	if n < 0 {
		return "-" + number(-n)
	}
	if n < 10 {
		return string(rune('0' + n))
	}
	return number(n/10) + string(rune('0'+n%10))
}
