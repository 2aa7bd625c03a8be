package security

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// How long and how many verifications are remembered.
const (
	verifiedAge     = 5 * time.Minute
	verifiedEntries = 8192
	refusedAge      = time.Minute
	refusedEntries  = 1024
)

// secret is what a password is compared with. Its text is never printed.
type secret struct {
	text string
	cost int // of a bcrypt hash; 0: the text is the password in clear
}

// String keeps the text out of formatted output.
func (secret) String() string { return "secret" }

// GoString keeps the text out of %#v.
func (secret) GoString() string { return "secret" }

// crowd is how many comparisons wait, for each slot, when it is time for the other half of the
// cores to help: some seconds of work.
const crowd = 32

// verifier compares passwords. A storm of reconnects must not burn the CPU: results are
// remembered for minutes, equal comparisons under way are one, and no more than half of the
// cores hash at a time. While a crowd waits the others hash as well, with a rest after each
// hash, so that messages go on.
type verifier struct {
	key     [sha256.Size]byte // of this process; what is remembered is worth nothing elsewhere
	slots   chan struct{}     // full: as many hash as may
	spare   chan struct{}     // likewise, of those that help
	waiting atomic.Int64      // comparisons that have no slot yet
	now     func() time.Time
	match   func(hash, password []byte) error // bcrypt; tests count

	mu       sync.Mutex
	epoch    uint64 // results begun before the last forget are not remembered
	verified memory[struct{}]
	refused  memory[struct{}]
	flights  map[digest]*flight
}

// digest is the keyed hash of a user name, a password and what the password is compared with.
type digest [sha256.Size]byte

// flight is one comparison under way and those who wait for it.
type flight struct {
	waiting int
	cancel  context.CancelFunc // once nobody waits
	done    chan struct{}      // closed after ok and err are set
	ok      bool
	err     error
}

func newVerifier(now func() time.Time) *verifier {
	cores := runtime.GOMAXPROCS(0)
	v := &verifier{
		slots:    make(chan struct{}, max(1, cores/2)),
		spare:    make(chan struct{}, cores-max(1, cores/2)),
		now:      now,
		match:    bcrypt.CompareHashAndPassword,
		verified: newMemory[struct{}](verifiedEntries, verifiedAge),
		refused:  newMemory[struct{}](refusedEntries, refusedAge),
		flights:  make(map[digest]*flight),
	}
	rand.Read(v.key[:]) // never fails
	return v
}

// verify reports whether password matches s. It blocks while it or others hash, until ctx ends.
// Where there are hashes at all, a password in clear costs as much as one: the time must not
// tell who has what.
func (v *verifier) verify(ctx context.Context, name, password string, s, decoy secret) (bool, error) {
	if s.cost == 0 && decoy.cost == 0 {
		return v.equal(s, password), nil
	}
	d := v.digest(name, password, s.text)
	v.mu.Lock()
	now := v.now()
	if _, ok := v.verified.get(d, now); ok {
		v.mu.Unlock()
		return true, nil
	}
	if _, ok := v.refused.get(d, now); ok {
		v.mu.Unlock()
		return false, nil
	}
	f := v.flights[d]
	if f == nil {
		f = v.start(ctx, d, password, s, decoy)
	}
	f.waiting++
	v.mu.Unlock()

	select {
	case <-f.done:
		return f.ok, f.err
	case <-ctx.Done():
		v.leave(d, f)
		return false, ctx.Err()
	}
}

// start begins a comparison; v.mu is held. It goes on while anybody waits for it, whoever began
// it.
func (v *verifier) start(ctx context.Context, d digest, password string, s, decoy secret) *flight {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight{cancel: cancel, done: make(chan struct{})}
	v.flights[d] = f
	go v.fly(ctx, d, f, v.epoch, password, s, decoy)
	return f
}

// leave is called by one who waits no longer.
func (v *verifier) leave(d digest, f *flight) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if v.flights[d] == f {
		delete(v.flights, d)
	}
}

// fly compares, in a goroutine of its own.
func (v *verifier) fly(ctx context.Context, d digest, f *flight, epoch uint64, password string, s, decoy secret) {
	defer f.cancel()
	f.ok, f.err = v.compare(ctx, password, s, decoy)
	v.mu.Lock()
	if v.flights[d] == f {
		delete(v.flights, d)
	}
	switch {
	case f.err != nil || epoch != v.epoch:
	case f.ok:
		v.verified.add(d, struct{}{}, v.now())
	default:
		v.refused.add(d, struct{}{}, v.now())
	}
	v.mu.Unlock()
	close(f.done)
}

// compare waits for a slot and hashes.
func (v *verifier) compare(ctx context.Context, password string, s, decoy secret) (bool, error) {
	free, err := v.enter(ctx)
	if err != nil {
		return false, err
	}
	defer free()
	if ctx.Err() != nil { // select picks at random when both are ready
		return false, ctx.Err()
	}
	if s.cost > 0 {
		return v.match([]byte(s.text), []byte(password)) == nil, nil
	}
	_ = v.match([]byte(decoy.text), []byte(password)) // for the time it takes
	return v.equal(s, password), nil
}

// enter waits for a slot, and returns what frees it.
func (v *verifier) enter(ctx context.Context) (free func(), err error) {
	spare := v.spare
	if v.waiting.Add(1) <= int64(crowd*cap(v.slots)) {
		spare = nil
	}
	defer v.waiting.Add(-1)
	select {
	case v.slots <- struct{}{}:
		return func() { <-v.slots }, nil
	case spare <- struct{}{}:
		begun := time.Now()
		return func() { time.AfterFunc(time.Since(begun)/4, func() { <-v.spare }) }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// equal compares a password in clear in a time that tells nothing, not even lengths.
func (v *verifier) equal(s secret, password string) bool {
	a, b := v.digest("", s.text, ""), v.digest("", password, "")
	return hmac.Equal(a[:], b[:]) && s.text != ""
}

// digest returns the keyed hash of texts.
func (v *verifier) digest(texts ...string) digest { return keyed(&v.key, texts...) }

// keyed returns the hash of texts, each with its length before it.
func keyed(key *[sha256.Size]byte, texts ...string) (d digest) {
	h := hmac.New(sha256.New, key[:])
	var n [8]byte
	for _, t := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(t)))
		h.Write(n[:])
		h.Write([]byte(t))
	}
	h.Sum(d[:0])
	return d
}

// forget drops all results, those under way included.
func (v *verifier) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.epoch++
	v.verified.clear()
	v.refused.clear()
	clear(v.flights)
}
