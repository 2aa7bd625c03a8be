package bench

import "syscall"

// pause sleeps for some nanoseconds. The runtime's timers may be a millisecond late, the
// kernel's hardly are. A signal may end it early.
func pause(nanoseconds int64) {
	t := syscall.NsecToTimespec(nanoseconds)
	if err := syscall.Nanosleep(&t, &t); err == syscall.EINTR {
		_ = syscall.Nanosleep(&t, nil)
	}
}
