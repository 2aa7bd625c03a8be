package client

import (
	"fmt"
	"testing"
)

func TestSeenRemembersTheLast(t *testing.T) {
	t.Parallel()
	var s seen
	key := func(n int) string { return fmt.Sprint("ID:", n) }
	const count = 2*mostSeen + 10
	for n := range count {
		if s.has(key(n)) {
			t.Fatalf("%d is known before it came", n)
		}
		s.add(key(n))
		s.add(key(n))
	}
	for n := range count {
		if want := n >= count-mostSeen; s.has(key(n)) != want {
			t.Fatalf("%d of %d is known: %v", n, count, !want)
		}
	}
	if len(s.ring) != mostSeen || len(s.keys) != mostSeen {
		t.Errorf("%d and %d are remembered", len(s.ring), len(s.keys))
	}
}
