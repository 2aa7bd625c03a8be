// Package address names destinations: a kind and a name of levels separated by dots. Each
// protocol maps its own spelling to an Address and back in one file of its own.
package address

import "strings"

// Kind tells the name spaces of destinations apart.
type Kind uint8

// The kinds. A temporary destination belongs to one connection and ends with it.
const (
	None Kind = iota // no destination
	Queue
	Topic
	TempQueue
	TempTopic
)

// IsQueue reports whether messages to the kind wait for one consumer each.
func (k Kind) IsQueue() bool { return k == Queue || k == TempQueue }

// IsTopic reports whether messages to the kind go to each subscriber.
func (k Kind) IsTopic() bool { return k == Topic || k == TempTopic }

// IsTemp reports whether the kind ends with the connection that made it.
func (k Kind) IsTemp() bool { return k == TempQueue || k == TempTopic }

var schemes = [...]string{None: "", Queue: "queue://", Topic: "topic://", TempQueue: "temp-queue://", TempTopic: "temp-topic://"}

// String returns the scheme without its slashes: queue, topic, temp-queue, temp-topic.
func (k Kind) String() string {
	if int(k) < len(schemes) {
		return strings.TrimSuffix(schemes[k], "://")
	}
	return ""
}

// Address is a destination's kind and name. The zero Address is no destination. It is
// comparable, so it serves as a map key.
type Address struct {
	Kind Kind
	Name string
}

// String returns the qualified form, such as queue://orders.eu.
func (a Address) String() string {
	if a.Kind == None || int(a.Kind) >= len(schemes) {
		return a.Name
	}
	return schemes[a.Kind] + a.Name
}

// IsZero reports whether a names nothing.
func (a Address) IsZero() bool { return a.Kind == None && a.Name == "" }

// IsPattern reports whether the name has a wildcard level, * or >.
func (a Address) IsPattern() bool { return IsPattern(a.Name) }

// Parse reads the qualified form; a name without a scheme is of kind def.
func Parse(s string, def Kind) Address {
	for k := Queue; k <= TempTopic; k++ {
		if rest, ok := strings.CutPrefix(s, schemes[k]); ok {
			return Address{k, rest}
		}
	}
	return Address{def, s}
}
