//go:build !linux

package systemd

import (
	"errors"
	"time"
)

// monotonic fails: the service manager runs on Linux only.
func monotonic() (time.Duration, error) { return 0, errors.ErrUnsupported }
