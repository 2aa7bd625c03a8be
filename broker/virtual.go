package broker

import (
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
)

// bindVirtual binds a queue to the virtual topics that its name stands for.
func (b *Broker) bindVirtual(d *Destination) {
	if d.Address.Kind != address.Queue {
		return
	}
	for i := range b.Routing.VirtualTopics {
		topic, ok := b.Routing.VirtualTopics[i].TopicOf(d.Address.Name)
		if !ok {
			continue
		}
		n := &binding{pattern: topic, to: d.holder(), as: d.Address}
		if b.Routing.VirtualTopics[i].SelectorAware {
			n.filter = wantedBy{d.queue}
		}
		d.virtual = append(d.virtual, n)
		b.bindings.Bind(topic, n)
	}
}

func (b *Broker) unbindVirtual(d *Destination) {
	for _, n := range d.virtual {
		b.bindings.Unbind(n.pattern, n)
	}
}

// wantedBy lets through what some consumer of a queue wants.
type wantedBy struct{ q *queue.Queue }

// Matches implements queue.Filter.
func (w wantedBy) Matches(v *message.View) bool { return w.q.Wanted(v) }
