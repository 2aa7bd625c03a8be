package openwire

import (
	"context"

	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Values of lastDeliveredSequenceId that are no identifiers.
const (
	nothingDelivered = -1
	unknownDelivered = -2
)

// remove serves RemoveInfo.
func (c *connection) remove(ctx context.Context, cmd *wire.RemoveInfo) error {
	last := cmd.LastDeliveredSequenceID
	if c.format.Version < 5 {
		last = unknownDelivered
	}
	switch id := cmd.ObjectID.(type) {
	case *wire.ConsumerID:
		k := consumerKey{id.SessionID, id.Value}
		s := c.consumers[k]
		if s == nil || id.ConnectionID.View() != c.id {
			return &exception{class: illegalState, text: "Cannot remove a consumer that had not been registered: " + consumerText(id)}
		}
		c.removeConsumer(k, s, last)
	case *wire.ProducerID:
		k := producerKey{id.SessionID, id.Value}
		p := c.producers[k]
		if p == nil || id.ConnectionID.View() != c.id {
			return &exception{class: illegalState, text: "Cannot remove a producer that had not been registered: " + producerText(id)}
		}
		delete(c.producers, k)
		c.closeProducer(p, true)
	case *wire.SessionID:
		if !c.sessions[id.Value] || id.ConnectionID.View() != c.id {
			return &exception{class: illegalState, text: "Cannot remove session that had not been registered: " + id.ConnectionID.String()}
		}
		if id.Value != implicitSession {
			delete(c.sessions, id.Value)
		}
		for k, s := range c.consumers {
			if k.session == id.Value {
				c.removeConsumer(k, s, last)
			}
		}
		for k, p := range c.producers {
			if k.session == id.Value {
				delete(c.producers, k)
				c.closeProducer(p, true)
			}
		}
	case *wire.ConnectionID:
		if id.Value.View() != c.id {
			return &exception{class: illegalState, text: "Cannot remove a connection that had not been registered: " + id.Value.String()}
		}
		c.leave(ctx, cmd.Head(), last)
		return nil
	default:
		return &exception{class: illegalState, text: "Cannot remove what is no connection, session, consumer or producer"}
	}
	c.respond(cmd.Head())
	return nil
}

// leave serves a client that takes its leave: whoever has the answer can use its client identifier
// again. The socket stays open for the client to close.
func (c *connection) leave(ctx context.Context, h *wire.Base, last int64) {
	c.leaving = true
	c.settleAcks()
	for k, s := range c.consumers {
		c.removeConsumer(k, s, last)
	}
	c.endCore(ctx)
	c.respond(h)
}

// removeConsumer ends a consumer of which the application has seen what was sent up to the entry
// with an identifier.
func (c *connection) removeConsumer(k consumerKey, s *consumer, last int64) {
	s.settleAcks()
	delete(c.consumers, k)
	s.finish(last)
}
