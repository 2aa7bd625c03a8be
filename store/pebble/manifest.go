package pebble

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// manifest is how far one of the engine's manifest files was synced.
type manifest struct {
	name string
	size int64
	sum  uint32
}

// verify compares the file with what was synced. A file that is missing is left to the engine:
// it may be one that had not come into use.
func (m manifest) verify(fsys vfs.FS, dir string) error {
	if m.name == "" {
		return nil
	}
	p, err := readAll(fsys, fsys.PathJoin(dir, m.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if int64(len(p)) < m.size || store.MsgSum(0, p[:m.size]) != m.sum {
		return fmt.Errorf("%w: %s differs from what was synced, %d bytes", store.ErrCorrupt, m.name, m.size)
	}
	return nil
}

// manifestFile counts what is written, in the order of the one writer it has.
type manifestFile struct {
	vfs.File
	fs      *engineFS
	written manifest
}

// Write implements vfs.File. The inner file may change p, so it is summed first.
func (f *manifestFile) Write(p []byte) (int, error) {
	sum := store.MsgSum(f.written.sum, p)
	n, err := f.File.Write(p)
	if err == nil {
		f.written.size += int64(n)
		f.written.sum = sum
	}
	return n, err
}

// Sync implements vfs.File.
func (f *manifestFile) Sync() error { return f.note(f.File.Sync()) }

// SyncData implements vfs.File.
func (f *manifestFile) SyncData() error { return f.note(f.File.SyncData()) }

func (f *manifestFile) note(err error) error {
	if err == nil {
		f.fs.mu.Lock()
		f.fs.synced = f.written
		f.fs.mu.Unlock()
	}
	return err
}
