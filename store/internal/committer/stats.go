package committer

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/store"
)

// stats counts groups, and keeps how long the last syncs took.
type stats struct {
	groups, batches, ops, syncs atomic.Uint64

	mu   sync.Mutex
	last [512]time.Duration
	n    int
}

func (s *stats) group(batches, ops int, sync bool, took time.Duration) {
	s.groups.Add(1)
	s.batches.Add(uint64(batches))
	s.ops.Add(uint64(ops))
	if !sync {
		return
	}
	s.syncs.Add(1)
	s.mu.Lock()
	s.last[s.n%len(s.last)] = took
	s.n++
	s.mu.Unlock()
}

// Stats returns the committer's part of a store's figures.
func (c *Committer) Stats() store.Stats {
	s := &c.stats
	c.mu.Lock()
	pending := len(c.pending)
	c.mu.Unlock()
	st := store.Stats{
		Pending: int64(pending), PendingBytes: c.pendingBytes.Load(),
		Groups: s.groups.Load(), Batches: s.batches.Load(), Ops: s.ops.Load(), Syncs: s.syncs.Load(),
	}
	s.mu.Lock()
	last := slices.Clone(s.last[:min(s.n, len(s.last))])
	s.mu.Unlock()
	if len(last) > 0 {
		slices.Sort(last)
		st.SyncP50, st.SyncP99 = last[len(last)/2], last[len(last)*99/100]
	}
	return st
}
