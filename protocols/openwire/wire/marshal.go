package wire

import "encoding/binary"

// marshaller writes structures into one frame. Data and booleans are gathered apart; the tight
// encoding has the booleans first.
type marshaller struct {
	version int32
	tight   bool
	stack   bool

	data  []byte
	bits  []byte
	nbits int
	cache writeCache
}

func (w *marshaller) bool(v bool) {
	if !w.tight {
		if v {
			w.data = append(w.data, 1)
		} else {
			w.data = append(w.data, 0)
		}
		return
	}
	if w.nbits&7 == 0 {
		w.bits = append(w.bits, 0)
	}
	if v {
		w.bits[w.nbits>>3] |= 1 << (w.nbits & 7)
	}
	w.nbits++
}

func (w *marshaller) int8(v int8)   { w.data = append(w.data, byte(v)) }
func (w *marshaller) int16(v int16) { w.data = binary.BigEndian.AppendUint16(w.data, uint16(v)) }
func (w *marshaller) int32(v int32) { w.data = binary.BigEndian.AppendUint32(w.data, uint32(v)) }

func (w *marshaller) int64(v int64) {
	if !w.tight {
		w.data = binary.BigEndian.AppendUint64(w.data, uint64(v))
		return
	}
	switch u := uint64(v); {
	case u == 0:
		w.bool(false)
		w.bool(false)
	case u <= 0xffff:
		w.bool(false)
		w.bool(true)
		w.int16(int16(u))
	case u <= 0xffffffff:
		w.bool(true)
		w.bool(false)
		w.int32(int32(u))
	default:
		w.bool(true)
		w.bool(true)
		w.data = binary.BigEndian.AppendUint64(w.data, u)
	}
}

// Longest texts of the encodings, in octets. Longer ones are cut: the broker makes none.
const (
	longestLoose = 65535
	longestTight = 32766
)

func (w *marshaller) text(t Text) {
	w.bool(t != nil)
	if t == nil {
		return
	}
	longest := longestLoose
	if w.tight {
		longest = longestTight
	}
	if len(t) > longest {
		t = t.cut(longest)
	}
	if w.tight {
		w.bool(t.isASCII())
	}
	w.int16(int16(len(t)))
	w.data = append(w.data, t...)
}

func (w *marshaller) bytes(b []byte) {
	w.bool(b != nil)
	if b != nil {
		w.int32(int32(len(b)))
		w.data = append(w.data, b...)
	}
}

// nested writes a structure with its type.
func (w *marshaller) nested(s Structure) {
	w.bool(s != nil)
	if s == nil {
		return
	}
	t := s.Type()
	w.int8(int8(t))
	if w.tight && (t.IsMessage() || t == TypeWireFormatInfo) {
		w.bool(false) // it does not come in its marshalled form
	}
	s.write(w)
}

// structurePointer is a pointer to a structure, whose nil stands for none.
type structurePointer[T any] interface {
	*T
	Structure
}

func nested[T any, P structurePointer[T]](w *marshaller, s P) {
	if s == nil {
		w.nested(nil)
		return
	}
	w.nested(s)
}

func cached[T any, P structurePointer[T]](w *marshaller, s P) {
	if s == nil {
		w.cached(nil)
		return
	}
	w.cached(s)
}

func writeArray[T any, P structurePointer[T]](w *marshaller, list []P) {
	w.bool(list != nil)
	if list == nil {
		return
	}
	w.int16(int16(len(list)))
	for _, s := range list {
		nested(w, s)
	}
}

func writeList(w *marshaller, list []Structure) {
	w.bool(list != nil)
	if list == nil {
		return
	}
	w.int16(int16(len(list)))
	for _, s := range list {
		w.nested(s)
	}
}

func (w *marshaller) throwable(t *Throwable) {
	w.bool(t != nil)
	if t == nil {
		return
	}
	w.text(t.Class)
	w.text(t.Message)
	if !w.stack {
		return
	}
	w.int16(int16(len(t.Stack)))
	for i := range t.Stack {
		e := &t.Stack[i]
		w.text(e.Class)
		w.text(e.Method)
		w.text(e.File)
		w.int32(e.Line)
	}
	w.throwable(t.Cause)
}

// cacheKey is the value of a structure that the cache knows. The zero key stands for null.
type cacheKey struct {
	t    Type
	s    string
	a, b int64
}

// keyOf returns a structure's key; its text is shared with the structure.
func keyOf(s Structure) (cacheKey, bool) {
	switch v := s.(type) {
	case nil:
		return cacheKey{}, true
	case *ProducerID:
		return cacheKey{TypeProducerID, v.ConnectionID.view(), v.Value, v.SessionID}, true
	case *Destination:
		return cacheKey{v.Kind, v.PhysicalName.view(), 0, 0}, true
	case *ConsumerID:
		return cacheKey{TypeConsumerID, v.ConnectionID.view(), v.Value, v.SessionID}, true
	case *ConnectionID:
		return cacheKey{TypeConnectionID, v.Value.view(), 0, 0}, true
	case *SessionID:
		return cacheKey{TypeSessionID, v.ConnectionID.view(), v.Value, 0}, true
	case *BrokerID:
		return cacheKey{TypeBrokerID, v.Value.view(), 0, 0}, true
	case *TransactionID:
		if v.Kind == TypeXATransactionID {
			s := string(v.GlobalTransactionID) + string(v.BranchQualifier)
			return cacheKey{v.Kind, s, int64(v.FormatID), int64(len(v.GlobalTransactionID))}, true
		}
		if v.ConnectionID == nil {
			return cacheKey{}, false
		}
		return cacheKey{v.Kind, v.ConnectionID.Value.view(), v.Value, 0}, true
	}
	return cacheKey{}, false
}

// freeSlots is how many slots an eviction leaves free, so that no frame runs out of them.
const freeSlots = 100

// writeCache is what the peer has been asked to remember. It does what ActiveMQ's does: slots are
// given out in turn, and taken back in the same order.
type writeCache struct {
	size  int
	slots []cacheKey
	used  []bool
	index map[cacheKey]int16 // nil: there are few, all of slots
	next  int
	evict int
}

// Few values are looked for one by one. A cache so small that it evicts early has an index at once.
const (
	fewSlots     = 12
	unindexedMin = 256
)

// find returns the slot of a value.
func (c *writeCache) find(k cacheKey) (int16, bool) {
	if c.index != nil {
		i, ok := c.index[k]
		return i, ok
	}
	for i := range c.slots {
		if c.slots[i] == k {
			return int16(i), true
		}
	}
	return 0, false
}

// makeIndex goes over to an index.
func (c *writeCache) makeIndex() {
	c.index = make(map[cacheKey]int16, 2*fewSlots)
	for i, k := range c.slots {
		c.index[k] = int16(i)
	}
}

// sweep makes room before a command.
func (c *writeCache) sweep() {
	for c.size > 0 && len(c.index) > c.size-freeSlots {
		var k cacheKey // an empty slot stands for null, as it does in ActiveMQ
		if c.evict < len(c.slots) {
			if c.used[c.evict] {
				k = c.slots[c.evict]
			}
			c.slots[c.evict], c.used[c.evict] = cacheKey{}, false
		}
		delete(c.index, k)
		if c.evict++; c.evict == c.size {
			c.evict = 0
		}
	}
}

// add gives a value a slot.
func (c *writeCache) add(k cacheKey) int16 {
	i := c.next
	if c.next++; c.next == c.size {
		c.next = 0
	}
	if c.index == nil && (c.size < unindexedMin || len(c.slots) == fewSlots) {
		c.makeIndex()
	}
	if len(c.index) >= c.size {
		return -1
	}
	k.s = string(append([]byte(nil), k.s...)) // it outlives what it was made from
	for i >= len(c.slots) {
		c.slots = append(c.slots, cacheKey{})
		c.used = append(c.used, false)
	}
	c.slots[i], c.used[i] = k, true
	if c.index != nil {
		c.index[k] = int16(i)
	}
	return int16(i)
}

// cached writes a structure, or the slot where the peer remembers it.
func (w *marshaller) cached(s Structure) {
	if w.cache.size == 0 {
		w.nested(s)
		return
	}
	k, ok := keyOf(s)
	if !ok {
		w.bool(true)
		w.int16(-1)
		w.nested(s)
		return
	}
	if i, ok := w.cache.find(k); ok {
		w.bool(false)
		w.int16(i)
		return
	}
	w.bool(true)
	if !w.tight {
		w.int16(w.cache.add(k))
		w.nested(s)
		return
	}
	// The tight encoding numbers a structure after those in it.
	at := len(w.data)
	w.int16(0)
	w.nested(s)
	binary.BigEndian.PutUint16(w.data[at:], uint16(w.cache.add(k)))
}
