package queue

import (
	"sync/atomic"
	"time"
)

// crowd lets producers of messages that are in memory only keep step with the consumers: while
// a queue is being drained, its producers pause a little when it holds more than some
// megabytes, instead of filling memory and then the disk. They never wait for consumers that
// make no progress.
type crowd struct {
	is      atomic.Bool
	stalled atomic.Bool   // consumers made no progress while producers waited
	room    chan struct{} // closed when there is room again; guarded by the dispatch lock
}

const (
	crowdBytes = 4 << 20
	roomBytes  = 2 << 20
)

// Crowded reports whether producers should pause, for which there is WaitRoom.
func (q *Queue) Crowded() bool { return q.crowd.is.Load() && !q.crowd.stalled.Load() }

// note keeps the state of the crowd after a run. The caller holds the dispatch lock.
func (q *Queue) noteCrowd(delivered bool) {
	if delivered && q.crowd.stalled.Load() {
		q.crowd.stalled.Store(false)
	}
	bytes := int64(0)
	for i := range q.levels {
		bytes += q.levels[i].bytes
	}
	switch {
	case !q.crowd.is.Load():
		if bytes > crowdBytes && len(q.consumers) > 0 {
			q.crowd.is.Store(true)
		}
	case bytes < roomBytes || len(q.consumers) == 0:
		q.crowd.is.Store(false)
		if q.crowd.room != nil {
			close(q.crowd.room)
			q.crowd.room = nil
		}
	}
}

// WaitRoom blocks while the queue is crowded and its consumers make progress, for at most d.
func (q *Queue) WaitRoom(d time.Duration) {
	if !q.Crowded() {
		return
	}
	q.lock()
	if !q.crowd.is.Load() {
		q.unlock()
		return
	}
	if q.crowd.room == nil {
		q.crowd.room = make(chan struct{})
	}
	room := q.crowd.room
	q.unlock()
	before := q.counters.Dispatched.Load()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-room:
	case <-timer.C:
		if q.counters.Dispatched.Load() == before {
			q.crowd.stalled.Store(true)
		}
	}
}
