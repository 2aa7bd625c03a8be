package security

import (
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// parseSubject reads a distinguished name, RFC 2253 section 3 with the extras of section 4
// (spaces, semicolons, quotes), and returns its canonical form.
func parseSubject(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("is not UTF-8")
	}
	p := subjectParser{rest: s}
	var relatives [][]attribute
	for more := true; more; {
		var attributes []attribute
		for {
			a, err := p.attribute()
			if err != nil {
				return "", err
			}
			attributes = append(attributes, a)
			if !p.take('+') {
				break
			}
		}
		relatives = append(relatives, attributes)
		more = p.take(',') || p.take(';')
	}
	if p.rest != "" {
		return "", fmt.Errorf("is not a distinguished name: %q is left over", p.rest)
	}
	return canonical(relatives), nil
}

// subjectParser is at a position in a distinguished name.
type subjectParser struct{ rest string }

// take steps over c if it comes next.
func (p *subjectParser) take(c byte) bool {
	p.spaces()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *subjectParser) spaces() { p.rest = strings.TrimLeft(p.rest, " ") }

// attribute reads type=value.
func (p *subjectParser) attribute() (attribute, error) {
	name, _, ok := strings.Cut(p.rest, "=")
	if !ok {
		return attribute{}, errors.New("is not a distinguished name: no type=value")
	}
	p.rest = p.rest[len(name)+1:]
	name = strings.TrimPrefix(strings.ToUpper(strings.Trim(name, " ")), "OID.")
	if name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != "" {
		return attribute{}, fmt.Errorf("is not a distinguished name: %q is not a type", name)
	}
	kind := keyword(name)
	p.spaces()
	if strings.HasPrefix(p.rest, "#") {
		return p.encoded(kind)
	}
	value, err := p.value()
	return attribute{kind: kind, value: value}, err
}

// encoded reads a value in the form of # and hexadecimal digits.
func (p *subjectParser) encoded(kind string) (attribute, error) {
	end := strings.IndexAny(p.rest, " ,;+")
	if end < 0 {
		end = len(p.rest)
	}
	der, err := hex.DecodeString(p.rest[1:end])
	p.rest = p.rest[end:]
	if err != nil {
		return attribute{}, fmt.Errorf("is not a distinguished name: the encoded value of %s is damaged", kind)
	}
	var v asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 {
		return attribute{}, fmt.Errorf("is not a distinguished name: the encoded value of %s is damaged", kind)
	}
	return newAttribute(kind, v), nil
}

// value reads a text, quoted or with escapes.
func (p *subjectParser) value() (string, error) {
	var b strings.Builder
	quoted := p.take('"')
	length := 0 // without unescaped spaces at the end
	for p.rest != "" {
		c := p.rest[0]
		switch {
		case c == '\\':
			unescaped, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteByte(unescaped)
			length = b.Len()
			continue
		case quoted && c == '"':
			p.rest = p.rest[1:]
			return b.String(), checkValue(b.String())
		case !quoted && (c == ',' || c == ';' || c == '+'):
			return b.String()[:length], checkValue(b.String()[:length])
		case !quoted && (c == '"' || c == '<' || c == '>'):
			return "", fmt.Errorf("is not a distinguished name: %q needs a \\ before it", c)
		}
		b.WriteByte(c)
		if c != ' ' || quoted {
			length = b.Len()
		}
		p.rest = p.rest[1:]
	}
	if quoted {
		return "", errors.New("is not a distinguished name: a quote has no end")
	}
	return b.String()[:length], checkValue(b.String()[:length])
}

// escape reads \ and one character, or \ and two hexadecimal digits for one byte.
func (p *subjectParser) escape() (byte, error) {
	if len(p.rest) >= 3 {
		if b, err := hex.DecodeString(p.rest[1:3]); err == nil {
			p.rest = p.rest[3:]
			return b[0], nil
		}
	}
	if len(p.rest) < 2 || strings.IndexByte(`,+"\<>;=# `, p.rest[1]) < 0 {
		return 0, errors.New(`is not a distinguished name: a \ escapes nothing`)
	}
	c := p.rest[1]
	p.rest = p.rest[2:]
	return c, nil
}

// checkValue refuses what escapes can make and no certificate holds.
func checkValue(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("is not a distinguished name: a value is not UTF-8")
	}
	return nil
}
