package client

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/manifoldmq/manifold/protocols/amqp/frame"
	"github.com/manifoldmq/manifold/protocols/amqp/section"
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

func (c *amqpClient) transfer(f wire.Fields, payload []byte) error {
	t, err := frame.ParseTransfer(f)
	if err != nil {
		return err
	}
	c.nextIncoming++
	l := c.links[t.Handle]
	if l == nil || !l.receiver {
		return fmt.Errorf("a transfer on handle %d", t.Handle)
	}
	if l.partial == nil {
		l.first = frame.Transfer{DeliveryID: t.DeliveryID}
	}
	l.partial = append(l.partial, payload...)
	if t.More {
		return nil
	}
	octets := l.partial
	l.partial = nil
	layout, err := section.Scan(octets)
	if err != nil {
		return fmt.Errorf("delivery %d: %w", l.first.DeliveryID, err)
	}
	header, err := section.ParseHeader(layout.Header.Of(octets))
	if err != nil {
		return err
	}
	d := &Delivery{Subscription: l.id, Handle: strconv.FormatUint(uint64(l.first.DeliveryID), 10), Redelivered: !header.FirstAcquirer || header.DeliveryCount > 0}
	if v, ok := section.Find(layout.Application.Of(octets), "torture"); ok {
		d.Label = string(v.Data)
	}
	err = section.Parts(layout.Body.Of(octets), func(_ uint8, value []byte) bool {
		v, _, _ := wire.Parse(value)
		d.Body = append(d.Body, v.Data...)
		return true
	})
	l.count++
	l.credit--
	switch l.held++; {
	case l.mode == Auto:
		l.held = 0
		if l.credit < l.prefetch/2 {
			c.grant(l)
		}
	case l.mode == Cumulative && l.held == 1:
		l.oldest = l.first.DeliveryID
	}
	c.queued = append(c.queued, Event{Delivery: d})
	return err
}

func (c *amqpClient) disposition(f wire.Fields) error {
	d, err := frame.ParseDisposition(f)
	if err != nil {
		return err
	}
	s, err := frame.ParseState(d.State)
	if err != nil {
		return err
	}
	waiting := c.sent
	if d.Role == frame.Sender {
		waiting = c.settling
	}
	for id := d.First; int32(d.Last-id) >= 0; id++ {
		if place := c.declared[id]; place != nil && d.Role == frame.Receiver {
			delete(c.declared, id)
			*place = append([]byte{}, s.Txn...)
		}
		token, ok := waiting[id]
		if !ok {
			continue
		}
		delete(waiting, id)
		e := Event{Token: token}
		if s.Kind != frame.Accepted {
			e.Err = fmt.Errorf("the broker answered %d: %w", s.Kind, s.Rejection())
		}
		if token != 0 || e.Err != nil {
			c.queued = append(c.queued, e)
		}
	}
	return nil
}

// post sends a message and returns its delivery-id.
func (c *amqpClient) post(l *amqpLink, octets []byte, settled bool, state []byte) (uint32, error) {
	if l.credit == 0 || int32(c.window) <= 0 {
		if err := c.await("credit", func() bool { return l.credit > 0 && int32(c.window) > 0 }); err != nil {
			return 0, err
		}
	}
	id := c.nextDelivery
	c.nextDelivery++
	l.count++
	l.credit--
	room := c.maxFrame - 128 - len(state)
	t := frame.Transfer{
		Handle: l.handle, DeliveryID: id, HasID: true, Tag: binary.BigEndian.AppendUint32(nil, id), HasFormat: true, Settled: settled, HasSettled: true, State: state,
	}
	for {
		n := min(room, len(octets))
		t.More = n < len(octets)
		b, at := t.Append(c.buf, 0)
		c.write(frame.End(append(b, octets[:n]...), at))
		c.nextOutgoing++
		c.window--
		octets = octets[n:]
		if !t.More {
			return id, nil
		}
		t = frame.Transfer{Handle: l.handle, State: state}
		if int32(c.window) <= 0 {
			if err := c.await("room in the window", func() bool { return int32(c.window) > 0 }); err != nil {
				return 0, err
			}
		}
	}
}

func (c *amqpClient) Send(m Message, token uint64) error {
	l, err := c.sender(m.Destination)
	if err != nil {
		return err
	}
	h := section.Header{Durable: m.Persistent, Priority: section.DefaultPriority}
	b := h.Append(nil)
	if m.Group != "" {
		p := section.Properties{GroupID: []byte(m.Group), GroupSequence: uint32(m.Sequence), HasSequence: m.Sequence != 0}
		b = p.Append(b)
	}
	if m.Label != "" {
		k := section.OpenMap(b, section.ApplicationCode)
		k.String("torture")
		k.String(m.Label)
		b = k.Close()
	}
	b = wire.AppendBinary(wire.AppendDescriptor(b, section.DataCode), m.Body)
	id, err := c.post(l, b, token == 0 && m.Transaction == "", c.state(m.Transaction, frame.NoState))
	if err == nil && (token != 0 || m.Transaction != "") {
		c.sent[id] = token
	}
	return err
}

func (c *amqpClient) Ack(d Delivery, transaction string, token uint64) error {
	n, err := strconv.ParseUint(d.Handle, 10, 32)
	l := c.senders["subscription "+d.Subscription]
	if err != nil || l == nil {
		return fmt.Errorf("delivery %s is not known", d.Handle)
	}
	p := frame.Disposition{
		Role: frame.Receiver, First: uint32(n), Last: uint32(n), Settled: token == 0 && transaction == "", State: c.state(transaction, frame.Accepted),
	}
	r := retirement{link: l, last: p.Last, settled: 1}
	if l.mode == Cumulative {
		p.First = l.oldest
		r.settled = p.Last - p.First + 1
	}
	if token != 0 {
		c.settling[p.Last] = token
	}
	c.write(p.Append(c.buf, 0))
	if transaction != "" {
		c.retired[transaction] = append(c.retired[transaction], r)
	} else {
		c.retire(r)
	}
	return nil
}

// retire notes what a subscription does not hold any more, which makes room for more.
func (c *amqpClient) retire(r retirement) {
	l := r.link
	l.oldest = r.last + 1
	l.held -= min(r.settled, l.held)
	if l.credit < l.prefetch/2 {
		c.grant(l)
	}
}

// retirement is what a transaction's commit takes from what a subscription holds.
type retirement struct {
	link    *amqpLink
	last    uint32
	settled uint32
}
