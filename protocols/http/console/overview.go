package console

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/manifoldmq/manifold/broker"
)

// gauge is how much of a limit is used.
type gauge struct {
	Name    string `json:"name"`
	Used    int64  `json:"usedBytes"`
	Limit   int64  `json:"limitBytes"`
	Percent int    `json:"percent"`
}

// High reports whether the limit is near, for the style.
func (g gauge) High() bool { return g.Percent >= high }

// high is the share of a limit from which it is a problem, in percent.
const high = 80

// overview is the first page.
type overview struct {
	Name        string    `json:"name"`
	State       string    `json:"state"`
	Version     string    `json:"version"`
	Since       time.Time `json:"since"`
	Uptime      string    `json:"uptime"`
	Recovered   int       `json:"recoveredPercent"`
	Gauges      []gauge   `json:"gauges"`
	Connections int       `json:"connections"`
	Queues      int       `json:"queues"`
	Topics      int       `json:"topics"`
	Messages    int64     `json:"messages"`
	Received    int64     `json:"received"`
	Delivered   int64     `json:"delivered"`
	Expired     int64     `json:"expired"`
	Dead        int64     `json:"deadLettered"`
	Scheduled   int64     `json:"scheduled"`
	Problems    []problem `json:"problems"`
	More        int       `json:"moreProblems,omitempty"`
}

// problem is something that an operator should look at.
type problem struct {
	What string `json:"what"`
	Page string `json:"page,omitempty"` // where to see more
}

// maxProblems is how many are shown.
const maxProblems = 50

func percent(used, limit int64) int {
	if limit <= 0 {
		return 0
	}
	return int(float64(used) * 100 / float64(limit))
}

func (x *exchange) gauges() []gauge {
	u := x.b.Usage()
	list := []gauge{
		{Name: "Memory", Used: u.Memory, Limit: u.MemoryLimit},
		{Name: "Store", Used: u.Store, Limit: u.StoreLimit},
		{Name: "Temp", Used: u.Temp, Limit: u.TempLimit},
	}
	for i := range list {
		list[i].Percent = percent(list[i].Used, list[i].Limit)
	}
	return list
}

func (x *exchange) overview() (page, error) {
	b := x.b
	o := overview{
		Name: b.Name, State: b.Role().String(), Version: x.c.o.Version, Since: x.c.o.Since,
		Uptime: time.Since(x.c.o.Since).Round(time.Second).String(), Recovered: b.Progress(), Problems: []problem{}, Gauges: []gauge{},
	}
	if b.Role() != broker.Active || b.Store() == nil {
		return page{Title: "Overview", Data: o, Live: true}, nil
	}
	t := b.Totals()
	o.Gauges = x.gauges()
	o.Received, o.Delivered, o.Expired, o.Dead = t.Received.Load(), t.Delivered.Load(), t.Expired.Load(), t.DeadLettered.Load()
	if s := b.Scheduler(); s != nil {
		o.Scheduled = s.Len()
	}
	var w worries
	w.limits(o.Gauges, b.Failure(), x.c.o.DiskLow != nil && x.c.o.DiskLow())
	b.Connections(func(c *broker.Connection) {
		if isClient(c) {
			o.Connections++
			w.connection(c)
		}
	})
	for _, d := range b.Destinations() {
		q := d.Queue()
		if q == nil {
			o.Topics++
			continue
		}
		o.Queues++
		o.Messages += q.Counters().Entries.Load()
		w.queue(d)
	}
	b.Subscriptions(w.subscription)
	for _, d := range b.Durables() {
		o.Messages += d.Counters.Entries.Load()
		w.durable(&d)
	}
	slices.SortStableFunc(w.list, func(x, y worry) int { return cmp.Compare(x.rank, y.rank) })
	for i, k := range w.list {
		if i == maxProblems {
			o.More = len(w.list) - maxProblems
			break
		}
		o.Problems = append(o.Problems, k.problem)
	}
	return page{Title: "Overview", Data: o, Live: true}, nil
}

// worries gathers problems.
type worries struct{ list []worry }

type worry struct {
	problem
	rank int // the worst first
}

func (w *worries) add(rank int, to string, format string, args ...any) {
	w.list = append(w.list, worry{problem{fmt.Sprintf(format, args...), to}, rank})
}

func (w *worries) limits(gauges []gauge, failure error, diskLow bool) {
	if failure != nil {
		w.add(0, "", "The store has stopped: nothing durable is confirmed any more. Start the broker again. %v", failure)
	}
	if diskLow {
		w.add(1, "", "The disk is nearly full: producers wait.")
	}
	for _, g := range gauges {
		switch {
		case g.Percent >= 100:
			w.add(1, "", "%s has reached its limit: producers wait.", g.Name)
		case g.High():
			w.add(2, "", "%s is at %d %% of its limit.", g.Name, g.Percent)
		}
	}
}

func (w *worries) connection(c *broker.Connection) {
	if x := c.Blockage(); x.Limit != "" {
		w.add(1, "connections?filter="+escape(c.ClientID()), "The producer %s waits since %s: %s. What helps: %s.",
			clip(c.ClientID()), x.Since.UTC().Format(time.TimeOnly), clip(x.Reason), x.WayOut)
	}
}

func (w *worries) queue(d *broker.Destination) {
	q := d.Queue()
	at, name := "queue?name="+escape(nameOf(d.Address)), clip(d.Address.Name)
	if err := q.Failure(); err != nil {
		w.add(0, at, "Queue %s has damage in the store: %v", name, err)
	}
	n := q.Counters().Entries.Load()
	if n == 0 {
		return
	}
	if isDeadLetters(d) {
		w.add(3, "deadletters", "Queue %s holds %d dead letters.", name, n)
	}
	if q.Paused() {
		w.add(4, at, "Queue %s is paused, and holds %d messages.", name, n)
	}
}

// behind is how many messages a topic's consumer without credit has to be behind to be a problem.
const behind = 1000

func (w *worries) subscription(s *broker.Subscription) {
	limit, last := s.Credit()
	if last < limit || s.Unsettled() == 0 {
		return
	}
	if n := s.Waiting(); n >= behind {
		client := s.Connection().ClientID()
		w.add(4, "connections?filter="+escape(client), "The consumer %s of %s does not keep up: %d messages wait for it, and it has not settled %d.",
			clip(client), clip(s.Options().Addresses[0].String()), n, s.Unsettled())
	}
}

func (w *worries) durable(d *broker.DurableInfo) {
	if n := d.Counters.Entries.Load(); n > 0 && d.Active == 0 {
		w.add(5, "subscribers?filter="+escape(d.Client), "Nobody consumes from subscription %s of client %s, for which %d messages wait.", clip(d.Name), clip(d.Client), n)
	}
}
