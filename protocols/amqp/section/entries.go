package section

import (
	"github.com/manifoldmq/manifold/protocols/amqp/wire"
)

// Entries calls fn with each key and value of an encoded map, such as the value of a section of
// annotations or application properties, until it returns false. Keys are the octets of strings
// and symbols; entries with other keys are left out.
func Entries(raw []byte, fn func(key []byte, value wire.Value) bool) {
	if raw == nil {
		return
	}
	v, _, err := wire.Parse(raw)
	if err != nil || !v.IsMap() {
		return
	}
	items := v.Items()
	for {
		key, ok := items.Next()
		if !ok {
			return
		}
		value, ok := items.Next()
		if !ok {
			return
		}
		if (key.IsString() || key.IsSymbol()) && !fn(key.Data, value) {
			return
		}
	}
}

// Find returns the value of a key of an encoded map.
func Find(raw []byte, name string) (value wire.Value, ok bool) {
	Entries(raw, func(key []byte, v wire.Value) bool {
		if string(key) == name {
			value, ok = v, true
		}
		return !ok
	})
	return value, ok
}

// OpenMap begins a section that is a map. The caller appends keys and values and counts both.
func OpenMap(dst []byte, code uint8) wire.Compound {
	return wire.Open(append(dst, wire.Described, wire.SmallUlong, code), wire.Map8)
}
