package queue

import "sync/atomic"

// Allowance bounds the deliveries without an outcome of several consumers together. At the limit
// they count as without credit.
type Allowance struct {
	limit int64
	room  func()
	used  atomic.Int64
	full  atomic.Bool
}

// NewAllowance returns an allowance of so many deliveries. room is called, on a goroutine of its
// own, when a tenth of it is free again after it was used up: the consumers are to be offered more.
func NewAllowance(limit int, room func()) *Allowance {
	return &Allowance{limit: int64(limit), room: room}
}

// Used returns the number of deliveries without an outcome, enlisted ones among them.
func (a *Allowance) Used() int64 { return a.used.Load() }

// spent reports whether nothing more may be delivered; if so, room is called later.
func (a *Allowance) spent() bool {
	if a == nil || a.used.Load() < a.limit {
		return false
	}
	a.full.Store(true)
	return a.used.Load() >= a.limit
}

// take accounts for one more delivery, if it may be.
func (a *Allowance) take() bool {
	if a == nil || a.used.Add(1) <= a.limit {
		return true
	}
	a.full.Store(true)
	a.give(1)
	return false
}

// give takes back what was accounted for.
func (a *Allowance) give(n int64) {
	if a == nil || n == 0 {
		return
	}
	if used := a.used.Add(-n); used <= a.limit-max(a.limit/10, 1) && a.full.Load() && a.full.CompareAndSwap(true, false) {
		go a.room()
	}
}
