package openwire

import (
	"context"
	"strconv"
	"time"

	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// pull serves MessagePull: one delivery, at once, within a time, or whenever there is one.
func (c *connection) pull(ctx context.Context, cmd *wire.MessagePull) error {
	id := cmd.ConsumerID
	if id == nil {
		return &exception{class: jmsException, text: "A pull needs a consumer"}
	}
	s := c.consumers[consumerKey{id.SessionID, id.Value}]
	if s == nil || id.ConnectionID.View() != c.id || s.prefetch > 0 || s.browser {
		c.respond(cmd.Head())
		return nil
	}
	s.settleAcks()
	if c.sent {
		c.catchUp(ctx, c.core) // it may be for what the client has just sent
	}
	s.pullMu.Lock()
	s.pulls++
	pull := s.pulls
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	_, last := s.Credit()
	s.expected.Store(last + 1)
	s.Limit(last + 1)
	switch {
	case cmd.Timeout < 0:
		s.Drain()
	case cmd.Timeout > 0:
		s.timer = time.AfterFunc(time.Duration(min(cmd.Timeout, 1<<40))*time.Millisecond, func() {
			s.pullMu.Lock()
			defer s.pullMu.Unlock()
			if s.pulls == pull {
				s.Drain()
			}
		})
	}
	s.pullMu.Unlock()
	c.respond(cmd.Head())
	return nil
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
