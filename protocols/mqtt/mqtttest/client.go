package mqtttest

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Client is one raw MQTT connection. Its methods fail the test when the broker does something else
// than what they name; they block at most as long as the target's patience. A client belongs to
// one goroutine.
type Client struct {
	t        testing.TB
	target   Target
	conn     net.Conn
	r        *bufio.Reader
	version  byte
	inbox    []Packet // packets that came while something else was awaited
	id       uint16   // of the last packet
	syncs    int
	sentinel string // a topic of its own; empty until it is needed

	Connack Packet
}

// Open opens a connection that has not said CONNECT yet. It is closed at the end of the test.
func Open(t testing.TB, target Target, version byte) *Client {
	t.Helper()
	conn, err := target.Dial()
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &Client{t: t, target: target, conn: conn, r: bufio.NewReader(conn), version: version}
}

// Login sends a CONNECT with the target's credentials and waits for its acceptance.
func (c *Client) Login(o Connect) {
	c.t.Helper()
	c.Write(c.connect(o))
	c.Connack = c.Expect(CONNACK)
	if c.Connack.Code != 0 {
		c.t.Fatalf("refused: %v", c.Connack)
	}
}

// connect completes a CONNECT by the target's credentials.
func (c *Client) connect(o Connect) []byte {
	if o.User == "" && o.Pass == "" {
		o.User, o.Pass = c.target.User, c.target.Pass
	}
	return o.encode(c.version)
}

// Write sends packets in one segment.
func (c *Client) Write(packets ...[]byte) {
	c.t.Helper()
	if err := c.TryWrite(packets...); err != nil {
		c.t.Fatalf("write: %v", err)
	}
}

// TryWrite sends packets to a broker that may close meanwhile.
func (c *Client) TryWrite(packets ...[]byte) error {
	var all []byte
	for _, p := range packets {
		all = append(all, p...)
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.target.patience())); err != nil {
		return err
	}
	_, err := c.conn.Write(all)
	return err
}

func (c *Client) read() (Packet, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.target.patience())); err != nil {
		return Packet{}, err
	}
	return readPacket(c.r, c.version)
}

// Next returns the next packet.
func (c *Client) Next() Packet {
	c.t.Helper()
	if len(c.inbox) > 0 {
		p := c.inbox[0]
		c.inbox = c.inbox[1:]
		return p
	}
	p, err := c.read()
	if err != nil {
		c.t.Fatalf("waiting for a packet: %v", err)
	}
	return p
}

// Expect returns the next packet, which must be of the type.
func (c *Client) Expect(kind byte) Packet {
	c.t.Helper()
	p := c.Next()
	if p.Type != kind {
		c.t.Fatalf("got %v, want type %d", p, kind)
	}
	return p
}

// await returns the next packet of a type with an identifier; other packets are kept for Next.
func (c *Client) await(kind byte, id uint16) Packet {
	c.t.Helper()
	for i, p := range c.inbox {
		if p.Type == kind && p.ID == id {
			c.inbox = append(c.inbox[:i:i], c.inbox[i+1:]...)
			return p
		}
	}
	for {
		p, err := c.read()
		if err != nil {
			c.t.Fatalf("waiting for type %d id %d: %v", kind, id, err)
		}
		if p.Type == kind && p.ID == id {
			return p
		}
		c.inbox = append(c.inbox, p)
	}
}

// Closed reads up to the end of the connection and returns what came before it.
func (c *Client) Closed() []Packet {
	c.t.Helper()
	list := c.inbox
	c.inbox = nil
	for {
		p, err := c.read()
		switch {
		case err == nil:
			list = append(list, p)
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
			return list
		default:
			c.t.Fatalf("after %v: %v, want a closed connection", list, err)
		}
	}
}

// Refused reads up to the end of the connection. In version 5 a DISCONNECT with one of the codes
// may come before; other packets may not.
func (c *Client) Refused(codes ...byte) {
	c.t.Helper()
	for _, p := range c.Closed() {
		if c.version < 5 || p.Type != DISCONNECT && p.Type != CONNACK || !strings.Contains(string(codes), string([]byte{p.Code})) && len(codes) > 0 {
			c.t.Errorf("got %v before the end, want one of the codes %x", p, codes)
		}
	}
}

func (c *Client) next() uint16 {
	c.id++
	return c.id
}

// Subscribe subscribes and returns the codes.
func (c *Client) Subscribe(filters ...Filter) string {
	c.t.Helper()
	return c.SubscribeWith(nil, filters...)
}

// SubscribeWith subscribes with properties.
func (c *Client) SubscribeWith(properties []Property, filters ...Filter) string {
	c.t.Helper()
	id := c.next()
	c.Write(subscribe(c.version, id, properties, filters...))
	return c.await(SUBACK, id).Codes
}

// Sub subscribes to one filter, which must be granted in full.
func (c *Client) Sub(name string, options byte) {
	c.t.Helper()
	if codes := c.Subscribe(Filter{name, options}); codes != string([]byte{options & 3}) {
		c.t.Fatalf("subscribed to %s with %x", name, codes)
	}
}

// Unsub unsubscribes and returns the codes, which only version 5 has.
func (c *Client) Unsub(filters ...string) string {
	c.t.Helper()
	id := c.next()
	c.Write(unsubscribe(c.version, id, filters...))
	return c.await(UNSUBACK, id).Codes
}

// Send publishes without waiting, and returns the packet identifier.
func (c *Client) Send(m Message) uint16 {
	c.t.Helper()
	if m.QoS > 0 && m.ID == 0 {
		m.ID = c.next()
	}
	c.Write(m.encode(c.version))
	return m.ID
}

// Put publishes and waits until the hand-over is complete. It returns the code.
func (c *Client) Put(m Message) byte {
	c.t.Helper()
	id := c.Send(m)
	switch m.QoS {
	case 1:
		return c.await(PUBACK, id).Code
	case 2:
		if code := c.await(PUBREC, id).Code; code >= 0x80 {
			return code
		}
		c.Write(ack(PUBREL, id))
		return c.await(PUBCOMP, id).Code
	}
	return 0
}

// Pub publishes a text with QoS 1.
func (c *Client) Pub(topic, payload string) {
	c.t.Helper()
	if code := c.Put(Message{Topic: topic, Payload: payload, QoS: 1}); code >= 0x80 {
		c.t.Fatalf("publishing to %s: code %#x", topic, code)
	}
}

// Message returns the next packet, which must be a PUBLISH, and acknowledges it in full.
func (c *Client) Message() Packet {
	c.t.Helper()
	p := c.Expect(PUBLISH)
	switch p.QoS() {
	case 1:
		c.Write(ack(PUBACK, p.ID))
	case 2:
		c.Write(ack(PUBREC, p.ID))
		c.await(PUBREL, p.ID)
		c.Write(ack(PUBCOMP, p.ID))
	}
	return p
}

// Want receives as many messages as words, which must be their payloads in order.
func (c *Client) Want(words string) []Packet {
	c.t.Helper()
	var list []Packet
	for word := range strings.FieldsSeq(words) {
		p := c.Message()
		if p.Payload != word {
			c.t.Fatalf("got %v, want %s of %q", p, word, words)
		}
		list = append(list, p)
	}
	return list
}

// Quiet fails if anything comes before a message to itself that was sent last.
func (c *Client) Quiet() {
	c.t.Helper()
	if c.sentinel == "" {
		c.sentinel = "mqtttest/sentinel/" + unique()
		c.Subscribe(Filter{c.sentinel, 1})
	}
	c.syncs++
	text := strconv.Itoa(c.syncs)
	c.Pub(c.sentinel, text)
	if p := c.Message(); p.Topic != c.sentinel || p.Payload != text {
		c.t.Fatalf("unexpected %v", p)
	}
	if len(c.inbox) > 0 {
		c.t.Fatalf("unexpected %v", c.inbox)
	}
}

// Ping makes a round trip; packets that come before its answer are kept.
func (c *Client) Ping() {
	c.t.Helper()
	c.Write(Raw(PINGREQ<<4, nil))
	c.await(PINGRESP, 0)
}

// Disconnect says goodbye and waits for the end.
func (c *Client) Disconnect() {
	c.t.Helper()
	c.Write(Raw(DISCONNECT<<4, nil))
	c.Closed()
	c.Close()
}

// Close drops the socket without DISCONNECT.
func (c *Client) Close() { _ = c.conn.Close() }
