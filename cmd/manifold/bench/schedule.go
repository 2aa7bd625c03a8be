package bench

// schedule says when the messages of an even rate are due. A message that was late because the
// broker held up the one before it counts from when it was due, or else the broker's pauses would
// hide themselves; one that was late because this process woke late counts from when it was sent.
type schedule struct {
	next     int64 // when the next message is due
	interval int64
	clock    func() int64

	began              int64 // when the last message was sent
	heldFrom, heldTill int64 // the broker held up what was due between these
}

// wait blocks until the next message is due, and returns from when it counts.
func (s *schedule) wait() int64 {
	due := s.next
	s.next += s.interval
	if left := due - s.clock(); left > 0 {
		pause(left)
	}
	s.began = s.clock()
	if s.heldFrom <= due && due < s.heldTill {
		return due
	}
	return s.began
}

// sent notes that the message is with the broker.
func (s *schedule) sent() {
	now := s.clock()
	if now < s.next {
		return
	}
	if s.next >= s.heldTill { // not still behind after an earlier pause
		s.heldFrom = s.began
	}
	s.heldTill = now
}
