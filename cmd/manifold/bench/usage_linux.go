package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// canMeasure tells whether other processes can be measured on this system.
const canMeasure = true

// tick is the unit of times in /proc/PID/stat, which is the same on all of Go's architectures.
const tick = time.Second / 100

// usageOf adds up what processes use.
func usageOf(pids []int) (usage, error) {
	var sum usage
	for _, pid := range pids {
		u, err := usageOfOne(pid)
		if err != nil {
			return usage{}, sysexit.Errorf(sysexit.NoInput, "process %d: %w", pid, err)
		}
		sum.cpu += u.cpu
		sum.rss += u.rss
		sum.peak += u.peak
		sum.written += u.written
	}
	return sum, nil
}

func usageOfOne(pid int) (usage, error) {
	var u usage
	stat, err := os.ReadFile(proc(pid, "stat"))
	if err != nil {
		return u, err
	}
	if u.cpu, err = cpuOf(stat); err != nil {
		return u, err
	}
	status, err := os.ReadFile(proc(pid, "status"))
	if err != nil {
		return u, err
	}
	u.rss, u.peak = field(status, "VmRSS")<<10, field(status, "VmHWM")<<10
	io, err := os.ReadFile(proc(pid, "io"))
	if err != nil && !errors.Is(err, fs.ErrPermission) { // which another user's process hides
		return u, err
	}
	u.written = field(io, "write_bytes")
	return u, nil
}

// cpuOf reads user and system time out of /proc/PID/stat.
func cpuOf(stat []byte) (time.Duration, error) {
	// The name of the program is in parentheses and may hold anything.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("its stat has %d fields", len(fields))
	}
	user, err1 := strconv.ParseInt(string(fields[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+system) * tick, errors.Join(err1, err2)
}

// field returns the number behind a name and a colon, 0 if there is none.
func field(text []byte, name string) int64 {
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, _ := strconv.ParseInt(strings.Fields(value + " 0")[0], 10, 64)
			return n
		}
	}
	return 0
}

// resetPeaks makes the peaks of processes begin anew. Another user's are left as they are.
func resetPeaks(pids []int) error {
	for _, pid := range pids {
		err := os.WriteFile(proc(pid, "clear_refs"), []byte("5"), 0)
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return sysexit.Errorf(sysexit.NoInput, "process %d: %w", pid, err)
		}
	}
	return nil
}

func proc(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }
