package queue

import "time"

// Start says when a queue that had no consumers begins to deliver: when there are so many, or after
// so long. The zero Start is at once.
type Start struct {
	Consumers int
	After     time.Duration // 0: only the number counts
}

// held reports whether delivery waits for further consumers. The caller holds the dispatch lock.
func (q *Queue) held() bool {
	o := q.options.Load()
	if q.started || o.Start.Consumers <= 1 && o.Start.After <= 0 {
		return false
	}
	now := q.env.Now()
	if q.firstAt == 0 {
		q.firstAt = now
	}
	due := q.firstAt + int64(o.Start.After/time.Millisecond)
	switch {
	case o.Start.Consumers > 1 && q.asking() >= o.Start.Consumers:
	case o.Start.After <= 0:
		return true
	case now < due:
		q.wakeAfter(due, now)
		return true
	}
	q.started = true
	return false
}

// asking returns how many consumers have had credit: one that is being made does not count yet.
func (q *Queue) asking() (n int) {
	for _, s := range q.consumers {
		if s.limit.Load() > 0 {
			n++
		}
	}
	return n
}
