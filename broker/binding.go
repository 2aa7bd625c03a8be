package broker

import (
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
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
	to      holder
	plain   bool // nothing below says anything; see settle
	pattern string
	filter  queue.Filter    // nil: everything
	noLocal string          // client identifier whose own messages are left out
	temp    bool            // of a temporary topic, whose names are apart from those of others
	owner   *Connection     // who made it; nil for those that outlive connections
	as      address.Address // the destination that its queue sees, if not the topic

	idle func() bool // whether there is nobody to take what is not kept; nil: it does not matter

	// Of a session.
	session    *clientSession
	assurance  message.Assurance // the best
	identifier uint32            // 0: none
	published  bool              // messages keep the retain flag of their sender
	notes      *note.Set
	note       []byte // instead of one of notes
}

// settle notes whether the binding takes every message as it is, which makes a fan-out cheap. It is
// called once before the binding is in the table.
func (n *binding) settle() *binding {
	n.plain = n.filter == nil && n.noLocal == "" && !n.temp && n.as.IsZero() && n.idle == nil && n.session == nil && n.note == nil
	return n
}

// noteFor returns the note of a message's entry.
func (n *binding) noteFor(m *message.Message) []byte {
	if n.plain {
		return nil
	}
	if n.notes == nil {
		return n.note
	}
	return n.notes[note.Index(min(m.Assurance(), n.assurance), n.published && m.Flags&message.Retain != 0)]
}

// copyFor returns the message as the binding's queue sees it.
func (n *binding) copyFor(m *message.Message) *message.Message {
	c := *m
	c.Origin, c.Address = m.Address, n.as
	return &c
}

// wants reports whether a message goes to the binding's queue.
func (n *binding) wants(m *message.Message, from *Connection) bool {
	if n.plain && m.Address.Kind != address.TempTopic {
		return true
	}
	if n.temp != (m.Address.Kind == address.TempTopic) {
		return false
	}
	if n.noLocal != "" && from != nil && from.login.ClientID == n.noLocal {
		return false
	}
	if n.session != nil && !n.session.takes(n, m) || n.idle != nil && !m.Durable && n.idle() {
		return false
	}
	return n.filter == nil || n.filter.Matches(&message.View{Message: m})
}
