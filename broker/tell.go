package broker

import (
	"github.com/manifoldmq/manifold/broker/policy"
	"github.com/manifoldmq/manifold/broker/queue"
)

// later publishes an event from where locks are held, without them.
func (b *Broker) later(e Event) {
	if b.events.listeners.Load() != nil && !isAdvisory(e.Address) {
		b.told.Put(e)
	}
}

// tells returns what a queue is to tell of for a policy.
func tells(p *policy.Policy) (t queue.Tell) {
	for _, x := range [...]struct {
		advisory policy.Advisories
		tell     queue.Tell
	}{
		{policy.MessageDispatched, queue.TellDispatched}, {policy.MessageConsumed, queue.TellConsumed},
		{policy.MessageDiscarded, queue.TellDiscarded}, {policy.SlowConsumer, queue.TellSlow},
	} {
		if p.Advisories&x.advisory != 0 {
			t |= x.tell
		}
	}
	return t
}

// tell hears a queue, with locks held.
func (b *Broker) tell(x queue.Told) {
	e := Event{Address: x.Queue.Address, Message: x.Message, Consumer: x.Consumer, Count: x.Count}
	if x.Message != nil && e.Address.Kind.IsTopic() {
		e.Address = x.Message.Address // the queue's may be a pattern
	}
	switch x.What {
	case queue.TellDispatched:
		e.Kind = MessageDispatched
	case queue.TellConsumed:
		e.Kind = MessageConsumed
	case queue.TellDiscarded:
		e.Kind = MessageDiscarded
	case queue.TellSlow:
		e.Kind = ConsumerSlow
	}
	if x.Message != nil {
		e.Body = b.Policies.Lookup(e.Address).AdvisoryBody
	}
	b.later(e)
}

// overflowed ends entries that were the oldest on a queue that holds too many.
func (b *Broker) overflowed(list []queue.Taken) {
	for i := range list {
		k := &list[i]
		if p := b.policyOf(k); p.Advisories&policy.MessageDiscarded != 0 && p.Limits.Overflow == policy.DiscardOldest {
			b.later(Event{Kind: MessageDiscarded, Address: k.Queue.Address, Message: k.Entry.Msg, Body: p.AdvisoryBody, Count: k.Queue.Counters().Evicts.Load()})
		}
	}
	if len(list) > 0 && b.policyOf(&list[0]).Limits.Overflow == policy.DeadLetterOldest {
		b.deadLetter(list, "the queue holds more than its limits allow", nil, 0)
		return
	}
	b.end(list)
}
