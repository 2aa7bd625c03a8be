package pebble

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// snapshotMark is a file that only a snapshot has. The store it was taken from went on using
// ids, so the first open of the copy skips idSkip of them.
const (
	snapshotMark = "SNAPSHOT"
	idSkip       = store.ID(1 << 36)
)

var _ store.Snapshotter = (*Store)(nil)

// Snapshot implements store.Snapshotter: dir, which must not exist, becomes a store that holds
// what was committed before. Files are linked where the file system can, otherwise copied.
// Commits wait meanwhile, since the engine's log is copied and must stand still.
func (s *Store) Snapshot(ctx context.Context, dir string) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	if _, err := s.fs.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("snapshot: %s exists already", dir)
	}
	done := make(chan error, 1)
	s.c.Call(func() bool {
		if err := s.c.Err(); err != nil {
			done <- err
			return false
		}
		done <- s.snapshot(dir)
		return true
	})
	if err := <-done; err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	return nil
}

// snapshot runs on the committer's goroutine. STORE is written last: without it the
// directory is refused.
func (s *Store) snapshot(dir string) error {
	if err := makeDir(s.fs, dir); err != nil {
		return err
	}
	if err := s.db.Checkpoint(s.fs.PathJoin(dir, engineDir), lsm.WithFlushedWAL()); err != nil {
		return err
	}
	var mark watermark // the copy's manifest is another one
	if err := mark.open(s.fs, s.fs.PathJoin(dir, "WATERMARK")); err != nil {
		return err
	}
	if err := errors.Join(mark.raise(s.group, manifest{}), mark.close()); err != nil {
		return err
	}
	if err := writeFile(s.fs, dir, snapshotMark, nil); err != nil {
		return err
	}
	return writeFile(s.fs, dir, "STORE", []byte(s.id.text()))
}

// skipIDs makes room for the ids that a snapshot's original has used since. It is called
// before they are reserved, and forget when that is on disk.
func (s *Store) skipIDs() (forget func() error, err error) {
	name := s.o.FS.PathJoin(s.o.Path, snapshotMark)
	_, err = s.fs.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return func() error { return nil }, nil
	}
	s.first += idSkip
	return func() error { return s.fs.Remove(name) }, err
}
