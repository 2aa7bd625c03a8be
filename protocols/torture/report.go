package torture

import (
	"errors"
	"fmt"
	"strings"
)

// mostShown is how many violations of a kind a report keeps; the others are counted.
const mostShown = 5

// Report is what an audit found.
type Report struct {
	Run    uint64 // the run's number, which is the workload's seed
	Lives  uint64 // the last life of the broker that was seen
	Counts Counts

	Totals [kinds]int // violations by kind
	First  []Violation
}

func (r *Report) add(v Violation) {
	r.Totals[v.Kind]++
	if r.Totals[v.Kind] <= mostShown {
		r.First = append(r.First, v)
	}
}

// Err is nil if every promise was kept, else an error with the whole report.
func (r *Report) Err() error {
	if len(r.First) == 0 {
		return nil
	}
	return errors.New(r.String())
}

// String is the report in lines: what happened, and the first violations of each kind.
func (r *Report) String() string {
	var b strings.Builder
	c := r.Counts
	fmt.Fprintf(&b, "seed %d: %d messages sent, %d confirmed; %d deliveries, %d of them repeated; %d settlements; %d transactions, %d confirmed",
		r.Run, c.Attempted, c.Confirmed, c.Deliveries, c.Redelivered, c.Settlements, c.Transactions, c.Committed)
	for kind, n := range r.Totals {
		if n == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%d × %v", n, Kind(kind))
		for _, v := range r.First {
			if v.Kind == Kind(kind) {
				fmt.Fprintf(&b, "\n    %v", v)
			}
		}
	}
	return b.String()
}
