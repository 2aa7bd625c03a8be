package transform

import (
	"strconv"
	"strings"
)

// appendXML appends an element as XStream's pretty printer does: two blanks per level, no
// declaration, no line end after the last element.
func appendXML(dst []byte, e *element, level int) []byte {
	dst = append(append(dst, '<'), e.name...)
	rest := e.children
	for len(rest) > 0 && strings.HasPrefix(rest[0].name, "@") {
		dst = append(append(append(dst, ' '), rest[0].name[1:]...), '=', '"')
		dst = append(appendXMLText(dst, rest[0].text, true), '"')
		rest = rest[1:]
	}
	if len(rest) == 0 && e.container() {
		return append(dst, '/', '>')
	}
	dst = append(dst, '>')
	dst = appendXMLText(dst, e.text, false)
	for i := range rest {
		dst = appendIndent(dst, level+1)
		dst = appendXML(dst, &rest[i], level+1)
	}
	if len(rest) > 0 {
		dst = appendIndent(dst, level)
	}
	dst = append(append(dst, '<', '/'), e.name...)
	return append(dst, '>')
}

func appendIndent(dst []byte, level int) []byte {
	dst = append(dst, '\n')
	for range level {
		dst = append(dst, ' ', ' ')
	}
	return dst
}

// appendXMLText escapes as XStream does, control characters included, which strict XML could
// not have. Bad UTF-8 becomes U+FFFD.
func appendXMLText(dst []byte, s string, attribute bool) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case c == '"':
			dst = append(dst, "&quot;"...)
		case c == '\'':
			dst = append(dst, "&apos;"...)
		case (c == '\t' || c == '\n') && !attribute:
			dst = append(dst, byte(c))
		case c < ' ', c >= 0x7f && c < 0xa0, c == 0xfffe, c == 0xffff:
			dst = append(dst, "&#x"...)
			dst = strconv.AppendUint(dst, uint64(c), 16)
			dst = append(dst, ';')
		default:
			dst = append(dst, string(c)...)
		}
	}
	return dst
}
