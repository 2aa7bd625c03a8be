package transform

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/manifoldmq/manifold/broker/message"
)

// DecodeMap returns the map that the text of a SEND frame describes: a value of kind Map with
// the entries in their order. MapJSON and MapXML are understood, as in ActiveMQ, where JSON and
// XML are for receiving only; an object transformation is NotOpened. An error is a *Error: the
// message is then kept as text, with the error's text in a transformation-error header.
func DecodeMap(t Transformation, text []byte, limits Limits) (message.Value, error) {
	if limits.Size > 0 && len(text) > limits.Size {
		return message.Value{}, &Error{Text: "The body is too large for a transformation"}
	}
	b := newBudget(limits)
	var root element
	var err error
	switch t {
	case MapJSON:
		root, err = parseJSON(text, &b)
	case MapXML:
		root, err = parseXML(text, &b)
	case ObjectJSON, ObjectXML:
		return message.Value{}, NotOpened()
	default:
		return message.Value{}, unknown(t)
	}
	if err != nil {
		return message.Value{}, err
	}
	if !isMap(root.name) {
		return message.Value{}, unexpected(quote(root.name))
	}
	return toMap(&root)
}

func isMap(name string) bool { return name == "map" || name == "linked-hash-map" }

// toMap reads entries of a key and a value. What follows them in an entry is ignored; of two
// entries with one key the later counts.
func toMap(e *element) (message.Value, error) {
	fields := make([]message.Field, 0, len(e.children))
	index := make(map[string]int, len(e.children))
	for i := range e.children {
		entry := &e.children[i]
		if entry.name != "entry" || len(entry.children) < 2 {
			return message.Value{}, unexpected("an entry needs a key and a value")
		}
		key := &entry.children[0]
		if key.name != "string" {
			return message.Value{}, unexpected("a key is a string")
		}
		value, err := toValue(&entry.children[1])
		if err != nil {
			return message.Value{}, err
		}
		if at, repeated := index[key.text]; repeated {
			fields[at].Value = value
			continue
		}
		index[key.text] = len(fields)
		fields = append(fields, message.Field{Name: key.text, Value: value})
	}
	return message.OfMap(fields), nil
}

func toList(e *element) (message.Value, error) {
	items := make([]message.Value, 0, len(e.children))
	for i := range e.children {
		item, err := toValue(&e.children[i])
		if err != nil {
			return message.Value{}, err
		}
		items = append(items, item)
	}
	return message.OfList(items), nil
}

// toValue reads a value by its element's name. Names of classes are not looked up.
func toValue(e *element) (message.Value, error) {
	switch e.name {
	case "string":
		return message.OfString(e.text), nil
	case "boolean":
		return message.OfBool(strings.EqualFold(e.text, "true")), nil
	case "byte":
		n, err := decodeInteger(e, 8)
		return message.OfByte(int8(n)), err
	case "short":
		n, err := decodeInteger(e, 16)
		return message.OfShort(int16(n)), err
	case "int":
		n, err := decodeInteger(e, 32)
		return message.OfInt(int32(n)), err
	case "long":
		n, err := decodeInteger(e, 64)
		return message.OfLong(n), err
	case "float":
		f, err := decodeFloat(e, 32)
		return message.OfFloat(float32(f)), err
	case "double":
		f, err := decodeFloat(e, 64)
		return message.OfDouble(f), err
	case "char":
		return decodeChar(e)
	case "byte-array":
		return decodeBytes(e)
	case "null":
		return message.Value{}, nil
	case "list", "linked-list":
		return toList(e)
	}
	if isMap(e.name) {
		return toMap(e)
	}
	return message.Value{}, unexpected("no value type is called " + quote(e.name))
}

// decodeInteger reads as Java's decode does: decimal, hexadecimal after 0x or #, octal after 0.
// Types under 64 bits also take the numbers of their unsigned twins, which wrap.
func decodeInteger(e *element, bits int) (int64, error) {
	digits, base, negative := e.text, 10, false
	if digits != "" && (digits[0] == '-' || digits[0] == '+') {
		negative, digits = digits[0] == '-', digits[1:]
	}
	switch {
	case strings.HasPrefix(digits, "0x"), strings.HasPrefix(digits, "0X"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "#"):
		base, digits = 16, digits[1:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	n, err := strconv.ParseUint(digits, base, 64)
	if err != nil {
		return 0, notA(e)
	}
	most := uint64(1)<<(bits-1) - 1 // 64 bits: no unsigned twin
	if bits < 64 {
		most = uint64(1)<<bits - 1
	}
	if negative {
		most = uint64(1) << (bits - 1)
	}
	if n > most {
		return 0, notA(e)
	}
	if negative {
		return int64(-n), nil
	}
	return int64(n), nil
}

func decodeFloat(e *element, bits int) (float64, error) {
	text := strings.TrimSpace(e.text)
	f, err := strconv.ParseFloat(text, bits)
	if err != nil && !errors.Is(err, strconv.ErrRange) || math.IsInf(f, 0) && err == nil && !strings.HasSuffix(text, "Infinity") {
		return 0, notA(e)
	}
	return f, nil
}

// decodeChar reads the first character; none is NUL. Java's are of 16 bits.
func decodeChar(e *element) (message.Value, error) {
	if e.text == "" {
		return message.OfChar(0), nil
	}
	c, _ := utf8.DecodeRuneInString(e.text)
	if c > 0xffff {
		return message.Value{}, notA(e)
	}
	return message.OfChar(c), nil
}

func decodeBytes(e *element) (message.Value, error) {
	text := strings.Map(func(c rune) rune {
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			return -1
		}
		return c
	}, e.text)
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return message.Value{}, notA(e)
	}
	return message.OfBytes(string(octets)), nil
}

func notA(e *element) *Error {
	return &Error{Text: "Not a value of type " + e.name + ": " + quote(e.text)}
}

// quote bounds what an error repeats of the body.
func quote(s string) string {
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "..."
	}
	return strconv.Quote(s)
}
