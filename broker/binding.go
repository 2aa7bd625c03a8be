package broker

import (
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/queue"
)

// holder is a queue with what the broker needs to know before it puts something on it.
type holder struct {
	queue   *queue.Queue
	durable bool         // durable messages are kept on disk for it
	dest    *Destination // whose policy and limits hold; nil for a topic subscriber's queue
}

// needsStore reports whether a message is appended to the queue's list: to keep it, or because
// the queue's memory is full.
func (h *holder) needsStore(m *message.Message) bool {
	return h.durable && m.Durable || h.queue.Overflowing()
}

// binding leads messages of the topics that match a pattern to a queue.
type binding struct {
	pattern string
	to      holder
	filter  queue.Filter // nil: everything
	noLocal string       // client identifier whose own messages are left out
	temp    bool         // of a temporary topic, whose names are apart from those of others
	owner   *Connection  // who made it; nil for those that outlive connections
	note    []byte
	as      address.Address // the destination that its queue sees, if not the topic
}

// copyFor returns the message as the binding's queue sees it.
func (n *binding) copyFor(m *message.Message) *message.Message {
	c := *m
	c.Origin, c.Address = m.Address, n.as
	return &c
}

// wants reports whether a message goes to the binding's queue.
func (n *binding) wants(m *message.Message, from *Connection) bool {
	if n.temp != (m.Address.Kind == address.TempTopic) {
		return false
	}
	if n.noLocal != "" && from != nil && from.login.ClientID == n.noLocal {
		return false
	}
	return n.filter == nil || n.filter.Matches(&message.View{Message: m})
}
