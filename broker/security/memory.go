package security

import "time"

// memory holds a bounded number of digests for a time; the oldest make room for new ones.
type memory struct {
	age  time.Duration
	ends map[digest]time.Time
	ring []digest // in order of arrival, once it is full; next is the oldest
	next int
	size int
}

func newMemory(size int, age time.Duration) memory {
	return memory{age: age, size: size, ends: make(map[digest]time.Time)}
}

// has reports whether d was added and is not too old.
func (m *memory) has(d digest, now time.Time) bool {
	end, ok := m.ends[d]
	return ok && now.Before(end)
}

// add remembers d from now on.
func (m *memory) add(d digest, now time.Time) {
	if _, again := m.ends[d]; again {
		m.ends[d] = now.Add(m.age)
		return
	}
	if len(m.ring) < m.size {
		m.ring = append(m.ring, d)
	} else {
		delete(m.ends, m.ring[m.next])
		m.ring[m.next] = d
		m.next = (m.next + 1) % m.size
	}
	m.ends[d] = now.Add(m.age)
}

// clear forgets everything.
func (m *memory) clear() {
	clear(m.ends)
	m.ring, m.next = nil, 0
}
