package broker_test

import (
	"context"
	"errors"
	"math/rand/v2"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
	"github.com/manifoldmq/manifold/store/memory"
	"github.com/manifoldmq/manifold/store/pebble"
)

// modelDisk is what outlives the brokers of one run.
type modelDisk interface {
	open(ctx context.Context, hooks store.Hooks) (store.Store, error)
	// stall lets nothing reach the disk any more, fail ends the store in the middle of something,
	// where that is possible; lose is the loss of power when nothing is under way. What consumers
	// get after it has not happened.
	stall()
	fail() bool
	lose()
}

// twin is the disk of the store in memory.
type twin struct {
	disk  *memory.Disk
	store *memory.Store
}

func (d *twin) open(_ context.Context, hooks store.Hooks) (s store.Store, err error) {
	d.store, err = memory.Open(memory.Options{Hooks: hooks, Disk: d.disk})
	return d.store, err
}

func (d *twin) stall() { d.store.Pause() }

func (d *twin) fail() bool {
	d.store.Fail(errors.New("power failure"))
	return true
}

func (d *twin) lose() { d.fail() }

// crashable is a disk for the real engine. What was not synced may be lost with the power.
type crashable struct {
	fs  *vfs.MemFS
	rng *rand.Rand
}

func (d *crashable) open(ctx context.Context, hooks store.Hooks) (store.Store, error) {
	return pebble.Open(ctx, pebble.Options{Path: "store", FS: d.fs, Hooks: hooks, MemTableSize: 256 << 10, CacheSize: 1 << 20, BallastSize: -1, MinFree: 1})
}

func (d *crashable) stall()     {}
func (d *crashable) fail() bool { return false }

func (d *crashable) lose() {
	d.fs = d.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: d.rng.IntN(101), RNG: d.rng})
}
