package openwire

import (
	"encoding/json"

	"github.com/manifoldmq/manifold/broker/message"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// Structure implements message.Structured: an advisory's.
func (k *content) Structure() (name string, members message.Value) {
	return structureIn(k.parts().extra)
}

// structureIn returns the structure among a message's rarer fields.
func structureIn(extra []byte) (string, message.Value) {
	if extra == nil {
		return "", message.Value{}
	}
	cmd, err := wire.ParsePlain(extra)
	if err != nil {
		return "", message.Value{}
	}
	m, ok := cmd.(*wire.Message)
	if !ok || m.DataStructure == nil {
		return "", message.Value{}
	}
	return structureOf(m.DataStructure)
}

// members are fields under construction, by the names and in the order that ActiveMQ's XStream
// writes.
type members []message.Field

func (f *members) add(name string, v message.Value) {
	*f = append(*f, message.Field{Name: name, Value: v})
}
func (f *members) text(name string, t wire.Text) {
	if !t.IsNull() {
		f.add(name, message.OfString(t.String()))
	}
}
func (f *members) long(name string, n int64) { f.add(name, message.OfLong(n)) }
func (f *members) int(name string, n int32)  { f.add(name, message.OfInt(n)) }
func (f *members) flag(name string, b bool)  { f.add(name, message.OfBool(b)) }
func (f *members) base(b *wire.Base) {
	f.int("commandId", b.CommandID)
	f.flag("responseRequired", b.ResponseRequired)
}

func (f *members) destination(name string, d *wire.Destination) {
	if d == nil {
		return
	}
	class := ""
	switch d.Kind {
	case wire.TypeQueue:
		class = "ActiveMQQueue"
	case wire.TypeTopic:
		class = "ActiveMQTopic"
	case wire.TypeTempQueue:
		class = "ActiveMQTempQueue"
	case wire.TypeTempTopic:
		class = "ActiveMQTempTopic"
	}
	f.add(name, message.OfMap([]message.Field{
		{Name: "@class", Value: message.OfString(class)}, {Name: "string", Value: message.OfString(d.PhysicalName.String())}, {Name: "null"},
	}))
}

func (f *members) id(name string, s wire.Structure) {
	if _, v := structureOf(s); !v.IsNull() {
		f.add(name, v)
	}
}

// structureOf returns the name of a structure's class and its members. Passwords are left out.
func structureOf(s wire.Structure) (name string, v message.Value) {
	var f members
	switch x := s.(type) {
	case *wire.ConnectionID:
		if x == nil {
			return "", message.Value{}
		}
		name = "ConnectionId"
		f.text("value", x.Value)
	case *wire.ConsumerID:
		if x == nil {
			return "", message.Value{}
		}
		name = "ConsumerId"
		f.text("connectionId", x.ConnectionID)
		f.long("sessionId", x.SessionID)
		f.long("value", x.Value)
	case *wire.ProducerID:
		if x == nil {
			return "", message.Value{}
		}
		name = "ProducerId"
		f.text("connectionId", x.ConnectionID)
		f.long("sessionId", x.SessionID)
		f.long("value", x.Value)
	case *wire.ConnectionInfo:
		name = "ConnectionInfo"
		f.base(&x.Base)
		f.id("connectionId", x.ConnectionID)
		f.text("clientId", x.ClientID)
		f.text("clientIp", x.ClientIP)
		f.text("userName", x.UserName)
		f.flag("brokerMasterConnector", x.BrokerMasterConnector)
		f.flag("manageable", x.Manageable)
		f.flag("clientMaster", x.ClientMaster)
		f.flag("faultTolerant", x.FaultTolerant)
		f.flag("failoverReconnect", x.FailoverReconnect)
	case *wire.ConsumerInfo:
		name = "ConsumerInfo"
		f.base(&x.Base)
		f.id("consumerId", x.ConsumerID)
		f.destination("destination", x.Destination)
		f.int("prefetchSize", x.PrefetchSize)
		f.int("maximumPendingMessageLimit", x.MaximumPendingMessageLimit)
		f.flag("browser", x.Browser)
		f.flag("dispatchAsync", x.DispatchAsync)
		f.text("selector", x.Selector)
		f.text("clientId", x.ClientID)
		f.text("subscriptionName", x.SubscriptionName)
		f.flag("noLocal", x.NoLocal)
		f.flag("exclusive", x.Exclusive)
		f.flag("retroactive", x.Retroactive)
		f.int("priority", int32(x.Priority))
		f.flag("optimizedAcknowledge", x.OptimizedAcknowledge)
		f.flag("noRangeAcks", x.NoRangeAcks)
		f.flag("networkSubscription", x.NetworkSubscription)
	case *wire.ProducerInfo:
		name = "ProducerInfo"
		f.base(&x.Base)
		f.id("producerId", x.ProducerID)
		f.destination("destination", x.Destination)
		f.flag("dispatchAsync", x.DispatchAsync)
		f.int("windowSize", x.WindowSize)
	case *wire.DestinationInfo:
		name = "DestinationInfo"
		f.base(&x.Base)
		f.id("connectionId", x.ConnectionID)
		f.destination("destination", x.Destination)
		f.int("operationType", int32(x.OperationType))
		f.long("timeout", x.Timeout)
	case *wire.RemoveInfo:
		name = "RemoveInfo"
		f.base(&x.Base)
		if class, id := structureOf(x.ObjectID); class != "" {
			f.add("objectId", message.OfMap(append([]message.Field{{Name: "@class", Value: message.OfString(class)}}, id.Fields()...)))
		}
		f.long("lastDeliveredSequenceId", x.LastDeliveredSequenceID)
	case *wire.Message:
		name = "ActiveMQMessage"
		f.message(x)
	default:
		return "", message.Value{}
	}
	return name, message.OfMap(f)
}

// message adds what is told of a message, of its body the text.
func (f *members) message(x *wire.Message) {
	f.base(&x.Base)
	f.id("producerId", x.ProducerID)
	f.destination("destination", x.Destination)
	f.destination("originalDestination", x.OriginalDestination)
	if id := x.MessageID; id != nil {
		var k members
		k.text("textView", id.TextView)
		k.id("producerId", id.ProducerID)
		k.long("producerSequenceId", id.ProducerSequenceID)
		k.long("brokerSequenceId", id.BrokerSequenceID)
		f.add("messageId", message.OfMap(k))
	}
	f.text("groupID", x.GroupID)
	f.int("groupSequence", x.GroupSequence)
	f.text("correlationId", x.CorrelationID)
	f.flag("persistent", x.Persistent)
	f.long("expiration", x.Expiration)
	f.int("priority", int32(x.Priority))
	f.destination("replyTo", x.ReplyTo)
	f.long("timestamp", x.Timestamp)
	f.text("type", x.JMSType)
	f.int("redeliveryCounter", x.RedeliveryCounter)
	f.text("userID", x.UserID)
	if x.Content != nil && x.Kind == wire.TypeTextMessage && !x.Compressed {
		if p, err := payloadOf(x.Kind, x.Content); err == nil {
			f.add("text", p.Value)
		}
	}
}

// appendStructure appends a structure as JSON.
func appendStructure(dst []byte, name string, v message.Value) []byte {
	dst = append(dst, '{')
	dst = appendJSONText(dst, name)
	dst = appendJSON(append(dst, ':'), v)
	return append(dst, '}')
}

func appendJSON(dst []byte, v message.Value) []byte {
	switch {
	case v.Kind() == message.Map:
		dst = append(dst, '{')
		for i, f := range v.Fields() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSONText(dst, f.Name)
			dst = append(dst, ':')
			if f.Value.IsNull() {
				dst = append(dst, `""`...) // as XStream writes it
				continue
			}
			dst = appendJSON(dst, f.Value)
		}
		return append(dst, '}')
	case v.IsNumber(), v.Kind() == message.Bool:
		return append(dst, v.Text()...)
	}
	return appendJSONText(dst, v.Text())
}

func appendJSONText(dst []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(dst, `""`...)
	}
	return append(dst, text...)
}
