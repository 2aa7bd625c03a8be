package line_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/manifoldmq/manifold/broker/line"
)

func TestLineKeepsOrderAndEndsEmpty(t *testing.T) {
	t.Parallel()
	var got []int
	l := line.New(10000, func(n int) { got = append(got, n) })
	var want []int
	for n := range 5000 {
		l.Put(n)
		want = append(want, n)
	}
	l.Close()
	if !slices.Equal(got, want) {
		t.Errorf("%d of %d came, or not in their order", len(got), len(want))
	}
	l.Put(1)
	if l.Lost() != 1 || len(got) != len(want) {
		t.Error("what came after the end was taken")
	}
}

func TestLineIsBoundedWhileItsFunctionIsSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var mu sync.Mutex
		count := 0
		l := line.New(10, func(int) { <-release; mu.Lock(); count++; mu.Unlock() })
		l.Put(0)
		synctest.Wait() // it is with the function
		for n := range 25 {
			l.Put(n)
		}
		if l.Lost() != 15 {
			t.Errorf("%d were dropped, want 15", l.Lost())
		}
		close(release)
		l.Close()
		if count != 11 {
			t.Errorf("%d were handed on, want 11", count)
		}
	})
}
