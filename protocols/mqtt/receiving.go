package mqtt

import "sync"

// receiving counts what the client has sent with QoS above 0 and has no final answer to: what our
// Receive Maximum bounds [MQTT-3.3.4-7] [MQTT-4.9.0-2].
type receiving struct {
	mu      sync.Mutex
	open    int
	exactly map[uint16]bool // identifiers of QoS 2 that were not released; true: PUBREC is out
	maximum int             // 0: only what identifiers allow
}

// begin counts a PUBLISH. It returns false when the client has sent too many. A QoS 2 message that
// comes again is the same one.
func (r *receiving) begin(id uint16, qos byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if qos == 2 {
		if _, again := r.exactly[id]; again {
			return true
		}
	}
	if r.maximum > 0 && r.open >= r.maximum {
		return false
	}
	if qos == 2 {
		if r.exactly == nil {
			r.exactly = make(map[uint16]bool)
		}
		r.exactly[id] = false
	}
	r.open++
	return true
}

// acknowledged ends a QoS 1 message.
func (r *receiving) acknowledged() {
	r.mu.Lock()
	r.open--
	r.mu.Unlock()
}

// received notes that PUBREC is out for a QoS 2 message, or, when it says no, ends it.
func (r *receiving) received(id uint16, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.exactly[id]; !ok {
		return
	}
	if failed {
		delete(r.exactly, id)
		r.open--
		return
	}
	r.exactly[id] = true
}

// release ends a QoS 2 message. It reports whether there was one, and whether its PUBREC was out.
func (r *receiving) release(id uint16) (known, answered bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	answered, known = r.exactly[id]
	if known {
		delete(r.exactly, id)
		r.open--
	}
	return known, answered
}
