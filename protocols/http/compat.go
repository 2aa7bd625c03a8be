package httpd

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/manifoldmq/manifold/broker"
)

// compat shows figures under the names that an exporter of ActiveMQ's management beans gives
// them, so that existing dashboards and alerts go on. Where ActiveMQ counts in one number what
// counters and gauges are here, the value has no type.
type compat struct {
	queues, topics table

	connections, messages, consumers, producers, enqueued, dequeued, memory, store, temp family
}

func newCompat() *compat {
	gauge := func(name, help string) family { return newFamily(isGauge, "activemq_"+name, help) }
	return &compat{
		queues:      newTable("activemq_queue_", compatQueueColumns(), "destination"),
		topics:      newTable("activemq_topic_", compatTopicColumns(), "destination"),
		connections: gauge("connections", "Open connections of clients."),
		messages:    gauge("message_total", "Messages that wait or are with a consumer."),
		consumers:   gauge("consumer_total", "Consumers of queues and of durable subscriptions."),
		producers:   gauge("producer_total", "Open producers."),
		enqueued:    newFamily(isCounter, "activemq_enqueue_total", "Messages that clients sent."),
		dequeued:    newFamily(isGauge, "activemq_dequeue_total", "Messages that were taken off the destinations that are there."),
		memory:      gauge("memory_usage_ratio", "What messages take of the memory limit, from 0 to 1."),
		store:       gauge("store_usage_ratio", "What the store takes of its limit, from 0 to 1."),
		temp:        gauge("temp_usage_ratio", "What messages that are not durable take of their limit on disk, from 0 to 1."),
	}
}

const untyped = prometheus.UntypedValue

func compatQueueColumns() []column {
	return []column{
		{"queue_size", "Messages that wait or are with a consumer.", untyped, func(x *sample) float64 { return float64(x.counters.Entries.Load()) }, true},
		{"enqueue_count", "Messages that arrived since the start.", untyped, func(x *sample) float64 { return float64(x.counters.Enqueued.Load()) }, false},
		{"dequeue_count", "Messages that were consumed or removed since the start.", untyped, func(x *sample) float64 { return float64(x.counters.Dequeued.Load()) }, false},
		{"dispatch_count", "Messages that were handed to consumers since the start.", untyped, func(x *sample) float64 { return float64(x.counters.Dispatched.Load()) }, false},
		{"in_flight_count", "Messages that are with a consumer.", untyped, func(x *sample) float64 { return float64(x.counters.InFlight.Load()) }, true},
		{"expired_count", "Messages whose time ran out since the start.", untyped, func(x *sample) float64 { return float64(x.counters.Expired.Load()) }, false},
		{"consumer_count", "Open consumers.", untyped, func(x *sample) float64 { return float64(x.consumers()) }, false},
		{"producer_count", "Open producers.", untyped, func(x *sample) float64 { return float64(x.producers()) }, true},
	}
}

func compatTopicColumns() []column {
	return []column{
		{"enqueue_count", "Messages that were published since the start.", untyped, func(x *sample) float64 { return float64(x.dest.Published()) }, false},
		{"producer_count", "Open producers.", untyped, func(x *sample) float64 { return float64(x.producers()) }, true},
	}
}

func (c *compat) describe(ch chan<- *prometheus.Desc) {
	c.queues.describe(ch)
	c.topics.describe(ch)
	for _, f := range []family{
		c.connections, c.messages, c.consumers, c.producers, c.enqueued, c.dequeued, c.memory, c.store, c.temp,
	} {
		ch <- f.desc
	}
}

func (c *compat) collect(ch chan<- prometheus.Metric, s *survey, t *broker.Totals, u broker.Usage, connections, capacity int) {
	c.queues.emit(ch, s.queues, capacity)
	c.topics.emit(ch, s.topics, capacity)
	var consumers int
	var producers, dequeued int64
	for _, list := range [][]sample{s.queues, s.topics, s.durables} {
		for i := range list {
			x := &list[i]
			consumers += x.consumers()
			producers += x.producers()
			if x.counters != nil {
				dequeued += x.counters.Dequeued.Load()
			}
		}
	}
	c.connections.emit(ch, float64(connections))
	c.messages.emit(ch, float64(s.messages))
	c.consumers.emit(ch, float64(consumers))
	c.producers.emit(ch, float64(producers))
	c.enqueued.emit(ch, float64(t.Received.Load()))
	c.dequeued.emit(ch, float64(dequeued))
	c.memory.emit(ch, ratio(u.Memory, u.MemoryLimit))
	c.store.emit(ch, ratio(u.Store, u.StoreLimit))
	c.temp.emit(ch, ratio(u.Temp, u.TempLimit))
}

func ratio(used, limit int64) float64 {
	if limit <= 0 {
		return 0
	}
	return float64(used) / float64(limit)
}
