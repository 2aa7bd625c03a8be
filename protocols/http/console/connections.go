package console

import (
	"cmp"
	"slices"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/protocols/http/client"
)

// isClient reports whether a connection is a client's, and not one of the management surface.
func isClient(c *broker.Connection) bool { return c.Login().Protocol != client.Protocol }

type connectionRow struct {
	Client       string    `json:"client"`
	ID           string    `json:"id"`
	User         string    `json:"user"`
	Protocol     string    `json:"protocol"`
	Listener     string    `json:"listener"`
	Remote       string    `json:"remote"`
	Since        time.Time `json:"since"`
	Sent         int64     `json:"sent"`
	Transactions int       `json:"transactions"`
	Blocked      string    `json:"blocked,omitempty"`
	WayOut       string    `json:"wayOut,omitempty"`
}

type connectionsPage struct {
	listing
	Connections []connectionRow `json:"connections"`
	Command     []string        `json:"command,omitempty"`
}

func (x *exchange) connections() (page, error) {
	p := connectionsPage{listing: x.listing(), Connections: []connectionRow{}, Command: x.apiCommand("GET", "connections")}
	var found []*broker.Connection
	x.b.Connections(func(c *broker.Connection) {
		if l := c.Login(); isClient(c) && p.has(c.ClientID(), c.User(), l.Protocol, remoteOf(c)) {
			found = append(found, c)
		}
	})
	slices.SortFunc(found, func(a, b *broker.Connection) int { return cmp.Compare(a.ClientID(), b.ClientID()) })
	var from, to int
	p.paging, from, to = x.paged(len(found))
	for _, c := range found[from:to] {
		l, b := c.Login(), c.Blockage()
		p.Connections = append(p.Connections, connectionRow{
			Client: c.ClientID(), ID: c.ID(), User: c.User(), Protocol: l.Protocol, Listener: l.Listener, Remote: remoteOf(c),
			Since: c.Since().UTC().Truncate(time.Second), Sent: c.Sent(), Transactions: c.Transactions(), Blocked: b.Reason, WayOut: b.WayOut,
		})
	}
	return page{Title: "Connections", Data: p, Live: true}, nil
}

func (x *exchange) closeConnection() (outcome, error) {
	if x.form("action") != "close" {
		return outcome{}, unknownAction(x)
	}
	if err := x.admin(); err != nil {
		return outcome{}, err
	}
	id := x.form("name")
	return outcome{Done: "Closed the connection of " + clip(id), Count: 1, Back: "connections"}, x.b.Kick(id, clip(x.form("reason")))
}
