package openwire_test

import (
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// every returns one command of each kind, as empty as it can be.
func every() []wire.Command {
	return []wire.Command{
		&wire.BrokerInfo{}, &wire.ConnectionInfo{}, &wire.SessionInfo{}, &wire.ConsumerInfo{}, &wire.ProducerInfo{},
		&wire.TransactionInfo{}, &wire.TransactionInfo{Kind: 5}, &wire.TransactionInfo{Kind: 99}, &wire.DestinationInfo{},
		&wire.RemoveSubscriptionInfo{}, &wire.KeepAliveInfo{}, &wire.RemoveInfo{}, &wire.ControlCommand{}, &wire.FlushCommand{},
		&wire.ConnectionError{}, &wire.ConsumerControl{}, &wire.ConnectionControl{}, &wire.ProducerAck{}, &wire.MessagePull{},
		&wire.MessageDispatch{}, &wire.MessageAck{}, &wire.Message{Kind: wire.TypeMessage}, &wire.Message{Kind: wire.TypeBlobMessage},
		&wire.Response{}, &wire.ExceptionResponse{Exception: &wire.Throwable{
			Class: wire.Text("org.springframework.context.support.ClassPathXmlApplicationContext"), Message: wire.Text("http://127.0.0.1/x.xml"),
		}},
		&wire.DataResponse{}, &wire.DataArrayResponse{}, &wire.IntegerResponse{}, &wire.BrokerSubscriptionInfo{},
	}
}

// TestEveryCommandAtAnyTime sends each command before the negotiation, before the login, and after
// it, with nothing in it. Whatever comes of it concerns that client alone.
func TestEveryCommandAtAnyTime(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	for i, cmd := range every() {
		conn := b.Dial("auto") // before the negotiation
		info := wire.Default()
		_, _ = conn.Write(append(wire.NewWriter().Append(nil, info.Info())[:4:4], wire.NewWriter().Append(nil, cmd)[4:]...))
		_ = conn.Close()

		c := dial(t, b, wire.Default()) // before the login
		for range 3 {
			c.write(cmd)
		}
		_ = c.conn.Close()

		c = login(t, b, "ID:after-"+string(rune('a'+i)))
		for range 3 {
			c.write(every()[i])
		}
		cmd := every()[i]
		cmd.Head().ResponseRequired = true
		c.write(cmd)
		_ = c.conn.Close()
	}
	c := login(t, b, "ID:last")
	c.ask(text("ID:last", 1, queueNamed("alive"), "still"))
}

// TestForeign names what belongs to another connection, or to nobody.
func TestForeign(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	other := login(t, b, "ID:other")
	temp := &wire.Destination{Kind: wire.TypeTempQueue, PhysicalName: wire.Text("ID:other:1")}
	other.ask(&wire.DestinationInfo{ConnectionID: connectionID("ID:other"), Destination: temp})
	other.ask(&wire.TransactionInfo{ConnectionID: connectionID("ID:other"), TransactionID: local("ID:other", 1)})
	other.ask(&wire.ConsumerInfo{ConsumerID: consumerID("ID:other", 1), Destination: queueNamed("q"), PrefetchSize: 10})
	other.ask(text("ID:other", 1, queueNamed("q"), "m"))
	id := other.dispatched().Message.MessageID
	c := login(t, b, "ID:me")
	c.ask(&wire.ConsumerInfo{ConsumerID: consumerID("ID:me", 1), Destination: queueNamed("other"), PrefetchSize: 10})
	for name, k := range map[string]struct {
		cmd  wire.Command
		want string // part of class or text
	}{
		"consume its temporary queue":      {&wire.ConsumerInfo{ConsumerID: consumerID("ID:me", 9), Destination: temp, PrefetchSize: 1}, "Subscribing to a temporary queue created by another connection is not permitted"},
		"the same in a composite":          {&wire.ConsumerInfo{ConsumerID: consumerID("ID:me", 9), Destination: queueNamed("a,temp-queue://ID:other:1"), PrefetchSize: 1}, "Subscribing to a temporary queue created by another connection"},
		"make one in its name":             {&wire.DestinationInfo{Destination: &wire.Destination{Kind: wire.TypeTempQueue, PhysicalName: wire.Text("ID:other:2")}}, "InvalidDestinationException"},
		"make a composite one":             {&wire.DestinationInfo{Destination: &wire.Destination{Kind: wire.TypeTempQueue, PhysicalName: wire.Text("ID:me:1,ID:other:2")}}, "composite"},
		"make a pattern of one":            {&wire.DestinationInfo{Destination: &wire.Destination{Kind: wire.TypeTempQueue, PhysicalName: wire.Text("ID:me:1.>")}}, "InvalidDestinationException"},
		"remove it":                        {&wire.DestinationInfo{Destination: temp, OperationType: 1}, "InvalidDestinationException"},
		"register a consumer as it":        {&wire.ConsumerInfo{ConsumerID: consumerID("ID:other", 5), Destination: queueNamed("q")}, "IllegalStateException"},
		"register a producer as it":        {&wire.ProducerInfo{ProducerID: &wire.ProducerID{ConnectionID: wire.Text("ID:other"), SessionID: 1, Value: 7}}, "IllegalStateException"},
		"register a session as it":         {&wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.Text("ID:other"), Value: 7}}, "IllegalStateException"},
		"remove its consumer":              {&wire.RemoveInfo{ObjectID: consumerID("ID:other", 1)}, "IllegalStateException"},
		"remove it altogether":             {&wire.RemoveInfo{ObjectID: connectionID("ID:other")}, "IllegalStateException"},
		"acknowledge its message":          {&wire.MessageAck{ConsumerID: consumerID("ID:other", 1), AckType: 2, LastMessageID: id, MessageCount: 1}, "IllegalStateException"},
		"acknowledge it as one's own":      {&wire.MessageAck{ConsumerID: consumerID("ID:me", 1), AckType: 2, LastMessageID: id, MessageCount: 1}, "Unmatched acknowledge"},
		"acknowledge a range backwards":    {&wire.MessageAck{ConsumerID: consumerID("ID:me", 1), AckType: 2, FirstMessageID: id, LastMessageID: id, MessageCount: -5}, "Unmatched acknowledge"},
		"an acknowledgement of no type":    {&wire.MessageAck{ConsumerID: consumerID("ID:me", 1), AckType: 77, LastMessageID: id}, "Unknown acknowledgement"},
		"commit its transaction":           {&wire.TransactionInfo{TransactionID: local("ID:other", 1), Kind: 2}, "has not been started"},
		"send in its transaction":          {withTransaction(text("ID:me", 5, queueNamed("q"), "x"), local("ID:other", 1)), "has not been started"},
		"unsubscribe for another client":   {&wire.RemoveSubscriptionInfo{ClientID: wire.Text("client-ID:other"), SubscriptionName: wire.Text("s")}, "No durable subscription exists"},
		"prepare a local transaction":      {&wire.TransactionInfo{TransactionID: local("ID:me", 3), Kind: 1}, "has not been started"},
		"a consumer of nothing":            {&wire.ConsumerInfo{ConsumerID: consumerID("ID:me", 8)}, "needs a destination"},
		"a composite without members":      {&wire.ConsumerInfo{ConsumerID: consumerID("ID:me", 8), Destination: queueNamed(",,,")}, "needs a name"},
		"a composite with too many":        {text("ID:me", 6, queueNamed(strings.Repeat("a,", 300)), "x"), "at most"},
		"a temporary queue that is not":    {text("ID:me", 7, &wire.Destination{Kind: wire.TypeTempQueue, PhysicalName: wire.Text("ID:gone:1")}, "x"), "deleted Destination"},
		"a message without an identifier":  {&wire.Message{Kind: wire.TypeTextMessage, Destination: queueNamed("q")}, "identifier"},
		"a second connection in the first": {&wire.ConnectionInfo{ConnectionID: connectionID("ID:more"), ClientID: wire.Text("more")}, "IllegalStateException"},
	} {
		x := c.try(k.cmd)
		if x == nil {
			t.Errorf("%s: it was allowed", name)
			continue
		}
		if all := x.Class.String() + ": " + x.Message.String(); !strings.Contains(all, k.want) {
			t.Errorf("%s: %s, want %q", name, all, k.want)
		}
	}
	// The other has lost nothing.
	other.ask(&wire.MessageAck{ConsumerID: consumerID("ID:other", 1), AckType: 2, LastMessageID: id, MessageCount: 1})
	other.ask(&wire.TransactionInfo{ConnectionID: connectionID("ID:other"), TransactionID: local("ID:other", 1), Kind: 2})
}

func local(id string, n int64) *wire.TransactionID {
	return &wire.TransactionID{Kind: wire.TypeLocalTransactionID, ConnectionID: connectionID(id), Value: n}
}

func withTransaction(m *wire.Message, x *wire.TransactionID) *wire.Message {
	m.TransactionID = x
	return m
}

// TestSizesThatLie claims more than it sends, before and after the login.
func TestSizesThatLie(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	for _, size := range []uint32{0x7fffffff, 0xffffffff, 0x80000000, 100<<20 + 1, 0} {
		frame := append(binary.BigEndian.AppendUint32(nil, size), 28, 1, 2, 3)
		c := dial(t, b, wire.Default())
		_, _ = c.conn.Write(frame)
		ends(t, c, size)
		c = login(t, b, "ID:sizes")
		_, _ = c.conn.Write(frame)
		ends(t, c, size)
	}
	// So much is not taken from a client that has not logged in.
	c := dial(t, b, wire.Default())
	_, _ = c.conn.Write(binary.BigEndian.AppendUint32(nil, 1<<20))
	ends(t, c, 1<<20)
}

// ends waits until the broker has closed the connection.
func ends(t *testing.T, c *client, size uint32) {
	t.Helper()
	for {
		if _, err := c.tryRead(); err != nil {
			if err != io.EOF && !strings.Contains(err.Error(), "reset") {
				t.Errorf("size %x: %v", size, err)
			}
			_ = c.conn.Close()
			return
		}
	}
}

// TestDuplexBridgeIsRefused answers the BrokerInfo of a duplex network connector.
func TestDuplexBridgeIsRefused(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := dial(t, b, wire.Default())
	c.write(&wire.BrokerInfo{BrokerName: wire.Text("other"), DuplexConnection: true, NetworkConnection: true})
	for {
		cmd, err := c.tryRead()
		if err != nil {
			t.Fatal(err)
		}
		if x, ok := cmd.(*wire.ConnectionError); ok {
			if !strings.Contains(x.Exception.Message.String(), "duplex") {
				t.Errorf("text %s", x.Exception.Message)
			}
			return
		}
	}
}
