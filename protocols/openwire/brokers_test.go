package openwire_test

import (
	"testing"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/openwire/wire"
	"github.com/manifoldmq/manifold/protocols/server"
)

// connectedBrokers sets what the clients of the listener "auto" are told of brokers.
func connectedBrokers(urls ...string) brokertest.Option {
	return brokertest.With(func(o *server.Options) {
		list := append([]server.Listener(nil), o.Listeners...)
		for i := range list {
			if list[i].Name == "auto" {
				list[i].ConnectedBrokers = urls
			}
		}
		o.Listeners = list
	})
}

// told returns the brokers that the next ConnectionControl names.
func (c *client) told() string {
	c.t.Helper()
	for {
		if x, ok := c.read().(*wire.ConnectionControl); ok {
			if x.RebalanceConnection || x.ReconnectTo.String() != "" || x.Close || x.Exit {
				c.t.Errorf("it asks for more than to remember brokers: %+v", x)
			}
			return x.ConnectedBrokers.String()
		}
	}
}

// TestConnectedBrokers tells clients of brokers when they connect, and again when the list changes.
func TestConnectedBrokers(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t, connectedBrokers("tcp://a:1", "tcp://b:2"))
	hello := func(id string, manageable bool) *client {
		c := dial(t, b, wire.Default())
		c.write(&wire.ConnectionInfo{
			Base: wire.Base{CommandID: 1}, ConnectionID: connectionID(id), ClientID: wire.Text(id), Manageable: manageable,
		})
		return c
	}
	c := hello("ID:told", true)
	if got := c.told(); got != "tcp://a:1,tcp://b:2" {
		t.Errorf("at the login: %q", got)
	}
	silent := hello("ID:silent", false)
	silent.ask(&wire.SessionInfo{SessionID: &wire.SessionID{ConnectionID: wire.Text("ID:silent"), Value: 1}})
	b.Reload(connectedBrokers("tcp://a:1", "tcp://b:2")) // nothing new
	b.Reload(connectedBrokers("tcp://a:1", "tcp://b:2", "tcp://c:3"))
	if got := c.told(); got != "tcp://a:1,tcp://b:2,tcp://c:3" {
		t.Errorf("after the change: %q", got)
	}
	b.Reload(connectedBrokers()) // nobody needs to forget what it knows
	b.Reload(connectedBrokers("tcp://d:4"))
	if got := c.told(); got != "tcp://d:4" {
		t.Errorf("after another: %q", got)
	}
	// One that takes no commands of this kind was told nothing.
	silent.write(&wire.SessionInfo{
		Base:      wire.Base{CommandID: 9, ResponseRequired: true},
		SessionID: &wire.SessionID{ConnectionID: wire.Text("ID:silent"), Value: 2},
	})
	if x, ok := silent.read().(*wire.Response); !ok || x.CorrelationID != 9 {
		t.Errorf("got %+v, want the answer", x)
	}
}

// TestMoved tells clients where to go when another broker takes over, and ends their connections.
func TestMoved(t *testing.T) {
	t.Parallel()
	b := brokertest.Start(t)
	c := login(t, b, "ID:moved")
	moved := fault.New(fault.Moved, "serve", "", "another broker has taken over")
	moved.Where = "tcp://b:2"
	if err := b.Core().Deactivate(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	for {
		cmd, err := c.tryRead()
		if err != nil {
			t.Fatalf("nothing said where to go: %v", err)
		}
		if x, ok := cmd.(*wire.ConnectionControl); ok && x.ReconnectTo.String() == "tcp://b:2" {
			break
		}
	}
	if cmd, err := c.tryRead(); err == nil {
		t.Errorf("after that came %+v", cmd)
	}
}
