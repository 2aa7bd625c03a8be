package torture

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/manifoldmq/manifold/protocols/brokertest"
	"github.com/manifoldmq/manifold/protocols/torture/client"
)

// TestBroker runs the workload against any broker, named by a URL in the environment. Nothing
// is killed, but clients cut their connections.
func TestBroker(t *testing.T) {
	t.Parallel()
	target := os.Getenv("MANIFOLD_TORTURE_URL")
	if target == "" {
		t.Skip("MANIFOLD_TORTURE_URL names no broker")
	}
	cutting(t, Crash(seed()), Endpoint{URL: target, Life: 1})
}

// TestAMQP runs the workload with AMQP against a broker of its own.
func TestAMQP(t *testing.T) {
	t.Parallel()
	broker := brokertest.Start(t, brokertest.WithStore(t.TempDir()))
	cutting(t, Crash(seed()), Endpoint{URL: broker.URL("amqp", "amqp"), Life: 1})
}

// TestAMQPLibraries does so with client libraries, unmodified. One that is not installed is
// skipped, unless MANIFOLD_FOREIGN_CLIENTS is "required".
func TestAMQPLibraries(t *testing.T) {
	t.Parallel()
	t.Run("go-amqp", func(t *testing.T) {
		t.Parallel()
		broker := brokertest.Start(t, brokertest.WithStore(t.TempDir()))
		cutting(t, LibraryAMQP(seed(), false), Endpoint{URL: broker.URL("amqp+library", "amqp"), Life: 1})
	})
	t.Run("proton", func(t *testing.T) {
		t.Parallel()
		p, err := client.StartProton(t.Context())
		switch {
		case errors.Is(err, client.ErrMissing) && os.Getenv("MANIFOLD_FOREIGN_CLIENTS") != "required":
			t.Skip(err)
		case err != nil:
			t.Fatal(err)
		}
		broker := brokertest.Start(t, brokertest.WithStore(t.TempDir()))
		cutting(t, LibraryAMQP(seed(), true), Endpoint{URL: broker.URL("amqp", "amqp"), Life: 1, Dial: p.Dial})
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func seed() uint64 { return uint64(time.Now().UnixNano()) }

// cutting runs the workload against a broker and audits it.
func cutting(t *testing.T, w Workload, broker Endpoint) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	l := NewLedger(w.Seed)
	r, err := Start(ctx, w, l, func() []Endpoint { return []Endpoint{broker} })
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Confirmed(5000):
	case <-ctx.Done():
	}
	if err := r.Stop(ctx); err != nil {
		t.Error(err)
	}
	if err := Drain(ctx, w, l, broker); err != nil {
		t.Error(err)
	}
	report := l.Audit()
	t.Log(report.String())
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}
