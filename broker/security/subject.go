package security

import (
	"cmp"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// subject is the distinguished name of a certificate's owner.
type subject struct {
	canonical  string // the form that subjects are compared in, close to RFC 2253
	java       string // the form that regular expressions are matched with, Java's X500Name.getName
	commonName string // of the first relative name that has one alone; empty if there is none
}

// attribute is one type and value of a distinguished name.
type attribute struct {
	kind    string // a keyword in upper case, or an object identifier
	value   string // unescaped text
	encoded bool   // value is no text: the hexadecimal form of its DER encoding
}

// keyword returns the one name by which a type is compared, given one of its names or
// its number. Java writes the types of RFC 2253 by name, and others by number or, in its older
// form, by further names.
func keyword(name string) string {
	switch name {
	case "2.5.4.3", "CN":
		return "CN"
	case "2.5.4.7", "L":
		return "L"
	case "2.5.4.8", "ST", "S":
		return "ST"
	case "2.5.4.10", "O":
		return "O"
	case "2.5.4.11", "OU":
		return "OU"
	case "2.5.4.6", "C":
		return "C"
	case "2.5.4.9", "STREET":
		return "STREET"
	case "0.9.2342.19200300.100.1.25", "DC":
		return "DC"
	case "0.9.2342.19200300.100.1.1", "UID":
		return "UID"
	case "1.2.840.113549.1.9.1", "EMAILADDRESS", "EMAIL", "E":
		return "1.2.840.113549.1.9.1"
	case "2.5.4.5", "SERIALNUMBER":
		return "2.5.4.5"
	case "2.5.4.12", "T", "TITLE":
		return "2.5.4.12"
	case "2.5.4.4", "SURNAME", "SN":
		return "2.5.4.4"
	case "2.5.4.42", "GIVENNAME":
		return "2.5.4.42"
	case "2.5.4.43", "INITIALS":
		return "2.5.4.43"
	case "2.5.4.44", "GENERATION":
		return "2.5.4.44"
	case "2.5.4.46", "DNQUALIFIER", "DNQ":
		return "2.5.4.46"
	default:
		return name
	}
}

// rawAttribute is an attribute as it stands in a certificate.
type rawAttribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// rawRelative is one relative distinguished name; the suffix tells asn1 that it is a set.
type rawRelativeSET []rawAttribute

// subjectOf returns the subject of a certificate.
func subjectOf(c *x509.Certificate) (subject, error) {
	var name []rawRelativeSET
	if rest, err := asn1.Unmarshal(c.RawSubject, &name); err != nil || len(rest) > 0 {
		return subject{}, errors.New("the certificate's subject is damaged")
	}
	if len(name) == 0 {
		return subject{}, errors.New("the certificate has no subject")
	}
	var s subject
	relatives := make([][]attribute, 0, len(name))
	for _, relative := range slices.Backward(name) { // RFC 2253 begins with the last
		attributes := make([]attribute, 0, len(relative))
		for _, a := range relative {
			attributes = append(attributes, newAttribute(keyword(a.Type.String()), a.Value))
		}
		if a := attributes; s.commonName == "" && len(a) == 1 && a[0].kind == "CN" && !a[0].encoded {
			s.commonName = a[0].value
		}
		relatives = append(relatives, attributes)
	}
	s.java = javaName(relatives) // before canonical puts attributes in order
	s.canonical = canonical(relatives)
	return s, nil
}

// newAttribute returns an attribute with the value of a certificate.
func newAttribute(kind string, v asn1.RawValue) attribute {
	if v.Class == asn1.ClassUniversal && !v.IsCompound {
		var value any
		rest, err := asn1.Unmarshal(v.FullBytes, &value)
		if s, ok := value.(string); ok && err == nil && len(rest) == 0 && utf8.ValidString(s) {
			return attribute{kind: kind, value: s}
		}
	}
	return attribute{kind: kind, value: hex.EncodeToString(v.FullBytes), encoded: true}
}

// canonical writes relative names as in RFC 2253, section 2, those of one level in order.
func canonical(relatives [][]attribute) string {
	var b strings.Builder
	for i, attributes := range relatives {
		if i > 0 {
			b.WriteByte(',')
		}
		slices.SortFunc(attributes, func(x, y attribute) int {
			return cmp.Or(strings.Compare(x.kind, y.kind), strings.Compare(x.value, y.value))
		})
		for j, a := range attributes {
			if j > 0 {
				b.WriteByte('+')
			}
			a.write(&b)
		}
	}
	return b.String()
}

// write appends type and value. Only what is encoded has an unescaped # before it, so that
// neither passes for the other.
func (a attribute) write(b *strings.Builder) {
	b.WriteString(a.kind)
	b.WriteByte('=')
	if a.encoded {
		b.WriteByte('#')
	}
	for i := range len(a.value) {
		edge := i == 0 || i == len(a.value)-1
		if strings.IndexByte(`,+"\<>;=#`, a.value[i]) >= 0 || edge && a.value[i] == ' ' {
			b.WriteByte('\\')
		}
		b.WriteByte(a.value[i])
	}
}
