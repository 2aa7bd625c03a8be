package section

import (
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Properties is the properties section (AMQP 3.2.4). Its slices are views; absent fields are nil.
type Properties struct {
	MessageID       []byte // encoded
	UserID          []byte
	To              []byte
	Subject         []byte
	ReplyTo         []byte
	CorrelationID   []byte // encoded
	ContentType     []byte
	ContentEncoding []byte
	Expiry          int64 // Unix milliseconds
	HasExpiry       bool
	Creation        int64 // Unix milliseconds
	HasCreation     bool
	GroupID         []byte
	GroupSequence   uint32
	HasSequence     bool
	ReplyToGroup    []byte
}

// ParseProperties reads the value of a properties section; nil is one without any field.
func ParseProperties(raw []byte) (p Properties, err error) {
	if raw == nil {
		return p, nil
	}
	f, _, err := wire.FieldsOf(raw)
	if err != nil {
		return p, err
	}
	p.MessageID = f.Raw()
	p.UserID = f.Binary()
	p.To = text(&f)
	p.Subject = f.String()
	p.ReplyTo = text(&f)
	p.CorrelationID = f.Raw()
	p.ContentType = f.Symbol()
	p.ContentEncoding = f.Symbol()
	p.Expiry, p.HasExpiry = f.Time()
	p.Creation, p.HasCreation = f.Time()
	p.GroupID = f.String()
	p.GroupSequence, p.HasSequence = f.Uint()
	p.ReplyToGroup = f.String()
	return p, f.Err()
}

// text reads an address, which is a string with all that is known of the peer; others are taken
// for absent.
func text(f *wire.Fields) []byte {
	if v := f.Any(); v.IsString() || v.IsSymbol() {
		return v.Data
	}
	return nil
}

// Append appends the section, or nothing if it has no field.
func (p *Properties) Append(dst []byte) []byte {
	start := len(dst)
	c := wire.Open(append(dst, wire.Described, wire.SmallUlong, PropertiesCode), wire.List8)
	str := func(b []byte) {
		if b == nil {
			c.Null()
			return
		}
		c.Item()
		c.B = wire.AppendString(c.B, b)
	}
	symbol := func(b []byte) {
		if b == nil {
			c.Null()
			return
		}
		c.Item()
		c.B = wire.AppendSymbol(c.B, b)
	}
	c.Raw(p.MessageID)
	c.Binary(p.UserID)
	str(p.To)
	str(p.Subject)
	str(p.ReplyTo)
	c.Raw(p.CorrelationID)
	symbol(p.ContentType)
	symbol(p.ContentEncoding)
	if p.HasExpiry {
		c.Time(p.Expiry)
	} else {
		c.Null()
	}
	if p.HasCreation {
		c.Time(p.Creation)
	} else {
		c.Null()
	}
	str(p.GroupID)
	if p.HasSequence {
		c.Uint(p.GroupSequence)
	} else {
		c.Null()
	}
	str(p.ReplyToGroup)
	if c.Count == 0 {
		return c.B[:start]
	}
	return c.Close()
}
