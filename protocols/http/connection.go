package httpd

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/manifoldmq/manifold/broker"
)

type connectionView struct {
	ID           string     `json:"id"`
	Client       string     `json:"client"`
	User         string     `json:"user"`
	Protocol     string     `json:"protocol"`
	Listener     string     `json:"listener"`
	Remote       string     `json:"remote,omitempty"`
	Blocked      string     `json:"blocked,omitempty"` // why its sends wait
	BlockedSince *time.Time `json:"blockedSince,omitempty"`
	WayOut       string     `json:"wayOut,omitempty"` // what lets them go on
}

// listConnections lists connections by identifier, a page at a time. The query may have limit,
// and after: the identifier that the page before ended with.
func (s *Server) listConnections(r *http.Request, _ string) (any, error) {
	query := r.URL.Query()
	limit, err := pageSize(query)
	if err != nil {
		return nil, err
	}
	after := query.Get("after")
	var found []*broker.Connection
	s.o.Broker.Connections(func(c *broker.Connection) {
		if c.ID() > after {
			found = append(found, c)
		}
	})
	slices.SortFunc(found, func(x, y *broker.Connection) int { return cmp.Compare(x.ID(), y.ID()) })
	out := struct {
		Connections []connectionView `json:"connections"`
		More        bool             `json:"more"`
	}{Connections: []connectionView{}, More: len(found) > limit}
	for _, c := range found[:min(limit, len(found))] {
		out.Connections = append(out.Connections, viewConnection(c))
	}
	return out, nil
}

func viewConnection(c *broker.Connection) connectionView {
	login := c.Login()
	v := connectionView{
		ID: c.ID(), Client: c.ClientID(), User: c.User(), Protocol: login.Protocol, Listener: login.Listener,
	}
	if login.Remote != nil {
		v.Remote = login.Remote.String()
	}
	if b := c.Blockage(); b.Limit != "" {
		v.Blocked, v.BlockedSince, v.WayOut = b.Reason, &b.Since, b.WayOut
	}
	return v
}
