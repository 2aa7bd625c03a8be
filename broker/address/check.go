package address

import (
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/fault"
)

// Limits of a name. A trie keeps a node per level, so levels are bounded apart from bytes.
const (
	MaxLength = 1<<16 - 1 // bytes: what an MQTT topic may have
	MaxLevels = 256
)

// Check returns an error of kind fault.InvalidName, or fault.TooLarge for one beyond the limits,
// if no destination can have the name, be it meant literally or as a pattern. Levels may be
// empty, and a level may hold any text without a dot, save a NUL character.
func Check(name string) error {
	switch {
	case name == "":
		return fault.New(fault.InvalidName, "address", name, "a destination needs a name")
	case len(name) > MaxLength:
		return fault.New(fault.TooLarge, "address", "", "a destination's name has %d bytes, the most is %d", len(name), MaxLength)
	case strings.Count(name, string(separator)) >= MaxLevels:
		return fault.New(fault.TooLarge, "address", "", "a destination's name has more than %d levels", MaxLevels)
	case !utf8.ValidString(name):
		return fault.New(fault.InvalidName, "address", name, "a destination's name is not UTF-8")
	case strings.IndexByte(name, 0) >= 0:
		return fault.New(fault.InvalidName, "address", name, "a destination's name has a NUL character")
	}
	return nil
}
