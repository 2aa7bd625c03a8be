package broker

import (
	"strings"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
)

// VirtualTopic is a rule by which queues get what is sent to a topic: those whose name is the
// prefix, in which * stands for any level, and then the topic's name.
type VirtualTopic struct {
	Match  string // pattern of the topics' names
	Prefix string // with its last dot
	// SelectorAware leaves out what no consumer of the queue would get: it has only consumers with
	// selectors that refuse it, or none.
	SelectorAware bool
}

// DefaultVirtualTopics returns ActiveMQ's rule: a message to topic VirtualTopic.X is copied to
// each queue named Consumer.*.VirtualTopic.X.
func DefaultVirtualTopics() []VirtualTopic {
	return []VirtualTopic{{Match: "VirtualTopic.>", Prefix: "Consumer.*."}}
}

// topicOf returns the name, or the pattern, of the topics whose messages a queue gets.
func (v *VirtualTopic) topicOf(queue string) (string, bool) {
	levels := strings.Count(v.Prefix, ".")
	at := 0
	for range levels {
		i := strings.IndexByte(queue[at:], '.')
		if i < 0 {
			return "", false
		}
		at += i + 1
	}
	topic := queue[at:]
	if topic == "" || !address.Match(strings.TrimSuffix(v.Prefix, "."), strings.TrimSuffix(queue[:at], ".")) {
		return "", false
	}
	return topic, address.Match(v.Match, topic)
}

// bindVirtual binds a queue to the virtual topics that its name stands for.
func (b *Broker) bindVirtual(d *Destination) {
	if d.Address.Kind != address.Queue {
		return
	}
	for i := range b.Routing.VirtualTopics {
		topic, ok := b.Routing.VirtualTopics[i].topicOf(d.Address.Name)
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
