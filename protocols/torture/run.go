package torture

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// Endpoint is where a broker can be reached.
type Endpoint struct {
	URL string
	// Life tells the broker's processes apart: it is larger for one that started after another
	// one's death, so that an audit knows what happened before a crash and what after.
	Life uint64
	Dial client.Dialer // nil: the client of the URL's scheme
}

func (e *Endpoint) dial(ctx context.Context, clientID string) (client.Client, error) {
	if e.Dial != nil {
		return e.Dial(ctx, e.URL, clientID)
	}
	return client.Dial(ctx, e.URL, clientID)
}

// Run is a workload at work.
type Run struct {
	w      Workload
	ledger *Ledger
	broker func() []Endpoint

	ctx    context.Context // ends: connections are cut
	cancel context.CancelFunc
	calm   [2]chan struct{} // closed to make producers, then consumers, finish
	groups [2]sync.WaitGroup
	worker atomic.Uint64

	mu   sync.Mutex
	last error // the latest error of a connection
}

// The groups of workers, in the order in which they finish.
const (
	producing = iota
	consuming
)

// Start makes the durable subscriptions and starts a workload's workers, which note what happens
// in the ledger. broker returns where the broker, and its standbys, can be reached at present; it
// is asked at each try to connect, and may return none. When ctx ends, all connections are cut.
func Start(ctx context.Context, w Workload, l *Ledger, broker func() []Endpoint) (*Run, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{w: w, ledger: l, broker: broker, ctx: ctx, cancel: cancel}
	for i := range r.calm {
		r.calm[i] = make(chan struct{})
	}
	for _, o := range w.outlets() {
		if err := r.prepare(o); err != nil {
			cancel()
			return nil, err
		}
	}
	for range w.Producers {
		r.work(producing, newProducer(r))
	}
	for index, o := range w.outlets() {
		n := w.Consumers
		if o.durable != "" {
			n = min(n, 1)
		}
		for i := range n {
			r.work(consuming, newConsumer(r, o, w.mode(o, index, i)))
		}
	}
	return r, nil
}

// prepare makes a durable subscription, so that messages sent from now on must be kept for it.
func (r *Run) prepare(o outlet) error {
	if o.durable == "" {
		return nil
	}
	c, _, err := r.connect(o.durable, nil)
	if err != nil {
		return err
	}
	defer c.Abandon()
	if err := c.Subscribe("prepare", o.subscription(client.Individual, 1)); err != nil {
		return err
	}
	return c.Close()
}

// session is what a worker does with one connection: until it breaks, when work goes on with
// another one, or until nothing is left to be done.
type session interface {
	clientID() string
	serve(c client.Client, life uint64) error
}

// errDone says that a worker has finished.
var errDone = errors.New("done")

// work runs a worker in a group.
func (r *Run) work(group int, s session) {
	r.groups[group].Go(func() {
		for {
			c, life, err := r.connect(s.clientID(), r.calm[group])
			if err != nil {
				return
			}
			uncut := context.AfterFunc(r.ctx, c.Abandon)
			err = s.serve(c, life)
			uncut()
			c.Abandon()
			if errors.Is(err, errDone) {
				return
			}
			r.note(err)
			r.breathe()
		}
	})
}

// breathe waits a moment, so that a broker that refuses everything is not asked all the time.
func (r *Run) breathe() {
	pause := time.NewTimer(10 * time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-r.ctx.Done():
	}
}

func (r *Run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = err
}

// connect tries the broker's endpoints until one answers, calm is closed or the run is over.
func (r *Run) connect(clientID string, calm <-chan struct{}) (client.Client, uint64, error) {
	for {
		for _, e := range r.broker() {
			ctx, cancel := context.WithTimeout(r.ctx, 10*time.Second)
			c, err := e.dial(ctx, clientID)
			cancel()
			if err == nil {
				return c, e.Life, nil
			}
			r.note(err)
		}
		select {
		case <-calm:
			return nil, 0, errDone
		default:
			r.breathe()
		}
		if err := r.ctx.Err(); err != nil {
			return nil, 0, err
		}
	}
}

// calmed reports whether a group is to finish.
func (r *Run) calmed(group int) bool {
	select {
	case <-r.calm[group]:
		return true
	case <-r.ctx.Done():
		return true
	default:
		return false
	}
}

// StopProducers lets producers wait for what is unconfirmed, and ends them.
func (r *Run) StopProducers(ctx context.Context) error { return r.stop(ctx, producing) }

// Stop ends the run: producers first, then consumers, which leave unsettled what they have not
// settled yet. When ctx ends before, connections are cut.
func (r *Run) Stop(ctx context.Context) error {
	defer r.cancel()
	if err := r.stop(ctx, producing); err != nil {
		return err
	}
	return r.stop(ctx, consuming)
}

func (r *Run) stop(ctx context.Context, group int) error {
	if !r.calmed(group) {
		close(r.calm[group])
	}
	ended := make(chan struct{})
	go func() {
		r.groups[group].Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		r.cancel()
		<-ended
		r.mu.Lock()
		defer r.mu.Unlock()
		return fmt.Errorf("clients could not finish: %w; the last error was: %w", ctx.Err(), r.last)
	}
}
