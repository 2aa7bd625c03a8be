package address

import (
	"hash/maphash"
	"strings"
	"sync"
	"sync/atomic"
)

// Bounds of a Cache's memory.
const (
	ways      = 4       // slots in which a name may stand
	minSlots  = 1 << 8  // powers of two, multiples of ways
	maxSlots  = 1 << 18 // pointers, so 2 MB
	maxHeld   = 1 << 22 // values in all remembered results
	counters  = 1 << 10 // a power of two
	longLevel = 64      // bytes of a first level that take part in choosing its counter
)

// Cache is a Trie for many goroutines at once that remembers what names matched. Asking again
// for a name that was asked for before costs one look-up and a few atomic loads, without a
// lock and without an allocation. What it remembers is bounded, whatever names are asked for.
//
// A new plain name is added to the remembered result for that name. A change of a pattern
// outdates the results for names with the same first level, or all results if the pattern
// begins with a wildcard; they are made anew when asked for.
type Cache[V comparable] struct {
	seed    maphash.Seed
	current atomic.Pointer[slots[V]]
	wild    atomic.Uint64           // generation of patterns that begin with a wildcard
	level   [counters]atomic.Uint64 // of patterns with a literal first level, by its hash

	// mu guards the trie and all stores into slots. Results are stored under a read lock: the
	// trie stands still meanwhile, and of two results for a name either will do.
	mu   sync.RWMutex
	trie Trie[V]
}

// slots is a hash table of results in which a newcomer may displace another.
type slots[V comparable] struct {
	used atomic.Int64 // slots filled
	held atomic.Int64 // values in their results
	at   []atomic.Pointer[result[V]]
}

// result is what a name matched. It is immutable, but for spare room behind values, which the
// holder of Cache.mu may fill for the next result for the same name.
type result[V comparable] struct {
	name   string
	values []V
	level  uint32 // index of the name's counter
	wild   uint64 // generations when made
	gen    uint64
}

// NewCache returns an empty Cache.
func NewCache[V comparable]() *Cache[V] {
	c := &Cache[V]{seed: maphash.MakeSeed()}
	c.current.Store(newSlots[V](minSlots))
	return c
}

func newSlots[V comparable](n int) *slots[V] {
	return &slots[V]{at: make([]atomic.Pointer[result[V]], n)}
}

// Len returns how many pairs of a pattern and a value there are.
func (c *Cache[V]) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.trie.Len()
}

// Insert adds a value under a pattern, and reports whether the pair is new. Every Match that
// begins after Insert has returned sees it.
func (c *Cache[V]) Insert(pattern string, v V) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.trie.Insert(pattern, v) {
		return false
	}
	if IsPattern(pattern) {
		c.outdate(pattern)
	} else {
		c.patch(pattern, v)
	}
	return true
}

// Remove takes a value away from a pattern, and reports whether it was there. No Match that
// begins after Remove has returned sees it.
func (c *Cache[V]) Remove(pattern string, v V) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.trie.Remove(pattern, v) {
		return false
	}
	if IsPattern(pattern) {
		c.outdate(pattern)
	} else {
		c.forget(pattern)
	}
	return true
}

// Replace puts a value in the place of another under a pattern, so that no Match sees both of
// them or neither. It reports whether old was there.
func (c *Cache[V]) Replace(pattern string, old, v V) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	had := c.trie.Remove(pattern, old)
	c.trie.Insert(pattern, v)
	if IsPattern(pattern) {
		c.outdate(pattern)
	} else {
		c.forget(pattern)
	}
	return had
}

// Match returns the values whose patterns stand for a name: a value as often as it has such
// patterns, in no order. The slice is shared: callers must not change it.
func (c *Cache[V]) Match(name string) []V {
	set := c.current.Load().set(maphash.String(c.seed, name))
	for i := range set {
		if r := set[i].Load(); r != nil && r.name == name && c.fresh(r) {
			return r.values[:len(r.values):len(r.values)]
		}
	}
	return c.miss(name)
}

// Names appends to dst the plain names among the patterns for which a pattern stands.
func (c *Cache[V]) Names(pattern string, dst []string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.trie.Names(pattern, dst)
}

// Patterns yields each pattern once with its values, in no order. It holds a lock: the loop's
// body must neither change the cache nor keep or change the values.
func (c *Cache[V]) Patterns(yield func(pattern string, values []V) bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.trie.Patterns(yield)
}

func (c *Cache[V]) fresh(r *result[V]) bool {
	return r.wild == c.wild.Load() && r.gen == c.level[r.level].Load()
}

// miss finds what a name matches, and remembers it.
func (c *Cache[V]) miss(name string) []V {
	values, full := c.find(name)
	if full {
		c.resize()
	}
	return values
}

func (c *Cache[V]) find(name string) (values []V, full bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	values = c.trie.Match(name, nil)
	level := c.counter(name)
	r := &result[V]{
		name: strings.Clone(name), values: values,
		level: level, wild: c.wild.Load(), gen: c.level[level].Load(),
	}
	return values, c.remember(r)
}

// remember stores a result, and reports whether there is little room left. The caller holds mu,
// if only for reading.
func (c *Cache[V]) remember(r *result[V]) (full bool) {
	s, hash := c.current.Load(), maphash.String(c.seed, r.name)
	set := s.set(hash)
	victim := int(hash >> 62) // not among the bits that choose the set
	for i := range set {
		old := set[i].Load()
		if old == nil || old.name == r.name || !c.fresh(old) {
			victim = i
			break
		}
	}
	s.put(&set[victim], r)
	return s.held.Load() > maxHeld || len(s.at) < maxSlots && s.used.Load() > int64(len(s.at)/2)
}

// resize moves the fresh results to a larger table, or, where they hold too many values, starts
// with none.
func (c *Cache[V]) resize() {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.current.Load()
	switch {
	case old.held.Load() > maxHeld:
		c.current.Store(newSlots[V](len(old.at)))
		return
	case len(old.at) >= maxSlots || old.used.Load() <= int64(len(old.at)/2):
		return // another goroutine was here
	}
	var kept []*result[V]
	for i := range old.at {
		if r := old.at[i].Load(); r != nil && c.fresh(r) {
			kept = append(kept, r)
		}
	}
	n := len(old.at)
	if len(kept) > n/4 {
		n *= 2
	}
	c.current.Store(newSlots[V](n))
	for _, r := range kept {
		c.remember(r)
	}
}

// patch adds v to the fresh result for a name, if there is one. The caller holds mu.
func (c *Cache[V]) patch(name string, v V) {
	s := c.current.Load()
	set := s.set(maphash.String(c.seed, name))
	done := false
	for i := range set {
		r := set[i].Load()
		if r == nil || r.name != name {
			continue
		}
		if done || !c.fresh(r) {
			s.put(&set[i], nil)
			continue
		}
		next := *r
		// Readers see only the length that came with their slice, so the room behind it is free.
		next.values = append(r.values, v)
		s.put(&set[i], &next)
		done = true
	}
}

// forget drops the results for a name. The caller holds mu.
func (c *Cache[V]) forget(name string) {
	s := c.current.Load()
	set := s.set(maphash.String(c.seed, name))
	for i := range set {
		if r := set[i].Load(); r != nil && r.name == name {
			s.put(&set[i], nil)
		}
	}
}

// outdate drops the results for all names that a pattern may stand for. The caller holds mu.
func (c *Cache[V]) outdate(pattern string) {
	if leadsWild(pattern) {
		c.wild.Add(1)
		return
	}
	c.level[c.counter(pattern)].Add(1)
}

// counter returns the index of the generation of a name's first level. Levels may share one,
// which costs no more than a result made anew.
func (c *Cache[V]) counter(name string) uint32 {
	level, _, _ := strings.Cut(name[:min(len(name), longLevel)], string(separator))
	return uint32(maphash.String(c.seed, level) % counters)
}

// set returns the slots in which a name of that hash may stand.
func (s *slots[V]) set(hash uint64) []atomic.Pointer[result[V]] {
	i := int(hash) & (len(s.at)/ways - 1) * ways
	return s.at[i : i+ways : i+ways]
}

// put replaces a slot's result, either of which may be nil.
func (s *slots[V]) put(slot *atomic.Pointer[result[V]], r *result[V]) {
	if r != nil {
		s.used.Add(1)
		s.held.Add(int64(len(r.values)))
	}
	if old := slot.Swap(r); old != nil {
		s.used.Add(-1)
		s.held.Add(-int64(len(old.values)))
	}
}
