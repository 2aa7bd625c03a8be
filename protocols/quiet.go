package protocols

import (
	"sync"
	"time"
)

// quietPeriod is the time between two log lines about the same thing.
const quietPeriod = 10 * time.Second

// quiet keeps what happens a thousand times a second from filling the log: one line per period
// tells how often it happened.
type quiet struct {
	mu    sync.Mutex
	until time.Time
	kept  int
}

// allow reports whether to write a line now, and how many were left out before it.
func (q *quiet) allow(now time.Time) (left int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.Before(q.until) {
		q.kept++
		return 0, false
	}
	left, q.kept, q.until = q.kept, 0, now.Add(quietPeriod)
	return left, true
}
