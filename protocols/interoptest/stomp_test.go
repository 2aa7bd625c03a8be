package interoptest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/stomp/stomptest"
)

// stompPeer is a client of STOMP 1.2.
type stompPeer struct{ *stomptest.Client }

func openSTOMP(t *testing.T, b *brokertest.Broker) peer {
	c := stomptest.Open(t, stomptest.Target{Address: b.Addr("stomp")})
	c.Login("1.2")
	return stompPeer{c}
}

func (stompPeer) name(d destination) string {
	if d.topic {
		return "/topic/" + d.name
	}
	return "/queue/" + d.name
}

func (p stompPeer) send(to destination, m message) {
	body, headers := m.text, []string{}
	add := func(name, value string, there bool) {
		if there {
			headers = append(headers, name, value)
		}
	}
	switch {
	case m.bytes != nil:
		body = string(m.bytes)
		add("content-length", strconv.Itoa(len(m.bytes)), true)
	case m.table != nil:
		var b strings.Builder
		for i, e := range m.table {
			if i > 0 {
				b.WriteByte(',')
			}
			switch v := e.value.(type) {
			case string:
				fmt.Fprintf(&b, `{"string":[%q,%q]}`, e.name, v)
			default:
				fmt.Fprintf(&b, `{"string":%q,"int":%v}`, e.name, v)
			}
		}
		body = `{"map":{"entry":[` + b.String() + `]}}`
		add("transformation", "jms-map-json", true)
	}
	add("persistent", "true", m.durable)
	add("priority", strconv.Itoa(int(m.priority)), m.priority != 0)
	add("expires", strconv.FormatInt(time.Now().Add(m.ttl).UnixMilli(), 10), m.ttl != 0)
	add("correlation-id", m.correlation, m.correlation != "")
	if m.replyTo != nil {
		add("reply-to", p.name(*m.replyTo), true)
	}
	add("type", m.kind, m.kind != "")
	add("JMSXGroupID", m.group, m.group != "")
	for _, e := range m.properties {
		add(e.name, fmt.Sprint(e.value), true)
	}
	p.Put(p.name(to), body, headers...)
}

func (p stompPeer) subscribe(from destination) {
	p.Subscribe("1", p.name(from), "transformation", "jms-map-json")
}

func (p stompPeer) receive() facts {
	m := p.Message()
	var f facts
	length := false
	for _, h := range m.Header {
		switch h.Name {
		case "content-length":
			length = true
		case "message-id", "destination", "subscription", "timestamp", "ack":
		case "expires":
			if ms, _ := strconv.ParseInt(h.Value, 10, 64); ms != 0 {
				f.add("expires %s", about(time.UnixMilli(ms)))
			}
		default:
			f.add("`%s:%s`", h.Name, h.Value)
		}
	}
	switch {
	case slices.Contains(f.rest, "`transformation:jms-map-json`"):
		f.body = "map `" + m.Body + "`"
	case length:
		f.body = fmt.Sprintf("bytes `%x`", m.Body)
	default:
		f.body = fmt.Sprintf("text `%s`", m.Body)
	}
	return f
}
