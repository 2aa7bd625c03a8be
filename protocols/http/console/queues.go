package console

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/security"
)

// queueRow is a queue in a list.
type queueRow struct {
	Name        string `json:"name"` // a temporary queue has its scheme before it
	Messages    int64  `json:"messages"`
	Bytes       int64  `json:"bytes"`
	InFlight    int64  `json:"inFlight"`
	Consumers   int    `json:"consumers"`
	Producers   int64  `json:"producers"`
	Enqueued    int64  `json:"enqueued"`
	Dequeued    int64  `json:"dequeued"`
	Expired     int64  `json:"expired"`
	Paused      bool   `json:"paused"`
	DeadLetters bool   `json:"deadLetters"`
	Failure     string `json:"failure,omitempty"`
}

// nameOf returns how pages name a queue; see addressOf.
func nameOf(a address.Address) string {
	if a.Kind == address.Queue {
		return a.Name
	}
	return a.String()
}

func escape(s string) string { return url.QueryEscape(s) }

// named returns the address of the destination that a page is about.
func named(name string, k address.Kind) address.Address { return address.Parse(name, k) }

func isDeadLetters(d *broker.Destination) bool {
	p, name := d.Policy().DeadLetter, d.Address.Name
	return d.Address.Kind == address.Queue && (name == p.Queue || strings.HasPrefix(name, "ActiveMQ.DLQ") || strings.HasPrefix(name, "DLQ.") ||
		p.Individual && p.Prefix != "" && strings.HasPrefix(name, p.Prefix))
}

func rowOf(d *broker.Destination) queueRow {
	q := d.Queue()
	n := q.Counters()
	k := queueRow{
		Name: nameOf(d.Address), Messages: n.Entries.Load(), Bytes: n.Bytes.Load(), InFlight: n.InFlight.Load(), Consumers: q.Consumers(),
		Producers: d.Producers(), Enqueued: n.Enqueued.Load(), Dequeued: n.Dequeued.Load(), Expired: n.Expired.Load(),
		Paused: q.Paused(), DeadLetters: isDeadLetters(d),
	}
	if err := q.Failure(); err != nil {
		k.Failure = err.Error()
	}
	return k
}

// listing is how a list was asked for.
type listing struct {
	Filter string `json:"filter"`
	Sort   string `json:"sort"`
	paging
}

// With returns the address of the same list with another page, for templates.
func (l listing) With(n int) template.URL {
	return template.URL("?" + url.Values{"filter": {l.Filter}, "sort": {l.Sort}, "page": {itoa(n)}}.Encode())
}

// SortedBy returns the address of the same list in another order.
func (l listing) SortedBy(sort string) template.URL {
	return template.URL("?" + url.Values{"filter": {l.Filter}, "sort": {sort}}.Encode())
}

// Before and After return the numbers of the pages around, 0 if there is none.
func (l listing) Before() int { return l.Page - 1 }

// After returns the number of the next page, 0 if there is none.
func (l listing) After() int {
	if l.Page < l.Pages {
		return l.Page + 1
	}
	return 0
}

func (x *exchange) listing() listing {
	return listing{Filter: x.param("filter"), Sort: x.param("sort")}
}

// has reports whether a name is one that the filter is for: it is a part of the name, in any case.
func (l *listing) has(names ...string) bool {
	if l.Filter == "" {
		return true
	}
	part := strings.ToLower(l.Filter)
	return slices.ContainsFunc(names, func(s string) bool { return strings.Contains(strings.ToLower(s), part) })
}

type queuesPage struct {
	listing
	Queues  []queueRow `json:"queues"`
	Command []string   `json:"command,omitempty"`
}

func (x *exchange) queues() (page, error) {
	p := queuesPage{listing: x.listing(), Queues: []queueRow{}, Command: x.apiCommand("GET", "destinations?kind=queue")}
	list := x.sorted(func(d *broker.Destination) bool { return d.Queue() != nil && p.has(nameOf(d.Address)) }, p.Sort)
	var from, to int
	p.paging, from, to = x.paged(len(list))
	for _, d := range list[from:to] {
		p.Queues = append(p.Queues, rowOf(d))
	}
	return page{Title: "Queues", Data: p, Live: true}, nil
}

// sorted returns the destinations that are wanted, by name, or with the highest figure first.
func (x *exchange) sorted(want func(*broker.Destination) bool, by string) []*broker.Destination {
	var list []*broker.Destination
	for _, d := range x.b.Destinations() {
		if want(d) {
			list = append(list, d)
		}
	}
	figure := figureOf(by)
	if figure == nil {
		return list
	}
	figures := make(map[*broker.Destination]int64, len(list))
	for _, d := range list {
		figures[d] = figure(d)
	}
	slices.SortStableFunc(list, func(x, y *broker.Destination) int { return cmp.Compare(figures[y], figures[x]) })
	return list
}

// figureOf returns the figure that a list is sorted by; nil: the name.
func figureOf(by string) func(*broker.Destination) int64 {
	of := func(get func(d *broker.Destination) int64) func(*broker.Destination) int64 {
		return func(d *broker.Destination) int64 {
			if d.Queue() == nil {
				return 0
			}
			return get(d)
		}
	}
	switch by {
	case "messages":
		return of(func(d *broker.Destination) int64 { return d.Queue().Counters().Entries.Load() })
	case "inFlight":
		return of(func(d *broker.Destination) int64 { return d.Queue().Counters().InFlight.Load() })
	case "enqueued":
		return of(func(d *broker.Destination) int64 { return d.Queue().Counters().Enqueued.Load() })
	case "dequeued":
		return of(func(d *broker.Destination) int64 { return d.Queue().Counters().Dequeued.Load() })
	case "consumers":
		return func(d *broker.Destination) int64 { return int64(d.Consumers()) }
	case "producers":
		return (*broker.Destination).Producers
	case "published":
		return (*broker.Destination).Published
	}
	return nil
}

// createDestination makes a queue, or from its page a topic.
func (x *exchange) createDestination() (outcome, error) { return x.create(address.Queue, "queues") }

func (x *exchange) create(k address.Kind, back string) (outcome, error) {
	if x.form("action") != "create" {
		return outcome{}, unknownAction(x)
	}
	a := address.Address{Kind: k, Name: strings.TrimSpace(x.form("name"))}
	if err := x.caller.Check(security.Admin, a); err != nil {
		return outcome{}, err
	}
	if err := x.b.Create(x.r.Context(), a); err != nil {
		return outcome{}, err
	}
	return outcome{Done: "Created " + clip(a.String()), Count: 1, Back: back}, nil
}

func unknownAction(x *exchange) error {
	return fault.New(fault.Malformed, "act", "action", "there is no action %q here", clip(x.form("action")))
}
