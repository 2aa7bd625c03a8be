//go:build unix

package bench

import (
	"math"
	"syscall"
	"time"
)

// spareFiles are descriptors that this process needs beside its connections.
const spareFiles = 64

// ownCPU returns what this process has used, 0 if unknown.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// maxConnections returns how many connections this process may have open.
func maxConnections() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil || uint64(limit.Cur) > math.MaxInt32 {
		return math.MaxInt32
	}
	return max(0, int(limit.Cur)-spareFiles)
}
