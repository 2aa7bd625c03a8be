// Package figures makes the bodies of the messages that the statistics destinations answer with, by
// the names of ActiveMQ's statisticsBrokerPlugin.
package figures

import "github.com/manifoldmq/manifold/broker/message"

// Figures is a list of fields under construction.
type Figures []message.Field

// Long adds a number.
func (f *Figures) Long(name string, v int64) {
	*f = append(*f, message.Field{Name: name, Value: message.OfLong(v)})
}

// Percent adds how much a part is of a whole.
func (f *Figures) Percent(name string, part, whole int64) {
	p := int64(0)
	if whole > 0 {
		p = part * 100 / whole
	}
	*f = append(*f, message.Field{Name: name, Value: message.OfInt(int32(min(p, 100)))})
}

// Text adds a text.
func (f *Figures) Text(name, v string) {
	*f = append(*f, message.Field{Name: name, Value: message.OfString(v)})
}

// Flag adds a yes or no.
func (f *Figures) Flag(name string, v bool) {
	*f = append(*f, message.Field{Name: name, Value: message.OfBool(v)})
}

// Counts adds what brokers and destinations have in common.
func (f *Figures) Counts(entries, bytes, inFlight, enqueued, dequeued, dispatched, expired, consumers, producers int64) {
	f.Long("size", entries)
	f.Long("enqueueCount", enqueued)
	f.Long("dequeueCount", dequeued)
	f.Long("dispatchCount", dispatched)
	f.Long("expiredCount", expired)
	f.Long("inflightCount", inFlight)
	f.Long("messagesCached", 0)
	f.Long("consumerCount", consumers)
	f.Long("producerCount", producers)
	average := int64(0)
	if entries > 0 {
		average = bytes / entries
	}
	f.Long("averageMessageSize", average)
	for _, name := range [...]string{"averageEnqueueTime", "minEnqueueTime", "maxEnqueueTime"} {
		*f = append(*f, message.Field{Name: name, Value: message.OfDouble(0)})
	}
}
