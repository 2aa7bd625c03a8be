package transform

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader reads JSON as Jettison does: members become elements, the members of an array
// elements of one name. It is lenient where Jettison is: quotes may be single, and what follows
// the outermost object is ignored.
type jsonReader struct {
	text []byte
	pos  int
	b    *budget
}

// parseJSON returns the one member of the outermost object as an element.
func parseJSON(text []byte, b *budget) (element, error) {
	r := &jsonReader{text: text, b: b}
	if r.peek() != '{' {
		return element{}, malformed("a JSON object must begin with {")
	}
	var outer element
	if err := r.object(&outer); err != nil {
		return element{}, err
	}
	if len(outer.children) == 0 {
		return element{}, malformed("the JSON object is empty")
	}
	return outer.children[0], nil
}

// peek returns the next octet that is not white space, 0 at the end.
func (r *jsonReader) peek() byte {
	for r.pos < len(r.text) {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

func (r *jsonReader) expect(c byte) error {
	if r.peek() != c {
		return malformed("expected " + string(rune(c)) + " at octet " + strconv.Itoa(r.pos))
	}
	r.pos++
	return nil
}

// object reads the members of an object into e: children, or with "$" its text. Attributes,
// whose names begin with @, are passed over: they only name classes.
func (r *jsonReader) object(e *element) error {
	r.pos++
	if r.peek() == '}' {
		r.pos++
		return nil
	}
	for {
		name, err := r.str()
		if err != nil {
			return err
		}
		if err := r.expect(':'); err != nil {
			return err
		}
		if err := r.member(e, name); err != nil {
			return err
		}
		if r.peek() == '}' {
			r.pos++
			return nil
		}
		if err := r.expect(','); err != nil {
			return err
		}
	}
}

func (r *jsonReader) member(e *element, name string) error {
	switch {
	case name == "$":
		child := element{}
		err := r.value(&child)
		e.text = child.text
		return err
	case len(name) > 0 && name[0] == '@':
		return r.value(&element{})
	case r.peek() == '[':
		return r.array(e, name)
	}
	child := element{name: name}
	if err := r.value(&child); err != nil {
		return err
	}
	e.children = append(e.children, child)
	return nil
}

func (r *jsonReader) array(e *element, name string) error {
	r.pos++
	if r.peek() == ']' {
		r.pos++
		return nil
	}
	for {
		child := element{name: name}
		if err := r.value(&child); err != nil {
			return err
		}
		e.children = append(e.children, child)
		if r.peek() == ']' {
			r.pos++
			return nil
		}
		if err := r.expect(','); err != nil {
			return err
		}
	}
}

// value reads an object, a string, or a bare word (number, true, null) as text.
func (r *jsonReader) value(e *element) error {
	if err := r.b.enter(); err != nil {
		return err
	}
	defer r.b.leave()
	switch r.peek() {
	case '{':
		return r.object(e)
	case '[':
		return malformed("an array within an array")
	case '"', '\'':
		s, err := r.str()
		e.text = s
		return err
	}
	start := r.pos
	for r.pos < len(r.text) && strings.IndexByte(",:]}/\\\"'[{ \t\r\n", r.text[r.pos]) < 0 {
		r.pos++
	}
	if start == r.pos {
		return malformed("expected a value at octet " + strconv.Itoa(start))
	}
	if word := string(r.text[start:r.pos]); word != "null" {
		e.text = word
	}
	return nil
}

// str reads a string in double or single quotes.
func (r *jsonReader) str() (string, error) {
	quote := r.peek()
	if quote != '"' && quote != '\'' {
		return "", malformed("expected a string at octet " + strconv.Itoa(r.pos))
	}
	r.pos++
	rest := r.text[r.pos:]
	end := bytes.IndexByte(rest, quote)
	if end >= 0 && bytes.IndexByte(rest[:end], '\\') < 0 {
		r.pos += end + 1
		return string(bytes.ToValidUTF8(rest[:end], []byte("\ufffd"))), nil
	}
	var out []byte
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch c {
		case quote:
			return string(bytes.ToValidUTF8(out, []byte("\ufffd"))), nil
		case '\\':
			var err error
			if out, err = r.escape(out); err != nil {
				return "", err
			}
		default:
			out = append(out, c)
		}
	}
	return "", malformed("a string does not end")
}

func (r *jsonReader) escape(out []byte) ([]byte, error) {
	if r.pos == len(r.text) {
		return nil, malformed("a string does not end")
	}
	c := r.text[r.pos]
	r.pos++
	switch c {
	case 'b':
		return append(out, '\b'), nil
	case 'f':
		return append(out, '\f'), nil
	case 'n':
		return append(out, '\n'), nil
	case 'r':
		return append(out, '\r'), nil
	case 't':
		return append(out, '\t'), nil
	case 'u':
		unit, err := r.hex4()
		if err != nil {
			return nil, err
		}
		if utf16.IsSurrogate(unit) && bytes.HasPrefix(r.text[r.pos:], []byte(`\u`)) {
			back := r.pos
			r.pos += 2
			low, err := r.hex4()
			if err != nil {
				return nil, err
			}
			if pair := utf16.DecodeRune(unit, low); pair != utf8.RuneError {
				return utf8.AppendRune(out, pair), nil
			}
			r.pos = back
		}
		return utf8.AppendRune(out, unit), nil
	}
	return append(out, c), nil
}

func (r *jsonReader) hex4() (rune, error) {
	if len(r.text)-r.pos < 4 {
		return 0, malformed("a string does not end")
	}
	n, err := strconv.ParseUint(string(r.text[r.pos:r.pos+4]), 16, 16)
	if err != nil {
		return 0, malformed(`four digits must follow \u`)
	}
	r.pos += 4
	return rune(n), nil
}
