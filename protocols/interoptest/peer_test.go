package interoptest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
)

// destination is a queue or a topic.
type destination struct {
	topic bool
	name  string
}

// pair is a property of a message: a string, bool, int32, int64 or float64.
type pair struct {
	name  string
	value any
}

// message is a message as all protocols can mean it. Zero fields are left out.
type message struct {
	text        string
	bytes       []byte
	table       []pair // a map
	durable     bool
	priority    uint8
	ttl         time.Duration
	correlation string
	replyTo     *destination
	kind        string
	group       string
	properties  []pair
}

// String says what is sent.
func (m message) String() string {
	var list []string
	switch {
	case m.bytes != nil:
		list = append(list, fmt.Sprintf("bytes `%x`", m.bytes))
	case m.table != nil:
		list = append(list, "map "+pairs(m.table))
	default:
		list = append(list, fmt.Sprintf("text `%s`", m.text))
	}
	add := func(name string, value any, there bool) {
		if there {
			list = append(list, fmt.Sprintf("%s %v", name, value))
		}
	}
	add("persistent", "", m.durable)
	add("priority", m.priority, m.priority != 0)
	add("expires in", m.ttl, m.ttl != 0)
	add("correlation id", "`"+m.correlation+"`", m.correlation != "")
	if m.replyTo != nil {
		add("reply to", m.replyTo.String(), true)
	}
	add("type", "`"+m.kind+"`", m.kind != "")
	add("group", "`"+m.group+"`", m.group != "")
	add("properties", pairs(m.properties), m.properties != nil)
	return strings.TrimSpace(strings.Join(list, ", "))
}

func (d destination) String() string {
	if d.topic {
		return "topic `" + d.name + "`"
	}
	return "queue `" + d.name + "`"
}

// pairs shows properties with their types.
func pairs(list []pair) string {
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = fmt.Sprintf("`%s`=%v (%T)", p.name, p.value, p.value)
	}
	return strings.Join(words, ", ")
}

// peer is a client of one protocol.
type peer interface {
	// send sends a message and returns when the broker has it.
	send(to destination, m message)
	// subscribe starts to receive: what is sent from then on comes.
	subscribe(from destination)
	// receive returns what the next message looks like, as its protocol has it.
	receive() facts
}

// protocol makes peers.
type protocol struct {
	name string
	open func(t *testing.T, b *brokertest.Broker) peer
}

// facts are what is to be seen of a message: its body, and the rest by name.
type facts struct {
	body string
	rest []string
}

// add notes a fact, by a format.
func (f *facts) add(format string, args ...any) {
	f.rest = append(f.rest, fmt.Sprintf(format, args...))
}

// String lists the facts in order.
func (f facts) String() string {
	slices.Sort(f.rest)
	return strings.Join(append([]string{f.body}, f.rest...), ", ")
}

// about shows an expiry as what is meant to be there, since the exact time differs.
func about(at time.Time) string {
	if left := time.Until(at); left > 50*time.Second && left <= time.Minute+time.Second {
		return "in a minute"
	}
	return at.String()
}
