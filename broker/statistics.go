package broker

import (
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// statisticsPrefix begins the names of the destinations that answer with figures: ActiveMQ's
// statisticsBrokerPlugin. What is sent to them comes back as map messages to its reply-to.
const statisticsPrefix = "ActiveMQ.Statistics."

const listEnd = "ActiveMQ.Statistics.Destination.List.End.With.Null"

func isStatistics(a address.Address) bool { return strings.HasPrefix(a.Name, statisticsPrefix) }

// statistics answers a request for figures. The token is confirmed with the answer.
func (c *Connection) statistics(to address.Address, m *message.Message, t Token) error {
	if m.ReplyTo.IsZero() {
		c.Confirm(t)
		return nil
	}
	c.Flush() // what was sent before is confirmed before
	if err := c.check(security.Write, m.ReplyTo); err != nil {
		return err
	}
	reply, err := c.b.resolve(c, "statistics", m.ReplyTo)
	if err != nil {
		return err
	}
	what := strings.TrimPrefix(to.Name, statisticsPrefix)
	u := &burst{batch: store.GetBatch()}
	answer := func(fields []message.Field) {
		a := &message.Message{Content: message.NewNative(nil, message.Payload{Kind: message.MapPayload, Value: message.OfMap(fields)})}
		a.Address, a.CorrelationID, a.Type = m.ReplyTo, m.CorrelationID, "Advisory"
		a.Priority, a.Timestamp = message.DefaultPriority, c.b.env.Now()
		a.ID = message.ID{Origin: "ID:" + c.b.Name + "-" + c.b.boot + "-statistics", Seq: uint64(c.b.store.NextID())}
		u.put(c.b, reply, a)
	}
	switch name, found := strings.CutPrefix(what, "Destination"); {
	case strings.HasPrefix(what, "Broker"):
		answer(c.b.brokerFigures())
	case strings.HasPrefix(what, "Subscription"):
		c.b.eachSubscription(func(s *Subscription) { answer(c.b.subscriptionFigures(s)) })
	case found:
		name = strings.TrimPrefix(name, ".")
		for _, d := range c.b.Destinations() {
			if d.Address.Kind.IsQueue() == to.Kind.IsQueue() && !d.Address.Kind.IsTemp() && address.Match(name, d.Address.Name) && !isStatistics(d.Address) {
				answer(c.b.destinationFigures(d))
			}
		}
		if _, end := m.Property(listEnd); end {
			answer(nil)
		}
	}
	u.batch.Done = func(sb *store.Batch, err error) {
		u.arrive(c.b, sb, err)
		store.PutBatch(sb)
		if t != 0 {
			c.handler.Confirmed(t, storeFault("statistics", err))
			c.b.done.touch(nil, c)
		}
	}
	c.b.store.Commit(u.batch)
	return nil
}

// eachSubscription calls fn for every subscription of every connection.
func (b *Broker) eachSubscription(fn func(*Subscription)) {
	var list []*Subscription
	b.Connections(func(c *Connection) {
		c.state.Lock()
		for s := range c.subs {
			list = append(list, s)
		}
		c.state.Unlock()
	})
	for _, s := range list {
		fn(s)
	}
}

// figures is a list of fields under construction.
type figures []message.Field

func (f *figures) long(name string, v int64) {
	*f = append(*f, message.Field{Name: name, Value: message.OfLong(v)})
}

func (f *figures) percent(name string, part, whole int64) {
	p := int64(0)
	if whole > 0 {
		p = part * 100 / whole
	}
	*f = append(*f, message.Field{Name: name, Value: message.OfInt(int32(min(p, 100)))})
}

func (f *figures) text(name, v string) {
	*f = append(*f, message.Field{Name: name, Value: message.OfString(v)})
}

func (f *figures) flag(name string, v bool) {
	*f = append(*f, message.Field{Name: name, Value: message.OfBool(v)})
}

// counts adds what brokers and destinations have in common.
func (f *figures) counts(entries, bytes, inFlight, enqueued, dequeued, dispatched, expired, consumers, producers int64) {
	f.long("size", entries)
	f.long("enqueueCount", enqueued)
	f.long("dequeueCount", dequeued)
	f.long("dispatchCount", dispatched)
	f.long("expiredCount", expired)
	f.long("inflightCount", inFlight)
	f.long("messagesCached", 0)
	f.long("consumerCount", consumers)
	f.long("producerCount", producers)
	average := int64(0)
	if entries > 0 {
		average = bytes / entries
	}
	f.long("averageMessageSize", average)
	for _, name := range [...]string{"averageEnqueueTime", "minEnqueueTime", "maxEnqueueTime"} {
		*f = append(*f, message.Field{Name: name, Value: message.OfDouble(0)})
	}
}

func (b *Broker) brokerFigures() []message.Field {
	var f figures
	var entries, bytes, inFlight, enqueued, dequeued, dispatched, consumers, producers int64
	for _, d := range b.Destinations() {
		producers += d.Producers()
		consumers += int64(d.Consumers())
		if d.queue == nil {
			continue
		}
		n := d.queue.Counters()
		entries += n.Entries.Load()
		bytes += n.Bytes.Load()
		inFlight += n.InFlight.Load()
		enqueued += n.Enqueued.Load()
		dequeued += n.Dequeued.Load()
		dispatched += n.Dispatched.Load()
	}
	use := b.Usage()
	f.text("brokerName", b.Name)
	f.text("brokerId", b.id())
	f.text("vm", "vm://"+b.Name)
	f.text("dataDirectory", b.store.Info().Path)
	for _, name := range [...]string{"openwire", "stomp", "ssl", "stomp+ssl"} {
		url := ""
		if b.Connectors != nil {
			url = b.Connectors()[name]
		}
		f.text(name, url)
	}
	f.counts(entries, bytes, inFlight, enqueued, dequeued, dispatched, b.total.Expired.Load(), consumers, producers)
	f.long("memoryUsage", use.Memory)
	f.long("memoryLimit", b.Limits.Memory)
	f.percent("memoryPercentUsage", use.Memory, b.Limits.Memory)
	f.long("storeUsage", b.store.Stats().DiskUsed)
	f.long("storeLimit", b.Limits.Store)
	f.percent("storePercentUsage", b.store.Stats().DiskUsed, b.Limits.Store)
	f.long("tempUsage", use.Temp)
	f.long("tempLimit", b.Limits.Temp)
	f.percent("tempPercentUsage", use.Temp, b.Limits.Temp)
	return f
}

func (b *Broker) destinationFigures(d *Destination) []message.Field {
	var f figures
	f.text("brokerName", b.Name)
	f.text("brokerId", b.id())
	f.text("destinationName", d.Address.String())
	limit := d.Policy().Limits.Memory
	if limit == 0 {
		limit = b.Limits.Memory
	}
	n := new(queue.Counters)
	if d.queue != nil {
		n = d.queue.Counters()
	} else {
		n.Enqueued.Store(d.Published())
	}
	f.counts(n.Entries.Load(), n.Bytes.Load(), n.InFlight.Load(), n.Enqueued.Load(), n.Dequeued.Load(), n.Dispatched.Load(),
		n.Expired.Load(), int64(d.Consumers()), d.Producers())
	f.long("memoryUsage", n.Bytes.Load())
	f.long("memoryLimit", limit)
	f.percent("memoryPercentUsage", n.Bytes.Load(), limit)
	return f
}

func (b *Broker) subscriptionFigures(s *Subscription) []message.Field {
	var f figures
	f.text("brokerName", b.Name)
	f.text("brokerId", b.id())
	names := make([]string, len(s.o.Addresses))
	for i, a := range s.o.Addresses {
		names[i] = a.String()
	}
	f.text("destinationName", strings.Join(names, ","))
	f.text("clientId", s.c.ClientID())
	f.text("connectionId", s.c.ID())
	f.text("selector", s.o.Selector)
	f.text("subscriptionName", s.o.Name)
	_, last := s.Credit()
	f.flag("exclusive", s.o.Exclusive)
	f.long("dispatchedCounter", int64(last))
	f.long("dispatchedQueueSize", int64(s.Unsettled()))
	f.long("dequeueCounter", int64(last)-int64(s.Unsettled()))
	f.long("maximumPendingMessageLimit", int64(s.o.MaxPending))
	return f
}

// id identifies this start of the broker.
func (b *Broker) id() string { return "ID:" + b.Name + "-" + b.boot }
