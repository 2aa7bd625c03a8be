package security

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/manifoldmq/manifold/broker/fault"
)

// counted makes an authority's hashing countable, and stoppable by a gate: each comparison waits
// until gate is closed.
func counted(a *Authority, gate chan struct{}) (hashed, most *atomic.Int64) {
	hashed, most = new(atomic.Int64), new(atomic.Int64)
	var now atomic.Int64
	a.verifier.match = func(h, p []byte) error {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		defer now.Add(-1)
		hashed.Add(1)
		if gate != nil {
			<-gate
		}
		return bcrypt.CompareHashAndPassword(h, p)
	}
	return hashed, most
}

func TestVerificationsAreRemembered(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	o := Options{Users: []User{{Name: "a", Hash: hash(t, "p")}, {Name: "b", Hash: hash(t, "p")}}, Clock: func() time.Time { return now }}
	a := mustAuthority(t, o)
	hashed, _ := counted(a, nil)
	for _, step := range []struct {
		about string
		do    func()
		user  string
		word  string
		ok    bool
		cost  int64
	}{
		{"first", nil, "a", "p", true, 1},
		{"again", nil, "a", "p", true, 0},
		{"other user, same password", nil, "b", "p", true, 1},
		{"wrong", nil, "a", "q", false, 1},
		{"wrong again", nil, "a", "q", false, 0},
		{"unknown costs the same", nil, "x", "p", false, 1},
		{"unknown again", nil, "x", "p", false, 0},
		{"right after wrong", nil, "a", "p", true, 0},
		{"just not too old", func() { now = now.Add(verifiedAge - 1) }, "a", "p", true, 0},
		{"too old", func() { now = now.Add(1) }, "a", "p", true, 1},
		{"after a reload", func() { must(t, a.Reload(o)) }, "a", "p", true, 1},
		{"after a failed reload", func() {
			if a.Reload(Options{UsersFile: "does/not/exist"}) == nil {
				t.Error("reloaded a file that does not exist")
			}
		}, "a", "p", true, 0},
		{"after a change of password", func() { must(t, a.Reload(Options{Users: []User{{Name: "a", Hash: hash(t, "new")}}})) }, "a", "p", false, 1},
		{"the new one", nil, "a", "new", true, 1},
	} {
		if step.do != nil {
			step.do()
		}
		before := hashed.Load()
		_, err := a.Authenticate(t.Context(), password(step.user, step.word))
		if (err == nil) != step.ok || hashed.Load()-before != step.cost {
			t.Errorf("%s: %v after %d hashes, want %t after %d", step.about, err, hashed.Load()-before, step.ok, step.cost)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPasswordsInClearCostAsMuchAsHashes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		users []User
		name  string
		want  int64
	}{
		{[]User{{Name: "h", Hash: hash(t, "p")}, {Name: "c", Password: "p"}}, "c", 1},
		{[]User{{Name: "h", Hash: hash(t, "p")}, {Name: "c", Password: "p"}}, "x", 1},
		{[]User{{Name: "c", Password: "p"}}, "c", 0},
		{[]User{{Name: "c", Password: "p"}}, "x", 0},
	} {
		a := mustAuthority(t, Options{Users: c.users})
		hashed, _ := counted(a, nil)
		if _, err := a.Authenticate(t.Context(), password(c.name, "p")); (err == nil) != (c.name != "x") || hashed.Load() != c.want {
			t.Errorf("%v of %v: %v, %d hashes, want %d", c.name, c.users, err, hashed.Load(), c.want)
		}
	}
}

func TestEqualVerificationsShareOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := mustAuthority(t, Options{Users: []User{{Name: "u", Hash: hash(t, "p")}}})
		gate := make(chan struct{})
		hashed, _ := counted(a, gate)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if _, err := a.Authenticate(t.Context(), password("u", "p")); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(gate)
		wg.Wait()
		if n := hashed.Load(); n != 1 {
			t.Errorf("%d hashes for equal logins", n)
		}
	})
}

func TestOtherCoresHelpACrowd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := mustAuthority(t, Options{Users: []User{{Name: "u", Hash: hash(t, "p")}}})
		v := a.verifier
		v.slots, v.spare = make(chan struct{}, 1), make(chan struct{}, 1)
		gate := make(chan struct{})
		hashed, most := counted(a, gate)
		var wg sync.WaitGroup
		login := func(i int) {
			wg.Go(func() {
				if _, err := a.Authenticate(t.Context(), password("u", fmt.Sprint(i))); !fault.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
			})
		}
		login(0)
		synctest.Wait()
		for i := range crowd {
			login(1 + i)
		}
		synctest.Wait()
		if n := hashed.Load(); n != 1 {
			t.Errorf("%d hash at a time while few wait", n)
		}
		login(1 + crowd)
		synctest.Wait()
		if n := hashed.Load(); n != 2 {
			t.Errorf("%d hash at a time while many wait", n)
		}
		close(gate)
		wg.Wait()
		if n := hashed.Load(); n != 2+crowd || most.Load() != 2 {
			t.Errorf("%d hashes, %d at a time", n, most.Load())
		}
		synctest.Wait() // the last rest is over
		<-time.After(time.Second)
		if len(v.slots)+len(v.spare) != 0 || v.waiting.Load() != 0 {
			t.Errorf("%d and %d slots are taken, %d wait", len(v.slots), len(v.spare), v.waiting.Load())
		}
	})
}

func TestHalfOfTheCoresHash(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := mustAuthority(t, Options{Users: []User{{Name: "u", Hash: hash(t, "p")}}})
		a.verifier.slots = make(chan struct{}, 3)
		gate := make(chan struct{})
		hashed, most := counted(a, gate)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				if _, err := a.Authenticate(t.Context(), password("u", fmt.Sprint(i))); !fault.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := hashed.Load(); n != 3 {
			t.Errorf("%d hash at a time", n)
		}
		close(gate)
		wg.Wait()
		if hashed.Load() != 20 || most.Load() > 3 {
			t.Errorf("%d hashes, at most %d at a time", hashed.Load(), most.Load())
		}
	})
}

func TestWhoeverLeavesDoesNotTakeOthersAlong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := mustAuthority(t, Options{Users: []User{{Name: "u", Hash: hash(t, "p")}}})
		a.verifier.slots = make(chan struct{}, 1)
		gate := make(chan struct{})
		hashed, _ := counted(a, gate)
		login := func(ctx context.Context, word string) chan error {
			done := make(chan error, 1)
			go func() {
				_, err := a.Authenticate(ctx, password("u", word))
				done <- err
			}()
			synctest.Wait()
			return done
		}
		ctx, cancel := context.WithCancel(t.Context())
		first := login(ctx, "p") // hashes
		second := login(t.Context(), "p")
		alone := login(ctx, "waits") // for a slot
		cancel()
		for _, done := range []chan error{first, alone} {
			if err := <-done; !fault.Is(err, fault.Timeout) || !errors.Is(err, context.Canceled) {
				t.Errorf("left with %v", err)
			}
		}
		close(gate)
		if err := <-second; err != nil {
			t.Errorf("the one who stayed got %v", err)
		}
		synctest.Wait()
		if n := hashed.Load(); n != 1 {
			t.Errorf("%d hashes, though nobody waited for the second", n)
		}
		if n := len(a.verifier.flights); n != 0 {
			t.Errorf("%d comparisons are left", n)
		}
		if err := <-login(t.Context(), "waits"); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a later login got %v", err)
		}
	})
}

func TestReloadDuringVerification(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := mustAuthority(t, Options{Users: []User{{Name: "u", Hash: hash(t, "old")}}})
		gate := make(chan struct{})
		hashed, _ := counted(a, gate)
		done := make(chan error, 1)
		go func() {
			_, err := a.Authenticate(t.Context(), password("u", "old"))
			done <- err
		}()
		synctest.Wait()
		must(t, a.Reload(Options{Users: []User{{Name: "u", Hash: hash(t, "new")}}}))
		close(gate)
		if err := <-done; !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the old password got %v", err)
		}
		if n := hashed.Load(); n != 2 {
			t.Errorf("%d hashes, want one against each password", n)
		}
		if len(a.verifier.verified.held) != 0 {
			t.Error("the verification of before the reload is remembered")
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m := newMemory[byte](3, time.Minute)
	now := time.Unix(1e9, 0)
	key := func(i byte) digest { return digest{i} }
	for i := range byte(5) {
		m.add(key(i), i, now)
	}
	m.add(key(4), 9, now.Add(time.Second)) // again: takes no room
	for i := range byte(5) {
		value, got := m.get(key(i), now)
		if want := i >= 2; got != want || got && value != i && value != 9 {
			t.Errorf("%d is remembered: %t", i, got)
		}
	}
	has := func(i byte, now time.Time) bool {
		_, ok := m.get(key(i), now)
		return ok
	}
	if !has(4, now.Add(time.Minute)) || has(3, now.Add(time.Minute)) {
		t.Error("wrong age")
	}
	if len(m.held) != 3 || len(m.ring) != 3 {
		t.Errorf("%d and %d entries", len(m.held), len(m.ring))
	}
	m.clear()
	if has(4, now) {
		t.Error("remembers after clear")
	}
}
