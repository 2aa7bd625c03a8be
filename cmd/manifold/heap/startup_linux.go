package heap

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ReleaseStartup takes the pages of the program's own file out of the process, its code and
// constants: most were needed by the start alone, or came along with others. Those that are needed
// again are mapped again, from the page cache. Parts of which the process has pages of its own stay:
// where a dynamic linker was at work, they are not the file's. Where it can't be done, nothing
// happens.
func ReleaseStartup() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }()
	var from, to uintptr
	ok := false
	for s := bufio.NewScanner(maps); s.Scan(); {
		switch fields := strings.Fields(s.Text()); {
		case len(fields) > 0 && !strings.HasSuffix(fields[0], ":"): // the next part
			from, to, ok = constant(s.Text(), exe)
		case ok && fields[0] == "Anonymous:" && len(fields) > 1 && fields[1] == "0":
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
	}
}

// constant reads the first line of a part in /proc/self/smaps. ok says that it is about a part of a file that the
// process can't write to, so that nothing but the file's own bytes can be in it.
func constant(line, file string) (from, to uintptr, ok bool) {
	fields := strings.Fields(line)
	if len(fields) != 6 || fields[5] != file || fields[1] != "r-xp" && fields[1] != "r--p" {
		return 0, 0, false
	}
	if n, err := fmt.Sscanf(fields[0], "%x-%x", &from, &to); n != 2 || err != nil || to <= from {
		return 0, 0, false
	}
	return from, to, true
}
