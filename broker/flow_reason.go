package broker

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
)

// shortage is why a send has to wait. The zero shortage: it has not.
type shortage struct {
	limit  string // of what: disk, store, memory, temp, scheduled or destination
	reason string
	wayOut string       // what ends it
	dest   *Destination // whose limit it is; nil: the broker's own
}

const byItself = "it passes by itself; a faster disk, or larger batches of sends, would prevent it"

// blocks returns why a message has to wait. Memory does not hold up what goes into a transaction:
// that would wait for itself when open transactions have filled it. They have limits of their own.
func (f *flow) blocks(p *Producer, m *message.Message, inTx bool) shortage {
	b := f.b
	switch {
	case f.diskLow.Load() && (m.Durable || b.env.Temp.Used() > 0):
		return shortage{limit: "disk", reason: "the disk is nearly full", wayOut: "consume or purge what queues hold, free disk space, or raise limits.store"}
	case f.pressure.Load() >= 3:
		return shortage{limit: "store", reason: "the store is behind", wayOut: byItself}
	case f.inflight.Load() >= maxInflight && m.Durable:
		return shortage{limit: "disk", reason: "the disk is behind", wayOut: byItself}
	case !inTx && b.env.Memory.Full():
		return shortage{limit: "memory", reason: "memory limit reached", wayOut: "consume or purge what queues hold, or raise limits.memory"}
	case !m.Durable && b.env.Temp.Full():
		return shortage{limit: "temp", reason: "temporary store limit reached", wayOut: "consume or purge queues with non-persistent messages, or raise limits.temp"}
	case m.Flags&message.Scheduled != 0 && b.scheduleFull(m):
		return shortage{limit: "scheduled", reason: "limit of scheduled messages reached", wayOut: "remove scheduled messages, or raise limits.scheduled_messages"}
	}
	for _, d := range p.targets {
		if s := d.full(); s.reason != "" {
			return s
		}
	}
	return shortage{}
}

// scheduleFull reports whether a message would have to wait for its time, and too many do.
func (b *Broker) scheduleFull(m *message.Message) bool {
	if b.Limits.Scheduled <= 0 || b.scheduler == nil || b.scheduler.Len() < int64(b.Limits.Scheduled) {
		return false
	}
	later, _ := b.isScheduled(m)
	return later
}

// full returns why producers for a destination have to wait.
func (d *Destination) full() shortage {
	p := d.Policy()
	l := &p.Limits
	if d.queue == nil || l.Memory == 0 && l.Messages == 0 {
		return shortage{}
	}
	switch l.Overflow {
	case policy.Block:
		if !p.FlowControl && !p.FailIfNoSpace {
			return shortage{}
		}
	case policy.Fail:
	default:
		return shortage{}
	}
	if !d.atLimit(l) {
		return shortage{}
	}
	d.queue.Await(below(l.Messages), below(l.Memory))
	n := d.queue.Counters() // looked at anew: what left meanwhile has called nobody
	switch {
	case l.Memory > 0 && n.Bytes.Load() >= l.Memory:
		return shortage{"destination", "memory limit reached on " + d.Address.String(), "consume, purge or move its messages, or raise limits.memory of its policy", d}
	case l.Messages > 0 && n.Entries.Load() >= l.Messages:
		return shortage{"destination", "message limit reached on " + d.Address.String(), "consume, purge or move its messages, or raise limits.messages of its policy", d}
	}
	return shortage{}
}

// below returns what has to be left of a limit for producers to go on.
func below(limit int64) int64 {
	if limit <= 0 {
		return math.MaxInt64
	}
	return limit - max(limit/10, 1)
}

// atLimit reports whether a queue holds as much as its limits allow, or more.
func (d *Destination) atLimit(l *policy.Limits) bool {
	if d.queue == nil {
		return false
	}
	n := d.queue.Counters()
	return l.Memory > 0 && n.Bytes.Load() >= l.Memory || l.Messages > 0 && n.Entries.Load() >= l.Messages
}

// failsFast reports whether a send fails that would have to wait.
func (p *Producer) failsFast(s *shortage) bool {
	if p.c.b.Limits.FailIfNoSpace || s.dest != nil && s.dest.Policy().Limits.Overflow == policy.Fail {
		return true
	}
	for _, d := range p.targets {
		if d.Policy().FailIfNoSpace {
			return true
		}
	}
	return false
}

// patience returns how long a send may wait before it fails; 0: without an end.
func (p *Producer) patience() time.Duration {
	after := p.c.b.Limits.FailAfter
	for _, d := range p.targets {
		if own := d.Policy().FailAfter; own > 0 && (after <= 0 || own < after) {
			after = own
		}
	}
	return after
}

func spaceFault(p *Producer, s *shortage) error {
	return fault.New(fault.StoreFull, "send", p.targets[0].Address.String(),
		"Usage Manager: %s. See http://activemq.apache.org/producer-flow-control.html for more info", s.reason)
}

// noSpaceLocked parks a send that finds no space, or refuses it. The caller holds c.mu.
func (c *Connection) noSpaceLocked(k *parked, s *shortage) error {
	for _, d := range k.p.targets {
		p := d.Policy()
		if p.Advisories&policy.Full != 0 && (s.dest == nil || s.dest == d) {
			c.b.later(Event{Kind: LimitReached, Address: d.Address, Text: s.reason})
		}
		if p.Advisories&policy.FastProducer != 0 && c.blockage.limit == "" {
			c.b.later(Event{Kind: ProducerFast, Address: d.Address, Client: c.login.ClientID, Producer: k.p, Text: s.reason})
		}
	}
	if k.p.failsFast(s) {
		return spaceFault(k.p, s)
	}
	c.blockLocked(k.p, s)
	return c.park(*k)
}

func (c *Connection) blockLocked(p *Producer, s *shortage) {
	if c.blockage.limit == "" {
		c.blockedAt = time.Now()
		c.handler.Blocked(s.reason)
		c.b.later(Event{Kind: ProducerBlocked, Client: c.login.ClientID, Text: s.reason})
		if d := p.targets[0]; d.warning.due(c.blockedAt, d.Policy().Warning) {
			c.b.Log.Warn("a producer waits", "client", c.login.ClientID, "destination", d.Address.String(), "reason", s.reason, "way out", s.wayOut)
		}
	}
	c.blockage = *s
	c.b.flow.wait(c)
}

// Blockage says why the sends of a connection wait.
type Blockage struct {
	Limit  string // what has run out: disk, store, memory, temp, scheduled or destination; "": they don't wait
	Reason string
	WayOut string // what lets them go on
	Since  time.Time
	To     address.Address // of the first send that waits
}

// Blockage returns why the connection's sends wait; a zero Limit if they don't.
func (c *Connection) Blockage() Blockage {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := Blockage{Limit: c.blockage.limit, Reason: c.blockage.reason, WayOut: c.blockage.wayOut, Since: c.blockedAt}
	for i := range c.parked {
		if p := c.parked[i].p; p != nil {
			x.To = p.targets[0].Address
			break
		}
	}
	return x
}

// pacer lets something happen so often.
type pacer struct{ last atomic.Int64 } // Unix nanoseconds

func (p *pacer) due(now time.Time, every time.Duration) bool {
	last := p.last.Load()
	return (last == 0 || now.UnixNano()-last >= int64(every)) && p.last.CompareAndSwap(last, now.UnixNano())
}
