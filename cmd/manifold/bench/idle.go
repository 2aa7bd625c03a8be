package bench

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// openers is how many connections are opened at the same time.
const openers = 16

// idle opens connections, lets them be, and looks at what they cost the broker. Those that it has
// closed meanwhile count as lost.
func (r *run) idle(ctx context.Context) (*Result, error) {
	result, began, err := r.begin()
	if err != nil {
		return nil, err
	}
	r.open(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	opened, err := r.mark()
	if err != nil {
		return nil, err
	}
	settled := time.NewTimer(r.Settle)
	defer settled.Stop()
	select {
	case <-settled.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	rested, err := r.mark()
	if err != nil {
		return nil, err
	}
	if result.Lost = r.part(); ctx.Err() != nil {
		return nil, ctx.Err()
	}
	result.rest(r.Connections, began, opened, rested)
	return result, nil
}

// open opens all connections. An error fails the run.
func (r *run) open(ctx context.Context) {
	r.idlers = make([]*conn, r.Connections)
	var all sync.WaitGroup
	for first := range min(openers, r.Connections) {
		all.Go(func() {
			for i := first; i < r.Connections; i += openers {
				c, err := r.dial(ctx, idleBuffer)
				if err != nil {
					r.fail(fmt.Errorf("connection %d: %w", i+1, err))
					return
				}
				c.out = nil // of the login
				r.idlers[i] = c
			}
		})
	}
	all.Wait()
}

// part says goodbye on all connections, and returns how many were gone.
func (r *run) part() (lost uint64) {
	for _, c := range r.idlers {
		err := c.SetDeadline(time.Now().Add(r.Stall))
		if err == nil {
			err = c.disconnect(func(*incoming) {})
		}
		if err != nil {
			lost++
		}
	}
	return lost
}
