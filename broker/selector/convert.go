package selector

import (
	"strconv"
	"strings"
)

// parseAs reads a string as a value of another kind, as Java's classes do, and reports whether
// it is one.
func parseAs(s string, k kind) (value, bool) {
	switch k {
	case boolean:
		return ofBool(strings.EqualFold(s, "true")), true
	case integer:
		i, ok := parseInt(s, 32)
		return ofInt(int32(i)), ok
	case long:
		i, ok := parseInt(s, 64)
		return ofLong(i), ok
	case float:
		f, ok := parseFloat(s, 32)
		v := ofDouble(f)
		v.kind = float
		return v, ok
	case double:
		f, ok := parseFloat(s, 64)
		return ofDouble(f), ok
	}
	return value{}, false
}

// parseInt reads what Integer.valueOf or Long.valueOf does: digits with a sign at most.
func parseInt(s string, bits int) (int64, bool) {
	digits := s
	if s != "" && (s[0] == '-' || s[0] == '+') {
		digits = s[1:]
	}
	if len(digits) == 0 || span(digits, isDigit) < len(digits) {
		return 0, false
	}
	i, err := strconv.ParseInt(s, 10, bits)
	return i, err == nil
}

// parseFloat reads what Double.valueOf or Float.valueOf does: white space around, a suffix of
// Java's, NaN and Infinity are fine, Go's other spellings are not.
func parseFloat(s string, bits int) (float64, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	body := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	if len(s)-len(body) > 1 {
		return 0, false
	}
	hex := len(body) > 1 && body[0] == '0' && lower(body[1]) == 'x'
	if body != "NaN" && body != "Infinity" {
		if n := len(body); n > 1 && strings.IndexByte("fFdD", body[n-1]) >= 0 && (!hex || strings.ContainsAny(body, "pP")) {
			s, body = s[:len(s)-1], body[:n-1]
		}
		for i := 0; i < len(body); i++ {
			if c := body[i]; !isDigit(c) && strings.IndexByte(".eE+-", c) < 0 && !(hex && (isHex(c) || strings.IndexByte("xXpP", c) >= 0)) {
				return 0, false
			}
		}
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil && err.(*strconv.NumError).Err == strconv.ErrRange {
		err = nil // too large is infinite, as it is in Java
	}
	return f, err == nil
}
