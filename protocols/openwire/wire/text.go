package wire

import (
	"unicode/utf8"
	"unsafe"
)

// Text is a string field as it is on the wire: Java's modified UTF-8, in which NUL has two octets
// and characters beyond the basic plane are surrogate pairs of three octets each. Nil is null.
type Text []byte

// TextOf encodes a string of UTF-8. It shares the string's memory where both encodings agree.
func TextOf(s string) Text {
	if s == "" {
		return Text{}
	}
	if isModified(s) {
		return unsafe.Slice(unsafe.StringData(s), len(s))
	}
	return AppendText(make(Text, 0, len(s)+8), s)
}

// NullText is TextOf, with null for an empty string.
func NullText(s string) Text {
	if s == "" {
		return nil
	}
	return TextOf(s)
}

// isModified reports whether a string's UTF-8 is its modified UTF-8 as well.
func isModified(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == 0 || c >= 0xf0 {
			return false
		}
	}
	return true
}

// AppendText appends a string of UTF-8 as modified UTF-8.
func AppendText(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c != 0 && c < utf8.RuneSelf {
			dst = append(dst, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == 0:
			dst = append(dst, 0xc0, 0x80)
		case r > 0xffff:
			r -= 0x10000
			dst = appendUnit(dst, 0xd800|r>>10)
			dst = appendUnit(dst, 0xdc00|r&0x3ff)
		default:
			dst = utf8.AppendRune(dst, r)
		}
		i += n
	}
	return dst
}

// appendUnit appends a UTF-16 code unit in three octets.
func appendUnit(dst []byte, u rune) []byte {
	return append(dst, 0xe0|byte(u>>12), 0x80|byte(u>>6)&0x3f, 0x80|byte(u)&0x3f)
}

// IsNull reports whether there is no text.
func (t Text) IsNull() bool { return t == nil }

// isASCII reports whether the text is one octet a character, in the sense of the tight encoding.
func (t Text) isASCII() bool {
	for _, c := range t {
		if c == 0 || c > 0x7f {
			return false
		}
	}
	return true
}

// view returns the octets as a string that shares their memory.
func (t Text) view() string { return unsafe.String(unsafe.SliceData(t), len(t)) }

// isUTF8 reports whether the text is UTF-8 as it stands.
func (t Text) isUTF8() bool {
	for _, c := range t {
		if c >= utf8.RuneSelf {
			return utf8.Valid(t)
		}
	}
	return true
}

// View returns the text as UTF-8. The string shares the text's memory where both encodings
// agree, and lives as long as that.
func (t Text) View() string {
	if t.isUTF8() {
		return t.view()
	}
	return string(AppendUTF8(make([]byte, 0, len(t)), t))
}

// String returns the text as UTF-8.
func (t Text) String() string {
	if t.isUTF8() {
		return string(t)
	}
	return string(AppendUTF8(make([]byte, 0, len(t)), t))
}

// AppendUTF8 appends modified UTF-8, or what claims to be, as UTF-8. Octets that are neither
// become the replacement character.
func AppendUTF8(dst []byte, t []byte) []byte {
	for i := 0; i < len(t); {
		c := t[i]
		switch {
		case c < utf8.RuneSelf:
			dst = append(dst, c)
			i++
			continue
		case c == 0xc0 && i+1 < len(t) && t[i+1] == 0x80:
			dst = append(dst, 0)
			i += 2
			continue
		case c == 0xed:
			high, ok1 := unit(t, i)
			low, ok2 := unit(t, i+3)
			if ok1 && ok2 && high>>10 == 0x36 && low>>10 == 0x37 {
				dst = utf8.AppendRune(dst, 0x10000+(high&0x3ff)<<10|low&0x3ff)
				i += 6
				continue
			}
			if ok1 && high>>11 == 0x1b {
				dst = utf8.AppendRune(dst, utf8.RuneError) // half a character
				i += 3
				continue
			}
		}
		r, n := utf8.DecodeRune(t[i:])
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst
}

// unit decodes three octets at i as a UTF-16 code unit.
func unit(t []byte, i int) (rune, bool) {
	if i+2 >= len(t) || t[i]&0xf0 != 0xe0 || t[i+1]&0xc0 != 0x80 || t[i+2]&0xc0 != 0x80 {
		return 0, false
	}
	return rune(t[i]&0xf)<<12 | rune(t[i+1]&0x3f)<<6 | rune(t[i+2]&0x3f), true
}

// cut returns the text's beginning, of at most n octets and whole characters.
func (t Text) cut(n int) Text {
	for n > 0 && t[n]&0xc0 == 0x80 {
		n--
	}
	return t[:n]
}
