package broker

import (
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
)

// Announce hands a message that the broker itself makes to those who are subscribed to its topic
// now. No destination is made for it, and nothing of it reaches the disk: a subscriber that is so
// far behind that its memory is used up misses it. It may be called with no lock held.
func (b *Broker) Announce(m *message.Message) {
	var buf [8]*queue.Queue
	touched := buf[:0]
	for _, n := range b.bindings.Match(m.Address.Name) {
		if n.to.queue.Overflowing() || !n.wants(m, nil) {
			continue
		}
		n.to.queue.Offer(b.announcement(m))
		touched = append(touched, n.to.queue)
	}
	for _, q := range touched {
		q.Kick()
	}
}

// Heard reports whether somebody is subscribed to a topic.
func (b *Broker) Heard(topic string) bool { return len(b.bindings.Match(topic)) > 0 }

// Announce hands a message to this subscription alone, as Broker.Announce does to all. It does
// nothing for a subscription that is not one to topics.
func (s *Subscription) Announce(m *message.Message) {
	s.mu.Lock()
	var q *queue.Queue
	if len(s.private) > 0 {
		q = s.private[0]
	}
	s.mu.Unlock()
	if q == nil || q.Overflowing() {
		return
	}
	q.Offer(s.c.b.announcement(m))
	q.Kick()
}

func (b *Broker) announcement(m *message.Message) queue.Entry {
	return queue.NewEntry(m, b.store.NextID())
}
