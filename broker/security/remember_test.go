package security

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
)

// slowSource counts questions; each is answered when the gate opens.
type slowSource struct {
	gate   chan struct{}
	asked  atomic.Int32
	ended  atomic.Int32 // because nobody waited any more
	closed atomic.Int32
}

func (s *slowSource) Verify(ctx context.Context, name, password string) ([]string, error) {
	s.asked.Add(1)
	select {
	case <-s.gate:
	case <-ctx.Done():
		s.ended.Add(1)
		return nil, ctx.Err()
	}
	switch password {
	case "right":
		return []string{name + "s"}, nil
	case "down":
		return nil, errors.New("down")
	case "unknown":
		return nil, ErrNoUser
	default:
		return nil, refused(Credentials{User: name, HasUser: true})
	}
}

func (s *slowSource) Close() { s.closed.Add(1) }

func TestRememberedAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		password string
		age      time.Duration
		after    time.Duration
		want     int32 // questions for two logins that far apart
	}{
		{"right", time.Minute, 59 * time.Second, 1},
		{"right", time.Minute, time.Minute, 2},
		{"right", 0, 0, 2},
		{"wrong", time.Minute, 9 * time.Second, 1},
		{"wrong", time.Minute, 10 * time.Second, 2},
		{"wrong", time.Second, time.Second, 2},
		{"unknown", time.Minute, 9 * time.Second, 1},
		{"down", time.Minute, 0, 2},
	} {
		now := time.Unix(1e9, 0)
		src := &slowSource{gate: make(chan struct{})}
		close(src.gate)
		r := Remember(src, c.age, func() time.Time { return now })
		first, firstErr := r.Verify(t.Context(), "u", c.password)
		now = now.Add(c.after)
		again, againErr := r.Verify(t.Context(), "u", c.password)
		if src.asked.Load() != c.want {
			t.Errorf("%+v: asked %d times", c, src.asked.Load())
		}
		if !slices.Equal(first, again) || (firstErr == nil) != (againErr == nil) || firstErr != nil && firstErr.Error() != againErr.Error() {
			t.Errorf("%+v: first %v, %v, then %v, %v", c, first, firstErr, again, againErr)
		}
		for _, other := range [][2]string{{"v", c.password}, {"u", c.password + "x"}, {"u" + c.password[:1], c.password[1:]}} {
			before := src.asked.Load()
			if _, err := r.Verify(t.Context(), other[0], other[1]); src.asked.Load() != before+1 {
				t.Errorf("%v: answered from memory with %v", other, err)
			}
		}
		r.Close()
		if src.closed.Load() != 1 {
			t.Error("the source was not closed")
		}
	}
}

func TestEqualQuestionsAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &slowSource{gate: make(chan struct{})}
		r := Remember(src, time.Minute, nil)
		impatient, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			if _, err := r.Verify(impatient, "u", "right"); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left got %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			all.Go(func() {
				if groups, err := r.Verify(t.Context(), "u", "right"); err != nil || !slices.Equal(groups, []string{"us"}) {
					t.Errorf("got %v, %v", groups, err)
				}
			})
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(src.gate)
		all.Wait()
		if src.asked.Load() != 1 {
			t.Errorf("asked %d times", src.asked.Load())
		}
	})
}

func TestQuestionEndsWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		src := &slowSource{gate: make(chan struct{})}
		a := mustAuthority(t, Options{Sources: []Source{Remember(src, time.Minute, nil)}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Authenticate(ctx, password("u", "right")); !fault.Is(err, fault.Timeout) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if src.ended.Load() != 1 {
			t.Error("the question goes on")
		}
		close(src.gate)
		mustLogin(t, a, password("u", "right"))
		if src.asked.Load() != 2 {
			t.Errorf("asked %d times", src.asked.Load())
		}
	})
}
