package openwire

import (
	"context"
	"time"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
)

// handle serves one command. It returns whether the connection goes on.
func (c *connection) handle(ctx context.Context, cmd wire.Command) bool {
	h := cmd.Head()
	switch cmd := cmd.(type) {
	case *wire.KeepAliveInfo:
		if cmd.ResponseRequired {
			c.send(&wire.KeepAliveInfo{})
		}
		return true
	case *wire.ShutdownInfo:
		c.leaving = true
		return false
	case *wire.ConnectionControl:
		c.faultTolerant = c.faultTolerant || cmd.FaultTolerant
		return true
	case *wire.ConnectionInfo:
		if c.info == nil {
			return c.connect(ctx, cmd)
		}
		if cmd.ConnectionID != nil && cmd.ConnectionID.Value.String() == c.id {
			c.respond(h) // as it was
			return true
		}
		c.failed(h, &exception{class: illegalState, text: "The connection is registered already"})
		return true
	case *wire.BrokerInfo:
		return c.bridge(cmd)
	case *wire.FlushCommand, *wire.ControlCommand, *wire.ProducerAck, *wire.MessageDispatch, *wire.ConnectionError,
		*wire.Response, *wire.ExceptionResponse, *wire.DataResponse, *wire.DataArrayResponse, *wire.IntegerResponse,
		*wire.BrokerSubscriptionInfo:
		return true // not a client's, and harmless
	case *wire.WireFormatInfo:
		c.o.Log.Info("a second WireFormatInfo: connection closed", "remote", c.net.RemoteAddr())
		return false
	}
	if c.core == nil {
		if c.info == nil {
			c.failed(h, &exception{class: illegalState, text: "The connection is not registered: a ConnectionInfo comes first"})
		}
		return true // on its way out
	}
	if err := c.serveCommand(ctx, cmd); err != nil {
		c.failed(h, err)
	}
	return true
}

// respond answers a command that has nothing to wait for. It is in order with what was sent before.
func (c *connection) respond(h *wire.Base) {
	if !h.ResponseRequired {
		return
	}
	t := tokenFor(h)
	if c.core == nil {
		c.out.Confirmed(t, nil)
		return
	}
	c.core.Confirm(t)
}

// serveCommand serves the commands of a connection that is registered.
func (c *connection) serveCommand(ctx context.Context, cmd wire.Command) error {
	switch cmd := cmd.(type) {
	case *wire.Message:
		return c.message(ctx, cmd)
	case *wire.MessageAck:
		return c.acknowledge(cmd)
	case *wire.MessagePull:
		return c.pull(ctx, cmd)
	case *wire.TransactionInfo:
		return c.transact(cmd)
	case *wire.SessionInfo:
		return c.addSession(cmd)
	case *wire.ProducerInfo:
		return c.addProducer(ctx, cmd)
	case *wire.ConsumerInfo:
		return c.addConsumer(ctx, cmd)
	case *wire.RemoveInfo:
		return c.remove(ctx, cmd)
	case *wire.DestinationInfo:
		return c.destination(ctx, cmd)
	case *wire.RemoveSubscriptionInfo:
		return c.removeSubscription(cmd)
	case *wire.ConsumerControl:
		return c.controlConsumer(cmd)
	}
	return fault.New(fault.Unsupported, "command", "", "A command of the type %d is not taken from clients", cmd.Type())
}

// connect serves the ConnectionInfo.
func (c *connection) connect(ctx context.Context, cmd *wire.ConnectionInfo) bool {
	c.info = &wire.ConnectionInfo{
		ClientID: clone(cmd.ClientID), UserName: clone(cmd.UserName), Manageable: cmd.Manageable, ClientMaster: cmd.ClientMaster,
		FaultTolerant: cmd.FaultTolerant, FailoverReconnect: cmd.FailoverReconnect,
		ClientIP: wire.TextOf("tcp://" + c.net.RemoteAddr().String()),
	}
	h := cmd.Head()
	switch {
	case cmd.ConnectionID == nil || len(cmd.ConnectionID.Value) == 0:
		return c.refuse(h, &exception{class: invalidClientID, text: "No connectionID specified for connection request"})
	case cmd.ClientID.IsNull():
		return c.refuse(h, &exception{class: invalidClientID, text: "No clientID specified for connection request"})
	}
	c.id = cmd.ConnectionID.Value.String()
	c.info.ConnectionID = &wire.ConnectionID{Value: wire.TextOf(c.id)}
	c.faultTolerant = c.faultTolerant || cmd.FaultTolerant
	c.reconnect = cmd.FailoverReconnect
	login := c.login
	login.ClientID = cmd.ClientID.String()
	login.User = cmd.UserName.String()
	login.Password = cmd.Password.String()
	login.HasUser = !cmd.UserName.IsNull()
	// The same ConnectionId is the same client, whose old socket has not been found dead yet.
	c.p.mu.Lock()
	before := c.p.connections[c.id]
	c.p.mu.Unlock()
	login.TakeOver = before != nil && before.login.ClientID == login.ClientID && before.login.User == login.User
	login.Overtaking = true
	core, err := c.o.Broker.Connect(ctx, login, c.out)
	if err != nil {
		return c.refuse(h, err)
	}
	c.login.ClientID, c.login.User = login.ClientID, login.User
	c.core, c.owner = core, core // before others can find the connection
	if before := c.p.take(c.id, c); before != nil {
		_ = before.net.Close()
	}
	c.net.LoggedIn()
	c.reader.SetMaxFrame(c.o.MaxFrame)
	c.watch()
	c.respond(h)
	if cmd.Manageable {
		core.Confirm(token(control, 0, 0))
	}
	c.p.advisor.connected(c)
	return true
}

// refusalTime is how long a client that is refused may take to go.
const refusalTime = 2 * time.Second

// refuse answers a ConnectionInfo with an error. The client gets some time to go by itself: one
// that is cut off might take that for a failure of the network, and come again.
func (c *connection) refuse(h *wire.Base, err error) bool {
	c.failed(h, err)
	c.leaving = true
	_ = c.net.SetReadDeadline(time.Now().Add(refusalTime))
	return true
}

// bridge answers the BrokerInfo of another broker's network connector.
func (c *connection) bridge(cmd *wire.BrokerInfo) bool {
	if !cmd.DuplexConnection {
		return true
	}
	c.o.Log.Warn("a duplex network connector was refused", "broker", cmd.BrokerName.String(), "remote", c.net.RemoteAddr())
	c.send(&wire.ConnectionError{Exception: throwable(&exception{
		class: ioException, text: "Duplex network connectors are not supported: use one without duplex",
	})})
	c.leaving = true
	return false
}

// addSession serves SessionInfo.
func (c *connection) addSession(cmd *wire.SessionInfo) error {
	if cmd.SessionID == nil || cmd.SessionID.ConnectionID.View() != c.id {
		return unregistered("session", "connection")
	}
	if len(c.sessions) >= maxSessions && !c.sessions[cmd.SessionID.Value] {
		return fault.New(fault.LimitReached, "open", "session", "the connection has %d sessions, which is the limit", maxSessions)
	}
	c.sessions[cmd.SessionID.Value] = true
	c.respond(cmd.Head())
	return nil
}

// maxSessions bounds the sessions of a connection.
const maxSessions = 100_000

func unregistered(what, where string) error {
	return &exception{class: illegalState, text: "Cannot add a " + what + " to a " + where + " that had not been registered"}
}

// clone returns a text that lives on.
func clone(t wire.Text) wire.Text {
	if t == nil {
		return nil
	}
	return append(make(wire.Text, 0, len(t)), t...)
}
