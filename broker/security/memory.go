package security

import "time"

// memory holds a bounded number of values by digest for a time; the oldest make room for new
// ones.
type memory[T any] struct {
	age  time.Duration
	held map[digest]remembered[T]
	ring []digest // in order of arrival, once it is full; next is the oldest
	next int
	size int
}

// remembered is a value and when it is too old.
type remembered[T any] struct {
	value T
	end   time.Time
}

func newMemory[T any](size int, age time.Duration) memory[T] {
	return memory[T]{age: age, size: size, held: make(map[digest]remembered[T])}
}

// get returns what was added under d, if it is not too old.
func (m *memory[T]) get(d digest, now time.Time) (value T, ok bool) {
	r, ok := m.held[d]
	if !ok || !now.Before(r.end) {
		return value, false
	}
	return r.value, true
}

// add remembers a value from now on.
func (m *memory[T]) add(d digest, value T, now time.Time) {
	if _, again := m.held[d]; !again {
		if len(m.ring) < m.size {
			m.ring = append(m.ring, d)
		} else {
			delete(m.held, m.ring[m.next])
			m.ring[m.next] = d
			m.next = (m.next + 1) % m.size
		}
	}
	m.held[d] = remembered[T]{value, now.Add(m.age)}
}

// clear forgets everything.
func (m *memory[T]) clear() {
	clear(m.held)
	m.ring, m.next = nil, 0
}
