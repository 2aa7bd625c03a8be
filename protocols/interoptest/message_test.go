package interoptest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// destination is a queue or a topic: a name, or what a client was told to reply to.
type destination struct {
	topic   bool
	name    string
	options string // of the consumer, as ActiveMQ writes them behind a name
	native  string // as the client's protocol names it; goes before the name
}

func queue(name string) destination { return destination{name: name} }
func topic(name string) destination { return destination{topic: true, name: name} }

// with returns the destination with options.
func (d destination) with(options ...string) destination {
	d.options = strings.Join(append(strings.FieldsFunc(d.options, func(r rune) bool { return r == '&' }), options...), "&")
	return d
}

// qualified returns the name as ActiveMQ writes it, with options.
func (d destination) qualified() string {
	if d.native != "" {
		return d.native
	}
	name := "queue://" + d.name
	if d.topic {
		name = "topic://" + d.name
	}
	if d.options != "" {
		name += "?" + d.options
	}
	return name
}

func (d destination) String() string {
	if d.topic {
		return "topic `" + d.name + "`"
	}
	return "queue `" + d.name + "`"
}

// pair is a property of a message, or an entry of a map: a string, bool, int8, int16, int32, int64, float32 or float64, and in maps
// octets.
type pair struct {
	name  string
	value any
}

// kind is what the body of a message is.
type kind string

// The kinds; the zero value is a text.
const (
	textKind   kind = "text"
	bytesKind  kind = "bytes"
	mapKind    kind = "map"
	streamKind kind = "stream"
	objectKind kind = "object"
	noKind     kind = "none"
)

// message is a message as all protocols can mean it. Zero fields are left out.
type message struct {
	kind        kind
	text        string // of an object: the string that it is
	bytes       []byte
	entries     []pair // of a map; of a stream, without names
	durable     bool
	twice       bool // exactly once is asked for
	priority    uint8
	ttl         time.Duration
	correlation string
	octets      bool // correlation is octets
	replyTo     *destination
	jmsType     string
	group       string
	seq         int32
	user        string
	timestamp   time.Time
	contentType string
	retain      bool
	delay       time.Duration
	properties  []pair
}

func text(s string) message { return message{text: s} }

// String says what is sent.
func (m message) String() string {
	var list []string
	switch m.kind {
	case bytesKind:
		list = append(list, fmt.Sprintf("bytes `%x`", m.bytes))
	case mapKind, streamKind:
		list = append(list, string(m.kind)+" "+pairs(m.entries))
	case noKind:
		list = append(list, "no body")
	default:
		list = append(list, fmt.Sprintf("%s `%s`", m.body(), m.text))
	}
	add := func(there bool, format string, args ...any) {
		if there {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(m.durable, "persistent")
	add(m.twice, "exactly once")
	add(m.priority != 0, "priority %d", m.priority)
	add(m.ttl != 0, "expires in a minute")
	add(m.correlation != "" && !m.octets, "correlation id `%s`", m.correlation)
	add(m.octets, "correlation id `%x`, octets", m.correlation)
	if m.replyTo != nil {
		add(true, "reply to %s", m.replyTo)
	}
	add(m.jmsType != "", "type `%s`", m.jmsType)
	add(m.group != "", "group `%s`", m.group)
	add(m.seq != 0, "number %d in it", m.seq)
	add(m.user != "", "user id `%s`", m.user)
	add(!m.timestamp.IsZero(), "sent at %s", m.timestamp.UTC().Format(time.RFC3339))
	add(m.contentType != "", "content type `%s`", m.contentType)
	add(m.retain, "to be retained")
	add(m.delay != 0, "to be delivered after %v", m.delay)
	add(m.properties != nil, "properties %s", pairs(m.properties))
	return strings.Join(list, ", ")
}

// body returns the kind of body.
func (m message) body() kind {
	if m.kind == "" {
		return textKind
	}
	return m.kind
}

// serialised returns the octets of the object that a string is, as Java serialises it.
func (m message) serialised() []byte {
	return append([]byte{0xac, 0xed, 0, 5, 't', 0, byte(len(m.text))}, m.text...)
}

// extended returns the properties with those by which ActiveMQ's clients ask for what has no field.
func (m message) extended() []pair {
	list := slices.Clone(m.properties)
	if m.retain {
		list = append(list, pair{"ActiveMQ.Retain", true})
	}
	if m.delay != 0 {
		list = append(list, pair{"AMQ_SCHEDULED_DELAY", m.delay.Milliseconds()})
	}
	return list
}

// pairs shows properties with their types.
func pairs(list []pair) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = show(p.value)
		if p.name != "" {
			words[i] = fmt.Sprintf("`%s`=%s", p.name, words[i])
		}
	}
	return strings.Join(words, ", ")
}

// show shows a value with its type, by JMS's name.
func show(value any) string {
	if b, ok := value.([]byte); ok {
		return fmt.Sprintf("%x (bytes)", b)
	}
	return fmt.Sprintf("%v (%s)", value, typeOf(value))
}

// typeOf names a value's type as JMS does.
func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case int8:
		return "byte"
	case int16:
		return "short"
	case int32:
		return "int"
	case int64:
		return "long"
	case float32:
		return "float"
	case float64:
		return "double"
	case []byte:
		return "bytes"
	}
	return fmt.Sprintf("%T", value)
}

// plain returns a value as text.
func plain(value any) string {
	switch v := value.(type) {
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case []byte:
		return fmt.Sprintf("%x", v)
	}
	return fmt.Sprint(value)
}

// received is a message that has come.
type received struct {
	body        string   // with its kind, as the receiver's protocol has it
	facts       []string // what else is to be seen
	text        string   // the body, if it is a text or octets
	destination string   // as the protocol names it
	replyTo     string   // likewise
	correlation string
	redelivered bool
	count       int // of deliveries, where the protocol says it; else 0
	properties  map[string]string
	raw         any // of the library
}

func (r *received) add(there bool, format string, args ...any) {
	if there {
		r.facts = append(r.facts, fmt.Sprintf(format, args...))
	}
}

// property notes a property.
func (r *received) property(name, value string) {
	if r.properties == nil {
		r.properties = make(map[string]string)
	}
	r.properties[name] = value
}

// when shows a time that is about now, or a minute ahead, as that.
func when(at time.Time) string {
	switch left := time.Until(at); {
	case left > -30*time.Second && left <= 5*time.Second:
		return "now"
	case left > 30*time.Second && left <= time.Minute+time.Second:
		return "in a minute"
	}
	return at.UTC().Format(time.RFC3339)
}

// mask hides the parts of a text that differ from run to run.
func mask(s string) string {
	if i := strings.Index(s, "ID:"); i >= 0 {
		return s[:i] + "ID:…"
	}
	return s
}

// printable shows octets that are no text as hexadecimal digits.
func printable(s string) string {
	for _, r := range s {
		if r < ' ' || r == '\ufffd' {
			return fmt.Sprintf("0x%x", s)
		}
	}
	return s
}
