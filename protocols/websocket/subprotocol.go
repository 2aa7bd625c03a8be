package websocket

import (
	"net/http"
	"strings"

	"github.com/manifoldmq/manifold/protocols"
)

// carried is a protocol as WebSockets know it.
type carried struct {
	protocols.Protocol
	names []string // of its sub-protocols
	text  bool     // text messages are allowed as well as binary ones
	split split    // what is written, into messages
}

// carriedOf returns how a protocol is carried. The names are those that ActiveMQ knows: the
// registered ones, and plain "stomp". MQTT goes in binary messages only [MQTT-6.0.0-1], as does
// AMQP (AMQP WebSocket binding, 2.1); STOMP's clients use text unless a body is not.
func carriedOf(p protocols.Protocol) carried {
	switch p.Name() {
	case "stomp":
		return carried{p, []string{"v12.stomp", "v11.stomp", "v10.stomp", "stomp"}, true, splitSTOMP}
	case "mqtt":
		return carried{p, []string{"mqtt", "mqttv3.1"}, false, splitMQTT}
	case "amqp":
		return carried{p, []string{"amqp", "AMQPWSB10"}, false, splitAMQP} // the latter is the draft's, which older clients say
	}
	return carried{p, []string{p.Name()}, false, splitNone}
}

// offered returns the sub-protocols that a client offers, the preferred one first.
func offered(r *http.Request) []string {
	var list []string
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name != "" {
				list = append(list, name)
			}
		}
	}
	return list
}

// choose returns the first of the client's sub-protocols that is known, and what it names.
func (p *Protocol) choose(offers []string) (name string, c *carried) {
	for _, offer := range offers {
		for i := range p.carried {
			for _, known := range p.carried[i].names {
				if offer == known {
					return known, &p.carried[i]
				}
			}
		}
	}
	return "", nil
}

// known lists all sub-protocols, for people.
func (p *Protocol) known() string {
	var all []string
	for i := range p.carried {
		all = append(all, p.carried[i].names...)
	}
	return strings.Join(all, ", ")
}

// recognise finds the protocol of a client that names none from its first bytes. What nobody
// recognises is STOMP, as with ActiveMQ, or else the first protocol: it refuses it in its own
// words.
func (p *Protocol) recognise(c *conn) (*carried, error) {
	for {
		n := min(len(c.head), protocols.MaxPrefix)
		verdict := protocols.No
		for i := range p.carried {
			if n == 0 {
				break
			}
			switch p.carried[i].Detect(c.head[:n]) {
			case protocols.Yes:
				return &p.carried[i], nil
			case protocols.Maybe:
				verdict = protocols.Maybe
			}
		}
		if n > 0 && (verdict == protocols.No || n == protocols.MaxPrefix) {
			return p.fallback(), nil
		}
		if err := c.more(); err != nil {
			return nil, err
		}
	}
}

func (p *Protocol) fallback() *carried {
	for i := range p.carried {
		if p.carried[i].Name() == "stomp" {
			return &p.carried[i]
		}
	}
	return &p.carried[0]
}
