package stomp

import (
	"bytes"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/stomp/frame"
	"github.com/manifoldmq/manifold/protocols/stomp/transform"
)

// bad is a request that can't be served, with ActiveMQ's text; the connection goes on.
func bad(text string) error { return &frame.Error{Text: text} }

// handle serves one frame. It returns whether the connection goes on.
func (c *connection) handle(f *frame.Frame) bool {
	var err error
	switch f.Command {
	case frame.Send:
		err = c.send(f)
	case frame.Ack:
		err = c.acknowledge(f, broker.Accepted)
	case frame.Nack:
		kind := broker.Rejected
		if c.o.NackRedelivers {
			kind = broker.Failed
		}
		err = c.acknowledge(f, kind)
	case frame.Subscribe:
		err = c.subscribe(f)
	case frame.Unsubscribe:
		err = c.unsubscribe(f)
	case frame.Begin:
		err = c.begin(f)
	case frame.Commit:
		err = c.commit(f)
	case frame.Abort:
		err = c.abort(f)
	case frame.Disconnect:
		return c.disconnect(f)
	case frame.Connect, frame.Stomp:
		err = bad("Already connected.")
	default:
		err = &frame.Error{Fatal: true, Text: "Unknown STOMP action: " + f.Command.String()}
	}
	if err == nil {
		return true
	}
	return c.refuse(f.Headers.String(frame.ReceiptHeader), err, false)
}

// token returns the token for a frame's receipt; 0 if it asks for none.
func (c *connection) token(h *frame.Headers) broker.Token {
	if !h.Has(frame.ReceiptHeader) {
		return 0
	}
	return c.receipts.add(pending{receipt: h.String(frame.ReceiptHeader), has: true})
}

// send serves SEND.
func (c *connection) send(f *frame.Frame) error {
	h := &f.Headers
	p, err := c.producer(h)
	if err != nil {
		return err
	}
	tx, err := c.transaction(h)
	if err != nil {
		return err
	}
	m, err := c.message(f)
	if err != nil {
		return err
	}
	m.Address = p.whole
	t := c.token(h)
	if err := p.Send(m, tx, t); err != nil {
		c.receipts.forget(t)
		return err
	}
	return nil
}

// producer returns the producer for a frame's destination.
func (c *connection) producer(h *frame.Headers) (*producer, error) {
	raw := h.RawValue(frame.Destination)
	kind := address.Queue
	if h.Has(frame.DestinationType) {
		if kind = kindOf(h.String(frame.DestinationType)); kind == address.Topic {
			raw = append([]byte("MULTICAST\n"), raw...) // another key than without
		}
	}
	if p := c.producers[string(raw)]; p != nil {
		return p, nil
	}
	if !h.Has(frame.Destination) {
		return nil, bad("SEND received without a Destination specified!")
	}
	t, err := c.parse(h.String(frame.Destination), kind)
	if err != nil {
		return nil, err
	}
	core, err := c.core.Producer(t.addresses...)
	if err != nil {
		return nil, err
	}
	if len(c.producers) >= maxProducers || c.producers == nil {
		for _, p := range c.producers {
			p.Close()
		}
		c.producers = make(map[string]*producer)
	}
	p := &producer{core, t.whole}
	c.producers[string(raw)] = p
	return p, nil
}

// message makes the message of a SEND frame. It lives in the frame's own block.
func (c *connection) message(f *frame.Frame) (*message.Message, error) {
	h := &f.Headers
	k := &content{version: h.Version(), head: h.Raw(), body: f.Body}
	if err := k.classify(h); err != nil {
		return nil, err
	}
	m := &k.Message
	m.Content = k
	m.Priority = message.DefaultPriority
	m.Timestamp = c.now
	m.Durable = h.Is(frame.Persistent, "true")
	for _, n := range [...]frame.Header{frame.Priority, frame.Timestamp, frame.Expires, frame.Expiration, frame.GroupSequence} {
		if !h.Has(n) {
			continue
		}
		v, ok := h.Int(n)
		if !ok && len(bytes.TrimSpace(h.Get(n))) > 0 {
			return nil, bad("The " + n.String() + " header is not a number: " + h.String(n))
		}
		if ok {
			c.setNumber(m, n, v)
		}
	}
	if h.Has(frame.CorrelationID) {
		m.CorrelationID = view(h.Get(frame.CorrelationID))
	}
	if h.Has(frame.Type) {
		m.Type = view(h.Get(frame.Type))
	}
	if h.Has(frame.ScheduledDelay) || h.Has(frame.ScheduledPeriod) || h.Has(frame.ScheduledCron) {
		m.Flags |= message.Scheduled
	}
	if h.Is(frame.Retain, "true") {
		m.Flags |= message.Retain
	}
	if h.Has(frame.GroupID) {
		m.GroupID = view(h.Get(frame.GroupID))
	}
	if h.Has(frame.ReplyTo) {
		c.setReplyTo(m, h.String(frame.ReplyTo))
	}
	if k.isMap() {
		if _, err := transform.DecodeMap(k.transformed, k.body, transform.DefaultLimits()); err != nil {
			m.Overlay = append(m.Overlay, message.Field{Name: frame.TransformationError.String(), Value: message.OfString(err.Error())})
		}
	}
	c.sequence++
	m.ID = message.ID{Origin: c.origin, Seq: c.sequence}
	return m, nil
}

// setNumber sets the field that a header with a number stands for.
func (c *connection) setNumber(m *message.Message, name frame.Header, v int64) {
	switch name {
	case frame.Priority:
		m.Priority = uint8(min(max(v, 0), 9))
	case frame.Timestamp:
		m.Timestamp = v
	case frame.Expires:
		m.Expiry = max(v, 0)
	case frame.Expiration: // RabbitMQ's: from now on
		if v > 0 && v < 1<<53 && m.Expiry == 0 {
			m.Expiry = c.now + v
		}
	case frame.GroupSequence:
		m.GroupSeq = int32(v)
	}
}

// setReplyTo sets the reply-to field; a text that is no destination stays a property.
func (c *connection) setReplyTo(m *message.Message, text string) {
	if hasPrefix(text) {
		if t, err := c.parse(text, address.Queue); err == nil {
			m.ReplyTo = t.whole
			return
		}
	}
	m.Overlay = append(m.Overlay, message.Field{Name: frame.ReplyTo.String(), Value: message.OfString(text)})
}

// transaction returns the transaction that a frame names, nil if it names none.
func (c *connection) transaction(h *frame.Headers) (*broker.Transaction, error) {
	if !h.Has(frame.Transaction) {
		return nil, nil
	}
	id := h.Get(frame.Transaction)
	if tx := c.txs[string(id)]; tx != nil {
		return tx, nil
	}
	return nil, bad("Invalid transaction id: " + string(id))
}

// acknowledge serves ACK and NACK.
func (c *connection) acknowledge(f *frame.Frame, kind broker.OutcomeKind) error {
	h := &f.Headers
	tx, err := c.transaction(h)
	if err != nil {
		return err
	}
	s, n, err := c.delivery(f)
	if err != nil {
		return err
	}
	if kind == broker.Accepted && tx == nil && !h.Has(frame.ReceiptHeader) {
		s.ack(n)
		return nil
	}
	s.settleAcks()
	first := n
	if kind == broker.Accepted && s.mode == ackClient {
		first = 1
	}
	t := c.token(h)
	if _, err := s.settle(first, n, broker.Outcome{Kind: kind}, tx, t); err != nil {
		c.receipts.forget(t)
		return err
	}
	return nil
}

// delivery finds the delivery that an ACK or NACK is for.
func (c *connection) delivery(f *frame.Frame) (*subscription, uint64, error) {
	h := &f.Headers
	name := f.Command.String()
	if c.version == frame.V12 {
		return c.deliveryByToken(f)
	}
	switch {
	case f.Command == frame.Nack && c.version == frame.V10:
		return nil, 0, bad("NACK received but connection is in v1.0 mode.")
	case !h.Has(frame.MessageID):
		return nil, 0, bad(name + " received without a message-id to acknowledge!")
	case !h.Has(frame.Subscription) && c.version == frame.V11:
		return nil, 0, bad(name + " received without a subscription id for acknowledge!")
	}
	id := h.Get(frame.MessageID)
	if s, n, ok := c.find(h, id); ok {
		return s, n, nil
	}
	if c.version == frame.V10 && bytes.IndexByte(id, '\\') >= 0 {
		// Some clients escape headers in 1.0 too.
		if s, n, ok := c.find(h, frame.Unescape(frame.V11, id)); ok {
			return s, n, nil
		}
	}
	return nil, 0, unexpected(f.Command, id)
}

// deliveryByToken finds a delivery by the ack header of its MESSAGE.
func (c *connection) deliveryByToken(f *frame.Frame) (*subscription, uint64, error) {
	h := &f.Headers
	if !h.Has(frame.ID) {
		if f.Command == frame.Nack {
			return nil, 0, bad("NACK received without an ack header to acknowledge!")
		}
		return nil, 0, bad("ACK received without a ack id for acknowledge!")
	}
	id := h.Get(frame.ID)
	if index, n, ok := parseAckID(id); ok {
		if s := c.byIndex[index]; s != nil && s.mode != ackAuto && !s.isAcked(n) && s.IsUnsettled(n) {
			return s, n, nil
		}
	}
	return nil, 0, unexpected(f.Command, id)
}

// find finds a delivery by its message's identifier, in the subscription that the frame names
// or, in 1.0, in any.
func (c *connection) find(h *frame.Headers, id []byte) (*subscription, uint64, bool) {
	if h.Has(frame.Subscription) {
		s := c.subs[string(h.Get(frame.Subscription))]
		if s == nil || s.mode == ackAuto {
			return nil, 0, false
		}
		s.settleAcks()
		n, ok := s.FindMessage(id)
		return s, n, ok
	}
	for _, s := range c.byIndex {
		if s.mode == ackAuto {
			continue
		}
		s.settleAcks()
		if n, ok := s.FindMessage(id); ok {
			return s, n, true
		}
	}
	return nil, 0, false
}

func unexpected(k frame.Command, id []byte) error {
	return bad("Unexpected " + k.String() + " received for message-id [" + string(id) + "]")
}

// begin serves BEGIN.
func (c *connection) begin(f *frame.Frame) error {
	h := &f.Headers
	id := h.String(frame.Transaction)
	if !h.Has(frame.Transaction) {
		return bad("Must specify the transaction you are beginning")
	}
	if c.txs[id] != nil {
		return bad("The transaction was already started: " + id)
	}
	tx, err := c.core.Begin()
	if err != nil {
		return err
	}
	if c.txs == nil {
		c.txs = make(map[string]*broker.Transaction)
	}
	c.txs[id] = tx
	c.core.Confirm(c.token(h))
	return nil
}

// end returns the transaction that COMMIT or ABORT ends.
func (c *connection) ending(h *frame.Headers) (*broker.Transaction, error) {
	if !h.Has(frame.Transaction) {
		return nil, bad("Must specify the transaction you are committing")
	}
	tx, err := c.transaction(h)
	if err == nil {
		delete(c.txs, string(h.Get(frame.Transaction)))
	}
	return tx, err
}

// commit serves COMMIT.
func (c *connection) commit(f *frame.Frame) error {
	tx, err := c.ending(&f.Headers)
	if err != nil {
		return err
	}
	t := c.token(&f.Headers)
	if t == 0 {
		t = c.receipts.add(pending{}) // a failure must be told all the same
	}
	if err := tx.Commit(t); err != nil {
		c.receipts.forget(t)
		return err
	}
	return nil
}

// abort serves ABORT. The client keeps the deliveries that it acknowledged in the transaction
// and may acknowledge them again.
func (c *connection) abort(f *frame.Frame) error {
	tx, err := c.ending(&f.Headers)
	if err != nil {
		return err
	}
	if err := tx.Rollback(); err != nil {
		return err
	}
	c.core.Confirm(c.token(&f.Headers))
	return nil
}

// disconnect serves DISCONNECT: everything before it takes effect, then comes its receipt, then
// the end.
func (c *connection) disconnect(f *frame.Frame) bool {
	c.leaving = true
	c.receipt = f.Headers.Has(frame.ReceiptHeader)
	c.parting = f.Headers.String(frame.ReceiptHeader)
	return false
}
