package groups

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols/torture"
	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// Workload says what a run does.
type Workload struct {
	Seed      uint64 // of all random choices
	Queue     string // name of the queue, which the run has to itself
	Groups    int
	Producers int // that share the groups
	Window    int // messages of a producer that are not confirmed; at least 1
	Consumers int
	Prefetch  int
	Stay      int // messages after which a consumer leaves, at most
	Size      int // octets of bodies, at most; at least 8
	Backlog   int // producers pause when so many messages wait; 0: they don't

	Closes float64 // share of messages that close their group (JMSXGroupSeq -1)
	Begins float64 // share of messages that begin it anew (JMSXGroupSeq 1)

	Confirmed  float64 // share of consumers' connections that have every settlement confirmed
	Transacted float64 // share of consumers' connections that settle in transactions
	Aborts     float64 // share of transactions that are rolled back
	Leaves     float64 // share of transactions whose consumer ends its subscription before they end
}

// Crash returns the workload behind crash tests: 1,000 groups, and 50 consumers that come and go.
func Crash(seed uint64) Workload {
	return Workload{
		Seed: seed, Queue: fmt.Sprintf("groups.%d", seed), Groups: 1000, Producers: 4, Window: 64,
		Consumers: 50, Prefetch: 20, Stay: 200, Size: 2 << 10, Backlog: 8000,
		Closes: 0.05, Begins: 0.05, Confirmed: 0.2, Transacted: 0.5, Aborts: 0.3, Leaves: 0.05,
	}
}

// Run is a workload at work.
type Run struct {
	w      Workload
	ledger *ledger
	broker func() []torture.Endpoint
	ctx    context.Context
	cancel context.CancelFunc
	calm   chan struct{} // closed: producers finish what they have begun

	producing, consuming sync.WaitGroup

	mu   sync.Mutex
	last error // why the last connection ended
}

// Start starts all clients. broker returns where the broker can be reached at present; it is asked
// at each try to connect, and may return nothing.
func Start(ctx context.Context, w Workload, broker func() []torture.Endpoint) *Run {
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{w: w, ledger: newLedger(w.Groups), broker: broker, ctx: ctx, cancel: cancel, calm: make(chan struct{})}
	for i := range w.Producers {
		r.producing.Go(func() { r.work(newProducer(r, i)) })
	}
	for i := range w.Consumers {
		r.consuming.Go(func() { r.work(newConsumer(r, i)) })
	}
	return r
}

// worker serves one connection after the other.
type worker interface {
	serve(c client.Client, life uint64) (done bool, err error)
}

// work connects a worker again and again until it is done, or the run is over.
func (r *Run) work(k worker) {
	for r.ctx.Err() == nil {
		c, life, err := r.connect()
		if err == nil {
			stop := context.AfterFunc(r.ctx, c.Abandon)
			var done bool
			done, err = k.serve(c, life)
			stop()
			c.Abandon()
			if done {
				return
			}
		}
		if err != nil {
			r.mu.Lock()
			r.last = err
			r.mu.Unlock()
		}
		pause := time.NewTimer(5 * time.Millisecond)
		select {
		case <-pause.C:
		case <-r.ctx.Done():
		}
		pause.Stop()
	}
}

// connect tries the newest broker.
func (r *Run) connect() (client.Client, uint64, error) {
	list := r.broker()
	if len(list) == 0 {
		return nil, 0, errors.New("there is no broker at present")
	}
	ctx, cancel := context.WithTimeout(r.ctx, 10*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, list[0].URL, "")
	return c, list[0].Life, err
}

func (r *Run) finishing() bool {
	select {
	case <-r.calm:
		return true
	default:
		return false
	}
}

// wait waits for a condition, which is asked with the ledger's lock held.
func (r *Run) wait(ctx context.Context, met func(l *ledger) bool) error {
	for {
		r.ledger.mu.Lock()
		ok, moved := met(r.ledger), r.ledger.moved
		r.ledger.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Settled waits until consumers have settled n more messages than now.
func (r *Run) Settled(ctx context.Context, n int) error {
	r.ledger.mu.Lock()
	n += r.ledger.settled
	r.ledger.mu.Unlock()
	if err := r.wait(ctx, func(l *ledger) bool { return l.settled >= n }); err != nil {
		return r.failure("waiting for settlements", err)
	}
	return nil
}

// Stopping says that the broker that serves is about to be stopped, which ends one connection after
// the other: what a client reads late went to others meanwhile, so the order does not show any more.
func (r *Run) Stopping() {
	r.ledger.mu.Lock()
	defer r.ledger.mu.Unlock()
	r.ledger.ending = r.ledger.life
}

func (r *Run) failure(what string, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Errorf("%s: %w; the last connection ended with: %w", what, err, r.last)
}

// Report is what a run did.
type Report struct {
	Confirmed   int // messages
	Delivered   int // deliveries
	Again       int // of them not the first of their message
	Handed      int // times that a group went from one consumer to another
	Connections int // of consumers
	Committed   int // messages whose settlement was confirmed
	Aborted     int // transactions that were rolled back
	Left        int // subscriptions that were ended with a transaction open
	Parted      int // deliveries to others than have what came before the group was closed or begun anew
}

// Finish lets producers end what they have begun, waits until all of it was delivered and settled,
// and ends the run. The error says what was broken, or did not come before ctx ended.
func (r *Run) Finish(ctx context.Context) (Report, error) {
	defer r.cancel()
	close(r.calm)
	ended := make(chan struct{})
	go func() { r.producing.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
		return Report{}, r.failure("ending the producers", ctx.Err())
	}
	late := r.complete(ctx)
	r.cancel()
	r.consuming.Wait()
	l := r.ledger
	l.mu.Lock()
	defer l.mu.Unlock()
	if text := l.missing(); text != "" {
		l.violate(nil, "did not come: %s (%v)", text, late)
	}
	var list []error
	for _, text := range l.broken {
		list = append(list, errors.New(text))
	}
	return Report{l.confirmed, l.delivered, l.again, l.handed, l.attached, l.committed, l.aborted, l.left, l.parted}, errors.Join(list...)
}

// complete waits until nothing is missing. It looks from time to time: to look is dear.
func (r *Run) complete(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		r.ledger.mu.Lock()
		text := r.ledger.missing()
		r.ledger.mu.Unlock()
		if text == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
