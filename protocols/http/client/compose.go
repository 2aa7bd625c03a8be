package client

import (
	"strconv"
	"strings"
	"time"

	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/broker/schedule"
)

// Draft is a text message that somebody writes. The zero Draft has ActiveMQ's defaults of its
// management: durable, priority 4, without an end.
type Draft struct {
	header   message.Header
	priority bool  // the header's is meant
	volatile bool  // not durable
	ttl      int64 // milliseconds; 0: the header's expiry holds
	fields   []message.Field
}

// Set takes a header by its JMS name, one of the scheduler's properties, or any other property as
// text. Its error is of kind Malformed.
func (d *Draft) Set(name, value string) error {
	bad := func(want string) error {
		return fault.New(fault.Malformed, "send", name, "%s must be %s, not %q", name, want, value)
	}
	number := func(to *int64, least, most int64) error {
		n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
		if err != nil || n < least || n > most {
			return bad("a number from " + strconv.FormatInt(least, 10) + " to " + strconv.FormatInt(most, 10))
		}
		*to = n
		return nil
	}
	var n int64
	switch name {
	case "":
		return fault.New(fault.Malformed, "send", "", "a property needs a name")
	case "JMSCorrelationID":
		d.header.CorrelationID = value
	case "JMSReplyTo":
		d.header.ReplyTo = address.Parse(value, address.Queue)
	case "JMSType":
		d.header.Type = value
	case "JMSXGroupID":
		d.header.GroupID = value
	case "JMSXGroupSeq":
		if err := number(&n, -1, 1<<31-1); err != nil {
			return err
		}
		d.header.GroupSeq = int32(n)
	case "JMSPriority":
		if err := number(&n, 0, 9); err != nil {
			return err
		}
		d.header.Priority, d.priority = uint8(n), true
	case "JMSDeliveryMode":
		switch strings.ToUpper(strings.ReplaceAll(value, "-", "_")) {
		case "2", "PERSISTENT":
			d.volatile = false
		case "1", "NON_PERSISTENT":
			d.volatile = true
		default:
			return bad("PERSISTENT or NON_PERSISTENT")
		}
	case "JMSExpiration":
		return number(&d.header.Expiry, 0, 1<<53)
	case "JMSTimeToLive", "TimeToLive", "timeToLive":
		return number(&d.ttl, 0, 1<<53)
	case schedule.PropDelay, schedule.PropPeriod, schedule.PropRepeat:
		if err := number(&n, 0, 1<<53); err != nil {
			return err
		}
		d.fields = append(d.fields, message.Field{Name: name, Value: message.OfLong(n)})
	default:
		d.fields = append(d.fields, message.Field{Name: name, Value: message.OfString(value)})
	}
	return nil
}

// Message returns what was written, with a text as its body. Each call makes another message.
func (d *Draft) Message(to address.Address, text string) *message.Message {
	m := &message.Message{Header: d.header}
	m.Address, m.Durable, m.Timestamp = to, !d.volatile, time.Now().UnixMilli()
	if !d.priority {
		m.Priority = message.DefaultPriority
	}
	if d.ttl > 0 {
		m.Expiry = m.Timestamp + d.ttl
	}
	m.Content = message.NewNative(d.fields, message.Payload{Kind: message.TextPayload, Value: message.OfString(text)})
	return m
}
