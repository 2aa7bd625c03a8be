package frame

import (
	"bytes"

	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Durability says what of a terminus survives its connection (AMQP 3.5.5).
type Durability uint32

// The durabilities.
const (
	NotDurable     Durability = 0
	Configuration  Durability = 1
	UnsettledState Durability = 2
)

// Expiry says when a terminus begins to expire (AMQP 3.5.6).
type Expiry string

// The expiry policies; SessionEnd is the default.
const (
	LinkDetach      Expiry = "link-detach"
	SessionEnd      Expiry = "session-end"
	ConnectionClose Expiry = "connection-close"
	Never           Expiry = "never"
)

// Lifetime says when a dynamic node ends (AMQP 3.5.10 to 3.5.13).
type Lifetime uint8

// The lifetime policies.
const (
	NoLifetime Lifetime = iota
	DeleteOnClose
	DeleteOnNoLinks
	DeleteOnNoMessages
	DeleteOnNoLinksOrMessages
)

// The distribution modes (AMQP 3.5.7).
const (
	Move = "move"
	Copy = "copy"
)

// Terminus is what sources and targets have in common.
type Terminus struct {
	Address      string
	HasAddress   bool // the address is not null
	Durable      Durability
	Expiry       Expiry // "" stands for the default
	Timeout      uint32 // seconds
	Dynamic      bool
	Lifetime     Lifetime
	Properties   []byte // dynamic-node-properties, an encoded map
	Capabilities []string
}

// Has reports whether the terminus has a capability.
func (t *Terminus) Has(capability string) bool {
	for _, c := range t.Capabilities {
		if c == capability {
			return true
		}
	}
	return false
}

// Source is where messages come from (AMQP 3.5.3).
type Source struct {
	Terminus
	Distribution string
	Filters      []Filter
	Default      []byte // default-outcome, encoded
	Outcomes     []string
}

// Target is where messages go to (AMQP 3.5.4).
type Target struct{ Terminus }

// Coordinator is the target that transactions are controlled through (AMQP 4.5.1).
type Coordinator struct{ Capabilities []string }

// Filter is one entry of a source's filter set (AMQP 3.5.8).
type Filter struct {
	Key   []byte // as the peer sent it, encoded
	Value []byte // encoded, with its descriptor if it has one
}

// Selector returns the text of a JMS selector, which is found by its descriptor and not by its
// key.
func (f *Filter) Selector() (text string, ok bool) {
	v, _, err := wire.Parse(f.Value)
	if err != nil || v.Descriptor == nil || DescriptorCode(v.Descriptor) != codeSelector || !v.IsString() {
		return "", false
	}
	return string(v.Data), true
}

// NoLocal reports whether the filter leaves out what the same client sent.
func (f *Filter) NoLocal() bool {
	v, _, err := wire.Parse(f.Value)
	return err == nil && v.Descriptor != nil && DescriptorCode(v.Descriptor) == codeNoLocal
}

// SelectorFilter returns the filter for a JMS selector, as ActiveMQ names it.
func SelectorFilter(text string) Filter {
	value := wire.AppendString(wire.AppendDescriptor(nil, codeSelector), text)
	return Filter{Key: wire.AppendSymbol(nil, "apache.org:selector-filter:string"), Value: value}
}

// NoLocalFilter returns the filter that leaves out what the same client sent.
func NoLocalFilter() Filter {
	value := append(wire.AppendDescriptor(nil, codeNoLocal), wire.List0)
	return Filter{Key: wire.AppendSymbol(nil, "apache.org:no-local-filter:list"), Value: value}
}

// readAddress reads a terminus's address. Only strings are addresses of nodes here.
func (t *Terminus) readAddress(f *wire.Fields) {
	v := f.Any()
	switch {
	case v.IsNull():
	case v.IsString(), v.IsSymbol():
		t.Address, t.HasAddress = string(v.Data), true
	default:
		f.Fail(wire.ErrType)
	}
}

// readMiddle reads the fields from durable to dynamic-node-properties.
func (t *Terminus) readMiddle(f *wire.Fields) {
	t.Durable = Durability(f.UintOr(0))
	t.Expiry = Expiry(f.Symbol())
	t.Timeout = f.UintOr(0)
	t.Dynamic = f.Bool()
	t.Properties = bytes.Clone(f.Map())
	t.Lifetime = lifetime(t.Properties)
	if t.Durable > UnsettledState {
		f.Fail(wire.ErrValue)
	}
	switch t.Expiry {
	case "", LinkDetach, SessionEnd, ConnectionClose, Never:
	default:
		f.Fail(wire.ErrValue)
	}
}

// lifetime finds the lifetime-policy among a dynamic node's properties.
func lifetime(properties []byte) Lifetime {
	if properties == nil {
		return NoLifetime
	}
	v, _, err := wire.Parse(properties)
	if err != nil {
		return NoLifetime
	}
	items := v.Items()
	for k, ok := items.Next(); ok; k, ok = items.Next() {
		value, ok := items.Next()
		if !ok || string(k.Data) != "lifetime-policy" || value.Descriptor == nil {
			continue
		}
		switch DescriptorCode(value.Descriptor) {
		case codeDeleteOnClose:
			return DeleteOnClose
		case codeDeleteNoLinks:
			return DeleteOnNoLinks
		case codeDeleteNoMessage:
			return DeleteOnNoMessages
		case codeDeleteNeither:
			return DeleteOnNoLinksOrMessages
		}
	}
	return NoLifetime
}

// LifetimeProperties returns dynamic-node-properties that say how long the node lives.
func LifetimeProperties(l Lifetime) []byte {
	code := uint64(codeDeleteOnClose)
	switch l {
	case NoLifetime:
		return nil
	case DeleteOnNoLinks:
		code = codeDeleteNoLinks
	case DeleteOnNoMessages:
		code = codeDeleteNoMessage
	case DeleteOnNoLinksOrMessages:
		code = codeDeleteNeither
	}
	c := wire.Open(nil, wire.Map8)
	c.Count = 2
	c.B = wire.AppendSymbol(c.B, "lifetime-policy")
	c.B = append(wire.AppendDescriptor(c.B, code), wire.List0)
	return c.Close()
}

func parseSource(raw []byte) (*Source, error) {
	code, n, err := descriptor(raw)
	if err != nil {
		return nil, err
	}
	f, _, err := wire.FieldsOf(raw[n:])
	if err != nil {
		return nil, err
	}
	if code != codeSource {
		return nil, wire.ErrType
	}
	s := new(Source)
	s.readAddress(&f)
	s.readMiddle(&f)
	s.Distribution = string(f.Symbol())
	s.Filters = parseFilters(&f)
	s.Default = bytes.Clone(f.Raw())
	s.Outcomes = f.Symbols()
	s.Capabilities = f.Symbols()
	return s, f.Err()
}

func parseFilters(f *wire.Fields) []Filter {
	raw := f.Map()
	if raw == nil {
		return nil
	}
	v, _, err := wire.Parse(bytes.Clone(raw))
	if err != nil {
		f.Fail(err)
		return nil
	}
	var list []Filter
	items := v.Items()
	for key, ok := items.Raw(); ok; key, ok = items.Raw() {
		value, ok := items.Raw()
		if !ok {
			break
		}
		list = append(list, Filter{key, value})
	}
	return list
}

// parseTarget reads a target, which may be a coordinator.
func parseTarget(raw []byte) (*Target, *Coordinator, error) {
	code, n, err := descriptor(raw)
	if err != nil {
		return nil, nil, err
	}
	f, _, err := wire.FieldsOf(raw[n:])
	if err != nil {
		return nil, nil, err
	}
	switch code {
	case codeCoordinator:
		return nil, &Coordinator{f.Symbols()}, f.Err()
	case codeTarget:
	default:
		return nil, nil, wire.ErrType
	}
	t := new(Target)
	t.readAddress(&f)
	t.readMiddle(&f)
	t.Capabilities = f.Symbols()
	return t, nil, f.Err()
}

// appendHead appends the fields that all termini begin with.
func (t *Terminus) appendHead(c *wire.Compound) {
	if t.HasAddress {
		c.Item()
		c.B = wire.AppendString(c.B, t.Address)
	} else {
		c.Null()
	}
	if t.Durable != NotDurable {
		c.Uint(uint32(t.Durable))
	} else {
		c.Null()
	}
	c.Symbol(string(t.Expiry))
	if t.Timeout != 0 {
		c.Uint(t.Timeout)
	} else {
		c.Null()
	}
	c.True(t.Dynamic)
	c.Raw(t.Properties)
}

func (s *Source) appendTo(dst []byte) []byte {
	c := wire.Open(wire.AppendDescriptor(dst, codeSource), wire.List8)
	s.appendHead(&c)
	c.Symbol(s.Distribution)
	if len(s.Filters) == 0 {
		c.Null()
	} else {
		c.Item()
		m := wire.Open(c.B, wire.Map8)
		for _, f := range s.Filters {
			m.B = append(append(m.B, f.Key...), f.Value...)
			m.Count += 2
		}
		c.B = m.Close()
	}
	c.Raw(s.Default)
	c.Symbols(s.Outcomes)
	c.Symbols(s.Capabilities)
	return c.Close()
}

func (t *Target) appendTo(dst []byte) []byte {
	c := wire.Open(wire.AppendDescriptor(dst, codeTarget), wire.List8)
	t.appendHead(&c)
	c.Symbols(t.Capabilities)
	return c.Close()
}

func (k *Coordinator) appendTo(dst []byte) []byte {
	c := wire.Open(wire.AppendDescriptor(dst, codeCoordinator), wire.List8)
	c.Symbols(k.Capabilities)
	return c.Close()
}
