package httpd

import (
	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/queue"
)

// sample is one destination or durable subscription as a scrape finds it.
type sample struct {
	labels [3]string // what the table's labels say, as it is named: any bytes
	spare  string    // another name, for when the first is taken
	weight int64     // the heaviest get series of their own
	never  bool      // no series of its own: it comes and goes with a client

	dest     *broker.Destination // nil for subscriptions
	counters *queue.Counters     // nil for topics
	active   int                 // consumers of a subscription
}

// consumers returns how many there are. It takes the queue's lock.
func (x *sample) consumers() int {
	switch {
	case x.dest == nil:
		return x.active
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
		a := d.Address
		s.kinds[a.Kind]++
		x := sample{labels: [3]string{a.Name}, spare: a.String(), never: a.Kind.IsTemp(), dest: d}
		if q := d.Queue(); q != nil {
			x.counters = q.Counters()
			x.weight = x.counters.Entries.Load()
			s.messages += x.weight
			s.queues = append(s.queues, x)
		} else {
			x.weight = d.Published()
			s.topics = append(s.topics, x)
		}
	}
	for _, d := range b.Durables() {
		n := d.Counters.Entries.Load()
		s.messages += n
		s.durables = append(s.durables, sample{
			labels: [3]string{d.Name, d.Client, d.Address.Name}, weight: n, active: d.Active, counters: d.Counters,
		})
	}
	return s
}
