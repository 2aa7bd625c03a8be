package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
	"github.com/manifoldmq/manifold/store"
)

// fakeBroker records the calls; what a test sets in its functions decides how they end.
type fakeBroker struct {
	start  func(ctx context.Context) error
	drain  func(ctx context.Context) error
	reload func(c *config.Config) ([]string, error)
	close  func() error
	fatal  chan error

	mu    sync.Mutex
	calls []string
}

func (b *fakeBroker) note(call string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, call)
}

func (b *fakeBroker) history() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.calls, " ")
}

func (b *fakeBroker) Start(ctx context.Context) error {
	b.note("start")
	if b.start == nil {
		return nil
	}
	return b.start(ctx)
}

func (b *fakeBroker) Drain(ctx context.Context) error {
	b.note("drain")
	if b.drain == nil {
		return nil
	}
	return b.drain(ctx)
}

func (b *fakeBroker) Reload(c *config.Config) ([]string, error) {
	b.note("reload")
	if b.reload == nil {
		return nil, nil
	}
	return b.reload(c)
}

func (b *fakeBroker) Close() error {
	b.note("close")
	if b.close == nil {
		return nil
	}
	return b.close()
}

func (b *fakeBroker) Fatal() <-chan error { return b.fatal }

func (b *fakeBroker) Addresses() []Address {
	return []Address{{"openwire", "tcp", "127.0.0.1:61616"}, {"stomp", "tcp", "127.0.0.1:61613"}}
}

// safeBuffer is a bytes.Buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// harness runs a process inside a synctest bubble.
type harness struct {
	*Process
	broker   *fakeBroker
	signals  chan os.Signal
	out, err *safeBuffer
	log      *safeBuffer
	cancel   context.CancelFunc
	done     chan error
}

func start(t *testing.T, b *fakeBroker, options ...func(*Options)) *harness {
	t.Helper()
	h := &harness{broker: b, signals: make(chan os.Signal), out: &safeBuffer{}, err: &safeBuffer{}, log: &safeBuffer{}, done: make(chan error, 1)}
	o := Options{
		Config:  config.Default(),
		Load:    func() (*config.Loaded, error) { return config.Parse("c.yaml", nil) },
		Signals: h.signals, Out: h.out, Err: h.err,
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
	}
	for _, f := range options {
		f(&o)
	}
	h.Process = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	go func() { h.done <- h.Run(ctx, b) }()
	synctest.Wait()
	return h
}

func (h *harness) send(s os.Signal) {
	h.signals <- s
	synctest.Wait()
}

// ended checks how Run returned, and which calls the broker saw.
func (h *harness) ended(t *testing.T, want sysexit.Code, calls string) {
	t.Helper()
	h.cancelAfter()
	select {
	case err := <-h.done:
		if got := sysexit.Of(err); got != want {
			t.Errorf("ended with %d (%v), want %d", got, err, want)
		}
	default:
		t.Fatal("still running; calls:", h.broker.history())
	}
	if got := h.broker.history(); got != calls {
		t.Errorf("calls: %s; want %s", got, calls)
	}
}

func (h *harness) cancelAfter() { synctest.Wait(); h.cancel() }

func untilDone(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

func TestReadyThenTerm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var announced []Address
		h := start(t, &fakeBroker{}, func(o *Options) {
			o.Started = func(a []Address) error { announced = a; return nil }
		})
		if got := h.out.String(); got != "ready openwire=127.0.0.1:61616 stomp=127.0.0.1:61613\n" {
			t.Errorf("ready line: %q", got)
		}
		if len(announced) != 2 {
			t.Errorf("announced: %v", announced)
		}
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start drain close")
	})
}

func TestReadyAsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, &fakeBroker{}, func(o *Options) { o.Config.Log.Format = "json" })
		const want = `{"event":"ready","listeners":[{"name":"openwire","network":"tcp","address":"127.0.0.1:61616"},{"name":"stomp","network":"tcp","address":"127.0.0.1:61613"}]}` + "\n"
		if got := h.out.String(); got != want {
			t.Errorf("got %q", got)
		}
		h.cancel()
		h.ended(t, sysexit.OK, "start drain close")
	})
}

func TestFailedStart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want sysexit.Code
	}{
		{store.ErrLocked, sysexit.StoreLocked},
		{fmt.Errorf("listen: %w", syscall.EADDRINUSE), sysexit.PortInUse},
		{errors.New("x"), sysexit.Software},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, &fakeBroker{start: func(context.Context) error { return c.err }})
			h.ended(t, c.want, "start close")
			if h.out.String() != "" {
				t.Error("said to be ready")
			}
		})
	}
}

func TestFailureToAnnounce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, &fakeBroker{}, func(o *Options) {
			o.Started = func([]Address) error { return sysexit.Errorf(sysexit.CantCreate, "no token file") }
		})
		h.ended(t, sysexit.CantCreate, "start drain close")
	})
}

func TestTermWhileStarting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, &fakeBroker{start: untilDone})
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start close")
	})
}

func TestSecondTermStopsTheDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, &fakeBroker{drain: untilDone})
		h.send(syscall.SIGINT)
		if got := h.broker.history(); got != "start drain" {
			t.Fatalf("calls: %s", got)
		}
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start drain close")
	})
}

func TestThirdTermDoesNotWaitForClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := start(t, &fakeBroker{drain: untilDone, close: func() error { <-release; return nil }})
		for range 3 {
			h.send(syscall.SIGTERM)
		}
		h.ended(t, sysexit.Software, "start drain close")
		close(release)
	})
}

func TestDrainAndCloseAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := start(t, &fakeBroker{drain: untilDone, close: func() error { <-release; return nil }})
		began := time.Now()
		h.send(syscall.SIGTERM)
		if err := <-h.done; sysexit.Of(err) != sysexit.IO {
			t.Errorf("got %v", err)
		}
		if took, want := time.Since(began), config.Default().Broker.DrainTimeout+closeGrace; took != want {
			t.Errorf("took %v, want %v", took, want)
		}
		close(release)
		h.cancel()
	})
}

func TestFatal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want sysexit.Code
	}{
		{errors.New("fsync failed"), sysexit.IO},
		{store.ErrStopped, sysexit.IO},
		{store.ErrCorrupt, sysexit.StoreCorrupt},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, &fakeBroker{fatal: make(chan error, 1)})
			h.broker.fatal <- c.err
			h.ended(t, c.want, "start close")
		})
	}
}

func TestCloseError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, &fakeBroker{close: func() error { return store.ErrStopped }})
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.IO, "start drain close")
	})
}

func TestReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text, got := "", ""
		h := start(t, &fakeBroker{reload: func(c *config.Config) ([]string, error) {
			got = c.Limits.Memory.String()
			return []string{"limits", "name (after a restart)"}, nil
		}}, func(o *Options) {
			o.Load = func() (*config.Loaded, error) { return config.Parse("c.yaml", []byte(text)) }
		})
		text = "limits: {memory: 2GiB}\nbroker: {name: other}"
		changes, err := h.Process.Reload(t.Context())
		if err != nil || strings.Join(changes, "; ") != "limits; name (after a restart)" {
			t.Errorf("got %q, %v", changes, err)
		}
		if !strings.Contains(h.log.String(), `this change needs a restart" path=broker.name old=localhost new=other`) {
			t.Errorf("log: %s", h.log.String())
		}
		if got != "2GiB" {
			t.Errorf("the broker was given %s", got)
		}
		text = "limits: {memory: 2gb}"
		if _, err := h.Process.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "c.yaml:1: limits.memory") {
			t.Errorf("a bad file: %v", err)
		}
		if !strings.Contains(h.log.String(), "the old configuration stays") {
			t.Errorf("log: %s", h.log.String())
		}
		text = "limits: {memory: 3GiB}"
		h.send(syscall.SIGHUP)
		if got != "3GiB" {
			t.Errorf("after HUP the broker has %s", got)
		}
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start reload reload drain close")
	})
}

func TestReloadsDoNotOverlapAndNoneIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := start(t, &fakeBroker{reload: func(*config.Config) ([]string, error) { <-release; return nil, nil }})
		h.send(syscall.SIGHUP)
		answers := make(chan error, 2)
		for range cap(answers) {
			go func() { _, err := h.Process.Reload(context.Background()); answers <- err }()
		}
		synctest.Wait()
		if got := h.broker.history(); got != "start reload" {
			t.Fatalf("calls: %s", got)
		}
		release <- struct{}{}
		synctest.Wait()
		if len(answers) > 0 {
			t.Error("answered before the file was read again")
		}
		release <- struct{}{}
		for range cap(answers) {
			if err := <-answers; err != nil {
				t.Error(err)
			}
		}
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start reload reload drain close")
	})
}

func TestStopDuringReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := start(t, &fakeBroker{reload: func(*config.Config) ([]string, error) { <-release; return nil, nil }})
		h.send(syscall.SIGHUP)
		h.send(syscall.SIGTERM)
		if _, err := h.Process.Reload(t.Context()); !errors.Is(err, errStopping) {
			t.Errorf("a reload after TERM: %v", err)
		}
		close(release)
		h.ended(t, sysexit.OK, "start reload drain close")
	})
}

func TestReloadWhileStarting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := start(t, &fakeBroker{start: func(context.Context) error { <-release; return nil }})
		h.send(syscall.SIGHUP)
		close(release)
		synctest.Wait()
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start reload drain close")
	})
}

func TestQuitDumpsGoroutinesAndGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := start(t, &fakeBroker{})
		h.send(syscall.SIGQUIT)
		if !strings.Contains(h.err.String(), "goroutine ") {
			t.Error("no dump")
		}
		h.send(syscall.SIGTERM)
		h.ended(t, sysexit.OK, "start drain close")
	})
}

func TestReadyLineThatCantBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		r.Close()
		h := start(t, &fakeBroker{}, func(o *Options) { o.Out = w })
		h.ended(t, sysexit.Software, "start drain close")
	})
}
