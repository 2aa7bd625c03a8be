package pebble

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// engineFS is between the engine and the file system. It notes how far manifests are synced,
// verifies what is read of blob files, and takes failures of the log: for most of them the engine would panic with its locks in a
// state that ends the process without a word. Here the store is stopped first, and then the
// engine is told that all went well. That is safe, since a stopped store confirms nothing, and
// what the engine writes elsewhere from then on is only more than was promised.
type engineFS struct {
	vfs.FS
	fail func(error)
	open atomic.Bool // before, failures are the opener's to return

	rewriting atomic.Pointer[rewrite]

	mu     sync.Mutex
	synced manifest
}

// last returns the manifest that was synced last.
func (f *engineFS) last() manifest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.synced
}

// Unwrap implements vfs.FS.
func (f *engineFS) Unwrap() vfs.FS { return f.FS }

// Create implements vfs.FS.
func (f *engineFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.Create(name, category)
	base := f.PathBase(name)
	switch {
	case strings.HasSuffix(base, ".log"):
		return f.log(file, err)
	case err == nil && strings.HasPrefix(base, "MANIFEST-"):
		return &manifestFile{File: file, fs: f, written: manifest{name: base}}, nil
	}
	return file, err
}

// ReuseForWrite implements vfs.FS.
func (f *engineFS) ReuseForWrite(from, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.FS.ReuseForWrite(from, name, category)
	if strings.HasSuffix(name, ".log") {
		return f.log(file, err)
	}
	return file, err
}

// Open implements vfs.FS.
func (f *engineFS) Open(name string, opts ...vfs.OpenOption) (vfs.File, error) {
	file, err := f.FS.Open(name, opts...)
	if base := f.PathBase(name); strings.HasSuffix(base, ".blob") {
		return f.openBlob(file, base, err)
	}
	return file, err
}

// OpenDir implements vfs.FS.
func (f *engineFS) OpenDir(name string) (vfs.File, error) {
	file, err := f.FS.OpenDir(name)
	return f.log(file, err)
}

func (f *engineFS) log(file vfs.File, err error) (vfs.File, error) {
	if err = f.take(err); err != nil {
		return nil, err
	}
	return &logFile{inner: file, fs: f}, nil
}

// take stops the store for an error and swallows it.
func (f *engineFS) take(err error) error {
	if err == nil || !f.open.Load() {
		return err
	}
	f.fail(err)
	return nil
}

// logFile is a file of the log, or the directory it is in. Without an inner file it is one
// that could not be made.
type logFile struct {
	inner vfs.File
	fs    *engineFS
}

var _ vfs.File = (*logFile)(nil)

// do runs fn on the inner file, if there is one.
func (f *logFile) do(fn func(vfs.File) error) error {
	if f.inner == nil {
		return nil
	}
	return f.fs.take(fn(f.inner))
}

func (f *logFile) Write(p []byte) (int, error) {
	return len(p), f.do(func(i vfs.File) error { _, err := i.Write(p); return err })
}

func (f *logFile) WriteAt(p []byte, at int64) (int, error) {
	return len(p), f.do(func(i vfs.File) error { _, err := i.WriteAt(p, at); return err })
}

func (f *logFile) SyncTo(length int64) (full bool, err error) {
	full = true
	err = f.do(func(i vfs.File) (err error) { full, err = i.SyncTo(length); return err })
	return full, err
}

func (f *logFile) Sync() error     { return f.do(vfs.File.Sync) }
func (f *logFile) SyncData() error { return f.do(vfs.File.SyncData) }
func (f *logFile) Close() error    { return f.do(vfs.File.Close) }

func (f *logFile) Preallocate(at, length int64) error {
	return f.do(func(i vfs.File) error { return i.Preallocate(at, length) })
}

func (f *logFile) Prefetch(at, length int64) error {
	return f.do(func(i vfs.File) error { return i.Prefetch(at, length) })
}

// The engine does not read or stat what it is writing the log to; a file that could not be
// made has nothing to say.

func (f *logFile) Read(p []byte) (int, error) {
	if f.inner == nil {
		return 0, vfs.ErrUnsupported
	}
	return f.inner.Read(p)
}

func (f *logFile) ReadAt(p []byte, at int64) (int, error) {
	if f.inner == nil {
		return 0, vfs.ErrUnsupported
	}
	return f.inner.ReadAt(p, at)
}

func (f *logFile) Stat() (vfs.FileInfo, error) {
	if f.inner == nil {
		return nil, vfs.ErrUnsupported
	}
	return f.inner.Stat()
}

func (f *logFile) Fd() uintptr {
	if f.inner == nil {
		return vfs.InvalidFd
	}
	return f.inner.Fd()
}
