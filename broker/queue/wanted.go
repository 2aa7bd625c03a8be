package queue

import "github.com/manifoldmq/manifold/broker/message"

// Wanted reports whether some consumer of the queue would take a message: one without a filter, or
// with one that lets it through. It takes no lock, and may be called with any held.
func (q *Queue) Wanted(v *message.View) bool {
	list := q.filters.Load()
	if list == nil {
		return false
	}
	for _, f := range *list {
		if f == nil || f.Matches(v) {
			return true
		}
	}
	return false
}

// noteFilters keeps the consumers' filters for Wanted. The caller holds the dispatch lock.
func (q *Queue) noteFilters() {
	if len(q.consumers) == 0 {
		q.filters.Store(nil)
		return
	}
	list := make([]Filter, len(q.consumers))
	for i, s := range q.consumers {
		list[i] = s.Filter
	}
	q.filters.Store(&list)
}

// Attended reports whether the queue has a consumer. It takes no lock.
func (q *Queue) Attended() bool { return q.filters.Load() != nil }
