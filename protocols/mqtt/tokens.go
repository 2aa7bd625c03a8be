package mqtt

import (
	"sync"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// pending is what a confirmation leads to: a packet.
type pending struct {
	answer  packet.Type // 0: unused. Connect: the session is open, and done hears of it
	id      uint16
	reason  packet.Reason
	text    string     // why, for a reason string
	codes   []byte     // of SUBACK and UNSUBACK
	open    bool       // codes are still to come
	early   bool       // the confirmation came before them
	err     error      // with early: what it said
	connack []byte     // the whole packet
	done    chan error // has room for one
}

// tokens remembers what to do when operations are confirmed. Tokens ascend, and most are
// confirmed in that order, so they are kept in a ring.
type tokens struct {
	mu    sync.Mutex
	ring  []pending // its length is a power of two
	first broker.Token
	next  broker.Token
}

// add keeps p and returns its token.
func (r *tokens) add(p pending) broker.Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == 0 {
		r.first, r.next = 1, 1
	}
	if int(r.next-r.first) == len(r.ring) {
		ring := make([]pending, max(8, 2*len(r.ring)))
		for t := r.first; t < r.next; t++ {
			ring[int(t)&(len(ring)-1)] = r.ring[int(t)&(len(r.ring)-1)]
		}
		r.ring = ring
	}
	t := r.next
	r.ring[int(t)&(len(r.ring)-1)] = p
	r.next++
	return t
}

// take returns what a token stands for, and ends it, unless a part of it is still to come: then
// it is not ready, and complete will tell so.
func (r *tokens) take(t broker.Token, err error) (p pending, ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t < r.first || t >= r.next {
		return pending{}, false
	}
	at := &r.ring[int(t)&(len(r.ring)-1)]
	if at.open {
		at.early, at.err = true, err
		return pending{}, false
	}
	p = *at
	*at = pending{}
	for r.first < r.next && r.ring[int(r.first)&(len(r.ring)-1)].answer == 0 {
		r.first++
	}
	if r.first == r.next && len(r.ring) > 1024 {
		r.ring = nil
	}
	return p, true
}

// forget ends a token whose operation was refused.
func (r *tokens) forget(t broker.Token) { _, _ = r.take(t, nil) }

// complete gives a token the codes of its answer. It reports whether the confirmation has come
// before them and has to be given again.
func (r *tokens) complete(t broker.Token, codes []byte, text string) (early bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := &r.ring[int(t)&(len(r.ring)-1)]
	at.codes, at.text, at.open = codes, text, false
	return at.early, at.err
}
