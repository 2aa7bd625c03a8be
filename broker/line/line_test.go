package line_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/manifoldmq/manifold/broker/line"
)

func weightless(int) int64 { return 0 }

func TestLineKeepsOrderAndEndsEmpty(t *testing.T) {
	t.Parallel()
	var got []int
	l := line.New(line.Bounds{Things: 10000, Bytes: 1}, weightless, func(n int) { got = append(got, n) })
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
		l := line.New(line.Bounds{Things: 10, Bytes: 1}, weightless, func(int) { <-release; mu.Lock(); count++; mu.Unlock() })
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

// TestLineIsBoundedByBytes puts things of many sizes in line while the first is with the function.
func TestLineIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		var got []int
		l := line.New(line.Bounds{Things: 100, Bytes: 10}, func(n int) int64 { return int64(n) }, func(n int) { <-next; got = append(got, n) })
		for _, n := range []int{11, 1, 0} { // the first alone may be larger
			l.Put(n)
			synctest.Wait()
		}
		next <- struct{}{}
		synctest.Wait()
		for _, n := range []int{4, 6, 1} {
			l.Put(n)
		}
		next <- struct{}{}
		next <- struct{}{}
		synctest.Wait()
		l.Put(4) // there is room again
		close(next)
		l.Close()
		if want := []int{11, 0, 4, 6, 4}; !slices.Equal(got, want) || l.Lost() != 2 {
			t.Errorf("%v instead of %v came, and %d were dropped", got, want, l.Lost())
		}
	})
}
