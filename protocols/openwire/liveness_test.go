package openwire_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/broker/security"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// TestKeepAlive answers a KeepAliveInfo that wants an answer by another one, and not by a Response.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	c := login(t, brokertest.Start(t), "ID:alive")
	c.write(&wire.KeepAliveInfo{Base: wire.Base{CommandID: 77, ResponseRequired: true}})
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		cmd, err := c.in.Next()
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := cmd.(*wire.KeepAliveInfo); ok {
			if k.ResponseRequired {
				t.Error("the answer wants an answer")
			}
			return
		}
	}
}

// TestSilentClient ends the connection of a client that says nothing for longer than was agreed, and
// tells one that it lives meanwhile.
func TestSilentClient(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	o := wire.Default()
	o.MaxInactivity, o.MaxInactivityInitial = 60, 1
	c := dial(t, b, o)
	c.ask(&wire.ConnectionInfo{ConnectionID: connectionID("ID:silent"), ClientID: wire.Text("silent")})
	beats := 0
	_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for {
		cmd, err := c.in.Next()
		if err != nil {
			if err != io.EOF && !strings.Contains(err.Error(), "reset") {
				t.Fatal(err)
			}
			break
		}
		if _, ok := cmd.(*wire.KeepAliveInfo); ok {
			beats++
		}
	}
	if beats == 0 {
		t.Error("the broker did not show that it lives")
	}
	// Its identifier is free again.
	c = dial(t, b, wire.Default())
	c.ask(&wire.ConnectionInfo{ConnectionID: connectionID("ID:next"), ClientID: wire.Text("silent")})
}

// TestConnectionInfo refuses what can't be registered, and closes the connection.
func TestConnectionInfo(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	for want, info := range map[string]*wire.ConnectionInfo{
		"No clientID specified for connection request":     {ConnectionID: connectionID("ID:a")},
		"No connectionID specified for connection request": {ClientID: wire.Text("a")},
	} {
		c := dial(t, b, wire.Default())
		x := c.try(info)
		if x == nil || x.Class.String() != "javax.jms.InvalidClientIDException" || x.Message.String() != want {
			t.Errorf("%+v, want %s", x, want)
		}
		if _, err := c.tryRead(); err == nil {
			t.Error("the connection goes on")
		}
	}
}

// TestConsumerControl changes a consumer's window: what is dispatched follows it.
func TestConsumerControl(t *testing.T) {
	t.Parallel()
	c := login(t, brokertest.Start(t), "ID:window")
	id := consumerID("ID:window", 1)
	c.ask(&wire.ConsumerInfo{ConsumerID: id, Destination: queueNamed("window"), PrefetchSize: 0})
	for n := range int64(5) {
		c.ask(text("ID:window", n+1, queueNamed("window"), "m"))
	}
	// What comes is counted up to the answer to a command behind it.
	count := func() (n int) {
		c.next++
		c.write(&wire.ConsumerInfo{
			Base: wire.Base{CommandID: c.next, ResponseRequired: true}, ConsumerID: consumerID("ID:window", int64(c.next)), Destination: queueNamed("other"),
		})
		for {
			switch r := c.read().(type) {
			case *wire.MessageDispatch:
				n++
			case *wire.Response:
				if r.CorrelationID == c.next {
					return n
				}
			}
		}
	}
	if n := count(); n != 0 {
		t.Errorf("%d messages came although the client pulls", n)
	}
	control := func(prefetch int32) {
		c.write(&wire.ConsumerControl{ConsumerID: id, Destination: queueNamed("window"), Prefetch: prefetch})
	}
	control(3)
	first := c.dispatched().Message.MessageID.ProducerSequenceID
	for n := first + 1; n < first+3; n++ {
		if got := c.dispatched().Message.MessageID.ProducerSequenceID; got != n {
			t.Errorf("message %d came, want %d", got, n)
		}
	}
	control(1)
	if n := count(); n != 0 {
		t.Errorf("%d messages more came with the window full", n)
	}
	control(5)
	for range 2 {
		c.dispatched()
	}
	// A consumer that is closed in this way gives back what it holds.
	c.write(&wire.ConsumerControl{ConsumerID: id, Close: true})
	c.ask(&wire.ConsumerInfo{ConsumerID: consumerID("ID:window", 99), Destination: queueNamed("window"), PrefetchSize: 5})
	for range 5 {
		c.dispatched()
	}
}

// TestConsumerIsClosed tells a client that the broker has ended its consumer: the right to read was
// taken away. Its connection goes on.
func TestConsumerIsClosed(t *testing.T) {
	t.Parallel()
	rights := func(readers ...string) brokertest.Option {
		return brokertest.WithSecurity(security.Options{
			Users: []security.User{{Name: "u", Password: "right", Groups: []string{"g"}}},
			Permissions: []security.Permission{
				{Match: "queue://a", Read: readers, Write: []string{"g"}, Admin: []string{"g"}},
				{Match: "queue://b", Read: []string{"g"}, Write: []string{"g"}, Admin: []string{"g"}},
			},
		})
	}
	b := brokertest.Start(t, rights("g"))
	c := dial(t, b, wire.Default())
	c.ask(&wire.ConnectionInfo{ConnectionID: connectionID("ID:ends"), ClientID: wire.Text("ends"), UserName: wire.Text("u"), Password: wire.Text("right")})
	c.ask(&wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.Text("ID:ends"), Value: 1}})
	for n, queue := range []string{"a", "b"} {
		c.ask(&wire.ConsumerInfo{ConsumerID: consumerID("ID:ends", int64(n)), Destination: queueNamed(queue), PrefetchSize: 1})
	}
	b.Reload(rights("others"))
	for {
		if x, ok := c.read().(*wire.ConsumerControl); ok {
			if !x.Close || x.ConsumerID.Value != 0 {
				t.Errorf("got %+v", x)
			}
			break
		}
	}
	c.ask(&wire.ProducerInfo{ProducerID: producerID("ID:ends")})
	c.ask(text("ID:ends", 1, queueNamed("b"), "m"))
	if d := c.dispatched(); d.ConsumerID.Value != 1 {
		t.Errorf("consumer %d got it", d.ConsumerID.Value)
	}
}
