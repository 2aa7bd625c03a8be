package broker

import (
	"slices"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/broker/recent"
)

// remembered is a message on its way that its topic is to remember.
type remembered struct {
	name   string
	msg    recent.Message
	limits recent.Limits
	turn   uint64
}

// remembers returns what a topic is to remember; the zero Limits for nothing.
func (d *Destination) remembers() recent.Limits {
	p := d.Policy()
	if d.Address.Kind != address.Topic || p == nil {
		return recent.Limits{} // without a policy it is in no table
	}
	return recoveryLimits(p)
}

func recoveryLimits(p *policy.Policy) recent.Limits {
	r := &p.Recovery
	return recent.Limits{Count: r.Count, Bytes: r.Bytes, Age: int64(r.Age / time.Millisecond)}
}

// remember adds a message that its topic is to remember, for the topic and for the bindings.
func (u *burst) remember(b *Broker, d *Destination, m *message.Message, l recent.Limits) {
	k := remembered{name: d.Address.Name, limits: l, msg: recent.Message{Msg: m}}
	if u.c != nil {
		k.msg.Publisher = u.c.login.ClientID
	}
	if d.keeps(m) {
		u.lockKept(b) // always before the other
	}
	k.turn = b.recent.Announce(func() { u.publish(b, d, m) })
	u.remembered = append(u.remembered, k)
}

// rememberAll lets topics remember the messages of a batch that is done.
func (b *Broker) rememberAll(list []remembered, err error) {
	now := b.env.Now()
	for i := range list {
		k := &list[i]
		if err != nil {
			b.recent.Forget()
			continue
		}
		late, bytes := b.recent.Add(k.name, k.msg, k.limits, k.turn, now)
		b.env.Memory.Add(bytes)
		for _, n := range late {
			b.handRecent(n, []recent.Message{k.msg})
		}
	}
}

// bindRetroactive is bind for a consumer that wants what its topics remember as well.
func (b *Broker) bindRetroactive(n *binding, retained bool) {
	limits := func(name string) recent.Limits {
		p := b.Policies.Lookup(address.Address{Kind: address.Topic, Name: name})
		return recoveryLimits(&p)
	}
	n.settle()
	if retained {
		b.retained.Lock()
		defer b.retained.Unlock()
	}
	b.recent.Bind(n.pattern, n, b.env.Now(), limits, func(list []recent.Message) {
		slices.SortStableFunc(list, func(x, y recent.Message) int { return int(x.Msg.Timestamp - y.Msg.Timestamp) })
		b.handRecent(n, list)
		if retained {
			b.handRetained(n, b.retained.Match(n.pattern))
		}
		b.bindings.Bind(n.pattern, n)
	})
}

// handRecent puts remembered messages on the queue of a consumer's binding, which is in memory.
func (b *Broker) handRecent(n *binding, list []recent.Message) {
	now := b.env.Now()
	for _, k := range list {
		if k.Msg.Expired(now) || n.noLocal != "" && n.noLocal == k.Publisher || n.temp ||
			n.filter != nil && !n.filter.Matches(&message.View{Message: k.Msg}) {
			continue
		}
		n.to.queue.Offer(queue.NewEntry(k.Msg, b.store.NextID()))
		b.done.touch(n.to.queue, nil)
	}
}

// trimRecent drops what is too old to be remembered.
func (b *Broker) trimRecent() {
	b.env.Memory.Add(b.recent.Trim(b.env.Now(), func(name string) recent.Limits {
		p := b.Policies.Lookup(address.Address{Kind: address.Topic, Name: name})
		return recoveryLimits(&p)
	}))
}
