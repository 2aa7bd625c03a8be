package client

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// destinationKinds are what destinations begin with, in URLs and in headers.
func destinationKinds() map[string]wire.Type {
	return map[string]wire.Type{
		"queue": wire.TypeQueue, "topic": wire.TypeTopic, "temp-queue": wire.TypeTempQueue, "temp-topic": wire.TypeTempTopic,
	}
}

// destinationOf reads /queue/name or queue://name, topics and temporary ones likewise; a name alone
// is a queue's.
func destinationOf(text string) *wire.Destination {
	for prefix, kind := range destinationKinds() {
		for _, form := range []string{"/" + prefix + "/", prefix + "://"} {
			if name, ok := strings.CutPrefix(text, form); ok {
				return &wire.Destination{Kind: kind, PhysicalName: wire.TextOf(name)}
			}
		}
	}
	return &wire.Destination{Kind: wire.TypeQueue, PhysicalName: wire.TextOf(text)}
}

func destinationText(d *wire.Destination) string {
	for prefix, kind := range destinationKinds() {
		if d != nil && d.Kind == kind {
			return prefix + "://" + d.PhysicalName.String()
		}
	}
	return ""
}

// openWire returns the message of OpenWire: a text where the body is one. Headers with the names of
// STOMP's become its fields, others properties.
func (m Message) openWire() (*wire.Message, error) {
	w := &wire.Message{Kind: wire.TypeBytesMessage, Persistent: m.Persistent, Priority: 4, Timestamp: time.Now().UnixMilli()}
	if !m.Bytes && utf8.Valid(m.Body) {
		w.Kind = wire.TypeTextMessage
		w.Content = wire.AppendText(make([]byte, 4, 4+len(m.Body)), string(m.Body))
		binary.BigEndian.PutUint32(w.Content, uint32(len(w.Content)-4))
	} else if len(m.Body) > 0 {
		w.Content = m.Body
	}
	headers := m.Headers
	if m.ContentType != "" {
		headers = append([]Header{{"content-type", m.ContentType}}, headers...)
	}
	properties, count := make([]byte, 4), uint32(0)
	for _, h := range headers {
		n, err := int64(0), error(nil)
		switch h.Name {
		case "priority":
			n, err = strconv.ParseInt(h.Value, 10, 8)
			w.Priority = int8(n)
		case "expires":
			w.Expiration, err = strconv.ParseInt(h.Value, 10, 64)
		case "correlation-id":
			w.CorrelationID = wire.TextOf(h.Value)
		case "reply-to":
			w.ReplyTo = destinationOf(h.Value)
		case "type":
			w.JMSType = wire.TextOf(h.Value)
		case "JMSXGroupID":
			w.GroupID = wire.TextOf(h.Value)
		case "JMSXGroupSeq":
			n, err = strconv.ParseInt(h.Value, 10, 32)
			w.GroupSequence = int32(n)
		case "message-id":
			err = errors.New("a message of OpenWire is named by its producer")
		default:
			properties = wire.AppendString(wire.AppendKey(properties, h.Name), h.Value)
			count++
		}
		if err != nil {
			return nil, sysexit.Errorf(sysexit.Usage, "header %s: %w", h.Name, err)
		}
	}
	if count > 0 {
		binary.BigEndian.PutUint32(properties, count)
		w.MarshalledProperties = properties
	}
	return w, nil
}

// consumerOption is what the options of a destination that are a consumer's begin with.
const consumerOption = "consumer."

// openWire returns the ConsumerInfo. Options of the destination, and headers with the names that
// they have in STOMP, set its fields.
func (s Subscription) openWire(to *wire.Destination, options url.Values) (*wire.ConsumerInfo, error) {
	info := &wire.ConsumerInfo{
		Destination: to, PrefetchSize: mostPrefetch, DispatchAsync: true, Browser: s.Browse,
		Selector: wire.NullText(s.Selector), SubscriptionName: wire.NullText(s.Durable),
	}
	if s.Count > 0 {
		// No more than is asked for at first, so that other consumers get the rest.
		info.PrefetchSize = int32(min(s.Count, mostPrefetch))
	}
	set := func(name, value string) error {
		n, err := int64(0), error(nil)
		switch name {
		case "prefetchSize":
			if n, err = strconv.ParseInt(value, 10, 32); err == nil && n < 1 {
				err = errors.New("it is at least 1")
			}
			info.PrefetchSize = int32(n)
		case "maximumPendingMessageLimit":
			n, err = strconv.ParseInt(value, 10, 32)
			info.MaximumPendingMessageLimit = int32(n)
		case "priority":
			n, err = strconv.ParseInt(value, 10, 8)
			info.Priority = int8(n)
		case "exclusive":
			info.Exclusive, err = strconv.ParseBool(value)
		case "retroactive":
			info.Retroactive, err = strconv.ParseBool(value)
		case "noLocal":
			info.NoLocal, err = strconv.ParseBool(value)
		case "dispatchAsync":
			info.DispatchAsync, err = strconv.ParseBool(value)
		case "selector":
			info.Selector = wire.TextOf(value)
		default:
			err = errors.New("a consumer of OpenWire has no such option")
		}
		return err
	}
	for name, values := range options {
		option, ok := strings.CutPrefix(name, consumerOption)
		err := errors.New("the options of a destination are a consumer's, such as consumer.exclusive=true")
		if ok {
			err = set(option, values[0])
		}
		if err != nil {
			return nil, sysexit.Errorf(sysexit.Usage, "option %s: %w", name, err)
		}
	}
	for _, h := range s.Headers {
		if err := set(strings.TrimPrefix(h.Name, "activemq."), h.Value); err != nil {
			return nil, sysexit.Errorf(sysexit.Usage, "header %s: %w", h.Name, err)
		}
	}
	return info, nil
}

// dispatched copies what a MessageDispatch brings.
func dispatched(cmd *wire.MessageDispatch) *delivery {
	w := cmd.Message
	d := &delivery{id: new(wire.MessageID), destination: &wire.Destination{}}
	if to := cmd.Destination; to != nil {
		*d.destination = wire.Destination{Kind: to.Kind, PhysicalName: slices.Clone(to.PhysicalName)}
	}
	if id := w.MessageID; id != nil {
		*d.id = wire.MessageID{TextView: slices.Clone(id.TextView), ProducerSequenceID: id.ProducerSequenceID, BrokerSequenceID: id.BrokerSequenceID}
		if p := id.ProducerID; p != nil {
			d.id.ProducerID = &wire.ProducerID{ConnectionID: slices.Clone(p.ConnectionID), SessionID: p.SessionID, Value: p.Value}
			d.key = fmt.Sprintf("%s:%d:%d:%d", p.ConnectionID, p.SessionID, p.Value, id.ProducerSequenceID)
		}
		if !id.TextView.IsNull() {
			d.key = id.TextView.String()
		}
	}
	d.Destination = destinationText(w.Destination)
	d.Headers = headersOf(w, d.key)
	d.Body = bodyOf(w)
	return d
}

// headersOf returns a message's fields by their names in STOMP, and its properties in order of name.
func headersOf(w *wire.Message, id string) []Header {
	var list []Header
	add := func(name, value string, is bool) {
		if is {
			list = append(list, Header{name, value})
		}
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	add("message-id", id, true)
	add("destination", destinationText(w.Destination), true)
	add("original-destination", destinationText(w.OriginalDestination), w.OriginalDestination != nil)
	add("correlation-id", w.CorrelationID.String(), !w.CorrelationID.IsNull())
	add("reply-to", destinationText(w.ReplyTo), w.ReplyTo != nil)
	add("type", w.JMSType.String(), !w.JMSType.IsNull())
	add("timestamp", number(w.Timestamp), true)
	add("expires", number(w.Expiration), true)
	add("priority", number(int64(w.Priority)), true)
	add("persistent", "true", w.Persistent)
	add("redelivered", "true", w.RedeliveryCounter > 0)
	add("JMSXUserID", w.UserID.String(), !w.UserID.IsNull())
	add("JMSXGroupID", w.GroupID.String(), !w.GroupID.IsNull())
	add("JMSXGroupSeq", number(int64(w.GroupSequence)), !w.GroupID.IsNull())
	at := len(list)
	for it := wire.MapIterator(w.MarshalledProperties); it.Next(); {
		add(wire.Text(it.Key).String(), valueText(&it.Value), it.Value.Kind != wire.NullValue)
	}
	slices.SortFunc(list[at:], func(a, b Header) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// mostInflated bounds a compressed body.
const mostInflated = 1 << 30

// bodyOf returns a body to show: a text's, the octets of what is bytes, and maps and streams as JSON.
func bodyOf(w *wire.Message) []byte {
	body := w.Content
	if w.Compressed && len(body) > 0 {
		if inflated, err := wire.Inflate(body, w.Kind == wire.TypeBytesMessage, mostInflated); err == nil {
			body = inflated
		}
	}
	switch {
	case w.Kind == wire.TypeTextMessage && len(body) >= 4:
		return wire.AppendUTF8(nil, body[4:])
	case w.Kind == wire.TypeMapMessage:
		return asJSON(mapOf(wire.MapIterator(body)))
	case w.Kind == wire.TypeStreamMessage:
		return asJSON(listOf(wire.StreamIterator(body)))
	}
	return bytes.Clone(body)
}

func asJSON(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func mapOf(it wire.Iterator) map[string]any {
	m := make(map[string]any)
	for it.Next() {
		m[wire.Text(it.Key).String()] = plainValue(&it.Value)
	}
	return m
}

func listOf(it wire.Iterator) []any {
	list := []any{}
	for it.Next() {
		list = append(list, plainValue(&it.Value))
	}
	return list
}

// plainValue returns a primitive value as JSON can have it.
func plainValue(v *wire.Value) any {
	switch v.Kind {
	case wire.BoolValue:
		return v.Num != 0
	case wire.CharValue:
		return string(rune(v.Num))
	case wire.ByteValue, wire.ShortValue, wire.IntValue, wire.LongValue:
		return v.Num
	case wire.FloatValue, wire.DoubleValue:
		f := v.Float()
		switch {
		case math.IsNaN(f), math.IsInf(f, 0):
			return fmt.Sprint(f)
		case v.Kind == wire.FloatValue:
			return float32(f)
		}
		return f
	case wire.StringValue, wire.BigStringValue:
		return wire.Text(v.Bytes).String()
	case wire.BytesValue:
		return bytes.Clone(v.Bytes)
	case wire.MapValue:
		return mapOf(wire.MapIterator(v.Bytes))
	case wire.ListValue:
		return listOf(wire.ListIterator(v.Bytes))
	}
	return nil
}

// valueText returns a primitive value as the value of a header.
func valueText(v *wire.Value) string {
	switch p := plainValue(v).(type) {
	case string:
		return p
	case []byte:
		return string(p)
	default:
		return string(asJSON(p))
	}
}
