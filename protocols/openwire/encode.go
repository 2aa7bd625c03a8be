package openwire

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/note"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// dispatch is what the writer makes deliveries in, so that they cost no allocation.
type dispatch struct {
	command     wire.MessageDispatch
	message     wire.Message
	id          wire.MessageID
	origin      string // that producer stands for
	isProducer  bool   // and whether it does
	producer    wire.ProducerID
	destination wire.Destination
	original    wire.Destination
	replyTo     wire.Destination
	properties  []byte
	now         int64 // the time of a write, Unix milliseconds; 0: to be asked
}

// Encode implements protocols.Encoder.
func (c *connection) Encode(dst []byte, it *protocols.Item) ([]byte, bool) {
	switch it.Kind {
	case protocols.Deliver:
		return it.Delivery.Consumer.Tag.(*consumer).encode(dst, &it.Delivery), false
	case protocols.Raw:
		return append(dst, it.Raw...), false
	case protocols.Confirmed:
		return c.confirmed(dst, it.Token, it.Err), false
	case protocols.Drained:
		return it.Consumer.Tag.(*consumer).drained(dst), false
	case protocols.Ended:
		s := it.Consumer.Tag.(*consumer)
		s.stop()
		return c.writer.Append(dst, &wire.ConsumerControl{ConsumerID: &s.id, Close: true}), false
	case protocols.Closed:
		// ActiveMQ says nothing when it stops: a word would reach applications that ride over it.
		var e *fault.Error
		if errors.As(it.Err, &e) && e.Kind == fault.Moved && e.Where != "" {
			dst = c.writer.Append(dst, &wire.ConnectionControl{ConnectedBrokers: wire.Text{}, ReconnectTo: wire.TextOf(e.Where)})
		}
		return dst, true
	}
	return dst, false
}

// Written implements protocols.Encoder. Clients acknowledge everything themselves.
func (c *connection) Written([]protocols.Item) {
	if c.dispatch != nil {
		c.dispatch.now = 0
	}
}

// confirmed appends what a confirmation leads to.
func (c *connection) confirmed(dst []byte, t broker.Token, err error) []byte {
	kind, index, number := untoken(t)
	answered := true
	switch kind {
	case quietly, acknowledge, brokerInfo, control, parting:
		answered = false
	case subscribed:
		s := c.consumerAt(index)
		if s == nil {
			return dst
		}
		answered = s.answer
		if err == nil {
			if answered {
				dst = c.appendResponse(dst, number)
			}
			// What comes of it stands behind the answer.
			s.open()
			return dst
		}
	}
	switch {
	case err != nil && answered:
		x := &wire.ExceptionResponse{Exception: throwable(err)}
		x.CorrelationID = number
		return c.writer.Append(dst, x)
	case err != nil:
		return c.writer.Append(dst, &wire.ConnectionError{Exception: throwable(err)})
	}
	switch kind {
	case respond:
		return c.appendResponse(dst, number)
	case acknowledge:
		if id := c.producerAt(index); id != nil && c.format.Version >= 3 {
			return c.writer.Append(dst, &wire.ProducerAck{ProducerID: id, Size: number})
		}
	case prepared, readOnly:
		r := &wire.IntegerResponse{}
		r.CorrelationID = number
		if kind == readOnly {
			r.Result = xaReadOnly
		}
		return c.writer.Append(dst, r)
	case recovered:
		r := &wire.DataArrayResponse{Data: c.preparedBranches()}
		r.CorrelationID = number
		return c.writer.Append(dst, r)
	case brokerInfo:
		return c.writer.Append(dst, &wire.BrokerInfo{
			BrokerID: c.p.brokerID, BrokerName: wire.TextOf(c.o.Broker.Name),
			BrokerURL: wire.TextOf("tcp://" + c.net.LocalAddr().String()),
		})
	case control:
		return c.writer.Append(dst, &wire.ConnectionControl{
			ConnectedBrokers: wire.TextOf(c.p.connectedBrokers(c.net.Listener)), ReconnectTo: wire.Text{},
		})
	case parting:
		c.barrier.reach(number)
	}
	return dst
}

func (c *connection) appendResponse(dst []byte, number int32) []byte {
	r := &c.answer
	r.CorrelationID = number
	return c.writer.Append(dst, r)
}

// appendDispatch appends the MessageDispatch of a delivery.
func (c *connection) appendDispatch(dst []byte, s *consumer, d *broker.Delivery) []byte {
	if c.dispatch == nil {
		c.dispatch = new(dispatch)
	}
	x := c.dispatch
	w := x.toMessage(d.Msg, int64(d.ID))
	w.JMSXGroupFirstForConsumer = d.Flags&queue.FirstInGroup != 0
	if x.now == 0 {
		x.now = time.Now().UnixMilli()
	}
	w.BrokerOutTime = x.now
	if note.Of(d.Note).Retain() {
		x.properties = wire.AppendFlag(x.properties[:0], w.MarshalledProperties, retainedProperty)
		w.MarshalledProperties = x.properties
	}
	w.RedeliveryCounter = int32(d.Count)
	if d.Flags&queue.Redelivered != 0 && d.Count == 0 {
		w.RedeliveryCounter = 1 // it may have been seen
	}
	x.command = wire.MessageDispatch{
		ConsumerID: &s.id, Destination: w.Destination, Message: w, RedeliveryCounter: w.RedeliveryCounter,
	}
	return c.writer.Append(dst, &x.command)
}

// toMessage makes a message in x, where it stays until the next one. entry is the identifier that
// acknowledgements will name.
func (x *dispatch) toMessage(m *message.Message, entry int64) *wire.Message {
	w := &x.message
	*w = wire.Message{
		Persistent: m.Durable, Expiration: m.Expiry, Priority: int8(m.Priority), Timestamp: m.Timestamp,
		GroupID: wire.NullText(m.GroupID), GroupSequence: m.GroupSeq, CorrelationID: wire.NullText(m.CorrelationID),
		JMSType: wire.NullText(m.Type), UserID: wire.NullText(m.UserID),
	}
	w.Destination = destinationOf(m.Address, &x.destination)
	w.OriginalDestination = destinationOf(m.Origin, &x.original)
	w.ReplyTo = destinationOf(m.ReplyTo, &x.replyTo)
	x.identify(m.ID, entry)
	w.ProducerID, w.MessageID = x.id.ProducerID, &x.id
	x.fill(m)
	return w
}

// identify sets the message's identifier.
func (x *dispatch) identify(id message.ID, entry int64) {
	x.id = wire.MessageID{BrokerSequenceID: entry}
	if x.origin != id.Origin || !x.isProducer {
		x.origin = id.Origin
		x.isProducer = parseProducer(id.Origin, &x.producer)
	}
	switch {
	case id.Seq != 0 && x.isProducer:
		x.id.ProducerID, x.id.ProducerSequenceID = &x.producer, int64(id.Seq)
	case id.Seq == 0 && splitSequence(id.Origin, &x.producer, &x.id.ProducerSequenceID):
		x.isProducer = false
		x.id.ProducerID = &x.producer
	default:
		// Another protocol's: the text stands for itself.
		x.isProducer = false
		x.producer = wire.ProducerID{ConnectionID: wire.TextOf("ID:foreign")}
		x.id.ProducerID, x.id.ProducerSequenceID = &x.producer, entry
		x.id.TextView = wire.TextOf(id.String())
	}
}

// parseProducer reads the text of a producer's identifier.
func parseProducer(text string, p *wire.ProducerID) bool {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 {
		return false
	}
	j := strings.LastIndexByte(text[:i], ':')
	if j <= 0 {
		return false
	}
	value, err1 := strconv.ParseInt(text[i+1:], 10, 64)
	session, err2 := strconv.ParseInt(text[j+1:i], 10, 64)
	if err1 != nil || err2 != nil {
		return false
	}
	*p = wire.ProducerID{ConnectionID: wire.TextOf(text[:j]), SessionID: session, Value: value}
	return true
}

// splitSequence reads a whole message identifier.
func splitSequence(text string, p *wire.ProducerID, sequence *int64) bool {
	i := strings.LastIndexByte(text, ':')
	if i <= 0 || !strings.HasPrefix(text, "ID:") {
		return false
	}
	n, err := strconv.ParseInt(text[i+1:], 10, 64)
	if err != nil || !parseProducer(text[:i], p) {
		return false
	}
	*sequence = n
	return true
}

// fill sets the message's kind, properties and body.
func (x *dispatch) fill(m *message.Message) {
	w := &x.message
	k, ok := m.Content.(*content)
	if !ok {
		p, err := m.Payload()
		if err != nil {
			p = message.Payload{Kind: message.BytesPayload, Value: message.OfBytes(view(m.Content.Body()))}
		}
		w.Kind, w.Content = bodyOf(p)
		x.setProperties(m)
		return
	}
	h := k.parts()
	w.Kind = h.kind
	w.Compressed = h.flags&compressed != 0
	w.Droppable = h.flags&droppable != 0
	w.BrokerInTime = h.arrival
	if h.transaction != nil && !m.Origin.IsZero() && w.ProducerID != nil {
		w.OriginalTransactionID = transactionIn(h.transaction, w.ProducerID.ConnectionID)
	}
	if h.flags&hasContent != 0 {
		if w.Content = k.body; w.Content == nil {
			w.Content = []byte{}
		}
	}
	if h.extra != nil {
		if cmd, err := wire.ParsePlain(h.extra); err == nil {
			if e, ok := cmd.(*wire.Message); ok {
				w.DataStructure, w.BrokerPath, w.Cluster, w.ReceivedByDFBridge = e.DataStructure, e.BrokerPath, e.Cluster, e.ReceivedByDFBridge
				w.RemoteBlobURL, w.MimeType, w.DeletedByBroker = e.RemoteBlobURL, e.MimeType, e.DeletedByBroker
			}
		}
	}
	if len(m.Overlay) > 0 || m.HidesRetain() {
		x.setProperties(m)
		return
	}
	w.MarshalledProperties = h.properties
}

func (x *dispatch) setProperties(m *message.Message) {
	x.properties = appendProperties(x.properties[:0], m)
	if len(x.properties) > 0 {
		x.message.MarshalledProperties = x.properties
	}
}
