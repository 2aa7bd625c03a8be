package amqp

// runs knows which delivery of which link has which delivery-id, of those that were sent and are
// not settled. Deliveries of one link that follow each other are one run: whoever sends a million
// messages on one link has one.
type runs struct {
	list    []run // by ascending delivery-id, in serial order
	compact int   // the length from which it is worth to look for what is over
}

// run is count deliveries of a link that were numbered from number on, by the core, and from id
// on, by the session.
type run struct {
	link   *sender
	id     uint32
	count  uint32
	number uint64
}

// add notes a delivery.
func (r *runs) add(l *sender, id uint32, number uint64) {
	if n := len(r.list); n > 0 {
		last := &r.list[n-1]
		if last.link == l && last.id+last.count == id && last.number+uint64(last.count) == number && last.count < 1<<30 {
			last.count++
			return
		}
	}
	if len(r.list) >= max(r.compact, 64) {
		r.clean()
		r.compact = 2 * len(r.list)
	}
	r.list = append(r.list, run{l, id, 1, number})
}

// clean forgets runs of which nothing is unsettled.
func (r *runs) clean() {
	kept := r.list[:0]
	for _, e := range r.list {
		if !e.link.isOver() && (e.link.browser || e.link.sub.Oldest() < e.number+uint64(e.count)) {
			kept = append(kept, e)
		}
	}
	clear(r.list[len(kept):])
	r.list = kept
}

// find calls fn for each part of the range of delivery-ids from first to last. The range is as
// long as the client says; what is walked are the runs.
func (r *runs) find(first, last uint32, fn func(l *sender, id uint32, first, last uint64)) {
	span := last - first
	for i := range r.list {
		e := &r.list[i]
		// Where the run begins, seen from the first of the range, and the other way round.
		if at := e.id - first; at <= span {
			n := min(span-at, e.count-1)
			fn(e.link, e.id, e.number, e.number+uint64(n))
		} else if at := first - e.id; at < e.count {
			n := min(span, e.count-1-at)
			fn(e.link, first, e.number+uint64(at), e.number+uint64(at)+uint64(n))
		}
	}
}
