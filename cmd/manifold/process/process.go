package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/pprof"
	"syscall"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/cmd/manifold/systemd"
)

// Options are what a process needs beside its broker.
type Options struct {
	Config  *config.Config                 // what the broker was made from
	Load    func() (*config.Loaded, error) // reads the configuration again, for a reload
	Signals <-chan os.Signal               // HUP, TERM, INT, QUIT; others are ignored
	Notify  systemd.Notifier
	Out     io.Writer // gets the ready line
	Err     io.Writer // gets goroutine dumps
	Log     *slog.Logger
	// Standby says that Start returns only when the broker becomes active, which can take for
	// ever. The service manager is told that the process is ready before that.
	Standby bool
	// Started runs once, when the broker is up and before that is announced. Its error stops
	// the process.
	Started func([]Address) error
}

// Process runs one broker.
type Process struct {
	Options
	reloads chan chan<- reloaded
}

// reloaded is the answer to a reload.
type reloaded struct {
	changes []string
	err     error
}

// closeGrace is how long a stop waits for the broker to close. A disk that does not answer must
// not keep a process that was told to stop.
const closeGrace = 30 * time.Second

// New returns a process that does not run yet.
func New(o Options) *Process {
	return &Process{Options: o, reloads: make(chan chan<- reloaded)}
}

// Reload asks the running process to read its configuration again, and returns what changed. It
// blocks until that is done or ctx ends. Any goroutine may call it.
func (p *Process) Reload(ctx context.Context) ([]string, error) {
	answer := make(chan reloaded, 1)
	select {
	case p.reloads <- answer:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-answer:
		return r.changes, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Run starts the broker and returns when it has stopped: nil after a stop that was asked for by
// a signal or by ctx, else the reason, from which sysexit.Of tells the exit code.
func (p *Process) Run(ctx context.Context, b Broker) error {
	r := &run{Process: p, broker: b, stop: ctx.Done()}
	return r.loop()
}

// run is one run of a process. Everything here belongs to the goroutine of Run; what may block
// runs beside it and reports to a channel, so that signals and the watchdog are always served.
type run struct {
	*Process
	broker Broker
	stop   <-chan struct{}

	cancel     context.CancelFunc // ends the start or the drain under way
	started    chan error         // not nil while starting
	drained    chan error         // not nil while draining
	closed     chan error         // not nil while closing
	reloadDone chan reloadResult  // not nil while reloading

	stopping bool
	result   error             // what Run returns at the end
	answers  []chan<- reloaded // who waits for the reload under way
	waiting  []chan<- reloaded // who asked after it had begun
	again    bool              // a reload was asked for while one was under way
}

type reloadResult struct {
	reloaded
	config *config.Config
}

func (r *run) loop() error {
	watchdog := r.watchdog()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	defer func() { r.cancel() }()
	r.started = async(func() error { return r.broker.Start(ctx) })
	if r.Standby {
		r.Log.Info("standing by")
		r.tell(r.Notify.Ready("standing by"))
	}
	var grace <-chan time.Time
	for {
		if r.closed != nil && grace == nil {
			timer := time.NewTimer(closeGrace)
			defer timer.Stop()
			grace = timer.C
		}
		select {
		case s := <-r.Signals:
			if r.signal(s) {
				return errors.Join(r.result, errors.New("stopped without closing the store; it is recovered at the next start"))
			}
		case <-r.stop:
			r.stop = nil
			r.drain("context ended")
		case err := <-r.started:
			r.started = nil
			r.start(err)
		case answer := <-r.reloads:
			r.reload(answer)
		case result := <-r.reloadDone:
			r.reloadDone = nil
			r.finishReload(result)
		case err := <-r.drained:
			r.drained = nil
			if err != nil {
				r.Log.Warn("not everything was settled", "error", err)
			}
			r.close()
		case err := <-r.broker.Fatal():
			r.fatal(err)
		case err := <-r.closed:
			return r.end(err)
		case <-grace:
			return errors.Join(r.result, sysexit.Errorf(sysexit.IO, "the broker did not close within %v", closeGrace))
		case <-watchdog:
			r.tell(r.Notify.Watchdog())
		}
	}
}

// async runs f beside the loop. The channel holds one value, so f's goroutine always ends.
func async[T any](f func() T) chan T {
	done := make(chan T, 1)
	go func() { done <- f() }()
	return done
}

func (r *run) watchdog() <-chan time.Time {
	if every := r.Notify.WatchdogInterval(); every > 0 {
		return time.Tick(every)
	}
	return nil
}

// signal acts on a signal; it returns true when the process must end at once.
func (r *run) signal(s os.Signal) bool {
	switch s {
	case syscall.SIGHUP:
		r.reload(nil)
	case syscall.SIGQUIT:
		r.dump()
	case syscall.SIGTERM, syscall.SIGINT:
		switch {
		case !r.stopping:
			r.drain(s.String())
		case r.closed == nil:
			r.Log.Warn("stopping now", "signal", s.String())
			r.cancel()
			r.close()
		default:
			return true
		}
	}
	return false
}

// start ends the starting phase.
func (r *run) start(err error) {
	switch {
	case r.stopping: // a stop overtook the start
		if err == nil {
			r.beginDrain()
		} else {
			r.close()
		}
		return
	case err != nil:
		r.result = err
		r.stopping = true
		r.close()
		return
	}
	addresses := r.broker.Addresses()
	if r.Started != nil {
		err = r.Started(addresses)
	}
	if err == nil {
		err = writeReady(r.Out, addresses, r.Config.Log.Format == "json")
	}
	if err != nil {
		r.result = err
		r.drain(err.Error())
		return
	}
	r.Log.Info("ready", "listeners", join(addresses))
	r.tell(r.Notify.Ready("listening on " + join(addresses)))
	if r.again {
		r.again = false
		r.reload(nil)
	}
}

// drain begins an orderly stop.
func (r *run) drain(why string) {
	if r.stopping {
		return
	}
	r.stopping = true
	r.refuse()
	r.Log.Info("stopping", "reason", why, "drain_timeout", r.Config.Broker.DrainTimeout)
	r.tell(r.Notify.Stopping("draining"))
	r.tell(r.Notify.Extend(r.Config.Broker.DrainTimeout + closeGrace))
	if r.started != nil {
		r.cancel() // the answer of Start comes to the loop
		return
	}
	if r.reloadDone == nil {
		r.beginDrain()
	}
}

func (r *run) beginDrain() {
	if r.closed != nil || r.drained != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.Config.Broker.DrainTimeout)
	r.cancel()
	r.cancel = cancel
	r.drained = async(func() error { return r.broker.Drain(ctx) })
}

func (r *run) close() {
	if r.closed == nil {
		r.closed = async(r.broker.Close)
	}
}

// fatal ends the process after an error that the broker can't survive. Nothing is drained:
// nothing can be confirmed any more.
func (r *run) fatal(err error) {
	if err == nil || r.result != nil {
		return
	}
	if sysexit.Of(err) == sysexit.Software {
		err = sysexit.With(sysexit.IO, err)
	}
	r.result = err
	r.stopping = true
	r.Log.Error("the broker can't go on", "error", err)
	r.tell(r.Notify.Stopping(err.Error()))
	r.refuse()
	r.cancel()
	r.close()
}

func (r *run) end(err error) error {
	r.waiting = append(r.waiting, r.answers...)
	r.refuse()
	if r.result == nil && err != nil {
		r.result = fmt.Errorf("close: %w", err)
	}
	if r.result == nil {
		r.Log.Info("stopped")
	}
	return r.result
}

// dump writes the stacks of all goroutines, for a process that seems stuck.
func (r *run) dump() {
	if err := pprof.Lookup("goroutine").WriteTo(r.Err, 2); err != nil {
		r.Log.Warn("goroutine dump", "error", err)
	}
}

// tell logs that the service manager could not be told something; the broker goes on.
func (r *run) tell(err error) {
	if err != nil {
		r.Log.Warn("service manager", "error", err)
	}
}
