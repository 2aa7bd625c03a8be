package memory_test

import (
	"testing"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
	"github.com/manifoldmq/manifold/store/storetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) storetest.Opener {
		disk := memory.NewDisk()
		return func(h store.Hooks) (store.Store, error) { return memory.Open(memory.Options{Hooks: h, Disk: disk}) }
	})
}

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(*testing.B) storetest.Opener {
		disk := memory.NewDisk()
		return func(h store.Hooks) (store.Store, error) { return memory.Open(memory.Options{Hooks: h, Disk: disk}) }
	})
}
