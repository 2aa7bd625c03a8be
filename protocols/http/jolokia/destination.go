package jolokia

import (
	"fmt"
	"math"
	"sort"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/queue"
)

// counts are the figures of a destination that resetStatistics sets back.
type counts struct{ enqueued, dequeued, dispatched, expired, blocked, blockedMillis int64 }

// counted returns a destination's figures since the start. Those of a topic count what its
// subscriptions of today have got.
func (v *view) counted(d *broker.Destination) counts {
	sends, waited := d.Blocked()
	c := counts{blocked: sends, blockedMillis: waited.Milliseconds()}
	if q := d.Queue(); q != nil {
		n := q.Counters()
		c.enqueued, c.dequeued, c.dispatched, c.expired = n.Enqueued.Load(), n.Dequeued.Load(), n.Dispatched.Load(), n.Expired.Load()
		return c
	}
	c.enqueued = d.Published()
	for _, s := range v.consumers().by[d.Address] {
		c.dispatched += s.dispatched()
		c.dequeued += s.dequeued()
		if s.durable != nil {
			c.expired += s.durable.Counters.Expired.Load()
		}
	}
	return c
}

// counts returns a destination's figures since they were reset.
func (v *view) counts(d *broker.Destination) counts {
	c := v.counted(d)
	v.s.mu.Lock()
	base := v.s.bases[d]
	v.s.mu.Unlock()
	c.enqueued -= base.enqueued
	c.dequeued -= base.dequeued
	c.dispatched -= base.dispatched
	c.expired -= base.expired
	c.blocked -= base.blocked
	c.blockedMillis -= base.blockedMillis
	return c
}

// reset lets a destination's figures begin anew here. The broker's own, which other tools read,
// go on.
func (v *view) reset(d *broker.Destination) {
	c := v.counted(d)
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	for old := range v.s.bases {
		if v.b.Lookup(old.Address) != old {
			delete(v.s.bases, old)
		}
	}
	v.s.bases[d] = c
}

// gauges are a queue's figures of the moment; those of a topic are its subscriptions' together.
type gauges struct{ entries, bytes, inFlight int64 }

func (v *view) gauges(d *broker.Destination) (g gauges) {
	if q := d.Queue(); q != nil {
		n := q.Counters()
		return gauges{n.Entries.Load(), n.Bytes.Load(), n.InFlight.Load()}
	}
	for _, s := range v.consumers().by[d.Address] {
		g.inFlight += s.unsettled()
		if s.durable != nil {
			g.bytes += s.durable.Counters.Bytes.Load()
		}
	}
	return g
}

// percent returns a share as ActiveMQ does: a whole number, cut off.
func percent(used, limit int64) int64 {
	if limit <= 0 {
		return 0
	}
	return int64(math.Floor(float64(used) * 100 / float64(limit)))
}

func memoryLimit(v *view, d *broker.Destination) int64 {
	if n := d.Policy().Limits.Memory; n > 0 {
		return n
	}
	return v.b.Limits.Memory
}

// isDLQ reports whether a queue is one that dead letters go to, by the policy of any destination
// or its own name.
func (v *view) isDLQ(d *broker.Destination) bool {
	p := d.Policy().DeadLetter
	name := d.Address.Name
	return d.Address.Kind == address.Queue && (name == p.Queue || name == "ActiveMQ.DLQ" ||
		strings.HasPrefix(name, "ActiveMQ.DLQ.") || p.Prefix != "" && strings.HasPrefix(name, p.Prefix) || strings.HasPrefix(name, "DLQ."))
}

func destAttr(name, java string, get func(v *view, d *broker.Destination) any) attribute {
	return attr(name, java, get)
}

// unknown is the value of what ActiveMQ measures and this broker doesn't: clients find the
// attribute, and no number that would be wrong.
func unknown(name, java string) attribute {
	return destAttr(name, java, func(*view, *broker.Destination) any { return nil })
}

func fixed(name, java string, value any) attribute {
	return destAttr(name, java, func(*view, *broker.Destination) any { return value })
}

func destinationAttributes() []attribute {
	return []attribute{
		destAttr("AlwaysRetroactive", javaBoolean, func(_ *view, d *broker.Destination) any { return d.Policy().AlwaysRetroactive }),
		destAttr("AverageBlockedTime", javaDouble, func(v *view, d *broker.Destination) any {
			c := v.counts(d)
			return float(float64(c.blockedMillis) / float64(max(c.blocked, 1)))
		}),
		unknown("AverageEnqueueTime", javaDouble),
		destAttr("AverageMessageSize", javaLong, func(v *view, d *broker.Destination) any {
			g := v.gauges(d)
			return g.bytes / max(g.entries, 1)
		}),
		destAttr("BlockedProducerWarningInterval", javaLong, func(_ *view, d *broker.Destination) any { return d.Policy().Warning.Milliseconds() }),
		destAttr("BlockedSends", javaLong, func(v *view, d *broker.Destination) any { return v.counts(d).blocked }),
		destAttr("ConsumerCount", javaLong, func(_ *view, d *broker.Destination) any { return d.Consumers() }),
		destAttr("DLQ", javaBoolean, func(v *view, d *broker.Destination) any { return v.isDLQ(d) }),
		destAttr("DequeueCount", javaLong, func(v *view, d *broker.Destination) any { return v.counts(d).dequeued }),
		destAttr("DispatchCount", javaLong, func(v *view, d *broker.Destination) any { return v.counts(d).dispatched }),
		destAttr("DuplicateFromStoreCount", javaLong, func(_ *view, d *broker.Destination) any { return d.Duplicates() }),
		destAttr("EnqueueCount", javaLong, func(v *view, d *broker.Destination) any { return v.counts(d).enqueued }),
		destAttr("ExpiredCount", javaLong, func(v *view, d *broker.Destination) any { return v.counts(d).expired }),
		fixed("ForwardCount", javaLong, 0), // to other brokers: there is no network of them
		destAttr("InFlightCount", javaLong, func(v *view, d *broker.Destination) any { return v.gauges(d).inFlight }),
		unknown("MaxEnqueueTime", javaLong),
		unknown("MaxMessageSize", javaLong),
		destAttr("MemoryLimit", javaLong, func(v *view, d *broker.Destination) any { return memoryLimit(v, d) }),
		destAttr("MemoryPercentUsage", javaInt, func(v *view, d *broker.Destination) any { return percent(v.gauges(d).bytes, memoryLimit(v, d)) }),
		destAttr("MemoryUsageByteCount", javaLong, func(v *view, d *broker.Destination) any { return v.gauges(d).bytes }),
		fixed("MemoryUsagePortion", javaFloat, float(1)),
		unknown("MinEnqueueTime", javaLong),
		unknown("MinMessageSize", javaLong),
		destAttr("Name", javaString, func(_ *view, d *broker.Destination) any { return d.Address.Name }),
		fixed("Options", javaString, ""),
		destAttr("PrioritizedMessages", javaBoolean, func(_ *view, d *broker.Destination) any { return d.Policy().Prioritized }),
		destAttr("ProducerCount", javaLong, func(_ *view, d *broker.Destination) any { return d.Producers() }),
		destAttr("ProducerFlowControl", javaBoolean, func(_ *view, d *broker.Destination) any { return d.Policy().FlowControl }),
		destAttr("QueueSize", javaLong, func(v *view, d *broker.Destination) any { return v.gauges(d).entries }),
		fixed("SlowConsumerStrategy", javaName, nil),
		destAttr("StoreMessageSize", javaLong, func(v *view, d *broker.Destination) any {
			if d.Address.Kind.IsTemp() {
				return int64(0)
			}
			return v.gauges(d).bytes
		}),
		destAttr("Subscriptions", javaNames, func(v *view, d *broker.Destination) any {
			return v.references(v.consumers().by[d.Address], nil)
		}),
		destAttr("TempUsageLimit", javaLong, func(v *view, _ *broker.Destination) any { return v.b.Limits.Temp }),
		destAttr("TempUsagePercentUsage", javaInt, func(v *view, _ *broker.Destination) any {
			u := v.usage()
			return percent(u.Temp, u.TempLimit)
		}),
		destAttr("TotalBlockedTime", javaLong, func(v *view, d *broker.Destination) any { return v.counts(d).blockedMillis }),
	}
}

func queueClass() *class {
	c := &class{java: "org.apache.activemq.broker.jmx.QueueView", about: "A queue", operations: queueOperations()}
	c.attributes = append(destinationAttributes(),
		destAttr("CursorFull", javaBoolean, func(_ *view, d *broker.Destination) any { return d.Queue().Overflowing() }),
		destAttr("CursorMemoryUsage", javaLong, func(v *view, d *broker.Destination) any { return v.gauges(d).bytes }),
		destAttr("CursorPercentUsage", javaInt, func(v *view, d *broker.Destination) any { return percent(v.gauges(d).bytes, memoryLimit(v, d)) }),
		destAttr("Paused", javaBoolean, func(_ *view, d *broker.Destination) any { return d.Queue().Paused() }),
	)
	c.sort()
	return c
}

func topicClass() *class {
	c := &class{java: "org.apache.activemq.broker.jmx.TopicView", about: "A topic", attributes: destinationAttributes(), operations: topicOperations()}
	c.sort()
	return c
}

func (c *class) sort() {
	sort.Slice(c.attributes, func(i, j int) bool { return c.attributes[i].name < c.attributes[j].name })
}

// queueCounters returns the figures of a queue; nil for a topic.
func queueCounters(d *broker.Destination) *queue.Counters {
	if d.Queue() == nil {
		return nil
	}
	return d.Queue().Counters()
}

// float is a floating-point number, which Java writes with a fraction always.
type float float64

// MarshalJSON implements json.Marshaler.
func (f float) MarshalJSON() ([]byte, error) {
	if f == float(math.Trunc(float64(f))) && math.Abs(float64(f)) < 1e15 {
		return fmt.Appendf(nil, "%.1f", float64(f)), nil
	}
	return fmt.Appendf(nil, "%g", float64(f)), nil
}
