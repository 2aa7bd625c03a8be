package frame

import "bytes"

// text is what the writing side takes: strings from the broker, octets from other frames.
type text interface{ ~string | ~[]byte }

// unescape reads one octet of an escaped name or value, and how many raw octets it took. An
// undefined escape stands for itself, as ActiveMQ has it: the backslash is then an octet, and
// so is what follows. [STOMP-1.2 Value Encoding]
func unescape(v Version, raw []byte) (c byte, n int) {
	if raw[0] != '\\' || len(raw) == 1 {
		return raw[0], 1
	}
	switch raw[1] {
	case 'n':
		return '\n', 2
	case 'c':
		return ':', 2
	case '\\':
		return '\\', 2
	case 'r':
		if versions[v].cr {
			return '\r', 2
		}
	}
	return '\\', 1
}

// Unescape returns a raw value with its escapes resolved: the value itself if it has none. It is
// for the passcode of a client that wrongly escapes CONNECT.
func Unescape(v Version, raw []byte) []byte {
	if !versions[v].escape || bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return appendUnescaped(make([]byte, 0, len(raw)), v, raw)
}

func appendUnescaped(dst []byte, v Version, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c, n := unescape(v, raw[i:])
		dst, raw = append(dst, c), raw[i+n:]
	}
}

// undefinedEscape reports whether a raw line has a backslash that starts no escape of the
// version.
func undefinedEscape(v Version, raw []byte) bool {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return false
		}
		raw = raw[i:]
		_, n := unescape(v, raw)
		if n == 1 {
			return true
		}
		raw = raw[n:]
	}
}

// special reports whether an octet can't stand in a header as it is, in any version.
func special(c byte) bool {
	return c <= ':' && (c == ':' || c == '\n' || c == '\r' || c == 0) || c == '\\'
}

// appendEscaped appends a name or value in the version's encoding.
func appendEscaped[T text](dst []byte, v Version, s T) []byte {
	start := 0
	for i := range len(s) {
		if !special(s[i]) {
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscapedByte(dst, v, s[i])
		start = i + 1
	}
	return append(dst, s[start:]...)
}

// appendEscapedByte appends one octet in the version's encoding. What a version can't say
// becomes a blank: LF in 1.0, which would end the line, and NUL in all, at which many clients
// end the frame.
func appendEscapedByte(dst []byte, v Version, c byte) []byte {
	r := &versions[v]
	switch {
	case c == 0:
		return append(dst, ' ')
	case !r.escape && c == '\n':
		return append(dst, ' ')
	case !r.escape:
		return append(dst, c)
	case c == '\n':
		return append(dst, '\\', 'n')
	case c == ':':
		return append(dst, '\\', 'c')
	case c == '\\':
		return append(dst, '\\', '\\')
	case c == '\r' && r.cr:
		return append(dst, '\\', 'r')
	}
	return append(dst, c)
}
