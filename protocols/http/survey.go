package httpd

import (
	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/queue"
)

// sample is one destination or durable subscription as a scrape finds it. It is small, as there
// may be a million of them.
type sample struct {
	dest     *broker.Destination // nil for subscriptions
	durable  *broker.DurableInfo // nil for destinations
	counters *queue.Counters     // nil for topics
	weight   int64               // the heaviest get series of their own
}

// labels returns what the sample's table says of it in its labels, and another name for when the
// first is taken; empty: there is none. They may be any bytes.
func (x *sample) labels() (labels [3]string, spare string) {
	if x.durable != nil {
		return [3]string{x.durable.Name, x.durable.Client, x.durable.Address.Name}, ""
	}
	return [3]string{x.dest.Address.Name}, x.dest.Address.String()
}

// passes reports that it comes and goes with a client, so that a series of its own would be the
// first of very many.
func (x *sample) passes() bool { return x.dest != nil && x.dest.Address.Kind.IsTemp() }

// consumers returns how many there are. It takes the queue's lock.
func (x *sample) consumers() int {
	switch {
	case x.durable != nil:
		return x.durable.Active
	case x.dest.Queue() != nil:
		return x.dest.Queue().Consumers()
	}
	return 0
}

func (x *sample) paused() bool {
	return x.dest != nil && x.dest.Queue() != nil && x.dest.Queue().Paused()
}

func (x *sample) producers() int64 {
	if x.dest == nil {
		return 0
	}
	return x.dest.Producers()
}

// survey is all that a scrape finds.
type survey struct {
	queues, topics, durables []sample
	kinds                    map[address.Kind]int
	messages                 int64
}

func takeSurvey(b *broker.Broker) *survey {
	s := &survey{kinds: make(map[address.Kind]int)}
	for k := address.Queue; k <= address.TempTopic; k++ {
		s.kinds[k] = 0
	}
	for _, d := range b.Destinations() {
		s.kinds[d.Address.Kind]++
		if q := d.Queue(); q != nil {
			n := q.Counters()
			x := sample{dest: d, counters: n, weight: n.Entries.Load()}
			s.messages += x.weight
			s.queues = append(s.queues, x)
		} else {
			s.topics = append(s.topics, sample{dest: d, weight: d.Published()})
		}
	}
	durables := b.Durables()
	for i := range durables {
		d := &durables[i]
		x := sample{durable: d, counters: d.Counters, weight: d.Counters.Entries.Load()}
		s.messages += x.weight
		s.durables = append(s.durables, x)
	}
	return s
}
