package jolokia

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
)

// consumer is a subscription to one destination, as an object.
type consumer struct {
	name    name
	to      address.Address
	sub     *broker.Subscription // nil: nobody is there
	durable *broker.DurableInfo  // nil: it ends with its consumer
}

// consumers are the subscriptions of all destinations.
type consumers struct {
	all []*consumer
	by  map[address.Address][]*consumer
}

// consumers returns all subscriptions, durable ones without a consumer among them.
func (v *view) consumers() *consumers {
	if v.subs != nil {
		return v.subs
	}
	s := &consumers{by: make(map[address.Address][]*consumer)}
	type identity struct{ client, name string }
	members := make(map[identity]*broker.Subscription)
	v.b.Subscriptions(func(sub *broker.Subscription) {
		o := sub.Options()
		if o.Name != "" {
			client := o.Client
			if client == "" {
				client = sub.Connection().ClientID()
			}
			if o.Shared {
				client = ""
			}
			members[identity{client, o.Name}] = sub
			return
		}
		id := sub.Connection().ID() + ":-1:" + strconv.FormatUint(sub.Number(), 10)
		for _, a := range o.Addresses {
			s.add(v, &consumer{to: a, sub: sub}, sub.Connection().ClientID(), id)
		}
	})
	durables := v.b.Durables()
	for i := range durables {
		d := &durables[i]
		client := d.Client
		if d.Shared {
			client = ""
		}
		s.add(v, &consumer{to: d.Address, sub: members[identity{client, d.Name}], durable: d}, d.Client, "Durable("+d.Client+"_"+d.Name+")")
	}
	slices.SortFunc(s.all, func(x, y *consumer) int {
		return cmp.Or(cmp.Compare(x.to.Kind, y.to.Kind), cmp.Compare(x.to.Name, y.to.Name), cmp.Compare(x.id(), y.id()))
	})
	v.subs = s
	return s
}

func (s *consumers) add(v *view, c *consumer, client, id string) {
	c.name = v.brokerName("destinationType", kindName(c.to.Kind), "destinationName", c.to.Name, "endpoint", "Consumer", "clientId", client, "consumerId", id)
	s.all = append(s.all, c)
	s.by[c.to] = append(s.by[c.to], c)
}

func (c *consumer) id() string { return c.name.get("consumerId") }

// references names consumers that fn selects; nil: all.
func (v *view) references(list []*consumer, fn func(*consumer) bool) []reference {
	out := []reference{}
	for _, c := range list {
		if (fn == nil || fn(c)) && v.spend(1) {
			out = append(out, reference{c.name.canonical()})
		}
	}
	return out
}

func (c *consumer) unsettled() int64 {
	switch {
	case c.sub != nil:
		return int64(c.sub.Unsettled())
	case c.durable != nil:
		return c.durable.Counters.InFlight.Load()
	}
	return 0
}

func (c *consumer) dispatched() int64 {
	if c.durable != nil {
		return c.durable.Counters.Dispatched.Load()
	}
	_, last := c.sub.Credit()
	return int64(last)
}

func (c *consumer) dequeued() int64 {
	if c.durable != nil {
		return c.durable.Counters.Dequeued.Load()
	}
	return max(c.dispatched()-c.unsettled(), 0)
}

// waiting returns how many messages the consumer is to get yet: of a queue's consumer none, as
// they wait for all of them.
func (c *consumer) waiting() int64 {
	switch {
	case c.durable != nil:
		return max(c.durable.Counters.Entries.Load()-c.durable.Counters.InFlight.Load(), 0)
	case c.to.Kind.IsQueue():
		return 0
	}
	return c.sub.Waiting()
}

// slow reports whether messages wait that the consumer has no credit for.
func (c *consumer) slow(v *view) bool {
	if c.sub == nil {
		return false
	}
	limit, last := c.sub.Credit()
	if last < limit || c.sub.Unsettled() == 0 {
		return false
	}
	if d := v.b.Lookup(c.to); c.to.Kind.IsQueue() && d != nil {
		n := d.Queue().Counters()
		return n.Entries.Load() > n.InFlight.Load()
	}
	return c.waiting() > 0
}

// option returns something of the subscription's options, or a zero value where nobody is there.
func option[T any](get func(o *broker.SubscribeOptions) T) func(*view, *consumer) any {
	return func(_ *view, c *consumer) any {
		var o broker.SubscribeOptions
		if c.sub != nil {
			o = c.sub.Options()
		}
		return get(&o)
	}
}

func (c *consumer) selector() any {
	text := ""
	if c.durable != nil {
		text = c.durable.Selector
	} else if c.sub != nil {
		text = c.sub.Options().Selector
	}
	return textOrNull(text)
}

func textOrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (c *consumer) client() string {
	if c.durable != nil {
		return c.durable.Client
	}
	return c.sub.Connection().ClientID()
}

func consumerClass(durable bool) *class {
	c := &class{java: "org.apache.activemq.broker.jmx.SubscriptionView", about: "A consumer of a destination"}
	is := func(name string, value bool) attribute {
		return attr(name, javaBoolean, func(*view, *consumer) any { return value })
	}
	c.attributes = []attribute{
		attr("Active", javaBoolean, func(_ *view, c *consumer) any { return c.durable == nil || c.durable.Active > 0 }),
		attr("ClientId", javaString, func(_ *view, c *consumer) any { return c.client() }),
		attr("Connection", javaName, func(v *view, c *consumer) any {
			if c.sub == nil {
				return nil
			}
			n := v.connectionNames(c.sub.Connection())[0]
			return reference{n.canonical()}
		}),
		attr("ConnectionId", javaString, func(_ *view, c *consumer) any {
			if c.sub == nil {
				return "OFFLINE"
			}
			return c.sub.Connection().ID()
		}),
		attr("ConsumedCount", javaLong, func(_ *view, c *consumer) any { return c.dequeued() }),
		attr("DequeueCounter", javaLong, func(_ *view, c *consumer) any { return c.dequeued() }),
		attr("DestinationName", javaString, func(_ *view, c *consumer) any { return c.to.Name }),
		attr("DestinationQueue", javaBoolean, func(_ *view, c *consumer) any { return c.to.Kind == address.Queue }),
		attr("DestinationTemporary", javaBoolean, func(_ *view, c *consumer) any { return c.to.Kind.IsTemp() }),
		attr("DestinationTopic", javaBoolean, func(_ *view, c *consumer) any { return c.to.Kind == address.Topic }),
		is("DispatchAsync", true),
		attr("DispatchedCounter", javaLong, func(_ *view, c *consumer) any { return c.dispatched() }),
		attr("DispatchedQueueSize", javaInt, func(_ *view, c *consumer) any { return c.unsettled() }),
		is("Durable", durable),
		attr("EnqueueCounter", javaLong, func(_ *view, c *consumer) any {
			if c.durable != nil {
				return c.durable.Counters.Enqueued.Load()
			}
			return c.dispatched() + c.waiting()
		}),
		attr("Exclusive", javaBoolean, option(func(o *broker.SubscribeOptions) bool { return o.Exclusive })),
		attr("MaximumPendingMessageLimit", javaInt, option(func(o *broker.SubscribeOptions) int { return o.MaxPending })),
		attr("MessageCountAwaitingAcknowledge", javaInt, func(_ *view, c *consumer) any { return c.unsettled() }),
		is("Network", false),
		attr("NoLocal", javaBoolean, option(func(o *broker.SubscribeOptions) bool { return o.NoLocal })),
		attr("PendingQueueSize", javaInt, func(_ *view, c *consumer) any { return c.waiting() }),
		attr("PrefetchSize", javaInt, option(func(o *broker.SubscribeOptions) int { return o.Prefetch })),
		attr("Priority", javaByte, option(func(o *broker.SubscribeOptions) int { return o.Priority })),
		attr("Retroactive", javaBoolean, option(func(o *broker.SubscribeOptions) bool { return o.Retroactive })),
		attr("Selector", javaString, func(_ *view, c *consumer) any { return c.selector() }),
		attr("SessionId", javaLong, func(*view, *consumer) any { return -1 }),
		attr("SlowConsumer", javaBoolean, func(v *view, c *consumer) any { return c.slow(v) }),
		attr("SubscriptionId", javaLong, func(_ *view, c *consumer) any {
			if c.sub == nil {
				return -1
			}
			return c.sub.Number()
		}),
		attr("SubscriptionName", javaString, func(_ *view, c *consumer) any {
			if c.durable == nil {
				return nil
			}
			return c.durable.Name
		}),
		attr("UserName", javaString, func(_ *view, c *consumer) any {
			if c.sub == nil {
				return nil
			}
			return textOrNull(c.sub.Connection().User())
		}),
	}
	if durable {
		c.java = "org.apache.activemq.broker.jmx.DurableSubscriptionView"
		c.operations = []operation{op("destroy", nil, javaVoid, func(v *view, c *consumer, _ arguments) (any, error) {
			return nil, v.destroyDurable(c.durable)
		})}
	}
	return c
}

// ofClient reports whether a durable subscription has an identity.
func (c *consumer) isDurable(client, name string) bool {
	return c.durable != nil && c.durable.Name == name && (c.durable.Client == client || c.durable.Shared && client == "")
}

// offline reports whether it is a durable subscription that nobody consumes from.
func (c *consumer) offline() bool { return c.durable != nil && c.durable.Active == 0 }

// advisory reports whether a destination is one of the broker's own announcements.
func advisory(a address.Address) bool { return strings.HasPrefix(a.Name, "ActiveMQ.Advisory.") }
