package packet

import (
	"bytes"
	"unicode/utf8"
)

// ValidText reports whether octets are a string of the protocol: well-formed UTF-8 without
// surrogates [MQTT-1.5.3-1] [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.3-2] [MQTT-1.5.4-2]. A
// byte order mark is data like any other [MQTT-1.5.3-3] [MQTT-1.5.4-3].
func ValidText(b []byte) bool {
	for _, c := range b {
		if c-1 >= 0x7f { // NUL, or not ASCII
			return bytes.IndexByte(b, 0) < 0 && utf8.Valid(b)
		}
	}
	return true
}

// MaxLevels bounds the levels of a topic name or filter.
const MaxLevels = 200

// ValidName reports whether a text, which is a string of the protocol already [MQTT-4.7.3-2]
// [MQTT-4.7.3-3], is a topic name: not empty [MQTT-4.7.3-1], without
// wildcards [MQTT-3.3.2-2] [MQTT-4.7.1-1] [MQTT-4.7.0-1], of no more than MaxLevels levels.
func ValidName(name []byte) bool {
	if len(name) == 0 {
		return false
	}
	levels := 1
	for _, c := range name {
		switch c {
		case '+', '#':
			return false
		case '/':
			levels++
		}
	}
	return levels <= MaxLevels
}

// ValidFilter reports whether a text is a topic filter: not empty, # only as the whole last
// level [MQTT-4.7.1-2], + only as a whole level [MQTT-4.7.1-3].
func ValidFilter(filter []byte) bool {
	if len(filter) == 0 {
		return false
	}
	levels := 1
	for i, c := range filter {
		switch c {
		case '/':
			levels++
		case '+', '#':
			if i > 0 && filter[i-1] != '/' {
				return false
			}
			last := i+1 == len(filter)
			if c == '#' && !last || !last && filter[i+1] != '/' {
				return false
			}
		}
	}
	return levels <= MaxLevels
}

const sharePrefix = "$share/"

// Shared takes a filter of the form $share/NAME/FILTER apart. It reports whether the filter
// claims to be one; the parts are nil when it is none in truth: NAME has to be there and to be
// free of wildcards, and a filter has to follow [MQTT-4.8.2-1] [MQTT-4.8.2-2].
func Shared(filter []byte) (name, rest []byte, shared bool) {
	if len(filter) < len(sharePrefix) || string(filter[:len(sharePrefix)]) != sharePrefix {
		return nil, filter, string(filter) == sharePrefix[:len(sharePrefix)-1]
	}
	name, rest, ok := bytes.Cut(filter[len(sharePrefix):], []byte{'/'})
	if !ok || len(name) == 0 || len(rest) == 0 || bytes.ContainsAny(name, "+#") {
		return nil, nil, true
	}
	return name, rest, true
}
