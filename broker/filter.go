package broker

import (
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/selector"
)

// selectorFilter is the SQL selector as a filter of messages.
type selectorFilter struct{ *selector.Selector }

// Matches reports whether the selector is true for the message.
func (f selectorFilter) Matches(v *message.View) bool { return f.Selector.Matches(v) }
