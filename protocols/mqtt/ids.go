package mqtt

import "sync"

// flow is a message with QoS above 0 on its way to the client.
type flow struct {
	number   uint64 // of the delivery; 0: not sent by this connection
	qos      byte
	released bool // PUBREC has come
	credit   bool // it has used up credit, which comes back with its end
}

// ids are the packet identifiers in use towards the client, and what they stand for. They are
// shared by QoS 1 and QoS 2 and independent of the client's own [MQTT-2.2.1-4] [MQTT-2.3.1-4].
type ids struct {
	mu    sync.Mutex
	last  uint16
	flows map[uint16]flow
	peak  int
}

// tag names packet identifiers to the core: see broker.SessionOptions.Tag. It is called with
// locks of the core held.
func (s *ids) tag(tag uint32) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tag != 0 {
		s.set(uint16(tag), flow{})
		return tag
	}
	return uint32(s.unused())
}

// unused takes an identifier, round robin, so that one comes again as late as possible. It
// returns 0 when there is none. The caller holds mu.
func (s *ids) unused() uint16 {
	if len(s.flows) >= 0xffff {
		return 0
	}
	for {
		if s.last++; s.last == 0 {
			s.last = 1
		}
		if _, used := s.flows[s.last]; !used {
			s.set(s.last, flow{})
			return s.last
		}
	}
}

func (s *ids) set(id uint16, f flow) {
	if s.flows == nil {
		s.flows = make(map[uint16]flow)
	}
	s.flows[id] = f
	s.peak = max(s.peak, len(s.flows))
}

// sent notes which delivery goes out under an identifier. With id 0 it takes one for a delivery
// that the core has not named.
func (s *ids) sent(id uint16, f flow) uint16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == 0 {
		if id = s.unused(); id == 0 {
			return 0
		}
	}
	s.set(id, f)
	return id
}

// find returns the flow of an identifier that a delivery was sent under.
func (s *ids) find(id uint16) (flow, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.flows[id]
	return f, ok && f.number != 0
}

// release notes that PUBREC has come for an identifier.
func (s *ids) release(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.flows[id]; ok {
		f.released = true
		s.flows[id] = f
	}
}

// free ends the use of an identifier.
func (s *ids) free(id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.flows, id)
	if len(s.flows) == 0 && s.peak > 4096 {
		s.flows, s.peak = nil, 0 // a map does not shrink by itself
	}
}
