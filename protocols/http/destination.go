package httpd

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
)

type destinationView struct {
	Address   string     `json:"address"`
	Kind      string     `json:"kind"`
	Name      string     `json:"name"`
	Path      string     `json:"path,omitempty"` // of a queue in this API, exact for every name
	Producers int64      `json:"producers"`
	Queue     *queueView `json:"queue,omitempty"`
	Published *int64     `json:"published,omitempty"` // to a topic, since the start
	// Duplicates are messages that were sent before, and dropped.
	Duplicates int64 `json:"duplicates,omitempty"`
}

func viewDestination(d *broker.Destination) destinationView {
	v := destinationView{
		Address: d.Address.String(), Kind: d.Address.Kind.String(), Name: d.Address.Name, Producers: d.Producers(), Duplicates: d.Duplicates(),
	}
	if q := d.Queue(); q != nil {
		name := d.Address.Name
		if d.Address.Kind.IsTemp() {
			name = d.Address.String()
		}
		v.Path = apiPrefix + "queues/" + url.PathEscape(name)
		v.Queue = viewQueue(q)
	} else {
		n := d.Published()
		v.Published = &n
	}
	return v
}

// Pages of lists.
const (
	defaultPage = 1000
	maxPage     = 10000
)

// pageSize reads the query's limit.
func pageSize(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, fault.New(fault.Malformed, "list", "limit", "limit must be a number from 1 to %d", maxPage)
	}
	return n, nil
}

// listDestinations lists destinations by address, a page at a time. The query may have kind
// (queue, topic, temp-queue, temp-topic), prefix of the name, limit, and after: the address that
// the page before ended with.
func (s *Server) listDestinations(r *http.Request, _ string) (any, error) {
	query := r.URL.Query()
	limit, err := pageSize(query)
	if err != nil {
		return nil, err
	}
	kind, err := kindOf(query.Get("kind"))
	if err != nil {
		return nil, err
	}
	after, prefix := address.Parse(query.Get("after"), address.None), query.Get("prefix")
	var out struct {
		Destinations []destinationView `json:"destinations"`
		More         bool              `json:"more"`
	}
	out.Destinations = []destinationView{}
	for _, d := range s.o.Broker.Destinations() {
		a := d.Address
		switch {
		case kind != address.None && a.Kind != kind, !strings.HasPrefix(a.Name, prefix), !follows(a, after):
			continue
		case len(out.Destinations) == limit:
			out.More = true
			return out, nil
		}
		out.Destinations = append(out.Destinations, viewDestination(d))
	}
	return out, nil
}

// follows reports whether a stands after b in the order of lists.
func follows(a, b address.Address) bool {
	return a.Kind > b.Kind || a.Kind == b.Kind && a.Name > b.Name
}

func kindOf(name string) (address.Kind, error) {
	if name == "" {
		return address.None, nil
	}
	for k := address.Queue; k <= address.TempTopic; k++ {
		if k.String() == name {
			return k, nil
		}
	}
	return address.None, fault.New(fault.Malformed, "list", "kind", "kind must be queue, topic, temp-queue or temp-topic")
}
