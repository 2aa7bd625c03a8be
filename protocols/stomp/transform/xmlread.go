package transform

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlReader reads the part of XML that XStream writes and its users send: elements, text,
// references to characters, CDATA. Comments, declarations and attributes are passed over, and no
// entity can be defined, so nothing expands. The standard library's reader would refuse the
// control characters that XStream writes.
type xmlReader struct {
	text []byte
	pos  int
	b    *budget
}

// parseXML returns the outermost element; what follows it is ignored.
func parseXML(text []byte, b *budget) (element, error) {
	r := &xmlReader{text: bytes.TrimPrefix(text, []byte("\ufeff")), b: b}
	for {
		for r.pos < len(r.text) && isSpace(r.text[r.pos]) {
			r.pos++
		}
		if r.pos == len(r.text) || r.text[r.pos] != '<' {
			return element{}, malformed("an XML document must begin with <")
		}
		skipped, err := r.skipMarkup()
		if err != nil {
			return element{}, err
		}
		if !skipped {
			return r.element()
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// skipMarkup passes over a comment, a processing instruction or a document type.
func (r *xmlReader) skipMarkup() (bool, error) {
	rest := r.text[r.pos:]
	switch {
	case bytes.HasPrefix(rest, []byte("<!--")):
		r.pos += len("<!--")
		_, err := r.upTo("-->")
		return true, err
	case bytes.HasPrefix(rest, []byte("<?")):
		_, err := r.upTo("?>")
		return true, err
	case bytes.HasPrefix(rest, []byte("<!DOCTYPE")):
		end := ">"
		if open, stop := bytes.IndexByte(rest, '['), bytes.IndexByte(rest, '>'); open >= 0 && open < stop {
			if _, err := r.upTo("]"); err != nil {
				return true, err
			}
		}
		_, err := r.upTo(end)
		return true, err
	}
	return false, nil
}

// upTo returns what stands before the mark and moves behind it.
func (r *xmlReader) upTo(mark string) ([]byte, error) {
	i := bytes.Index(r.text[r.pos:], []byte(mark))
	if i < 0 {
		return nil, malformed("expected " + mark)
	}
	part := r.text[r.pos : r.pos+i]
	r.pos += i + len(mark)
	return part, nil
}

// element reads from a start tag to its end tag.
func (r *xmlReader) element() (element, error) {
	if err := r.b.enter(); err != nil {
		return element{}, err
	}
	defer r.b.leave()
	var e element
	empty, err := r.startTag(&e)
	if err != nil || empty {
		return e, err
	}
	var text []byte
	for {
		raw, err := r.upTo("<")
		if err != nil {
			return e, err
		}
		r.pos--
		// Only text before the first child counts, as with XStream's readers.
		if len(e.children) == 0 {
			if text, err = appendReferences(text, raw); err != nil {
				return e, err
			}
		}
		rest := r.text[r.pos:]
		switch {
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			r.pos += len("<![CDATA[")
			raw, err := r.upTo("]]>")
			if err != nil {
				return e, err
			}
			if len(e.children) == 0 {
				text = append(text, raw...)
			}
		case bytes.HasPrefix(rest, []byte("</")):
			r.pos += 2
			name, err := r.upTo(">")
			if err != nil {
				return e, err
			}
			if string(bytes.TrimRight(name, " \t\r\n")) != e.name {
				return e, malformed("the element " + quote(e.name) + " is not closed")
			}
			e.text = string(bytes.ToValidUTF8(text, []byte("\ufffd")))
			return e, nil
		default:
			skipped, err := r.skipMarkup()
			if err != nil {
				return e, err
			}
			if skipped {
				continue
			}
			child, err := r.element()
			if err != nil {
				return e, err
			}
			e.children = append(e.children, child)
		}
	}
}

// startTag reads a tag's name and passes over its attributes.
func (r *xmlReader) startTag(e *element) (empty bool, err error) {
	r.pos++
	start := r.pos
	for r.pos < len(r.text) && !isSpace(r.text[r.pos]) && strings.IndexByte("/><&\"'=", r.text[r.pos]) < 0 {
		r.pos++
	}
	if r.pos == start {
		return false, malformed("an element needs a name")
	}
	e.name = string(r.text[start:r.pos])
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch c {
		case '>':
			return false, nil
		case '/':
			if r.pos < len(r.text) && r.text[r.pos] == '>' {
				r.pos++
				return true, nil
			}
			return false, malformed("a tag does not end")
		case '<':
			return false, malformed("a tag does not end")
		case '"', '\'':
			if _, err := r.upTo(string(rune(c))); err != nil {
				return false, err
			}
		}
	}
	return false, malformed("a tag does not end")
}

// appendReferences appends text with its character references resolved, and its line ends as
// LF. [XML 2.11]
func appendReferences(dst, raw []byte) ([]byte, error) {
	for i := 0; i < len(raw); {
		switch c := raw[i]; c {
		case '\r':
			dst = append(dst, '\n')
			if i++; i < len(raw) && raw[i] == '\n' {
				i++
			}
		case '&':
			end := bytes.IndexByte(raw[i:min(i+16, len(raw))], ';')
			if end < 0 {
				return dst, malformed("a reference does not end")
			}
			var err error
			if dst, err = appendReference(dst, string(raw[i+1:i+end])); err != nil {
				return dst, err
			}
			i += end + 1
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst, nil
}

func appendReference(dst []byte, name string) ([]byte, error) {
	switch name {
	case "lt":
		return append(dst, '<'), nil
	case "gt":
		return append(dst, '>'), nil
	case "amp":
		return append(dst, '&'), nil
	case "quot":
		return append(dst, '"'), nil
	case "apos":
		return append(dst, '\''), nil
	}
	digits, base := strings.CutPrefix(name, "#x")
	number, decimal := digits, 16
	if !base {
		if number, base = strings.CutPrefix(name, "#"); !base {
			return dst, malformed("unknown entity " + quote(name))
		}
		decimal = 10
	}
	n, err := strconv.ParseUint(number, decimal, 32)
	if err != nil || n > utf8.MaxRune {
		return dst, malformed("bad character reference " + quote(name))
	}
	return utf8.AppendRune(dst, rune(n)), nil
}
