package pebble

import "github.com/manifoldmq/manifold/store"

// bodies counts who refers to shared messages and to parts. The counts are in memory only
// and rebuilt after an open, so they can't drift. The committer's goroutine owns them.
type bodies struct {
	shared  map[store.ID]*chunk   // by id / chunkSize
	partsOf map[store.ID]store.ID // entry's id -> id of the parts it names
	named   map[store.ID]int64    // id of parts -> entries that name them
	dead    []store.ID            // shared messages without a reference
	orphans []store.ID            // parts that lost their last reference within the group
}

// chunkSize ids are counted together: ids ascend, so a backlog's lie close, and cost four
// bytes each.
const chunkSize = 64

type chunk struct {
	count [chunkSize]int32
	used  int // counts that are not zero
}

func newBodies() bodies {
	return bodies{shared: map[store.ID]*chunk{}, partsOf: map[store.ID]store.ID{}, named: map[store.ID]int64{}}
}

// share adds n references to a shared message.
func (b *bodies) share(id store.ID, n int32) {
	c := b.shared[id/chunkSize]
	if c == nil {
		c = new(chunk)
		b.shared[id/chunkSize] = c
	}
	p := &c.count[id%chunkSize]
	if *p == 0 {
		c.used++
	}
	*p += n
}

// refers reports whether entries refer to a shared message.
func (b *bodies) refers(id store.ID) bool {
	c := b.shared[id/chunkSize]
	return c != nil && c.count[id%chunkSize] > 0
}

// name notes that an entry names parts.
func (b *bodies) name(id, parts store.ID) {
	b.partsOf[id] = parts
	b.named[parts]++
}

// release takes one entry's references back. What is left without any is in dead and orphans.
func (b *bodies) release(id store.ID, f store.Flag) {
	last := true
	if f&store.Shared != 0 {
		last = b.unshare(id)
	}
	if f&store.HasParts == 0 {
		return
	}
	parts, ok := b.partsOf[id]
	if !ok {
		return
	}
	if b.named[parts]--; b.named[parts] == 0 {
		b.orphans = append(b.orphans, parts)
	}
	if last {
		delete(b.partsOf, id)
	}
}

func (b *bodies) unshare(id store.ID) (last bool) {
	c := b.shared[id/chunkSize]
	if c == nil || c.count[id%chunkSize] == 0 {
		return false
	}
	p := &c.count[id%chunkSize]
	if *p--; *p > 0 {
		return false
	}
	if c.used--; c.used == 0 {
		delete(b.shared, id/chunkSize)
	}
	b.dead = append(b.dead, id)
	return true
}
