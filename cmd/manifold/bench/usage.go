package bench

import "time"

// usage is what processes have used so far, and use now.
type usage struct {
	cpu     time.Duration // of all their threads, in user and kernel
	rss     int64         // bytes resident now
	peak    int64         // most bytes resident since the peak was reset
	written int64         // bytes that were given to disks
}

// mark is a point in time during a run.
type mark struct {
	at     int64 // nanoseconds since the run began
	broker usage
	self   time.Duration // CPU of this process
}

// begin takes the first mark of a run.
func (r *run) begin() (*Result, mark, error) {
	if err := resetPeaks(r.PIDs); err != nil {
		return nil, mark{}, err
	}
	m, err := r.mark()
	return newResult(&r.Config), m, err
}

// mark takes a mark.
func (r *run) mark() (mark, error) {
	u, err := usageOf(r.PIDs)
	return mark{at: r.clock(), broker: u, self: ownCPU()}, err
}
