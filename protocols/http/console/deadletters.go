package console

import (
	"cmp"
	"slices"

	"github.com/manifoldmq/manifold/broker"
	"github.com/manifoldmq/manifold/broker/queue"
)

// originRow is where dead letters of one queue came from.
type originRow struct {
	Origin   string `json:"origin"`
	Messages int64  `json:"messages"`
	Oldest   string `json:"oldest"`
	Newest   string `json:"newest"`
	Cause    string `json:"cause"` // of the newest
	newest   int64
	oldest   int64
}

type deadQueue struct {
	queueRow
	Origins []originRow `json:"origins"`
	Hidden  bool        `json:"hidden"`  // the caller may not see the messages
	Stopped bool        `json:"stopped"` // there are more than were counted
}

type deadPage struct {
	paging
	Queues []deadQueue `json:"queues"`
}

// deadShare is how many messages of each queue are counted by origin.
const deadShare = 10_000

func (x *exchange) deadLetters() (page, error) {
	list := x.sorted(func(d *broker.Destination) bool {
		return d.Queue() != nil && isDeadLetters(d) && d.Queue().Counters().Entries.Load() > 0
	}, "messages")
	p := deadPage{Queues: []deadQueue{}}
	var from, to int
	p.paging, from, to = x.paged(len(list))
	budget := browseDepth
	for _, d := range list[from:to] {
		k := deadQueue{queueRow: rowOf(d), Origins: []originRow{}}
		by := make(map[string]*originRow)
		left := min(deadShare, budget)
		stopped, err := x.look(d, "", func(v *queue.View) bool {
			if left--; left < 0 {
				return false
			}
			note(by, v)
			return true
		})
		budget -= min(deadShare, budget) - max(left, 0)
		k.Hidden, k.Stopped = err != nil, stopped || left < 0
		for _, o := range by {
			o.Oldest, o.Newest = millis(o.oldest), millis(o.newest)
			k.Origins = append(k.Origins, *o)
		}
		slices.SortFunc(k.Origins, func(a, b originRow) int {
			return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Origin, b.Origin))
		})
		p.Queues = append(p.Queues, k)
	}
	return page{Title: "Dead letters", Data: p}, nil
}

// note counts a dead letter for where it came from.
func note(by map[string]*originRow, v *queue.View) {
	m := v.Msg
	origin := m.Origin.String()
	o := by[origin]
	if o == nil {
		o = &originRow{Origin: origin, oldest: m.Timestamp}
		by[origin] = o
	}
	o.Messages++
	o.oldest = min(o.oldest, m.Timestamp)
	if m.Timestamp >= o.newest {
		o.newest = m.Timestamp
		if cause, ok := m.Property("dlqDeliveryFailureCause"); ok {
			o.Cause = clip(cause.Text())
		}
	}
}
