package bench

// tally is what one consumer has received. It belongs to the consumer's goroutine until that has
// ended.
type tally struct {
	run       uint64
	size      int // of each body
	index     int // of the consumer
	stripes   int // the consumer is owed messages of producers that leave the same rest as index
	timed     bool
	producers []received

	latency    histogram
	received   uint64 // all but foreign ones
	duplicated uint64
	disordered uint64
	foreign    uint64
}

// received is what came from one producer.
type received struct {
	seen   bitset
	newest uint64 // one more than the highest sequence number that came
}

func newTally(c *Config, run uint64, consumer int) *tally {
	return &tally{
		run: run, size: c.Size, index: consumer, stripes: c.Destinations,
		timed: c.Mode == Latency, producers: make([]received, c.Producers),
	}
}

// record takes a body that came at now, in nanoseconds since the run began. It reports whether
// the message was one of those that are owed.
func (t *tally) record(body []byte, now int64) bool {
	if len(body) != t.size {
		t.foreign++
		return false
	}
	s := stampOf(body)
	if s.run != t.run || int(s.producer) >= len(t.producers) || !t.owed(int(s.producer)) || s.sequence >= maxSequence {
		t.foreign++
		return false
	}
	t.received++
	from := &t.producers[s.producer]
	if !from.seen.add(s.sequence) {
		t.duplicated++
		return false
	}
	if s.sequence < from.newest {
		t.disordered++
	} else {
		from.newest = s.sequence + 1
	}
	if t.timed {
		t.latency.add(now - s.at)
	}
	return true
}

// owed reports whether the consumer shares its destination with a producer.
func (t *tally) owed(producer int) bool { return producer%t.stripes == t.index%t.stripes }

// audit compares what came with what each producer sent, once all consumers have ended. In a
// queue a message is owed to one of its consumers, in a topic to each.
func audit(tallies []*tally, sent []uint64, topic bool) (lost, duplicated uint64) {
	for _, t := range tallies {
		duplicated += t.duplicated
	}
	for producer, n := range sent {
		var all bitset
		for _, t := range tallies {
			switch seen := &t.producers[producer].seen; {
			case !topic:
				duplicated += all.merge(seen)
			case t.owed(producer):
				lost += missing(n, seen)
			}
		}
		if !topic {
			lost += missing(n, &all)
		}
	}
	return lost, duplicated
}

// missing returns how many of the n that were sent are not in the set.
func missing(n uint64, seen *bitset) uint64 { return n - min(n, seen.count()) }
