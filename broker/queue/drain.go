package queue

import "sync/atomic"

// drain is a consumer's request for all that can be delivered within its credit now. Its parts
// are guarded by the consumer's lock.
type drain struct {
	is      atomic.Bool
	request uint64 // counts requests, from 1
	waits   int    // attached queues that have not had their turn since the request
}

// Drain asks for all that can be delivered within the credit now; then the rest of the credit
// is void and the sink's Drained is called. A consumer of several queues is drained when each
// has had its turn. What a paused queue holds can't be delivered.
func (c *Consumer) Drain() {
	c.mu.Lock()
	c.drain.request++
	c.drain.waits = len(c.queues)
	c.drain.is.Store(true)
	over := c.browse == nil && len(c.queues) == 0 || c.browsed
	if over {
		c.drained()
	}
	c.mu.Unlock()
	if over {
		c.sink.Wake()
		return
	}
	c.offer()
}

// drained ends the request. The caller holds c.mu.
func (c *Consumer) drained() {
	c.drain.is.Store(false)
	c.limit.Store(c.last.Load())
	if c.tracking != nil || c.trackedRuns > 0 {
		c.env.Delivered.Add(int64(len(c.staged)))
		c.flushTracked(true)
		return
	}
	c.flush()
	c.sink.Drained(c)
}

// drained tells consumers that asked for it that nothing is left for them, if that is so.
func (r *runner) drained() {
	q := r.q
	for _, s := range q.consumers {
		if !s.drain.is.Load() || q.paging || s.scanning || q.markWait || s.stopped.Load()&choked != 0 {
			continue
		}
		s.mu.Lock()
		if s.drain.is.Load() {
			if s.drainSeen != s.drain.request {
				s.drainSeen = s.drain.request
				s.drain.waits--
			}
			if s.drain.waits <= 0 || s.last.Load() >= s.limit.Load() {
				s.drained()
				r.touched = append(r.touched, s.Consumer)
			}
		}
		s.mu.Unlock()
	}
}
