package broker

import (
	"context"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/figures"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/store"
)

// statisticsPrefix begins the names of the destinations that answer with figures: ActiveMQ's
// statisticsBrokerPlugin. What is sent to them comes back as map messages to its reply-to.
const statisticsPrefix = "ActiveMQ.Statistics."

// The properties of requests that ask for more.
const (
	listEnd      = "ActiveMQ.Statistics.Destination.List.End.With.Null"
	withOldest   = "ActiveMQ.Statistics.Destination.Include.First.Message.Timestamp"
	resetFigures = "ActiveMQ.Statistics.Broker.Reset"
)

// counts are the figures of the broker that a request sets back.
type counts struct{ enqueued, dequeued, dispatched, expired int64 }

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
		_, reset := m.Property(resetFigures)
		answer(c.b.brokerFigures(reset || strings.EqualFold(what, "Broker.reset")))
	case strings.HasPrefix(what, "Subscription"):
		c.b.Subscriptions(func(s *Subscription) { answer(c.b.subscriptionFigures(s)) })
	case found:
		name = strings.TrimPrefix(name, ".")
		_, oldest := m.Property(withOldest)
		for _, d := range c.b.Destinations() {
			if d.Address.Kind.IsQueue() == to.Kind.IsQueue() && !d.Address.Kind.IsTemp() && address.Match(name, d.Address.Name) && !isStatistics(d.Address) {
				f := c.b.destinationFigures(d)
				if oldest {
					f = append(f, d.oldest()...)
				}
				answer(f)
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

// Subscriptions calls fn for every subscription of every connection, in no order.
func (b *Broker) Subscriptions(fn func(*Subscription)) {
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

// brokerFigures returns the broker's figures. With reset, those that only grow begin anew here; others
// who read them are not concerned.
func (b *Broker) brokerFigures(reset bool) []message.Field {
	var f figures.Figures
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
	b.figuresMu.Lock()
	now := counts{enqueued, dequeued, dispatched, b.total.Expired.Load()}
	if reset {
		b.figures = now
	}
	since := b.figures
	b.figuresMu.Unlock()
	use := b.Usage()
	f.Text("brokerName", b.Name)
	f.Text("brokerId", b.ID())
	f.Text("vm", "vm://"+b.Name)
	f.Text("dataDirectory", b.store.Info().Path)
	for _, name := range [...]string{"openwire", "stomp", "ssl", "stomp+ssl"} {
		url := ""
		if b.Connectors != nil {
			url = b.Connectors()[name]
		}
		f.Text(name, url)
	}
	f.Counts(entries, bytes, inFlight, max(now.enqueued-since.enqueued, 0), max(now.dequeued-since.dequeued, 0),
		max(now.dispatched-since.dispatched, 0), max(now.expired-since.expired, 0), consumers, producers)
	f.Long("memoryUsage", use.Memory)
	f.Long("memoryLimit", b.Limits.Memory)
	f.Percent("memoryPercentUsage", use.Memory, b.Limits.Memory)
	f.Long("storeUsage", b.store.Stats().DiskUsed)
	f.Long("storeLimit", b.Limits.Store)
	f.Percent("storePercentUsage", b.store.Stats().DiskUsed, b.Limits.Store)
	f.Long("tempUsage", use.Temp)
	f.Long("tempLimit", b.Limits.Temp)
	f.Percent("tempPercentUsage", use.Temp, b.Limits.Temp)
	return f
}

func (b *Broker) destinationFigures(d *Destination) []message.Field {
	var f figures.Figures
	f.Text("brokerName", b.Name)
	f.Text("brokerId", b.ID())
	f.Text("destinationName", d.Address.String())
	limit := d.Policy().Limits.Memory
	if limit == 0 {
		limit = b.Limits.Memory
	}
	n := new(queue.Counters)
	if d.queue != nil {
		n = d.queue.Counters()
	} else {
		n.Enqueued.Store(d.Published())
		for _, q := range d.holders() { // its subscriptions', as long as they are there
			of := q.Counters()
			n.InFlight.Add(of.InFlight.Load())
			n.Dequeued.Add(of.Dequeued.Load())
			n.Dispatched.Add(of.Dispatched.Load())
			n.Expired.Add(of.Expired.Load())
		}
	}
	f.Counts(n.Entries.Load(), n.Bytes.Load(), n.InFlight.Load(), n.Enqueued.Load(), n.Dequeued.Load(), n.Dispatched.Load(),
		n.Expired.Load(), int64(d.Consumers()), d.Producers())
	f.Long("memoryUsage", n.Bytes.Load())
	f.Long("memoryLimit", limit)
	f.Percent("memoryPercentUsage", n.Bytes.Load(), limit)
	return f
}

func (b *Broker) subscriptionFigures(s *Subscription) []message.Field {
	var f figures.Figures
	f.Text("brokerName", b.Name)
	f.Text("brokerId", b.ID())
	names := make([]string, len(s.o.Addresses))
	for i, a := range s.o.Addresses {
		names[i] = a.String()
	}
	f.Text("destinationName", strings.Join(names, ","))
	f.Text("clientId", s.c.ClientID())
	f.Text("connectionId", s.c.ID())
	f.Text("selector", s.o.Selector)
	f.Text("subscriptionName", s.o.Name)
	limit, last := s.Credit()
	waiting := int64(0)
	s.mu.Lock()
	for _, q := range s.private {
		waiting += q.Counters().Entries.Load() - q.Counters().InFlight.Load()
	}
	s.mu.Unlock()
	f.Flag("exclusive", s.o.Exclusive)
	f.Flag("retroactive", s.o.Retroactive)
	f.Flag("slowConsumer", s.o.Prefetch > 0 && last >= limit)
	f.Long("prefetchSize", int64(s.o.Prefetch))
	f.Long("enqueueCounter", int64(last)+max(waiting, 0))
	f.Long("dispatchedCounter", int64(last))
	f.Long("dispatchedQueueSize", int64(s.Unsettled()))
	f.Long("dequeueCounter", int64(last)-int64(s.Unsettled()))
	f.Long("maximumPendingMessageLimit", int64(s.o.MaxPending))
	return f
}

// oldest returns when the first of a queue's messages was sent, if it has any.
func (d *Destination) oldest() (list []message.Field) {
	if d.queue == nil || d.queue.Counters().Entries.Load() == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = d.b.Browse(ctx, d.Address, "", func(v queue.View) bool { // what can't be read has no first message
		list = []message.Field{{Name: "firstMessageTimestamp", Value: message.OfLong(v.Msg.Timestamp)}}
		return false
	})
	return list
}

// ID identifies this start of the broker.
func (b *Broker) ID() string { return "ID:" + b.Name + "-" + b.boot }
