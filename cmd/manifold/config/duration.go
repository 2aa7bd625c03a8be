package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseDuration reads what time.ParseDuration reads, and whole days such as 7d. Negative
// durations mean nothing in any option.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseInt(days, 10, 64)
		if err == nil && n >= 0 && n <= math.MaxInt64/int64(24*time.Hour) {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		if _, e := strconv.ParseUint(text, 10, 63); e == nil {
			return 0, fmt.Errorf("%q has no unit; did you mean %ss?", text, text)
		}
		return 0, fmt.Errorf("%q is not a duration; write a number and a unit (ms, s, m, h, d), such as 30s", text)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative", text)
	}
	return d, nil
}

// formatDuration writes a duration without the zero parts that time.Duration.String adds.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
