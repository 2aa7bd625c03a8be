//go:build !linux

package bench

import "time"

// pause sleeps for some nanoseconds.
func pause(nanoseconds int64) { time.Sleep(time.Duration(nanoseconds)) }
