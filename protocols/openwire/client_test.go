package openwire_test

import (
	"net"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// client is a client that says just what a test wants it to.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *wire.Reader
	out  *wire.Writer
	next int32
}

// dial connects and negotiates.
func dial(t testing.TB, b *brokertest.Broker, o wire.Options) *client {
	t.Helper()
	c := &client{t: t, conn: b.Dial("auto"), out: wire.NewWriter()}
	c.in = wire.NewReader(c.conn)
	c.write(o.Info())
	info, ok := c.read().(*wire.WireFormatInfo)
	if !ok {
		t.Fatal("the broker did not begin with a WireFormatInfo")
	}
	theirs, err := info.Options()
	if err != nil {
		t.Fatal(err)
	}
	f, err := wire.Negotiate(o, theirs)
	if err != nil {
		t.Fatal(err)
	}
	c.in.SetFormat(f)
	c.out.SetFormat(f)
	return c
}

// login connects as a client with an identifier, with a session 1 and a producer 1 in it.
func login(t testing.TB, b *brokertest.Broker, id string) *client {
	t.Helper()
	c := dial(t, b, wire.Default())
	c.ask(&wire.ConnectionInfo{ConnectionID: connectionID(id), ClientID: wire.Text("client-" + id)})
	c.ask(&wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.Text(id), Value: 1}})
	c.ask(&wire.ProducerInfo{ProducerID: producerID(id)})
	return c
}

func connectionID(id string) *wire.ConnectionID { return &wire.ConnectionID{Value: wire.Text(id)} }

func producerID(id string) *wire.ProducerID {
	return &wire.ProducerID{ConnectionID: wire.Text(id), SessionID: 1, Value: 1}
}

func consumerID(id string, n int64) *wire.ConsumerID {
	return &wire.ConsumerID{ConnectionID: wire.Text(id), SessionID: 1, Value: n}
}

func queueNamed(name string) *wire.Destination {
	return &wire.Destination{Kind: wire.TypeQueue, PhysicalName: wire.Text(name)}
}

// text returns a text message, the nth of the client's producer.
func text(id string, n int64, to *wire.Destination, body string) *wire.Message {
	return &wire.Message{
		Kind: wire.TypeTextMessage, ProducerID: producerID(id), Destination: to, Persistent: true, Priority: 4,
		MessageID: &wire.MessageID{ProducerID: producerID(id), ProducerSequenceID: n},
		Content:   append([]byte{0, 0, 0, byte(len(body))}, body...),
	}
}

func (c *client) write(cmd wire.Command) {
	c.t.Helper()
	_ = c.conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	if _, err := c.conn.Write(c.out.Append(nil, cmd)); err != nil {
		c.t.Fatalf("write %T: %v", cmd, err)
	}
}

// read returns the next command that is not a KeepAliveInfo.
func (c *client) read() wire.Command {
	c.t.Helper()
	cmd, err := c.tryRead()
	if err != nil {
		c.t.Fatalf("read: %v", err)
	}
	return cmd
}

func (c *client) tryRead() (wire.Command, error) {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		cmd, err := c.in.Next()
		if _, ok := cmd.(*wire.KeepAliveInfo); !ok || err != nil {
			return cmd, err
		}
	}
}

// try sends a command and returns the exception that it is answered with, or nil.
func (c *client) try(cmd wire.Command) *wire.Throwable {
	c.t.Helper()
	c.next++
	h := cmd.Head()
	h.CommandID, h.ResponseRequired = c.next, true
	c.write(cmd)
	for {
		switch r := c.read().(type) {
		case *wire.Response:
			if r.CorrelationID == c.next {
				return nil
			}
		case *wire.IntegerResponse:
			if r.CorrelationID == c.next {
				return nil
			}
		case *wire.ExceptionResponse:
			if r.CorrelationID == c.next {
				return r.Exception
			}
		}
	}
}

// ask is try for a command that must succeed.
func (c *client) ask(cmd wire.Command) {
	c.t.Helper()
	if x := c.try(cmd); x != nil {
		c.t.Fatalf("%T: %s: %s", cmd, x.Class, x.Message)
	}
}

// dispatched returns the next message.
func (c *client) dispatched() *wire.MessageDispatch {
	c.t.Helper()
	for {
		if d, ok := c.read().(*wire.MessageDispatch); ok {
			return d
		}
	}
}
