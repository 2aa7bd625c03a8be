package schedule

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/store"
)

// Job is a job as management sees it.
type Job struct {
	ID      string
	Due     int64 // Unix milliseconds
	To      []address.Address
	Plan    Plan
	Message *message.Message
}

func newJob(k Key, j *job, m *message.Message) *Job {
	return &Job{ID: j.ID, Due: k.Due, To: j.addresses(), Plan: j.Plan, Message: m}
}

// Each calls fn for the jobs that are due from one time up to another, in order, until it returns
// false. It blocks while it reads, and holds a bounded number of keys at a time: fn may block, and use
// the store. What is scheduled or delivered meanwhile may be among them or not.
func (s *Scheduler) Each(ctx context.Context, from, to int64, fn func(*Job) bool) error {
	for at := (Key{Due: from}); ; {
		list, err := s.page(ctx, at, to)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, k := range list {
			j, m, err := s.read(ctx, k)
			switch {
			case errors.Is(err, store.ErrNotFound):
				continue
			case err != nil:
				return err
			}
			if !fn(newJob(k, j, m)) {
				return nil
			}
		}
		at = list[len(list)-1]
		at.Number++
	}
}

// page reads the next keys from one on that are due up to a time; none are left if there are none.
func (s *Scheduler) page(ctx context.Context, at Key, to int64) (list []Key, err error) {
	full := errors.New("full")
	err = s.env.Store.Records(ctx, store.Schedule, at.record(), []byte{dueRecord + 1}, func(key, _ []byte) error {
		k, ok := parseKey(key)
		if !ok {
			return nil
		}
		if k.Due > to || len(list) == window {
			return full
		}
		list = append(list, k)
		return nil
	})
	if errors.Is(err, full) {
		err = nil
	}
	return list, err
}

// Remove deletes the job with an identifier. It returns when that is on disk, with a fault of kind
// NotFound if there is none, or what may says against it, which may be nil.
func (s *Scheduler) Remove(ctx context.Context, id string, may func(*Job) error) error {
	s.work.Lock()
	defer s.work.Unlock()
	n := store.ID(0)
	if at := lastColon(id); at >= 0 {
		u, _ := strconv.ParseUint(id[at+1:], 10, 64)
		n = store.ID(u)
	}
	value, err := s.env.Store.Record(ctx, store.Schedule, numbered(jobRecord, n))
	if errors.Is(err, store.ErrNotFound) || err == nil && len(value) != 8 {
		return fault.New(fault.NotFound, "remove", id, "no job %s is scheduled", id)
	}
	if err != nil {
		return err
	}
	k := Key{int64(binary.BigEndian.Uint64(value)), n}
	j, m, err := s.read(ctx, k)
	switch {
	case err == nil && j.ID != id:
		return fault.New(fault.NotFound, "remove", id, "no job %s is scheduled", id)
	case err == nil && may != nil:
		err = may(newJob(k, j, m))
	case may == nil: // what can't be read is removed as well
		err = nil
	}
	if err != nil {
		return err
	}
	return s.removeKeys(ctx, []Key{k})
}

func lastColon(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == ':' {
			return i
		}
	}
	return -1
}

// RemoveBetween deletes the jobs that are due from one time up to another, but for those that may has
// something against, which may be nil. It returns how many they were, when that is on disk. It goes on
// from page to page, and lets others be delivered in between.
func (s *Scheduler) RemoveBetween(ctx context.Context, from, to int64, may func(*Job) error) (n int, err error) {
	for at, more := (Key{Due: from}), true; more; at.Number++ {
		removed := 0
		at, removed, more, err = s.removePage(ctx, at, to, may)
		n += removed
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// removePage deletes the jobs of one page and returns the last of them.
func (s *Scheduler) removePage(ctx context.Context, at Key, to int64, may func(*Job) error) (last Key, removed int, more bool, err error) {
	s.work.Lock()
	defer s.work.Unlock()
	list, err := s.page(ctx, at, to)
	if err != nil || len(list) == 0 {
		return last, 0, false, err
	}
	last = list[len(list)-1]
	if may != nil {
		list = slices.DeleteFunc(list, func(k Key) bool {
			j, m, err := s.read(ctx, k)
			return err != nil || may(newJob(k, j, m)) != nil
		})
	}
	if len(list) == 0 {
		return last, 0, true, nil
	}
	return last, len(list), true, s.removeKeys(ctx, list)
}

func (s *Scheduler) removeKeys(ctx context.Context, list []Key) error {
	batch := store.GetBatch()
	batch.Durability = store.Durable
	for _, k := range list {
		remove(batch, k)
	}
	outcome := make(chan error, 1)
	batch.Done = func(b *store.Batch, err error) {
		store.PutBatch(b)
		outcome <- err
	}
	s.env.Store.Commit(batch)
	select {
	case err := <-outcome:
		if err == nil {
			s.count.Add(-int64(len(list)))
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
