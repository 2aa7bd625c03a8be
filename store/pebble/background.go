package pebble

import (
	"context"
	"errors"
	"sync"

	lsm "github.com/cockroachdb/pebble/v2"

	"github.com/manifoldmq/manifold/store"
)

// job is work on one lane that must not hold up commits.
type job struct {
	lane laneID
	walk bool // carry a truncation out; else delete the drained head

	reached chan struct{} // only closes this
}

// jobs queues work for the background goroutine.
type jobs struct {
	mu   sync.Mutex
	todo []job
	wake chan struct{} // holds at most one
}

func (j *jobs) push(x job) {
	j.mu.Lock()
	j.todo = append(j.todo, x)
	j.mu.Unlock()
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

func (j *jobs) take() []job {
	j.mu.Lock()
	defer j.mu.Unlock()
	todo := j.todo
	j.todo = nil
	return todo
}

// background completes the open, and then does jobs until Close.
func (s *Store) background(snap *lsm.Snapshot) {
	defer close(s.ended)
	err := errors.Join(guard(func() error { return s.rebuild(snap) }), snap.Close())
	if err != nil {
		s.backgroundError("count references", err)
		return
	}
	for {
		select {
		case <-s.stop:
			return
		case <-s.jobs.wake:
		}
		for _, j := range s.jobs.take() {
			if s.closingDown() {
				return
			}
			if err := guard(func() error { return s.do(j) }); err != nil {
				s.backgroundError("clean up", err)
			}
		}
	}
}

// settle waits until the background has done what it has been given, the completion of the
// open first.
func (s *Store) settle(ctx context.Context) error {
	reached := make(chan struct{})
	s.jobs.push(job{reached: reached})
	select {
	case <-reached:
		return nil
	case <-s.ended:
		return store.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) do(j job) error {
	switch {
	case j.reached != nil:
		close(j.reached)
		return nil
	case j.walk:
		return s.walk(j.lane)
	}
	return s.trim(j.lane)
}

// trim deletes what lies before a lane's first living entry as one range.
func (s *Store) trim(id laneID) error {
	end := store.ID(s.applied.Load()) // read first: what comes later has higher ids
	found, err := s.entriesBelow(id, end, 1)
	if err != nil {
		return err
	}
	if len(found) > 0 {
		end = found[0].id - 1
	}
	if end == 0 {
		return nil
	}
	return s.onCommitter(func(w *lsm.Batch) {
		s.note(w.DeleteRange(laneStart(id.list(), id.prio()), afterID(id.list(), id.prio(), end), nil))
	})
}

func (s *Store) closingDown() bool {
	select {
	case <-s.stop:
		return true
	default:
		return s.stopped() != nil
	}
}

func (s *Store) backgroundError(what string, err error) {
	if errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrStopped) {
		return
	}
	if err = asCorrupt(err); errors.Is(err, store.ErrCorrupt) {
		s.corrupt(0, err)
		return
	}
	s.log.Error("store: background work failed", "what", what, "err", err)
}
