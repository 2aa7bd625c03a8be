//go:build !unix

package bench

import (
	"math"
	"time"
)

// ownCPU returns what this process has used, 0 if unknown.
func ownCPU() time.Duration { return 0 }

// maxConnections returns how many connections this process may have open.
func maxConnections() int { return math.MaxInt32 }
