package mqtt_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// patience is how long a test waits for what has to come.
const patience = 10 * time.Second

// client speaks MQTT packet by packet.
type client struct {
	t    testing.TB
	conn net.Conn
	r    *packet.Reader
	v    packet.Version
	last uint16
	acks bool            // messages are acknowledged when they are received
	held []packet.Packet // messages that came while something else was waited for
}

// dial connects a socket to the broker.
func dial(t testing.TB, b *brokertest.Broker, v packet.Version) *client {
	t.Helper()
	conn := b.Dial("mqtt")
	_ = conn.SetDeadline(time.Now().Add(3 * patience))
	return &client{t: t, conn: conn, v: v, acks: true, r: packet.NewReader(conn, packet.ReaderOptions{Version: v, Limits: packet.DefaultLimits()})}
}

// connect connects a client with an identifier; with clean unset its session is kept.
func connect(t testing.TB, b *brokertest.Broker, v packet.Version, id string, clean bool, props ...byte) *client {
	t.Helper()
	c := dial(t, b, v)
	c.login(&packet.Login{ClientID: []byte(id), CleanStart: clean}, props...)
	return c
}

// kept are the properties of a version 5 client whose session is kept.
func kept() []byte { return packet.AppendNum(nil, packet.SessionExpiry, 3600) }

// login sends CONNECT and expects to be accepted. It returns whether a session was present.
func (c *client) login(l *packet.Login, props ...byte) bool {
	c.t.Helper()
	c.send(packet.AppendConnect(nil, c.v, l, props))
	p := c.want(packet.Connack)
	if p.Reason != 0 {
		c.t.Fatalf("refused: %v %s", p.Reason, text(p, packet.ReasonString))
	}
	return p.SessionPresent
}

func text(p *packet.Packet, id packet.Property) string {
	v, _ := p.Properties.Find(id)
	return string(v.Text)
}

func (c *client) send(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// read returns the next packet; nil at the end of the stream.
func (c *client) read() *packet.Packet {
	c.t.Helper()
	if len(c.held) > 0 {
		p := c.held[0]
		c.held = c.held[1:]
		return &p
	}
	return c.next()
}

// next is read for what is still on the wire.
func (c *client) next() *packet.Packet {
	c.t.Helper()
	p, err := c.r.Next()
	if err != nil {
		var pe *packet.Error
		var ne net.Error
		if errors.As(err, &pe) || errors.As(err, &ne) && ne.Timeout() {
			c.t.Fatalf("reading: %v", err)
		}
		return nil
	}
	return p
}

// want returns the next packet, which has to be of a type.
func (c *client) want(k packet.Type) *packet.Packet {
	c.t.Helper()
	p := c.read()
	if p == nil {
		c.t.Fatalf("the connection was closed, want %v", k)
	}
	if p.Type != k {
		c.t.Fatalf("got %s, want %v", show(p), k)
	}
	return p
}

// show renders a packet.
func show(p *packet.Packet) string {
	if p == nil {
		return "closed"
	}
	switch p.Type {
	case packet.Publish:
		s := fmt.Sprintf("PUBLISH %s=%s q%d", p.Topic, p.Payload, p.QoS)
		if p.Dup {
			s += " dup"
		}
		if p.Retain {
			s += " retain"
		}
		return s
	case packet.Suback, packet.Unsuback:
		return fmt.Sprintf("%v %x", p.Type, p.Codes())
	}
	return fmt.Sprintf("%v %d", p.Type, p.Reason)
}

func (c *client) id() uint16 {
	c.last++
	return c.last
}

// subscribe subscribes to filters and returns the codes.
func (c *client) subscribe(options packet.Options, filters ...string) []byte {
	c.t.Helper()
	return c.subscribeWith(nil, options, filters...)
}

func (c *client) subscribeWith(props []byte, options packet.Options, filters ...string) []byte {
	c.t.Helper()
	var list []packet.Filter
	for _, f := range filters {
		list = append(list, packet.Filter{Filter: []byte(f), Options: options})
	}
	id := c.id()
	c.send(packet.AppendFilters(nil, c.v, packet.Subscribe, id, list, props))
	p := c.want(packet.Suback)
	if p.ID != id {
		c.t.Fatalf("SUBACK for %d, want %d", p.ID, id)
	}
	return bytes.Clone(p.Codes())
}

// unsubscribe ends subscriptions and returns the codes.
func (c *client) unsubscribe(filters ...string) []byte {
	c.t.Helper()
	var list []packet.Filter
	for _, f := range filters {
		list = append(list, packet.Filter{Filter: []byte(f)})
	}
	id := c.id()
	c.send(packet.AppendFilters(nil, c.v, packet.Unsubscribe, id, list, nil))
	return bytes.Clone(c.want(packet.Unsuback).Codes())
}

// publish sends a message and sees its QoS through.
func (c *client) publish(topic, payload string, qos byte, retain bool, props ...byte) packet.Reason {
	c.t.Helper()
	h := packet.PublishHead{QoS: qos, Retain: retain, Topic: []byte(topic), Properties: props}
	if qos > 0 {
		h.ID = c.id()
	}
	c.send(packet.AppendPublish(nil, c.v, &h, payload))
	switch qos {
	case 1:
		p := c.want(packet.Puback)
		if p.ID != h.ID {
			c.t.Fatalf("PUBACK for %d, want %d", p.ID, h.ID)
		}
		return p.Reason
	case 2:
		p := c.want(packet.Pubrec)
		if p.Reason.Failed() {
			return p.Reason
		}
		c.send(packet.AppendAnswer(nil, c.v, packet.Pubrel, h.ID, 0, nil))
		if p = c.want(packet.Pubcomp); p.ID != h.ID {
			c.t.Fatalf("PUBCOMP for %d, want %d", p.ID, h.ID)
		}
		return p.Reason
	}
	return 0
}

// receive returns the next message and sees its QoS through. The packet is good until the next
// one is read, its payload and topic for ever.
func (c *client) receive() *packet.Packet {
	c.t.Helper()
	p := *c.want(packet.Publish)
	if !c.acks {
		return &p
	}
	switch p.QoS {
	case 1:
		c.send(packet.AppendAnswer(nil, c.v, packet.Puback, p.ID, 0, nil))
	case 2:
		c.send(packet.AppendAnswer(nil, c.v, packet.Pubrec, p.ID, 0, nil))
		for {
			r := c.next()
			if r == nil || r.Type != packet.Publish && (r.Type != packet.Pubrel || r.ID != p.ID) {
				c.t.Fatalf("got %s, want PUBREL", show(r))
			}
			if r.Type == packet.Pubrel {
				break
			}
			c.held = append(c.held, *r)
		}
		c.send(packet.AppendAnswer(nil, c.v, packet.Pubcomp, p.ID, 0, nil))
	}
	return &p
}

// expect receives messages, each of which is to look as show renders it.
func (c *client) expect(list ...string) {
	c.t.Helper()
	for _, want := range list {
		if got := show(c.receive()); got != "PUBLISH "+want {
			c.t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// nothing checks that nothing was sent to the client: the answer to a ping is the next packet.
func (c *client) nothing() {
	c.t.Helper()
	c.send(packet.AppendPing(nil, packet.Pingreq))
	c.want(packet.Pingresp)
}

// closed expects the end of the connection, in version 5 with a reason.
func (c *client) closed(reason packet.Reason) {
	c.t.Helper()
	if c.v == packet.V5 && reason != 0 {
		if p := c.want(packet.Disconnect); p.Reason != reason {
			c.t.Fatalf("DISCONNECT with %v (%s), want %v", p.Reason, text(p, packet.ReasonString), reason)
		}
	}
	if p := c.read(); p != nil {
		c.t.Fatalf("got %s, want the end", show(p))
	}
}

// disconnect ends the connection in order and waits for the broker to have noticed.
func (c *client) disconnect(reason packet.Reason, props ...byte) {
	c.t.Helper()
	c.send(packet.AppendFarewell(nil, c.v, packet.Disconnect, reason, props))
	c.closed(0)
}

// cut ends the connection as a failing network does.
func (c *client) cut() {
	c.t.Helper()
	if tcp, ok := c.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.conn.Close()
}

// exchange sends octets on a new connection and expects octets, and then, with end, the end.
func exchange(t testing.TB, b *brokertest.Broker, about, send, want string, end bool) {
	t.Helper()
	conn := b.Dial("mqtt")
	_ = conn.SetDeadline(time.Now().Add(patience))
	raw, err := hex.DecodeString(strings.Join(strings.Fields(send), ""))
	if err != nil {
		t.Fatal(about, err)
	}
	wanted, err := hex.DecodeString(strings.Join(strings.Fields(want), ""))
	if err != nil {
		t.Fatal(about, err)
	}
	if _, err := conn.Write(raw); err != nil {
		t.Fatal(about, err)
	}
	got := make([]byte, len(wanted))
	if n, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, wanted) {
		t.Errorf("%s: %x (%v), want %x", about, got[:n], err, wanted)
		return
	}
	if !end {
		return
	}
	if rest, _ := io.ReadAll(conn); len(rest) > 0 {
		t.Errorf("%s: %x after what was expected", about, rest)
	}
}

// versions runs a test with each version of the protocol.
func versions(t *testing.T, fn func(t *testing.T, v packet.Version)) {
	t.Helper()
	for _, v := range []packet.Version{packet.V31, packet.V311, packet.V5} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			fn(t, v)
		})
	}
}
