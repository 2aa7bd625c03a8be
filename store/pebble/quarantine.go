package pebble

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/manifoldmq/manifold/store"
)

// quarantineDir is the directory, below the store's, for what can't be trusted but is kept.
const quarantineDir = "quarantine"

// quarantine keeps damaged data for people to look into. What it holds is never read.
type quarantine struct {
	fs  vfs.FS
	dir string
}

// value keeps the bytes of one key, and its problem beside it.
func (q *quarantine) value(name string, value []byte, p store.Problem) error {
	if err := makeDir(q.fs, q.dir); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	text, err := json.Marshal(p)
	if err == nil {
		err = writeFile(q.fs, q.dir, name+".json", append(text, '\n'))
	}
	if err == nil && value != nil {
		err = writeFile(q.fs, q.dir, name+".value", value)
	}
	if err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}

// file keeps a file as a whole, once.
func (q *quarantine) file(from string) error {
	if err := makeDir(q.fs, q.dir); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	to := q.fs.PathJoin(q.dir, q.fs.PathBase(from))
	if _, err := q.fs.Stat(to); err == nil {
		return nil
	}
	if err := vfs.LinkOrCopy(q.fs, from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("quarantine: %w", err)
	}
	return nil
}
