package console

import (
	"math"
	"strings"

	"github.com/manifoldmq/manifold/broker/fault"
	"github.com/manifoldmq/manifold/broker/schedule"
	"github.com/manifoldmq/manifold/broker/security"
)

type scheduledRow struct {
	ID      string `json:"id"`
	Due     string `json:"due"`
	To      string `json:"to"`
	Cron    string `json:"cron,omitempty"`
	Period  int64  `json:"periodMillis,omitempty"`
	Repeat  int32  `json:"repeats,omitempty"`
	Preview string `json:"preview"`
}

type scheduledPage struct {
	paging
	Off      bool           `json:"off"` // the scheduler is turned off
	Messages []scheduledRow `json:"messages"`
}

// Before returns the number of the page before, 0 if there is none; After that of the next.
func (p paging) Before() int { return p.Page - 1 }

// After returns the number of the next page, 0 if there is none.
func (p paging) After() int {
	if p.Page < p.Pages {
		return p.Page + 1
	}
	return 0
}

func (x *exchange) scheduled() (page, error) {
	s := x.b.Scheduler()
	p := scheduledPage{Off: s == nil, Messages: []scheduledRow{}}
	if s == nil {
		return page{Title: "Scheduled messages", Data: p}, nil
	}
	var from, to int
	p.paging, from, to = x.paged(int(min(s.Len(), browseDepth)))
	i := 0
	err := s.Each(x.r.Context(), 0, math.MaxInt64, func(j *schedule.Job) bool {
		if i++; i <= from {
			return true
		}
		if i > to {
			return false
		}
		k := scheduledRow{ID: j.ID, Due: millis(j.Due), Cron: j.Plan.Cron, Period: j.Plan.Period, Repeat: j.Plan.Repeat}
		readable := true
		var names []string
		for _, a := range j.To {
			names = append(names, a.String())
			readable = readable && x.caller.Check(security.Read, a) == nil
		}
		k.To = strings.Join(names, ",")
		if readable {
			_, k.Preview = preview(j.Message)
		}
		p.Messages = append(p.Messages, k)
		return true
	})
	return page{Title: "Scheduled messages", Data: p}, err
}

func (x *exchange) deleteScheduled() (outcome, error) {
	s := x.b.Scheduler()
	switch {
	case x.form("action") != "delete" && x.form("action") != "deleteall":
		return outcome{}, unknownAction(x)
	case s == nil:
		return outcome{}, fault.New(fault.Unsupported, "remove", "", "scheduled delivery is turned off")
	}
	if err := x.admin(); err != nil {
		return outcome{}, err
	}
	if x.form("action") == "deleteall" {
		n, err := s.RemoveBetween(x.r.Context(), 0, math.MaxInt64, x.caller.MayRemove())
		return outcome{Done: "Deleted " + count(int64(n)) + " from the schedule", Count: int64(n), Back: "scheduled"}, err
	}
	return outcome{Done: "Deleted a message from the schedule", Count: 1, Back: "scheduled"}, s.Remove(x.r.Context(), x.form("name"), x.caller.MayRemove())
}
