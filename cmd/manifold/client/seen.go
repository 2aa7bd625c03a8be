package client

// mostSeen is how many messages are remembered that were handed over.
const mostSeen = 2 * mostPrefetch

// seen remembers the last identifiers of messages that it was told of. The zero value is empty.
type seen struct {
	ring []string // the oldest is at next, once it is full
	next int
	keys map[string]struct{}
}

func (s *seen) has(key string) bool {
	_, ok := s.keys[key]
	return ok
}

// add remembers an identifier, and forgets the oldest when there are too many.
func (s *seen) add(key string) {
	switch {
	case s.has(key):
		return
	case s.keys == nil:
		s.keys = make(map[string]struct{})
	case len(s.ring) == mostSeen:
		delete(s.keys, s.ring[s.next])
		s.ring[s.next] = key
		s.next = (s.next + 1) % mostSeen
		s.keys[key] = struct{}{}
		return
	}
	s.ring = append(s.ring, key)
	s.keys[key] = struct{}{}
}
