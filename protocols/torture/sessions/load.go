package sessions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/manifoldmq/manifold/protocols/mqtt/packet"
)

// Workload says what a run does.
type Workload struct {
	Seed        uint64 // of all random choices
	Name        string // of the topics and clients; one run has one to itself
	QoS         byte   // 1 or 2
	Version     packet.Version
	Publishers  int
	Subscribers int
	Window      int     // messages of a publisher that are not acknowledged; at least 1
	Size        int     // of payloads, at most
	Cuts        float64 // chance of a client to cut its connection after a packet
	Backlog     int     // publishers pause when a subscriber is so many messages behind; 0: they don't
}

// Crash returns the workload behind crash tests.
func Crash(seed uint64, qos byte) Workload {
	return Workload{
		Seed: seed, Name: fmt.Sprintf("sessions/%d/%d", qos, seed), QoS: qos, Version: packet.V311 + packet.Version(seed%2),
		Publishers: 3, Subscribers: 3, Window: 32, Size: 4 << 10, Cuts: 0.0005, Backlog: 5000,
	}
}

// Run is a workload at work.
type Run struct {
	w      Workload
	broker func() string // address of the broker, "" while there is none
	ctx    context.Context
	cancel context.CancelFunc
	calm   chan struct{} // closed: publishers finish what they have begun

	publishers  []*publisher
	subscribers []*subscriber
	publishing  sync.WaitGroup
	receiving   sync.WaitGroup

	mu     sync.Mutex
	moved  chan struct{} // closed, and made anew, when something was acknowledged or received
	done   int           // messages acknowledged to publishers
	last   error         // why the last connection ended
	broken []string
}

// Start subscribes the subscribers and starts all clients. broker returns the address at which the
// broker can be reached at present; it is asked at each try to connect.
func Start(ctx context.Context, w Workload, broker func() string) (*Run, error) {
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{w: w, broker: broker, ctx: ctx, cancel: cancel, calm: make(chan struct{}), moved: make(chan struct{})}
	subscribed := make(chan struct{}, w.Subscribers)
	for i := range w.Subscribers {
		s := newSubscriber(r, i, subscribed)
		r.subscribers = append(r.subscribers, s)
		r.receiving.Go(func() { r.work(s) })
	}
	for range w.Subscribers {
		select {
		case <-subscribed:
		case <-ctx.Done():
			return nil, r.failure("subscribing")
		}
	}
	for i := range w.Publishers {
		p := newPublisher(r, i)
		r.publishers = append(r.publishers, p)
		r.publishing.Go(func() { r.work(p) })
	}
	return r, nil
}

// client is what a worker is: it serves one connection after the other until it is done.
type client interface {
	id() string
	serve(c *conn, present bool) (done bool, err error)
}

// work connects a client again and again until it is done.
func (r *Run) work(k client) {
	for r.ctx.Err() == nil {
		c, present, err := dial(r.ctx, r.broker(), r.w.Version, k.id())
		if err == nil {
			stop := context.AfterFunc(r.ctx, c.close)
			var done bool
			done, err = k.serve(c, present)
			stop()
			c.close()
			if done {
				return
			}
		}
		r.note(err)
		timer := time.NewTimer(10 * time.Millisecond)
		select {
		case <-timer.C:
		case <-r.ctx.Done():
		}
		timer.Stop()
	}
}

func (r *Run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = err
}

// violate notes that the broker has broken a promise.
func (r *Run) violate(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.broken) < 20 {
		r.broken = append(r.broken, fmt.Sprintf(format, args...))
	}
}

// progress notes that n more messages were acknowledged, or that something was received.
func (r *Run) progress(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += n
	close(r.moved)
	r.moved = make(chan struct{})
}

// wait waits for a condition, which is asked with mu held.
func (r *Run) wait(ctx context.Context, met func() bool) error {
	for {
		r.mu.Lock()
		ok, moved := met(), r.moved
		r.mu.Unlock()
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

// Acknowledged waits until n more messages than now are acknowledged.
func (r *Run) Acknowledged(ctx context.Context, n int) error {
	r.mu.Lock()
	n += r.done
	r.mu.Unlock()
	if err := r.wait(ctx, func() bool { return r.done >= n }); err != nil {
		return r.failure("waiting for acknowledgements")
	}
	return nil
}

func (r *Run) failure(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Errorf("%s: %d acknowledged; the last connection ended with: %w", what, r.done, r.last)
}

// Finish lets publishers end what they have begun, waits until all of it has come, and compares.
// The error says what was broken, or that something did not come before ctx ended.
func (r *Run) Finish(ctx context.Context) (Report, error) {
	defer r.cancel()
	close(r.calm)
	published := make(chan struct{})
	go func() { r.publishing.Wait(); close(published) }()
	select {
	case <-published:
	case <-ctx.Done():
		return Report{}, r.failure("ending the publishers")
	}
	late := r.wait(ctx, func() bool {
		for _, s := range r.subscribers {
			if s.missing(r.publishers) != "" {
				return false
			}
		}
		return true
	})
	for _, s := range r.subscribers {
		if s.settle(ctx) != nil {
			break
		}
	}
	r.cancel()
	r.receiving.Wait()
	return r.audit(late)
}

// Report is what a run did.
type Report struct {
	Published int // messages, all acknowledged
	Received  int // deliveries, at all subscribers
	Repeated  int // of them not the first of their message
	Resumed   int // connections that found their session
}

// audit compares what was received with what was published.
func (r *Run) audit(late error) (Report, error) {
	var rep Report
	for _, p := range r.publishers {
		rep.Published += int(p.next - 1)
		rep.Resumed += p.resumed
	}
	for _, s := range r.subscribers {
		rep.Received += s.received
		rep.Repeated += s.repeated
		rep.Resumed += s.resumed
		if text := s.missing(r.publishers); text != "" {
			r.violate("%s has not got %s (%v)", s.id(), text, late)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []error
	for _, text := range r.broken {
		list = append(list, errors.New(text))
	}
	return rep, errors.Join(list...)
}

func dice(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
