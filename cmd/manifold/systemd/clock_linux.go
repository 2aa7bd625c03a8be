package systemd

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// monotonic returns CLOCK_MONOTONIC, by which the service manager tells an old reload from a
// new one. The clock inside time.Time has another zero.
func monotonic() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0, fmt.Errorf("systemd: clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
