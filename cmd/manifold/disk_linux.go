package main

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// fileSystemSize returns the size of the file system that a path is on, or will be.
func fileSystemSize(path string) (int64, error) {
	for {
		var s unix.Statfs_t
		err := unix.Statfs(path, &s)
		if err == nil {
			return int64(s.Blocks) * int64(s.Bsize), nil
		}
		up := filepath.Dir(path)
		if up == path {
			return 0, err
		}
		path = up
	}
}
