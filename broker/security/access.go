package security

import (
	"sync"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

// What one Access remembers is bounded, as the client chooses the names: one that uses more
// destinations starts over, and longer names are decided each time.
const (
	accessEntries = 1024
	accessName    = 256
)

// Access remembers what one connection may do. It is safe for use by many goroutines.
type Access struct {
	a *Authority
	p *Principal // as it was at login

	mu         sync.Mutex
	generation uint64     // of what follows
	now        *Principal // p with its groups of this generation; nil: let in no more
	known      map[question]bool
}

// question is what an Access remembers the answer to.
type question struct {
	op   Operation
	dest address.Address
}

// Access returns a memory of what p may do, for one connection.
func (a *Authority) Access(p *Principal) *Access { return &Access{a: a, p: p} }

// Principal returns who this is about, as it was at login.
func (x *Access) Principal() *Principal { return x.p }

// Check returns nil if op with dest is allowed, and otherwise an error of kind fault.Forbidden
// in ActiveMQ's words. A remembered answer costs no allocation; all are forgotten at a reload.
func (x *Access) Check(op Operation, dest address.Address) error {
	s := x.a.current.Load()
	if s.open {
		return nil
	}
	q := question{op, dest}
	x.mu.Lock()
	if x.generation != s.generation {
		x.now, x.generation = s.renew(x.p), s.generation
		clear(x.known)
	}
	ok, known := x.known[q]
	if !known {
		ok = s.allowed(x.now, op, dest)
		x.remember(q, ok)
	}
	x.mu.Unlock()
	if ok {
		return nil
	}
	return forbidden(x.p, op, dest)
}

// remember keeps an answer; x.mu is held.
func (x *Access) remember(q question, ok bool) {
	if len(q.dest.Name) > accessName {
		return
	}
	if x.known == nil {
		x.known = make(map[question]bool)
	} else if len(x.known) >= accessEntries {
		clear(x.known)
	}
	x.known[q] = ok
}

// forbidden returns the refusal that ActiveMQ's clients know.
func forbidden(p *Principal, op Operation, dest address.Address) error {
	name := "null"
	if p != nil {
		name = p.Name
	}
	return fault.New(fault.Forbidden, op.String(), dest.String(), "User %s is not authorized to %s: %s", name, op, dest)
}
