package pebble

import (
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// disk watches free space and keeps the ballast.
type disk struct {
	fs      vfs.FS // without the wrapper that calls full
	dir     string
	ballast string
	o       *Options

	mu      sync.Mutex // of the ballast
	reserve int64      // bytes of the ballast that is missing, because it was given up
	full    atomic.Bool
	low     bool // the poll goroutine's
	free    atomic.Int64
	used    atomic.Int64
}

// newDisk makes the ballast, if there is room. Its lack is no reason not to open.
func newDisk(o *Options) *disk {
	d := &disk{fs: o.FS, dir: o.Path, ballast: o.FS.PathJoin(o.Path, "ballast"), o: o}
	d.restore()
	return d
}

// restore makes the ballast again. The space is reserved, not written.
func (d *disk) restore() {
	if d.o.BallastSize < 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.fs.Stat(d.ballast); err == nil {
		return
	}
	usage, err := d.fs.GetDiskUsage(d.dir)
	if err != nil {
		return // no real disk
	}
	size := min(d.o.BallastSize, int64(usage.AvailBytes/16))
	f, err := d.fs.Create(d.ballast, vfs.WriteCategoryUnspecified)
	if err != nil {
		return
	}
	if errors.Join(f.Preallocate(0, size), f.Sync(), f.Close()) != nil {
		d.remove()
		return
	}
	d.reserve = 0
}

func (d *disk) remove() (removed bool) {
	err := d.fs.Remove(d.ballast)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// giveUp removes the ballast: the disk is full.
func (d *disk) giveUp() (removed bool) {
	d.full.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	size := int64(0)
	if info, err := d.fs.Stat(d.ballast); err == nil {
		size = info.Size()
	}
	if removed = d.remove(); removed {
		d.reserve = size
	}
	return removed
}

// missing returns the bytes of the ballast that was given up: they are not free space.
func (d *disk) missing() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reserve
}

// measure updates the figures, and says whether the disk counts as low: below the bound, or
// not yet a quarter above it again.
func (d *disk) measure(used int64) (low bool) {
	d.used.Store(used)
	low = d.o.MaxBytes > 0 && over(used, d.o.MaxBytes, d.low)
	usage, err := d.fs.GetDiskUsage(d.dir)
	if err != nil {
		return low || d.full.Load()
	}
	d.free.Store(int64(usage.AvailBytes))
	bound := d.o.MinFree
	if bound <= 0 {
		// A share of a large disk would hold producers up for no reason, hence the cap.
		bound = max(min(int64(usage.TotalBytes/20), maxMinFree), 2*memTables*d.o.MemTableSize)
	}
	if d.low {
		bound += bound / 4
	}
	bound += d.missing()
	if free := int64(usage.AvailBytes); free >= bound {
		d.full.Store(false)
		return low
	}
	return true
}

// over is used > limit, with hysteresis once it was.
func over(used, limit int64, was bool) bool {
	if was {
		limit -= limit / 10
	}
	return used > limit
}
