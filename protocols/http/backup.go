package httpd

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/store"
)

// makeBackup copies the running store into a new directory.
func (s *Server) makeBackup(r *http.Request, _ string) (any, error) {
	// The path may be given under either name.
	var body struct {
		Dir  string `json:"dir"`
		Path string `json:"path"`
	}
	if err := decode(r, &body); err != nil {
		return nil, err
	}
	if body.Dir == "" {
		body.Dir = body.Path
	}
	snapshotter, ok := s.o.Broker.Store().(store.Snapshotter)
	if !ok {
		return nil, fault.New(fault.Unsupported, "backup", "store", "this store can't be copied while it runs")
	}
	dir, err := s.backupDir(body.Dir)
	if err != nil {
		return nil, err
	}
	if !s.backup.TryLock() {
		return nil, fault.New(fault.InUse, "backup", "store", "another backup is under way")
	}
	defer s.backup.Unlock()
	start := time.Now()
	if err := snapshotter.Snapshot(r.Context(), dir); err != nil {
		return nil, backupFault(dir, err)
	}
	return struct {
		Dir     string  `json:"dir"`
		Seconds float64 `json:"seconds"`
	}{dir, time.Since(start).Seconds()}, nil
}

// backupFault tells the one who has the broker's own token why a copy failed, paths included.
func backupFault(dir string, err error) error {
	kind := fault.Internal
	switch {
	case errors.Is(err, fs.ErrExist):
		kind = fault.Exists
	case errors.Is(err, fs.ErrPermission):
		kind = fault.Forbidden
	case errors.Is(err, store.ErrDiskFull):
		kind = fault.StoreFull
	case errors.Is(err, store.ErrClosed), errors.Is(err, store.ErrStopped):
		kind = fault.Closed
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		kind = fault.Timeout
	}
	f := fault.New(kind, "backup", dir, "backup to %s: %v", dir, err)
	f.Err = err
	return f
}

// backupDir returns the directory that a caller may make a backup in by that name. It isn't there
// yet; what it lies in is.
func (s *Server) backupDir(name string) (string, error) {
	if name == "" {
		return "", fault.New(fault.InvalidName, "backup", "", `"dir" must name the backup's directory`)
	}
	if filepath.IsAbs(name) {
		return s.absoluteBackupDir(filepath.Clean(name))
	}
	if s.o.Backups == "" {
		return "", fault.New(fault.Forbidden, "backup", name, "this broker has no directory for backups")
	}
	// IsLocal refuses what leads out by its name, the root what leads out through links.
	if !filepath.IsLocal(name) || filepath.Clean(name) == "." {
		return "", fault.New(fault.Forbidden, "backup", name, "%q is not a name below the directory for backups", name)
	}
	if err := os.MkdirAll(s.o.Backups, 0o700); err != nil {
		return "", backupFault(s.o.Backups, err)
	}
	root, err := os.OpenRoot(s.o.Backups)
	if err != nil {
		return "", backupFault(s.o.Backups, err)
	}
	defer root.Close()
	if parent := filepath.Dir(name); parent != "." {
		if err := root.MkdirAll(parent, 0o700); err != nil {
			return "", fault.New(fault.Forbidden, "backup", name, "%v", err)
		}
	}
	switch _, err := root.Lstat(name); {
	case err == nil:
		return "", fault.New(fault.Exists, "backup", name, "%s is there already", name)
	case !errors.Is(err, fs.ErrNotExist):
		return "", fault.New(fault.Forbidden, "backup", name, "%v", err)
	}
	return filepath.Join(s.o.Backups, name), nil
}

func (s *Server) absoluteBackupDir(dir string) (string, error) {
	if !s.o.AnyBackupDir {
		return "", fault.New(fault.Forbidden, "backup", dir, "backups are made in the broker's directory for them; give a relative name")
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return "", backupFault(dir, err)
		}
		return "", fault.New(fault.Exists, "backup", dir, "%s is there already", dir)
	}
	return dir, nil
}
