package jolokia

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/address"
	"github.com/manifoldmq/manifold/broker/queue"
	"github.com/manifoldmq/manifold/protocols/http/access"
	"github.com/manifoldmq/manifold/protocols/http/client"
	"github.com/manifoldmq/manifold/store"
)

// maxWork bounds what one HTTP request may look at: objects and attributes.
const maxWork = 500_000

// Bounds of looking at messages, for all requests that one HTTP request holds.
const (
	lookTime  = 10 * time.Second
	lookBytes = 32 << 20 // of messages in the answer, after which there is no further look
)

// view is the broker as one HTTP request sees it: lists are taken once for all that it asks.
type view struct {
	s      *Server
	b      *broker.Broker
	store  store.Store
	r      *http.Request
	caller *access.Caller
	now    time.Time
	left   int // of maxWork
	shown  int // bytes of the messages in the answer

	dests    []*broker.Destination
	subs     *consumers
	conns    []*broker.Connection
	used     *broker.Usage
	hasDests bool
	hasConns bool
}

// spend takes work off what the request may do, and reports whether there was as much.
func (v *view) spend(n int) bool {
	v.left -= n
	return v.left >= 0
}

// look calls fn for the messages of a queue that a selector selects.
func (v *view) look(a address.Address, selector string, fn func(*queue.View) bool) error {
	if v.shown > lookBytes || v.left < 0 {
		return exhausted()
	}
	ctx, done := context.WithDeadline(v.r.Context(), v.now.Add(lookTime))
	defer done()
	err := v.b.Browse(ctx, a, selector, func(x queue.View) bool { return ctx.Err() == nil && fn(&x) })
	if ctx.Err() != nil && v.r.Context().Err() == nil {
		return exhausted()
	}
	return err
}

// forget drops the lists, as an operation may have changed what they would hold.
func (v *view) forget() {
	v.dests, v.subs, v.conns, v.hasDests, v.hasConns = nil, nil, nil, false, false
}

// usage returns how much of the broker's limits is used, which takes a look at the store.
func (v *view) usage() broker.Usage {
	if v.used == nil {
		u := v.b.Usage()
		v.used = &u
	}
	return *v.used
}

func (v *view) destinations() []*broker.Destination {
	if !v.hasDests {
		v.dests, v.hasDests = v.b.Destinations(), true
	}
	return v.dests
}

// connections returns those of clients, by identifier.
func (v *view) connections() []*broker.Connection {
	if !v.hasConns {
		v.b.Connections(func(c *broker.Connection) {
			if c.Login().Protocol != client.Protocol {
				v.conns = append(v.conns, c)
			}
		})
		slices.SortFunc(v.conns, func(x, y *broker.Connection) int { return cmp.Compare(x.ID(), y.ID()) })
		v.hasConns = true
	}
	return v.conns
}

// names returns references to the destinations of a kind.
func (v *view) names(kind address.Kind) []reference {
	list := []reference{}
	for _, d := range v.destinations() {
		if d.Address.Kind == kind && v.spend(1) {
			n := v.destinationName(d.Address)
			list = append(list, reference{n.canonical()})
		}
	}
	return list
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
