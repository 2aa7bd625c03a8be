package security

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
)

// Remembered is a [Source] that asks another one, and does not ask the same again for a time: a
// storm of reconnects must not reach a directory. Passwords are remembered as keyed hashes.
type Remembered struct {
	src Source
	key [sha256.Size]byte // of this process; what is remembered is worth nothing elsewhere
	now func() time.Time

	mu        sync.Mutex
	verified  memory[[]string] // groups
	refused   memory[error]
	inquiries map[digest]*inquiry
}

// inquiry is one question under way and those who wait for the answer.
type inquiry struct {
	waiting int
	cancel  context.CancelFunc // once nobody waits
	done    chan struct{}      // closed after groups and err are set
	groups  []string
	err     error
}

// refusedAtMost is the longest time that a refusal is remembered: whoever was just given a
// password wants to log in.
const refusedAtMost = 10 * time.Second

// Remember returns a source that remembers who was verified by src for the time age, and who was
// refused for some seconds of it, a bounded number of both. Failures of src are not remembered.
// With an age of 0 it only lets equal questions at the same time be one. A nil clock is time.Now.
func Remember(src Source, age time.Duration, clock func() time.Time) *Remembered {
	if clock == nil {
		clock = time.Now
	}
	r := &Remembered{
		src: src, now: clock, inquiries: make(map[digest]*inquiry),
		verified: newMemory[[]string](verifiedEntries, age),
		refused:  newMemory[error](refusedEntries, min(age, refusedAtMost)),
	}
	rand.Read(r.key[:]) // never fails
	return r
}

// Verify implements [Source].
func (r *Remembered) Verify(ctx context.Context, name, password string) ([]string, error) {
	d := keyed(&r.key, name, password)
	r.mu.Lock()
	now := r.now()
	if groups, ok := r.verified.get(d, now); ok {
		r.mu.Unlock()
		return groups, nil
	}
	if err, ok := r.refused.get(d, now); ok {
		r.mu.Unlock()
		return nil, err
	}
	q := r.inquiries[d]
	if q == nil {
		q = r.begin(ctx, d, name, password)
	}
	q.waiting++
	r.mu.Unlock()

	select {
	case <-q.done:
		return q.groups, q.err
	case <-ctx.Done():
		r.leave(d, q)
		return nil, ctx.Err()
	}
}

// begin asks in a goroutine of its own; r.mu is held. It goes on while anybody waits, whoever
// began it.
func (r *Remembered) begin(ctx context.Context, d digest, name, password string) *inquiry {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	q := &inquiry{cancel: cancel, done: make(chan struct{})}
	r.inquiries[d] = q
	go func() {
		defer cancel()
		q.groups, q.err = r.src.Verify(ctx, name, password)
		r.end(d, q)
	}()
	return q
}

// end remembers the answer and gives it to those who wait.
func (r *Remembered) end(d digest, q *inquiry) {
	r.mu.Lock()
	if r.inquiries[d] == q {
		delete(r.inquiries, d)
	}
	switch {
	case q.err == nil:
		r.verified.add(d, q.groups, r.now())
	case errors.Is(q.err, ErrNoUser), fault.Is(q.err, fault.Unauthenticated):
		r.refused.add(d, q.err, r.now())
	}
	r.mu.Unlock()
	close(q.done)
}

// leave is called by one who waits no longer.
func (r *Remembered) leave(d digest, q *inquiry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.waiting--; q.waiting > 0 {
		return
	}
	q.cancel()
	if r.inquiries[d] == q {
		delete(r.inquiries, d)
	}
}

// Close implements [Closer].
func (r *Remembered) Close() {
	if c, ok := r.src.(Closer); ok {
		c.Close()
	}
}
