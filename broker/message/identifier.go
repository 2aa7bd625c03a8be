package message

// View is a message as one queue's consumers see it; selectors are asked about it.
type View struct {
	*Message
	Deliveries  int  // failed deliveries so far
	Redelivered bool // it may have been seen before
}

// Property returns the value of a selector's identifier: a JMS header, or an application
// property. False stands for SQL's NULL.
func (v *View) Property(name string) (Value, bool) {
	if len(name) < 7 || name[:3] != "JMS" {
		return v.Message.Property(name)
	}
	m := v.Message
	text := func(s string) (Value, bool) { return OfString(s), s != "" }
	switch name {
	case "JMSDestination":
		if !m.Origin.IsZero() {
			return OfString(m.Origin.String()), true
		}
		return OfString(m.Address.String()), true
	case "JMSReplyTo":
		return text(m.ReplyTo.String())
	case "JMSType":
		return text(m.Type)
	case "JMSCorrelationID":
		return text(m.CorrelationID)
	case "JMSMessageID":
		return text(m.ID.String())
	case "JMSDeliveryMode":
		if m.Durable {
			return OfString("PERSISTENT"), true
		}
		return OfString("NON_PERSISTENT"), true
	case "JMSPriority":
		return OfInt(int32(m.Priority)), true
	case "JMSTimestamp":
		return OfLong(m.Timestamp), true
	case "JMSExpiration":
		return OfLong(m.Expiry), true
	case "JMSRedelivered":
		return OfBool(v.Redelivered), true
	case "JMSXDeliveryCount":
		return OfInt(int32(v.Deliveries + 1)), true
	case "JMSXGroupID":
		return text(m.GroupID)
	case "JMSXGroupSeq":
		if m.GroupID == "" && m.GroupSeq == 0 {
			return Value{}, false
		}
		return OfInt(m.GroupSeq), true
	case "JMSXUserID":
		return text(m.UserID)
	}
	return m.Property(name)
}
