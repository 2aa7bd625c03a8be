package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

// run is one measurement under way.
type run struct {
	Config
	arrivals
	id        uint64 // that no other run has
	start     time.Time
	producers []*producer
	consumers []*consumer
	idlers    []*conn
	consuming sync.WaitGroup
	fail      context.CancelCauseFunc
}

// Run measures once. It blocks until the run has ended, or ctx, which makes it fail. A run in which
// messages were lost or came twice succeeds; see Result.Intact. Errors carry an exit code.
func Run(ctx context.Context, c Config) (*Result, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil) // closes all connections
	r := &run{
		Config: c, arrivals: arrivals{woken: make(chan struct{}, 1)},
		id: rand.Uint64(), start: time.Now(), fail: fail,
	}
	measure := r.flow
	if c.Mode == Idle {
		measure = r.idle
	}
	result, err := measure(inner)
	switch {
	case ctx.Err() != nil:
		return nil, sysexit.Errorf(sysexit.Timeout, "interrupted: %w", context.Cause(ctx))
	case inner.Err() != nil: // what happened first is the reason of what followed
		return nil, context.Cause(inner)
	}
	return result, err
}

// clock returns the nanoseconds since the run began.
func (r *run) clock() int64 { return int64(time.Since(r.start)) }

// flow sends and receives.
func (r *run) flow(ctx context.Context) (*Result, error) {
	if r.Mode != Backlog {
		if err := r.subscribe(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	result, began, err := r.begin()
	if err != nil {
		return nil, err
	}
	r.produce()
	filled, err := r.mark()
	if err != nil {
		return nil, err
	}
	if r.Mode == Backlog {
		if err := r.subscribe(ctx); err != nil {
			return nil, err
		}
	}
	sent, owed := r.sent()
	r.await(ctx, owed, r.Stall)
	if err := r.finish(ctx); err != nil {
		return nil, err
	}
	ended, err := r.mark()
	if err != nil {
		return nil, err
	}
	result.count(r, sent)
	result.cost(began, filled, ended, r.last.Load())
	return result, nil
}

// subscribe opens the consumers, and returns when the broker has confirmed all of them.
func (r *run) subscribe(ctx context.Context) error {
	for i := range r.Consumers {
		c, err := r.newConsumer(ctx, i)
		if err != nil {
			return err
		}
		r.consumers = append(r.consumers, c)
		r.consuming.Go(func() {
			if err := c.consume(); err != nil {
				r.fail(fmt.Errorf("consumer %d: %w", i+1, err))
			}
		})
	}
	for _, c := range r.consumers {
		select {
		case <-c.ready:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// connect opens the producers.
func (r *run) connect(ctx context.Context) error {
	for i := range r.Producers {
		p, err := r.newProducer(ctx, i)
		if err != nil {
			return err
		}
		r.producers = append(r.producers, p)
	}
	return nil
}

// produce lets all producers send, and returns when the broker has taken in what they sent. What
// goes wrong fails the run.
func (r *run) produce() {
	var all sync.WaitGroup
	now := r.clock()
	interval := time.Duration(float64(time.Second) * float64(r.Producers) / r.Rate)
	for i, p := range r.producers {
		if r.Duration > 0 {
			p.deadline = now + int64(r.Duration)
		}
		all.Go(func() {
			send := p.produce
			if r.Mode == Latency {
				// Producers take turns.
				send = func() error { return p.pace(now+int64(i)*int64(interval)/int64(r.Producers), interval) }
			}
			if err := send(); err != nil {
				r.fail(fmt.Errorf("producer %d: %w", i+1, err))
			}
		})
	}
	all.Wait()
}

// sent returns how many messages each producer has sent, and how many deliveries are owed for
// these.
func (r *run) sent() (each []uint64, owed uint64) {
	for i, p := range r.producers {
		n := p.stamp.sequence
		each = append(each, n)
		if r.Mode != Topic {
			owed += n
			continue
		}
		for _, c := range r.consumers {
			if c.owed(i) {
				owed += n
			}
		}
	}
	return each, owed
}

// finish ends the consumers. Those that the broker does not let go are a failure.
func (r *run) finish(ctx context.Context) error {
	errStuck := sysexit.With(sysexit.Timeout, errors.New("the broker does not confirm the end of a connection"))
	limit := time.AfterFunc(r.Stall+time.Second, func() { r.fail(errStuck) })
	defer limit.Stop()
	var errs []error
	for _, c := range r.consumers {
		errs = append(errs, c.stop())
	}
	r.consuming.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}
