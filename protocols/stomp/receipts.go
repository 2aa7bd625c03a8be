package stomp

import (
	"sync"

	"github.com/manifoldmq/manifold/broker"
)

// receipts remembers what to do when operations are confirmed. Tokens ascend, and most are
// confirmed in that order, so they are kept in a ring.
type receipts struct {
	mu    sync.Mutex
	ring  []pending // its length is a power of two
	first broker.Token
	next  broker.Token
}

// pending is what a confirmation leads to.
type pending struct {
	receipt string
	has     bool          // a receipt was asked for
	sub     *subscription // it gets its first credit
	last    bool          // everything that the client sent has been settled
	used    bool
}

// add keeps p and returns its token.
func (r *receipts) add(p pending) broker.Token {
	p.used = true
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == 0 {
		r.first, r.next = 1, 1
	}
	if int(r.next-r.first) == len(r.ring) {
		ring := make([]pending, max(16, 2*len(r.ring)))
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

// get returns what a token stands for.
func (r *receipts) get(t broker.Token) pending {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t < r.first || t >= r.next {
		return pending{}
	}
	return r.ring[int(t)&(len(r.ring)-1)]
}

// forget ends a token.
func (r *receipts) forget(t broker.Token) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t < r.first || t >= r.next {
		return
	}
	r.ring[int(t)&(len(r.ring)-1)] = pending{}
	for r.first < r.next && !r.ring[int(r.first)&(len(r.ring)-1)].used {
		r.first++
	}
	if r.first == r.next && len(r.ring) > 1024 {
		r.ring = nil
	}
}
