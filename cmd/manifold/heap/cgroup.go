// Package heap fits the process's memory to what it is allowed: it finds the memory limit of the
// control group, plans how much of it messages may take, and sets the garbage collector.
package heap

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// CgroupLimit returns the lowest memory limit of the process's control group and its parents, in
// bytes, or 0 if there is none. root is the file system's root: os.DirFS("/").
func CgroupLimit(root fs.FS) int64 {
	groups, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0 // not Linux, or no /proc
	}
	lowest := int64(0)
	for line := range strings.Lines(string(groups)) {
		// hierarchy-ID:controllers:path; version 2 has the ID 0 and no controllers.
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		mount, file := "", ""
		switch {
		case parts[0] == "0" && parts[1] == "":
			mount, file = "sys/fs/cgroup", "memory.max"
		case hasController(parts[1], "memory"):
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		if n := lowestLimit(root, mount, parts[2], file); n > 0 && (lowest == 0 || n < lowest) {
			lowest = n
		}
	}
	return lowest
}

func hasController(list, name string) bool {
	for c := range strings.SplitSeq(list, ",") {
		if c == name {
			return true
		}
	}
	return false
}

// lowestLimit walks from a group up to its root. Inside a container the group's path is often
// not visible, and the mount's root is the container's own group.
func lowestLimit(root fs.FS, mount, group, file string) int64 {
	lowest := int64(0)
	for dir := path.Clean("/" + group); ; dir = path.Dir(dir) {
		text, err := fs.ReadFile(root, path.Join(mount, dir, file))
		if err == nil {
			// "max" in version 2; version 1 writes a huge number for no limit.
			n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
			if err == nil && n > 0 && n < 1<<60 && (lowest == 0 || n < lowest) {
				lowest = n
			}
		}
		if dir == "/" {
			return lowest
		}
	}
}
