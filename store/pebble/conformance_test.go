package pebble_test

import (
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/pebble"
	"github.com/manifoldmq/manifold/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		dir := t.TempDir()
		return func(h store.Hooks) (store.Store, error) {
			return pebble.Open(t.Context(), pebble.Options{Path: dir, Hooks: h, MemTableSize: 1 << 20, BallastSize: -1})
		}
	})
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(b *testing.B) storetest.Opener {
		dir := b.TempDir()
		return func(h store.Hooks) (store.Store, error) {
			return pebble.Open(b.Context(), pebble.Options{Path: dir, Hooks: h, BallastSize: -1})
		}
	})
}
