package jolokia

import (
	"net"

	"github.com/manifoldmq/manifold/broker"
)

// connectionNames returns the two names of a connection's object: by its client's identifier and
// by its address.
func (v *view) connectionNames(c *broker.Connection) []name {
	l := c.Login()
	list := []name{v.brokerName("connector", "clientConnectors", "connectorName", l.Listener, "connectionViewType", "clientId", "connectionName", c.ClientID())}
	if l.Remote != nil {
		list = append(list, v.brokerName("connector", "clientConnectors", "connectorName", l.Listener, "connectionViewType", "remoteAddress", "connectionName", remote(l.Remote)))
	}
	return list
}

func remote(a net.Addr) string {
	if a == nil {
		return ""
	}
	return "tcp://" + a.String()
}

// ofConnection returns the consumers of a connection.
func (v *view) ofConnection(c *broker.Connection) (list []*consumer) {
	for _, x := range v.consumers().all {
		if x.sub != nil && x.sub.Connection() == c {
			list = append(list, x)
		}
	}
	v.spend(len(v.consumers().all))
	return list
}

func connectionClass() *class {
	type conn = *broker.Connection
	return &class{
		java: "org.apache.activemq.broker.jmx.ConnectionView", about: "A client's connection",
		attributes: []attribute{
			attr("Active", javaBoolean, func(_ *view, c conn) any { return !c.Closed() }),
			attr("ActiveTransactionCount", javaInt, func(_ *view, c conn) any { return c.Transactions() }),
			attr("Blocked", javaBoolean, func(_ *view, c conn) any { return c.Blockage().Limit != "" }),
			attr("ClientId", javaString, func(_ *view, c conn) any { return c.ClientID() }),
			attr("Connected", javaBoolean, func(_ *view, c conn) any { return !c.Closed() }),
			attr("Consumers", javaNames, func(v *view, c conn) any { return v.references(v.ofConnection(c), nil) }),
			attr("DispatchQueueSize", javaInt, func(v *view, c conn) any {
				n := int64(0)
				for _, x := range v.ofConnection(c) {
					n += x.unsettled()
				}
				return n
			}),
			attr("OldestActiveTransactionDuration", javaLong, func(*view, conn) any { return nil }),
			attr("RemoteAddress", javaString, func(_ *view, c conn) any { return remote(c.Login().Remote) }),
			attr("Slow", javaBoolean, func(v *view, c conn) any {
				for _, x := range v.ofConnection(c) {
					if x.slow(v) {
						return true
					}
				}
				return false
			}),
			attr("UserName", javaString, func(_ *view, c conn) any { return textOrNull(c.User()) }),
		},
		operations: []operation{op("stop", nil, javaVoid, func(v *view, c conn, _ arguments) (any, error) {
			if err := v.caller.Admin(); err != nil {
				return nil, err
			}
			return nil, v.b.Kick(c.ClientID(), "")
		})},
	}
}
