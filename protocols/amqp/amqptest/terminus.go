package amqptest

// Terminus is a source or a target [AMQP 3.5.3, 3.5.4].
type Terminus struct {
	Address        any // string, or nil
	Durable        uint32
	Expiry         Symbol
	Timeout        uint32 // seconds
	Dynamic        bool
	NodeProperties Map
	Mode           Symbol // of distribution
	Filter         Map
	Default        any // outcome
	Outcomes       []Symbol
	Capabilities   []Symbol
}

// Source returns the described source.
func (t Terminus) Source() Described {
	return D(SourceCode, t.Address, t.Durable, symbol(t.Expiry), t.Timeout, t.Dynamic, optional(t.NodeProperties), symbol(t.Mode),
		optional(t.Filter), t.Default, symbols(t.Outcomes), symbols(t.Capabilities))
}

// Target returns the described target.
func (t Terminus) Target() Described {
	return D(TargetCode, t.Address, t.Durable, symbol(t.Expiry), t.Timeout, t.Dynamic, optional(t.NodeProperties), symbols(t.Capabilities))
}

func symbol(s Symbol) any {
	if s == "" {
		return nil
	}
	return s
}

func optional(m Map) any {
	if m == nil {
		return nil
	}
	return m
}

func symbols(list []Symbol) any {
	if len(list) == 0 {
		return nil
	}
	var a Array
	for _, s := range list {
		a = append(a, s)
	}
	return a
}

// Has reports whether a field of multiple symbols holds one.
func Has(field any, want Symbol) bool {
	switch v := field.(type) {
	case Symbol:
		return v == want
	case Array:
		for _, s := range v {
			if s == want {
				return true
			}
		}
	}
	return false
}

// AllOutcomes are the outcomes that clients list.
func AllOutcomes() []Symbol {
	return []Symbol{"amqp:accepted:list", "amqp:rejected:list", "amqp:released:list", "amqp:modified:list"}
}

// Selector returns a filter with a JMS selector, as Qpid JMS writes it.
func Selector(text string) Map {
	return Map{Symbol("jms-selector"), Described{uint64(SelectorFilter), text}}
}

// NoLocal returns the filter that keeps out what the own connection sends.
func NoLocal() Map {
	return Map{Symbol("no-local"), Described{uint64(NoLocalFilter), List{}}}
}

// JMSSource is a source as Qpid JMS writes it.
func JMSSource(address string, capabilities ...Symbol) Terminus {
	return Terminus{
		Address: address, Expiry: "link-detach", Default: D(Modified, true), Outcomes: AllOutcomes(), Capabilities: capabilities,
	}
}
