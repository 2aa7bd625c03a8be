package broker

import (
	"time"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/policy"
)

// adjust makes of a message what a destination's policy asks for, before anybody else has it:
// ActiveMQ's timeStampingBrokerPlugin and forcePersistencyModeBroker, per destination.
func (d *Destination) adjust(m *message.Message) {
	s := &d.Policy().Sending
	if *s == (policy.Sending{}) {
		return
	}
	switch s.Mode {
	case policy.Persistent:
		m.Durable = true
	case policy.NonPersistent:
		m.Durable = false
	}
	now := d.b.env.Now()
	if s.Stamp {
		if m.Expiry > 0 && m.Timestamp > 0 {
			m.Expiry = now + max(m.Expiry-m.Timestamp, 1)
		}
		m.Timestamp = now
	}
	if m.Expiry == 0 && s.DefaultTTL > 0 {
		m.Expiry = now + int64(s.DefaultTTL/time.Millisecond)
	}
	if latest := now + int64(s.MaxTTL/time.Millisecond); s.MaxTTL > 0 && (m.Expiry == 0 || m.Expiry > latest) {
		m.Expiry = latest
	}
}
