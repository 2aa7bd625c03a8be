package mqtt

import (
	"context"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// handle serves one packet. An error ends the connection.
func (c *connection) handle(ctx context.Context, p *packet.Packet) error {
	c.packets++
	if isAnswered(p) && c.owed.Add(1) > maxOwed {
		return &packet.Error{Reason: packet.QuotaExceeded, Text: "too many answers are not read"}
	}
	switch p.Type {
	case packet.Publish:
		return c.publish(ctx, p)
	case packet.Puback:
		return c.acknowledged(p, 1)
	case packet.Pubrec:
		return c.received(p)
	case packet.Pubrel:
		return c.release(ctx, p)
	case packet.Pubcomp:
		return c.acknowledged(p, 2)
	case packet.Subscribe:
		return c.subscribe(p)
	case packet.Unsubscribe:
		return c.unsubscribe(p)
	case packet.Pingreq: // [MQTT-3.12.4-1]
		c.out.Raw(packet.AppendPing(nil, packet.Pingresp))
		return nil
	case packet.Disconnect:
		return c.disconnect(p)
	case packet.Auth: // no authentication method was agreed on [MQTT-4.12.0-7] [MQTT-4.12.1-2]
		return &packet.Error{Reason: packet.ProtocolError, Text: "AUTH without an authentication method"}
	}
	return &packet.Error{Reason: packet.ProtocolError, Text: p.Type.String() + " is not for clients to send"}
}

// isAnswered reports whether the client gets a packet in return.
func isAnswered(p *packet.Packet) bool {
	switch p.Type {
	case packet.Publish:
		return p.QoS > 0
	case packet.Pubrec, packet.Pubrel, packet.Subscribe, packet.Unsubscribe, packet.Pingreq:
		return true
	}
	return false
}

// acknowledged serves PUBACK and PUBCOMP: the message with that QoS is the client's. Identifiers
// that stand for nothing are ignored: the client may answer what an earlier connection sent.
func (c *connection) acknowledged(p *packet.Packet, qos byte) error {
	f, ok := c.ids.find(p.ID)
	switch {
	case !ok:
		return nil
	case f.qos != qos || qos == 2 && !f.released:
		return &packet.Error{Reason: packet.ProtocolError, Text: p.Type.String() + " that does not follow from what was sent"}
	}
	c.ids.free(p.ID)
	if p.Reason.Failed() && qos == 1 {
		return c.reject(f, p)
	}
	c.settle(f)
	return nil
}

// settle ends a delivery, whose identifier is free [MQTT-4.3.2-3] [MQTT-4.3.3-3], at the end of the burst together with those around it.
func (c *connection) settle(f flow) {
	if a := &c.acked; a.last != 0 && f.number == a.last+1 && f.credit == a.credit {
		a.last = f.number
		return
	}
	c.settleAcked()
	c.acked = numbers{f.number, f.number, f.credit}
}

// settleAcked settles what settle has gathered, and lets as many new messages come.
func (c *connection) settleAcked() {
	a := c.acked
	if a.last == 0 {
		return
	}
	c.acked = numbers{}
	n, _ := c.sub.Settle(a.first, a.last, broker.Outcome{}, nil, 0)
	if a.credit {
		c.sub.Extend(uint64(n))
	}
}

// reject ends a delivery that the client does not take [MQTT-4.4.0-2]. It goes where rejected
// messages go, and to nobody else [MQTT-4.8.2-6].
func (c *connection) reject(f flow, p *packet.Packet) error {
	c.settleAcked()
	cause := "the subscriber answered: " + p.Reason.String()
	n, err := c.sub.Settle(f.number, f.number, broker.Outcome{Kind: broker.Rejected, Cause: cause}, nil, 0)
	if f.credit {
		c.sub.Extend(uint64(n))
	}
	return err
}

// received serves PUBREC: from now on the message is not sent again, which is on disk before
// PUBREL goes out [MQTT-4.3.3-1] [MQTT-4.3.3-4] [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.3.3-7].
func (c *connection) received(p *packet.Packet) error {
	f, ok := c.ids.find(p.ID)
	switch {
	case !ok: // it must get an end all the same
		c.answer(packet.Pubrel, p.ID, packet.IDNotFound)
		return nil
	case f.qos != 2:
		return &packet.Error{Reason: packet.ProtocolError, Text: "PUBREC for a message of QoS 1"}
	case p.Reason.Failed():
		c.ids.free(p.ID)
		return c.reject(f, p)
	case f.released:
		c.answer(packet.Pubrel, p.ID, packet.Success)
		return nil
	}
	c.ids.release(p.ID)
	t := c.tokens.add(pending{answer: packet.Pubrel, id: p.ID})
	if err := c.sub.SetPhase(f.number, phaseReceived, t); err != nil {
		c.tokens.forget(t)
		c.answer(packet.Pubrel, p.ID, packet.Success) // it was settled otherwise meanwhile
	}
	return nil
}

// phaseReceived is the phase of a tracked delivery after PUBREC.
const phaseReceived = 1

// disconnect serves DISCONNECT: the end is in order, and the will is forgotten [MQTT-3.14.4-3]
// unless the client asks for it.
func (c *connection) disconnect(p *packet.Packet) error {
	if v, ok := p.Properties.Find(packet.SessionExpiry); ok {
		if v.Num > 0 && !c.expiring {
			return &packet.Error{Reason: packet.ProtocolError, Text: "the session has no end that could be put off"}
		}
		if err := c.session.SetExpiry(c.expiryOf(v.Num)); err != nil {
			return err
		}
	}
	if _, ok := p.Properties.Find(packet.ServerReference); ok {
		return &packet.Error{Reason: packet.ProtocolError, Text: "a server reference is not for clients to send"}
	}
	c.orderly = true // nothing is sent any more [MQTT-3.14.4-1] [MQTT-3.14.4-2]
	c.withWill = p.Reason != packet.Success
	c.leaving = true
	return nil
}

// end closes what is left of the connection.
func (c *connection) end(ctx context.Context) {
	if c.core != nil {
		if c.session != nil {
			c.settleAcked()
			c.core.Flush()
			if c.orderly {
				c.session.Close(c.withWill)
			}
		}
		c.core.Close()
	}
	c.yielding.finish()
	if !c.leaving {
		_ = c.net.Close()
		return
	}
	c.out.Closed(c.reason)
	c.out.Wake()
	timer := time.NewTimer(partingTime)
	defer timer.Stop()
	select {
	case <-c.out.Done():
		_ = c.net.CloseGently()
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	_ = c.net.Close()
}

// partingTime is how long a client that does not read may hold up the end of its connection.
const partingTime = 5 * time.Second
